/* SPDX-License-Identifier: MIT */
/* The signal system calls: actions, masks, sending, synchronous taking, the alternate stack. */
#include "lib/same_layout.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/signal_calls.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

SAME_SIZE(struct signal_info, siginfo_t);
SAME_FIELD(struct signal_info, number, siginfo_t, si_signo);
SAME_FIELD(struct signal_info, error, siginfo_t, si_errno);
SAME_FIELD(struct signal_info, code, siginfo_t, si_code);
SAME_FIELD(struct signal_info, sender.pid, siginfo_t, si_pid);
SAME_FIELD(struct signal_info, sender.uid, siginfo_t, si_uid);
SAME_FIELD(struct signal_info, sender.value, siginfo_t, si_value);
SAME_FIELD(struct signal_info, child.pid, siginfo_t, _sifields._sigchld._pid);
SAME_FIELD(struct signal_info, child.uid, siginfo_t, _sifields._sigchld._uid);
SAME_FIELD(struct signal_info, child.status, siginfo_t, si_status);
SAME_FIELD(struct signal_info, child.utime, siginfo_t, si_utime);
SAME_FIELD(struct signal_info, child.stime, siginfo_t, si_stime);
SAME_FIELD(struct signal_info, fault.addr, siginfo_t, si_addr);
SAME_FIELD(struct signal_info, timer.timer_id, siginfo_t, si_tid);
SAME_FIELD(struct signal_info, timer.overrun, siginfo_t, si_overrun);
SAME_FIELD(struct signal_info, timer.value, siginfo_t, _sifields._timer._sigval);
SAME_SIZE(struct signal_action, struct sigaction);
SAME_FIELD(struct signal_action, handler, struct sigaction, sa_handler);
SAME_FIELD(struct signal_action, flags, struct sigaction, sa_flags);
SAME_FIELD(struct signal_action, restorer, struct sigaction, sa_restorer);
SAME_FIELD(struct signal_action, mask, struct sigaction, sa_mask);

#define KNOWN_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | (uint64_t)SA_RESETHAND)

static int mask_from_user(signal_set *mask, uaddr_t from, size_t size)
{
	if (size != sizeof(signal_set))
		return -EINVAL;
	return copy_from_user(mask, from, sizeof(*mask));
}

static bool valid_signal(int number)
{
	return number >= 1 && number <= SIGNAL_COUNT;
}

/* A signal whose new action is to ignore it no longer waits anywhere (POSIX). */
static void forget_ignored(struct process *process, int number)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	signal_set set = signal_bit(number);
	struct thread *thread;

	signal_flush(process, &process->queue, set);
	list_for_each(thread, &process->threads, process_link)
		signal_flush(process, &thread->user.queue, set);
	spin_unlock_irq(&process->signal_lock, flags);
}

long sys_rt_sigaction(int signal, uaddr_t act, uaddr_t old, size_t set_size)
{
	struct process *process = current_process();
	struct signal_handlers *handlers = process->handlers;
	struct signal_action fresh, before;
	uint64_t flags;

	if (set_size != sizeof(signal_set))
		return -EINVAL;
	if (act && copy_from_user(&fresh, act, sizeof(fresh)))
		return -EFAULT;
	if (!valid_signal(signal) || (act && (signal == SIGKILL || signal == SIGSTOP)))
		return -EINVAL;
	flags = spin_lock_irq(&handlers->lock);
	before = handlers->actions[signal - 1];
	if (act) {
		fresh.mask &= ~SIGNAL_SET_UNBLOCKABLE;
		fresh.flags &= KNOWN_FLAGS;	/* by what is gone programs see what is not known */
		handlers->actions[signal - 1] = fresh;
		handlers->changed |= signal_bit(signal);
	}
	spin_unlock_irq(&handlers->lock, flags);
	if (act && (fresh.handler == HANDLER_IGNORE ||
		    (fresh.handler == HANDLER_DEFAULT && (SIGNAL_SET_IGNORED & signal_bit(signal)))))
		forget_ignored(process, signal);
	return old ? copy_to_user(old, &before, sizeof(before)) : 0;
}

long sys_rt_sigprocmask(int how, uaddr_t set, uaddr_t old, size_t set_size)
{
	signal_set before = current_thread()->user.blocked, mask;

	if (set_size != sizeof(signal_set))
		return -EINVAL;
	if (set) {
		if (get_user_u64(&mask, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			mask |= before;
			break;
		case SIG_UNBLOCK:
			mask = before & ~mask;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		if ((mask & ~SIGNAL_SET_UNBLOCKABLE) != before)
			signal_set_mask(mask);
	}
	return old ? put_user_u64(old, before) : 0;
}

COLD long sys_rt_sigpending(uaddr_t set, size_t set_size)
{
	struct thread *thread = current_thread();
	signal_set pending;
	uint64_t flags;

	if (set_size > sizeof(signal_set))
		return -EINVAL;
	flags = spin_lock_irq(&thread->process->signal_lock);
	pending = (thread->user.queue.set | thread->process->queue.set) & thread->user.blocked;
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return copy_to_user(set, &pending, set_size);
}

/* Sleeps until a signal has to be handled. */
static long sleep_for_signal(void)
{
	struct wait_queue nobody;
	struct waiter waiter;
	int error = 0;

	wait_queue_init(&nobody);
	wait_begin(&nobody, &waiter);
	while (!error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	return -ERESTARTNOHAND;
}

COLD long sys_pause(void)
{
	return sleep_for_signal();
}

COLD long sys_rt_sigsuspend(uaddr_t set, size_t set_size)
{
	signal_set mask;
	int error = mask_from_user(&mask, set, set_size);

	if (error)
		return error;
	signal_set_mask_until_return(mask);
	return sleep_for_signal();
}

/* Takes a signal of @set if one waits. Its number or 0. */
static int take_one(struct thread *thread, signal_set set, struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&thread->process->signal_lock);
	int number = signal_dequeue(thread, ~set, info);

	thread->user.waited_for = number ? 0 : set;
	if (number)
		signal_recompute(thread);
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return number;
}

static void stop_waiting(struct thread *thread)
{
	uint64_t flags = spin_lock_irq(&thread->process->signal_lock);

	thread->user.waited_for = 0;
	spin_unlock_irq(&thread->process->signal_lock, flags);
}

/* Sleeps until a signal of @set could be taken. Its number, or -EAGAIN, -EINTR. */
static int wait_for_signal(signal_set set, uint64_t deadline, struct signal_info *info)
{
	struct thread *thread = current_thread();
	struct wait_queue nobody;
	struct waiter waiter;
	int number, error = 0;

	wait_queue_init(&nobody);
	wait_begin(&nobody, &waiter);
	for (;;) {
		number = take_one(thread, set, info);
		if (number || error)
			break;
		/* The signal that woke us may be one of @set, sent while all threads block it: signal_send counts waited_for. */
		error = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	stop_waiting(thread);
	if (number)
		return number;
	return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

COLD long sys_rt_sigtimedwait(uaddr_t set_addr, uaddr_t info_addr, uaddr_t timeout, size_t set_size)
{
	struct signal_info info;
	uint64_t deadline = WAIT_FOREVER, ns;
	signal_set set;
	int number, error = mask_from_user(&set, set_addr, set_size);

	if (error)
		return error;
	set &= ~SIGNAL_SET_UNBLOCKABLE;
	memset(&info, 0, sizeof(info));
	if (timeout) {
		error = timespec_from_user(&ns, timeout);
		if (error)
			return error;
		deadline = deadline_after(ns);
	}
	number = wait_for_signal(set, deadline, &info);
	if (number > 0 && info_addr && copy_to_user(info_addr, &info, sizeof(info)))
		return -EFAULT;
	return number;
}

/* May the caller send @number to @target? */
static bool may_signal(struct process *target, int number)
{
	const struct credentials *self = credentials_current(), *other;
	bool ok;

	if (target == current_process() || capabilities_may_administer())
		return true;
	other = credentials_of(target);
	ok = self->euid == other->uid || self->euid == other->suid || self->uid == other->uid || self->uid == other->suid;
	/* Whether it is there it may know. */
	ok = ok && (!number || capabilities_cover(other));
	credentials_put(other);
	return ok || (number == SIGCONT && target->session == current_process()->session);
}

/* What the receiver learns of the caller. Only the part that is kept is filled. */
static inline void info_from_self(struct signal_info *info, int number, int code)
{
	struct thread *self = current_thread();
	uint64_t *words = (uint64_t *)info;

	info->number = number;
	info->error = 0;
	info->code = code;
	info->padding = 0;
	info->sender.pid = self->process->pid;
	info->sender.uid = self->user.credentials->uid;
#pragma GCC unroll 8
	for (unsigned i = offsetof(struct signal_info, sender.value) / sizeof(*words); i < SIGNAL_INFO_KEPT / sizeof(*words); i++)
		words[i] = 0;
}

COLD void signal_send_self(int number)
{
	struct signal_info info;

	info_from_self(&info, number, SI_USER);
	signal_send_thread(current_thread(), &info);
}

/* number 0 only checks. Whether there is such a signal comes after whether there is such a process. */
static int send_checked(struct process *target, struct thread *thread, const struct signal_info *info)
{
	if (info->number && !valid_signal(info->number))
		return -EINVAL;
	if (!may_signal(target, info->number))
		return -EPERM;
	return info->number ? signal_send(target, thread, info) : 0;
}

/* The group of the caller (0), or -@pid. Succeeds if it could signal one member. */
static COLD __attribute__((noinline)) long kill_group(int pgid, const struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process_group *group = process_group_find(pgid ? pgid : current_process()->pgid);
	struct process *process;
	int result = -ESRCH;
	bool sent = false;

	if (group)
		list_for_each(process, &group->members, group_link) {
			result = send_checked(process, NULL, info);
			if (!result) {
				sent = true;
				signal_note_in_forks(process, info->number);
			}
		}
	spin_unlock_irq(&process_tree_lock, flags);
	return sent ? 0 : result;
}

/* Everybody but process 1 and the caller. That some may not be signalled, or all, is no error. */
static COLD __attribute__((noinline)) long kill_all(const struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	int result = -ESRCH;

	for (int pid = pid_next_used(1); pid >= 0; pid = pid_next_used(pid)) {
		struct process *process = process_find_locked(pid);

		if (!process || process == current_process())
			continue;
		result = send_checked(process, NULL, info);
		if (!result)
			signal_note_in_forks(process, info->number);
		if (result == -EPERM)
			result = 0;
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return result;
}

long sys_kill(int pid, int signal)
{
	struct process *process = current_process();
	struct signal_info info;
	int result;

	info_from_self(&info, signal, SI_USER);
	if (pid == process->pid) {
		/* Others come only when the first thread blocks it: not worth a short way. */
		bool first = likely(current_thread() == process->leader) && valid_signal(signal);

		return first && signal_deliver_to_self(&info) ? 0 : send_checked(process, NULL, &info);
	}
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1)
		return kill_all(&info);
	if (pid <= 0)
		return kill_group(-pid, &info);
	process = process_find_any(pid);
	if (!process)
		return -ESRCH;
	result = send_checked(process, NULL, &info);
	process_put(process);
	return result;
}

/* A first thread that has ended keeps its number while its process is there. What is sent to it gets lost. */
static COLD __attribute__((noinline)) long send_to_ended(int pid, int tid, const struct signal_info *info)
{
	struct process *process = pid && pid != tid ? NULL : process_find_any(tid);
	long result;

	if (!process)
		return -ESRCH;
	result = info->number && !valid_signal(info->number) ? -EINVAL : may_signal(process, info->number) ? 0 : -EPERM;
	process_put(process);
	return result;
}

/* To one thread, of process @pid unless that is 0. */
static long send_to_thread(int pid, int tid, const struct signal_info *info)
{
	struct thread *thread;
	int result;

	thread = current_thread();
	if (tid == thread->tid && (!pid || pid == thread->process->pid) && valid_signal(info->number) && signal_deliver_to_self(info))
		return 0;
	thread = thread_find(tid);
	if (!thread)
		return send_to_ended(pid, tid, info);
	result = pid && thread->process->pid != pid ? -ESRCH : send_checked(thread->process, thread, info);
	thread_put(thread);
	return result;
}

COLD long sys_tkill(int tid, int signal)
{
	struct signal_info info;

	info_from_self(&info, signal, SI_TKILL);
	return tid <= 0 ? -EINVAL : send_to_thread(0, tid, &info);
}

long sys_tgkill(int pid, int tid, int signal)
{
	struct signal_info info;

	info_from_self(&info, signal, SI_TKILL);
	return tid <= 0 || pid <= 0 ? -EINVAL : send_to_thread(pid, tid, &info);
}

/* Only to oneself may one claim to be the kernel, kill or tkill. */
static int queued_info(struct signal_info *info, uaddr_t from, int number, int target_pid)
{
	if (copy_from_user(info, from, sizeof(*info)))
		return -EFAULT;
	info->number = number;
	if ((info->code >= 0 || info->code == SI_TKILL) && target_pid != current_process()->pid)
		return -EPERM;
	return 0;
}

COLD long sys_rt_sigqueueinfo(int pid, int signal, uaddr_t info_addr)
{
	struct signal_info info;
	struct process *process;
	int result = queued_info(&info, info_addr, signal, pid);

	if (result)
		return result;
	process = process_find_any(pid);
	if (!process)
		return -ESRCH;
	result = send_checked(process, NULL, &info);
	process_put(process);
	return result;
}

COLD long sys_rt_tgsigqueueinfo(int pid, int tid, int signal, uaddr_t info_addr)
{
	struct signal_info info;
	int result;

	if (pid <= 0 || tid <= 0)
		return copy_from_user(&info, info_addr, sizeof(info)) ? -EFAULT : -EINVAL;
	result = queued_info(&info, info_addr, signal, pid);
	return result ? result : send_to_thread(pid, tid, &info);
}

COLD long signal_send_described(struct process *target, int signal, uaddr_t info_addr, bool known)
{
	struct signal_info info;

	if (!info_addr) {
		info_from_self(&info, signal, SI_USER);
	} else {
		if (copy_from_user(&info, info_addr, sizeof(info)))
			return -EFAULT;
		if (info.number != signal)
			return -EINVAL;
		if ((info.code >= 0 || info.code == SI_TKILL) && target != current_process())
			return -EPERM;
	}
	if (!known)
		return -ESRCH;
	return send_checked(target, NULL, &info);
}

struct user_stack { uint64_t base; int32_t flags, pad; uint64_t size; };
SAME_SIZE(struct user_stack, stack_t);
SAME_FIELD(struct user_stack, base, stack_t, ss_sp);
SAME_FIELD(struct user_stack, flags, stack_t, ss_flags);
SAME_FIELD(struct user_stack, size, stack_t, ss_size);

COLD long sys_sigaltstack(uaddr_t in, uaddr_t old)
{
	struct thread_state *state = &current_thread()->user;
	struct user_stack before = { state->alt_stack_base, state->alt_stack_flags, 0, state->alt_stack_size }, fresh;
	bool in_use = signal_on_alt_stack(thread_user_frame()->rsp);
	int mode;

	if (in_use)
		before.flags |= SS_ONSTACK;
	if (in) {
		if (copy_from_user(&fresh, in, sizeof(fresh)))
			return -EFAULT;
		if (in_use && !(state->alt_stack_flags & (int)SS_AUTODISARM))
			return -EPERM;
		mode = fresh.flags & ~(int)SS_AUTODISARM;
		if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
			return -EINVAL;
		if (mode == SS_DISABLE)
			fresh.base = fresh.size = 0;
		else if (fresh.size < MINSIGSTKSZ)
			return -ENOMEM;
		state->alt_stack_base = fresh.base;
		state->alt_stack_size = fresh.size;
		state->alt_stack_flags = fresh.flags & ~SS_ONSTACK;
	}
	return old ? copy_to_user(old, &before, sizeof(before)) : 0;
}
