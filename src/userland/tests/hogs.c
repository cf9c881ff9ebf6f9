/* SPDX-License-Identifier: MIT */
#include "hogs.h"
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WARM_UP_MS = 150 };

struct shared *shared;

int exact(void)
{
	return getenv("EXACT") != NULL;
}

long window_ms(void)
{
	const char *text = getenv("WINDOW_MS");

	return text ? atol(text) : 300;
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

void set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &param), 0);	/* musl's function has no effect, on purpose */
}

static void hog_main(void *argument)
{
	struct hog *hog = argument;

	if (hog->cpu != ANY_CPU)
		pin(hog->cpu);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, hog->nice), 0);
	set_policy(hog->policy, hog->rt_priority);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!shared->go)
		check_sleep(1);
	for (;;) {
		for (volatile int i = 0; i < 200; i++)
			;
		hog->work++;
		if (hog->yields && hog->work % 64 == 0)
			sched_yield();
	}
}

void start_hogs(const struct hog *hogs, int count)
{
	set_policy(SCHED_FIFO, 99);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < count; i++) {
		shared->hogs[i] = hogs[i];
		shared->hogs[i].pid = check_spawn(hog_main, &shared->hogs[i]);
	}
	while (shared->ready < count)
		check_sleep(1);
	shared->go = 1;
	check_sleep(WARM_UP_MS);
}

void stop_hogs(int count)
{
	/* All before the first wait: one that never gets the CPU cannot die. */
	for (int i = 0; i < count; i++)
		kill(shared->hogs[i].pid, SIGKILL);
	for (int i = 0; i < count; i++)
		CHECK_EQ(check_wait(shared->hogs[i].pid), CHECK_KILLED + SIGKILL);
}

static uint64_t cpu_time(pid_t pid)
{
	struct timespec time = { 0 };
	clockid_t clock;

	CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
	CHECK_EQ(clock_gettime(clock, &time), 0);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

void measure(int count, int by_time, long *shares)
{
	uint64_t sum = 0, done[HOGS_MAX];

	for (int i = 0; i < count; i++)
		shared->hogs[i].before = by_time ? cpu_time(shared->hogs[i].pid) : shared->hogs[i].work;
	check_sleep(window_ms());
	for (int i = 0; i < count; i++) {
		done[i] = (by_time ? cpu_time(shared->hogs[i].pid) : shared->hogs[i].work) - shared->hogs[i].before;
		sum += done[i];
	}
	for (int i = 0; i < count; i++) {
		shares[i] = sum ? done[i] * 1000 / sum : 0;
		printf("hog %d: %ld.%ld %%\n", i, shares[i] / 10, shares[i] % 10);
	}
}

int is_between(long share, long low, long high, long wide_low, long wide_high)
{
	return exact() ? share >= low && share <= high : share >= wide_low && share <= wide_high;
}

void run_hogs(const struct hog *hogs, int count, int by_time, long *shares)
{
	start_hogs(hogs, count);
	measure(count, by_time, shares);
	stop_hogs(count);
}

long us_after(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000000 + (now.tv_nsec - since->tv_nsec) / 1000;
}

long sleep_us(long us)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += us * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	return us_after(&until);
}
