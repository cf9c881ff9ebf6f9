/* SPDX-License-Identifier: MIT */
/* The fast paths of sleeping locks: one atomic instruction when nobody waits. Included by sync/mutex.h only. */
#pragma once

#include "debug/lock_checks.h"

/* By the calling thread: for assertions. */
SHARED_INLINE bool mutex_held(const struct mutex *mutex)
{
	return atomic_load_relaxed(&mutex->owner) == current_thread();
}

/* Without checks, for the functions below and mutex.c. */
SHARED_INLINE bool mutex_take(struct mutex *mutex)
{
	struct thread *free = NULL;

	return atomic_compare_exchange(&mutex->owner, &free, current_thread());
}

CHECKED_INLINE bool mutex_try_lock(struct mutex *mutex)
{
	bool taken = mutex_take(mutex);

	if (KERNEL_CHECKS && taken)
		lock_note_sleeping(&mutex->queue, false);
	return taken;
}

void mutex_lock_slow(struct mutex *mutex);
__attribute__((noreturn)) void mutex_unlock_broken(struct mutex *mutex);	/* panics: the caller does not hold it */

/* Sleeps, uninterruptible. */
CHECKED_INLINE void mutex_lock(struct mutex *mutex)
{
	check_may_sleep();
	if (KERNEL_CHECKS)
		lock_check_sleeping(&mutex->queue);
	if (unlikely(!mutex_take(mutex)))
		mutex_lock_slow(mutex);
	if (KERNEL_CHECKS)
		lock_note_sleeping(&mutex->queue, false);
}

int mutex_lock_killable_slow(struct mutex *mutex);

/* The same, but -EINTR, without the lock, if the caller is killed while it waits. */
CHECKED_INLINE __attribute__((warn_unused_result)) int mutex_lock_killable(struct mutex *mutex)
{
	int error = 0;

	check_may_sleep();
	if (KERNEL_CHECKS)
		lock_check_sleeping(&mutex->queue);
	if (unlikely(!mutex_take(mutex)))
		error = mutex_lock_killable_slow(mutex);
	if (KERNEL_CHECKS && !error)
		lock_note_sleeping(&mutex->queue, false);
	return error;
}

/* The parts of mutex_unlock() for fast paths, without its check: lets the lock go; tells whether anybody must be woken; wakes. */
CHECKED_INLINE void mutex_let_go(struct mutex *mutex)
{
	if (KERNEL_CHECKS)
		lock_note_sleeping_release(&mutex->queue, false);
	(void)atomic_exchange(&mutex->owner, NULL);	/* comes before the look at the queue */
}

SHARED_INLINE bool mutex_waited_for(const struct mutex *mutex)
{
	return !list_empty(&mutex->queue.waiters);
}

/* The first two. */
CHECKED_INLINE __attribute__((warn_unused_result)) bool mutex_release(struct mutex *mutex)
{
	mutex_let_go(mutex);
	return mutex_waited_for(mutex);
}

SHARED_INLINE void mutex_wake(struct mutex *mutex)
{
	wake_one(&mutex->queue);
}

CHECKED_INLINE void mutex_unlock(struct mutex *mutex)
{
	if (unlikely(!mutex_held(mutex)))
		mutex_unlock_broken(mutex);
	if (unlikely(mutex_release(mutex)))
		mutex_wake(mutex);
}

/* Without checks and notes, like mutex_lock_slow(). */
void rwlock_read_lock_slow(struct rwlock *lock);
void rwlock_write_lock_slow(struct rwlock *lock);

SHARED_INLINE bool rwlock_take_for_reading(struct rwlock *lock)
{
	int32_t state = atomic_load_relaxed(&lock->state);

	return state >= 0 && !atomic_load_relaxed(&lock->writers_waiting) && atomic_compare_exchange(&lock->state, &state, state + 1);
}

SHARED_INLINE bool rwlock_take_for_writing(struct rwlock *lock)
{
	int32_t free = 0;

	return atomic_compare_exchange(&lock->state, &free, -1);
}

CHECKED_INLINE bool rwlock_try_read_lock(struct rwlock *lock)
{
	bool taken = rwlock_take_for_reading(lock);

	if (KERNEL_CHECKS && taken)
		lock_note_sleeping(&lock->queue, true);
	return taken;
}

CHECKED_INLINE bool rwlock_try_write_lock(struct rwlock *lock)
{
	bool taken = rwlock_take_for_writing(lock);

	if (KERNEL_CHECKS && taken)
		lock_note_sleeping(&lock->queue, false);
	return taken;
}

CHECKED_INLINE void rwlock_read_lock(struct rwlock *lock)
{
	check_may_sleep();
	if (KERNEL_CHECKS)
		lock_check_sleeping(&lock->queue);
	if (unlikely(!rwlock_take_for_reading(lock)))
		rwlock_read_lock_slow(lock);
	if (KERNEL_CHECKS)
		lock_note_sleeping(&lock->queue, true);
}

CHECKED_INLINE void rwlock_write_lock(struct rwlock *lock)
{
	check_may_sleep();
	if (KERNEL_CHECKS)
		lock_check_sleeping(&lock->queue);
	if (unlikely(!rwlock_take_for_writing(lock)))
		rwlock_write_lock_slow(lock);
	if (KERNEL_CHECKS)
		lock_note_sleeping(&lock->queue, false);
}

CHECKED_INLINE void rwlock_read_unlock(struct rwlock *lock)
{
	if (KERNEL_CHECKS)
		lock_note_sleeping_release(&lock->queue, true);
	if (!atomic_sub(&lock->state, 1) && unlikely(!list_empty(&lock->queue.waiters)))
		wake_all(&lock->queue);
}

CHECKED_INLINE void rwlock_write_unlock(struct rwlock *lock)
{
	if (KERNEL_CHECKS)
		lock_note_sleeping_release(&lock->queue, false);
	(void)atomic_exchange(&lock->state, 0);	/* comes before the look at the queue */
	if (unlikely(!list_empty(&lock->queue.waiters)))
		wake_all(&lock->queue);
}
