/* SPDX-License-Identifier: MIT */
/* The life of a port: handles to it, its receivers' coming and going, its end. */
#include "ipc/port.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/process.h"
#include "raeen/handles.h"
#include "sched/scheduler.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { USER_PORTS_MAX = 2048 /* of who may not administer */, SORT_BINS = 16 };

static const struct file_ops port_file_ops;
static struct slab_cache *port_slab;

static struct spinlock in_use_lock = SPINLOCK_INIT(LOCK_PORTS_IN_USE);
static struct list in_use = LIST_INIT(in_use);

void port_cache_init(void)
{
	port_slab = slab_cache_create("port", sizeof(struct port), 64);
}

static uint64_t last_id;	/* atomic */

/* A port without anything in it, charged to the caller's user. */
static struct port *make(int *error)
{
	struct user_account *account = user_account_current();
	struct port *port;

	*error = -ENOSPC;
	if (user_account_charge_ports(account, 1, capabilities_may_administer() ? UINT64_MAX : USER_PORTS_MAX)) {
		port = slab_zalloc(port_slab);
		if (port) {
			port->account = account;
			*error = 0;
			return port;
		}
		user_account_charge_ports(account, -1, 0);
		*error = -ENOMEM;
	}
	if (account)
		user_account_put(account);
	return NULL;
}

struct port *port_alloc(unsigned port_flags, int *error)
{
	struct port *port = make(error);
	uint64_t flags;

	if (!port)
		return NULL;
	spinlock_init(&port->lock, LOCK_PORT);
	refcount_init(&port->refs, 1);
	for (int i = 0; i < PORT_LEVELS; i++)
		list_init(&port->queue[i]);
	for (int i = 0; i < PORT_HELD_LISTS; i++)
		list_init(&port->held[i]);
	list_init(&port->receivers);
	list_init(&port->servers);
	list_init(&port->name_link);
	wait_queue_init(&port->pollers);
	port->fast_receiver = &no_endpoint;
	port->epoch = 1;
	port->last_token = 1ull << EPOCH_SHIFT;
	port->id = atomic_add(&last_id, 1) + 1;
	port->flags = port_flags;
	port->lent = LENT_NOTHING;
	list_init(&port->stale_link);
	flags = spin_lock_irq(&in_use_lock);
	list_push_back(&in_use, &port->use_link);
	spin_unlock_irq(&in_use_lock, flags);
	return port;
}

void port_put(struct port *port)
{
	uint64_t flags;

	if (!refcount_put(&port->refs))
		return;
	KASSERT(!port->queued && !port_has_fast_receiver(port) && list_empty(&port->receivers) && list_empty(&port->servers));
	KASSERT(!port->callers.root && list_empty(&port->name_link) && list_empty(&port->stale_link));
	flags = spin_lock_irq(&in_use_lock);
	list_remove(&port->use_link);
	spin_unlock_irq(&in_use_lock, flags);
	/* Who has found it by a call that waited here may just be about to look at its lock (lend.c). */
	flags = spin_lock_irq(&endpoints_lock);
	spin_unlock_irq(&endpoints_lock, flags);
	user_account_charge_ports(port->account, -1, 0);
	if (port->account)
		user_account_put(port->account);
	slab_free(port_slab, port);
}

struct port *port_next(struct port *port)
{
	uint64_t flags = spin_lock_irq(&in_use_lock);
	struct list *link = port ? port->use_link.next : in_use.next;

	/* Those without a reference are just leaving. */
	while (link != &in_use && !refcount_get_unless_zero(&list_entry(link, struct port, use_link)->refs))
		link = link->next;
	spin_unlock_irq(&in_use_lock, flags);
	if (port)
		port_put(port);
	return link == &in_use ? NULL : list_entry(link, struct port, use_link);
}

void port_summary(struct port *port, char *buf, size_t size)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	unsigned epoch = port->epoch, queued = port->queued, held = held_count(port), refs = atomic_load_relaxed(&port->refs.count) - 1;
	bool vacant = port->vacant, dead = port->dead;
	int receiver = port->receiver_pid;
	uint64_t replayed = port->replayed;

	spin_unlock_irq(&port->lock, flags);
	snprintf(buf, size, "%-32s %5u %c%c%c %6u %6u %8d %5u %8lu", port->name[0] ? port->name : "-", epoch, port->flags & PORT_PERSISTENT ? 'p' : '-',
		 port->flags & PORT_REPLAY ? 'r' : '-', dead ? 'd' : vacant ? 'v' : '-', queued, held, receiver, refs, replayed);
}

/* What a file of a port is, in file->pos: the epoch of a handle with RECV, else the badge. */
uint32_t port_file_epoch(const struct file *file) { return file->pos; }
uint64_t port_file_badge(const struct file *file) { return file->rights & PORT_RECV ? 0 : file->pos; }

struct file *port_file_create(struct port *port, uint32_t rights, uint64_t badge)
{
	struct file *file = file_create(&port_file_ops, 0, port);

	if (!file)
		return NULL;
	file->rights = rights;
	file->pos = badge;
	if (rights & PORT_MANAGE)
		nesting_add_manager(port);
	return file;
}

struct port *port_of_file(const struct file *file, uint32_t rights, int *error)
{
	*error = !file ? -EBADF : file->ops != &port_file_ops ? -EINVAL : -EACCES;
	if (!file || file->ops != &port_file_ops || (file->rights & rights) != rights)
		return NULL;
	*error = 0;
	return file->private;
}

static uint64_t token_of(struct list *link)
{
	return call_of(list_entry(link, struct message, link))->token;
}

/* Both are in order, and @into afterwards, with all. */
static void merge(struct list *into, struct list *from)
{
	struct list *at = into->next;

	while (!list_empty(from)) {
		struct list *link = from->next;

		while (at != into && token_of(at) < token_of(link))
			at = at->next;
		list_remove(link);
		list_push_back(at, link);
	}
}

/* So that the call received first comes first. Interrupts are off: bin n holds 2^n calls in order, or none, so that few comparisons do. */
static void sort_by_token(struct list *all)
{
	struct list bins[SORT_BINS], some;
	unsigned bin;

	list_init(&some);
	for (bin = 0; bin < SORT_BINS; bin++)
		list_init(&bins[bin]);
	while (!list_empty(all)) {
		struct list *link = all->next;

		list_remove(link);
		list_push_back(&some, link);
		for (bin = 0; bin < SORT_BINS - 1 && !list_empty(&bins[bin]); bin++)
			merge(&some, &bins[bin]);
		merge(&bins[bin], &some);
	}
	for (bin = 0; bin < SORT_BINS; bin++)
		merge(all, &bins[bin]);
}

/* What the receiver held when it was lost. port->lock held. */
static void give_up_held(struct port *port)
{
	struct message *message, *next;
	struct list all;

	list_init(&all);
	held_unserve(port);
	for (int i = 0; i < PORT_HELD_LISTS; i++)
		list_for_each_safe(message, next, &port->held[i], link) {
			held_remove(call_of(message));
			list_push_back(&all, &message->link);
		}
	sort_by_token(&all);
	/* From the last to the first, each before those that came later. */
	while (!list_empty(&all)) {
		struct call *call = call_of(list_last(&all, struct message, link));

		list_remove(&call->message.link);
		if (!call->deaths)
			call->request = call->token;
		if (!(port->flags & PORT_REPLAY)) {
			call_finish(call, -ECONNRESET, false);
		} else if (++call->deaths >= DEATHS_MAX) {
			call_finish(call, -EIO, false);
		} else {
			queue_add(port, &call->message, true);
			lend_again(port, call);
			port->replayed++;
			/* While it waits in the queue a signal may interrupt it: it has to sleep otherwise. */
			scheduler_wake(call->caller, &call->waiter.woken, false);
		}
	}
}

/* Nobody will ever receive here. What was sent, but waits for no answer, goes to @unread. port->lock held. */
static void die(struct port *port, struct list *unread)
{
	struct message *message;

	port->dead = true;
	while ((message = queue_first(port))) {
		queue_remove(port, message);
		if (message->is_call)
			call_finish(call_of(message), -EPIPE, false);
		else
			list_push_back(unread, &message->link);
	}
}

/*
 * With messages go handles, with these perhaps ports, with these messages. A thread that is at it already frees those afterwards, or their depth would be
 * that of the kernel stack.
 */
static void free_unread(struct port *port, struct list *unread)
{
	struct thread *thread = current_thread();
	struct list *all = thread->unread ? thread->unread : unread;
	bool outermost = !thread->unread;

	port_name_remove(port);
	while (!outermost && !list_empty(unread)) {
		struct list *link = unread->next;

		list_remove(link);
		list_push_back(all, link);
	}
	thread->unread = all;
	while (outermost && !list_empty(all)) {
		struct message *message = list_first(all, struct message, link);

		list_remove(&message->link);
		posted_free(posted_of(message));
	}
	if (outermost)
		thread->unread = NULL;
}

/* The new epoch; 0: nothing was to be done, or the port is dead. */
static uint32_t change_receiver(struct port *port, uint32_t epoch, bool replaced)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	struct endpoint *receiver;
	struct list unread;
	bool ends;

	if (port->dead || (!replaced && !port_epoch_is(port, epoch))) {
		spin_unlock_irq(&port->lock, flags);
		return 0;
	}
	list_init(&unread);
	ends = nesting_change_receiver(port, replaced);
	epoch = port->epoch;
	if (replaced)
		port->last_token = (uint64_t)epoch << EPOCH_SHIFT | token_number(port->last_token);
	give_up_held(port);
	while ((receiver = receiver_take(port)))
		scheduler_wake(receiver->thread, &receiver->waiter.woken, false);
	lend_dismiss(port);
	if (ends)
		die(port, &unread);
	lend_update(port);
	lend_unlock(port, flags);
	wake_all(&port->pollers);
	if (ends)
		free_unread(port, &unread);
	return epoch;
}

void port_lose_receiver(struct port *port, uint32_t epoch)
{
	change_receiver(port, epoch, false);
}

uint32_t port_replace_receiver(struct port *port)
{
	return change_receiver(port, 0, true);
}

/* Nobody can give the port a receiver any more. */
static void lose_manager(struct port *port)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	struct list unread;
	bool ends;

	list_init(&unread);
	ends = nesting_drop_manager(port);
	if (ends)
		die(port, &unread);
	spin_unlock_irq(&port->lock, flags);
	if (ends) {
		wake_all(&port->pollers);
		free_unread(port, &unread);
	}
}

static void port_release(struct file *file)
{
	struct port *port = file->private;

	if (file->rights & PORT_RECV)
		port_lose_receiver(port, port_file_epoch(file));
	if (file->rights & PORT_MANAGE)
		lose_manager(port);
	port_put(port);
}

static unsigned port_poll(struct file *file, struct poll_table *table)
{
	struct port *port = file->private;
	unsigned events = 0;

	poll_wait(table, &port->pollers);
	if (file->rights & PORT_RECV) {
		if (!port_epoch_is(port, port_file_epoch(file)))
			return POLL_HUP;
		if (atomic_load(&port->queued) || atomic_load(&port->notified))
			events |= POLL_IN | POLL_RDNORM;
	}
	if (file->rights & PORT_SEND)
		events |= atomic_load(&port->dead) ? POLL_HUP : POLL_OUT | POLL_WRNORM;
	return events;
}

static void port_info(struct file *file, struct handle_info *info)
{
	struct port *port = file->private;

	info->kind = HANDLE_PORT;
	info->object = port->id;
}

/* Who could choose a badge for a handle that he was given could pass for another: only who receives or manages gives badges out. */
static int port_dup_rights(struct file *file, uint32_t rights, uint64_t badge, struct file **out)
{
	struct port *port = file->private;

	if (rights & PORT_RECV || (badge && !(file->rights & (PORT_RECV | PORT_MANAGE))))
		return -EPERM;
	port_get(port);
	*out = port_file_create(port, rights, badge ? badge : port_file_badge(file));
	if (*out)
		return 0;
	port_put(port);
	return -ENOMEM;
}

static void port_describe(struct file *file, char *buf, size_t size)
{
	struct port *port = file->private;

	snprintf(buf, size, "port:[%s]", port->name[0] ? port->name : "unnamed");
}

/* A descriptor was closed. */
static void port_flush(struct file *file)
{
	endpoint_forget_descriptors();
}

static const struct file_ops port_file_ops = { .flush = port_flush, .poll = port_poll, .release = port_release, .describe = port_describe,
					       .info = port_info, .dup_rights = port_dup_rights };
