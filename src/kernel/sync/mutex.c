/* SPDX-License-Identifier: MIT */
/* The slow paths of sleeping locks: a word taken by compare-and-exchange, a wait queue for those who come too late. */
#include "sync/mutex.h"

void mutex_init(struct mutex *mutex)
{
	mutex->owner = NULL;
	wait_queue_init(&mutex->queue);
}

void mutex_lock_slow(struct mutex *mutex)
{
	struct waiter waiter;

	KASSERT(!mutex_held(mutex));
	wait_begin_exclusive(&mutex->queue, &waiter);
	while (!mutex_try_lock(mutex))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
}

void mutex_unlock_broken(struct mutex *mutex)
{
	panic("a mutex at %p is unlocked by a thread that does not hold it", mutex);
}

void rwlock_init(struct rwlock *lock)
{
	lock->state = 0;
	lock->writers_waiting = 0;
	wait_queue_init(&lock->queue);
}

void rwlock_read_lock_slow(struct rwlock *lock)
{
	struct waiter waiter;

	wait_begin(&lock->queue, &waiter);
	while (!rwlock_try_read_lock(lock)) {
		/* Another reader that was quicker is no reason to sleep. */
		if (atomic_load(&lock->state) >= 0 && !atomic_load(&lock->writers_waiting))
			continue;
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	}
	wait_end(&waiter);
}

void rwlock_write_lock_slow(struct rwlock *lock)
{
	struct waiter waiter;

	atomic_add(&lock->writers_waiting, 1);
	wait_begin(&lock->queue, &waiter);
	while (!rwlock_try_write_lock(lock))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	atomic_sub(&lock->writers_waiting, 1);
}
