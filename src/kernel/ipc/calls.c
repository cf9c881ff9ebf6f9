/* SPDX-License-Identifier: MIT */
/* The system calls on ports and messages: what programs give is checked here; messages.c acts. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "ipc/ipc.h"
#include "ipc/messages.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"
#include "vfs/file.h"

void ipc_init(void)
{
	port_cache_init();
	endpoint_init();
}

struct port_ref port_borrow(int fd, uint32_t rights)
{
	struct port_ref ref = { .fd = fd_borrow(fd) };

	ref.port = port_of_file(ref.fd.file, rights, &ref.error);
	if (unlikely(!ref.port))
		fd_release(ref.fd);
	return ref;
}

/* The same for a call that sends @header. The handle itself may go with the message: then it needs a reference of its own. */
static struct port_ref port_borrow_for(int fd, uint32_t rights, msg_header header)
{
	struct port_ref ref = port_borrow(fd, rights);

	if (unlikely(ref.port && msg_handles(header) && !ref.fd.counted)) {
		file_get(ref.fd.file);
		ref.fd.counted = true;
	}
	return ref;
}

/* What the short way may keep in mind: @fd, if it is still that of the call and nobody else can close it. */
static uint64_t known_descriptor(int fd, struct port_ref ref)
{
	return endpoint_owns_descriptors() && fd_file_of_mine(fd) == ref.fd.file ? (uint64_t)fd : NO_DESCRIPTOR;
}

/* Gives the program @fd for @file, or puts it. */
static long install(struct file *file, bool keep)
{
	int fd;

	if (!file)
		return -ENOMEM;
	fd = keep ? fd_install(file, 0, false) : fd_install_handle(file);
	if (fd < 0)
		file_put(file);
	return fd;
}

static int copy_name(char *name, uaddr_t from)
{
	ssize_t len = copy_string_from_user(name, from, PORT_NAME_MAX);

	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	return port_name_check(name);
}

bool port_name_is_allowed(const char *name)
{
	struct process *process = current_process();
	uint64_t flags = spin_lock_irq(&process->lock);
	struct port_names *names = port_names_get(process->port_names);
	bool allowed;

	spin_unlock_irq(&process->lock, flags);
	allowed = port_names_allow(names, name);
	port_names_put(names);
	return allowed;
}

long sys_port_create(uaddr_t user_name, unsigned flags)
{
	char name[PORT_NAME_MAX] = "";
	struct port *port;
	struct file *file;
	int error = user_name ? copy_name(name, user_name) : 0;

	if (error)
		return error;
	if (flags & ~(PORT_PERSISTENT | PORT_REPLAY | PORT_KEEP) || (flags & (PORT_PERSISTENT | PORT_REPLAY)) == PORT_REPLAY)
		return -EINVAL;
	/* Who may not open a name may not pretend to be its owner either. */
	if (user_name && !(port_name_is_allowed(name) && port_name_is_own(name)))
		return -EPERM;
	port = port_alloc(flags & (PORT_PERSISTENT | PORT_REPLAY), &error);
	if (!port)
		return error;
	if (user_name)
		error = port_name_add(port, name);
	file = error ? NULL : port_file_create(port, PORT_RIGHTS, port->epoch);
	if (!file) {
		/* Others may know it by its name already. */
		port_lose_receiver(port, port->epoch);
		port_put(port);
		return error ? error : -ENOMEM;
	}
	return install(file, flags & PORT_KEEP);
}

long sys_port_open(uaddr_t user_name, unsigned rights)
{
	char name[PORT_NAME_MAX];
	struct port *port;
	struct file *file;
	int error = copy_name(name, user_name);

	if (error)
		return error;
	if (!rights || rights & ~(PORT_SEND | PORT_NOTIFY | PORT_DUP))
		return -EINVAL;
	/* Outside of its profile a port does not exist. */
	port = port_name_is_allowed(name) ? port_name_find(name) : NULL;
	if (!port)
		return -ENOENT;
	file = port_file_create(port, rights, 0);
	if (!file)
		port_put(port);
	return install(file, false);
}

/* A header as programs may send it, for @me; -EINVAL. */
static int check_header(msg_header header)
{
	return msg_type(header) >= MSG_TYPE_KERNEL || msg_length(header) > MSG_PAYLOAD_MAX || msg_handles(header) > MSG_HANDLES_MAX ||
	       msg_priority(header) > MSG_PRIORITY_MAX ? -EINVAL : 0;
}

/* What the header of a message, and the extra if there is one, say about what goes with it. */
struct outgoing {
	unsigned count;
	struct file *files[MSG_HANDLES_MAX];
	uint64_t grants;
};

/* Takes the handles out of the program's table: from here on they are gone for it. */
static int take_outgoing(msg_header header, uaddr_t extra, struct outgoing *out)
{
	struct msg_extra given;
	int error = check_header(header);

	out->count = 0;
	out->grants = 0;
	if (error)
		return error;
	if (!extra)
		return msg_handles(header) ? -EINVAL : 0;
	if (copy_from_user(&given, extra, offsetof(struct msg_extra, pid)))
		return -EFAULT;
	if (!capabilities_hold(given.grants))
		return -EPERM;
	out->grants = given.grants;
	error = handles_take(given.handles, msg_handles(header), out->files);
	if (!error)
		out->count = msg_handles(header);
	return error;
}

/* Tells the program what it received: the registers, the extra, the descriptors. The files in @receipt are given or put. Returns the header or -EFAULT. */
static long tell(struct endpoint *me, struct receipt *receipt, uaddr_t extra, bool told_sender)
{
	struct trap_frame *frame = cpu_user_frame();
	struct msg_extra out = { 0 };

	frame->rdx = receipt->token;
	frame->r8 = told_sender ? me->badge : 0;
	if (!extra) {
		handles_put(receipt->files, receipt->file_count);
		return receipt->header & ~(0xffull << 48);
	}
	for (unsigned i = 0; i < MSG_HANDLES_MAX; i++)
		out.handles[i] = i < receipt->file_count ? receipt->slots[i] : -1;
	if (told_sender) {
		out.grants = me->grants;
		/* The program knows of it, so that it can use it. */
		if (me->grants) {
			capabilities_grant(me->grants);
			/* What comes by the short way does not end it. */
			me->serve_fd = NO_DESCRIPTOR;
			me->serve_port = &no_port;
		}
		out.pid = me->sender.pid;
		out.uid = me->sender.uid;
		out.gid = me->sender.gid;
		out.capabilities = me->sender.capabilities;
		out.request = me->request;
		out.deaths = me->deaths;
	}
	handles_give(receipt->files, receipt->file_count, receipt->slots);
	return copy_to_user(extra, &out, sizeof(out)) ? -EFAULT : (long)receipt->header;
}

/* What a call with @header returns that was interrupted. Handles that went with the message are gone: it cannot be made again. */
static long not_again(long result, msg_header header)
{
	return result == -ERESTARTSYS && msg_handles(header) ? -EINTR : result;
}

/* The answer to @me's call. */
static long tell_answer(struct endpoint *me, uaddr_t extra)
{
	struct call *call = &me->call;
	struct receipt receipt = { .header = call->reply };
	int error;

	memcpy(receipt.files, call->reply_files, call->reply_count * sizeof(*receipt.files));
	receipt.file_count = call->reply_count;
	if (extra && receipt.file_count) {
		error = handles_reserve(receipt.slots, receipt.file_count);
		if (error) {
			handles_put(receipt.files, receipt.file_count);
			return error;
		}
	}
	return tell(me, &receipt, extra, false);
}

long sys_msg_call(int fd, uint64_t header, int64_t timeout, uaddr_t extra)
{
	struct endpoint *me = endpoint_current();
	struct port_ref ref = port_borrow_for(fd, PORT_SEND, header);
	struct outgoing out;
	struct message *message;
	long result;

	if (unlikely(!ref.port))
		return ref.error;
	result = !me ? -ENOBUFS : timeout == 0 ? -EINVAL : take_outgoing(header, extra, &out);
	if (result)
		goto out;
	message = &me->call.message;
	message->header = header;
	message->level = msg_level(msg_priority(header));
	message->badge = port_file_badge(ref.fd.file);
	message->handle_count = out.count;
	memcpy(message->files, out.files, out.count * sizeof(*out.files));
	message->grants = out.grants;
	atomic_store(&message->port, ref.port);
	me->ask_fd = known_descriptor(fd, ref);
	result = not_again(msg_call_port(ref.port, me, timeout), header);
	handles_put(message->files, message->handle_count);
	message->handle_count = 0;
	if (!result)
		result = tell_answer(me, extra);
	/* The short way would find it by that number. */
	if (me->ask_fd == NO_DESCRIPTOR)
		atomic_store(&message->port, &no_port);
out:
	port_release_ref(ref);
	return result;
}

/* Waits until the process may have more unread messages. Nothing wakes it for its user's: -EAGAIN when none of them is its own. */
static int wait_for_room(struct endpoint *me, size_t offset, size_t len, int64_t timeout, struct posted **posted)
{
	struct process *process = current_process();
	uint64_t deadline = timeout < 0 ? WAIT_FOREVER : msg_deadline(timeout);
	struct waiter waiter;
	int error, woken = 0;

	wait_begin(&process->message_room, &waiter);
	while ((error = posted_create(me, offset, len, posted)) == -EAGAIN && atomic_load(&process->message_bytes) && !woken)
		woken = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	if (error == -EAGAIN && woken)
		return woken == -ETIMEDOUT ? woken : timeout < 0 ? -ERESTARTSYS : -EINTR;
	return error;
}

int msg_make_posted(struct endpoint *me, size_t offset, msg_header header, int64_t timeout, struct posted **posted)
{
	int error = posted_create(me, offset, msg_length(header), posted);

	if (error == -EAGAIN && timeout)
		error = wait_for_room(me, offset, msg_length(header), timeout, posted);
	if (error)
		return error;
	(*posted)->message.header = header;
	(*posted)->message.level = msg_level(msg_priority(header));
	msg_fill_sender(&(*posted)->message.sender, me->thread);
	return 0;
}

long sys_msg_send(int fd, uint64_t header, int64_t timeout, uaddr_t extra)
{
	struct endpoint *me = endpoint_current();
	struct port_ref ref = port_borrow_for(fd, PORT_SEND, header);
	struct posted *posted;
	struct outgoing out;
	long result;

	if (unlikely(!ref.port))
		return ref.error;
	result = !me ? -ENOBUFS : check_header(header);
	if (result)
		goto out;
	if (!extra && !msg_handles(header) && msg_deliver_at_once(ref.port, me, header, port_file_badge(ref.fd.file)))
		goto out;
	result = msg_make_posted(me, 0, header, timeout, &posted);
	if (result)
		goto out;
	posted->message.badge = port_file_badge(ref.fd.file);
	result = take_outgoing(header, extra, &out);
	if (result) {
		posted_free(posted);
		goto out;
	}
	/* Grants end with the answer: a message without one carries none. */
	posted->message.handle_count = out.count;
	memcpy(posted->message.files, out.files, out.count * sizeof(*out.files));
	result = msg_post(ref.port, posted);
out:
	port_release_ref(ref);
	return result;
}

static long receive(struct port_ref ref, int fd, struct endpoint *me, int64_t timeout, uaddr_t extra, bool serve)
{
	struct receipt receipt;
	int error = endpoint_serve(me, ref.port, port_file_epoch(ref.fd.file));

	if (error)
		return error;
	me->serve_fd = known_descriptor(fd, ref);
	me->serve_epoch = port_file_epoch(ref.fd.file);
	me->serve_port = me->serve_fd == NO_DESCRIPTOR ? &no_port : ref.port;
	capabilities_end_grant();
	me->by_serve = serve && me->serve_fd != NO_DESCRIPTOR;
	error = msg_receive(ref.port, me->serve_epoch, me, timeout, extra ? FILES_WITH_SLOTS : FILES_ONLY, &receipt);
	me->by_serve = false;
	return error ? error : tell(me, &receipt, extra, true);
}

long sys_msg_recv(int fd, int64_t timeout, uaddr_t extra)
{
	struct endpoint *me = endpoint_current();
	struct port_ref ref = port_borrow(fd, PORT_RECV);
	long result;

	if (unlikely(!ref.port))
		return ref.error;
	result = me ? receive(ref, fd, me, timeout, extra, false) : -ENOBUFS;
	port_release_ref(ref);
	return result;
}

static int answer(struct port_ref ref, struct endpoint *me, msg_header header, uint64_t token, uaddr_t extra, bool soon)
{
	struct outgoing out;
	int error = me ? take_outgoing(header, extra, &out) : -ENOBUFS;

	if (error)
		return error;
	capabilities_end_grant();
	error = msg_answer(ref.port, port_file_epoch(ref.fd.file), me, token, header, out.files, &out.count, soon);
	handles_put(out.files, out.count);
	return error;
}

long sys_msg_reply(int fd, uint64_t header, uint64_t token, uaddr_t extra)
{
	struct port_ref ref = port_borrow_for(fd, PORT_RECV, header);
	int error;

	if (unlikely(!ref.port))
		return ref.error;
	error = answer(ref, endpoint_current(), header, token, extra, false);
	port_release_ref(ref);
	return error;
}

static long reply_recv(int fd, msg_header header, uint64_t token, int64_t timeout, uaddr_t extra, bool serve)
{
	struct port_ref ref = port_borrow_for(fd, PORT_RECV, token ? header : 0);
	struct endpoint *me = endpoint_current();
	long result;

	if (unlikely(!ref.port))
		return ref.error;
	result = !me ? -ENOBUFS : token ? answer(ref, me, header, token, extra, true) : 0;
	/* A caller that has given up is nothing that the server must know. */
	if (!result || result == -ENOENT)
		result = receive(ref, fd, me, timeout, extra, serve);
	port_release_ref(ref);
	return not_again(result, token ? header : 0);
}

long sys_msg_ask(int fd, uint64_t header)
{
	return sys_msg_call(fd, header, MSG_WAIT, 0);
}

long sys_msg_reply_recv(int fd, uint64_t header, uint64_t token, int64_t timeout, uaddr_t extra)
{
	return reply_recv(fd, header, token, timeout, extra, false);
}

long sys_msg_serve(int fd, uint64_t header, uint64_t token)
{
	long result = reply_recv(fd, header, token, MSG_WAIT, 0, true);

	/* The registers that a call is made again with may be gone. */
	return result == -ERESTARTSYS ? -EINTR : result;
}

/* message_path.inc: the caller slept by the short way, but the scheduler woke it. */
long message_resume_ask(uint64_t ask_number)
{
	struct endpoint *me = endpoint_current();
	struct trap_frame *frame = cpu_user_frame();
	long result = msg_finish_call(me);

	/* By the short way the frame does not hold what the call is made again with. */
	frame->error = ask_number;
	frame->rdi = me->ask_fd;
	frame->rsi = me->call.message.header;
	return result ? result : tell_answer(me, 0);
}

/* The same for a receiver. */
long message_resume_serve(void)
{
	struct endpoint *me = endpoint_current();
	struct receipt receipt = { 0 };
	uint64_t flags = spin_lock_irq(&me->port->lock);
	bool delivered = me->delivered;

	list_remove(&me->receiver_link);
	if (me->port->fast_receiver == me)
		me->port->fast_receiver = port_no_receiver(me->port);
	me->delivered = false;
	spin_unlock_irq(&me->port->lock, flags);
	if (delivered) {
		receipt.header = me->header;
		receipt.token = me->token;
		return tell(me, &receipt, 0, true);
	}
	return sys_msg_serve(me->serve_fd, 0, 0);
}

/* It was notified by the short way: the scheduler, and nobody else, let it go on. */
long message_resume_notified(void)
{
	struct endpoint *me = endpoint_current();
	struct receipt receipt = { .header = MSG_NOTIFICATION, .token = me->token };

	return tell(me, &receipt, 0, false);
}

long sys_port_notify(int fd, uint64_t bits)
{
	struct port_ref ref = port_borrow(fd, PORT_NOTIFY);
	struct endpoint *me = endpoint_current();
	uint64_t flags;
	long result = 0;

	if (unlikely(!ref.port))
		return ref.error;
	if (me && endpoint_owns_descriptors()) {
		me->notify_fd = fd;
		me->notify_port = ref.port;
	}
	flags = spin_lock_irq(&ref.port->lock);
	if (ref.port->dead) {
		result = -EPIPE;
	} else if (bits) {
		atomic_store(&ref.port->notified, ref.port->notified | bits);
		port_note_load(ref.port);
		ref.port->notifications++;
		port_something_came(ref.port, false);
	}
	spin_unlock_irq(&ref.port->lock, flags);
	port_release_ref(ref);
	return result;
}
