/* SPDX-License-Identifier: MIT */
/*
 * Timers that expire at a time of the wall clock, however it is set meanwhile. When it is set they expire at once, perhaps early: expire() looks at
 * the clock, and arms again what is not due.
 */
#pragma once

#include "lib/list.h"
#include "sched/timer.h"
#include "sync/wait.h"

struct wall_timer {
	struct list link;		/* wall_timer.c's lock: among those that a setting of the clock concerns; alone before the first arming */
	struct timer *timer;		/* set once */
	bool was_set;			/* atomic: the clock was set; for the owner, who clears it */
};

void wall_timer_init(struct wall_timer *wall, struct timer *timer);

/* timer_arm() for when the wall clock shows @until (ns). Any context. */
void wall_timer_arm(struct wall_timer *wall, uint64_t until);

/* Comes before timer_cancel(), when expire() does not arm it any more: settings of the clock do not reach the timer after this. */
void wall_timer_leave(struct wall_timer *wall);

/* The wall clock was set. Thread context; does not sleep. */
void wall_timers_clock_was_set(void);

/* wait_sleep() until the wall clock shows @until. */
int wait_sleep_wall(struct waiter *waiter, uint64_t until, enum wait_mode mode);
