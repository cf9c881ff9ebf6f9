/* SPDX-License-Identifier: MIT */
/* Sleeping locks: an owner word taken by compare-and-exchange, a wait queue for those who come too late. */
#include "sync/mutex.h"
#include "lib/atomic.h"

void mutex_init(struct mutex *mutex)
{
	mutex->owner = NULL;
	wait_queue_init(&mutex->queue);
}

bool mutex_try_lock(struct mutex *mutex)
{
	struct thread *free = NULL;

	return atomic_compare_exchange(&mutex->owner, &free, current_thread());
}

void mutex_lock(struct mutex *mutex)
{
	struct waiter waiter;

	if (likely(mutex_try_lock(mutex)))
		return;
	KASSERT(!mutex_held(mutex));
	wait_begin_exclusive(&mutex->queue, &waiter);
	while (!mutex_try_lock(mutex))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
}

void mutex_unlock(struct mutex *mutex)
{
	KASSERT(mutex_held(mutex));
	__atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
	wake_one(&mutex->queue);
}

bool mutex_held(const struct mutex *mutex)
{
	return atomic_load_relaxed(&mutex->owner) == current_thread();
}

void rwlock_init(struct rwlock *lock)
{
	mutex_init(&lock->guard);
	wait_queue_init(&lock->queue);
	lock->readers = 0;
	lock->writers_waiting = 0;
}

/* Takes the lock if its state allows. guard held. */
static bool try_take(struct rwlock *lock, bool write)
{
	if (write ? lock->readers != 0 : lock->readers < 0 || lock->writers_waiting)
		return false;
	lock->readers = write ? -1 : lock->readers + 1;
	return true;
}

static void take(struct rwlock *lock, bool write)
{
	struct waiter waiter;

	mutex_lock(&lock->guard);
	if (try_take(lock, write)) {
		mutex_unlock(&lock->guard);
		return;
	}
	lock->writers_waiting += write;
	wait_begin(&lock->queue, &waiter);
	while (!try_take(lock, write)) {
		mutex_unlock(&lock->guard);
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
		mutex_lock(&lock->guard);
	}
	wait_end(&waiter);
	lock->writers_waiting -= write;
	mutex_unlock(&lock->guard);
}

void rwlock_read_lock(struct rwlock *lock)
{
	take(lock, false);
}

void rwlock_write_lock(struct rwlock *lock)
{
	take(lock, true);
}

void rwlock_read_unlock(struct rwlock *lock)
{
	mutex_lock(&lock->guard);
	lock->readers--;
	mutex_unlock(&lock->guard);
	wake_all(&lock->queue);
}

void rwlock_write_unlock(struct rwlock *lock)
{
	mutex_lock(&lock->guard);
	lock->readers = 0;
	mutex_unlock(&lock->guard);
	wake_all(&lock->queue);
}
