/* SPDX-License-Identifier: MIT */
/*
 * The lock checks of the debug build: who holds which locks and since where, and whether the lock order of src/kernel/README.md is kept. sync/ calls
 * these before it takes a lock, when it has it, and before it lets it go; the place is that of the call.
 */
#pragma once

#include "debug/checks.h"
#include "sync/lock_class.h"

struct spinlock;
struct thread;
struct wait_queue;

/* A sleeping lock that a thread holds. */
struct held_lock {
	const struct wait_queue *lock;	/* its queue, which has the class */
	const void *place;
	bool shared;
};

enum { HELD_SLEEPING_MAX = 12 };
struct held_locks {
	unsigned count;
	struct held_lock locks[HELD_SLEEPING_MAX];
};

/* @waits: it will be waited for; else it is only tried, for which the order does not matter. */
void lock_check_spin(const struct spinlock *lock, bool waits);
void lock_note_spin(struct spinlock *lock);
void lock_note_spin_release(struct spinlock *lock);
/* Called now and then by who has been waiting since @start (TSC) at @place. */
void lock_check_spin_time(const struct spinlock *lock, uint64_t start, const void *place);

/* Locks that are waited for by sleeping, called by the name of their queue. */
void lock_check_sleeping(const struct wait_queue *lock);
void lock_note_sleeping(const struct wait_queue *lock, bool shared);
void lock_note_sleeping_release(const struct wait_queue *lock, bool shared);

/* User memory is accessed: if preemption is on, a page fault may have to take the locks of the address space, and wait for a file system's server. */
void lock_check_user_access(void);

/* The calling thread goes to user mode or ends: it must hold nothing. entry.asm calls the first (debug/checks.inc). */
void lock_check_user_return(void);
void lock_check_thread_exit(void);

/* Memory is freed: no lock in it may be held by the calling thread. */
void lock_check_freed(const void *start, size_t len);

/* The calling CPU enters and leaves an interrupt handler. */
void lock_note_interrupt(bool begins);
