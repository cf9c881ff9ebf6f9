/* SPDX-License-Identifier: MIT */
/*
 * Threads: what the scheduler runs. A user thread belongs to a process (process/process.h); a kernel thread to none.
 * Lifetime: reference counted; the scheduler holds one reference until the thread has left its CPU for the last time.
 */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "lib/atomic.h"
#include "sched/timer.h"
#include "sync/spinlock.h"
#include "process/thread_state.h"

struct endpoint;
struct process;

extern struct endpoint no_endpoint;	/* ipc/endpoint.c */

/* The five classes, best first. Priorities inside a class are levels of the run queue's bitmap. */
enum sched_class { CLASS_REALTIME, CLASS_HIGH, CLASS_NORMAL, CLASS_LOW, CLASS_IDLE, CLASS_COUNT };

/* Why others lend a thread their level: it holds locks, or answers calls, that they wait for. */
enum lend_source { LENT_BY_LOCKS, LENT_BY_CALLS, LEND_SOURCES };

enum thread_run_state {
	THREAD_NEW,
	THREAD_READY,		/* on a run queue */
	THREAD_RUNNING,
	THREAD_SLEEPING,	/* in wait_block; signals per @wait_mode wake it */
	THREAD_MOVING,		/* ready, but between two CPUs' run queues: only who moves it touches it */
	THREAD_DEAD,
};

enum { THREAD_NAME_LEN = 16, KERNEL_STACK_SIZE = 16384 };

struct thread {
	struct thread_state user;	/* offset 0; owned by process/: signals, futex, exit (process/thread_state.h) */

	/* Scheduler; guarded by the lock of cpus[cpu]->run_queue (sched/run_queue.h) unless noted. */
	uint64_t switch_rsp;		/* saved kernel stack pointer while not running */
	void *stack_base;		/* lowest address of the kernel stack; a guard page lies below */
	struct list run_link;
	uint32_t wait_mode;		/* enum wait_mode while sleeping */
	uint32_t run_state;		/* enum thread_run_state; @cpu follows: both are compared at once (message_path.inc) */
	unsigned cpu;			/* where it runs, waits or ran last; changes under the lock of the CPU it leaves */
	uint8_t sched_class;
	uint8_t priority;		/* level in the bitmap, 0 is best */
	uint8_t best_priority;		/* the level it rises to at most */
	uint8_t lent;			/* level that threads which wait for it lend it: the best of @lent_by; LEVEL_COUNT: none */
	uint8_t lent_by[LEND_SOURCES];	/* sched_lend */
	uint8_t own_level;		/* what @priority goes back to when nothing is lent any more */
	int8_t nice;
	uint8_t policy;			/* SCHED_OTHER, SCHED_FIFO … */
	bool reset_on_fork;		/* its children begin with an ordinary policy */
	uint8_t rt_priority;		/* 1 to 99 for SCHED_FIFO and SCHED_RR */
	unsigned fpu_cpu;		/* whose registers still hold its FPU state, if that CPU's fpu_owner says so too; while not running */
	uint64_t affinity;		/* one bit a CPU; at least one of them runs */
	uint64_t moved_at;		/* TSC: when it last changed its CPU */
	uint64_t quantum_left;		/* TSC cycles */
	int64_t rise_after;		/* TSC cycles that it has to sleep before it rises; 0 in the idle class (sched/priority.c) */
	struct { uint64_t run, at, voluntary, involuntary; } quantum_mark;	/* @run_cycles, TSC and switches when its last quantum ended */
	uint64_t turn_left;		/* real-time: TSC cycles before others of its level go first; SCHED_FIFO: 0 when it yields */
	uint64_t run_cycles;		/* TSC cycles of CPU time so far */
	uint64_t run_stamp;		/* TSC when it got the CPU or was last accounted */
	struct time_split times;	/* of run_cycles */
	bool wait_timed_out;		/* set by sleep_timer */
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t minor_faults;		/* own thread */
	struct timer sleep_timer;	/* wait_block's deadline */
	char name[THREAD_NAME_LEN];	/* /proc/PID/comm */

	struct refcount refs;
	void *fpu_area;			/* NULL for kernel threads */
	uint64_t fs_base, gs_base;	/* the user's; live in the MSRs while running */

	/* User threads. */
	struct endpoint *endpoint;	/* its message buffer and what it does with ports; &no_endpoint until it asks for one. Own thread only */
	struct process *process;	/* NULL for kernel threads; set once */
	struct list process_link;	/* process->threads; guarded by process->signal_lock */
	struct list *unread;		/* messages of ports that have ended, while it frees them (ipc/port.c); own thread only */
	int tid;
	uint32_t kernel_fault_depth;	/* > 0 while in a user copy; own thread only */

	/* The debug build's lock checks; own thread only. */
	struct held_locks held[KERNEL_CHECKS];
};

/* Makes a kernel thread that will run fn(arg) and die when it returns; thread_start() lets it go. NULL when out of memory. */
struct thread *thread_create_kernel(const char *name, void (*fn)(void *arg), void *arg, enum sched_class sched_class);

/*
 * Makes a thread of @process that will enter user mode with @frame's registers. Copies the FPU state, fs_base, gs_base and scheduling
 * parameters of the calling thread. Does not link it into the process. NULL when out of memory.
 */
struct thread *thread_create_user(struct process *process, const struct trap_frame *frame);

void thread_start(struct thread *thread);
void thread_get(struct thread *thread);
void thread_put(struct thread *thread);
void thread_set_name(struct thread *thread, const char *name);

/* Ends the calling thread. The process's affairs must be in order (process_thread_exit does that). */
__attribute__((noreturn)) void thread_exit(void);

/* Makes a sleeping thread run if its sleep lets a signal through (WAIT_KILLABLE only when @kill). Any context. */
void thread_interrupt(struct thread *thread, bool kill);

/* Gives up the CPU, staying runnable. */
void sched_yield(void);

/* Sleeps until @deadline (monotonic ns). Returns 0, or -ERESTARTSYS on a signal when @interruptible. */
int sched_sleep_until(uint64_t deadline, bool interruptible);

/* Recomputes class and level from policy, nice and rt_priority after they changed (sched_setscheduler, setpriority). */
void sched_update_priority(struct thread *thread);

/* The calling thread is about to enter user mode with THREAD_WORK_LEVEL set: its class counts again. Interrupts on. */
void sched_leave_kernel(struct thread *thread);

/*
 * How many microseconds of each period real-time threads may have on each CPU; -1: all. Callers set one at a time. -EINVAL if the period is not positive,
 * or shorter than the budget.
 */
void sched_realtime_limits(int64_t *budget, int64_t *period);
int sched_set_realtime_limits(int64_t budget, int64_t period);

/*
 * Lets @thread run on the CPUs in @mask only, from now on: when the call returns it does not run elsewhere, unless it is in the kernel there with
 * preemption off. -EINVAL if none of them is online. May sleep.
 */
int sched_set_affinity(struct thread *thread, uint64_t mask);

/*
 * @thread runs at @level of the run queue while that is better than its own: what those lend it who wait for it. Replaces what was lent
 * for the same reason before; LEVEL_COUNT: nothing. Any context; takes the run queue's lock.
 */
void sched_lend(struct thread *thread, enum lend_source source, unsigned level);

/* The level that is the thread's own, whatever is lent to it. */
static inline unsigned sched_own_level(const struct thread *thread)
{
	return thread->lent < thread->own_level ? thread->own_level : thread->priority;
}

/* CPU-time of a thread up to now, ns. Neither part ever falls, nor does their sum. */
void thread_times(struct thread *thread, uint64_t *user_ns, uint64_t *system_ns);
void thread_own_times(uint64_t *user_ns, uint64_t *system_ns);	/* of the calling one; interrupts are off */

/* How CPU @id has spent its time since boot; none of it falls. False where no CPU runs. */
struct sched_cpu_stats { uint64_t user_ns, system_ns, idle_ns; };
bool sched_get_cpu_stats(unsigned id, struct sched_cpu_stats *stats);

/* Load, and totals of all CPUs, for /proc/stat and /proc/loadavg. */
struct sched_stats {
	uint64_t user_ns, system_ns, idle_ns, switches, interrupts, forks;
	unsigned runnable, threads;
	uint64_t load[3];	/* 1, 5, 15 minutes, fixed point with 11 fraction bits */
};
void sched_get_stats(struct sched_stats *stats);
