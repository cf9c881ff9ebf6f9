/* SPDX-License-Identifier: MIT */
/* For mm itself: page counts kept as things happen, each changed atomically. memory_get_stats() adds the rest. */
#pragma once

#include "lib/atomic.h"

struct memory_counters {
	uint64_t cached;	/* pages in VM objects */
	uint64_t shared;	/* of them in pinned objects, or changed since they were filled */
	uint64_t anonymous;	/* frames with FRAME_ANONYMOUS */
	uint64_t page_tables;	/* of user address spaces */
	uint64_t kernel_stacks;	/* pages */
};
extern struct memory_counters memory_counters;

static inline void memory_count(uint64_t *counter, int64_t delta)
{
	__atomic_fetch_add(counter, (uint64_t)delta, __ATOMIC_RELAXED);
}
