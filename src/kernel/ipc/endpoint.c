/* SPDX-License-Identifier: MIT */
/* A thread's side of messages: its message buffer, and the port it serves. */
#include "arch/x86_64/entry.h"
#include "ipc/ipc.h"
#include "ipc/port.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/page_table.h"
#include "process/ptrace.h"
#include "sched/scheduler.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"

static struct slab_cache *endpoint_slab;
struct spinlock endpoints_lock = SPINLOCK_INIT(LOCK_ENDPOINTS);

/*
 * What stands where there is none, so that the short way need not ask: its conditions do not hold for these. A thread that belongs to no CPU, the endpoint
 * of who has none, that of a port where nobody waits and more has come, a port where nobody waits.
 */
static struct thread no_thread;
struct port no_port;
struct endpoint no_endpoint, busy_endpoint;

static void make_stand_ins(void)
{
	no_thread.cpu = CPU_MAX;
	no_endpoint.thread = busy_endpoint.thread = &no_thread;
	no_endpoint.serving = &no_endpoint;
	no_endpoint.lent = LENT_NOTHING;
	no_endpoint.ask_fd = no_endpoint.serve_fd = no_endpoint.notify_fd = NO_DESCRIPTOR;
	no_endpoint.call.message.port = no_endpoint.serve_port = no_endpoint.notify_port = &no_port;
	spinlock_init(&no_port.lock, LOCK_PORT);
	no_port.fast_receiver = &busy_endpoint;
}

void endpoint_init(void)
{
	endpoint_slab = slab_cache_create("endpoint", sizeof(struct endpoint), 64);
	make_stand_ins();
}

struct endpoint *endpoint_current(void)
{
	struct endpoint *endpoint = current_thread()->endpoint;

	return endpoint == &no_endpoint ? NULL : endpoint;
}

bool endpoint_owns_descriptors(void)
{
	return fd_table_is_mine(current_process(), current_process()->files) && !current_thread()->gs_base && !ptrace_is_watched(current_thread());
}

static void forget(struct endpoint *endpoint)
{
	endpoint->ask_fd = endpoint->serve_fd = endpoint->notify_fd = NO_DESCRIPTOR;
	endpoint->call.message.port = endpoint->serve_port = endpoint->notify_port = &no_port;
}

void endpoint_forget_descriptors(void)
{
	struct endpoint *endpoint = endpoint_current();

	if (!endpoint)
		return;
	forget(endpoint);
}

/* Both pages, which the endpoint keeps a reference of for as long as it lives. */
static int get_pages(struct endpoint *endpoint)
{
	for (int i = 0; i < MSG_PIECES; i++) {
		struct frame *frame;
		int error = vm_object_get_page(endpoint->object, i, true, &frame);

		if (error)
			return error;
		endpoint->payload.pieces[i] = frame_to_virt(frame);
	}
	return 0;
}

static void put_pages(struct endpoint *endpoint)
{
	for (int i = 0; i < MSG_PIECES; i++)
		if (endpoint->payload.pieces[i])
			frame_put(virt_to_frame(endpoint->payload.pieces[i]));
}

static void endpoint_free(struct endpoint *endpoint)
{
	put_pages(endpoint);
	vm_object_put(endpoint->object);
	slab_free(endpoint_slab, endpoint);
}

static void init_fields(struct endpoint *endpoint)
{
	endpoint->call.message.is_call = true;
	endpoint->call.message.payload = endpoint->payload;
	list_init(&endpoint->call.message.link);
	list_init(&endpoint->server_link);
	list_init(&endpoint->receiver_link);
	endpoint->call.message.level = MSG_PRIORITY_MAX;
	forget(endpoint);
	endpoint->serving = &no_endpoint;
	endpoint->lent = LENT_NOTHING;
}

void endpoint_init_kernel(struct endpoint *endpoint)
{
	init_fields(endpoint);
	endpoint->call.by_kernel = true;
}

static struct endpoint *endpoint_alloc(struct thread *thread)
{
	struct endpoint *endpoint = slab_zalloc(endpoint_slab);

	if (!endpoint)
		return NULL;
	endpoint->object = vm_object_create_anonymous(MSG_PAYLOAD_MAX);
	if (!endpoint->object) {
		slab_free(endpoint_slab, endpoint);
		return NULL;
	}
	if (get_pages(endpoint)) {
		endpoint_free(endpoint);
		return NULL;
	}
	endpoint->thread = endpoint->call.caller = thread;
	endpoint->waiter.thread = endpoint->call.waiter.thread = thread;
	init_fields(endpoint);
	endpoint->ask_resume = (uint64_t)message_ask_resume;
	endpoint->serve_resume = (uint64_t)message_serve_resume;
	endpoint->notified_resume = (uint64_t)message_notified_resume;
	endpoint->root = thread->process->as->root;
	endpoint->stack_top = (uint64_t)thread->stack_base + KERNEL_STACK_SIZE;
	return endpoint;
}

/* The calling thread gets one. */
static __attribute__((noinline)) int64_t make_buffer(void)
{
	struct thread *thread = current_thread();
	struct address_space *as = thread->process->as;
	struct endpoint *endpoint = endpoint_alloc(thread);
	int64_t address;

	if (!endpoint)
		return -ENOMEM;
	/* A child of fork has no use for it: it asks for its own. */
	address = address_space_map_own(as, endpoint->object);
	if (address < 0) {
		endpoint_free(endpoint);
		return address;
	}
	endpoint->address = address;
	thread->endpoint = endpoint;
	return address;
}

long sys_msg_buffer(void)
{
	struct endpoint *endpoint = current_thread()->endpoint;

	return likely(endpoint != &no_endpoint) ? (int64_t)endpoint->address : make_buffer();
}

static void stop_serving(struct endpoint *endpoint)
{
	struct port *port = endpoint->port;
	uint64_t flags;

	if (!port)
		return;
	endpoint->serve_fd = NO_DESCRIPTOR;
	endpoint->serve_port = &no_port;
	flags = spin_lock_irq(&port->lock);
	held_unserve_one(port, endpoint);
	list_remove(&endpoint->server_link);
	endpoint->stale = endpoint->dismissed = false;
	atomic_store(&endpoint->lent, LENT_NOTHING);
	spin_unlock_irq(&port->lock, flags);
	sched_lend(endpoint->thread, LENT_BY_CALLS, LEVEL_COUNT);
	endpoint->port = NULL;
	port_put(port);
}

int endpoint_serve(struct endpoint *endpoint, struct port *port, uint32_t epoch)
{
	uint64_t flags;
	int error = 0;

	/* Who was replaced is taken off. */
	if (likely(endpoint->port == port && !list_empty(&endpoint->server_link) && !endpoint->dismissed))
		return 0;
	stop_serving(endpoint);
	port_get(port);
	endpoint->port = port;
	flags = spin_lock_irq(&port->lock);
	if (!port_epoch_is(port, epoch))
		error = -ESTALE;
	else
		lend_join(port, endpoint);
	lend_unlock(port, flags);
	return error;
}

void ipc_thread_release(struct thread *thread)
{
	struct endpoint *endpoint = thread->endpoint;
	struct address_space *as = thread->process->as;
	uint64_t flags;

	if (endpoint == &no_endpoint)
		return;
	stop_serving(endpoint);
	flags = spin_lock_irq(&endpoints_lock);
	thread->endpoint = &no_endpoint;
	spin_unlock_irq(&endpoints_lock, flags);
	/* The buffer of a thread that ends alone; with the last user of the memory all goes. A program may have put something else there. */
	if (as && atomic_load_relaxed(&as->refs.count) + atomic_load_relaxed(&thread->process->thread_count) > 2)
		address_space_unmap_own(as, endpoint->address, endpoint->object);
	endpoint_free(endpoint);
}
