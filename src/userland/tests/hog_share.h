/* SPDX-License-Identifier: MIT */
/* For tests of who gets the CPU: how much of it a program that only computes, the hog, has had. */
#pragma once

#include "check.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

static pid_t hog;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* The hog's part of the time since the last call, percent. */
static long share_of_hog(void)
{
	static uint64_t time, used;
	uint64_t now = clock_ns(CLOCK_MONOTONIC), cpu, share;
	clockid_t clock;

	CHECK_EQ(clock_getcpuclockid(hog, &clock), 0);
	cpu = clock_ns(clock);
	share = now > time ? (cpu - used) * 100 / (now - time) : 0;
	time = now;
	used = cpu;
	return share;
}

static void check_share(long least, long most)
{
	long share = share_of_hog();

	printf("the hog had %ld %%\n", share);
	CHECK(share >= least && share <= most);
}
