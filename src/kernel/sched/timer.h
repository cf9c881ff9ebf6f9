/* SPDX-License-Identifier: MIT */
/* One-shot timers with nanosecond deadlines on the monotonic clock. */
#pragma once

#include "lib/rbtree.h"

struct timer {
	struct rb_node node;		/* guarded by the timer queue's lock */
	uint64_t deadline;		/* clock_monotonic_ns() */
	void (*expire)(struct timer *timer);	/* called in the timer interrupt, no lock held: must not sleep */
	bool armed;			/* guarded by the timer queue's lock */
	unsigned cpu;			/* whose queue it is or was last on */
};

/* Once, before the first timer is armed. */
void timer_queues_init(void);

void timer_init(struct timer *timer, void (*expire)(struct timer *timer));

/*
 * (Re)arms, on the calling CPU if its expire() does not run on another. Of two callers at once one is the last. A deadline in the past expires at the
 * next chance. Callable from any context, expire() included.
 */
void timer_arm(struct timer *timer, uint64_t deadline);

/* After this returns expire() is not running and will not run (unless armed again). Returns whether it was armed. */
bool timer_cancel(struct timer *timer);
