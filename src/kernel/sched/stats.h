/* SPDX-License-Identifier: MIT */
/* Counters the scheduler keeps about itself. */
#pragma once

#include "lib/types.h"

void sched_counters_thread(int change);		/* a thread was made (1) or freed (-1) */
void sched_stats_init(void);			/* starts the load average's timer */
