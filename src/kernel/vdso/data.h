/* SPDX-License-Identifier: MIT */
/* What the kernel tells the vDSO: one page that every process can read, [vvar]. */
#pragma once

#include "lib/types.h"

/*
 * Monotonic time in seconds is (TSC - tsc_base) * seconds_per_cycle, which is a 0.64 fixed-point number; clock_hw.c computes the same. These do
 * not change once a process runs. Wall-clock time is later by the realtime_ words, which belong together: @sequence is odd while they change.
 */
struct vdso_data {
	uint64_t tsc_base, seconds_per_cycle;
	uint64_t ns_per_second;		/* here, because multiplying by memory takes one instruction */
	uint32_t sequence;		/* atomic */
	int64_t realtime_seconds;
	uint64_t realtime_ns;		/* below ns_per_second */
};

/* In the vDSO only: the page before it (user/vdso.ld). */
extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));
