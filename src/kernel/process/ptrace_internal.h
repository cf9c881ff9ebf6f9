/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2). A traced thread stops by itself, on its way to user mode or inside a call where its whole frame is stored (ptrace_stop.c), and sleeps on its
 * process's stop_queue until its tracer, which is a process (any of its threads may ask), lets it go on. What the tracer does with it meanwhile, it does
 * with signal_lock held and struct traced.stopped seen: a thread that was killed has taken that back under the lock before it runs. It takes over itself
 * what was done to its registers, and looks at what must not reach the processor.
 *
 *	ptrace.c	the call		ptrace_regs.c	registers as the tracer has them
 *	ptrace_stop.c	stops			ptrace_breakpoints.c	the processor's breakpoints
 *	ptrace_link.c	who traces whom		ptrace_end.c	the ends of traced threads, what wait4 tells of all, the ends of tracers
 */
#pragma once

#include <linux/ptrace.h>

#include "arch/x86_64/trap.h"
#include "process/ptrace.h"

enum { PTRACE_RFLAGS_TF = 0x100 };

static inline struct thread *traced_thread(struct traced *traced)
{
	return container_of(traced, struct thread, user.traced);
}

static inline struct trap_frame *traced_frame(const struct thread *thread)
{
	return (struct trap_frame *)((char *)thread->stack_base + KERNEL_STACK_SIZE) - 1;
}

/* Is @thread, which the caller traced when the request began, in a stop still, and not left in it by PTRACE_LISTEN? signal_lock held. */
static inline bool traced_may_touch(const struct thread *thread)
{
	return thread->user.traced.stopped && !thread->user.traced.listening && ptrace_is_traced_by(thread, current_process());
}

/* ptrace_link.c */
long ptrace_trace_me(void);
long ptrace_attach(int tid, bool seize, uint64_t addr, uint64_t options);
bool ptrace_options_valid(uint64_t options);
/* Ends it; process_tree_lock and signal_lock held. The thread goes on, or stays stopped with its process. Then ptrace_settle() without locks. */
void ptrace_unlink(struct thread *thread);
/* Lets go of what a dead thread still has but the reference; process_tree_lock held. */
void ptrace_release(struct thread *thread);
/* Lets @thread, which is in a stop, go on. signal_lock held. */
void ptrace_let_go(struct thread *thread);
void ptrace_settle(void);	/* calls go their short ways again if nobody is traced any more. May sleep */
void ptrace_watch_calls(void);	/* they do not for threads with struct traced.watch. May sleep */

/* ptrace_stop.c: SIGCHLD and a wake-up for @thread's tracer, if it has one; process_tree_lock held. */
void ptrace_tell_tracer(struct thread *thread, int code, int status);

/* ptrace_breakpoints.c; @thread is stopped and signal_lock held. DR@index. 0, -EIO, -EINVAL, -ENOMEM. */
int ptrace_access_debug_register(struct thread *thread, unsigned index, uint64_t *word, bool write);

/* ptrace_regs.c; @thread is stopped and signal_lock held, but for ptrace_move_set. */
enum { PTRACE_REGISTERS = 27, PTRACE_REGISTERS_SIZE = PTRACE_REGISTERS * 8, PTRACE_FPU_SIZE = 512 };
uint64_t ptrace_get_register(const struct thread *thread, unsigned index);
int ptrace_set_register(struct thread *thread, unsigned index, uint64_t value);	/* 0 or -EIO */
/* Bytes of register set @type (NT_*), 0 if there is none such. */
size_t ptrace_set_size(unsigned type);
/* Moves @len bytes of it from or to the caller's memory. 0, -ESRCH if @thread is not stopped, -EFAULT, -EINVAL, -EIO, -ENOMEM. */
long ptrace_move_set(struct thread *thread, unsigned type, uaddr_t at, size_t len, bool write);
