/* SPDX-License-Identifier: MIT */
/*
 * The vDSO: what it exports, Linux's names and version, runs in user mode and reads clocks without entering the kernel. A clock that is not kept by
 * the TSC, and a number that is none, is left to the system call.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/time.h>

#include "arch/x86_64/vdso_cpu.h"
#include "vdso/data.h"

#define EXPORT __attribute__((visibility("default")))

enum { COARSE_RESOLUTION_NS = 4000000 };	/* as clock_calls.c says */

/* In this order the first product is stored before the second one takes its registers. */
static inline __attribute__((always_inline)) void monotonic(struct timespec *time)
{
	unsigned __int128 seconds = (unsigned __int128)(vdso_read_tsc() - vdso_data.tsc_base) * vdso_data.seconds_per_cycle;

	time->tv_sec = seconds >> 64;
	time->tv_nsec = (unsigned __int128)(uint64_t)seconds * vdso_data.ns_per_second >> 64;
}

static struct timespec realtime(void)
{
	struct timespec time;
	uint32_t sequence;
	int64_t seconds;
	uint64_t ns;

	do {
		sequence = __atomic_load_n(&vdso_data.sequence, __ATOMIC_ACQUIRE) & ~1u;
		monotonic(&time);
		seconds = __atomic_load_n(&vdso_data.realtime_seconds, __ATOMIC_RELAXED);
		ns = __atomic_load_n(&vdso_data.realtime_ns, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__builtin_expect(__atomic_load_n(&vdso_data.sequence, __ATOMIC_RELAXED) != sequence, 0));
	time.tv_sec += seconds;
	time.tv_nsec += ns;
	if (time.tv_nsec >= (int64_t)vdso_data.ns_per_second) {
		time.tv_nsec -= vdso_data.ns_per_second;
		time.tv_sec++;
	}
	return time;
}

/* Which clocks these are is said in clock_calls.c, read_clock(). */
static bool is_monotonic(int clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

static bool is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

static __attribute__((noinline)) int other_clock(int clock, struct timespec *time)
{
	if (is_realtime(clock))
		*time = realtime();
	else if (is_monotonic(clock))
		monotonic(time);
	else
		return vdso_system_call(__NR_clock_gettime, clock, (long)time);
	return 0;
}

EXPORT int __vdso_clock_gettime(int clock, struct timespec *time)
{
	if (__builtin_expect(clock != CLOCK_MONOTONIC, 0))
		return other_clock(clock, time);
	monotonic(time);
	return 0;
}

EXPORT int __vdso_clock_getres(int clock, struct timespec *resolution)
{
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;

	if (!is_monotonic(clock) && !is_realtime(clock))
		return vdso_system_call(__NR_clock_getres, clock, (long)resolution);
	if (resolution)
		*resolution = (struct timespec){ 0, coarse ? COARSE_RESOLUTION_NS : 1 };
	return 0;
}

EXPORT int __vdso_gettimeofday(struct timeval *time, struct timezone *zone)
{
	if (time) {
		struct timespec now = realtime();

		*time = (struct timeval){ now.tv_sec, (uint64_t)now.tv_nsec / 1000 };
	}
	if (zone)
		*zone = (struct timezone){ 0, 0 };
	return 0;
}

EXPORT int64_t __vdso_time(int64_t *out)
{
	int64_t seconds = realtime().tv_sec;

	if (out)
		*out = seconds;
	return seconds;
}

/* The third argument was a cache once and is ignored. */
EXPORT int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	if (cpu)
		*cpu = vdso_cpu_number();
	if (node)
		*node = 0;
	return 0;
}

#define ALIAS(name) __attribute__((weak, visibility("default"), alias("__vdso_" #name)))
int clock_gettime(int clock, struct timespec *time) ALIAS(clock_gettime);
int clock_getres(int clock, struct timespec *resolution) ALIAS(clock_getres);
int gettimeofday(struct timeval *time, struct timezone *zone) ALIAS(gettimeofday);
int64_t time(int64_t *out) ALIAS(time);
int getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(getcpu);
