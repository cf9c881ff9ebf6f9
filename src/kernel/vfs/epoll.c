/* SPDX-License-Identifier: MIT */
/* Epolls and their items. epoll.h says who lives how long. */
#include "vfs/async.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
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
	epoll_link(item);
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
	wait_begin_notify(queue, &place->waiter, item->events & EPOLLEXCLUSIVE, epoll_notify);
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
		epoll_queue(item);
	return error;
}

void epoll_modify(struct epoll_item *item, const struct epoll_event *event)
{
	item->data = event->data;
	epoll_set_events(item, event->events | POLL_ALWAYS);
	/* Who changes the file's state from now on sees the new events. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (epoll_look(item))
		epoll_queue(item);
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
	epoll_unlink(item);
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
		if (!epoll) {
			if (!item)
				return;
			async_end(item);
			continue;
		}
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
