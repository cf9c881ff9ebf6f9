/* SPDX-License-Identifier: MIT */
/*
 * O_ASYNC: a file that has it waits in its own queues, as an epoll would that watches it. Whoever wakes a queue holds locks under which no signal can be
 * sent. So a timer does that, whose time has come already: as soon as interrupts do. Events that come closer together than that are one.
 */
#include "vfs/async.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/net.h"
#include "process/process.h"
#include "sched/timer.h"
#include "tty/tty.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { PLACES = 3 };			/* queues that one file has: local datagram sockets */
/* si_code of SIGIO; as bits what is to be told. */
enum { CAN_READ = 1, CAN_WRITE = 2 };

struct async_watch;

struct async_place {
	struct waiter waiter;
	struct async_watch *watch;
	unsigned event;
};

struct async_watch {
	struct epoll_item item;		/* in its file's list. Its epoll is NULL; its events, atomic, are what is to be told */
	struct poll_table table;
	struct timer timer;
	unsigned used, limit;
	struct async_place places[PLACES];
};

static void tell(const struct async_watch *watch, int code)
{
	struct file *file = watch->item.file;
	struct signal_info info = {
		.number = atomic_load(&file->owner_signal), .code = code,
		.poll = { code == CAN_READ ? POLL_IN | POLL_RDNORM : POLL_OUT | POLL_WRNORM | POLL_WRBAND, watch->item.fd },
	};
	int owner = atomic_load(&file->owner);
	struct signal_sender setter = file->owner_setter;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* Else it is being changed. */
	if (owner && owner == atomic_load(&file->owner))
		signal_send_for(&setter, owner, &info);
}

static void expire(struct timer *timer)
{
	struct async_watch *watch = container_of(timer, struct async_watch, timer);
	unsigned events = atomic_exchange(&watch->item.events, 0);

	for (int code = CAN_READ; code <= CAN_WRITE; code++)
		if (events & code)
			tell(watch, code);
}

/* A queue of the file was woken; its lock is held. */
static bool notify(struct waiter *waiter)
{
	const struct async_place *place = container_of(waiter, struct async_place, waiter);

	atomic_or(&place->watch->item.events, place->event);
	timer_arm(&place->watch->timer, 0);
	return false;
}

static void add_place(struct poll_table *table, struct wait_queue *queue, unsigned events)
{
	struct async_watch *watch = container_of(table, struct async_watch, table);
	struct async_place *place = &watch->places[watch->used];

	if (watch->used == watch->limit)
		return;
	watch->used++;
	place->watch = watch;
	place->event = events & POLL_IN ? CAN_READ : CAN_WRITE;
	wait_begin_notify(queue, &place->waiter, false, notify);
}

/* epoll_nest_lock held. */
static void set_owner(struct file *file, int owner)
{
	atomic_store(&file->owner, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	file->owner_setter = signal_sender_self();
	atomic_store(&file->owner, owner);
}

void async_set_owner(struct file *file, int owner)
{
	mutex_lock(&epoll_nest_lock);
	set_owner(file, owner);
	mutex_unlock(&epoll_nest_lock);
}

/* epoll_nest_lock held. */
static int begin(struct file *file, int fd)
{
	struct async_watch *watch = kzalloc(sizeof(*watch));
	bool terminal = file->vnode && file->vnode->type == S_IFCHR;

	if (!watch)
		return -ENOMEM;
	timer_init(&watch->timer, expire);
	watch->table = (struct poll_table){ add_place, file };
	watch->item.file = file;
	watch->item.fd = fd;
	/* The first queue is that of readers. A terminal's writers are woken by each write, also that of a handler. */
	watch->limit = terminal ? 1 : PLACES;
	epoll_link(&watch->item);
	file->ops->poll(file, &watch->table);
	atomic_or(&file->flags, FASYNC);
	/* A terminal tells somebody, if nobody has said whom. */
	if (terminal && !file->owner)
		set_owner(file, tty_default_owner(file));
	return 0;
}

void async_end(struct epoll_item *item)
{
	struct async_watch *watch = container_of(item, struct async_watch, item);

	while (watch->used)
		wait_end(&watch->places[--watch->used].waiter);
	timer_cancel(&watch->timer);
	epoll_unlink(item);
	kfree(watch);
}

/* epoll_nest_lock held. */
static int end(struct file *file)
{
	struct epoll_item *item;

	atomic_and(&file->flags, ~FASYNC);
	spin_lock(&epoll_links_lock);
	for (item = file->watches; item && item->epoll; item = item->next_of_file)
		;
	spin_unlock(&epoll_links_lock);
	if (item)		/* open(2) sets the flag, and that is all */
		async_end(item);
	return 0;
}

int async_switch(struct file *file, int fd, bool on)
{
	int error;

	if (!file->ops->poll || !(file->vnode || unix_is_socket(file)))
		return on ? -ENOTTY : 0;
	mutex_lock(&epoll_nest_lock);
	error = on == !!(file->flags & FASYNC) ? 0 : on ? begin(file, fd) : end(file);
	mutex_unlock(&epoll_nest_lock);
	return error;
}
