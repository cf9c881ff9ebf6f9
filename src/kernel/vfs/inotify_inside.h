/* SPDX-License-Identifier: MIT */
/* Inside inotify: instances and their queues (inotify.c), watches (inotify_watch.c). */
#pragma once

#include "lib/list.h"
#include "lib/rbtree.h"
#include "vfs/inotify.h"

struct user_account;

/* One event, as it will be read. */
struct inotify_news {
	struct list link;		/* inotify_lock */
	int wd;
	uint32_t mask, cookie;
	uint32_t len;			/* of the name; 0: none */
	char name[];
};

/* What inotify_init makes. */
struct inotify {
	struct rb_tree watches;		/* inotify_lock: by their numbers */
	int last_wd;			/* inotify_lock */
	unsigned most;			/* set once: events that the queue holds */
	unsigned count;			/* inotify_lock; read without it by poll: events in the queue */
	struct list news;		/* inotify_lock: the queue */
	uint64_t bytes;			/* inotify_lock: as many as reading them all gives */
	struct inotify_news overflow;	/* in the queue once news were lost; len is UINT32_MAX while it is not */
	struct wait_queue readers;
	struct user_account *account;	/* set once; referenced: whose it is, and the watches and news */
};

struct inotify_watch {
	struct rb_node by_wd;		/* inotify_lock, as all that follows but what is set once */
	struct inotify *group;		/* set once */
	int wd;				/* set once */
	uint32_t mask;			/* the events, IN_ONESHOT, IN_EXCL_UNLINK */
	struct vnode *vnode;		/* set once; referenced */
	struct inotify_watch *next, **place;	/* of those of the vnode */
	struct list fs_link;		/* in vnode->fs->watches; after its end in the list of who ended it */
};

enum { INOTIFY_FOR_WATCH = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK };
enum inotify_limit { INOTIFY_QUEUED_EVENTS, INOTIFY_INSTANCES, INOTIFY_WATCHES, INOTIFY_LIMITS };

extern struct spinlock inotify_lock;
extern uint32_t inotify_limits[INOTIFY_LIMITS];		/* atomic: /proc/sys/fs/inotify; UINT32_MAX: not asked for yet */
uint32_t inotify_limit(enum inotify_limit limit);

/* Queues an event, if it does not say again what the last one says, and wakes readers. inotify_lock held. */
void inotify_queue_locked(struct inotify *group, int wd, uint32_t mask, uint32_t cookie, const struct path_component *name);

/* Queues that some were lost, if it is not queued already. inotify_lock held. */
void inotify_overflow_locked(struct inotify *group);

/* What one watch more or other events for it give: its number, or -EEXIST, -ENOSPC, -ENOMEM. May sleep. */
int inotify_watch_add(struct inotify *group, struct vnode *vnode, uint32_t mask);
int inotify_watch_remove(struct inotify *group, int wd);	/* -EINVAL: there is none. May sleep */
void inotify_watch_remove_all(struct inotify *group);		/* of an instance that ends. May sleep */
/* The first watch of @group with a number above @after, or NULL. inotify_lock held. */
struct inotify_watch *inotify_watch_after_locked(const struct inotify *group, int after);
