/* SPDX-License-Identifier: MIT */
/* Scheduling: nice values, policies, affinity. Policies and nice values map onto the scheduler's five classes here. */
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "lib/atomic.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/clock.h"
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

	if (credentials_is_root(self) || thread->process == current_process())
		return true;
	other = credentials_of(thread->process);
	ok = self->euid == other->uid || self->euid == other->euid;
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

static void apply(struct thread *thread, int policy, int rt_priority, int nice)
{
	thread->policy = policy;
	thread->rt_priority = rt_priority;
	thread->nice = nice;
	thread->sched_class = class_for(policy, nice);
	sched_update_priority(thread);
}

/* Lower values than now need root, or room in RLIMIT_NICE (whose value is 20 - nice). */
static int set_nice(struct thread *thread, int nice)
{
	if (!may_change(thread))
		return -EPERM;
	if (nice < thread->nice && !credentials_is_root(credentials_current()) &&
	    (uint64_t)(20 - nice) > process_limit_of(thread->process, RLIMIT_NICE))
		return -EACCES;
	apply(thread, thread->policy, thread->rt_priority, nice);
	return 0;
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

static int set_policy(int tid, int policy, int rt_priority)
{
	bool root = credentials_is_root(credentials_current());
	struct thread *thread;
	int error = 0;

	if (is_realtime(policy) ? rt_priority < 1 || rt_priority > RT_PRIORITY_MAX : rt_priority != 0)
		return -EINVAL;
	thread = find_thread(tid);
	if (!thread)
		return -ESRCH;
	if (!may_change(thread))
		error = -EPERM;
	else if (is_realtime(policy) && !root && (uint64_t)rt_priority > process_limit_of(thread->process, RLIMIT_RTPRIO))
		error = -EPERM;
	else
		apply(thread, policy, rt_priority, thread->nice);
	thread_put(thread);
	return error;
}

long sys_sched_setscheduler(int pid, int policy, uaddr_t param)
{
	uint32_t priority;

	policy &= ~SCHED_RESET_ON_FORK;
	if (pid < 0 || !param || !valid_policy(policy))
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	return set_policy(pid, policy, priority);
}

long sys_sched_setparam(int pid, uaddr_t param)
{
	struct thread *thread;
	uint32_t priority;
	int policy;

	if (pid < 0 || !param)
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	thread = find_thread(pid);
	if (!thread)
		return -ESRCH;
	policy = thread->policy;
	thread_put(thread);
	return set_policy(pid, policy, priority);
}

long sys_sched_getscheduler(int pid)
{
	struct thread *thread = pid < 0 ? NULL : find_thread(pid);
	int policy;

	if (!thread)
		return pid < 0 ? -EINVAL : -ESRCH;
	policy = thread->policy;
	thread_put(thread);
	return policy;
}

long sys_sched_getparam(int pid, uaddr_t param)
{
	struct thread *thread = pid < 0 || !param ? NULL : find_thread(pid);
	uint32_t priority;

	if (!thread)
		return pid < 0 || !param ? -EINVAL : -ESRCH;
	priority = thread->rt_priority;
	thread_put(thread);
	return put_user_u32(param, priority);
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
	struct thread *thread = pid < 0 ? NULL : find_thread(pid);
	int policy;

	if (!thread)
		return pid < 0 ? -EINVAL : -ESRCH;
	policy = thread->policy;
	thread_put(thread);
	return timespec_to_user(out, policy == SCHED_FIFO ? 0 : QUANTUM_NS);
}

long sys_sched_setaffinity(int pid, unsigned size, uaddr_t mask_addr)
{
	struct thread *thread;
	uint64_t mask = 0;
	int error = 0;

	if (copy_from_user(&mask, mask_addr, MIN(size, (unsigned)sizeof(mask))))
		return -EFAULT;
	thread = pid < 0 ? NULL : find_thread(pid);
	if (!thread)
		return -ESRCH;
	if (!may_change(thread))
		error = -EPERM;
	else
		error = sched_set_affinity(thread, mask);
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
	mask = thread->affinity & atomic_load(&cpus_online);
	thread_put(thread);
	return put_user_u64(out, mask) ? -EFAULT : (long)sizeof(mask);
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t unused)
{
	if (cpu && put_user_u32(cpu, this_cpu()->id))
		return -EFAULT;
	return node ? put_user_u32(node, 0) : 0;
}
