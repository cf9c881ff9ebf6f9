/* SPDX-License-Identifier: MIT */
/* Sending signals; what other subsystems need of them. */
#pragma once

#include "lib/types.h"
#include "lib/list.h"
#include "process/thread_state.h"

struct process;
struct session;
struct thread;
struct trap_frame;
struct signal_handlers;

/* Linux's siginfo_t, kept whole (128 bytes) as programs see it; only these fields are used by the kernel. */
struct signal_info {
	int number, error, code;
	int padding;
	union {
		struct { int pid; uint32_t uid; uint64_t value; } sender;	/* kill, sigqueue */
		struct { int pid; uint32_t uid; int status; int pad; int64_t utime, stime; } child;
		struct { uint64_t addr; } fault;
		struct { int timer_id, overrun; uint64_t value; } timer;
		struct { int64_t band; int fd; } poll;	/* SIGIO */
		uint8_t raw[112];
	};
};
_Static_assert(sizeof(struct signal_info) == 128, "siginfo_t is 128 bytes");

/* All callable from any context, interrupts included. */
void signal_send_process(struct process *process, const struct signal_info *info);
/* From the kernel to process 1, if there is one. Any context. */
void signal_send_init(int signal);
void signal_send_thread(struct thread *thread, const struct signal_info *info);
/* To every process of a group; returns how many there were. No permission check. process_tree_lock NOT held. */
int signal_send_group(int pgid, const struct signal_info *info);
/* The kernel's @signal to group @pgid if @session has it: the number of one that has ended may be another's. process_tree_lock held. */
void signal_send_foreground(const struct session *session, int pgid, int signal);

/*
 * Signals of events that somebody asked for (F_SETOWN), whoever causes them: with the rights of who asked. A target is a process, minus a group, or
 * SIGNAL_TO_THREAD and a thread.
 */
enum { SIGNAL_TO_THREAD = 1 << 30 };
struct signal_sender { uint32_t uid, euid; uint64_t capabilities; };
struct signal_sender signal_sender_self(void);
/* Is there a process, thread, group or session of that number? */
bool process_number_is_used(int number);
/* Any context. @info's number 0, or no room for @info: SIGIO. */
void signal_send_for(const struct signal_sender *sender, int target, const struct signal_info *info);

/* To the calling thread, as if it had sent @number itself: what is wrong with its own call. */
void signal_send_self(int number);

/* SI_KERNEL information for @number. */
struct signal_info signal_info_kernel(int number);

/* A fault of the calling thread: cannot be blocked or ignored (kills then). @addr goes to si_addr. */
void signal_force_fault(int number, int code, uint64_t addr, uint64_t trap_number, uint64_t error_code);

/*
 * Is there a signal the calling thread would act on? May say yes without one (another thread took it): a system call that gives up
 * with -ERESTART* because of it is then started again.
 */
bool signal_pending(void);
/* A SIGKILL or the process's end. */
bool signal_fatal_pending(void);

bool signal_is_ignored_or_blocked(int number);	/* by the caller: for tty's SIGTTIN and SIGTTOU */

/*
 * Sets the caller's mask. signal_set_mask_until_return: the old one comes back after the system call (sigsuspend, ppoll, pselect):
 * after a handler was set up when the call was interrupted (-EINTR, -ERESTART*), before signals are looked at otherwise.
 */
void signal_set_mask(signal_set mask);
void signal_set_mask_until_return(signal_set mask);

/* On the way to user mode with THREAD_WORK_* set: delivers signals, stops, exits. @frame is the user frame. Interrupts enabled. */
void signal_handle_work(struct trap_frame *frame);
