/* SPDX-License-Identifier: MIT */
/* The fast paths of sleeping locks: one atomic instruction when nobody waits. Included by sync/mutex.h only. */
#pragma once

#include "debug/checks.h"

/* By the calling thread: for assertions. */
static inline bool mutex_held(const struct mutex *mutex)
{
	return atomic_load_relaxed(&mutex->owner) == current_thread();
}

static inline bool mutex_try_lock(struct mutex *mutex)
{
	struct thread *free = NULL;

	return atomic_compare_exchange(&mutex->owner, &free, current_thread());
}

void mutex_lock_slow(struct mutex *mutex);
__attribute__((noreturn)) void mutex_unlock_broken(struct mutex *mutex);	/* panics: the caller does not hold it */

/* Sleeps, uninterruptible. */
static inline void mutex_lock(struct mutex *mutex)
{
	check_may_sleep();
	if (unlikely(!mutex_try_lock(mutex)))
		mutex_lock_slow(mutex);
}

/* The parts of mutex_unlock() for fast paths, without its check: lets the lock go; tells whether anybody must be woken; wakes. */
static inline void mutex_let_go(struct mutex *mutex)
{
	(void)atomic_exchange(&mutex->owner, NULL);	/* comes before the look at the queue */
}

static inline bool mutex_waited_for(const struct mutex *mutex)
{
	return !list_empty(&mutex->queue.waiters);
}

/* The first two. */
static inline __attribute__((warn_unused_result)) bool mutex_release(struct mutex *mutex)
{
	mutex_let_go(mutex);
	return mutex_waited_for(mutex);
}

static inline void mutex_wake(struct mutex *mutex)
{
	wake_one(&mutex->queue);
}

static inline void mutex_unlock(struct mutex *mutex)
{
	if (unlikely(!mutex_held(mutex)))
		mutex_unlock_broken(mutex);
	if (unlikely(mutex_release(mutex)))
		mutex_wake(mutex);
}

void rwlock_read_lock_slow(struct rwlock *lock);
void rwlock_write_lock_slow(struct rwlock *lock);

static inline bool rwlock_try_read_lock(struct rwlock *lock)
{
	int32_t state = atomic_load_relaxed(&lock->state);

	return state >= 0 && !atomic_load_relaxed(&lock->writers_waiting) && atomic_compare_exchange(&lock->state, &state, state + 1);
}

static inline bool rwlock_try_write_lock(struct rwlock *lock)
{
	int32_t free = 0;

	return atomic_compare_exchange(&lock->state, &free, -1);
}

static inline void rwlock_read_lock(struct rwlock *lock)
{
	check_may_sleep();
	if (unlikely(!rwlock_try_read_lock(lock)))
		rwlock_read_lock_slow(lock);
}

static inline void rwlock_write_lock(struct rwlock *lock)
{
	check_may_sleep();
	if (unlikely(!rwlock_try_write_lock(lock)))
		rwlock_write_lock_slow(lock);
}

static inline void rwlock_read_unlock(struct rwlock *lock)
{
	if (!atomic_sub(&lock->state, 1) && unlikely(!list_empty(&lock->queue.waiters)))
		wake_all(&lock->queue);
}

static inline void rwlock_write_unlock(struct rwlock *lock)
{
	(void)atomic_exchange(&lock->state, 0);	/* comes before the look at the queue */
	if (unlikely(!list_empty(&lock->queue.waiters)))
		wake_all(&lock->queue);
}
