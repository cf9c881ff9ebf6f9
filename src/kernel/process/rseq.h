/* SPDX-License-Identifier: MIT */
/*
 * rseq(2) as the rest of the kernel sees it, and nothing where it is built without it (../README.md, "Switches"). A thread with an area has to be settled
 * before it goes on in user mode if it was not alone on its CPU since it was there, or is on another. Nothing is done for that where threads are switched:
 * inside of a section there are no system calls, so who comes back by the short way was in none, and only a move can have changed something, which
 * gives it THREAD_WORK_RSEQ. After exceptions, which may sleep, and work on the way back, by which it gives way, the thread looks whether it was switched.
 */
#pragma once

#include <linux/ptrace.h>

#include "lib/atomic.h"
#include "lib/errno.h"
#include "sched/thread.h"

#ifdef RSEQ

/* Ends the section that @frame is in, if it is in one, and writes the CPU's number. -EFAULT, -EINVAL: the program's memory is not as it must be. May sleep. */
int rseq_settle(struct trap_frame *frame);
/* The same on the way to user mode with THREAD_WORK_RSEQ, which is taken away. What is wrong is a SIGSEGV. */
void rseq_resume(struct trap_frame *frame);

/* @thread, the caller's or one that does not run, has to be settled before it goes on in user mode. */
static inline void rseq_disturb(struct thread *thread)
{
	if (unlikely(thread->user.rseq))
		(void)atomic_or(&thread->user.work, THREAD_WORK_RSEQ);
}

/* The same if the caller has left its CPU since it was settled. */
static inline void rseq_disturb_if_switched(struct thread *thread)
{
	if (unlikely(thread->user.rseq) && thread->voluntary_switches + thread->involuntary_switches != thread->user.rseq_switches)
		rseq_disturb(thread);
}

static inline bool rseq_is_due(uint32_t work) { return work & THREAD_WORK_RSEQ; }

/* A handler's frame, or another switch, is about to be made of @frame. 0, or as rseq_settle(). */
static inline int rseq_before_handler(struct trap_frame *frame)
{
	return unlikely(current_thread()->user.rseq) ? rseq_settle(frame) : 0;
}

/* A thread of another process begins with what the caller's has: its memory is the same. */
static inline void rseq_inherit(struct thread *child)
{
	child->user.rseq = current_thread()->user.rseq;
	child->user.rseq_signature = current_thread()->user.rseq_signature;
	rseq_disturb(child);
}

static inline void rseq_forget(struct thread *thread) { thread->user.rseq = 0; }

/* For tracers. How many bytes of *@out count, or -EIO. */
static inline long rseq_describe(const struct thread *thread, struct ptrace_rseq_configuration *out)
{
	*out = (struct ptrace_rseq_configuration){ .rseq_abi_pointer = thread->user.rseq, .rseq_abi_size = 32, .signature = thread->user.rseq_signature };
	return sizeof(*out);
}

#else

static inline void rseq_resume(struct trap_frame *frame) { }
static inline void rseq_disturb(struct thread *thread) { }
static inline void rseq_disturb_if_switched(struct thread *thread) { }
static inline bool rseq_is_due(uint32_t work) { return false; }
static inline int rseq_before_handler(struct trap_frame *frame) { return 0; }
static inline void rseq_inherit(struct thread *child) { }
static inline void rseq_forget(struct thread *thread) { }
static inline long rseq_describe(const struct thread *thread, struct ptrace_rseq_configuration *out) { return -EIO; }

#endif
