/* SPDX-License-Identifier: MIT */
/* The slow paths of sleeping locks: a word taken by compare-and-exchange, a wait queue for those who come too late. */
#include "sync/mutex.h"
#include "lib/errno.h"

/* A wait in @queue, the queue of a lock. */
static void count(const struct wait_queue *queue, uint64_t sleeps)
{
	struct lock_waits *waits = &lock_waits[queue->lock.class];

	atomic_add(&waits->contended, 1);
	atomic_add(&waits->rounds, sleeps);
}

void mutex_init(struct mutex *mutex, enum lock_class class)
{
	mutex->owner = NULL;
	wait_queue_init_class(&mutex->queue, class);
}

void mutex_lock_slow(struct mutex *mutex)
{
	struct waiter waiter;
	uint64_t sleeps = 0;

	KASSERT(!mutex_held(mutex));
	wait_begin_exclusive(&mutex->queue, &waiter);
	for (; !mutex_take(mutex); sleeps++)
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	count(&mutex->queue, sleeps);
}

int mutex_lock_killable_slow(struct mutex *mutex)
{
	struct waiter waiter;
	uint64_t sleeps = 0;
	int error = 0;
	bool taken;

	KASSERT(!mutex_held(mutex));
	wait_begin_exclusive(&mutex->queue, &waiter);
	for (; !(taken = mutex_take(mutex)) && !error; sleeps++)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	count(&mutex->queue, sleeps);
	if (taken)
		return 0;
	/* Who let the lock go may have woken this thread, and so nobody else. */
	if (!atomic_load(&mutex->owner) && mutex_waited_for(mutex))
		mutex_wake(mutex);
	return -EINTR;
}

void mutex_unlock_broken(struct mutex *mutex)
{
	panic("a mutex at %p is unlocked by a thread that does not hold it", mutex);
}

void rwlock_init(struct rwlock *lock, enum lock_class class)
{
	lock->state = 0;
	lock->writers_waiting = 0;
	wait_queue_init_class(&lock->queue, class);
}

static bool may_be_read(const struct rwlock *lock)
{
	return atomic_load(&lock->state) >= 0 && !atomic_load(&lock->writers_waiting);
}

void rwlock_read_lock_slow(struct rwlock *lock)
{
	struct waiter waiter;
	uint64_t sleeps = 0;

	/* Another reader that was quicker is no reason to queue, nor to sleep. */
	while (may_be_read(lock))
		if (rwlock_take_for_reading(lock))
			return;
	wait_begin(&lock->queue, &waiter);
	while (!rwlock_take_for_reading(lock)) {
		if (may_be_read(lock))
			continue;
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
		sleeps++;
	}
	wait_end(&waiter);
	count(&lock->queue, sleeps);
}

void rwlock_write_lock_slow(struct rwlock *lock)
{
	struct waiter waiter;
	uint64_t sleeps = 0;

	atomic_add(&lock->writers_waiting, 1);
	wait_begin(&lock->queue, &waiter);
	for (; !rwlock_take_for_writing(lock); sleeps++)
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	count(&lock->queue, sleeps);
	atomic_sub(&lock->writers_waiting, 1);
}
