/* SPDX-License-Identifier: MIT */
/* Process ids, process groups and sessions. */
#include "mm/heap.h"
#include "process/internal.h"
#include "syscall_prototypes.h"

long sys_getpid(void) { return current_process()->pid; }
long sys_gettid(void) { return current_thread()->tid; }
long sys_getpgrp(void) { return current_process()->pgid; }

long sys_getppid(void)
{
	return atomic_load_relaxed(&current_process()->parent_pid);
}

long sys_set_tid_address(uaddr_t addr)
{
	current_thread()->user.clear_child_tid = addr;
	return current_thread()->tid;
}

/* process_tree_lock held; @pid 0 is the caller. */
static struct process *find_or_self(int pid)
{
	return pid ? process_find_any_locked(pid) : current_process();
}

long sys_getpgid(int pid)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process *process = find_or_self(pid);
	int pgid = process ? process->pgid : -ESRCH;

	spin_unlock_irq(&process_tree_lock, flags);
	return pgid;
}

long sys_getsid(int pid)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process *process = find_or_self(pid);
	int sid = process ? process->session->sid : -ESRCH;

	spin_unlock_irq(&process_tree_lock, flags);
	return sid;
}

/* A process that is about to begin the group of its number will do. A group of zombies exists: its shell has yet to wait for them. */
COLD int process_group_check(int pgid)
{
	const struct process_group *group = process_group_find(pgid);
	const struct process *process = process_find_any_locked(pgid);
	const struct session *session = group ? group->session : process ? process->session : NULL;

	if (session == current_process()->session)
		return 0;
	return session ? -EPERM : -ESRCH;
}

/* Moves @process into a group of its session; @spare becomes the group if it does not exist. True if @spare was used. */
static bool move_to_group(struct process *process, int pgid, struct process_group *spare)
{
	struct process_group *group = process_group_find(pgid);
	bool used = !group;

	if (used) {
		group = spare;
		group->pgid = pgid;
		group->session = process->session;
		list_init(&group->members);
		pid_slot(pgid)->group = group;
	}
	/* Join first: the number must not become free in between. */
	if (process->group == group)
		return used;
	process_leave_group(process);
	process_join_group(process, group);
	return used;
}

/* The rules of setpgid(2); process_tree_lock held. */
static int check_setpgid(struct process *process, int pgid)
{
	struct process *self = current_process();
	struct process_group *group;

	if (!process)
		return -ESRCH;
	if (process->parent == self) {
		if (process->session != self->session)
			return -EPERM;
		if (process->exec_count)
			return -EACCES;
	} else if (process != self) {
		return -ESRCH;
	}
	if (process->session->sid == process->pid)
		return -EPERM;		/* a session leader stays */
	if (pgid == process->pid)
		return 0;
	group = process_group_find(pgid);
	return group && group->session == self->session ? 0 : -EPERM;
}

long sys_setpgid(int pid, int pgid)
{
	struct process_group *spare;
	struct process *process;
	uint64_t flags;
	int error;

	if (!pid)
		pid = current_process()->pid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	spare = kmalloc(sizeof(*spare));
	if (!spare)
		return -ENOMEM;
	flags = spin_lock_irq(&process_tree_lock);
	process = process_find_any_locked(pid);
	error = process && process->pid != pid ? -EINVAL : check_setpgid(process, pgid);
	if (!error && move_to_group(process, pgid, spare))
		spare = NULL;
	spin_unlock_irq(&process_tree_lock, flags);
	kfree(spare);
	return error;
}

long sys_setsid(void)
{
	struct process *self = current_process();
	struct session *session = kzalloc(sizeof(*session)), *old = NULL;
	struct process_group *group = kmalloc(sizeof(*group));
	int result;
	uint64_t flags;

	if (!session || !group) {
		kfree(session);
		kfree(group);
		return -ENOMEM;
	}
	refcount_init(&session->refs, 1);
	flags = spin_lock_irq(&process_tree_lock);
	if (process_group_find(self->pid)) {
		result = -EPERM;
	} else {
		old = self->session;
		process_leave_group(self);
		process_leave_session(self);
		session->sid = self->pid;
		self->terminal = 0;
		pid_slot(self->pid)->session = session;
		process_join_session(self, session);
		move_to_group(self, self->pid, group);
		group = NULL;
		result = self->pid;
	}
	spin_unlock_irq(&process_tree_lock, flags);
	kfree(group);
	session_put(session);	/* ours from the start; the process has its own by now */
	session_put(old);
	return result;
}
