/* SPDX-License-Identifier: MIT */
/*
 * timer_create and its calls. A timer's signal is queued once: a periodic timer stands still until its signal is taken, is then told how many
 * periods it missed (the overrun), and goes on. Nothing of this is inherited by fork or kept by exec.
 *
 * process->signal_lock guards the list and the settings: expire() comes by interrupt. The calls are one at a time by the mutex, so that a timer
 * that a call has found stays.
 */
#include <linux/time.h>

#include "lib/same_layout.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/cpu_clock.h"
#include "process/internal.h"
#include "process/posix_timer.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "sched/wall_timer.h"
#include "syscall_prototypes.h"

/* What a periodic timer waits at least when nobody takes its signal. */
enum { PERIOD_MIN_NS = 4000000 };

struct posix_timer {
	struct timer timer;
	struct wall_timer wall;		/* what arms @timer for a setting by the wall clock */
	struct list link;		/* posix_timers->list */
	struct process *process;	/* outlives the timer */
	int id;
	int clock;			/* set once: which one counts; a relative setting of CLOCK_REALTIME counts monotonic time */
	struct cpu_clock cpu;		/* set once: if that is of CPU time */
	uint64_t seen;			/* atomic: what @cpu showed last, if it is another process's */
	int notify, signal, thread;	/* as sigevent has them; set once */
	uint64_t value;			/* set once: si_value */
	bool monotonic;			/* the setting's clock is the monotonic one */
	bool waits;			/* periodic, and due: goes on when its signal is taken */
	uint64_t expiry, interval;	/* by the setting's clock; expiry 0: off */
	int overrun;			/* of the signal taken last */
};

struct posix_timers {
	struct mutex mutex;
	struct list list;		/* by id, ascending */
	int next_id;			/* mutex */
};

/* ---- Time ---- */

static bool is_of_cpu_time(const struct posix_timer *timer)
{
	return cpu_clock_is(timer->clock);
}

/* Another process's times are not read with our signal_lock held, but by look() before. */
static bool is_of_another(const struct posix_timer *timer)
{
	return timer->cpu.process && timer->cpu.process != timer->process;
}

static void look(struct posix_timer *timer)
{
	if (is_of_another(timer))
		atomic_store(&timer->seen, cpu_clock_read(&timer->cpu));
}

/* The clock of @timer's setting. signal_lock held. */
static uint64_t now_for(const struct posix_timer *timer)
{
	if (is_of_another(timer))
		return atomic_load(&timer->seen);
	if (is_of_cpu_time(timer))
		return cpu_clock_read_locked(&timer->cpu);
	return timer->monotonic ? clock_monotonic_ns() : clock_realtime_ns();
}

/* Arms the kernel timer for when the setting may be due, in @least ns at the earliest. signal_lock held. */
static void arm(struct posix_timer *timer, uint64_t now, uint64_t least)
{
	uint64_t left = timer->expiry > now ? timer->expiry - now : 0;

	if (is_of_cpu_time(timer))
		left = cpu_clock_pause(left);
	left = MAX(left, least);
	if (timer->monotonic)
		timer_arm(&timer->timer, deadline_after(left));
	else
		wall_timer_arm(&timer->wall, now + left);
}

/* Moves a periodic timer to its next time after @now; how many times it missed. signal_lock held. */
static uint64_t advance(struct posix_timer *timer, uint64_t now)
{
	uint64_t missed = now > timer->expiry ? (now - timer->expiry) / timer->interval : 0;

	timer->expiry += (missed + 1) * timer->interval;
	return missed;
}

/* ---- Expiry ---- */

/* To @thread, or to the process when NULL. */
static void send_to(struct posix_timer *timer, struct thread *thread)
{
	struct signal_info info = { .number = timer->signal, .code = SI_TIMER, .timer = { timer->id, 0, timer->value } };
	struct process *process = timer->process;
	bool queued;
	uint64_t flags;

	signal_send(process, thread, &info);
	/* Who ignores the signal never takes it. */
	flags = spin_lock_irq(&process->signal_lock);
	queued = signal_queue_has_timer(thread ? &thread->user.queue : &process->queue, timer->signal, timer->id);
	if (!queued && timer->waits && timer->expiry) {
		uint64_t now = now_for(timer);

		timer->waits = false;
		advance(timer, now);
		arm(timer, now, PERIOD_MIN_NS);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

static void send(struct posix_timer *timer)
{
	struct pid_slot *slot;
	uint64_t flags;

	if (timer->notify != SIGEV_THREAD_ID) {
		send_to(timer, NULL);
		return;
	}
	/* The lock keeps the thread, whose last reference must not be put in an interrupt. If it has ended, so has the use of this timer. */
	flags = spin_lock_irq(&process_tree_lock);
	slot = pid_slot(timer->thread);
	if (slot && slot->thread && slot->thread->process == timer->process)
		send_to(timer, slot->thread);
	spin_unlock_irq(&process_tree_lock, flags);
}

static void expire(struct timer *kernel_timer)
{
	struct posix_timer *timer = container_of(kernel_timer, struct posix_timer, timer);
	uint64_t flags, now;
	bool due;

	look(timer);
	flags = spin_lock_irq(&timer->process->signal_lock);
	now = now_for(timer);
	due = timer->expiry && !timer->waits && now >= timer->expiry;
	if (due && timer->interval)
		timer->waits = true;
	else if (due)
		timer->expiry = 0;
	else if (timer->expiry && !timer->waits)
		arm(timer, now, 0);	/* the clock was set, or CPU time went slower */
	spin_unlock_irq(&timer->process->signal_lock, flags);
	if (due)
		send(timer);
}

static struct posix_timer *find(struct process *process, int id)
{
	struct posix_timer *timer;

	if (process->posix_timers)
		list_for_each(timer, &process->posix_timers->list, link)
			if (timer->id == id)
				return timer;
	return NULL;
}

void posix_timer_taken(struct process *process, struct signal_info *info)
{
	struct posix_timer *timer = find(process, info->timer.timer_id);
	uint64_t now, missed = 0;

	if (!timer)
		return;
	if (timer->waits) {
		now = now_for(timer);
		timer->waits = false;
		missed = advance(timer, now);
		arm(timer, now, 0);
	}
	timer->overrun = MIN(missed, (uint64_t)INT32_MAX);
	info->timer.overrun = timer->overrun;
}

/* ---- Making and removing ---- */

static struct posix_timers *timers_of(struct process *process)
{
	struct posix_timers *timers = atomic_load(&process->posix_timers), *none = NULL;

	if (timers)
		return timers;
	timers = kzalloc(sizeof(*timers));
	if (!timers)
		return NULL;
	mutex_init(&timers->mutex, LOCK_POSIX_TIMERS);
	list_init(&timers->list);
	if (atomic_compare_exchange(&process->posix_timers, &none, timers))
		return timers;
	kfree(timers);
	return none;
}

static void free_timer(struct posix_timer *timer)
{
	cpu_clock_put(&timer->cpu);
	kfree(timer);
}

/* signal_lock NOT held; the mutex is, or the caller is the only thread. */
static void remove(struct posix_timers *timers, struct posix_timer *timer)
{
	uint64_t flags = spin_lock_irq(&timer->process->signal_lock);

	list_remove(&timer->link);
	timer->expiry = 0;
	process_uncharge_signals(timer->process, 1);
	spin_unlock_irq(&timer->process->signal_lock, flags);
	wall_timer_leave(&timer->wall);
	timer_cancel(&timer->timer);
	free_timer(timer);
}

void posix_timers_end(struct process *process)
{
	struct posix_timers *timers = process->posix_timers;

	while (timers && !list_empty(&timers->list))
		remove(timers, list_first(&timers->list, struct posix_timer, link));
	process->posix_timers = NULL;
	kfree(timers);
}

struct user_sigevent { uint64_t value; int signal, notify, thread, pad[11]; };
SAME_SIZE(struct user_sigevent, sigevent_t);
SAME_FIELD(struct user_sigevent, value, sigevent_t, sigev_value);
SAME_FIELD(struct user_sigevent, signal, sigevent_t, sigev_signo);
SAME_FIELD(struct user_sigevent, notify, sigevent_t, sigev_notify);
SAME_FIELD(struct user_sigevent, thread, sigevent_t, sigev_notify_thread_id);

static bool is_own_thread(int tid)
{
	struct thread *thread = thread_find(tid);
	bool own = thread && thread->process == current_process();

	if (thread)
		thread_put(thread);
	return own;
}

static bool event_is_good(const struct user_sigevent *event)
{
	switch (event->notify) {
	case SIGEV_NONE:
		return true;
	case SIGEV_THREAD_ID:
		if (!is_own_thread(event->thread))
			return false;
		/* fall through */
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return event->signal > 0 && event->signal <= SIGNAL_COUNT;
	default:
		return false;
	}
}

static int check_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return cpu_clock_is(clock) ? 0 : -EINVAL;
	}
}

/*
 * Its id, or -EAGAIN: its user may have no more signals waiting, of which this may be one at any time. From here on another thread may delete it.
 * @default_value: si_value is the id.
 */
static int add(struct process *process, struct posix_timers *timers, struct posix_timer *timer, bool default_value)
{
	uint64_t flags;
	int id = -EAGAIN;

	mutex_lock(&timers->mutex);
	flags = spin_lock_irq(&process->signal_lock);
	if (timers->next_id >= 0 && process_charge_signal(process, process_limit_of(process, RLIMIT_SIGPENDING))) {
		id = timers->next_id++;
		timer->id = id;
		if (default_value)
			timer->value = id;
		list_push_back(&timers->list, &timer->link);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	mutex_unlock(&timers->mutex);
	return id;
}

static int create(int clock, const struct user_sigevent *event, bool default_value, uaddr_t out)
{
	struct process *process = current_process();
	struct posix_timers *timers = timers_of(process);
	struct posix_timer *timer = timers ? kzalloc(sizeof(*timer)) : NULL;
	int id;

	if (!timer)
		return -EAGAIN;
	if (cpu_clock_is(clock) && cpu_clock_get(&timer->cpu, clock)) {
		kfree(timer);
		return -EINVAL;
	}
	timer->process = process;
	timer->clock = clock;
	timer->notify = event->notify;
	timer->signal = event->signal;
	timer->thread = event->thread;
	timer->value = event->value;
	timer_init(&timer->timer, expire);
	wall_timer_init(&timer->wall, &timer->timer);
	id = add(process, timers, timer, default_value);
	if (id < 0) {
		free_timer(timer);
		return id;
	}
	if (!put_user_u32(out, id))
		return 0;
	sys_timer_delete(id);
	return -EFAULT;
}

long sys_timer_create(int clock, uaddr_t event_at, uaddr_t id)
{
	struct user_sigevent event = { .signal = SIGALRM, .notify = SIGEV_SIGNAL };
	int refused = clock_leave_alarm(&clock), error = check_clock(clock);

	if (error)
		return error;
	if (event_at && copy_from_user(&event, event_at, sizeof(event)))
		return -EFAULT;
	return event_is_good(&event) ? refused ?: create(clock, &event, !event_at, id) : -EINVAL;
}

/* Finds timer @id and holds the mutex; NULL if there is none. */
static struct posix_timer *hold(int id)
{
	struct posix_timers *timers = current_process()->posix_timers;
	struct posix_timer *timer;

	if (!timers)
		return NULL;
	mutex_lock(&timers->mutex);
	timer = find(current_process(), id);
	if (!timer)
		mutex_unlock(&timers->mutex);
	return timer;
}

static void let_go(void)
{
	mutex_unlock(&current_process()->posix_timers->mutex);
}

long sys_timer_delete(int id)
{
	struct posix_timer *timer = hold(id);

	if (!timer)
		return -EINVAL;
	remove(current_process()->posix_timers, timer);
	let_go();
	return 0;
}

/* ---- Setting and reading ---- */

struct setting { uint64_t interval, value; };	/* ns */

/* What is left until the next expiry. A timer with a signal that was not taken yet is not off. signal_lock held. */
static struct setting read_setting(struct posix_timer *timer)
{
	struct setting setting = { timer->interval, 0 };
	uint64_t now = now_for(timer), next = timer->expiry;

	if (next && next <= now && timer->interval)
		next += ((now - next) / timer->interval + 1) * timer->interval;
	if (next)
		setting.value = next > now ? next - now : timer->notify != SIGEV_NONE;
	return setting;
}

/* signal_lock held; the kernel timer is not armed. */
static void change_setting(struct posix_timer *timer, const struct setting *wanted, bool absolute)
{
	uint64_t now;

	timer->waits = false;
	timer->overrun = 0;
	timer->interval = timer->expiry = 0;
	timer->monotonic = !absolute || (timer->clock != CLOCK_REALTIME && timer->clock != CLOCK_TAI);
	if (!wanted->value)
		return;
	timer->interval = wanted->interval;
	now = now_for(timer);
	timer->expiry = absolute ? wanted->value : wanted->value < TIME_FAR_AWAY - now ? now + wanted->value : TIME_FAR_AWAY;
	/* Without a signal, reading the setting is all there is to do. */
	if (timer->notify != SIGEV_NONE)
		arm(timer, now, 0);
}

static int setting_from_user(struct setting *setting, uaddr_t from)
{
	int error = timespec_from_user(&setting->interval, from);

	return error ? error : timespec_from_user(&setting->value, from + sizeof(struct __kernel_timespec));
}

static int setting_to_user(uaddr_t to, const struct setting *setting)
{
	int error = timespec_to_user(to, setting->interval);

	return error ? error : timespec_to_user(to + sizeof(struct __kernel_timespec), setting->value);
}

long sys_timer_settime(int id, int flags, uaddr_t new, uaddr_t old)
{
	struct setting wanted, before;
	struct posix_timer *timer;
	uint64_t irq;
	int error = new ? setting_from_user(&wanted, new) : -EINVAL;

	if (error)
		return error;
	timer = hold(id);
	if (!timer)
		return -EINVAL;
	look(timer);
	irq = spin_lock_irq(&timer->process->signal_lock);
	before = read_setting(timer);
	timer->expiry = 0;	/* so that expire() does nothing and does not arm again */
	timer->waits = false;
	spin_unlock_irq(&timer->process->signal_lock, irq);
	timer_cancel(&timer->timer);
	irq = spin_lock_irq(&timer->process->signal_lock);
	change_setting(timer, &wanted, flags & TIMER_ABSTIME);
	spin_unlock_irq(&timer->process->signal_lock, irq);
	let_go();
	return old ? setting_to_user(old, &before) : 0;
}

long sys_timer_gettime(int id, uaddr_t out)
{
	struct posix_timer *timer = hold(id);
	struct setting setting;
	uint64_t flags;

	if (!timer)
		return -EINVAL;
	look(timer);
	flags = spin_lock_irq(&timer->process->signal_lock);
	setting = read_setting(timer);
	spin_unlock_irq(&timer->process->signal_lock, flags);
	let_go();
	return setting_to_user(out, &setting);
}

long sys_timer_getoverrun(int id)
{
	struct posix_timer *timer = hold(id);
	int overrun;

	if (!timer)
		return -EINVAL;
	overrun = atomic_load_relaxed(&timer->overrun);
	let_go();
	return overrun;
}
