/* SPDX-License-Identifier: MIT */
/* Epolls, their items, and the wait for them. epoll.h says who lives how long. */
#include "vfs/epoll.h"
#include "arch/x86_64/user_access_now.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "vfs/file_life.h"
#include "vfs/procfs/proc_text.h"

/* The watches of a user, root or not, together take at most this part of RAM. */
enum { USER_PART = 25 };

struct spinlock epoll_links_lock = SPINLOCK_INIT(LOCK_EPOLL_LINKS);
struct mutex epoll_nest_lock = MUTEX_INIT(epoll_nest_lock, LOCK_EPOLL_NEST);
static struct slab_cache *epoll_slab, *item_slab;

void epoll_init(void)
{
	epoll_slab = slab_cache_create("epoll", sizeof(struct epoll), 64);
	item_slab = slab_cache_create("epoll_item", sizeof(struct epoll_item), 64);
	if (!epoll_slab || !item_slab)
		panic("vfs: no memory for epoll");
}

static void epoll_put(struct epoll *epoll)
{
	if (!refcount_put(&epoll->refs))
		return;
	user_account_put(epoll->account);
	slab_free(epoll_slab, epoll);
}

struct file *epoll_create_file(int *error)
{
	struct epoll *epoll = slab_zalloc(epoll_slab);

	*error = -ENOMEM;
	if (!epoll)
		return NULL;
	epoll->account = user_account_current();
	if (!epoll->account)
		goto fail;
	mutex_init(&epoll->lock, LOCK_EPOLL);
	refcount_init(&epoll->refs, 1);
	spinlock_init(&epoll->ready_lock, LOCK_EPOLL_READY);
	list_init(&epoll->ready);
	wait_queue_init_class(&epoll->sleepers, LOCK_POLL_QUEUE);
	wait_queue_init_class(&epoll->watchers, LOCK_EPOLL_QUEUE);
	*error = -ENFILE;
	epoll->file = file_create(&epoll_file_ops, O_RDWR, epoll);
	if (epoll->file)
		return epoll->file;
	user_account_put(epoll->account);
fail:
	slab_free(epoll_slab, epoll);
	return NULL;
}

/* ---- What is ready ---- */

static bool any_queued(const struct epoll *epoll)
{
	return !list_empty(&epoll->ready);
}

/* Puts @item on the ready list and wakes who waits for it. Whether a thread did. Any context. */
static bool queue_item(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	uint64_t flags = spin_lock_irq(&epoll->ready_lock);
	bool slept;

	item->notified = true;
	if (list_empty(&item->ready))
		list_push_back(&epoll->ready, &item->ready);
	spin_unlock_irq(&epoll->ready_lock, flags);
	/* Comes before the look at who waits: who does queues first and looks at the list then. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	slept = !list_empty(&epoll->sleepers.waiters);
	if (slept)
		wake_one(&epoll->sleepers);
	if (!list_empty(&epoll->watchers.waiters))
		wake_all(&epoll->watchers);
	return slept;
}

/* A queue of the file was woken; its lock is held, so that the item, and its epoll, stay. */
static bool notify(struct waiter *waiter)
{
	struct epoll_place *place = container_of(waiter, struct epoll_place, waiter);
	uint32_t events = atomic_load_relaxed(&place->item->events) & ~EPOLL_HOW;

	/* Nothing is left of a one-shot item that has had its shot. Errors and hang-ups come by every queue. */
	if (!events || (events & ~POLL_ALWAYS && !(events & ~POLL_ALWAYS & place->events)))
		return false;
	return queue_item(place->item);
}

static uint32_t look(const struct epoll_item *item)
{
	return item->file->ops->poll(item->file, NULL) & item->events;
}

/*
 * Takes the first of the ready list, which is not empty, to look at it. One that goes on to be reported while it is ready stands at the end again then, and
 * drop() takes it away if it is not. epoll->lock held: others only put items behind the last one.
 */
static inline struct epoll_item *take(struct epoll *epoll)
{
	struct epoll_item *item = list_first(&epoll->ready, struct epoll_item, ready);
	bool stays = !(item->events & (EPOLLET | EPOLLONESHOT));
	uint64_t flags;

	/* A wake-up before this changed what look() will see; one after it sets the mark again. */
	(void)atomic_exchange(&item->notified, false);
	if (stays && item->ready.next == &epoll->ready)
		return item;
	flags = spin_lock_irq(&epoll->ready_lock);
	list_remove(&item->ready);
	if (stays)
		list_push_back(&epoll->ready, &item->ready);
	spin_unlock_irq(&epoll->ready_lock, flags);
	return item;
}

/* @item, taken, was not ready: off the list, unless it was woken meanwhile. */
static void drop(struct epoll_item *item)
{
	uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

	if (!item->notified)
		list_remove(&item->ready);
	spin_unlock_irq(&item->epoll->ready_lock, flags);
}

/* @item could not be reported: it is the first again. */
static void put_back(struct epoll_item *item)
{
	uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

	list_remove(&item->ready);
	list_push_front(&item->epoll->ready, &item->ready);
	spin_unlock_irq(&item->epoll->ready_lock, flags);
}

static void set_events(struct epoll_item *item, uint32_t events)
{
	uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

	item->events = events;
	spin_unlock_irq(&item->epoll->ready_lock, flags);
}

static inline bool copy_event(uaddr_t to, const struct epoll_event *event)
{
	bool copied;

	preempt_disable();
	copied = user_copy_out_now(to, event, sizeof(*event));
	preempt_enable();
	return likely(copied) || !copy_to_user(to, event, sizeof(*event));
}

/* Writes up to @max events to @to, which was checked to lie in user space: how many, or -EFAULT if not one could be written. */
static long report(struct epoll *epoll, uaddr_t to, int max)
{
	const struct epoll_item *last;
	struct epoll_item *item;
	struct epoll_event event;
	long count = 0;

	mutex_lock(&epoll->lock);
	if (!any_queued(epoll))
		goto out;
	/* No item comes twice. */
	last = list_last(&epoll->ready, struct epoll_item, ready);
	do {
		item = take(epoll);
		event.events = look(item);
		if (!event.events) {
			drop(item);
			continue;
		}
		event.data = item->data;
		if (unlikely(!copy_event(to, &event))) {
			put_back(item);
			count = count ? count : -EFAULT;
			break;
		}
		to += sizeof(event);
		count++;
		if (unlikely(item->events & EPOLLONESHOT))
			set_events(item, item->events & EPOLL_HOW);
	} while (item != last && count < max);
out:
	mutex_unlock(&epoll->lock);
	return count;
}

static long sleep_until(struct epoll *epoll, uaddr_t events, int max, uint64_t deadline)
{
	struct waiter waiter;
	long count = 0;
	int error = 0;

	wait_begin_exclusive(&epoll->sleepers, &waiter);
	for (;;) {
		if (any_queued(epoll))
			count = report(epoll, events, max);
		if (count || error)
			break;
		error = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return count ? count : error == -ETIMEDOUT ? 0 : -EINTR;
}

long epoll_wait_until(struct epoll *epoll, uaddr_t events, int max, uint64_t deadline)
{
	long count = any_queued(epoll) ? report(epoll, events, max) : 0;

	if (unlikely(!count && deadline))
		count = sleep_until(epoll, events, max, deadline);
	/* What is left, or came while a wake-up found this thread up already, is somebody else's. */
	if (any_queued(epoll) && unlikely(!list_empty(&epoll->sleepers.waiters)))
		wake_one(&epoll->sleepers);
	return count;
}

static unsigned epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->private;
	const struct epoll_item *last;
	struct epoll_item *item;
	unsigned ready = 0;

	poll_wait(table, &epoll->watchers);
	if (!any_queued(epoll))
		return 0;
	mutex_lock(&epoll->lock);
	last = list_last(&epoll->ready, struct epoll_item, ready);
	while (any_queued(epoll) && !ready) {
		item = take(epoll);
		if (look(item)) {
			put_back(item);
			ready = POLL_IN | POLL_RDNORM;
		} else {
			drop(item);
		}
		if (item == last)
			break;
	}
	mutex_unlock(&epoll->lock);
	return ready;
}

/* ---- Items ---- */

static int compare(const struct epoll_item *item, const struct file *file, int fd)
{
	if (item->file != file)
		return file < item->file ? -1 : 1;
	return fd < item->fd ? -1 : fd > item->fd;
}

struct epoll_item *epoll_find(const struct epoll *epoll, const struct file *file, int fd)
{
	struct rb_node *node = epoll->items.root;

	while (node) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);
		int order = compare(item, file, fd);

		if (!order)
			return item;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static void insert(struct epoll *epoll, struct epoll_item *item)
{
	struct rb_node **place = &epoll->items.root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = compare(rb_entry(parent, struct epoll_item, node), item->file, item->fd) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&epoll->items, &item->node, parent, place, NULL);
	spin_lock(&epoll_links_lock);
	item->next_of_file = item->file->watches;
	item->link_of_file = &item->file->watches;
	if (item->next_of_file)
		item->next_of_file->link_of_file = &item->next_of_file;
	item->file->watches = item;
	spin_unlock(&epoll_links_lock);
}

struct registration {
	struct poll_table table;
	struct epoll_item *item;
	bool out_of_memory;
};

static void add_place(struct poll_table *table, struct wait_queue *queue, unsigned events)
{
	struct registration *registration = container_of(table, struct registration, table);
	struct epoll_item *item = registration->item;
	struct epoll_place *place = &item->place;

	if (place->item) {
		place = kmalloc(sizeof(*place));
		if (!place) {
			registration->out_of_memory = true;
			return;
		}
		place->next = item->more_places;
		item->more_places = place;
	}
	place->item = item;
	place->events = events;
	poll_enqueue(&place->waiter, queue, item->events & EPOLLEXCLUSIVE, notify);
}

static void leave_queues(struct epoll_item *item)
{
	struct epoll_place *place;

	if (item->place.item)
		wait_end(&item->place.waiter);
	while ((place = item->more_places)) {
		wait_end(&place->waiter);
		item->more_places = place->next;
		kfree(place);
	}
}

int epoll_add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event, bool nested)
{
	/* One queue more than usual is paid for. */
	uint64_t limit = (frame_total() << PAGE_SHIFT) / USER_PART / (sizeof(struct epoll_item) + sizeof(struct epoll_place));
	struct registration registration = { .table = { add_place, file } };
	struct epoll_item *item;
	uint32_t ready;
	int error;

	if (!user_account_charge_watches(epoll->account, 1, limit))
		return -ENOSPC;
	item = slab_zalloc(item_slab);
	if (!item) {
		user_account_charge_watches(epoll->account, -1, 0);
		return -ENOMEM;
	}
	list_init(&item->ready);
	item->epoll = epoll;
	item->file = file;
	item->fd = fd;
	item->events = event->events | POLL_ALWAYS;
	item->data = event->data;
	insert(epoll, item);
	error = nested ? epoll_check_paths(file) : 0;
	if (!error) {
		registration.item = item;
		ready = file->ops->poll(file, &registration.table) & item->events;
		error = registration.out_of_memory ? -ENOMEM : 0;
	}
	if (error)
		epoll_remove(item);
	else if (ready)
		queue_item(item);
	return error;
}

void epoll_modify(struct epoll_item *item, const struct epoll_event *event)
{
	item->data = event->data;
	set_events(item, event->events | POLL_ALWAYS);
	/* Who changes the file's state from now on sees the new events. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (look(item))
		queue_item(item);
}

void epoll_remove(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	uint64_t flags;

	leave_queues(item);
	flags = spin_lock_irq(&epoll->ready_lock);
	list_remove(&item->ready);
	spin_unlock_irq(&epoll->ready_lock, flags);
	rb_remove(&epoll->items, &item->node, NULL);
	spin_lock(&epoll_links_lock);
	*item->link_of_file = item->next_of_file;
	if (item->next_of_file)
		item->next_of_file->link_of_file = item->link_of_file;
	spin_unlock(&epoll_links_lock);
	user_account_charge_watches(epoll->account, -1, 0);
	slab_free(item_slab, item);
}

void epoll_forget(struct file *file)
{
	struct epoll *epoll;
	struct epoll_item *item;

	for (;;) {
		spin_lock(&epoll_links_lock);
		item = file->watches;
		epoll = item ? item->epoll : NULL;
		if (epoll)
			refcount_get(&epoll->refs);
		spin_unlock(&epoll_links_lock);
		if (!epoll)
			return;
		mutex_lock(&epoll->lock);
		/* Others may have removed it meanwhile, but new ones do not come. */
		for (;;) {
			spin_lock(&epoll_links_lock);
			item = file->watches;
			if (item && item->epoll != epoll)
				item = NULL;
			spin_unlock(&epoll_links_lock);
			if (!item)
				break;
			epoll_remove(item);
		}
		mutex_unlock(&epoll->lock);
		epoll_put(epoll);
	}
}

/* ---- The file ---- */

static void epoll_release(struct file *file)
{
	struct epoll *epoll = file->private;
	struct rb_node *node;

	mutex_lock(&epoll->lock);
	while ((node = epoll->items.root))
		epoll_remove(rb_entry(node, struct epoll_item, node));
	mutex_unlock(&epoll->lock);
	epoll_put(epoll);
}

static void epoll_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "anon_inode:[eventpoll]", size);
}

static void epoll_show_info(struct file *file, struct proc_text *text)
{
	struct epoll *epoll = file->private;

	mutex_lock(&epoll->lock);
	for (struct rb_node *node = rb_first(&epoll->items); node; node = rb_next(node)) {
		const struct epoll_item *item = rb_entry(node, struct epoll_item, node);

		proc_text_print(text, "tfd: %8d events: %8x data: %16llx\n", item->fd, item->events, (unsigned long long)item->data);
	}
	mutex_unlock(&epoll->lock);
}

const struct file_ops epoll_file_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.describe = epoll_describe,
	.show_info = epoll_show_info,
};
