/* SPDX-License-Identifier: MIT */
/* Between scheduler.c, which switches, and placement.c, which decides on which CPU a thread runs. */
#pragma once

#include "arch/x86_64/smp.h"
#include "arch/x86_64/tlb.h"
#include "lib/atomic.h"
#include "sched/scheduler.h"

/* Raw: the preemption count is managed by the callers, which hold the lock across a switch. Interrupts off. */
static inline void queue_lock(struct run_queue *queue)
{
	spin_acquire(&queue->lock);
}

static inline void queue_unlock(struct run_queue *queue)
{
	spin_release(&queue->lock);
}

/* Locks the queue of the CPU that @thread belongs to, and returns the CPU. */
static inline struct cpu *lock_cpu_of(const struct thread *thread)
{
	for (;;) {
		struct cpu *cpu = cpus[__atomic_load_n(&thread->cpu, __ATOMIC_RELAXED)];

		queue_lock(cpu->run_queue);
		if (likely(thread->cpu == cpu->id))
			return cpu;
		queue_unlock(cpu->run_queue);
	}
}

/* Has @cpu look whether another thread should run. Its queue lock held. */
static inline void ask_to_reschedule(struct cpu *cpu)
{
	cpu->need_resched = 1;
	if (unlikely(cpu != this_cpu()))
		smp_send_reschedule(cpu);
}

/* Puts @thread on the queue of @cpu, locked, which is where it belongs. */
static inline void enqueue_ready(struct cpu *cpu, struct thread *thread)
{
	thread->run_state = THREAD_READY;
	run_queue_push(cpu->run_queue, &thread->run_link, thread->priority, false);
	if (thread->priority < cpu->current->priority)
		ask_to_reschedule(cpu);
}

/* ---- priority.c; the queue lock of the thread's CPU held ---- */

uint64_t quantum_cycles(void);		/* TSC cycles of an ordinary one */
unsigned class_base_level(enum sched_class sched_class);

/* @thread, which has nothing left, gets the CPU: how long it may keep it. */
uint64_t quantum_begin(struct cpu *cpu, struct thread *thread, uint64_t now);
/* The running @thread has used up what it had. Whether others of its level go first now. */
bool quantum_end(struct cpu *cpu, struct thread *thread, uint64_t now);

/* @thread, at less than its best level, has slept for as long as rise_after said. */
void priority_rise(struct thread *thread);
/* @thread, of the idle class, has to wait while it is in the kernel. */
void priority_raise_in_kernel(struct thread *thread);

/* ---- realtime.c; for threads that run at its levels; interrupts off ---- */

/* By policy, or because a real-time thread lends it its level. */
static inline bool runs_realtime(const struct thread *thread)
{
	return thread->priority < LEVEL_HIGH;
}

void realtime_init(void);
uint64_t realtime_begin(struct cpu *cpu, struct thread *thread, uint64_t now);	/* as quantum_begin */
void realtime_charge(struct cpu *cpu, struct thread *thread, uint64_t now);	/* what the running @thread has used */
void realtime_switched(struct cpu *cpu);	/* a real-time thread has left this CPU or come, by a switch that is over */

/* ---- placement.c; interrupts and preemption off ---- */

extern uint64_t idle_cpus;	/* atomic: CPUs that idle and that nobody has sent work to yet */

/*
 * Makes @thread, which is on no queue, ready on the CPU where it had best run, and sets *@woken (may be NULL). @cpu is its CPU, locked; unlocks it.
 * @soon: the calling thread is about to sleep.
 */
void placement_enqueue(struct cpu *cpu, struct thread *thread, bool soon, uint32_t *woken);

/* The same for a thread in THREAD_MOVING that nobody runs any more. No queue is locked. */
void placement_rehome(struct thread *thread);

/* @thread waits on @cpu, this one, from now on: if an idle CPU may run it, it will be offered, should it still wait shortly. */
void placement_offer_later(struct cpu *cpu, const struct thread *thread);

/* @cpu, this one, runs its idle thread: looks for work elsewhere. Whether there is none, so that it may halt. */
bool placement_idle(struct cpu *cpu);

/* From the timer interrupt, at TSC @now: passes on what waits here while others idle, and evens out now and then how many threads wait. */
void placement_balance(struct cpu *cpu, uint64_t now);
