/* SPDX-License-Identifier: MIT */
/* What the programs about priority-inheriting futexes share: the call, and threads that do one thing each. */
#ifndef FUTEX_ACTORS_H
#define FUTEX_ACTORS_H

#include "check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 10000 };

static inline long futex(volatile uint32_t *at, int operation, uint32_t value, const void *limit, volatile uint32_t *second, uint32_t last)
{
	return syscall(SYS_futex, at, operation, value, limit, second, last);
}

static inline long lock(volatile uint32_t *at)
{
	return futex(at, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static inline long unlock(volatile uint32_t *at)
{
	return futex(at, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

static uint32_t own_tid(void)
{
	return syscall(SYS_gettid);
}

/* Waits until thread @tid sleeps. */
static inline int sleeps(int tid)
{
	char name[64], text[256], *state;

	snprintf(name, sizeof name, "/proc/self/task/%d/stat", tid);
	for (long end = check_now() + PATIENCE; check_now() < end; check_sleep(2)) {
		FILE *file = fopen(name, "r");

		if (!file)
			return 0;
		text[fread(text, 1, sizeof text - 1, file)] = 0;
		fclose(file);
		state = strrchr(text, ')');
		if (state && state[2] == 'S')
			return 1;
	}
	return 0;
}

/* A thread that does one thing: what, where, with which real-time priority (0: none), and how it went. */
struct actor {
	void (*act)(struct actor *self);
	volatile uint32_t *at;
	int priority;
	const struct timespec *limit;
	sem_t go;
	volatile int tid, done;
	volatile long result;
	volatile int error;
	pthread_t thread;
};

static inline void set_policy(int policy, int priority)
{
	struct sched_param parameter = { .sched_priority = priority };

	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &parameter), 0);
}

static inline void *run_actor(void *argument)
{
	struct actor *self = argument;

	set_policy(self->priority ? SCHED_FIFO : SCHED_OTHER, self->priority);
	self->tid = own_tid();
	self->act(self);
	self->done = 1;
	return NULL;
}

static inline void start_actor(struct actor *actor, void (*act)(struct actor *), volatile uint32_t *at, int priority)
{
	*actor = (struct actor){ .act = act, .at = at, .priority = priority };
	CHECK_EQ(sem_init(&actor->go, 0, 0), 0);
	CHECK_EQ(pthread_create(&actor->thread, NULL, run_actor, actor), 0);
	CHECK(check_await(&actor->tid, PATIENCE));
}

static inline void join_actor(struct actor *actor)
{
	CHECK_EQ(pthread_join(actor->thread, NULL), 0);
}

static inline void await_go(struct actor *self)
{
	while (sem_wait(&self->go))
		;
}

static inline struct timespec soon(clockid_t clock, long milliseconds)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_sec += milliseconds / 1000;
	time.tv_nsec += milliseconds % 1000 * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

static inline void actor_wait(struct actor *self)
{
	self->result = futex(self->at, FUTEX_WAIT, *self->at, NULL, NULL, 0);
}

#endif
