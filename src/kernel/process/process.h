/* SPDX-License-Identifier: MIT */
/*
 * Processes: what threads share. All three spinlocks are taken with interrupts off (terminals send signals from interrupts). Order:
 * process_tree_lock → process->signal_lock → signal_handlers->lock; process->lock is innermost and nests in any of them.
 *
 *	process_tree_lock	parents, children, groups, sessions, the pid table, zombies
 *	process->signal_lock	threads, signals, job control, the beginning of the end
 *	process->lock		limits, executable, credentials, and the pointers as, files, fs
 *
 * Lifetime: a process is referenced by the pid table until its parent has reaped it, by each of its struct threads, and by whoever
 * looked it up. Memory, descriptors and directories go when the last thread exits, long before the structure does.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "sched/thread.h"
#include "sync/wait.h"
#include "sync/mutex.h"
#include "process/credentials.h"
#include "process/signal.h"

struct address_space;
struct fd_table;
struct fs_context;
struct tty;
struct vnode;
struct user_account;
struct interval_timers;
struct port_names;
struct posix_timers;
struct core_dump;

enum { RLIMIT_COUNT = 16, PID_MAX = 32768 };

struct resource_limit { uint64_t soft, hard; };

struct session {
	struct refcount refs;		/* processes in it, and its terminal */
	int sid;
	unsigned members;		/* processes; process_tree_lock */
	struct tty *tty;		/* controlling terminal; guarded by process_tree_lock; the tty holds its own view, see tty/tty.h */
	uint8_t terminals;		/* how many it has had, the last one being this number; process_tree_lock */
	int hung_up_pgid;		/* foreground group of a terminal that was hung up: told when the leader exits; process_tree_lock */
};

/* A fork under way: what came meanwhile for the whole group, and so for the child, too, which begins with it. */
struct fork_signals {
	struct fork_signals *next;	/* of the same process; process_tree_lock, as the next */
	signal_set came;
};

/* Lives while it has members. */
struct process_group {
	int pgid;
	struct list members;		/* struct process.group_link; process_tree_lock */
	struct session *session;	/* borrowed from the members; process_tree_lock */
};

struct process {
	struct refcount refs;
	int pid;			/* thread group id */
	struct process *parent;		/* process_tree_lock */
	int parent_pid;			/* its pid, 0 without; atomic; written under process_tree_lock */
	struct list children, sibling;	/* process_tree_lock */
	int pgid;			/* process_tree_lock */
	uint32_t exec_count;		/* of successes; atomic; written under process_tree_lock */
	struct process_group *group;	/* process_tree_lock */
	struct list group_link;		/* process_tree_lock */
	struct session *session;	/* process_tree_lock; referenced */
	bool child_subreaper;		/* takes the orphans among its descendants (prctl); process_tree_lock */
	bool traced_by_parent;		/* at its end: waited for like one whose end SIGCHLD tells; process_tree_lock */
	bool zombie;			/* process_tree_lock: all threads gone, waits to be reaped */
	struct fork_signals *forks;	/* those under way; process_tree_lock */
	uint8_t terminal;		/* which of its session's terminals controls it (session->terminals); 0: none; process_tree_lock */
	uint64_t children_user_ns, children_system_ns;	/* of reaped children; process_tree_lock */
	uint64_t children_minor_faults;	/* process_tree_lock */
	size_t children_max_resident;	/* pages: of the largest; process_tree_lock */
	uint64_t children_switches[2];	/* voluntary, involuntary; process_tree_lock */
	struct wait_queue child_events;	/* wait4 of this process sleeps here */
	struct wait_queue exited;	/* woken when it becomes a zombie (pidfd) and when a thread's vfork_pending ends */

	struct spinlock signal_lock;
	struct list threads;		/* struct thread.process_link; signal_lock */
	unsigned thread_count;		/* signal_lock */
	struct thread *leader;		/* the first thread or, once that has exited, another; NULL at the end. signal_lock */
	struct thread *exec_thread;	/* kills the others to exec; signal_lock */
	bool exiting;			/* exit_group or a fatal signal has begun; signal_lock */
	int exit_status;		/* as wait4 reports it; signal_lock */
#ifdef CORE_FILES
	struct core_dump *core;		/* it is exiting, and one of its threads writes this before; signal_lock */
#endif
	unsigned running_in_stop;	/* threads that a stop in progress still waits for; signal_lock */
	bool stopping, stopped;		/* job control: begun, all threads have stopped; signal_lock */
	bool stop_unreported, continue_unreported;	/* for wait4; signal_lock */
	bool notify_continued;		/* the first thread to run tells the parent; signal_lock */
	int stop_signal;		/* signal_lock */
	unsigned queued_signals;	/* signal_lock */
	unsigned charged_signals;	/* of them real-time ones, and timers, which its user's account counts; signal_lock */
	struct signal_queue queue;	/* signals for any thread; signal_lock */
	struct wait_queue stop_queue;	/* stopped threads sleep here */
	struct wait_queue thread_gone;	/* exec waits here for the other threads */
	uint64_t dead_user_ns, dead_system_ns;		/* of exited threads; signal_lock */
	uint64_t dead_switches[2], dead_minor_faults;	/* signal_lock */

	struct address_space *as;	/* replaced by exec, NULL at the end; lock. Others: process_get_address_space() */
	struct fd_table *files;		/* lock. Others: process_get_files() */
	struct fs_context *fs;		/* lock. Others: process_get_fs() */
	struct signal_handlers *handlers;	/* shared by CLONE_SIGHAND; replaced by exec under signal_lock */
	bool fs_shared;			/* CLONE_FS with another process happened; the references alone can be of who looks at it */
	bool files_shared;		/* CLONE_FILES with another process ever happened: exec makes a copy */
	bool serves_files;		/* has served a file system from a disk: when memory is out others go first; a hint */

	struct spinlock lock;
	const struct credentials *credentials;	/* replaced as a whole; lock. Own: credentials_current(), others: credentials_of() */
	struct resource_limit limits[RLIMIT_COUNT];	/* lock */
	struct vnode *executable;	/* for /proc/PID/exe; lock. Others: process_get_executable() */
	char name[THREAD_NAME_LEN];	/* lock */
	struct user_account *account;	/* of its real uid; changes under lock and signal_lock */
	unsigned charged;		/* threads it counts for there; lock */
	int exit_signal;		/* to the parent at the end; SIGCHLD by default; process_tree_lock */
	int death_signal;		/* prctl PR_SET_PDEATHSIG */
	union {
		struct {
			bool no_new_privs, dumpable, no_huge_pages;	/* prctl PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE, PR_SET_THP_DISABLE */
			int16_t oom_score_adj;		/* when memory is out: thousandths of all that count as its own (oom.c); lock, as the next */
			int16_t oom_score_adj_least;	/* to which it can be lowered by who may not administer */
		};
		uint64_t inherited;	/* all of that, for fork */
	};
#ifdef CORE_FILES
	uint16_t core_filter;		/* what core files have (process/core_dump.h), as it differs from what is usual */
#endif
	uint64_t start_ns;		/* monotonic */
	size_t max_resident;		/* pages: the most that the address spaces had which it has left; lock */
	struct port_names *port_names;	/* which ports it may open and make by name, NULL: all; lock */
	size_t message_bytes;		/* of messages it has sent and nobody has received yet; written under lock */
	struct wait_queue message_room;	/* waits until that is less */
	struct posix_timers *posix_timers;	/* timer_create: NULL until used; owned by process/posix_timer.c */
#ifdef PTRACE
	bool fixed_layout;		/* programs lie at the same place each time (layout.h) */
	struct list tracees;		/* struct traced.link of the threads it traces; process_tree_lock */
	struct thread *traced_leader;	/* its first thread, which has ended before others and has a tracer to be told; process_tree_lock */
#endif
	struct interval_timers *timers;	/* alarm, setitimer: NULL until used; owned by process/itimer.c */
};

/* Always with spin_lock_irq(). */
extern struct spinlock process_tree_lock;

SHARED_INLINE struct process *current_process(void)
{
	return current_thread()->process;
}

/*
 * Makes process 1 from @path with arguments @argv, standard descriptors on /dev/console, and starts it. Panics with a clear message
 * when it cannot.
 */
void process_start_init(const char *path, char *const argv[]);

struct process *process_find(int pid);		/* referenced, or NULL; zombies are found too */
void process_get(struct process *process);
void process_put(struct process *process);	/* any context */
/* What a process has right now, referenced; NULL when it is past that (zombies). Not from interrupts. */
struct address_space *process_get_address_space(struct process *process);
/* Still this one (NULL: none)? Then what was asked about the process meanwhile is about the program that has it, whatever it becomes next. */
bool process_has_address_space(struct process *process, const struct address_space *as);
struct fd_table *process_get_files(struct process *process);
struct fs_context *process_get_fs(struct process *process);
/* For the calling process, if it has one thread: its own copy of the descriptor table (-EINVAL, -ENOMEM); @own, whose reference it takes over. May sleep. */
int process_unshare_files(struct process *process);
void process_set_fs(struct process *process, struct fs_context *own);
int process_unshare_fs(struct process *process, bool mounts);	/* a context of its own, with a copy of the mounts if @mounts; 0 or a negative errno */
bool process_shares_fs(const struct process *process);	/* with another process */
struct vnode *process_get_executable(struct process *process);
struct thread *process_get_leader(struct process *process);
/* CPU time of all its threads, dead ones included. */
void process_times(struct process *process, uint64_t *user_ns, uint64_t *system_ns);
/* The most pages it has had in memory at once, those of programs before exec included. */
size_t process_max_resident(struct process *process);
unsigned process_count(void);			/* in the pid table, zombies included */
unsigned process_limit_threads(void);		/* threads the machine may have */
int process_last_pid(void);			/* the pid given out last: for /proc/loadavg */
/* The process with the lowest pid > @pid, referenced; NULL at the end: for procfs. */
struct process *process_next(int pid);
struct thread *thread_find(int tid);		/* referenced user thread, or NULL */
struct thread *process_next_thread(struct process *process, int after_tid);	/* referenced; for /proc/PID/task */

/* Ends the whole process with a wait status (code << 8, or a signal number, | 0x80 for a core). Does not return. */
__attribute__((noreturn)) void process_exit(int status);
/* Ends the calling thread; the last one ends the process. */
__attribute__((noreturn)) void process_thread_exit(int code);

char process_state_letter(struct process *process);	/* R S D T t Z, for procfs */

/* Is process group @pgid orphaned (tty job control)? process_tree_lock held. */
bool process_group_orphaned(int pgid);
int process_group_check(int pgid);	/* may it be the foreground group of the caller's session? 0, -ESRCH or -EPERM; process_tree_lock held */
uint64_t process_limit(unsigned resource);	/* soft limit of the caller */

void session_get(struct session *session);
void session_put(struct session *session);

/* Before anything else of process/ is used; makes the tables. */
void process_init(void);

/*
 * What a user holds beyond processes: pages of pipes, watches of epoll, ports, message queues and System V IPC, which belong to no address space.
 * user_account_current() is the record of the caller's real uid with a reference, NULL in kernel threads and when memory is out; NULL is charged nothing.
 * Any context.
 */
struct user_account *user_account_current(void);
void user_account_put(struct user_account *account);
/* Counts @pages more (@change > 0) unless the sum would pass @limit, or fewer. */
bool user_account_charge_pipes(struct user_account *account, long change, uint64_t limit);
bool user_account_charge_watches(struct user_account *account, long change, uint64_t limit);
bool user_account_charge_ports(struct user_account *account, long change, uint64_t limit);
/* Bytes of POSIX message queues; the kernel's for System V IPC; of System V shared memory. */
bool user_account_charge_queues(struct user_account *account, long change, uint64_t limit);
bool user_account_charge_sysv(struct user_account *account, long change, uint64_t limit);
bool user_account_charge_segments(struct user_account *account, long change, uint64_t limit);
/* What users hold of what the build can leave out (../README.md, "Switches"). */
enum user_account_optional {
#ifdef UNIX_SOCKETS
	ACCOUNT_SOCKET_BYTES,
	ACCOUNT_SOCKET_DESCRIPTORS,	/* on their way by sockets */
#endif
#ifdef INOTIFY
	ACCOUNT_INOTIFY,		/* of enum inotify_limit's kinds (vfs/inotify_inside.h) */
	ACCOUNT_INOTIFY_LAST = ACCOUNT_INOTIFY + 2,
#endif
	ACCOUNT_OPTIONAL
};
bool user_account_charge_optional(struct user_account *account, unsigned what, long change, uint64_t limit);

/*
 * @process has @bytes more in queues of ports, or less. Its user pays, too, also for the record of the process, which stays until the last is received.
 * False with nothing charged if the process would have more than @own_limit, or its user more than @user_limit. Any context.
 */
bool process_charge_messages(struct process *process, size_t bytes, size_t own_limit, uint64_t user_limit);
void process_uncharge_messages(struct process *process, size_t bytes);

/* How much @process has for oom.c, in thousandths of all memory; 0: nothing, or it is not to go. */
unsigned process_oom_score(struct process *process);
/* 0, or -EACCES: lower than the caller may. */
int process_set_oom_score_adj(struct process *process, int value);

/*
 * Memory is out and nothing can be freed: ends a process for it. True: the caller may try again, because another process, or an earlier choice, is
 * on its way out (sleeps a little). False: it is the caller that was killed. Thread context, no locks.
 */
bool process_end_for_memory(void);
/*
 * The same for what fails without memory rather than end its process: frees clean pages, or ends another process, never the caller. False: there is
 * nothing more to try. *@tries is 0 before the first call. Sleeps; thread context, no locks.
 */
bool process_make_room(unsigned *tries);
