/* SPDX-License-Identifier: MIT */
/*
 * locks: the locks of POSIX threads as the C library builds them from futexes, by threads and between processes: mutexes of all
 * types (with priority inheritance where the kernel has it), read-write locks, semaphores, conditions and barriers. What they
 * guard is changed in two steps, so that two inside at once are seen.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CREW = 4, TURNS = 150, PERMITS = 2, BUFFER = 4, ITEMS = CREW / 2 * TURNS };

struct shared {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_barrier_t barrier;
	sem_t semaphore;
	/* By mutex, and by rwlock: both equal. */
	struct {
		volatile uint64_t first, second;
	} by_mutex, by_rwlock;
	_Atomic int permitted;		/* holders of the semaphore */
	_Atomic unsigned phase[CREW];	/* barriers that each has passed */
	/* A bounded buffer; guarded by buffer_mutex. */
	pthread_mutex_t buffer_mutex;
	pthread_cond_t not_full, not_empty;
	unsigned items[BUFFER], filled, next_in, next_out;
	uint64_t put, got, put_count, got_count;
	struct party {
		struct shared *shared;
		unsigned index;
		uint64_t random;
	} party[CREW];
};

static void change(volatile uint64_t *first, volatile uint64_t *second, struct worker *worker)
{
	EXPECT(*first == *second, "two are inside: %lu, %lu", (unsigned long)*first, (unsigned long)*second);
	++*first;
	if (storm_pick(worker, 8) == 0)
		sched_yield();
	++*second;
}

/* By lock, trylock and timedlock: however it was got, one is alone. */
static void use_mutex(struct shared *shared, struct worker *worker)
{
	struct timespec soon;
	int error;

	switch (storm_pick(worker, 4)) {
	case 0: error = pthread_mutex_trylock(&shared->mutex); break;
	case 1:
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += storm_pick(worker, 1000000);
		soon.tv_sec += soon.tv_nsec / 1000000000;
		soon.tv_nsec %= 1000000000;
		error = pthread_mutex_timedlock(&shared->mutex, &soon);
		break;
	default: error = pthread_mutex_lock(&shared->mutex); break;
	}
	EXPECT(error == 0 || error == EBUSY || error == ETIMEDOUT, "the lock gave %d", error);
	if (error)
		return;
	change(&shared->by_mutex.first, &shared->by_mutex.second, worker);
	EXPECT(pthread_mutex_unlock(&shared->mutex) == 0, "pthread_mutex_unlock");
}

static void use_rwlock(struct shared *shared, struct worker *worker)
{
	if (storm_pick(worker, 3) == 0) {
		EXPECT(pthread_rwlock_wrlock(&shared->rwlock) == 0, "pthread_rwlock_wrlock");
		change(&shared->by_rwlock.first, &shared->by_rwlock.second, worker);
	} else {
		EXPECT(pthread_rwlock_rdlock(&shared->rwlock) == 0, "pthread_rwlock_rdlock");
		EXPECT(shared->by_rwlock.first == shared->by_rwlock.second, "a reader and a writer are inside");
	}
	EXPECT(pthread_rwlock_unlock(&shared->rwlock) == 0, "pthread_rwlock_unlock");
}

static void use_semaphore(struct shared *shared, struct worker *worker)
{
	int inside;

	EXPECT(sem_wait(&shared->semaphore) == 0, "sem_wait");
	inside = ++shared->permitted;
	EXPECT(inside <= PERMITS, "%d have one of %d permits", inside, PERMITS);
	if (storm_pick(worker, 8) == 0)
		sched_yield();
	shared->permitted--;
	EXPECT(sem_post(&shared->semaphore) == 0, "sem_post");
}

static void meet(struct shared *shared, unsigned index)
{
	unsigned mine = ++shared->phase[index];
	int error = pthread_barrier_wait(&shared->barrier);

	EXPECT(error == 0 || error == PTHREAD_BARRIER_SERIAL_THREAD, "pthread_barrier_wait gave %d", error);
	for (unsigned i = 0; i < CREW; i++)
		EXPECT(shared->phase[i] == mine || shared->phase[i] == mine + 1, "%u has passed %u barriers, this one %u", i, shared->phase[i], mine);
}

static void put_item(struct shared *shared, unsigned item)
{
	pthread_mutex_lock(&shared->buffer_mutex);
	while (shared->filled == BUFFER)
		pthread_cond_wait(&shared->not_full, &shared->buffer_mutex);
	shared->items[shared->next_in++ % BUFFER] = item;
	shared->filled++;
	shared->put += item;
	shared->put_count++;
	pthread_cond_signal(&shared->not_empty);
	pthread_mutex_unlock(&shared->buffer_mutex);
}

static void get_item(struct shared *shared)
{
	pthread_mutex_lock(&shared->buffer_mutex);
	while (shared->filled == 0)
		pthread_cond_wait(&shared->not_empty, &shared->buffer_mutex);
	shared->got += shared->items[shared->next_out++ % BUFFER];
	shared->filled--;
	shared->got_count++;
	pthread_cond_signal(&shared->not_full);
	pthread_mutex_unlock(&shared->buffer_mutex);
}

static void member(void *argument)
{
	struct party *party = argument;
	struct shared *shared = party->shared;
	struct worker worker = { .random = party->random };

	for (unsigned i = 0; i < TURNS; i++) {
		use_mutex(shared, &worker);
		use_rwlock(shared, &worker);
		use_semaphore(shared, &worker);
		if (party->index % 2)
			put_item(shared, storm_pick(&worker, 1 << 20));
		else
			get_item(shared);
		if (i % 16 == 0)
			meet(shared, party->index);
	}
}

static void prepare(struct shared *shared, struct worker *worker, int pshared)
{
	static const int types[] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE };
	pthread_mutexattr_t mutex;
	pthread_rwlockattr_t rwlock;
	pthread_condattr_t condition;
	pthread_barrierattr_t barrier;

	memset(shared, 0, sizeof *shared);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, pshared);
	pthread_mutex_init(&shared->buffer_mutex, &mutex);
	pthread_mutexattr_settype(&mutex, types[storm_pick(worker, 3)]);
	if (storm_pick(worker, 2) && pthread_mutexattr_setprotocol(&mutex, PTHREAD_PRIO_INHERIT) != 0)
		storm_note("without priority inheritance");
	pthread_mutex_init(&shared->mutex, &mutex);
	pthread_rwlockattr_init(&rwlock);
	pthread_rwlockattr_setpshared(&rwlock, pshared);
	pthread_rwlock_init(&shared->rwlock, &rwlock);
	pthread_condattr_init(&condition);
	pthread_condattr_setpshared(&condition, pshared);
	pthread_cond_init(&shared->not_full, &condition);
	pthread_cond_init(&shared->not_empty, &condition);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, pshared);
	pthread_barrier_init(&shared->barrier, &barrier, CREW);
	sem_init(&shared->semaphore, pshared == PTHREAD_PROCESS_SHARED, PERMITS);
}

static void do_round(struct worker *worker, struct shared *shared)
{
	struct storm_helper helper[CREW];
	bool processes = storm_pick(worker, 3) == 0;

	prepare(shared, worker, processes || storm_pick(worker, 4) == 0 ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	for (unsigned i = 0; i < CREW; i++) {
		shared->party[i] = (struct party){ shared, i, storm_random(worker) | 1 };
		storm_help(&helper[i], processes, member, &shared->party[i]);
	}
	for (unsigned i = 0; i < CREW; i++)
		storm_join(&helper[i]);
	EXPECT(shared->put_count == ITEMS && shared->got_count == ITEMS && shared->put == shared->got, "%lu items were put, %lu got",
	       (unsigned long)shared->put_count, (unsigned long)shared->got_count);
	EXPECT(shared->by_mutex.first == shared->by_mutex.second && shared->by_rwlock.first == shared->by_rwlock.second, "a lock was left half way");
}

static void work(struct worker *worker)
{
	struct shared *shared = storm_shared(sizeof *shared);

	while (storm_goes_on(worker))
		do_round(worker, shared);
	munmap(shared, sizeof *shared);
}

static void run(unsigned workers)
{
	storm_processes((workers + 3) / 4, work);
}

const struct storm locks_storm = { "locks", "mutexes, read-write locks, semaphores, conditions, barriers", run, NULL };
