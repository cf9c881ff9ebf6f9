/* SPDX-License-Identifier: MIT */
/* The 8254 interval timer: measures the TSC, and is the timer interrupt where there is no local APIC. */
#pragma once

#include "lib/types.h"

enum { PIT_HZ = 1193182, PIT_MAX_TICKS = 65535 };

/* Channel 0: one interrupt after @ticks (1 to PIT_MAX_TICKS). */
void pit_start(unsigned ticks);

/* Channel 2 counts the ticks from pit_count_start() on, up to PIT_MAX_TICKS; then it has expired and its count means nothing. */
void pit_count_start(void);
unsigned pit_count(void);
bool pit_count_expired(void);
void pit_count_stop(void);
