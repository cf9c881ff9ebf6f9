/* SPDX-License-Identifier: MIT */
/*
 * The budget of real-time threads: on each CPU they have so much of each period, then they wait for its end and all others run. A period begins
 * when a real-time thread gets the CPU after the last one is over.
 *
 * Other threads pay nothing for this. A real-time thread's quantum_left is 0 whenever it gets the CPU, which is how it gets here; and it leaves
 * the idle thread, which never leaves, in cpu->left, so that the end of the next switch comes by as well.
 */
#include <linux/sched.h>

#include "sched/internal.h"
#include "arch/x86_64/clock_hw.h"
#include "lib/errno.h"
#include "sched/clock.h"

enum { SLICE_MIN_US = 100, US_PER_SECOND = 1000000 };

static struct timer period_timers[CPU_MAX];	/* each of its CPU: ends its period while real-time threads wait for that */
static uint64_t period_us = 1000000;		/* both atomic; one writer at a time */
static int64_t budget_us = 950000;		/* at most period_us; -1: no limit */

static uint64_t us_to_cycles(uint64_t us)
{
	return clock_hw_tsc_hz() / US_PER_SECOND * us;
}

/* UINT64_MAX: without a limit. */
static uint64_t budget(void)
{
	int64_t us = atomic_load(&budget_us);

	return us < 0 ? UINT64_MAX : us_to_cycles(us);
}

/* The timer interrupt of the CPU that throttled. */
static void end_period(struct timer *timer)
{
	struct cpu *cpu = this_cpu();
	struct run_queue *queue = cpu->run_queue;

	queue_lock(queue);
	queue->realtime_throttled = false;
	cpu->realtime.used = 0;
	if (run_queue_best(queue) < cpu->current->priority)
		cpu->need_resched = 1;
	queue_unlock(queue);
}

static void throttle(struct cpu *cpu, uint64_t now)
{
	uint64_t end = cpu->realtime.period_end;

	cpu->run_queue->realtime_throttled = true;
	timer_arm(&period_timers[cpu->id], clock_monotonic_ns() + clock_hw_cycles_to_ns(MAX(end, now) - now));
}

/* Real-time threads have had the CPU since realtime.since. Interrupts off. */
static void add_time(struct cpu *cpu, uint64_t now)
{
	cpu->realtime.used += now - cpu->realtime.since;
	cpu->realtime.since = now;
	if (cpu->realtime.used >= budget() && !cpu->run_queue->realtime_throttled)
		throttle(cpu, now);
}

uint64_t realtime_begin(struct cpu *cpu, struct thread *thread, uint64_t now)
{
	uint64_t limit = budget(), slice;

	if (cpu->realtime.since)
		add_time(cpu, now);
	cpu->realtime.since = now;
	if (!thread->turn_left)
		thread->turn_left = quantum_cycles();
	if (now >= cpu->realtime.period_end) {
		cpu->realtime.used = 0;
		cpu->realtime.period_end = now + us_to_cycles(atomic_load(&period_us));
	}
	if (!cpu->left)
		cpu->left = cpu->idle;
	thread->quantum_left = 1;	/* accounting makes it 0 */
	slice = limit > cpu->realtime.used ? limit - cpu->realtime.used : 0;
	slice = MIN(MAX(slice, us_to_cycles(SLICE_MIN_US)), clock_hw_tsc_hz());
	return thread->policy == SCHED_RR ? MIN(slice, thread->turn_left) : slice;
}

void realtime_charge(struct cpu *cpu, struct thread *thread, uint64_t now)
{
	uint64_t ran = cpu->realtime.since ? now - cpu->realtime.since : 0;

	if (thread->policy == SCHED_RR)
		thread->turn_left -= MIN(thread->turn_left, ran);
	if (cpu->realtime.since)
		add_time(cpu, now);
}

void realtime_switched(struct cpu *cpu)
{
	if (runs_realtime(cpu->current)) {
		cpu->left = cpu->idle;
	} else if (cpu->realtime.since) {
		add_time(cpu, cpu_read_tsc());
		cpu->realtime.since = 0;
	}
}

void realtime_init(void)
{
	for (unsigned i = 0; i < CPU_MAX; i++)
		timer_init(&period_timers[i], end_period);
}

void sched_realtime_limits(int64_t *budget, int64_t *period)
{
	*budget = atomic_load(&budget_us);
	*period = atomic_load(&period_us);
}

int sched_set_realtime_limits(int64_t budget, int64_t period)
{
	if (period < 1 || period > INT32_MAX || budget < -1 || budget > period)
		return -EINVAL;
	atomic_store(&budget_us, budget);
	atomic_store(&period_us, (uint64_t)period);
	return 0;
}
