/* SPDX-License-Identifier: MIT */
/* The arithmetic of heartbeats (watchdog.h). */
#include "watchdog.h"

enum { LOOKS_A_PERIOD = 20 };

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void watchdog_beat(struct watchdog *watchdog, uint64_t now_ns, uint64_t cpu_ns)
{
	watchdog->beat_ns = watchdog->looked_ns = now_ns;
	watchdog->counted_ns = 0;
	watchdog->cpu_ns = cpu_ns;
}

/* From the last look to the next. */
static uint64_t step(const struct watchdog *watchdog)
{
	uint64_t period = watchdog->period_ns;

	return watchdog->looked_ns == watchdog->beat_ns ? period - period / 2 : (period + LOOKS_A_PERIOD - 1) / LOOKS_A_PERIOD;
}

uint64_t watchdog_due(const struct watchdog *watchdog)
{
	return watchdog->period_ns ? watchdog->looked_ns + step(watchdog) : UINT64_MAX;
}

bool watchdog_look(struct watchdog *watchdog, uint64_t now_ns, uint64_t cpu_ns, bool ready)
{
	uint64_t length = step(watchdog), ran = cpu_ns > watchdog->cpu_ns ? cpu_ns - watchdog->cpu_ns : 0;

	if (now_ns < watchdog_due(watchdog))
		return false;
	watchdog->counted_ns += ready ? min(ran, length) : length;
	watchdog->looked_ns = now_ns;
	watchdog->cpu_ns = cpu_ns;
	return watchdog->counted_ns >= watchdog->period_ns;
}
