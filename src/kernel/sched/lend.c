/* SPDX-License-Identifier: MIT */
/*
 * Lending priority: who waits for a lock that a worse thread holds, or for its answer, makes that thread run as if it were the waiter. Who lends to whom
 * is kept by those who know the locks (process/futex_pi_state.c) and the calls (ipc/lend.c); here a thread has one level that is lent to it by each.
 */
#include "sched/internal.h"

/* @thread now runs on the budget of real-time threads, or no longer. The queue of its CPU is locked. */
static void change_budget(struct cpu *cpu, struct thread *thread)
{
	thread->quantum_left = runs_realtime(thread) ? 0 : quantum_cycles();
	if (thread != cpu->current)
		return;
	if (cpu == this_cpu())
		realtime_switched(cpu);
	ask_to_reschedule(cpu);
}

void sched_lend(struct thread *thread, enum lend_source source, unsigned level)
{
	uint64_t flags = interrupts_save();
	struct run_queue *queue;
	unsigned own, effective;
	bool was_realtime;
	struct cpu *cpu;

	preempt_disable();
	cpu = lock_cpu_of(thread);
	queue = cpu->run_queue;
	own = sched_own_level(thread);
	thread->lent_by[source] = level;
	level = MIN(thread->lent_by[LENT_BY_LOCKS], thread->lent_by[LENT_BY_CALLS]);
	effective = MIN(own, level);
	thread->own_level = own;
	thread->lent = level;
	if (effective != thread->priority && thread->run_state == THREAD_READY) {
		run_queue_remove(queue, &thread->run_link, thread->priority);
		run_queue_push(queue, &thread->run_link, effective, false);
	}
	was_realtime = runs_realtime(thread);
	thread->priority = effective;
	if (was_realtime != runs_realtime(thread))
		change_budget(cpu, thread);
	if (run_queue_best(queue) < cpu->current->priority)
		ask_to_reschedule(cpu);
	queue_unlock(queue);
	interrupts_restore(flags);
	preempt_enable();
}
