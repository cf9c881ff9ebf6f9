/* SPDX-License-Identifier: MIT */
/*
 * Calls that the kernel makes. The thread, which may be in the middle of serving a call itself, has an endpoint of its own for each: it stands in
 * the place of the thread's while the call is under way, so that who looks for whom the thread waits finds it.
 */
#include "ipc/kernel_call.h"
#include "arch/x86_64/entry.h"
#include "ipc/messages.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/process.h"
#include "sched/scheduler.h"

enum { SPARE_MAX = 8, ERRNO_MAX = 4095 };

struct kernel_call {
	struct endpoint endpoint;
	char *payload;
};

static struct kernel_call *spare[SPARE_MAX];	/* atomic: for the next ones; NULL: none */

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

static void kernel_call_free(struct kernel_call *call)
{
	kfree(call->payload);
	kfree(call);
}

static COLD struct kernel_call *kernel_call_alloc(void)
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
	endpoint_init_kernel(&call->endpoint);
	return call;
}

struct kernel_call *kernel_call_begin(void)
{
	for (unsigned i = 0; i < SPARE_MAX; i++) {
		struct kernel_call *call = atomic_exchange(&spare[i], NULL);

		if (likely(call))
			return call;
	}
	return kernel_call_alloc();
}

void kernel_call_end(struct kernel_call *call)
{
	for (unsigned i = 0; i < SPARE_MAX; i++) {
		call = atomic_exchange(&spare[i], call);
		if (likely(!call))
			return;
	}
	kernel_call_free(call);
}

void *kernel_call_payload(struct kernel_call *call)
{
	return call->payload;
}

/* Interrupts and preemption are off. */
static inline struct endpoint *use_endpoint(struct thread *thread, struct endpoint *endpoint)
{
	struct endpoint *before;

	spin_lock_nested(&endpoints_lock);
	before = thread->endpoint;
	/* What the thread is lent as a server its call lends on. */
	if (endpoint->call.by_kernel)
		atomic_store(&endpoint->lent, atomic_load(&before->lent));
	thread->endpoint = endpoint;
	spin_unlock_nested(&endpoints_lock);
	return before;
}

/* What the short way left, because the receiver or the caller died, or has not done at all. Interrupts and preemption are off but for inside. */
static COLD long ask_long(struct endpoint *endpoint, struct port *port, bool sent, uint64_t *flags)
{
	long error;

	interrupts_restore(*flags);
	preempt_enable();
	error = msg_call_from_kernel(port, endpoint, sent);
	*flags = interrupts_save();
	preempt_disable();
	return error;
}

/* Sends @endpoint's call and waits for its answer. Interrupts, which were so in *@flags, and preemption are off at first and at last. */
static inline long ask(struct endpoint *endpoint, struct port *port, unsigned length, uint64_t *flags)
{
	struct call *call = &endpoint->call;
	bool sent = length <= PAGE_SIZE && message_ask_from_kernel(endpoint, port);

	if (unlikely(!sent || atomic_load(&call->message.state) != MESSAGE_DONE))
		return ask_long(endpoint, port, sent, flags);
	/* Who has given the answer may still be busy with the waiter. */
	if (unlikely(atomic_load(&port->lock.locked))) {
		spin_lock_nested(&port->lock);
		spin_unlock_nested(&port->lock);
	}
	call->deaths = 0;
	call->message.state = MESSAGE_IDLE;
	return call->result;
}

/* What kernel_call() returns, by the result of its call and the answer. */
static inline long result_of(struct call *call, long error)
{
	uint32_t said = msg_type(call->reply);

	if (unlikely(error))
		return error == -EINTR ? error : -EIO;
	if (unlikely(call->reply_count))
		handles_put(call->reply_files, call->reply_count);
	/* EINTR means that the caller was killed. */
	if (unlikely(said))
		return said > ERRNO_MAX || said == EINTR ? -EIO : -(long)said;
	return msg_length(call->reply);
}

long kernel_call(struct kernel_call *kernel_call, struct port *port, uint32_t type, unsigned length)
{
	struct endpoint *endpoint = &kernel_call->endpoint, *own;
	struct call *call = &endpoint->call;
	struct thread *thread = current_thread();
	uint64_t flags;
	long error;

	endpoint->thread = call->caller = endpoint->waiter.thread = call->waiter.thread = thread;
	call->message.header = msg_header_make(type, length, 0, 0);
	atomic_store(&call->message.port, port);
	/* Before what programs can send: who may send to the port does not keep files from those who use them. */
	call->message.level = 0;
	call->reply_count = 0;
	/* By the short way whole words are copied, and what was here before is nobody else's affair. */
	if (likely(length <= PAGE_SIZE))
		memset(kernel_call->payload + length, 0, sizeof(uint64_t));
	flags = interrupts_save();
	preempt_disable();
	own = use_endpoint(thread, endpoint);
	error = ask(endpoint, port, length, &flags);
	use_endpoint(thread, own);
	interrupts_restore(flags);
	preempt_enable();
	return result_of(call, error);
}

/* A handle that is not the one that the thread serves by. */
static COLD int borrow_other(int fd, struct kernel_call_server *server)
{
	struct port_ref ref = port_borrow(fd, PORT_RECV);

	if (!ref.port)
		return -EBADF;
	server->fd = ref.fd;
	server->port = ref.port;
	server->epoch = port_file_epoch(ref.fd.file);
	if (port_epoch_is(ref.port, server->epoch))
		return 0;
	port_release_ref(ref);
	return -ESTALE;
}

int kernel_call_server_borrow(int fd, struct kernel_call_server *server)
{
	const struct endpoint *me = current_thread()->endpoint;

	if (unlikely((uint64_t)fd != me->serve_fd))
		return borrow_other(fd, server);
	/* The thread knows which port that is, and nobody else can close it. */
	server->fd.file = NULL;
	server->fd.counted = false;
	server->port = me->serve_port;
	server->epoch = me->serve_epoch;
	return likely(port_epoch_is(server->port, server->epoch)) ? 0 : -ESTALE;
}

void kernel_call_server_release(const struct kernel_call_server *server)
{
	fd_release(server->fd);
}

/* The kernel's call @token of @port; NULL. port->lock held. */
static inline struct call *find_call(const struct port *port, uint64_t token)
{
	struct endpoint *me = current_thread()->endpoint;
	/* What it serves at another port may have ended, as only this one's lock is held. */
	struct call *call = likely(me->port == port && me->serving->call.token == token) ? &me->serving->call : held_find(port, token);

	return likely(call && call->by_kernel) ? call : NULL;
}

int kernel_call_check(const struct kernel_call_server *server, uint64_t token, bool final, const void *answer, unsigned length,
		      struct kernel_call_asked *asked)
{
	struct port *port = server->port;
	uint64_t flags = spin_lock_irq(&port->lock);
	struct call *call = NULL;
	int error = 0;

	if (unlikely(!port_epoch_is(port, server->epoch)))
		error = -ESTALE;
	else if (token && unlikely(!(call = find_call(port, token))))
		error = -ENOENT;
	asked->type = 0;
	if (likely(call)) {
		asked->type = msg_type(call->message.header);
		memcpy(&asked->first, call->message.payload.pieces[0], sizeof(asked->first));
	}
	if (likely(!error) && final) {
		held_remove(call);
		/* A call of the kernel's has its bytes in one piece. */
		memcpy(call->message.payload.pieces[0], answer, length);
		call->reply = msg_header_make(0, length, 0, 0);
		call->result = 0;
		lend_end(port, call);
		call->message.state = MESSAGE_DONE;
		/* Its server has hardly more to do than to receive the next one. */
		scheduler_wake_caller(call->caller, &call->waiter.woken);
		lend_less(port);
	}
	lend_unlock(port, flags);
	return error;
}
