/* SPDX-License-Identifier: MIT */
/* Processes as descriptors: they name one process for good, become readable at its end, and send to nobody else when its number is used again. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "process/pidfd.h"
#include "process/process.h"
#include "process/signal_calls.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/poll.h"
#include "vfs/procfs/entry.h"
#include "vfs/procfs/proc_text.h"
#include <linux/pidfd.h>

static const struct file_ops pidfd_ops;

/* Its number is still its own: nobody has waited for it yet. */
static bool is_known(struct process *process)
{
	struct process *found = process_find(process->pid);

	process_put(found);
	return found == process;
}

static unsigned pidfd_poll(struct file *file, struct poll_table *table)
{
	struct process *process = file->private;

	poll_wait_for(table, &process->exited, POLL_FOR_READERS);
	return atomic_load(&process->zombie) ? POLL_IN | POLL_RDNORM : 0;
}

static void pidfd_release(struct file *file)
{
	process_put(file->private);
}

static void pidfd_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "anon_inode:[pidfd]", size);
}

static void pidfd_show_info(struct file *file, struct proc_text *text)
{
	struct process *process = file->private;
	int pid = is_known(process) ? process->pid : -1;

	proc_text_print(text, pid > 0 ? "Pid:\t%d\nNSpid:\t%d\n" : "Pid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.describe = pidfd_describe,
	.show_info = pidfd_show_info,
};

struct file *pidfd_create_file(struct process *process, unsigned flags)
{
	struct file *file = file_create(&pidfd_ops, O_RDWR | flags, process);

	if (file)
		process_get(process);
	return file;
}

struct process *pidfd_get(int fd, bool *nonblocking)
{
	struct fd_ref ref = fd_borrow_io(fd);
	struct process *process = NULL;

	if (ref.file && ref.file->ops == &pidfd_ops) {
		process = ref.file->private;
		process_get(process);
		*nonblocking = atomic_load(&ref.file->flags) & O_NONBLOCK;
	}
	fd_release(ref);
	return process;
}

long sys_pidfd_open(int pid, unsigned flags)
{
	struct process *process;
	struct thread *thread;
	struct file *file;
	int fd;

	if (flags & ~PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	process = process_find(pid);
	if (!process) {
		/* Not the first of its process. */
		thread = thread_find(pid);
		if (!thread)
			return -ESRCH;
		thread_put(thread);
		return -EINVAL;
	}
	file = pidfd_create_file(process, flags);
	process_put(process);
	if (!file)
		return -ENFILE;
	fd = fd_install(file, 0, true);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* The process that is sent to by @fd, referenced: as on Linux this may be a directory of /proc, too. 0, -EBADF, or -ESRCH for what that was of. */
static int get_receiver(int fd, struct process **process)
{
	bool unused;
	struct fd_ref ref;
	int error;

	*process = pidfd_get(fd, &unused);
	if (*process)
		return 0;
	ref = fd_borrow_io(fd);
	error = !ref.file || !proc_names_process(ref.file, process) ? -EBADF : *process ? 0 : -ESRCH;
	fd_release(ref);
	return error;
}

long sys_pidfd_send_signal(int fd, int signal, uaddr_t info, unsigned flags)
{
	struct process *process;
	long result;

	if (flags)
		return -EINVAL;
	result = get_receiver(fd, &process);
	if (result)
		return result;
	result = signal_send_described(process, signal, info, is_known(process));
	process_put(process);
	return result;
}

/* Descriptor @number of @process, which the caller may look into; NULL with *@error. */
static struct file *file_of(struct process *process, int number, int *error)
{
	struct address_space *as = process_get_address_space(process);
	struct fd_table *files = process_get_files(process);
	struct file *file = files ? fd_get_from(files, number) : NULL;
	/* Asked last, and of the program that had it: not of one of more rights that it becomes, nor of one of fewer. */
	bool refused = proc_check_inspect(process) || !process_has_address_space(process, as);

	if (as)
		address_space_put(as);
	*error = refused ? -EPERM : files ? -EBADF : -ESRCH;
	if (files)
		fd_table_put(files);
	/* The kernel's own objects are given, not taken: some have one holder. And what a view hides stays hidden. */
	if (file && (refused || file->ops->info || path_is_hidden(&file->path))) {
		file_put(file);
		file = NULL;
		*error = -EPERM;
	}
	return file;
}

long sys_pidfd_getfd(int fd, int number, unsigned flags)
{
	struct process *process;
	struct file *file;
	bool unused;
	int error;

	if (flags)
		return -EINVAL;
	process = pidfd_get(fd, &unused);
	if (!process)
		return -EBADF;
	file = file_of(process, number, &error);
	process_put(process);
	if (!file)
		return error;
	error = fd_install(file, 0, true);
	if (error < 0)
		file_put(file);
	return error;
}
