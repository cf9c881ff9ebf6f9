/* SPDX-License-Identifier: MIT */
/*
 * The switch from one thread to another, inline: for scheduler.c and the one sleep besides that is worth a copy (wait_once in sync/wait.c). What is
 * rare in it is a function of scheduler.c.
 *
 * The run queue's lock is held across the switch itself: the thread that leaves takes it, the one that comes releases it.
 */
#pragma once

#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/paging.h"
#include "debug/trace/trace.h"
#include "lib/panic.h"
#include "mm/address_space.h"
#include "process/process.h"
#include "sched/internal.h"

enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102 };

/* No program runs next, but a thread of the kernel's. */
void switch_leave_user_state(struct cpu *cpu, struct thread *prev);

/* After the switch: @left has ended, or belongs on another CPU, or is the idle thread after which a real-time thread came. No lock held. */
void switch_see_to(struct cpu *cpu, struct thread *left);

/* Who is next where there may be real-time threads, or it may be time for a thread that is not the best. */
struct thread *switch_pick_with_care(struct cpu *cpu, uint64_t now);

/* Its queue lock is held, so that others read a sum that never goes back. */
static inline void account(struct thread *thread, uint64_t now)
{
	uint64_t ran = now - thread->run_stamp;

	thread->run_cycles += ran;
	thread->run_stamp = now;
	thread->quantum_left = thread->quantum_left > ran ? thread->quantum_left - ran : 0;
}

/*
 * When the running thread's quantum ends. The timer hardware is only told if it would come too late: coming early is harmless and cheaper
 * than programming it at every switch. Interrupts off.
 */
static inline void set_quantum_end(struct cpu *cpu, uint64_t end)
{
	cpu->quantum_end = end;
	if (unlikely(end < cpu->timer_event))
		timer_program(cpu, end);
}

/*
 * The FPU registers. Those of a program's thread are saved when it leaves the CPU, because another CPU may run it next. When only threads without
 * any ran here meanwhile, and it nowhere else, they need not be loaded again.
 */
static inline void switch_fpu(struct cpu *cpu, struct thread *prev, struct thread *next)
{
	if (likely(prev->fpu_area))
		fpu_switch(prev->fpu_area, next->fpu_area);
	else if (cpu->fpu_owner != next || next->fpu_cpu != cpu->id)
		fpu_restore(next->fpu_area);
	next->fpu_cpu = CPU_MAX;
}

static inline void load_user_state(struct cpu *cpu, struct thread *prev, struct thread *next)
{
	struct address_space *as = next->process->as;

	tlb_use_root(cpu, likely(as) ? as->root : paging_kernel_root());
	switch_fpu(cpu, prev, next);
	/* Always: a program may have changed a base by loading the selector, which leaves no trace. */
	cpu_write_msr(MSR_FS_BASE, next->fs_base);
	cpu_write_msr(MSR_KERNEL_GS_BASE, next->gs_base);
}

/* The first thing on the new thread's stack: queue lock held, interrupts off, preemption count 1. */
static inline void finish_switch(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *left = cpu->left;

	queue_unlock(cpu->run_queue);
	if (unlikely(left)) {
		cpu->left = NULL;
		switch_see_to(cpu, left);
	}
}

/* What is left of the quantum of @thread, which gets the CPU. */
static inline uint64_t slice(struct cpu *cpu, struct thread *thread, uint64_t now)
{
	uint64_t left = thread->quantum_left;

	return likely(left) ? left : quantum_begin(cpu, thread, now);
}

/* Returns on this thread's stack when it is chosen again, lock released. */
static inline __attribute__((always_inline)) void switch_to(struct cpu *cpu, struct thread *prev, struct thread *next, uint64_t now)
{
	next->run_state = THREAD_RUNNING;
	next->run_stamp = now;
	if (likely(next != cpu->idle))
		set_quantum_end(cpu, now + slice(cpu, next, now));
	else
		cpu->quantum_end = 0;
	if (likely(next->process))
		load_user_state(cpu, prev, next);
	else
		switch_leave_user_state(cpu, prev);
	descriptors_set_kernel_stack(cpu, (uint64_t)next->stack_base + KERNEL_STACK_SIZE);
	cpu->current = next;
	cpu->switches++;
	trace_switch(prev, next);
	context_switch(&prev->switch_rsp, next->switch_rsp);
	finish_switch();
}

/* Fair turns come by time, not by the number of picks, or many short switches would give them most of the CPU. @now: 0 if there may be none. */
static inline struct thread *pick(struct cpu *cpu, uint64_t now)
{
	struct run_queue *queue = cpu->run_queue;
	uint64_t bits = queue->bitmap[REALTIME_WORDS];

	if (unlikely(queue->bitmap[0] | queue->bitmap[1]) || unlikely(now >= queue->fair_at))
		return switch_pick_with_care(cpu, now);
	if (unlikely(!bits))
		return cpu->idle;
	return list_entry(run_queue_take(queue, LEVEL_HIGH + __builtin_ctzll(bits)), struct thread, run_link);
}

/* The running thread has left the run queue's sight (asleep or dead). As switch_to. Queue lock held, interrupts off, preemption count 1. */
static inline __attribute__((always_inline)) void leave_cpu(struct cpu *cpu)
{
	struct thread *prev = cpu->current;
	uint64_t now = cpu_read_tsc();

	account(prev, now);
	cpu->need_resched = 0;
	switch_to(cpu, prev, pick(cpu, now), now);
}

/* scheduler_sleep_now(), see there. */
static inline __attribute__((always_inline)) void sleep_now(const uint32_t *woken, enum wait_mode mode)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;

	if (unlikely(cpu->preempt_count != 1))
		panic("thread %s sleeps with a spinlock held (preemption count %u)", thread->name, cpu->preempt_count);
	queue_lock(cpu->run_queue);
	if (unlikely(__atomic_load_n(woken, __ATOMIC_RELAXED) | thread->wait_timed_out |
		     (__atomic_load_n(&thread->user.work, __ATOMIC_RELAXED) & mode))) {
		queue_unlock(cpu->run_queue);
		return;
	}
	thread->run_state = THREAD_SLEEPING;
	thread->wait_mode = mode;
	thread->voluntary_switches++;
	leave_cpu(cpu);
}
