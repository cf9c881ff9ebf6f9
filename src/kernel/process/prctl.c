/* SPDX-License-Identifier: MIT */
/* prctl and arch_prctl: the options that mean something here; all others (PR_SET_PTRACER, PR_MCE_KILL, ...) give EINVAL. */
#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/prctl.h>

#include "lib/string.h"
#include "mm/user_copy.h"
#include "ipc/ipc.h"
#include "process/internal.h"
#include "syscall_prototypes.h"

enum { TIMER_SLACK_MAX = (1ll << 48) - 1 };
enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102, DEFAULT_TIMER_SLACK_NS = 50000 };

static long set_name(uaddr_t from)
{
	struct thread *thread = current_thread();
	char name[THREAD_NAME_LEN];
	uint64_t flags;
	ssize_t len = copy_string_from_user(name, from, sizeof(name));

	if (len == -EFAULT)
		return -EFAULT;
	name[THREAD_NAME_LEN - 1] = '\0';	/* a longer one is cut */
	thread_set_name(thread, name);
	if (thread->tid == thread->process->pid) {
		flags = spin_lock_irq(&thread->process->lock);
		string_copy(thread->process->name, name, sizeof(name));
		spin_unlock_irq(&thread->process->lock, flags);
	}
	return 0;
}

static long get_name(uaddr_t to)
{
	return copy_to_user(to, current_thread()->name, THREAD_NAME_LEN);
}

/*
 * Modes of Linux that have one value here. What Linux calls capabilities and their bounds decides nothing (security/README.md): they are as on a Linux
 * where nobody has changed them.
 */
static long linux_prctl(int option, uint64_t a, uint64_t b, uint64_t more)
{
	switch (option) {
	case PR_CAPBSET_READ:
		return a <= CAP_LAST_CAP ? 1 : -EINVAL;
	case PR_CAP_AMBIENT:
		if (a == PR_CAP_AMBIENT_CLEAR_ALL ? b | more : more || b > CAP_LAST_CAP || a - 1 >= PR_CAP_AMBIENT_LOWER)
			return -EINVAL;
		return a == PR_CAP_AMBIENT_RAISE ? -EPERM : 0;
	case PR_SET_KEEPCAPS:
		if (a > 1)
			return -EINVAL;
		if (!a)
			return 0;
		/* fall through */
	case PR_CAPBSET_DROP:
	case PR_SET_SECUREBITS:
		return -EPERM;
	case PR_SET_TSC:		/* to what it is */
		a -= PR_TSC_ENABLE;
		/* fall through */
	case PR_SET_TIMING:		/* the same */
		if (a != PR_TIMING_STATISTICAL)
			return -EINVAL;
		/* fall through */
	case PR_GET_KEEPCAPS:
	case PR_GET_SECUREBITS:
	case PR_GET_SECCOMP:
	case PR_GET_TIMING:
		return 0;
	case PR_GET_TSC:
		return put_user_u32(a, PR_TSC_ENABLE);
	case PR_GET_THP_DISABLE:
	case PR_SET_THP_DISABLE:	/* there are no huge pages anyway */
		if (b | more || (a && option == PR_GET_THP_DISABLE))
			return -EINVAL;
		if (option == PR_GET_THP_DISABLE)
			return current_process()->no_huge_pages;
		current_process()->no_huge_pages = a;
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct process *process = current_process();
	struct thread_state *state = &current_thread()->user;

	switch (option) {
	case PR_SET_NAME:
		return set_name(a);
	case PR_GET_NAME:
		return get_name(a);
	case PR_SET_PDEATHSIG:
		if (a > SIGNAL_COUNT)
			return -EINVAL;
		process->death_signal = a;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32(a, process->death_signal);
	case PR_SET_DUMPABLE:
		if (a > 1)
			return -EINVAL;
		process->dumpable = a;
		return 0;
	case PR_GET_DUMPABLE:
		return process->dumpable;
	case PR_SET_NO_NEW_PRIVS:
		if (a != 1 || b || c || d)
			return -EINVAL;
		process->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a || b || c || d ? -EINVAL : process->no_new_privs;
	case PR_SET_CHILD_SUBREAPER:
		process->child_subreaper = a;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(a, process->child_subreaper);
	case PR_SET_TIMERSLACK:
		state->kept.timer_slack = (int64_t)a > 0 ? MIN(a, (uint64_t)TIMER_SLACK_MAX) : 0;
		return 0;
	case PR_GET_TIMERSLACK:
		return state->kept.timer_slack ? (long)state->kept.timer_slack : DEFAULT_TIMER_SLACK_NS;
	case PR_GET_TID_ADDRESS:
		return put_user_u64(a, state->clear_child_tid);
	default:
		return linux_prctl(option, a, b, c | d);
	}
}

static long set_base(uint64_t *field, uint32_t msr, uint64_t addr)
{
	if (addr >= USER_END)
		return -EPERM;
	/* The register and its saved copy change together, or a switch in between would undo one. */
	preempt_disable();
	*field = addr;
	cpu_write_msr(msr, addr);
	preempt_enable();
	return 0;
}

long sys_arch_prctl(int code, uint64_t addr)
{
	struct thread *thread = current_thread();

	switch (code) {
	case ARCH_SET_FS:
		return set_base(&thread->fs_base, MSR_FS_BASE, addr);
	case ARCH_SET_GS:
		endpoint_forget_descriptors();
		return set_base(&thread->gs_base, MSR_KERNEL_GS_BASE, addr);
	case ARCH_GET_FS:
		return put_user_u64(addr, thread->fs_base);
	case ARCH_GET_GS:
		return put_user_u64(addr, thread->gs_base);
	default:
		return -EINVAL;
	}
}
