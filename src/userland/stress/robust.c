/* SPDX-License-Identifier: MIT */
/*
 * robust: processes and threads die while they hold a robust mutex, by exit and by SIGKILL. The next one is told so exactly
 * once for each death, and nobody else is ever inside at the same time.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIVES = 4, LOCKS = 40 };

struct shared {
	pthread_mutex_t mutex;
	/* Guarded by it: equal, unless the last holder has died. */
	uint64_t first, second;
	uint64_t deaths, told;
	struct life {
		struct shared *shared;
		uint64_t random;
	} life[LIVES];
};

static void enter(struct shared *shared)
{
	int error = pthread_mutex_lock(&shared->mutex);

	EXPECT(error == 0 || error == EOWNERDEAD, "pthread_mutex_lock gave %d", error);
	if (error == EOWNERDEAD) {
		shared->told++;
		EXPECT(shared->told == shared->deaths, "%lu deaths, told of %lu", (unsigned long)shared->deaths, (unsigned long)shared->told);
		shared->second = shared->first;
		EXPECT(pthread_mutex_consistent(&shared->mutex) == 0, "pthread_mutex_consistent");
	}
	EXPECT(shared->first == shared->second, "inside are two: %lu, %lu", (unsigned long)shared->first, (unsigned long)shared->second);
}

static void *die_as_thread(void *argument)
{
	struct shared *shared = argument;

	enter(shared);
	shared->deaths++;
	shared->first++;
	return NULL;
}

/* Ends in the middle, with the mutex held. */
static void die(struct life *life, struct worker *worker)
{
	pthread_t thread;

	switch (storm_pick(worker, 3)) {
	case 0:
		/* A thread of ours; this process goes on. */
		thread = storm_thread(die_as_thread, life->shared);
		pthread_join(thread, NULL);
		return;
	case 1:
		enter(life->shared);
		life->shared->deaths++;
		life->shared->first++;
		_exit(0);
	default:
		enter(life->shared);
		life->shared->deaths++;
		life->shared->first++;
		kill(getpid(), SIGKILL);
		for (;;)
			pause();
	}
}

noreturn static void live(struct life *life)
{
	struct worker worker = { .random = life->random };

	for (int i = 0; i < LOCKS; i++) {
		if (storm_pick(&worker, LOCKS) == 0)
			die(life, &worker);
		enter(life->shared);
		life->shared->first++;
		if (storm_pick(&worker, 4) == 0)
			sched_yield();
		life->shared->second++;
		EXPECT(pthread_mutex_unlock(&life->shared->mutex) == 0, "pthread_mutex_unlock");
	}
	die(life, &worker);
	_exit(0);
}

static void work(struct worker *worker)
{
	struct shared *shared = storm_shared(sizeof *shared);
	pthread_mutexattr_t attributes;
	pid_t pids[LIVES];

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	EXPECT(pthread_mutex_init(&shared->mutex, &attributes) == 0, "pthread_mutex_init");
	while (storm_goes_on(worker)) {
		for (int i = 0; i < LIVES; i++) {
			shared->life[i] = (struct life){ shared, storm_random(worker) | 1 };
			pids[i] = storm_fork();
			if (!pids[i])
				live(&shared->life[i]);
		}
		for (int i = 0; i < LIVES; i++) {
			int status = storm_wait(pids[i]);

			EXPECT(status == 0 || status == SIGKILL, "process %d ended with %#x", pids[i], status);
		}
		enter(shared);
		EXPECT(shared->told == shared->deaths, "%lu deaths, told of %lu", (unsigned long)shared->deaths, (unsigned long)shared->told);
		EXPECT(pthread_mutex_unlock(&shared->mutex) == 0, "pthread_mutex_unlock");
	}
	munmap(shared, sizeof *shared);
}

static void run(unsigned workers)
{
	storm_processes((workers + 1) / 2, work);
}

const struct storm robust_storm = { "robust", "holders of robust mutexes that die; each death told once", run, NULL };
