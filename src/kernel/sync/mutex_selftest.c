/* SPDX-License-Identifier: MIT */
/* Sleeping locks under threads that give the CPU away in the worst places. */
#include "lib/atomic.h"
#include "sched/thread.h"
#include "sync/mutex.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

enum { THREADS = 5, ROUNDS = 800 };

static struct selftest_group group;
static struct mutex mutex;
static unsigned counter;		/* guarded by mutex */
static uint32_t tries_failed;		/* atomic */

static void count(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned seen;

		if (i % 4 != me % 4 || !mutex_try_lock(&mutex))
			mutex_lock(&mutex);
		SELFTEST_CHECK(mutex_held(&mutex));
		seen = counter;
		if ((i + me) % 3 == 0)
			sched_yield();
		counter = seen + 1;
		mutex_unlock(&mutex);
	}
}

SELFTEST(mutex_excludes)
{
	uint64_t waits = lock_waits[LOCK_TEST_OUTER].contended;

	selftest_group_init(&group);
	mutex_init(&mutex, LOCK_TEST_OUTER);
	counter = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		selftest_start(&group, i == 0 ? CLASS_HIGH : i == 1 ? CLASS_LOW : CLASS_NORMAL, count, (void *)i);
	selftest_join(&group);
	SELFTEST_CHECK(counter == THREADS * ROUNDS);
	SELFTEST_CHECK(lock_waits[LOCK_TEST_OUTER].contended > waits && lock_waits[LOCK_TEST_OUTER].rounds > 0);
	SELFTEST_CHECK(!mutex.owner && list_empty(&mutex.queue.waiters));
}

static void try_it(void *unused)
{
	if (mutex_try_lock(&mutex))
		mutex_unlock(&mutex);
	else
		atomic_add(&tries_failed, 1);
	SELFTEST_CHECK(!mutex_held(&mutex));
}

SELFTEST(mutex_try_lock_does_not_wait)
{
	selftest_group_init(&group);
	mutex_init(&mutex, LOCK_TEST_OUTER);
	tries_failed = 0;
	mutex_lock(&mutex);
	selftest_start(&group, CLASS_NORMAL, try_it, NULL);
	selftest_join(&group);
	mutex_unlock(&mutex);
	SELFTEST_CHECK(tries_failed == 1);
	SELFTEST_CHECK(mutex_try_lock(&mutex));
	mutex_unlock(&mutex);
}

static struct rwlock rwlock;
static unsigned first, second;			/* guarded by rwlock; equal whenever nobody writes */
static uint32_t readers_in, writers_in, readers_most, mistakes;	/* atomic */

static void read_often(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned seen;
		uint32_t in;

		rwlock_read_lock(&rwlock);
		in = atomic_add(&readers_in, 1);
		if (in > readers_most)
			readers_most = in;
		seen = first;
		if (i % 5 == (uintptr_t)arg)
			sched_yield();
		if (seen != second || atomic_load(&writers_in))
			atomic_add(&mistakes, 1);
		atomic_sub(&readers_in, 1);
		rwlock_read_unlock(&rwlock);
	}
}

static void write_often(void *arg)
{
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		rwlock_write_lock(&rwlock);
		if (atomic_add(&writers_in, 1) != 1 || atomic_load(&readers_in))
			atomic_add(&mistakes, 1);
		first++;
		if (i % 3 == (uintptr_t)arg)
			sched_yield();
		second++;
		atomic_sub(&writers_in, 1);
		rwlock_write_unlock(&rwlock);
	}
}

SELFTEST(rwlock_excludes_writers_and_shares_readers)
{
	selftest_group_init(&group);
	rwlock_init(&rwlock, LOCK_TEST_OUTER);
	first = second = readers_in = writers_in = readers_most = mistakes = 0;
	for (uintptr_t i = 0; i < 4; i++)
		selftest_start(&group, CLASS_NORMAL, read_often, (void *)i);
	for (uintptr_t i = 0; i < 2; i++)
		selftest_start(&group, CLASS_NORMAL, write_often, (void *)i);
	selftest_join(&group);
	SELFTEST_CHECK(first == 2 * (ROUNDS / 4) && second == first && !mistakes);
	SELFTEST_CHECK(readers_most > 1);
	SELFTEST_CHECK(rwlock.state == 0 && !rwlock.writers_waiting);
}

static uint32_t writer_done, late_reader_saw;	/* atomic */

static void write_once(void *unused)
{
	rwlock_write_lock(&rwlock);
	atomic_store(&writer_done, 1);
	rwlock_write_unlock(&rwlock);
}

static void read_late(void *unused)
{
	rwlock_read_lock(&rwlock);
	atomic_store(&late_reader_saw, atomic_load(&writer_done));
	rwlock_read_unlock(&rwlock);
}

/* A reader that comes after a waiting writer waits too. */
SELFTEST(rwlock_does_not_starve_writers)
{
	selftest_group_init(&group);
	rwlock_init(&rwlock, LOCK_TEST_OUTER);
	writer_done = late_reader_saw = 0;
	rwlock_read_lock(&rwlock);
	selftest_start(&group, CLASS_HIGH, write_once, NULL);
	while (!atomic_load(&rwlock.writers_waiting))	/* another CPU may have taken it */
		sched_yield();
	selftest_start(&group, CLASS_HIGH, read_late, NULL);
	SELFTEST_CHECK(!atomic_load(&writer_done));
	rwlock_read_unlock(&rwlock);
	selftest_join(&group);
	SELFTEST_CHECK(writer_done && late_reader_saw);
}
