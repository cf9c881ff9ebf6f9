/* SPDX-License-Identifier: MIT */
/*
 * Where the rest of the kernel asks whether a thread is traced (ptrace(2)) and says what it does. Where the kernel is built without (../README.md,
 * "Switches") nobody is, and the functions are empty and cost nothing. With it an untraced thread pays for a look at a pointer, in places that are
 * not on the way of calls; calls of traced threads are found by stubs in the dispatch table while there are some (ptrace_watch.c).
 */
#pragma once

#include "arch/x86_64/debug_registers.h"
#include "process/internal.h"
#include "process/wait_request.h"
#include "sched/thread.h"

struct clone_request;
struct trap_frame;

#ifdef PTRACE

static inline bool ptrace_is_traced(const struct thread *thread)
{
	return atomic_load_relaxed(&thread->user.traced.tracer);
}

/* Sleeps for its tracer. signal_lock held, or as a guess. */
static inline bool ptrace_is_stopped(const struct thread *thread)
{
	return thread->user.traced.stopped;
}

/* Must its calls be seen? */
static inline bool ptrace_is_watched(const struct thread *thread)
{
	return thread->user.traced.watch;
}

static inline bool ptrace_is_traced_by(const struct thread *thread, const struct process *tracer)
{
	return thread && atomic_load_relaxed(&thread->user.traced.tracer) == tracer;
}

/* What it ends with by itself. */
static inline int ptrace_exit_code(const struct thread *thread) { return thread->user.exit_code; }

static inline void ptrace_init_process(struct process *process)
{
	list_init(&process->tracees);
}

/* ---- ptrace_breakpoints.c: of the calling thread ---- */

void ptrace_drop_breakpoints(struct thread *self);
/* si_code of vector 1, which came with @status in DR6; 0: nothing has happened. */
int ptrace_debug_code(struct trap_frame *frame, uint64_t status);
/* The same in the kernel: was it a program's breakpoint that it came by? */
static inline bool ptrace_ignores_debug(struct trap_frame *frame) { return !ptrace_debug_code(frame, debug_take_status()); }
/* All that is left of THREAD_WORK_*: does not return if there is no more. */
void ptrace_load_breakpoints(struct trap_frame *frame);
static inline void ptrace_end_work(struct trap_frame *frame, uint32_t work)
{
	if (unlikely(work & THREAD_WORK_BREAKPOINTS))
		ptrace_load_breakpoints(frame);
}

/* ---- ptrace_stop.c: of the calling thread ---- */

/* Work for the tracer, of THREAD_WORK_*. Whether there was any. */
bool ptrace_do_work(struct trap_frame *frame, uint32_t work);
static inline bool ptrace_handle_work(struct trap_frame *frame, uint32_t work)
{
	return unlikely(work & (THREAD_WORK_TRAP | THREAD_WORK_CALL)) && ptrace_do_work(frame, work);
}

/* Signal @number was taken: what becomes of it, 0 for nothing. signal_lock, taken with *@flags, is let go of meanwhile. */
int ptrace_ask_about(int number, struct signal_info *info, uint64_t *flags);
static inline int ptrace_filter_signal(struct thread *self, int number, struct signal_info *info, uint64_t *flags)
{
	return unlikely(ptrace_is_traced(self)) ? ptrace_ask_about(number, info, flags) : number;
}

/* A process that is stopped waits: true if that was done here, for the tracer; then the caller looks again whether it has to. */
bool ptrace_group_stop(void);
/*
 * IRET to an address that is not canonical would fault in the kernel. A tracer may have set it, and the program, by system calls, what would otherwise be seen
 * to meanwhile; so all who have work to do on their way to user mode look last. Then it is a fault of the program's, which is work again.
 */
static inline bool ptrace_is_nowhere(uint64_t address) { return (uint64_t)((int64_t)(address << 16) >> 16) != address; }
bool ptrace_fault_nowhere(void);
static inline bool ptrace_leads_nowhere(uint64_t address) { return unlikely(ptrace_is_nowhere(address)) && ptrace_fault_nowhere(); }
/* A handler is about to run: was the thread doing one step? Then ptrace_handler_begins() once it is set up. */
bool ptrace_ends_step(struct trap_frame *frame);
void ptrace_handler_begins(void);
/* A single step came to its end, which nobody waits for any more: RFLAGS.TF is cleared. */
bool ptrace_forgets_step(struct trap_frame *frame);
/* entry.asm: a watched thread makes a call, of which the whole frame is stored. Returns its handler, or one that does nothing. */
void *ptrace_enter_call(struct trap_frame *frame);
/* The same for a number beyond the table. False if it is known already. */
bool ptrace_enter_unknown(struct trap_frame *frame);
/* exec is done; @old_tid: the thread's number before. */
void ptrace_do_tell_exec(int old_tid);
static inline void ptrace_tell_exec(struct thread *self, int old_tid)
{
	if (unlikely(self->user.traced.breakpoints))
		ptrace_drop_breakpoints(self);
	if (unlikely(ptrace_is_traced(self)))
		ptrace_do_tell_exec(old_tid);
}
/* The thread, or with its process (status as wait4 has it), is about to end. */
void ptrace_tell_exit(int status);

/* ---- ptrace_link.c ---- */

/* @child was made by the calling thread and does not run yet. Which PTRACE_EVENT_* the tracer is told afterwards, 0: none. */
int ptrace_follow_clone(struct thread *child, const struct clone_request *request);
static inline int ptrace_begin_clone(struct thread *child, const struct clone_request *request)
{
	return unlikely(ptrace_is_traced(current_thread())) ? ptrace_follow_clone(child, request) : 0;
}
void ptrace_end_clone(int event, const struct thread *child);	/* it runs (ptrace_stop.c) */
void ptrace_end_vfork(int event, int tid);
/* A program got more rights than its tracer, which began while that was being found out, may have: it traces no more. */
void ptrace_drop_weak_tracer(void);

/* ---- ptrace_end.c: all but the last with process_tree_lock held ---- */

bool ptrace_keeps_number(struct thread *self);	/* the caller ends: is its number still needed? */
void ptrace_tell_end(struct process *process);	/* it becomes a zombie; it traces nobody any more. Then ptrace_put_ended() */
int ptrace_look(struct process *tracer, const struct wait_request *request, struct wait_event *event, struct thread **ended, int result);
/* The caller is off the thread list: true if what it is charged for stays so until the tracer hears of the end. Takes process_tree_lock. */
bool ptrace_report_end_to_tracer(struct thread *self, int code, bool last);
static inline bool ptrace_report_end(struct thread *self, int code, bool last)
{
	return unlikely(self->user.traced.ended_traced) && ptrace_report_end_to_tracer(self, code, last);
}
void ptrace_put_ended(struct process *process);	/* without locks */
/* The caller, who waits, is its tracer and has not heard yet of the end of threads of it: a process's end is told last. */
bool ptrace_threads_end_first(const struct process *process);
void ptrace_put(struct thread *ended);		/* what ptrace_look left. Without locks; NULL for none */

/* ---- With signal_lock held ---- */

void ptrace_killed(struct process *process);	/* begins to end, or gets a SIGKILL while it does */
void ptrace_continued(struct thread *thread);	/* the stop of its process is over */
/* Takes part again in a stop of the process from which its tracer had sent it on? */
static inline bool ptrace_rejoins_stop(const struct thread *self)
{
	return ptrace_is_traced(self) && self->process->stopped && self->user.took_stop && !self->process->exiting;
}

/* A stop for the tracer, about which waitid tells all. */
static inline bool ptrace_reports_code(int code) { return code == CLD_TRAPPED; }
int ptrace_tracer_pid(struct thread *thread);	/* 0: none; @thread may be NULL */

#define PTRACE_TRACER_FORMAT "%d"
#define PTRACE_TRACER(thread) , ptrace_tracer_pid(thread)
#define PTRACE_STATE_NAMES { 't', "t (tracing stop)" },

#else

static inline bool ptrace_is_traced(const struct thread *thread) { return false; }
static inline bool ptrace_threads_end_first(const struct process *process) { return false; }
static inline bool ptrace_is_stopped(const struct thread *thread) { return false; }
static inline bool ptrace_is_watched(const struct thread *thread) { return false; }
static inline bool ptrace_is_traced_by(const struct thread *thread, const struct process *tracer) { return false; }
static inline int ptrace_exit_code(const struct thread *thread) { return 0; }
static inline void ptrace_init_process(struct process *process) { }
static inline bool ptrace_handle_work(struct trap_frame *frame, uint32_t work) { return false; }
static inline int ptrace_filter_signal(struct thread *self, int number, struct signal_info *info, uint64_t *flags) { return number; }
static inline bool ptrace_group_stop(void) { return false; }
static inline bool ptrace_leads_nowhere(uint64_t address) { return false; }
static inline bool ptrace_ends_step(struct trap_frame *frame) { return false; }
static inline void ptrace_handler_begins(void) { }
static inline bool ptrace_forgets_step(struct trap_frame *frame) { return false; }
static inline bool ptrace_enter_unknown(struct trap_frame *frame) { return false; }
static inline void ptrace_tell_exec(struct thread *self, int old_tid) { }
static inline int ptrace_debug_code(struct trap_frame *frame, uint64_t status) { return status & DR6_SINGLE_STEP ? TRAP_TRACE : TRAP_BRKPT; }
static inline bool ptrace_ignores_debug(struct trap_frame *frame) { return false; }
static inline void ptrace_end_work(struct trap_frame *frame, uint32_t work) { }
static inline void ptrace_tell_exit(int status) { }
static inline int ptrace_begin_clone(struct thread *child, const struct clone_request *request) { return 0; }
static inline void ptrace_end_clone(int event, const struct thread *child) { }
static inline void ptrace_end_vfork(int event, int tid) { }
static inline void ptrace_drop_weak_tracer(void) { }
static inline bool ptrace_keeps_number(struct thread *self) { return false; }
static inline void ptrace_tell_end(struct process *process) { }
static inline int ptrace_look(struct process *tracer, const struct wait_request *request, struct wait_event *event, struct thread **ended, int result)
{
	return result;
}
static inline bool ptrace_report_end(struct thread *self, int code, bool last) { return false; }
static inline void ptrace_put_ended(struct process *process) { }
static inline void ptrace_put(struct thread *ended) { }
static inline void ptrace_killed(struct process *process) { }
static inline void ptrace_continued(struct thread *thread) { }
static inline bool ptrace_rejoins_stop(const struct thread *self) { return false; }
static inline bool ptrace_reports_code(int code) { return false; }

#define PTRACE_TRACER_FORMAT "0"
#define PTRACE_TRACER(thread)
#define PTRACE_STATE_NAMES

#endif
