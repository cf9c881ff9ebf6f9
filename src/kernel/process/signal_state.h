/* SPDX-License-Identifier: MIT */
/* Signal actions and queues: what the signal files of process/ share. */
#pragma once

#ifdef HOST_TEST
#include <signal.h>
#else
#include <linux/signal.h>
#endif

#include "lib/atomic.h"
#include "process/signal.h"
#include "sync/spinlock.h"

enum { SIGNAL_COUNT = 64, SIGNAL_REALTIME_FIRST = 32 };

static inline signal_set signal_bit(int number)
{
	return 1ull << (number - 1);
}

#define SIGNAL_SET_STOP (1ull << (SIGSTOP - 1) | 1ull << (SIGTSTP - 1) | 1ull << (SIGTTIN - 1) | 1ull << (SIGTTOU - 1))
#define SIGNAL_SET_IGNORED (1ull << (SIGCHLD - 1) | 1ull << (SIGCONT - 1) | 1ull << (SIGURG - 1) | 1ull << (SIGWINCH - 1))
/* Faults come before anything else that waits. */
#define SIGNAL_SET_FAULTS (1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1) | \
			   1ull << (SIGFPE - 1) | 1ull << (SIGSYS - 1))
/* By these process 1 is told to shut down, to read its configuration, that power fails. */
#define SIGNAL_SET_ORDERS (1ull << (SIGHUP - 1) | 1ull << (SIGINT - 1) | 1ull << (SIGUSR1 - 1) | 1ull << (SIGUSR2 - 1) | 1ull << (SIGTERM - 1) | \
			   1ull << (SIGPWR - 1))
#define SIGNAL_SET_REALTIME (~0ull << (SIGNAL_REALTIME_FIRST - 1))
#define SIGNAL_SET_UNBLOCKABLE (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))

/* As rt_sigaction(2) passes it. */
struct signal_action {
	uint64_t handler;	/* an address, or one of the two below */
	uint64_t flags;		/* SA_* */
	uint64_t restorer;
	signal_set mask;
};
enum { HANDLER_DEFAULT = 0, HANDLER_IGNORE = 1 };

struct signal_handlers {
	struct refcount refs;
	struct spinlock lock;	/* with interrupts off; inside process->signal_lock */
	signal_set changed;	/* lock: the signals whose action may be another than the default one */
	/* lock; the handler word alone may be read without */
	struct signal_action actions[SIGNAL_COUNT];
};

/* signal_queue.c: pure queue logic. The owner's lock is held. */
void signal_queue_init(struct signal_queue *queue);
enum signal_queue_result { SIGNAL_QUEUED, SIGNAL_ALREADY_PENDING, SIGNAL_QUEUED_WITHOUT_INFO, SIGNAL_NO_MEMORY };
/* Standard signals pend once. Without memory (or with @may_allocate false) a real-time signal is refused, others lose their information. */
enum signal_queue_result signal_queue_add(struct signal_queue *queue, const struct signal_info *info, bool may_allocate);
/* Word by word: these copies are on the path of every signal, and too short for a call. */
static inline __attribute__((always_inline)) void signal_info_copy(void *to, const void *from)
{
	uint64_t *out = to;
	const uint64_t *in = from;

#pragma GCC unroll 8
	for (unsigned i = 0; i < SIGNAL_INFO_KEPT / sizeof(uint64_t); i++)
		out[i] = in[i];
}

/* These call off others, or a stop. */
#define SIGNAL_SET_CANCELLING (SIGNAL_SET_STOP | 1ull << (SIGCONT - 1) | 1ull << (SIGKILL - 1))

/* signal_queue_add for the usual case: a standard signal that does not pend, and the spare is free. False: nothing was done. */
static inline bool signal_queue_add_first(struct signal_queue *queue, const struct signal_info *info)
{
	signal_set bit = signal_bit(info->number);

	if (unlikely(info->number >= SIGNAL_REALTIME_FIRST || queue->set & bit || queue->spare.in_use))
		return false;
	queue->set |= bit;
	queue->spare.in_use = true;
	signal_info_copy(queue->spare.info, info);
	list_push_back(&queue->nodes, &queue->spare.link);
	return true;
}

/* signal_queue_take for the same. */
static inline bool signal_queue_take_first(struct signal_queue *queue, int number, struct signal_info *info)
{
	struct signal_info_node *spare = &queue->spare;

	if (unlikely(queue->nodes.next != &spare->link || (int)spare->info[0] != number || number >= SIGNAL_REALTIME_FIRST))
		return false;
	queue->set &= ~signal_bit(number);
	signal_info_copy(info, spare->info);
	list_remove(&spare->link);
	spare->in_use = false;
	return true;
}

/* Takes the oldest @number out; returns how many nodes that freed (0 or 1). @info may be NULL; only SIGNAL_INFO_KEPT bytes of it are set. */
unsigned signal_queue_take(struct signal_queue *queue, int number, struct signal_info *info);
/* Does the signal of timer_create's @timer_id wait here? */
bool signal_queue_has_timer(const struct signal_queue *queue, int number, int timer_id);
/* Forgets all signals in @set; returns the nodes freed. */
unsigned signal_queue_flush(struct signal_queue *queue, signal_set set);
/* Which of @candidates is delivered first: faults, then the lowest number; 0 for none. */
static inline int signal_choose(signal_set candidates)
{
	signal_set faults = candidates & SIGNAL_SET_FAULTS;

	if (unlikely(faults))
		candidates = faults;
	return candidates ? __builtin_ctzll(candidates) + 1 : 0;
}

/* signal.c */
struct signal_handlers *signal_handlers_create(void);
struct signal_handlers *signal_handlers_copy(struct signal_handlers *from);
void signal_handlers_get(struct signal_handlers *handlers);
void signal_handlers_put(struct signal_handlers *handlers);
/* exec: caught signals go back to default, ignored ones stay. */
void signal_handlers_reset(struct signal_handlers *handlers, bool ignored_too);
struct signal_action process_signal_action(struct process *process, int number);	/* of another process */

/*
 * Sends to @thread, or to the process when NULL. 0; -EAGAIN when a real-time signal cannot be queued. With @process's signal_lock NOT held;
 * process_tree_lock may be.
 */
int signal_send(struct process *process, struct thread *thread, const struct signal_info *info);
/* signal_queue_add for @process, which pays for a real-time signal if its user may have one more; and what has the payment end. process->signal_lock held. */
enum signal_queue_result signal_queue_charged(struct process *process, struct signal_queue *queue, const struct signal_info *info);
void signal_flush(struct process *process, struct signal_queue *queue, signal_set set);
/* As signal_send_group, with process_tree_lock held. */
int signal_send_group_locked(int pgid, const struct signal_info *info);
/* For who sends to whole groups, after the sending: the children of @process's forks under way get it, too, unless it was ignored. process_tree_lock held. */
void signal_note_in_forks(struct process *process, int number);
/* Takes the first signal outside @blocked from the caller's queues. Its number or 0; *@info as signal_queue_take. process->signal_lock held. */
int signal_dequeue(struct thread *thread, signal_set blocked, struct signal_info *info);
/* Sets or clears THREAD_WORK_SIGNAL of @thread by what is pending. process->signal_lock held. */
void signal_recompute(struct thread *thread);
/* Lets other threads have the process's signals that @thread no longer takes. process->signal_lock held. */
void signal_retarget(struct thread *thread, signal_set no_longer);

/* signal_deliver.c */
/*
 * Delivers @info to the calling thread on the spot, if it has a handler for it that may run now and nothing else waits; else false, and nothing was
 * done. For system calls with the whole frame ([frame] in syscalls.def), which then return 0.
 */
bool signal_deliver_to_self(const struct signal_info *info);

/* signal_stop.c */
/* The caller took a stop signal with the default action: begins or joins a stop of the whole process. */
void signal_stop_process(int number);
void signal_stop_self(void);			/* sleeps while a stop lasts */
/* A thread leaves while a stop is being waited for; process->signal_lock held. True: the caller must call signal_stop_notify(). */
bool signal_stop_leave(struct thread *thread);
void signal_stop_notify(struct process *process);	/* tells the parent: all threads stopped */
void signal_continue(struct process *process);		/* SIGCONT or SIGKILL came; process->signal_lock held */
void signal_notify_continued(void);			/* the caller tells its parent that it was continued */

/* signal_frame.c */
void signal_frame_init(void);
/* Makes the user stack frame for a handler and aims @frame at it. 0 or -EFAULT. */
int signal_frame_setup(struct trap_frame *frame, int number, const struct signal_action *action, const struct signal_info *info,
		       signal_set mask);
bool signal_on_alt_stack(uint64_t rsp);

enum { SIGNAL_FRAME_MIN = 2048 };
unsigned signal_min_stack_size(void);		/* AT_MINSIGSTKSZ */
