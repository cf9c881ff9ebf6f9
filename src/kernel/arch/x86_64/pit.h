/* SPDX-License-Identifier: MIT */
/* The 8254 interval timer: measures the TSC, and is the timer interrupt where there is no local APIC. */
#pragma once

#include "lib/types.h"

enum { PIT_HZ = 1193182, PIT_MAX_TICKS = 65535 };

/* Channel 0: one interrupt after @ticks (1 to PIT_MAX_TICKS). */
void pit_start(unsigned ticks);

/* Busy-waits for @ticks of channel 2 (up to PIT_MAX_TICKS). False if the counter never moved. */
bool pit_wait(unsigned ticks);
