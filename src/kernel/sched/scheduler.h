/* SPDX-License-Identifier: MIT */
/* Between the scheduler and the code that enters and leaves the kernel. */
#pragma once

#include "sched/thread.h"
#include "sched/run_queue.h"
#include "sync/wait.h"

/* Turns the boot context into the idle thread of the boot CPU. Interrupts off. */
void scheduler_init(void);

/* Makes the run queue and idle thread of a CPU that will start. False when out of memory. */
bool scheduler_init_cpu(struct cpu *cpu);

/* A CPU's idle loop. Does not return. */
__attribute__((noreturn)) void scheduler_idle_loop(void);

/* Switches to the best ready thread, if the current one should give way. Preemption must be allowed; interrupts on. */
void scheduler_reschedule(void);

/* At the end of an interrupt that came in the kernel: switches if one was asked for and preemption is allowed. Interrupts off. */
void scheduler_preempt_from_interrupt(struct trap_frame *frame);

/*
 * Sleeps until made ready, unless *@woken is set, the sleep timer has expired or a signal is pending that @mode lets through. A waker changes
 * one of these before it takes the run queue's lock. Preemption must be allowed; any interrupt state.
 */
void scheduler_sleep(const uint32_t *woken, enum wait_mode mode);
/* The same with interrupts off and a preemption count of exactly 1. */
void scheduler_sleep_now(const uint32_t *woken, enum wait_mode mode);

/*
 * Makes @thread ready if it sleeps and sets *@woken, in one with regard to scheduler_sleep: who sees *@woken set may free both at once. @soon: the
 * caller is about to sleep, so the thread had best run here. Interrupts and preemption off.
 */
void scheduler_wake(struct thread *thread, uint32_t *woken, bool soon);
/*
 * The same, soon, of one that waited for the caller to do something: where there is one CPU it goes on before others of its level, as if it had done that
 * itself.
 */
void scheduler_wake_caller(struct thread *thread, uint32_t *woken);

/* Leaves the CPU for good. */
__attribute__((noreturn)) void scheduler_end_thread(void);

/* Makes a thread in @from_state ready. Returns whether it was in that state. Any context. */
bool scheduler_make_ready(struct thread *thread, enum thread_run_state from_state);

/* thread.c: the idle thread of @cpu, on the stack at @stack_base (NULL: makes one). NULL when out of memory. */
struct thread *thread_create_idle(struct cpu *cpu, void *stack_base);
void thread_caches_init(void);	/* before any thread is made */

/* timer.c: has a timer interrupt come on @cpu, this one, when the TSC is at @deadline or earlier. Interrupts off. */
void timer_program(struct cpu *cpu, uint64_t deadline);
/* Runs what is due. From the timer interrupt. */
void timer_run_expired(void);
