/* SPDX-License-Identifier: MIT */
/* Clocks of CPU time: who they are about, and reading them. */
#include <linux/time.h>

#include "process/cpu_clock.h"
#include "process/internal.h"

enum {
	/* Negative ids: ~pid << 3 | kind (clock_getcpuclockid), with pid 0 for the caller. */
	KIND_USER = 1, KIND_EXACT = 2, KIND_MASK = 3, OF_THREAD = 4,
	OWN_PROCESS = -8 | KIND_EXACT, OWN_THREAD = OWN_PROCESS | OF_THREAD,
	CHECK_NS = 10000000,
};

bool cpu_clock_is(int id)
{
	return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}

/* Without a look into the tables, which all share. */
static int get_own(struct cpu_clock *clock, bool of_thread)
{
	if (of_thread)
		thread_get(clock->thread = current_thread());
	else
		process_get(clock->process = current_process());
	return 0;
}

int cpu_clock_get(struct cpu_clock *clock, int id)
{
	int pid;

	*clock = (struct cpu_clock){ NULL, NULL, false };
	id = id == CLOCK_PROCESS_CPUTIME_ID ? OWN_PROCESS : id == CLOCK_THREAD_CPUTIME_ID ? OWN_THREAD : id;
	if (id >= 0 || (id & KIND_MASK) > KIND_EXACT)
		return -EINVAL;
	pid = ~(id >> 3);
	clock->user_only = (id & KIND_MASK) == KIND_USER;
	if (!pid)
		return get_own(clock, id & OF_THREAD);
	if (!(id & OF_THREAD)) {
		clock->process = process_find(pid);
		return clock->process ? 0 : -EINVAL;
	}
	clock->thread = thread_find(pid);
	if (clock->thread && clock->thread->process == current_process())
		return 0;
	cpu_clock_put(clock);
	return -EINVAL;
}

void cpu_clock_put(const struct cpu_clock *clock)
{
	process_put(clock->process);
	if (clock->thread)
		thread_put(clock->thread);
}

uint64_t cpu_clock_read_locked(const struct cpu_clock *clock)
{
	uint64_t user, system;

	if (clock->thread)
		thread_times(clock->thread, &user, &system);
	else
		process_times_locked(clock->process, &user, &system);
	return clock->user_only ? user : user + system;
}

uint64_t cpu_clock_read(const struct cpu_clock *clock)
{
	uint64_t flags, ns;

	if (clock->thread)
		return cpu_clock_read_locked(clock);
	flags = spin_lock_irq(&clock->process->signal_lock);
	ns = cpu_clock_read_locked(clock);
	spin_unlock_irq(&clock->process->signal_lock, flags);
	return ns;
}

uint64_t cpu_clock_pause(uint64_t left)
{
	/* It may go as fast as there are CPUs. */
	return MAX(cpus_several() ? left / CPU_MAX : left, (uint64_t)CHECK_NS);
}
