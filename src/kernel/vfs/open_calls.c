/* SPDX-License-Identifier: MIT */
/* open, close and duplicating descriptors. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "vfs/fd_table.h"
#include "vfs/fd_bitmap.h"
#include "vfs/file_life.h"
#include "vfs/mount_tree.h"
#include "vfs/name_change.h"
#include "vfs/path_ready.h"
#include "vfs/watch.h"
#include <asm/resource.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>

static __attribute__((noinline)) long open_at(int dir, uaddr_t path, int flags, unsigned mode)
{
	int fd = fd_reserve(0, flags & O_CLOEXEC), error;
	struct file *file;

	if (fd < 0)
		return fd;
	file = file_open_name(dir, path, NULL, flags, mode, &error);
	if (!file) {
		fd_unreserve(fd);
		return error;
	}
	fd_fill(fd, file);
	return fd;
}

/* Flags with which a regular file is only opened for reading. */
enum { OPEN_READY_FLAGS = O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NONBLOCK | O_NOCTTY };

/* May the caller read it, and needs no more than that to be seen to? */
static inline bool is_ready_to_open(const struct vnode *vnode)
{
	return vnode->type == S_IFREG && !vnode_is_watched(vnode) && !vnode->fs->ops->open &&
	       ((atomic_load_relaxed(&vnode->attr.mode) & 0444) == 0444 || !current_thread()->user.credentials->fsuid);
}

/* The lowest descriptor of @table, or -1 when others can change the table, too, or it has to be searched. */
static inline long lowest_fd_of_mine(const struct process *process, const struct fd_table *table)
{
	unsigned fd = table->lowest_free;

	if (unlikely(!fd_table_is_mine(process, table) || fd >= table->capacity || fd_bit(table->open_bits, fd) ||
		     fd >= atomic_load_relaxed(&process->limits[RLIMIT_NOFILE].soft)))
		return -1;
	return fd;
}

/* Gives @file descriptor @fd, which lowest_fd_of_mine() has told. Preemption is off. */
static inline void take_lowest_fd(struct fd_table *table, unsigned fd, struct file *file, int flags)
{
	spin_acquire(&table->lock);
	fd_bit_set(table->open_bits, fd);
	if (flags & O_CLOEXEC)
		fd_bit_set(table->cloexec_bits, fd);
	table->files[fd] = file;
	table->lowest_free = fd + 1;
	spin_release(&table->lock);
}

/* Makes the lowest descriptor for the file at @at, or -1 when the long way has to be gone. Preemption is off and the tree lock is held. */
static inline long open_ready(const struct path *at, int flags)
{
	struct process *process = current_process();
	struct fd_table *table = process->files;
	long fd = lowest_fd_of_mine(process, table);
	struct file *file;

	if (unlikely(fd < 0 || !is_ready_to_open(at->dentry->vnode)))
		return -1;
	file = file_alloc(&regular_file_ops, (flags & (O_NONBLOCK)) | O_LARGEFILE);
	if (unlikely(!file))
		return -1;
	dentry_get(at->dentry);
	mount_get(at->mount);
	file->path = *at;
	file->vnode = at->dentry->vnode;
	take_lowest_fd(table, fd, file, flags);
	return fd;
}

static __attribute__((noinline)) long open_not_ready(uaddr_t path, int flags, unsigned mode)
{
	path_ready_end();
	return open_at(AT_FDCWD, path, flags, mode);
}

/* Flags with which a file that is made is only opened for writing. */
enum { OPEN_NEW_FLAGS = O_CREAT | O_EXCL | O_TRUNC | O_ACCMODE | O_APPEND | O_CLOEXEC | O_LARGEFILE | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
       OPEN_NEW_KEPT = O_ACCMODE | O_APPEND | O_NONBLOCK | O_NOFOLLOW };

static inline bool is_to_open_new(int flags)
{
	return (flags & (O_CREAT | ~OPEN_NEW_FLAGS)) == O_CREAT && (flags & O_ACCMODE) % O_ACCMODE;
}

/* The file at @at, whose references it takes over, was just made by the caller: opens it as @fd, which nobody else has taken meanwhile. */
static inline long open_made(const struct path *at, int flags, struct fd_table *table, unsigned fd)
{
	struct file *file = file_alloc(&regular_file_ops, (flags & OPEN_NEW_KEPT) | O_LARGEFILE);
	struct path unused = *at;
	int error;

	if (unlikely(!file)) {
		mount_end_write(at->mount);
		path_put(&unused);
		return -ENFILE;
	}
	file->path = *at;
	file->vnode = at->dentry->vnode;
	error = vnode_begin_write(file->vnode);
	if (unlikely(error)) {
		mount_end_write(at->mount);
		inotify_not_opened(file);
		file_put(file);
		return error;
	}
	file->writer = true;
	inotify_new_file(file, IN_OPEN);
	preempt_disable();
	take_lowest_fd(table, fd, file, flags);
	preempt_enable();
	return fd;
}

/* Making a file whose name is known to be absent is done in one pass; else the long way is gone. */
static __attribute__((noinline)) long open_new(uaddr_t path, int flags, unsigned mode)
{
	const struct new_node node = { .mode = S_IFREG | (mode & 07777) };
	struct process *process = current_process();
	struct fd_table *table = process->files;
	long fd = lowest_fd_of_mine(process, table);
	struct path at;
	int error;

	if (unlikely(fd < 0))
		return open_at(AT_FDCWD, path, flags, mode);
	error = name_create_ready(path, &node, &at);
	if (likely(!error))
		return open_made(&at, flags, table, fd);
	/* -ESTALE: it was made by this call, and removed by somebody else. */
	return error == NAME_NOT_READY || error == -EEXIST || error == -ESTALE ? open_at(AT_FDCWD, path, flags, mode) : error;
}

/* Opening a known file for reading is done in one go; else the long way is gone. */
long sys_open(uaddr_t path, int flags, unsigned mode)
{
	struct path at;
	long fd;

	if (unlikely(flags & ~OPEN_READY_FLAGS))
		return is_to_open_new(flags) ? open_new(path, flags, mode) : open_at(AT_FDCWD, path, flags, mode);
	if (unlikely(path_ready_begin(path, &at, false) != KNOWN_END || (fd = open_ready(&at, flags)) < 0))
		return open_not_ready(path, flags, mode);
	return unlikely(path_ready_end()) ? path_ready_preempted(fd) : fd;
}

long sys_openat(int dir, uaddr_t path, int flags, unsigned mode)
{
	return open_at(dir, path, flags, mode);
}

long sys_creat(uaddr_t path, unsigned mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_close(int fd)
{
	return fd_close(fd);
}

COLD long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	struct process *process = current_process();

	if (flags & ~(unsigned)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE && !fd_table_is_mine(process, process->files)) {
		int error = process_unshare_files(process);

		if (error)
			return error;
	}
	return fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
}

long sys_dup(int fd)
{
	struct file *file = fd_get(fd);
	long result;

	if (!file)
		return -EBADF;
	result = fd_install(file, 0, false);
	if (result < 0)
		file_put(file);
	return result;
}

static long duplicate_to(int from, int to, bool close_on_exec)
{
	struct file *file = fd_get(from);
	long result;

	if (!file)
		return -EBADF;
	result = fd_replace(to, file, close_on_exec);
	if (result < 0)
		file_put(file);
	return result;
}

COLD long sys_dup2(int from, int to)
{
	if (from == to)
		return fd_get_flags(from) < 0 ? -EBADF : from;
	return duplicate_to(from, to, false);
}

COLD long sys_dup3(int from, int to, int flags)
{
	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	return duplicate_to(from, to, flags & O_CLOEXEC);
}
