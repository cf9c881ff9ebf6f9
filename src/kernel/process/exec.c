/* SPDX-License-Identifier: MIT */
/*
 * execve and execveat. The new program is loaded into a new address space first (exec_load.c); all memory the change itself needs is
 * allocated next; then the other threads are ended, and from there on nothing can fail.
 */
#include <linux/fcntl.h>

#include "arch/x86_64/fpu.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/exec.h"
#include "process/futex.h"
#include "process/internal.h"
#include "process/posix_timer.h"
#include "process/ptrace.h"
#include "process/rseq.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"
#include "vfs/file.h"
#include "vfs/path.h"

enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102 };

/* What must be the process's own before it changes. */
struct private_parts {
	struct fd_table *files;
	struct signal_handlers *handlers;
};

/* Since it was decided that the program may have more rights (exec_load.c) another thread may have begun to share working directory and umask. */
static bool must_leave_fs(const struct credentials *new)
{
	return new && (new->euid != new->uid || new->egid != new->gid) && !credentials_is_root(credentials_current()) && process_shares_fs(current_process());
}

static int make_private_parts(const struct exec *exec, struct private_parts *parts)
{
	struct process *process = exec->process;
	int error = must_leave_fs(exec->credentials) ? process_unshare_fs(process, false) : 0;

	if (error)
		return error;
	if (process->files_shared) {
		parts->files = fd_table_copy(process->files, false);
		if (!parts->files)
			return -ENOMEM;
	}
	if (atomic_load_relaxed(&process->handlers->refs.count) > 1) {
		parts->handlers = signal_handlers_copy(process->handlers);
		if (!parts->handlers) {
			if (parts->files)
				fd_table_put(parts->files);
			return -ENOMEM;
		}
	}
	return 0;
}

static void drop_private_parts(struct private_parts *parts)
{
	if (parts->files)
		fd_table_put(parts->files);
	signal_handlers_put(parts->handlers);
}

/* The caller, by now the only thread, takes the process's number if another was the first. */
static void become_first_thread(struct thread *thread)
{
	struct process *process = thread->process, *child;
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	if (thread->tid != process->pid) {
		pid_slot(thread->tid)->thread = NULL;
		pid_release(thread->tid);
		thread->tid = process->pid;
		pid_slot(thread->tid)->thread = thread;
	}
	atomic_store(&process->exec_count, process->exec_count + 1);
	process->serves_files = false;
	process->exit_signal = SIGCHLD;
	/* Nor may who was made by the old program choose a signal for the new one, which can have more rights. */
	list_for_each(child, &process->children, sibling)
		child->exit_signal = SIGCHLD;
	spin_unlock_irq(&process_tree_lock, flags);
}

void exec_replace_memory(struct exec *exec)
{
	struct process *process = exec->process;
	struct address_space *old = process->as;
	uint64_t flags = spin_lock_irq(&process->lock);

	process_leave_memory(process);
	process->as = exec->as;
	string_copy(process->name, exec->name, sizeof(process->name));
	spin_unlock_irq(&process->lock, flags);
	preempt_disable();
	address_space_switch(exec->as);
	preempt_enable();
	exec->as = NULL;
	vfork_release(current_thread());
	address_space_put(old);
	process_set_executable(process, exec->vnode);
	exec->vnode = NULL;
}

static void replace_parts(struct process *process, struct private_parts *parts)
{
	struct signal_handlers *old_handlers = NULL;
	struct fd_table *old_files = NULL;
	uint64_t flags;

	if (parts->handlers) {
		flags = spin_lock_irq(&process->signal_lock);
		old_handlers = process->handlers;
		process->handlers = parts->handlers;
		spin_unlock_irq(&process->signal_lock, flags);
		signal_handlers_put(old_handlers);
	}
	if (parts->files) {
		flags = spin_lock_irq(&process->lock);
		old_files = process->files;
		process->files = parts->files;
		process->files_shared = false;
		spin_unlock_irq(&process->lock, flags);
		fd_table_put(old_files);
	}
	signal_handlers_reset(process->handlers, false);
	fd_table_close_on_exec(process->files);
}

static __attribute__((noinline)) void replace_credentials(struct exec *exec, struct process *process)
{
	process->dumpable = !exec->guarded;
	if (exec->secure)
		process->death_signal = 0;
	/* Capabilities are what is permitted now: while this was not the only thread another may have dropped some. */
	if (exec->credentials) {
		exec->credentials->effective = exec->credentials->permitted = process->credentials->permitted;
		exec->credentials->chosen = false;
		credentials_commit(exec->credentials, NULL);
	}
	exec->credentials = NULL;
}

/* Registers, FPU and what else a thread keeps for user mode, as new. */
static void reset_thread(struct exec *exec, struct thread *thread)
{
	struct thread_state *state = &thread->user;

	state->alt_stack_base = state->alt_stack_size = 0;
	state->alt_stack_flags = SS_DISABLE;
	state->restart.resume = NULL;
	rseq_forget(thread);
	capabilities_end_grant();
	preempt_disable();
	thread->fs_base = thread->gs_base = 0;
	cpu_write_msr(MSR_FS_BASE, 0);
	cpu_write_msr(MSR_KERNEL_GS_BASE, 0);
	fpu_init_area(thread->fpu_area);
	fpu_restore_current();
	preempt_enable();
	exec_start_frame(exec, thread_user_frame());
}

/* The point of no return lies behind the other threads' end. */
static int commit(struct exec *exec)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct private_parts parts = { NULL, NULL };
	/* Other threads may open files, or begin to share what is not shared yet, until they are gone. Only they could make more of them. */
	bool alone = atomic_load_relaxed(&process->thread_count) == 1;
	uint64_t flags;
	int old_tid = thread->tid;
	int error = alone ? make_private_parts(exec, &parts) : 0;

	if (error)
		return error;
	error = process_kill_other_threads();
	if (error) {
		drop_private_parts(&parts);
		return error;
	}
	if (!alone)
		error = make_private_parts(exec, &parts);
	if (error) {
		/* There is no way back without the other threads. */
		flags = spin_lock_irq(&process->signal_lock);
		process_begin_exit(process, SIGKILL);
		spin_unlock_irq(&process->signal_lock, flags);
		return error;
	}
	posix_timers_end(process);
	thread_release_user_memory(thread);
	futex_pi_reopen(thread);
	become_first_thread(thread);
	/* At no instant may the caller's user look into memory that is not his: neither the new set-id program's nor an old one's. */
	if (exec->guarded) {
		replace_credentials(exec, process);
		ptrace_drop_weak_tracer();
	}
	exec_replace_memory(exec);
	thread_set_name(thread, exec->name);
	replace_parts(process, &parts);
	if (!exec->guarded)
		replace_credentials(exec, process);
	reset_thread(exec, thread);
	flags = spin_lock_irq(&process->signal_lock);
	process->exec_thread = NULL;
	spin_unlock_irq(&process->signal_lock, flags);
	ptrace_tell_exec(thread, old_tid);
	return 0;
}

/* By way of a descriptor, as AT_EXECFN says. An interpreter opens a script by that name, which leads nowhere if the descriptor does not outlive exec. */
static COLD __attribute__((noinline)) struct exec *create_by_descriptor(int dir_fd, const char *name)
{
	char *text = kmalloc(PATH_MAX_LEN + 32);
	struct exec *exec;

	if (text)
		snprintf(text, PATH_MAX_LEN + 32, name[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dir_fd, name);
	exec = exec_create(current_process(), text);
	if (exec)
		exec->no_script = fd_get_flags(dir_fd) & FD_CLOEXEC;
	return exec;
}

static long execute(int dir_fd, uaddr_t path, uaddr_t argv, uaddr_t envp, unsigned lookup_flags)
{
	struct exec *exec = NULL;
	char *name = kmalloc(PATH_MAX_LEN);
	ssize_t len;
	int error = -ENOMEM;

	if (!name)
		return -ENOMEM;
	len = copy_string_from_user(name, path, PATH_MAX_LEN);
	if (len < 0)
		error = len;
	else if (!len && !(lookup_flags & PATH_EMPTY_OK))
		error = -ENOENT;
	else if (dir_fd == AT_FDCWD || name[0] == '/')
		exec = exec_create(current_process(), kstrdup(name));
	else
		exec = create_by_descriptor(dir_fd, name);
	if (exec) {
		error = exec_args_from_user(&exec->args, argv, envp);
		if (!error)
			error = exec_load(exec, dir_fd, name, lookup_flags);
		if (!error)
			error = commit(exec);
		exec_free(exec);
	}
	kfree(name);
	return error;
}

long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return execute(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dir, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return execute(dir, path, argv, envp,
		       (flags & AT_EMPTY_PATH ? PATH_EMPTY_OK : 0) | (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0));
}
