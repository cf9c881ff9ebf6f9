/* SPDX-License-Identifier: MIT */
/*
 * Who gets how much of the CPUs. Programs that compute, "hogs", count what they do over a window of time.
 *
 * WINDOW_MS is the window's length. With EXACT set the bounds are tight: that is for machines whose clock counts instructions (ci/vm --icount), since
 * elsewhere the host decides how long a hog really runs.
 */
#ifndef HOGS_H
#define HOGS_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { HOGS_MAX = 24, ANY_CPU = -1, SAMPLES_MAX = 20000, US_PER_MS = 1000 };

struct hog {
	int policy, rt_priority, nice, cpu;
	int yields;			/* calls sched_yield now and then */
	volatile uint64_t work;
	uint64_t before;
	pid_t pid;
	volatile int seen_on;		/* realtime_goes_elsewhere: where it was when it last woke, and how late it has ever been */
	volatile long latest_us;
} __attribute__((aligned(64)));

/* Of the test and its hogs; there once hogs were started. */
extern struct shared {
	struct hog hogs[HOGS_MAX];
	volatile int ready, go;
	long lateness_us[SAMPLES_MAX];
} *shared;

int exact(void);
long window_ms(void);
/* Whether @share is in @low to @high, thousandths; in the wider bounds without EXACT. */
int is_between(long share, long low, long high, long wide_low, long wide_high);

/* Of the caller. */
void pin(int cpu);
void set_policy(int policy, int priority);
long us_after(const struct timespec *since);
/* Returns by how many microseconds it slept too long. */
long sleep_us(long us);

/* Starts @count hogs at once; they run when this returns. The caller is ahead of all of them from now on. */
void start_hogs(const struct hog *hogs, int count);
void stop_hogs(int count);
/* Lets the hogs run for the window; sets each one's share of what all did, in thousandths. @by_time: by the kernel's own account. */
void measure(int count, int by_time, long *shares);
/* All three. */
void run_hogs(const struct hog *hogs, int count, int by_time, long *shares);

#endif
