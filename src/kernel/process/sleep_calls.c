/* SPDX-License-Identifier: MIT */
/*
 * nanosleep and clock_nanosleep. A sleep that a signal without handler interrupts goes on to its old deadline (restart_syscall); behind a
 * handler it ends with EINTR and the time that was left.
 */
#include <linux/time.h>

#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "sched/wall_timer.h"
#include "syscall_prototypes.h"

static long resume_sleep(void);

/* Sleeps to a monotonic deadline. 0, or a restart with the time left written. */
static long sleep_relative(uint64_t deadline, uaddr_t remaining)
{
	struct thread_state *state = &current_thread()->user;
	uint64_t now;

	if (!sched_sleep_until(deadline, true))
		return 0;
	now = clock_monotonic_ns();
	if (now >= deadline)
		return 0;
	if (remaining && timespec_to_user(remaining, deadline - now))
		return -EFAULT;
	state->restart.resume = resume_sleep;
	state->restart.deadline = deadline;
	state->restart.remaining = remaining;
	return -ERESTART_RESTARTBLOCK;
}

static long resume_sleep(void)
{
	struct thread_state *state = &current_thread()->user;

	return sleep_relative(state->restart.deadline, state->restart.remaining);
}

/* Absolute wall-clock time: the deadline moves when the clock is set. */
static long sleep_until_realtime(uint64_t until)
{
	struct waiter waiter = { .woken = 0 };	/* that nobody wakes */

	return wait_sleep_wall(&waiter, until, WAIT_INTERRUPTIBLE) == -ERESTARTSYS ? -ERESTARTNOHAND : 0;
}

long sys_nanosleep(uaddr_t request, uaddr_t remaining)
{
	uint64_t ns;
	int error = timespec_from_user(&ns, request);

	return error ? error : sleep_relative(deadline_after(ns), remaining);
}

long sys_clock_nanosleep(int clock, int flags, uaddr_t request, uaddr_t remaining)
{
	uint64_t ns;
	int error;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		break;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;		/* CLOCK_THREAD_CPUTIME_ID too: a sleeping thread uses none */
	}
	error = timespec_from_user(&ns, request);
	if (error)
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(deadline_after(ns), remaining);
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI)
		return sleep_until_realtime(ns);
	return sched_sleep_until(ns, true) ? -ERESTARTNOHAND : 0;
}

long sys_restart_syscall(void)
{
	struct thread_state *state = &current_thread()->user;
	long (*resume)(void) = state->restart.resume;

	/* Only the signal code leads here; a program that calls it itself gets what Linux gives it. */
	state->restart.resume = NULL;
	return resume ? resume() : -EINTR;
}
