/* SPDX-License-Identifier: MIT */
/*
 * CPU time of threads and CPUs, and the load average: a decaying mean of runnable threads, sampled every five seconds.
 *
 * How much time there was is exact; how it divides into the user's and the system's is known from samples. What is told never falls, though.
 */
#include "sched/stats.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/interrupts.h"
#include "lib/atomic.h"
#include "sched/clock.h"
#include "sched/internal.h"
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

static uint64_t boot_tsc(void)
{
	uint64_t base, unused;

	clock_hw_describe(&base, &unused);
	return base;
}

/*
 * Returns what @thread has had, TSC cycles, and divides that, or with @others what has gone by without it since boot, by @split, which is its CPU's then.
 * It is @cpu's, which is locked, with interrupts off.
 */
static inline __attribute__((always_inline)) uint64_t divide_times(struct thread *thread, const struct cpu *cpu, struct time_split *split, bool others,
								    uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t now = cpu_read_tsc(), cycles = thread->run_cycles, ticks, user, total;

	if (cpu->current == thread)
		cycles += MAX(now, thread->run_stamp) - thread->run_stamp;
	if (others) {
		uint64_t boot = boot_tsc();

		total = clock_hw_cycles_to_ns(MAX(now, boot + cycles) - boot - cycles);
	} else {
		total = clock_hw_cycles_to_ns(cycles);
	}
	total = MAX(total, split->total_ns);
	/* Without any samples the time counts as the system's, as on Linux. */
	ticks = split->user_ticks + split->system_ticks;
	user = ticks ? total / ticks * split->user_ticks : 0;
	/* Neither part less than last time, so neither more by more than there is more in all. */
	split->user_ns = MIN(MAX(user, split->user_ns), split->user_ns + total - split->total_ns);
	split->total_ns = total;
	*user_ns = split->user_ns;
	*system_ns = total - split->user_ns;
	return cycles;
}

void thread_times(struct thread *thread, uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t flags = interrupts_save();
	struct cpu *cpu;

	preempt_disable();
	cpu = lock_cpu_of(thread);
	divide_times(thread, cpu, &thread->times, false, user_ns, system_ns);
	queue_unlock(cpu->run_queue);
	interrupts_restore(flags);
	preempt_enable();
}

void thread_own_times(uint64_t *user_ns, uint64_t *system_ns)
{
	struct cpu *cpu = this_cpu();

	queue_lock(cpu->run_queue);
	divide_times(cpu->current, cpu, &cpu->current->times, false, user_ns, system_ns);
	queue_unlock(cpu->run_queue);
}

static COLD uint64_t idle_times(struct cpu *cpu, uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t flags = interrupts_save(), cycles;

	preempt_disable();
	queue_lock(cpu->run_queue);
	cycles = divide_times(cpu->idle, cpu, &cpu->times, true, user_ns, system_ns);
	queue_unlock(cpu->run_queue);
	interrupts_restore(flags);
	preempt_enable();
	return cycles;
}

bool sched_get_cpu_stats(unsigned id, struct sched_cpu_stats *stats)
{
	struct cpu *cpu = id < CPU_MAX ? atomic_load(&cpus[id]) : NULL;

	if (!cpu)
		return false;
	stats->idle_ns = clock_hw_cycles_to_ns(idle_times(cpu, &stats->user_ns, &stats->system_ns));
	return true;
}

COLD void sched_get_stats(struct sched_stats *stats)
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
