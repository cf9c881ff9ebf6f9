/* SPDX-License-Identifier: MIT */
/* Totals for /proc/stat and the load average: a decaying mean of runnable threads, sampled every five seconds. */
#include "sched/stats.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/interrupts.h"
#include "lib/atomic.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "sched/timer.h"

enum { LOAD_SHIFT = 11, LOAD_ONE = 1 << LOAD_SHIFT, SAMPLE_SECONDS = 5 };

/* exp(-5 s / 1, 5, 15 minutes) in fixed point. */
static const uint64_t decay[3] = { 1884, 2014, 2037 };

struct sched_counters sched_counters;
static int thread_count;	/* atomic */
static uint64_t load[3];	/* written by the timer only */
static struct timer load_timer;

void sched_counters_thread(int change)
{
	atomic_add(&thread_count, change);
}

static unsigned runnable(void)
{
	struct cpu *cpu = this_cpu();

	return cpu->run_queue->count + (cpu->current != cpu->idle);
}

static void sample_load(struct timer *timer)
{
	uint64_t now = (uint64_t)runnable() << LOAD_SHIFT;

	for (int i = 0; i < 3; i++)
		load[i] = (load[i] * decay[i] + now * (LOAD_ONE - decay[i])) >> LOAD_SHIFT;
	timer_arm(timer, clock_monotonic_ns() + SAMPLE_SECONDS * NS_PER_SEC);
}

void sched_stats_init(void)
{
	timer_init(&load_timer, sample_load);
	timer_arm(&load_timer, clock_monotonic_ns() + SAMPLE_SECONDS * NS_PER_SEC);
}

void sched_get_stats(struct sched_stats *stats)
{
	struct cpu *cpu = this_cpu();
	uint64_t uptime = clock_monotonic_ns(), busy;

	stats->idle_ns = MIN(clock_hw_cycles_to_ns(cpu->idle->run_cycles), uptime);
	busy = uptime - stats->idle_ns;
	stats->user_ns = cpu->user_ticks + cpu->system_ticks ? busy / (cpu->user_ticks + cpu->system_ticks) * cpu->user_ticks : 0;
	stats->system_ns = busy - stats->user_ns;
	stats->switches = sched_counters.switches;
	stats->forks = sched_counters.forks;
	stats->interrupts = interrupts_total();
	stats->runnable = runnable();
	stats->threads = atomic_load(&thread_count);
	for (int i = 0; i < 3; i++)
		stats->load[i] = load[i];
}
