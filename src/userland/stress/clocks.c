/* SPDX-License-Identifier: MIT */
/*
 * clocks: no thread on any CPU reads a time before one that another has already read, by the vDSO or by a system call; threads
 * change CPUs meanwhile. The processor time of a thread only grows and is part of its process's.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { READS = 200, COLUMNS = 5 };

/* The latest time of each clock that anyone has read. */
static struct latest {
	int clock;
	_Atomic uint64_t time;
} __attribute__((aligned(STORM_CACHE_LINE))) latest[COLUMNS] = {
	{ CLOCK_MONOTONIC, 0 }, { CLOCK_REALTIME, 0 }, { CLOCK_MONOTONIC_RAW, 0 }, { CLOCK_BOOTTIME, 0 },
	{ CLOCK_PROCESS_CPUTIME_ID, 0 },
};
static cpu_set_t allowed;

static uint64_t read_clock(clockid_t clock, bool by_call)
{
	struct timespec time;
	long result = by_call ? syscall(SYS_clock_gettime, clock, &time) : clock_gettime(clock, &time);

	EXPECT(result == 0 && time.tv_nsec >= 0 && time.tv_nsec < 1000000000, "clock %d", clock);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void compare(struct latest *column, bool by_call)
{
	uint64_t before = column->time, now = read_clock(column->clock, by_call), seen;

	EXPECT(now >= before, "clock %d %s goes back by %lu ns", column->clock, by_call ? "by a call" : "by the vDSO", (unsigned long)(before - now));
	for (seen = before; seen < now && !atomic_compare_exchange_weak(&column->time, &seen, now);)
		;
}

/* Coarse times are of the last tick: never ahead of the fine ones. */
static void compare_coarse(void)
{
	uint64_t coarse = read_clock(CLOCK_MONOTONIC_COARSE, false), fine = read_clock(CLOCK_MONOTONIC, false);

	EXPECT(coarse <= fine, "the coarse time %lu is ahead of %lu", (unsigned long)coarse, (unsigned long)fine);
}

static void compare_processor_times(uint64_t *last)
{
	uint64_t thread = read_clock(CLOCK_THREAD_CPUTIME_ID, true), process = read_clock(CLOCK_PROCESS_CPUTIME_ID, true);

	EXPECT(thread >= *last, "the thread's time goes back by %lu ns", (unsigned long)(*last - thread));
	EXPECT(process >= thread, "the process has %lu ns, one of its threads %lu", (unsigned long)process, (unsigned long)thread);
	*last = thread;
}

static void change_cpu(struct worker *worker)
{
	unsigned skip = storm_pick(worker, CPU_COUNT(&allowed));
	cpu_set_t mask;

	CPU_ZERO(&mask);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && !skip--)
			CPU_SET(cpu, &mask);
	EXPECT(sched_setaffinity(0, sizeof mask, &mask) == 0, "sched_setaffinity");
}

static void work(struct worker *worker)
{
	uint64_t last = 0;

	while (storm_goes_on(worker)) {
		struct latest *column = &latest[storm_pick(worker, 2) ? 0 : storm_pick(worker, COLUMNS)];

		change_cpu(worker);
		for (int i = 0; i < READS; i++) {
			compare(column, storm_pick(worker, 4) == 0);
			if (i % 32 == 0) {
				compare_coarse();
				compare_processor_times(&last);
			}
		}
	}
}

static void run(unsigned workers)
{
	EXPECT(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
	storm_threads(workers, work);
}

const struct storm clocks_storm = { "clocks", "clocks read on all CPUs never go back", run, NULL };
