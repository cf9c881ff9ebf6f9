/* SPDX-License-Identifier: MIT */
/* What a user thread keeps for signals, futexes and its end. Owned by process/; embedded in struct thread. */
#pragma once

#include "lib/types.h"
#include "lib/list.h"
#include "lib/rbtree.h"

struct credentials;
struct pi_waiter;
struct process;

/* A signal set: bit N-1 is signal N, as in Linux's 64-bit sigset_t. */
typedef uint64_t signal_set;

/* One queued signal. Only the first 48 bytes of a siginfo_t ever carry anything; the rest is zero. */
enum { SIGNAL_INFO_KEPT = 48 };

struct signal_info_node {
	struct list link;
	uint64_t info[SIGNAL_INFO_KEPT / sizeof(uint64_t)];
	bool embedded;		/* is some queue's spare: given back instead of freed */
	bool in_use;		/* for the spare only */
};

/* Signals that wait. Guarded by process->signal_lock. */
struct signal_queue {
	signal_set set;
	struct list nodes;			/* struct signal_info_node, oldest first */
	struct signal_info_node spare;		/* saves the usual single signal an allocation */
};

#ifdef PTRACE
/* What a traced thread and its tracer know of each other (process/ptrace_internal.h). signal_lock is that of the traced thread's process. */
struct traced {
	struct process *tracer;		/* NULL: nobody; changes under process_tree_lock and signal_lock */
	struct list link;		/* tracer->tracees; process_tree_lock */
	uint64_t message;		/* PTRACE_GETEVENTMSG; signal_lock, as all below that says nothing else */
	uint64_t info[SIGNAL_INFO_KEPT / sizeof(uint64_t)];	/* siginfo of the stop; the first word 0: it has none */
	void *fpu;			/* kmalloc'd: what the FPU's registers are to be when it goes on, or NULL */
	struct breakpoints *breakpoints;	/* the processor's; own thread, or as @fpu. NULL: none */
	uint32_t options;		/* PTRACE_O_* */
	uint32_t links;			/* how often somebody has begun to trace it */
	uint16_t code;			/* of the stop, as wait4 reports it: signal, 0x80 for calls, event << 8 */
	uint16_t status;		/* @dead: as wait4 reports it */
	uint8_t signal;			/* what it goes on with */
	uint8_t watch;			/* TRACED_*; its calls go by ptrace_call (arch/x86_64/ptrace_entry.inc) while that is not 0 */
	uint8_t phase;			/* PTRACE_SYSCALL_INFO_*: what the stop is about */
	bool ready;			/* the tracer has been found to be one that may */
	bool seized;
	bool stopped;			/* sleeps in a stop, or is about to: the tracer may do with it what it likes, under signal_lock */
	bool unreported;		/* of the stop wait4 has not told yet */
	bool listening;			/* the stop is over for the tracer, but not for the thread (PTRACE_LISTEN) */
	bool trap;			/* is to stop (PTRACE_INTERRUPT, a stop of the process that ended) */
	bool own_step;			/* RFLAGS.TF is the tracer's */
	bool ended;			/* nobody may begin to trace it any more; process_tree_lock */
	bool ended_traced;		/* own thread: it had a tracer then, who may be at it still */
	bool kept_number;		/* has ended, and its number waits for the tracer; process_tree_lock, as the next two */
	bool dead;			/* has ended; only what the tracer is still to hear is left, with a reference */
	bool charged;			/* still counts for its process and the machine */
};
enum { TRACED_CALLS = 1, TRACED_STEPS = 2 };
#endif

struct thread_state {
	uint32_t work;			/* offset 0; atomic bits: THREAD_WORK_*, looked at on the way to user mode */
	uint64_t missing;		/* own thread; capabilities that it cannot use: all but its credentials' effective ones and @granted */
	bool grant_over;		/* atomic: what @granted was for has ended (with THREAD_WORK_CREDENTIALS) */
	uint64_t granted;		/* own thread; capabilities that hold for what it does for somebody else just now */
	signal_set blocked;		/* own thread writes, under process->signal_lock; others read under it */
	signal_set saved_blocked;	/* what THREAD_WORK_MASK puts back (sigsuspend, ppoll, pselect) */
	signal_set waited_for;		/* sigtimedwait's set while it sleeps; process->signal_lock */
	struct signal_queue queue;	/* directed at this thread; process->signal_lock */
	bool stopped;			/* counted as stopped in its process; process->signal_lock */
	bool gone;			/* has left the thread list; process->signal_lock */
	bool took_stop;			/* has taken a stop signal and is about to obey it: SIGCONT ends that, too; process->signal_lock */
#ifdef CORE_FILES
	bool waits_for_core;		/* on its way out, it stays until its registers are in the core file; process->signal_lock */
#endif
	bool vfork_pending;		/* atomic: a parent waits for this thread to exec or exit */
	uaddr_t clear_child_tid;
	uaddr_t robust_list;
	size_t robust_list_len;
	uaddr_t alt_stack_base;
	size_t alt_stack_size;
	int alt_stack_flags;
	/* nanosleep and the like: how to go on after a signal without handler. */
	struct { long (*resume)(void); uint64_t deadline; uaddr_t remaining; int clock; uint64_t words[4]; } restart;
	/* The last fault, as a handler's sigcontext shows it. */
	uint64_t fault_address, fault_trap, fault_error;
	const struct credentials *credentials;	/* own reference; other threads' changes arrive with THREAD_WORK_CREDENTIALS */
	/* Kept, not used; one word, for fork. prctl PR_SET_TIMERSLACK, ns; ioprio_set. */
	struct { uint64_t timer_slack : 48, io_priority : 16; } kept;
	uint64_t memory_wait_start;	/* own thread; when it began to wait for memory that others give up, monotonic ns (oom.c) */
	uint64_t memory_wait_last;	/* when it last was */
	int exit_code;
	/* futex_pi_state.c; pi_lock there */
	struct pi_waiter *pi_blocked;	/* the PI lock it waits for */
	struct rb_tree pi_owned;	/* struct pi_state.owned_node: PI locks it holds and others wait for */
	bool pi_closed;			/* it ends: no more of these. Atomic, without the lock */
	bool pi_awaited;		/* somebody has waited for a PI lock of its. Atomic; never reset */
	/* For RLIMIT_RTTIME: its CPU time when it was first seen after its last sleep, 0: not yet; how often it had slept. signal_lock */
	uint64_t realtime_since, realtime_sleeps;
#ifdef RSEQ
	uaddr_t rseq;			/* rseq(2)'s area, or 0; own thread writes */
	uint32_t rseq_signature;	/* own thread */
	uint64_t rseq_switches;		/* own thread; how often it had left its CPU when it was settled last */
#endif
#ifdef PTRACE
	struct traced traced;
#endif
	struct sem_undo_list *undo;	/* own thread; what becomes undone when the last thread ends that has it (sysv/sem.c); NULL: nothing */
};

enum {
	THREAD_WORK_SIGNAL = 1 << 0,	/* a signal may have to be delivered */
	THREAD_WORK_EXIT = 1 << 1,	/* the process is going down: exit */
	THREAD_WORK_STOP = 1 << 2,	/* job control stop */
	THREAD_WORK_MASK = 1 << 3,	/* the signal mask has to be put back */
	THREAD_WORK_LEVEL = 1 << 5,	/* it runs at a better level than its class's until then (sched/priority.c) */
	THREAD_WORK_CREDENTIALS = 1 << 4,	/* take over the process's new credentials */
	THREAD_WORK_RSEQ = 1 << 6,	/* its section may have been interrupted, or its CPU be another (process/rseq.h) */
	THREAD_WORK_TRAP = 1 << 7,	/* is to stop for its tracer */
	THREAD_WORK_CALL = 1 << 8,	/* the tracer may want to know of the end of the call that is under way */
	THREAD_WORK_BREAKPOINTS = 1 << 9,	/* has to load the processor's breakpoints whenever it goes to user mode */
	/* These end an interruptible sleep. */
#ifdef PTRACE
	THREAD_WORK_INTERRUPTS = THREAD_WORK_SIGNAL | THREAD_WORK_EXIT | THREAD_WORK_STOP | THREAD_WORK_TRAP,
#else
	THREAD_WORK_INTERRUPTS = THREAD_WORK_SIGNAL | THREAD_WORK_EXIT | THREAD_WORK_STOP,
#endif
};
