/* SPDX-License-Identifier: MIT */
/* Time. All values are nanoseconds. Readable from any context. */
#pragma once

#include "lib/types.h"

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS 1000000ull
#define NS_PER_US 1000ull

uint64_t clock_monotonic_ns(void);	/* since boot */
uint64_t clock_realtime_ns(void);	/* since 1970-01-01 UTC */
void clock_set_realtime_ns(uint64_t ns);
