/* SPDX-License-Identifier: MIT */
/*
 * Timers of the wall clock. All that were armed stay on one list. Who sets the clock goes through it afterwards; a deadline is worked out under the list's
 * lock, so it is by the new time, or on the list for who set it.
 */
#include "sched/wall_timer.h"
#include "lib/errno.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_WALL_TIMERS);
static struct list wall_timers = LIST_INIT(wall_timers);	/* list_lock */

void wall_timer_init(struct wall_timer *wall, struct timer *timer)
{
	list_init(&wall->link);
	wall->timer = timer;
	wall->was_set = false;
}

void wall_timer_arm(struct wall_timer *wall, uint64_t until)
{
	uint64_t flags = spin_lock_irq(&list_lock);

	list_remove(&wall->link);
	list_push_back(&wall_timers, &wall->link);
	timer_arm(wall->timer, deadline_from_realtime(until));
	spin_unlock_irq(&list_lock, flags);
}

void wall_timer_leave(struct wall_timer *wall)
{
	uint64_t flags = spin_lock_irq(&list_lock);

	list_remove(&wall->link);
	spin_unlock_irq(&list_lock, flags);
}

void wall_timers_clock_was_set(void)
{
	uint64_t flags = spin_lock_irq(&list_lock);
	struct wall_timer *wall;

	list_for_each(wall, &wall_timers, link) {
		atomic_store(&wall->was_set, true);
		timer_arm(wall->timer, 0);
	}
	spin_unlock_irq(&list_lock, flags);
}

int wait_sleep_wall(struct waiter *waiter, uint64_t until, enum wait_mode mode)
{
	struct thread *thread = current_thread();
	struct wall_timer wall;
	int error = -ETIMEDOUT;

	check_may_sleep();
	wall_timer_init(&wall, &thread->sleep_timer);
	do {
		(void)atomic_exchange(&thread->wait_timed_out, false);	/* before the clock is read */
		wall_timer_arm(&wall, until);
		scheduler_sleep(&waiter->woken, mode);
		if (atomic_load(&waiter->woken))
			error = 0;
		else if (atomic_load_relaxed(&thread->user.work) & mode)
			error = -ERESTARTSYS;
	} while (error == -ETIMEDOUT && clock_realtime_ns() < until);
	wall_timer_leave(&wall);
	timer_cancel(&thread->sleep_timer);
	return error;
}
