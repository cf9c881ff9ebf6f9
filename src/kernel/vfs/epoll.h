/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: epoll. An epoll watches files by items, one for each pair of file and descriptor; a wake-up of a queue that an item waits in puts
 * the item on the epoll's ready list, so that who waits looks at nothing but that list.
 *
 * Life: an item holds no reference to its file. The file's last put removes its items (epoll_forget) before the file's release op, so what an
 * item's poll op looks at, and the queues that it waits in, are there as long as the item is. Whoever removes an item holds its epoll's lock; the item
 * leaves the queues first (a wake-up under way on another CPU is over then), then the file's list, then memory. An epoll lives as long as its file, and as
 * somebody in epoll_forget() wants its lock.
 */
#pragma once

#include "lib/rbtree.h"
#include "sync/mutex.h"
#include "vfs/poll_table.h"
#include <linux/eventpoll.h>

enum { EPOLL_NEST_MAX = 5 };	/* so many epolls may stand one above the other */
/* Bits of events that say how to report, not what. */
#define EPOLL_HOW (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)

struct epoll {
	struct mutex lock;		/* the items, and who takes from the ready list */
	struct refcount refs;
	struct rb_tree items;		/* lock; by file and descriptor */
	struct file *file;		/* its own; not referenced */
	struct spinlock ready_lock;
	struct list ready;		/* ready_lock; items that may have something to report, oldest first */
	struct wait_queue sleepers;	/* threads in epoll_wait */
	struct wait_queue watchers;	/* polls and epolls that watch this one */
	struct user_account *account;	/* who made it and is charged its items; referenced */
	uint64_t visited;		/* epoll_nest: see there */
	unsigned chain;			/* epoll_nest */
};

/* An item's place in a queue of its file. */
struct epoll_place {
	struct waiter waiter;
	struct epoll_item *item;
	uint32_t events;		/* what the queue is woken for */
	struct epoll_place *next;
};

struct epoll_item {
	struct rb_node node;		/* epoll->lock */
	struct list ready;		/* epoll->ready_lock; empty: not on the list */
	struct epoll *epoll;		/* NULL: it is no epoll that watches, but O_ASYNC (async.c) */
	struct file *file;
	int fd;
	uint32_t events;		/* epoll->lock and ready_lock to change, either to read; what the caller asked for */
	uint64_t data;			/* epoll->lock; the caller's */
	bool notified;			/* atomic; set under ready_lock: woken since it was last looked at */
	struct epoll_item *next_of_file, **link_of_file;	/* epoll_links */
	struct epoll_place place, *more_places;	/* epoll->lock; most files have one queue */
};

void epoll_init(void);
/* The last reference to @file, which has watches, is gone: removes them. May sleep. */
void epoll_forget(struct file *file);

/* epoll.c. */
extern struct spinlock epoll_links_lock;	/* guards file->watches and the items' links there */
extern struct mutex epoll_nest_lock;		/* guards that no epoll comes to watch itself; held to watch one, and by one that is watched */

/* Puts @item into its file's list; takes it out. */
static inline void epoll_link(struct epoll_item *item)
{
	spin_lock(&epoll_links_lock);
	item->next_of_file = item->file->watches;
	item->link_of_file = &item->file->watches;
	if (item->next_of_file)
		item->next_of_file->link_of_file = &item->next_of_file;
	item->file->watches = item;
	spin_unlock(&epoll_links_lock);
}

static inline void epoll_unlink(struct epoll_item *item)
{
	spin_lock(&epoll_links_lock);
	*item->link_of_file = item->next_of_file;
	if (item->next_of_file)
		item->next_of_file->link_of_file = item->link_of_file;
	spin_unlock(&epoll_links_lock);
}

extern const struct file_ops epoll_file_ops;

/* NULL if it is none. */
static inline struct epoll *epoll_of_file(const struct file *file)
{
	return file->ops == &epoll_file_ops ? file->private : NULL;
}

struct file *epoll_create_file(int *error);
struct epoll_item *epoll_find(const struct epoll *epoll, const struct file *file, int fd);
/* 0, -ENOSPC when the user may have no more, -ENOMEM, -EINVAL (@nested, with epoll_nest_lock held: too many ways to the top). epoll->lock held. */
int epoll_add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event, bool nested);
void epoll_modify(struct epoll_item *item, const struct epoll_event *event);	/* epoll->lock held */
void epoll_remove(struct epoll_item *item);					/* epoll->lock held */

/* epoll_wait.c. */
/* Puts @item on the ready list and wakes who waits for it. Whether a thread did. Any context. */
bool epoll_queue(struct epoll_item *item);
/* A queue of an item's file was woken; its lock is held, so that the item, and its epoll, stay. */
bool epoll_notify(struct waiter *waiter);
void epoll_set_events(struct epoll_item *item, uint32_t events);
unsigned epoll_poll(struct file *file, struct poll_table *table);

static inline uint32_t epoll_look(const struct epoll_item *item)
{
	return item->file->ops->poll(item->file, NULL) & item->events;
}

/* epoll_nest.c; epoll_nest_lock held. */
/* -ELOOP if @epoll cannot watch @file, an epoll, because it is watched by it or there would be too many levels. Takes locks of epolls. */
int epoll_check_nesting(struct epoll *epoll, struct epoll *watched);
/* -EINVAL if a wake-up of @file, or of one that it watches, has too many ways to go up. */
int epoll_check_paths(struct file *file);
