/* SPDX-License-Identifier: MIT */
/* unshare: a process leaves what it shares with others. What threads of one process share belongs to the process here: one of them cannot leave it. */
#include <linux/sched.h>

#include "lib/atomic.h"
#include "mm/address_space.h"
#include "process/internal.h"
#include "syscall_prototypes.h"
#include "sysv/sysv.h"
#include "vfs/file.h"
#include "vfs/path.h"

/* ALONE: what only a process that shares nothing of the kind may ask for, who has it then. */
enum { ALONE = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, UNSHARE_FLAGS = CLONE_FS | CLONE_FILES | CLONE_NEWNS | CLONE_SYSVSEM | ALONE };

int process_unshare_files(struct process *process)
{
	struct fd_table *old = process->files, *own;
	uint64_t flags;

	if (process->thread_count > 1)
		return -EINVAL;
	own = fd_table_copy(old, false);
	if (!own)
		return -ENOMEM;
	flags = spin_lock_irq(&process->lock);
	process->files = own;
	spin_unlock_irq(&process->lock, flags);
	fd_table_put(old);
	return 0;
}

void process_set_fs(struct process *process, struct fs_context *own)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct fs_context *old = process->fs;

	process->fs = own;
	process->fs_shared = false;
	spin_unlock_irq(&process->lock, flags);
	fs_context_put(old);
}

bool process_shares_fs(const struct process *process)
{
	return process->fs_shared && fs_context_is_shared(process->fs);
}

int process_unshare_fs(struct process *process, bool mounts)
{
	struct fs_context *own = fs_context_copy(process->fs);
	int error = own ? 0 : -ENOMEM;

	if (!error && mounts)
		error = fs_context_copy_namespace(own);
	if (!error)
		process_set_fs(process, own);
	else if (own)
		fs_context_put(own);
	return error;
}

long sys_unshare(unsigned long flags)
{
	struct process *process = current_process();
	int error = 0;

	if (flags & ~(unsigned long)UNSHARE_FLAGS)
		return -EINVAL;
	if (flags & (CLONE_FS | CLONE_FILES | CLONE_NEWNS | ALONE) && process->thread_count > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM) && atomic_load_relaxed(&process->handlers->refs.count) > 1) ||
	    (flags & CLONE_VM && atomic_load_relaxed(&process->as->refs.count) > 1))
		return -EINVAL;
	if (flags & CLONE_NEWNS)
		error = mount_check_privilege();
	if (!error && flags & (CLONE_NEWNS | CLONE_FS))
		error = process_unshare_fs(process, flags & CLONE_NEWNS);
	if (!error && flags & CLONE_FILES)
		error = process_unshare_files(process);
	if (!error && flags & CLONE_SYSVSEM)
		sysv_leave_undo(current_thread());
	return error;
}
