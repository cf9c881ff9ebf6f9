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

static int thread_count;	/* atomic */
static uint64_t load[3];	/* written by the timer only */
static struct timer load_timer;

void sched_counters_thread(int change)
{
	atomic_add(&thread_count, change);
}

/* Read without locks: a moment's figure. */
static unsigned runnable(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CPU_MAX; i++)
		if (cpus[i])
			count += cpus[i]->run_queue->count + (cpus[i]->current != cpus[i]->idle);
	return count;
}

static COLD void sample_load(struct timer *timer)
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

bool sched_get_cpu_stats(unsigned id, struct sched_cpu_stats *stats)
{
	const struct cpu *cpu = id < CPU_MAX ? atomic_load(&cpus[id]) : NULL;
	uint64_t uptime, busy, ticks, idle;

	if (!cpu)
		return false;
	uptime = clock_monotonic_ns();
	idle = cpu->idle->run_cycles;
	if (cpu->current == cpu->idle)
		idle += cpu_read_tsc() - cpu->idle->run_stamp;
	ticks = cpu->user_ticks + cpu->system_ticks;
	stats->idle_ns = MIN(clock_hw_cycles_to_ns(idle), uptime);
	busy = uptime - stats->idle_ns;
	stats->user_ns = ticks ? busy / ticks * cpu->user_ticks : 0;
	stats->system_ns = busy - stats->user_ns;
	return true;
}

void sched_get_stats(struct sched_stats *stats)
{
	*stats = (struct sched_stats){
		.interrupts = interrupts_total(), .runnable = runnable(), .threads = atomic_load(&thread_count),
	};
	for (unsigned i = 0; i < CPU_MAX; i++) {
		struct sched_cpu_stats one;

		if (!sched_get_cpu_stats(i, &one))
			continue;
		stats->user_ns += one.user_ns;
		stats->system_ns += one.system_ns;
		stats->idle_ns += one.idle_ns;
		stats->switches += cpus[i]->switches;
		stats->forks += cpus[i]->forks;
	}
	for (int i = 0; i < 3; i++)
		stats->load[i] = load[i];
}
