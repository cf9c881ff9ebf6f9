/* SPDX-License-Identifier: MIT */
/*
 * Calls that the kernel makes. The thread, which may be in the middle of serving a call itself, has an endpoint of its own for each: it stands in
 * the place of the thread's while the call is under way, so that who looks for whom the thread waits finds it.
 */
#include "ipc/kernel_call.h"
#include "ipc/messages.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/process.h"

enum { SPARE_MAX = 8, ERRNO_MAX = 4095 };

struct kernel_call {
	struct endpoint endpoint;
	char *payload;
	struct list link;	/* in @spare */
};

static struct spinlock spare_lock = SPINLOCK_INIT(LOCK_KERNEL_CALLS);
static struct list spare = LIST_INIT(spare);	/* spare_lock: for the next ones */
static unsigned spare_count;			/* spare_lock */

struct port *kernel_call_port(const char *name, int *error)
{
	struct port *port = port_name_check(name) == 0 && port_name_is_allowed(name) ? port_name_find(name) : NULL;

	*error = port ? 0 : -ENOENT;
	if (port && !(port->flags & PORT_REPLAY)) {
		port_put(port);
		port = NULL;
		*error = -EINVAL;
	}
	return port;
}

void kernel_call_port_put(struct port *port)
{
	port_put(port);
}

static struct kernel_call *take_spare(void)
{
	struct kernel_call *call = NULL;

	spin_lock(&spare_lock);
	if (!list_empty(&spare)) {
		call = list_first(&spare, struct kernel_call, link);
		list_remove(&call->link);
		spare_count--;
	}
	spin_unlock(&spare_lock);
	return call;
}

static void kernel_call_free(struct kernel_call *call)
{
	kfree(call->payload);
	kfree(call);
}

static struct kernel_call *kernel_call_alloc(void)
{
	struct kernel_call *call = kzalloc(sizeof(*call));

	if (!call)
		return NULL;
	call->payload = kmalloc(MSG_PAYLOAD_MAX);
	if (!call->payload) {
		kernel_call_free(call);
		return NULL;
	}
	for (int i = 0; i < MSG_PIECES; i++)
		call->endpoint.payload.pieces[i] = call->payload + i * PAGE_SIZE;
	list_init(&call->link);
	endpoint_init_kernel(&call->endpoint);
	return call;
}

struct kernel_call *kernel_call_begin(void)
{
	struct kernel_call *call = take_spare();

	return call ? call : kernel_call_alloc();
}

void kernel_call_end(struct kernel_call *call)
{
	bool keep;

	spin_lock(&spare_lock);
	keep = spare_count < SPARE_MAX;
	if (keep) {
		list_push_front(&spare, &call->link);
		spare_count++;
	}
	spin_unlock(&spare_lock);
	if (!keep)
		kernel_call_free(call);
}

void *kernel_call_payload(struct kernel_call *call)
{
	return call->payload;
}

static struct endpoint *use_endpoint(struct thread *thread, struct endpoint *endpoint)
{
	uint64_t flags = spin_lock_irq(&endpoints_lock);
	struct endpoint *before = thread->endpoint;

	/* What the thread is lent as a server its call lends on. */
	if (endpoint->call.by_kernel)
		atomic_store(&endpoint->lent, atomic_load(&before->lent));
	thread->endpoint = endpoint;
	spin_unlock_irq(&endpoints_lock, flags);
	return before;
}

long kernel_call(struct kernel_call *call, struct port *port, uint32_t type, unsigned length)
{
	struct endpoint *endpoint = &call->endpoint, *own;
	struct thread *thread = current_thread();
	msg_header reply;
	long error;

	endpoint->thread = endpoint->call.caller = endpoint->waiter.thread = endpoint->call.waiter.thread = thread;
	endpoint->call.message.header = msg_header_make(type, length, 0, 0);
	atomic_store(&endpoint->call.message.port, port);
	/* Before what programs can send: who may send to the port does not keep files from those who use them. */
	endpoint->call.message.level = 0;
	own = use_endpoint(thread, endpoint);
	error = msg_call_from_kernel(port, endpoint);
	use_endpoint(thread, own);
	if (error)
		return error == -EINTR ? error : -EIO;
	reply = endpoint->call.reply;
	handles_put(endpoint->call.reply_files, endpoint->call.reply_count);
	/* EINTR means that the caller was killed. */
	if (msg_type(reply) > ERRNO_MAX || msg_type(reply) == EINTR)
		return -EIO;
	return msg_type(reply) ? -(long)msg_type(reply) : (long)msg_length(reply);
}

int kernel_call_server_borrow(int fd, struct kernel_call_server *server)
{
	struct port_ref ref = port_borrow(fd, PORT_RECV);

	if (!ref.port)
		return -EBADF;
	*server = (struct kernel_call_server){ .fd = ref.fd, .port = ref.port, .epoch = port_file_epoch(ref.fd.file) };
	if (port_epoch_is(ref.port, server->epoch))
		return 0;
	port_release_ref(ref);
	return -ESTALE;
}

void kernel_call_server_release(const struct kernel_call_server *server)
{
	fd_release(server->fd);
}

int kernel_call_check(const struct kernel_call_server *server, uint64_t token, bool final, const void *answer, unsigned length)
{
	struct port *port = server->port;
	uint64_t flags = spin_lock_irq(&port->lock);
	struct call *call = NULL;
	int error = 0;

	if (!port_epoch_is(port, server->epoch))
		error = -ESTALE;
	else if (token && (!(call = held_find(port, token)) || !call->by_kernel))
		error = -ENOENT;
	if (!error && final) {
		held_remove(call);
		payload_write(&call->message.payload, 0, answer, length);
		call->reply = msg_header_make(0, length, 0, 0);
		call_finish(call, 0, false);
		lend_less(port);
	}
	lend_unlock(port, flags);
	return error;
}
