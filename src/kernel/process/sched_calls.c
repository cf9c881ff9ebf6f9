/* SPDX-License-Identifier: MIT */
/* Scheduling: nice values, policies, affinity. Policies and nice values map onto the scheduler's five classes here. */
#include <linux/ioprio.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "arch/x86_64/smp.h"
#include "ipc/ipc.h"
#include "lib/atomic.h"
#include "mm/user_copy.h"
#include "process/futex.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

enum {
	NICE_MIN = -20, NICE_MAX = 19,
	NICE_HIGH_BELOW = -10, NICE_LOW_ABOVE = 10,	/* beyond these a thread leaves the normal class */
	RT_PRIORITY_MAX = 99, QUANTUM_NS = 10000000,
};

long sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

/* The thread with number @tid, the caller for 0, referenced; or NULL. */
static struct thread *find_thread(int tid)
{
	if (tid)
		return tid > 0 ? thread_find(tid) : NULL;
	thread_get(current_thread());
	return current_thread();
}

static bool may_change(struct thread *thread)
{
	const struct credentials *self = credentials_current(), *other;
	bool ok;

	if (thread->process == current_process() || capabilities_may_administer())
		return true;
	other = credentials_of(thread->process);
	ok = (self->euid == other->uid || self->euid == other->euid) && capabilities_cover(other);
	credentials_put(other);
	return ok;
}

static enum sched_class class_for(int policy, int nice)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return CLASS_REALTIME;
	if (policy == SCHED_IDLE)
		return CLASS_IDLE;
	if (policy == SCHED_BATCH || nice > NICE_LOW_ABOVE)
		return CLASS_LOW;
	return nice < NICE_HIGH_BELOW ? CLASS_HIGH : CLASS_NORMAL;
}

/*
 * Changes of policy, priority and nice value, one at a time: a decision whether a change is allowed depends on what they were. Interrupts off; outside
 * the run queue's lock, under which the scheduler takes them over.
 */
static struct spinlock change_lock = SPINLOCK_INIT(LOCK_SCHED_CHANGE);

/* change_lock held. */
static void apply(struct thread *thread, int policy, int rt_priority, int nice)
{
	thread->policy = policy;
	thread->rt_priority = rt_priority;
	thread->nice = nice;
	thread->sched_class = class_for(policy, nice);
	sched_update_priority(thread);
	futex_pi_priority_changed(thread);
	ipc_level_changed(thread);
}

/* Has @thread's process room for @nice in RLIMIT_NICE, whose value is 20 - nice? */
static bool nice_allowed(struct thread *thread, int nice)
{
	return (uint64_t)(20 - nice) <= process_limit_of(thread->process, RLIMIT_NICE);
}

/* Lower values than now need root, or room in RLIMIT_NICE. */
static int set_nice(struct thread *thread, int nice)
{
	uint64_t flags;
	int error = 0;

	if (!may_change(thread))
		return -EPERM;
	flags = spin_lock_irq(&change_lock);
	if (nice < thread->nice && !nice_allowed(thread, nice) && !capabilities_may_administer())
		error = -EACCES;
	else
		apply(thread, thread->policy, thread->rt_priority, nice);
	spin_unlock_irq(&change_lock, flags);
	return error;
}

/* Calls @visit for each thread that getpriority's (which, who) names. -ESRCH if none, -EINVAL. */
static int for_each_named(int which, int who, void (*visit)(struct thread *thread, void *context), void *context)
{
	struct process *process = NULL;
	struct thread *thread;
	uint32_t uid = who ? (uint32_t)who : credentials_current()->uid;
	int pgid = who ? who : current_process()->pgid, found = -ESRCH, pid = 0;

	if (which == PRIO_PROCESS) {
		thread = find_thread(who);
		if (!thread)
			return -ESRCH;
		visit(thread, context);
		thread_put(thread);
		return 0;
	}
	if (which != PRIO_PGRP && which != PRIO_USER)
		return -EINVAL;
	while ((process = process_next(pid))) {
		pid = process->pid;
		if (which == PRIO_PGRP ? process->pgid == pgid : process_uid(process) == uid)
			for (int tid = 0; (thread = process_next_thread(process, tid)); tid = thread->tid, thread_put(thread)) {
				visit(thread, context);
				found = 0;
			}
		process_put(process);
	}
	return found;
}

struct nice_change { int nice, error; };

static void change_nice(struct thread *thread, void *context)
{
	struct nice_change *change = context;
	int error = set_nice(thread, change->nice);

	if (error)
		change->error = error;
}

long sys_setpriority(int which, int who, int nice)
{
	struct nice_change change = { MIN(MAX(nice, (int)NICE_MIN), (int)NICE_MAX), 0 };
	int error = for_each_named(which, who, change_nice, &change);

	return error ? error : change.error;
}

static void best_nice(struct thread *thread, void *context)
{
	int *best = context;

	*best = MAX(*best, 20 - thread->nice);
}

/* Returns 20 - nice, 1 to 40, so that errors stay distinguishable; the C library turns it back. */
long sys_getpriority(int which, int who)
{
	int best = 0, error = for_each_named(which, who, best_nice, &best);

	return error ? error : best;
}

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool valid_policy(int policy)
{
	return is_realtime(policy) || policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

/* What sched_setscheduler and its like ask for. */
struct sched_change {
	int policy;		/* KEEP: as it is, with its reset_on_fork */
	int rt_priority;
	int nice;
	bool keep_nice, keep_parameters;
	bool reset_on_fork;
};
enum { KEEP = -1 };

/* What a user may not do to his own threads without rights or limits that allow it. */
static bool needs_privilege(struct thread *thread, const struct sched_change *change)
{
	uint64_t limit = process_limit_of(thread->process, RLIMIT_RTPRIO);

	if (is_realtime(change->policy) &&
	    ((change->policy != thread->policy && !limit) ||
	     (change->rt_priority > thread->rt_priority && (uint64_t)change->rt_priority > limit)))
		return true;
	if ((change->policy == SCHED_NORMAL || change->policy == SCHED_BATCH) && change->nice < thread->nice && !nice_allowed(thread, change->nice))
		return true;
	/* SCHED_IDLE is a nice value below all others. */
	if (thread->policy == SCHED_IDLE && change->policy != SCHED_IDLE && !nice_allowed(thread, thread->nice))
		return true;
	return thread->reset_on_fork && !change->reset_on_fork;
}

/* change_lock held. */
static int change_locked(struct thread *thread, struct sched_change *change, bool owner)
{
	if (change->policy == KEEP) {
		change->policy = thread->policy;
		change->reset_on_fork = thread->reset_on_fork;
	}
	if (change->keep_nice || change->keep_parameters || (change->policy != SCHED_NORMAL && change->policy != SCHED_BATCH))
		change->nice = thread->nice;
	if (change->keep_parameters)
		change->rt_priority = thread->rt_priority;
	if (!valid_policy(change->policy) || change->rt_priority < 0 || change->rt_priority > RT_PRIORITY_MAX ||
	    is_realtime(change->policy) != (change->rt_priority != 0))
		return -EINVAL;
	if ((!owner || needs_privilege(thread, change)) && !capabilities_may_administer())
		return -EPERM;
	thread->reset_on_fork = change->reset_on_fork;
	if (!change->keep_parameters)	/* the policy is one of them */
		apply(thread, change->policy, change->rt_priority, change->nice);
	return 0;
}

static int change_thread(int tid, struct sched_change *change)
{
	struct thread *thread = find_thread(tid);
	uint64_t flags;
	bool owner;
	int error;

	if (!thread)
		return -ESRCH;
	owner = may_change(thread);
	flags = spin_lock_irq(&change_lock);
	error = change_locked(thread, change, owner);
	spin_unlock_irq(&change_lock, flags);
	thread_put(thread);
	return error;
}

void sched_reset_child(struct thread *child)
{
	uint64_t flags = spin_lock_irq(&change_lock);
	bool was_realtime = is_realtime(child->policy);

	apply(child, was_realtime ? SCHED_NORMAL : child->policy, 0, was_realtime ? 0 : MAX(child->nice, 0));
	spin_unlock_irq(&change_lock, flags);
}

static int change_from_parameter(int pid, int policy, uaddr_t param)
{
	struct sched_change change = { .policy = policy, .keep_nice = true };
	uint32_t priority;

	if (pid < 0 || !param)
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	change.rt_priority = priority;
	if (policy != KEEP) {
		change.reset_on_fork = policy & SCHED_RESET_ON_FORK;
		change.policy &= ~SCHED_RESET_ON_FORK;
	}
	return change_thread(pid, &change);
}

long sys_sched_setscheduler(int pid, int policy, uaddr_t param)
{
	return policy < 0 ? -EINVAL : change_from_parameter(pid, policy, param);
}

long sys_sched_setparam(int pid, uaddr_t param)
{
	return change_from_parameter(pid, KEEP, param);
}

/* What is asked about a thread; a copy, so that no reference is held. -EINVAL, -ESRCH. */
struct sched_state { int policy, rt_priority, nice; bool reset_on_fork; };

static int state_of(int pid, struct sched_state *state)
{
	struct thread *thread = pid < 0 ? NULL : find_thread(pid);
	uint64_t flags;

	if (!thread)
		return pid < 0 ? -EINVAL : -ESRCH;
	flags = spin_lock_irq(&change_lock);
	*state = (struct sched_state){ thread->policy, thread->rt_priority, thread->nice, thread->reset_on_fork };
	spin_unlock_irq(&change_lock, flags);
	thread_put(thread);
	return 0;
}

long sys_sched_getscheduler(int pid)
{
	struct sched_state state;
	int error = state_of(pid, &state);

	return error ? error : state.policy | (state.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_getparam(int pid, uaddr_t param)
{
	struct sched_state state;
	int error = param ? state_of(pid, &state) : -EINVAL;

	return error ? error : put_user_u32(param, state.rt_priority);
}

/* Copies a structure that may have grown since: what is beyond ours must be zero. */
static int attributes_from_user(struct sched_attr *attr, uaddr_t from)
{
	uint32_t size;
	uint8_t extra;

	*attr = (struct sched_attr){ 0 };
	if (get_user_u32(&size, from))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(attr, from, MIN(size, (uint32_t)sizeof(*attr))))
		return -EFAULT;
	for (uint32_t i = sizeof(*attr); i < size; i++) {
		if (copy_from_user(&extra, from + i, 1))
			return -EFAULT;
		if (extra)
			return -E2BIG;
	}
	if ((attr->sched_flags & SCHED_FLAG_UTIL_CLAMP) && size < SCHED_ATTR_SIZE_VER1)
		return -EINVAL;
	return 0;
}

long sys_sched_setattr(int pid, uaddr_t attr_addr, unsigned flags)
{
	struct sched_change change;
	struct sched_attr attr;
	int error;

	if (!attr_addr || pid < 0 || flags)
		return -EINVAL;
	error = attributes_from_user(&attr, attr_addr);
	if (error == -E2BIG)
		(void)put_user_u32(attr_addr, sizeof(attr));	/* so that the caller knows what would do */
	if (error)
		return error;
	if ((int)attr.sched_policy < 0 || (attr.sched_flags & ~(uint64_t)SCHED_FLAG_ALL) || attr.sched_priority > RT_PRIORITY_MAX)
		return -EINVAL;
	if (attr.sched_flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	change = (struct sched_change){
		.policy = attr.sched_flags & SCHED_FLAG_KEEP_POLICY ? KEEP : (int)attr.sched_policy,
		.rt_priority = attr.sched_priority,
		.nice = MIN(MAX(attr.sched_nice, (int)NICE_MIN), (int)NICE_MAX),
		.keep_parameters = attr.sched_flags & SCHED_FLAG_KEEP_PARAMS,
		.reset_on_fork = attr.sched_flags & SCHED_FLAG_RESET_ON_FORK,
	};
	return change_thread(pid, &change);
}

long sys_sched_getattr(int pid, uaddr_t out, unsigned size, unsigned flags)
{
	struct sched_attr attr = { .size = MIN(size, (unsigned)sizeof(attr)) };
	struct sched_state state;
	int error;

	if (!out || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	error = state_of(pid, &state);
	if (error)
		return error;
	attr.sched_policy = state.policy;
	attr.sched_flags = state.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	attr.sched_priority = state.rt_priority;
	attr.sched_nice = is_realtime(state.policy) ? 0 : state.nice;
	return copy_to_user(out, &attr, attr.size);
}

long sys_sched_get_priority_max(int policy)
{
	return !valid_policy(policy) ? -EINVAL : is_realtime(policy) ? RT_PRIORITY_MAX : 0;
}

long sys_sched_get_priority_min(int policy)
{
	return !valid_policy(policy) ? -EINVAL : is_realtime(policy) ? 1 : 0;
}

long sys_sched_rr_get_interval(int pid, uaddr_t out)
{
	struct sched_state state;
	int error = state_of(pid, &state);

	return error ? error : timespec_to_user(out, state.policy == SCHED_FIFO ? 0 : QUANTUM_NS);
}

long sys_sched_setaffinity(int pid, unsigned size, uaddr_t mask_addr)
{
	struct thread *thread;
	uint64_t mask = 0;
	int error;

	if (copy_from_user(&mask, mask_addr, MIN(size, (unsigned)sizeof(mask))))
		return -EFAULT;
	thread = pid < 0 ? NULL : find_thread(pid);
	if (!thread)
		return -ESRCH;
	smp_await(mask);	/* a CPU that boot has not started yet counts as much as the others */
	error = may_change(thread) ? sched_set_affinity(thread, mask) : -EPERM;
	thread_put(thread);
	return error;
}

/* Returns the bytes of the kernel's mask. */
long sys_sched_getaffinity(int pid, unsigned size, uaddr_t out)
{
	struct thread *thread;
	uint64_t mask;

	if (size < sizeof(mask) || size % sizeof(mask))
		return -EINVAL;
	thread = pid < 0 ? NULL : find_thread(pid);
	if (!thread)
		return -ESRCH;
	mask = thread->affinity & atomic_load_relaxed(&cpus_online);
	thread_put(thread);
	return put_user_u64(out, mask) ? -EFAULT : (long)sizeof(mask);
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t unused)
{
	if (cpu && put_user_u32(cpu, this_cpu()->id))
		return -EFAULT;
	return node ? put_user_u32(node, 0) : 0;
}

/* ---- Priorities of disk requests: no disk looks at them here, they are only kept. ---- */

/* setpriority's number of what is named; any int may be asked for. */
static int named_for_io(int which)
{
	return (unsigned)which - IOPRIO_WHO_PROCESS + PRIO_PROCESS;
}

static void set_io_priority(struct thread *thread, void *context)
{
	struct nice_change *change = context;

	if (may_change(thread))
		thread->user.kept.io_priority = change->nice;
	else
		change->error = -EPERM;
}

long sys_ioprio_set(int which, int who, int priority)
{
	unsigned class = IOPRIO_PRIO_CLASS(priority);
	struct nice_change change = { priority, 0 };
	int error;

	if (class == IOPRIO_CLASS_RT && !capabilities_may_administer())
		return -EPERM;
	/* Between class and level there are hints, which any class may have. */
	if (class > IOPRIO_CLASS_IDLE || (!class && priority & (IOPRIO_NR_LEVELS - 1)))
		return -EINVAL;
	error = for_each_named(named_for_io(which), who, set_io_priority, &change);
	return error ? error : change.error;
}

struct io_priority { int best; bool exact; };

/* A thread that has none has that of its nice value, unless asked for alone. */
static void best_io_priority(struct thread *thread, void *context)
{
	struct io_priority *asked = context;
	int priority = thread->user.kept.io_priority;

	if (!IOPRIO_PRIO_CLASS(priority) && !asked->exact)
		priority = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, (thread->nice - NICE_MIN) / 5);
	asked->best = MIN(asked->best, priority);
}

long sys_ioprio_get(int which, int who)
{
	struct io_priority asked = { INT32_MAX, which == IOPRIO_WHO_PROCESS };

	return for_each_named(named_for_io(which), who, best_io_priority, &asked) ?: asked.best;
}
