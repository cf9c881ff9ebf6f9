/* SPDX-License-Identifier: MIT */
/*
 * nanosleep and clock_nanosleep. A sleep that a signal without handler interrupts goes on to its old deadline (restart_syscall); behind a
 * handler it ends with EINTR and the time that was left.
 */
#include <linux/time.h>

#include "mm/user_copy.h"
#include "process/cpu_clock.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "sched/wall_timer.h"
#include "syscall_prototypes.h"

/* A signal came with @left ns to go: @resume sleeps on until @deadline, unless a handler runs, who may read what is @remaining. */
static long restart_sleep(long (*resume)(void), uint64_t deadline, uint64_t left, uaddr_t remaining)
{
	struct thread_state *state = &current_thread()->user;

	if (remaining && timespec_to_user(remaining, left))
		return -EFAULT;
	state->restart.resume = resume;
	state->restart.deadline = deadline;
	state->restart.remaining = remaining;
	return -ERESTART_RESTARTBLOCK;
}

static long resume_sleep(void);

/* Sleeps to a monotonic deadline. 0, or a restart with the time left written. */
static long sleep_relative(uint64_t deadline, uaddr_t remaining)
{
	uint64_t now;

	if (!sched_sleep_until(deadline, true))
		return 0;
	now = clock_monotonic_ns();
	return now >= deadline ? 0 : restart_sleep(resume_sleep, deadline, deadline - now, remaining);
}

static long resume_sleep(void)
{
	struct thread_state *state = &current_thread()->user;

	return sleep_relative(state->restart.deadline, state->restart.remaining);
}

static long resume_cpu_sleep(void);

/*
 * Sleeps until the clock of CPU time @id shows @time, or, @relative, so much more than it shows now. With @restarts a signal without handler does
 * not end it.
 */
static long sleep_cpu(int id, uint64_t time, bool relative, bool restarts, uaddr_t remaining)
{
	struct cpu_clock clock;
	int error = cpu_clock_get(&clock, id);
	uint64_t now;

	if (error)
		return error;
	now = cpu_clock_read(&clock);
	if (relative)
		time = MIN(time, TIME_FAR_AWAY - now) + now;
	if (clock.thread == current_thread())
		error = -EINVAL;	/* asleep it uses none */
	while (!error && now < time) {
		error = sched_sleep_until(deadline_after(cpu_clock_pause(time - now)), true);
		now = cpu_clock_read(&clock);
	}
	cpu_clock_put(&clock);
	if (error != -ERESTARTSYS || now >= time)
		return error == -ERESTARTSYS ? 0 : error;
	current_thread()->user.restart.clock = id;
	return restarts ? restart_sleep(resume_cpu_sleep, time, time - now, remaining) : -ERESTARTNOHAND;
}

static long resume_cpu_sleep(void)
{
	struct thread_state *state = &current_thread()->user;

	return sleep_cpu(state->restart.clock, state->restart.deadline, false, true, state->restart.remaining);
}

/* Absolute wall-clock time: the deadline moves when the clock is set. */
static long sleep_until_realtime(uint64_t until)
{
	struct waiter waiter = { .woken = 0 };	/* that nobody wakes */

	if (clock_realtime_ns() >= until)
		return 0;
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
	int error, refused = clock_leave_alarm(&clock);
	uint64_t ns;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		break;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		if (!cpu_clock_is(clock))
			return -EINVAL;
	}
	error = timespec_from_user(&ns, request) ?: refused;
	if (error)
		return error;
	if (cpu_clock_is(clock))
		return sleep_cpu(clock, ns, !(flags & TIMER_ABSTIME), !(flags & TIMER_ABSTIME), remaining);
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
