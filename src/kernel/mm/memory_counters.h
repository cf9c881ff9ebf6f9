/* SPDX-License-Identifier: MIT */
/*
 * For mm itself: page counts kept as things happen. Each CPU counts for itself, in one instruction that nothing can come between; a figure is the sum
 * over the CPUs (memory_get_stats).
 */
#pragma once

#include "arch/x86_64/cpu.h"

enum memory_counter {
	MEMORY_CACHED,		/* pages in VM objects */
	MEMORY_SHARED,		/* of them in pinned objects, or dirty in objects without write-back */
	MEMORY_ANONYMOUS,	/* frames with FRAME_ANONYMOUS */
	MEMORY_PAGE_TABLES,	/* of user address spaces */
	MEMORY_KERNEL_STACKS,	/* pages */
	MEMORY_DIRTY,		/* of MEMORY_CACHED: dirty in objects that are written back */
	MEMORY_WRITEBACK,	/* of MEMORY_CACHED: FRAME_WRITEBACK; dirty again, too, perhaps */
	MEMORY_COUNTERS
};
_Static_assert(MEMORY_COUNTERS == sizeof(((struct cpu *)0)->memory_counts) / sizeof(int64_t), "struct cpu has room for each");

/* Any context. */
static inline __attribute__((always_inline)) void memory_count(enum memory_counter counter, int64_t delta)
{
	CPU_ADD(memory_counts[counter], delta);
}
