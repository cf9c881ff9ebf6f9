/* SPDX-License-Identifier: MIT */
/* Between the scheduler and the code that enters and leaves the kernel. */
#pragma once

#include "sched/thread.h"
#include "sched/run_queue.h"
#include "sync/wait.h"

/* Turns the boot context into the idle thread of the boot CPU. Interrupts off. */
void scheduler_init(void);

/* The boot CPU's idle loop. Does not return. */
__attribute__((noreturn)) void scheduler_idle_loop(void);

/* Switches to the best ready thread, if the current one should give way. Preemption must be allowed; interrupts on. */
void scheduler_reschedule(void);

/* At the end of an interrupt that came in the kernel: switches if one was asked for and preemption is allowed. Interrupts off. */
void scheduler_preempt_from_interrupt(struct trap_frame *frame);

/* Gives up the CPU as the run_state set before says. Preemption off (count exactly 1), any interrupt state; returns when chosen again. */
void scheduler_block(void);

/* Makes a thread in @from_state ready. Returns whether it was in that state. Any context. */
bool scheduler_make_ready(struct thread *thread, enum thread_run_state from_state);

/* Sets the calling thread's run_state before it blocks (see wait_block). Preemption off. */
void thread_announce_sleep(enum thread_run_state state, enum wait_mode mode);

/* thread.c: a thread structure for the context that boot runs in; it becomes the idle thread. */
struct thread *thread_adopt_boot_context(void);

/* timer.c: when the running thread's quantum ends; UINT64_MAX: no need to interrupt it. Interrupts off. */
void timer_set_quantum_end(uint64_t deadline);
/* Runs what is due. From the timer interrupt. */
void timer_run_expired(void);
