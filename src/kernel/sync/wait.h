/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: where threads sleep until something happens. The pattern, which loses no wake-up:
 *
 *	struct waiter waiter;
 *	wait_begin(&queue, &waiter);
 *	while (!condition && !error)
 *		error = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
 *	wait_end(&waiter);
 *
 * The condition is checked after the waiter is queued; a wake-up between check and block makes wait_block return at once.
 * If the condition is guarded by a lock: check it under the lock and drop the lock before wait_block.
 */
#pragma once

#include "sync/spinlock.h"
#include "lib/list.h"
#include "process/thread_state.h"

struct thread;

struct wait_queue {
	struct spinlock lock;	/* taken with interrupts off: wake-ups come from interrupt handlers */
	struct list waiters;	/* guarded by lock */
};

#define WAIT_QUEUE_INIT_CLASS(name, class) { SPINLOCK_INIT(class), LIST_INIT((name).waiters) }
#define WAIT_QUEUE_INIT(name) WAIT_QUEUE_INIT_CLASS(name, LOCK_WAIT_QUEUE)

struct waiter {
	struct list link;		/* guarded by queue->lock */
	struct wait_queue *queue;
	struct thread *thread;
	uint32_t woken;			/* atomic: set by the waker, cleared by wait_block */
	/*
	 * Called on wake-up with queue->lock held instead of waking the thread; used by poll and epoll. Whether a thread was there to wake, for
	 * exclusive waiters. NULL for plain sleepers.
	 */
	bool (*notify)(struct waiter *waiter);
	bool exclusive;			/* wake_one wakes at most one exclusive waiter */
	bool once;			/* the waker takes it off the queue: see wait_once */
};

/* Which of the thread's pending work (process/thread_state.h) ends the sleep. */
enum wait_mode { WAIT_UNINTERRUPTIBLE = 0, WAIT_INTERRUPTIBLE = THREAD_WORK_INTERRUPTS, WAIT_KILLABLE = THREAD_WORK_EXIT };

#define WAIT_FOREVER UINT64_MAX

void wait_queue_init(struct wait_queue *queue);
void wait_queue_init_class(struct wait_queue *queue, enum lock_class class);

/* Queues the calling thread. Does not sleep. */
void wait_begin(struct wait_queue *queue, struct waiter *waiter);
void wait_begin_exclusive(struct wait_queue *queue, struct waiter *waiter);
/* Queues @waiter for @notify, which says what a wake-up does instead of waking the calling thread (struct waiter). */
void wait_begin_notify(struct wait_queue *queue, struct waiter *waiter, bool exclusive, bool (*notify)(struct waiter *waiter));

/*
 * Sleeps until woken, or until @deadline (clock_monotonic_ns() time). Returns 0 when woken, -ETIMEDOUT, or -ERESTARTSYS when a
 * signal is pending that @mode lets through. Spurious returns of 0 are possible: check the condition again.
 */
int wait_block(struct waiter *waiter, uint64_t deadline, enum wait_mode mode);

/* Leaves the queue. Must be called once for each wait_begin. */
void wait_end(struct waiter *waiter);

/*
 * A single sleep, cheaper: the waker takes the waiter off the queue, so that nothing is left to do for who was woken. Lets go of @mutex, which guards
 * the condition: whoever changes the condition holds it, too, and wakes afterwards. Interrupts on. Results as wait_block.
 */
struct mutex;
int wait_once(struct wait_queue *queue, struct mutex *mutex, enum wait_mode mode);

/* wait_block without clearing waiter->woken, for waiters that are on no queue of ours (futexes). */
int wait_sleep(struct waiter *waiter, uint64_t deadline, enum wait_mode mode);

/* Wakes every waiter that is not exclusive and at most one that is. Callable from interrupt handlers. */
void wake_one(struct wait_queue *queue);
void wake_one_nested(struct wait_queue *queue);	/* for threads that have preemption off, until after it, and interrupts on */
void wake_all(struct wait_queue *queue);
