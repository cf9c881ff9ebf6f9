/* SPDX-License-Identifier: MIT */
/*
 * The locks of POSIX threads: every kind of mutex, read-write locks, conditions with time-outs on both clocks, barriers, semaphores. Built with musl
 * and, by ci/tests/test_glibc_threads.py, with glibc: their thread libraries ask different things of the kernel.
 */
#include "posix_threads.h"

static volatile int flag, counter, mistakes;

static void make_mutex(pthread_mutex_t *mutex, int type, int protocol, int robust)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	CHECK_EQ(pthread_mutexattr_settype(&attributes, type), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&attributes, robust), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutex_init(mutex, &attributes), 0);
	pthread_mutexattr_destroy(&attributes);
}

static void *count_up(void *mutex)
{
	for (int i = 0; i < ROUNDS; i++) {
		int seen;

		if (pthread_mutex_lock(mutex))
			mistakes++;
		seen = counter;
		if (i % 64 == 0)
			sched_yield();
		counter = seen + 1;
		if (pthread_mutex_unlock(mutex))
			mistakes++;
	}
	return NULL;
}

static void *try_from_outside(void *mutex)
{
	struct timespec limit = soon(CLOCK_REALTIME, 20);

	CHECK_EQ(pthread_mutex_trylock(mutex), EBUSY);
	CHECK_EQ(pthread_mutex_timedlock(mutex, &limit), ETIMEDOUT);
	return NULL;
}

static void use_mutex(int type, int protocol, int robust)
{
	pthread_t threads[THREADS];
	pthread_mutex_t mutex;

	make_mutex(&mutex, type, protocol, robust);
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	join(start(try_from_outside, &mutex));
	if (type == PTHREAD_MUTEX_RECURSIVE) {
		CHECK_EQ(pthread_mutex_lock(&mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
		join(start(try_from_outside, &mutex));
	}
	if (type == PTHREAD_MUTEX_ERRORCHECK)
		CHECK_EQ(pthread_mutex_lock(&mutex), EDEADLK);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	if (type != PTHREAD_MUTEX_NORMAL)
		CHECK_EQ(pthread_mutex_unlock(&mutex), EPERM);
	counter = mistakes = 0;
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(count_up, &mutex);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(counter, THREADS * ROUNDS);
	CHECK_EQ(mistakes, 0);
	CHECK_EQ(pthread_mutex_destroy(&mutex), 0);
}

static const int types[] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK };

static void mutexes(void)
{
	for (int i = 0; i < 3; i++)
		for (int robust = 0; robust < 2; robust++)
			use_mutex(types[i], PTHREAD_PRIO_NONE, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
}

static void pi_mutexes(void)
{
	for (int i = 0; i < 3; i++)
		for (int robust = 0; robust < 2; robust++)
			use_mutex(types[i], PTHREAD_PRIO_INHERIT, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
}

static void *end_holding(void *mutex)
{
	if (pthread_mutex_lock(mutex))
		mistakes++;
	flag = 1;
	check_sleep(20);
	return NULL;
}

/* The owner ends while others wait, or has ended before; by the end of its thread or, killed, of its process. */
static void robust_mutexes(void)
{
	pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int protocol = 0; protocol < 2; protocol++) {
		pthread_t thread;
		int ready[2];
		pid_t child;
		char byte;

		make_mutex(mutex, PTHREAD_MUTEX_NORMAL, protocol ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
		flag = 0;
		thread = start(end_holding, mutex);
		CHECK(check_await(&flag, PATIENCE));
		CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
		join(thread);
		CHECK_EQ(pthread_mutex_consistent(mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(mutex), 0);
		join(start(end_holding, mutex));
		CHECK_EQ(pthread_mutex_trylock(mutex), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_consistent(mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(mutex), 0);
		CHECK_EQ(pipe(ready), 0);
		child = fork();
		if (child == 0) {
			pthread_mutex_lock(mutex);
			write(ready[1], "x", 1);
			check_sleep(20);
			kill(getpid(), SIGKILL);
		}
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
		CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
		/* Given up without being made consistent: nobody may use it any more. */
		CHECK_EQ(pthread_mutex_unlock(mutex), 0);
		CHECK_EQ(pthread_mutex_lock(mutex), ENOTRECOVERABLE);
		pthread_mutex_destroy(mutex);
		close(ready[0]);
		close(ready[1]);
	}
	CHECK_EQ(mistakes, 0);
}

/* ---- Read-write locks, conditions, barriers, semaphores ---- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile int first, second;

static void *read_or_write(void *number)
{
	for (int i = 0; i < ROUNDS / 2; i++) {
		if ((i + (long)number) % 4) {
			pthread_rwlock_rdlock(&rwlock);
			if (first != second)
				mistakes++;
		} else {
			pthread_rwlock_wrlock(&rwlock);
			first++;
			if (i % 32 == 0)
				sched_yield();
			second++;
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void *try_rwlock(void *reads)
{
	struct timespec limit = soon(CLOCK_REALTIME, 20);

	CHECK_EQ(pthread_rwlock_tryrdlock(&rwlock), reads ? 0 : EBUSY);
	if (reads)
		CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
	CHECK_EQ(pthread_rwlock_trywrlock(&rwlock), EBUSY);
	CHECK_EQ(pthread_rwlock_timedwrlock(&rwlock, &limit), ETIMEDOUT);
	return NULL;
}

static void rwlocks(void)
{
	pthread_t threads[THREADS];

	CHECK_EQ(pthread_rwlock_rdlock(&rwlock), 0);
	join(start(try_rwlock, (void *)1));
	CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
	CHECK_EQ(pthread_rwlock_wrlock(&rwlock), 0);
	join(start(try_rwlock, NULL));
	CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
	for (long i = 0; i < THREADS; i++)
		threads[i] = start(read_or_write, (void *)i);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(mistakes, 0);
	CHECK_EQ(first, second);
	CHECK(first > 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void timed_condition(clockid_t clock, pthread_mutex_t *with)
{
	pthread_condattr_t attributes;
	struct timespec limit;
	pthread_cond_t timed;
	long begin = check_now();

	pthread_condattr_init(&attributes);
	CHECK_EQ(pthread_condattr_setclock(&attributes, clock), 0);
	CHECK_EQ(pthread_cond_init(&timed, &attributes), 0);
	CHECK_EQ(pthread_mutex_lock(with), 0);
	limit = soon(clock, 30);
	CHECK_EQ(pthread_cond_timedwait(&timed, with, &limit), ETIMEDOUT);
	CHECK(check_now() - begin >= 29);
	CHECK_EQ(pthread_cond_timedwait(&timed, with, &limit), ETIMEDOUT);
	CHECK_EQ(pthread_mutex_unlock(with), 0);
	CHECK_EQ(pthread_cond_destroy(&timed), 0);
}

static void *await_broadcast(void *with)
{
	pthread_mutex_lock(with);
	counter++;
	while (!flag)
		pthread_cond_wait(&condition, with);
	counter--;
	pthread_mutex_unlock(with);
	return NULL;
}

static void broadcast(pthread_mutex_t *with)
{
	pthread_t threads[THREADS];

	flag = counter = 0;
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(await_broadcast, with);
	for (int all = 0; !all; check_sleep(2)) {
		pthread_mutex_lock(with);
		all = counter == THREADS;
		pthread_mutex_unlock(with);
	}
	pthread_mutex_lock(with);
	flag = 1;
	CHECK_EQ(pthread_cond_broadcast(&condition), 0);
	pthread_mutex_unlock(with);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(counter, 0);
}

static void conditions(void)
{
	pthread_mutex_t inheriting;

	make_mutex(&inheriting, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
	timed_condition(CLOCK_REALTIME, &mutex);
	timed_condition(CLOCK_MONOTONIC, &mutex);
	timed_condition(CLOCK_REALTIME, &inheriting);
	timed_condition(CLOCK_MONOTONIC, &inheriting);
	for (int i = 0; i < 20; i++) {
		broadcast(&mutex);
		broadcast(&inheriting);
	}
}

static pthread_barrier_t barrier;

static void *meet(void *unused)
{
	for (int i = 0; i < 100; i++)
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static void barriers(void)
{
	pthread_t threads[THREADS];

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start(meet, NULL);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(counter, 100);
	CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

static sem_t *full, *empty;
static volatile int slots[4], in, out;

static void *produce(void *count)
{
	for (long i = 1; i <= (long)count; i++) {
		while (sem_wait(empty))
			;
		pthread_mutex_lock(&mutex);
		slots[in++ % 4] = 1;
		pthread_mutex_unlock(&mutex);
		sem_post(full);
	}
	return NULL;
}

static void *consume(void *count)
{
	for (long i = 0; i < (long)count; i++) {
		while (sem_wait(full))
			;
		pthread_mutex_lock(&mutex);
		counter += slots[out % 4];
		slots[out++ % 4] = 0;
		pthread_mutex_unlock(&mutex);
		sem_post(empty);
	}
	return NULL;
}

static void semaphores(void)
{
	struct timespec limit = soon(CLOCK_REALTIME, 20);
	pthread_t threads[4];
	pid_t child;

	full = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	empty = full + 1;
	CHECK_EQ(sem_init(full, 1, 0), 0);
	CHECK_EQ(sem_init(empty, 1, 4), 0);
	CHECK_ERR(sem_trywait(full), EAGAIN);
	CHECK_ERR(sem_timedwait(full, &limit), ETIMEDOUT);
	for (int i = 0; i < 4; i++)
		threads[i] = start(i % 2 ? produce : consume, (void *)ROUNDS);
	for (int i = 0; i < 4; i++)
		join(threads[i]);
	CHECK_EQ(counter, 2 * ROUNDS);
	child = fork();
	if (child == 0)
		_exit(sem_wait(full) || sem_post(empty));
	check_sleep(10);
	CHECK_EQ(sem_post(full), 0);
	CHECK_EQ(check_wait(child), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(sem_wait(empty), 0);
	CHECK_ERR(sem_trywait(empty), EAGAIN);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(mutexes), CASE(pi_mutexes), CASE(robust_mutexes), CASE(rwlocks), CASE(conditions), CASE(barriers), CASE(semaphores),
		{ NULL, NULL },
	};

	return check_main("posix_locks", cases, argc, argv);
}
