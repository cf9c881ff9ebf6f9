/* SPDX-License-Identifier: MIT */
/* What the programs about POSIX threads share. */
#ifndef POSIX_THREADS_H
#define POSIX_THREADS_H

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 1500, PATIENCE = 10000 };

static inline pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
	return thread;
}

static inline void *join(pthread_t thread)
{
	void *result = NULL;

	CHECK_EQ(pthread_join(thread, &result), 0);
	return result;
}

static inline struct timespec soon(clockid_t clock, long milliseconds)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += milliseconds * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

#endif
