/* SPDX-License-Identifier: MIT */
/* The calls that read and set clocks, and those that report CPU time. */
#include <linux/resource.h>
#include <linux/time.h>
#include <linux/times.h>
#include <linux/timex.h>

#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/user_copy.h"
#include "process/cpu_clock.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "process/usage.h"
#include "sched/clock.h"
#include "sched/wall_timer.h"
#include "syscall_prototypes.h"

enum { COARSE_RESOLUTION_NS = 4000000, ZONE_MAX_MINUTES = 15 * 60 };

static int read_cpu_clock(int id, uint64_t *ns)
{
	struct cpu_clock clock;
	int error = cpu_clock_get(&clock, id);

	if (error)
		return error;
	*ns = cpu_clock_read(&clock);
	cpu_clock_put(&clock);
	return 0;
}

int clock_leave_alarm(int *clock)
{
	if (*clock != CLOCK_REALTIME_ALARM && *clock != CLOCK_BOOTTIME_ALARM)
		return 0;
	*clock = *clock == CLOCK_REALTIME_ALARM ? CLOCK_REALTIME : CLOCK_BOOTTIME;
	return credentials_is_root(credentials_current()) ? 0 : -EPERM;
}

static int read_clock(int clock, uint64_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:			/* no leap second table was ever loaded: TAI - UTC is 0, as on a fresh Linux */
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_BOOTTIME:		/* the machine never suspends */
		*ns = clock_monotonic_ns();
		return 0;
	default:
		return read_cpu_clock(clock, ns);
	}
}

long sys_clock_gettime(int clock, uaddr_t out)
{
	uint64_t ns;
	int error = read_clock(clock, &ns);

	return error ? error : timespec_to_user(out, ns);
}

long sys_clock_getres(int clock, uaddr_t out)
{
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	uint64_t ns;
	int error = read_clock(clock, &ns);

	if (error || !out)
		return error;
	return timespec_to_user(out, coarse ? COARSE_RESOLUTION_NS : 1);
}

static long set_realtime(uint64_t ns)
{
	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	/* The machine was not started before the epoch. */
	if (ns < clock_monotonic_ns())
		return -EINVAL;
	clock_set_realtime_ns(ns);
	wall_timers_clock_was_set();
	return 0;
}

long sys_clock_settime(int clock, uaddr_t time)
{
	uint64_t ns;
	int error;

	if (clock >= 0 && clock != CLOCK_REALTIME)
		return -EINVAL;
	error = timespec_from_user(&ns, time);
	if (!error && clock < 0)
		error = read_cpu_clock(clock, &ns) ?: -EPERM;	/* what was used cannot be changed */
	return error ? error : set_realtime(ns);
}

/* Nobody steers the clock. What Linux says then; to steer it is refused to all. */
long sys_clock_adjtime(int clock, uaddr_t at)
{
	enum { ERROR_MAX_US = 16000000, TOLERANCE = 500 << 16, TICK_US = 10000 };
	struct timex timex = {
		.maxerror = ERROR_MAX_US, .esterror = ERROR_MAX_US, .status = STA_UNSYNC, .precision = 1, .tolerance = TOLERANCE, .tick = TICK_US,
	};
	uint64_t ns;

	if (get_user_u32(&timex.modes, at))
		return -EFAULT;
	if (clock != CLOCK_REALTIME)
		return read_clock(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	if (timex.modes && timex.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	return copy_to_user(at, &timex, sizeof(timex)) ?: timeval_to_user(at + offsetof(struct timex, time), clock_realtime_ns()) ?: TIME_ERROR;
}

long sys_adjtimex(uaddr_t at)
{
	return sys_clock_adjtime(CLOCK_REALTIME, at);
}

/* The kernel's time zone is UTC; Linux keeps one only for the sake of this call. */
struct zone { int minutes_west, dst; };

long sys_gettimeofday(uaddr_t time, uaddr_t zone)
{
	struct zone utc = { 0, 0 };

	if (time && timeval_to_user(time, clock_realtime_ns()))
		return -EFAULT;
	return zone ? copy_to_user(zone, &utc, sizeof(utc)) : 0;
}

long sys_settimeofday(uaddr_t time, uaddr_t zone)
{
	struct zone wanted;
	uint64_t ns;
	int error;

	if (zone && copy_from_user(&wanted, zone, sizeof(wanted)))
		return -EFAULT;
	if (zone && !credentials_is_root(credentials_current()))
		return -EPERM;
	if (zone && (unsigned)(wanted.minutes_west + ZONE_MAX_MINUTES) > 2 * ZONE_MAX_MINUTES)
		return -EINVAL;
	if (!time)
		return 0;
	error = timeval_from_user(&ns, time);
	return error ? error : set_realtime(ns);
}

long sys_time(uaddr_t out)
{
	int64_t seconds = clock_realtime_ns() / NS_PER_SEC;

	if (out && put_user_u64(out, seconds))
		return -EFAULT;
	return seconds;
}

long sys_times(uaddr_t out)
{
	struct process *process = current_process();
	uint64_t user, system;
	struct tms times;

	process_times(process, &user, &system);
	times.tms_utime = user / NS_PER_CLOCK_TICK;
	times.tms_stime = system / NS_PER_CLOCK_TICK;
	times.tms_cutime = atomic_load_relaxed(&process->children_user_ns) / NS_PER_CLOCK_TICK;
	times.tms_cstime = atomic_load_relaxed(&process->children_system_ns) / NS_PER_CLOCK_TICK;
	if (out && copy_to_user(out, &times, sizeof(times)))
		return -EFAULT;
	return clock_monotonic_ns() / NS_PER_CLOCK_TICK;
}

static void put_times(struct rusage *usage, uint64_t user_ns, uint64_t system_ns)
{
	usage->ru_utime.tv_sec = user_ns / NS_PER_SEC;
	usage->ru_utime.tv_usec = user_ns % NS_PER_SEC / NS_PER_US;
	usage->ru_stime.tv_sec = system_ns / NS_PER_SEC;
	usage->ru_stime.tv_usec = system_ns % NS_PER_SEC / NS_PER_US;
}

/* What a process itself has used. */
static void own_usage(struct process *process, struct rusage *usage, uint64_t *user, uint64_t *system)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread;

	process_times_locked(process, user, system);
	usage->ru_nvcsw = process->dead_switches[0];
	usage->ru_nivcsw = process->dead_switches[1];
	usage->ru_minflt = process->dead_minor_faults;
	list_for_each(thread, &process->threads, process_link) {
		usage->ru_minflt += thread->minor_faults;
		usage->ru_nvcsw += thread->voluntary_switches;
		usage->ru_nivcsw += thread->involuntary_switches;
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

static long kilobytes(size_t pages)
{
	return pages * (PAGE_SIZE / 1024);
}

void usage_of_process(struct process *process, struct rusage *usage)
{
	uint64_t user, system;

	memset(usage, 0, sizeof(*usage));
	own_usage(process, usage, &user, &system);
	usage->ru_maxrss = kilobytes(MAX(process->children_max_resident, process_max_resident(process)));
	usage->ru_minflt += process->children_minor_faults;
	usage->ru_nvcsw += process->children_switches[0];
	usage->ru_nivcsw += process->children_switches[1];
	put_times(usage, user + process->children_user_ns, system + process->children_system_ns);
}

long sys_getrusage(int who, uaddr_t out)
{
	struct process *process = current_process();
	struct thread *thread = current_thread();
	struct rusage usage = { 0 };
	uint64_t user = 0, system = 0, flags;

	switch (who) {
	case RUSAGE_SELF:
		own_usage(process, &usage, &user, &system);
		usage.ru_maxrss = kilobytes(process_max_resident(process));
		break;
	case RUSAGE_CHILDREN:
		flags = spin_lock_irq(&process_tree_lock);
		user = process->children_user_ns;
		system = process->children_system_ns;
		usage.ru_maxrss = kilobytes(process->children_max_resident);
		usage.ru_minflt = process->children_minor_faults;
		usage.ru_nvcsw = process->children_switches[0];
		usage.ru_nivcsw = process->children_switches[1];
		spin_unlock_irq(&process_tree_lock, flags);
		break;
	case RUSAGE_THREAD:
		thread_times(thread, &user, &system);
		usage.ru_maxrss = kilobytes(process_max_resident(process));
		usage.ru_minflt = thread->minor_faults;
		usage.ru_nvcsw = thread->voluntary_switches;
		usage.ru_nivcsw = thread->involuntary_switches;
		break;
	default:
		return -EINVAL;
	}
	put_times(&usage, user, system);
	return copy_to_user(out, &usage, sizeof(usage));
}
