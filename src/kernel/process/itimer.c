/* SPDX-License-Identifier: MIT */
/*
 * alarm, interval timers and the limits of CPU time. ITIMER_REAL is a kernel timer. ITIMER_VIRTUAL and ITIMER_PROF are kernel timers too,
 * set to when the CPU time could be used up at the earliest; when one fires too early it is set again for what is left. RLIMIT_CPU is a
 * fourth timer of that kind. RLIMIT_RTTIME is a fifth: its clock is how long a real-time thread has run without sleeping. It looks often, for it learns
 * only by looking that a thread has slept, and counts anew from there.
 */
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time.h>

#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/cpu_clock.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "syscall_prototypes.h"

enum { TIMER_CPU_LIMIT = 3, TIMER_REALTIME_LIMIT, TIMER_KINDS, REALTIME_LOOK_NS = 50000000 };

struct interval_timer {
	struct timer timer;
	struct process *process;	/* outlives the timer */
	int which;			/* ITIMER_*, TIMER_*_LIMIT */
	int signal;
	uint64_t expiry;		/* 0: off. Monotonic time, or CPU time for the other two; interval_timers->lock */
	uint64_t interval;		/* interval_timers->lock */
};

struct interval_timers {
	struct spinlock lock;		/* with interrupts off; outside signal_lock */
	struct interval_timer timer[TIMER_KINDS];
};

/* How long @thread has run since it slept, as far as is known. process->signal_lock held. */
static uint64_t realtime_run(struct thread *thread)
{
	uint64_t user, system, sleeps = thread->voluntary_switches;

	thread_times(thread, &user, &system);
	if (!thread->user.realtime_since || thread->user.realtime_sleeps != sleeps) {
		thread->user.realtime_since = user + system + 1;
		thread->user.realtime_sleeps = sleeps;
	}
	return user + system + 1 - thread->user.realtime_since;
}

static uint64_t longest_realtime_run(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock), longest = 0;
	struct thread *thread;

	list_for_each(thread, &process->threads, process_link)
		if (thread->policy == SCHED_FIFO || thread->policy == SCHED_RR)
			longest = MAX(longest, realtime_run(thread));
		else
			thread->user.realtime_since = 0;
	spin_unlock_irq(&process->signal_lock, flags);
	return longest;
}

/* The clock that @timer runs on. */
static uint64_t now_for(const struct interval_timer *timer)
{
	uint64_t user, system;

	if (timer->which == ITIMER_REAL)
		return clock_monotonic_ns();
	if (timer->which == TIMER_REALTIME_LIMIT)
		return longest_realtime_run(timer->process);
	process_times(timer->process, &user, &system);
	return timer->which == ITIMER_VIRTUAL ? user : user + system;
}

/* Arms the kernel timer for the next time something may be due. Lock held. */
static void arm(struct interval_timer *timer, uint64_t now)
{
	uint64_t left = timer->expiry > now ? timer->expiry - now : 0;

	if (timer->which == ITIMER_REAL)
		timer_arm(&timer->timer, timer->expiry);
	else
		timer_arm(&timer->timer, deadline_after(timer->which == TIMER_REALTIME_LIMIT ? MIN(cpu_clock_pause(left), (uint64_t)REALTIME_LOOK_NS)
											      : cpu_clock_pause(left)));
}

/* The soft limit is reached: the next warning comes a second later; the hard one kills. */
static int pass_limit(struct interval_timer *timer, uint64_t now)
{
	struct process *process = timer->process;
	bool realtime = timer->which == TIMER_REALTIME_LIMIT;
	struct resource_limit *limit = &process->limits[realtime ? RLIMIT_RTTIME : RLIMIT_CPU];
	uint64_t flags = spin_lock_irq(&process->lock), unit = realtime ? NS_PER_US : NS_PER_SEC;
	bool over = now / unit >= limit->hard;

	if (limit->soft != RLIM_INFINITY)
		limit->soft += NS_PER_SEC / unit;
	timer->expiry = MIN(MIN(limit->soft, limit->hard), TIME_FAR_AWAY / unit) * unit;
	spin_unlock_irq(&process->lock, flags);
	return over ? SIGKILL : SIGXCPU;
}

static void expire(struct timer *kernel_timer)
{
	struct interval_timer *timer = container_of(kernel_timer, struct interval_timer, timer);
	struct interval_timers *timers = timer->process->timers;
	struct signal_info info = signal_info_kernel(timer->signal);
	uint64_t flags = spin_lock_irq(&timers->lock), now = now_for(timer);
	bool due = timer->expiry && now >= timer->expiry;

	if (due && timer->which >= TIMER_CPU_LIMIT)
		info.number = pass_limit(timer, now);
	else if (due && timer->interval)
		/* Periods that passed unnoticed are skipped, so that a slow machine is not buried in signals. */
		timer->expiry += (1 + (now - timer->expiry) / timer->interval) * timer->interval;
	else if (due)
		timer->expiry = 0;
	if (timer->expiry)
		arm(timer, now);
	spin_unlock_irq(&timers->lock, flags);
	if (due)
		signal_send_process(timer->process, &info);
}

/* Made on first use; it stays until the process structure is freed, because prlimit reaches even a zombie's. */
struct interval_timers *itimers_of(struct process *process)
{
	static const int signals[TIMER_KINDS] = { SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXCPU };
	struct interval_timers *timers = atomic_load(&process->timers), *none = NULL;

	if (timers)
		return timers;
	timers = kzalloc(sizeof(*timers));
	if (!timers)
		return NULL;
	spinlock_init(&timers->lock, LOCK_INTERVAL_TIMERS);
	for (int i = 0; i < TIMER_KINDS; i++) {
		timers->timer[i].process = process;
		timers->timer[i].which = i;
		timers->timer[i].signal = signals[i];
		timer_init(&timers->timer[i].timer, expire);
	}
	if (atomic_compare_exchange(&process->timers, &none, timers))
		return timers;
	kfree(timers);
	return none;
}

static void stop_all(struct interval_timers *timers)
{
	for (int i = 0; i < TIMER_KINDS; i++) {
		uint64_t flags = spin_lock_irq(&timers->lock);

		timers->timer[i].expiry = timers->timer[i].interval = 0;
		spin_unlock_irq(&timers->lock, flags);
		/* Not under the lock: it waits for expire(), which takes it. With expiry 0 that does not arm again. */
		timer_cancel(&timers->timer[i].timer);
	}
}

void itimers_stop(struct process *process)
{
	if (process->timers)
		stop_all(process->timers);
}

void itimers_destroy(struct process *process)
{
	itimers_stop(process);
	kfree(process->timers);
}

/* What is left of @timer, and its interval. Lock held. */
static void read_timer(const struct interval_timer *timer, uint64_t *left, uint64_t *interval)
{
	uint64_t now = now_for(timer);

	*interval = timer->interval;
	*left = 0;
	if (timer->expiry)
		*left = timer->expiry > now ? timer->expiry - now : NS_PER_US;	/* due but not delivered: not off yet */
}

/* Sets one of the caller's timers; @value 0 turns it off. Gives the old setting. 0 or -ENOMEM. */
static int set_timer(int which, uint64_t value, uint64_t interval, uint64_t *old_left, uint64_t *old_interval)
{
	struct interval_timers *timers = itimers_of(current_process());
	struct interval_timer *timer;
	uint64_t flags, now;

	if (!timers)
		return -ENOMEM;
	timer = &timers->timer[which];
	flags = spin_lock_irq(&timers->lock);
	read_timer(timer, old_left, old_interval);
	timer->expiry = 0;
	spin_unlock_irq(&timers->lock, flags);
	timer_cancel(&timer->timer);

	flags = spin_lock_irq(&timers->lock);
	now = now_for(timer);
	timer->interval = interval;
	timer->expiry = 0;
	if (value) {
		timer->expiry = value < TIME_FAR_AWAY - now ? now + value : TIME_FAR_AWAY;
		arm(timer, now);
	} else if (which == ITIMER_REAL) {
		timer->interval = 0;	/* Linux keeps only those of CPU time */
	}
	spin_unlock_irq(&timers->lock, flags);
	return 0;
}

int itimer_set_limit(struct process *process, unsigned resource)
{
	bool realtime = resource == RLIMIT_RTTIME;
	uint64_t soft = process_limit_of(process, resource), unit = realtime ? NS_PER_US : NS_PER_SEC, flags;
	bool limited = soft < TIME_FAR_AWAY / unit;
	struct interval_timers *timers = limited ? itimers_of(process) : atomic_load(&process->timers);
	struct interval_timer *timer;

	if (!timers)
		return limited ? -ENOMEM : 0;
	timer = &timers->timer[realtime ? TIMER_REALTIME_LIMIT : TIMER_CPU_LIMIT];
	flags = spin_lock_irq(&timers->lock);
	/* Turned off by expiry 0; a kernel timer that still runs finds nothing due and stops. 0 means 1, as on Linux. */
	timer->expiry = limited ? MAX(soft, 1ull) * unit : 0;
	if (limited)
		arm(timer, now_for(timer));
	spin_unlock_irq(&timers->lock, flags);
	return 0;
}

static int put_setting(uaddr_t out, uint64_t left, uint64_t interval)
{
	int error = timeval_to_user(out, interval);

	return error ? error : timeval_to_user(out + sizeof(struct __kernel_old_timeval), left);
}

long sys_getitimer(int which, uaddr_t out)
{
	struct interval_timers *timers = current_process()->timers;
	uint64_t left = 0, interval = 0, flags;

	if (which < 0 || which >= TIMER_CPU_LIMIT)
		return -EINVAL;
	if (timers) {
		flags = spin_lock_irq(&timers->lock);
		read_timer(&timers->timer[which], &left, &interval);
		spin_unlock_irq(&timers->lock, flags);
	}
	return put_setting(out, left, interval);
}

long sys_setitimer(int which, uaddr_t in, uaddr_t old)
{
	uint64_t value = 0, interval = 0, old_left, old_interval;
	int error = 0;

	if (which < 0 || which >= TIMER_CPU_LIMIT)
		return -EINVAL;
	if (in)
		error = timeval_from_user(&interval, in);
	if (in && !error)
		error = timeval_from_user(&value, in + sizeof(struct __kernel_old_timeval));
	if (!error)
		error = set_timer(which, value, interval, &old_left, &old_interval);
	if (error)
		return error;
	return old ? put_setting(old, old_left, old_interval) : 0;
}

long sys_alarm(unsigned seconds)
{
	uint64_t left = 0, interval = 0;

	if (set_timer(ITIMER_REAL, seconds * NS_PER_SEC, 0, &left, &interval))
		return 0;
	/* Rounded, but an alarm that is set never reads as none. */
	return left && left < NS_PER_SEC / 2 ? 1 : (left + NS_PER_SEC / 2) / NS_PER_SEC;
}
