/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues: messages between programs of any kind, kept by priority, under names of their own. A queue lives while it has its name, or an
 * open file. What it may hold at most is charged to its maker's user when it is made (RLIMIT_MSGQUEUE), so that it can be filled by others.
 */
#pragma once

#include "lib/list.h"
#include "lib/rbtree.h"
#include "process/process.h"
#include "sync/spinlock.h"
#include "vfs/fd_table.h"

struct queued_message {
	struct rb_node node;	/* by priority, then by arrival; the first is received next */
	unsigned priority;
	size_t len;
	char bytes[];
};

/* Whom to tell of the next message that comes when there is none. */
struct notice {
	struct process *owner;	/* referenced; NULL: nobody */
	uint32_t program;	/* owner->exec_count: another program of the process is not told */
	int how, signal;	/* SIGEV_*; 0: no signal */
	uint64_t value;		/* of a signal */
	void *cookie;		/* SIGEV_THREAD: what netlink_tell() is for; else NULL */
};

struct message_queue {
	struct refcount refs;		/* its name, its open files */
	struct list link;		/* names_lock: among those with names; else alone */
	struct spinlock lock;		/* guards the next eight */
	struct rb_tree messages;
	size_t count, bytes;
	struct list senders, receivers;	/* struct sleeper.link; there are receivers only without, senders only with @limit messages */
	struct notice notice;
	struct wait_queue readable, writable;	/* for poll only */
	/* Set once: */
	size_t limit, message_size;
	struct user_account *account;	/* referenced; charged @charge bytes */
	uint64_t charge, id;
	uint32_t mode, uid, gid;
	int64_t created;		/* wall clock, ns */
	char name[];
};

/* The next message to be received, which is the caller's then; there is one. Lock held. */
struct queued_message *message_queue_take(struct message_queue *queue);
/* How many messages there are. The lock must not be held: while it is, one may have been taken of those that there are always. */
size_t message_queue_count(struct message_queue *queue);
/* Why a thread is told. */
enum { NOTICE_MESSAGE = 1, NOTICE_REMOVED = 2 };
/* Nobody is told any more; what it returns is for netlink_tell(), when no lock is held. Lock held. */
void *message_queue_forget_notice(struct message_queue *queue);
/* The queue behind @ref's descriptor, if that has all of @rights (FILE_RIGHT_*); else NULL: -EBADF. */
struct message_queue *message_queue_of(struct fd_ref ref, uint32_t rights);
