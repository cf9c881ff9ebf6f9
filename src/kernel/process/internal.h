/* SPDX-License-Identifier: MIT */
/* What the files of process/ share among themselves and nobody else needs. */
#pragma once

#include <asm/resource.h>

#include "process/process.h"
#include "process/signal_state.h"
#include "lib/errno.h"

/* Restart the call whatever happened (fork); like the others it never reaches a program. */
enum { ERESTARTNOINTR = 513 };

#define NS_PER_CLOCK_TICK 10000000ull	/* of times(2) and si_utime: 100 a second */

/* pid_table.c: numbers for processes, threads, groups and sessions. All with process_tree_lock held. */
struct pid_slot {
	struct process *process;
	struct thread *thread;
	struct process_group *group;
	struct session *session;
};
void pid_table_init(void);
int pid_alloc(void);				/* a free number, or -EAGAIN, -ENOMEM */
struct pid_slot *pid_slot(int pid);		/* NULL if that number was never used */
void pid_release(int pid);			/* frees the number if its slot is empty */
int pid_next_used(int pid);			/* lowest number in use > @pid, or -1 */

/* process.c */
extern struct process *init_process;		/* process 1; set once */
struct process *process_alloc(void);		/* an empty one with one reference; NULL when out of memory */
/* It gives up its address space: keeps what was most in it. process->lock held. */
void process_leave_memory(struct process *process);
struct process *process_find_any(int tid);	/* as process_find(), by any of its threads' numbers, as many calls take them on Linux */
void process_release_resources(struct process *process);	/* as, files, fs, handlers, executable; may sleep */
/* All with process_tree_lock held. */
struct process *process_find_locked(int pid);	/* not referenced */
struct process *process_find_any_locked(int tid);	/* not referenced */
/* Has the calling thread block @blocked and looks what follows for its and the process's pending signals. process->signal_lock held. */
static inline void signal_block_locked(struct thread *thread, signal_set blocked)
{
	signal_set shared = thread->process->queue.set, no_longer = blocked & ~thread->user.blocked;

	thread->user.blocked = blocked;
	if (unlikely((shared | thread->user.queue.set) & no_longer))
		signal_retarget(thread, no_longer);
	/* The bit changes under signal_lock only; most of the time there is nothing to change. */
	if (unlikely(((thread->user.queue.set | shared) & ~blocked) || (atomic_load_relaxed(&thread->user.work) & THREAD_WORK_SIGNAL)))
		signal_recompute(thread);
}

static inline void process_set_parent(struct process *process, struct process *parent)
{
	process->parent = parent;
	__atomic_store_n(&process->parent_pid, parent->pid, __ATOMIC_RELAXED);
}

void process_join_group(struct process *process, struct process_group *group);
void process_leave_group(struct process *process);	/* frees an empty group */
void process_join_session(struct process *process, struct session *session);
void process_leave_session(struct process *process);
struct process_group *process_group_find(int pgid);
bool thread_count_charge(void);
void thread_count_charge_anyway(void);		/* also beyond the limit */
void thread_count_uncharge(void);
uint32_t process_uid(struct process *process);	/* real */
uint64_t process_limit_of(struct process *process, unsigned resource);
/* Swaps the program file; takes over the caller's reference and "executing" mark of @vnode (may be NULL). May sleep. */
void process_set_executable(struct process *process, struct vnode *vnode);
int executable_mark(struct vnode *vnode);	/* 0 with a reference taken, or -ETXTBSY */
void executable_release(struct vnode *vnode);
/* Writes user_ns and system_ns of all threads; process->signal_lock held. */
void process_times_locked(struct process *process, uint64_t *user_ns, uint64_t *system_ns);

/* user_account.c: processes and threads of a user, for RLIMIT_NPROC. Any context. */
struct user_account *user_account_get(uint32_t uid);	/* referenced; NULL when out of memory */
void user_account_ref(struct user_account *account);
/* @process gets one more thread. False if that would pass @limit. */
bool process_charge(struct process *process, uint64_t limit);
void process_uncharge(struct process *process);
/*
 * @process has one more real-time signal waiting, or timer, which counts against RLIMIT_SIGPENDING of its user: false if that would pass @limit; or
 * @count fewer. process->signal_lock held.
 */
bool process_charge_signal(struct process *process, uint64_t limit);
void process_uncharge_signals(struct process *process, unsigned count);
/* The real uid changed: moves what @process is charged. Takes over the reference of @account. */
void process_set_account(struct process *process, struct user_account *account);

/* credentials.c */
extern struct credentials root_credentials;
struct credentials *credentials_copy(const struct credentials *from);	/* one reference; NULL when out of memory */
/*
 * Publishes @fresh (the reference goes over) for the calling process; the other threads follow. 0; -ERESTARTNOINTR when the process's are not @expected
 * any more, from which @fresh was made: another thread has just changed them. NULL: whatever they are.
 */
int credentials_commit(struct credentials *fresh, const struct credentials *expected);
void credentials_refresh(struct thread *thread);

/* exit.c */
/* Begins the end of all threads with @status; process->signal_lock held. */
void process_begin_exit(struct process *process, int status);
/* Makes every other thread end and waits for it (exec). 0, or -EINTR when the caller is to die itself. */
int process_kill_other_threads(void);
/* What the program asked to be done to its memory when a thread leaves it: robust futexes, the tid word. May sleep. */
void thread_release_user_memory(struct thread *thread);
/* Wakes the parent that waits in vfork for the calling thread. */
void vfork_release(struct thread *thread);

/* wait.c */
/* Takes a zombie out of the tables; process_tree_lock held. The caller then drops the table's reference with process_put. */
void process_unlink(struct process *process);

/* itimer.c */
struct interval_timers *itimers_of(struct process *process);	/* NULL when out of memory */
void itimers_stop(struct process *process);	/* none will expire unless set again. Thread context */
void itimers_destroy(struct process *process);	/* with the structure */
int itimer_set_limit(struct process *process, unsigned resource);	/* RLIMIT_CPU or RLIMIT_RTTIME was set or inherited. 0 or -ENOMEM */

/* futex_robust.c */
void robust_list_exit(struct thread *thread);

/* sched_calls.c: @child, of a thread with SCHED_RESET_ON_FORK, gets an ordinary policy. It does not run yet. */
void sched_reset_child(struct thread *child);

/* fork.c */
void thread_state_init(struct thread_state *state);
