/* SPDX-License-Identifier: MIT */
/*
 * Trace points: what other parts of the kernel call. Each is one 5-byte NOP until its group is switched on; then it is a jump to code that lies
 * out of the way (debug/trace/README.md). None spoils registers or memory; they may stand anywhere but in an NMI, under any lock.
 */
#pragma once

#include "abi/trace_records.h"
#include "arch/x86_64/trace_point.h"
#include "lib/types.h"

struct thread;
struct trap_frame;

/* calls.c, of kernels with PTRACE=yes only: calls go by ptrace_call while *@wanted, atomic, is not 0; when that has changed this is to be called. May sleep. */
void trace_calls_watch(const unsigned *wanted);
typedef long trace_handler(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern trace_handler *unwatched_handlers[];	/* what ptrace_call stands in for */
extern trace_handler ptrace_call;		/* arch/x86_64/ptrace_entry.inc */

#define TRACE_INLINE static inline __attribute__((always_inline)) void

/* @prev has its new run state, @next gets the CPU. Interrupts off. */
TRACE_INLINE trace_switch(const struct thread *prev, const struct thread *next)
{
	__asm__ volatile("" ::: "memory");	/* what led here is stored, as context_switch() needs it next */
	TRACE_POINT(TRACE_GROUP_SCHED, TRACE_SWITCH, prev, next);
}

/* @thread became ready on CPU thread->cpu. */
TRACE_INLINE trace_wake(const struct thread *thread)
{
	TRACE_POINT(TRACE_GROUP_SCHED, TRACE_WAKE, thread, 0);
}

/* @thread, which does not run, is about to go from CPU thread->cpu to @to. */
TRACE_INLINE trace_migrate(const struct thread *thread, unsigned to)
{
	TRACE_POINT(TRACE_GROUP_SCHED, TRACE_MIGRATE, thread, to);
}

/* The caller made @thread. */
TRACE_INLINE trace_fork(const struct thread *thread)
{
	TRACE_POINT(TRACE_GROUP_ALWAYS, TRACE_FORK, thread, 0);
}

/* @thread has a new name. */
TRACE_INLINE trace_name(const struct thread *thread)
{
	TRACE_POINT(TRACE_GROUP_ALWAYS, TRACE_NAME, thread, 0);
}

TRACE_INLINE trace_fault_enter(const struct trap_frame *frame, uint64_t address)
{
	TRACE_POINT(TRACE_GROUP_FAULT, TRACE_FAULT_ENTER, frame, address);
}

TRACE_INLINE trace_fault_leave(void)
{
	TRACE_POINT(TRACE_GROUP_FAULT, TRACE_FAULT_LEAVE, 0, 0);
}

TRACE_INLINE trace_interrupt_enter(unsigned vector)
{
	TRACE_POINT(TRACE_GROUP_INTERRUPT, TRACE_INTERRUPT_ENTER, vector, 0);
}

TRACE_INLINE trace_interrupt_leave(void)
{
	TRACE_POINT(TRACE_GROUP_INTERRUPT, TRACE_INTERRUPT_LEAVE, 0, 0);
}

/* For a breakpoint: whether it was a trace point that is being switched; then @frame goes on behind it. */
bool trace_point_skip(struct trap_frame *frame);

/* Registers /dev/trace. */
void trace_init(void);
