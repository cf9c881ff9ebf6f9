/* SPDX-License-Identifier: MIT */
/* preadv, pwritev, and preadv2 and pwritev2, which differ from the file's flags for once. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/frame_records.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/transfer.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

/* Copies out of pages that are in memory, and waits for nothing but the caller's own memory. */
static ssize_t read_now(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct vm_object *object = file->readable;
	struct frame *frame;
	ssize_t done = 0;

	while (uio->left) {
		uint64_t size = atomic_load(&file->vnode->object.size), offset = *pos & (PAGE_SIZE - 1);
		size_t len = MIN(MIN((uint64_t)uio->left, PAGE_SIZE - offset), size - MIN(*pos, size)), moved;

		if (!len)
			break;
		frame = object ? vm_object_find_page(object, *pos >> PAGE_SHIFT) : NULL;
		if (!frame)
			return done ? done : -EAGAIN;
		moved = uio_write_to(uio, (char *)frame_virt(frame) + offset, len);
		frame_put(frame);
		*pos += moved;
		done += moved;
		if (moved < len)
			return done ? done : -EFAULT;
	}
	return done;
}

ssize_t file_transfer(struct file *file, struct uio *uio, uint64_t *pos, bool write, int flags)
{
	bool regular = file->vnode && file->vnode->type == S_IFREG;
	struct file appending;
	ssize_t done;
	int error;
	ssize_t (*op)(struct file *file, struct uio *uio, uint64_t *pos) = write ? file->ops->write : file->ops->read;

	if (flags & RWF_NOWAIT)
		return write || file->ops->read != regular_file_ops.read ? -EOPNOTSUPP : inotify_bytes(file, IN_ACCESS, read_now(file, uio, pos));
	if (!op)
		return -EINVAL;
	if (write && regular && flags & RWF_APPEND) {
		/* As if by an open file that differs in this alone. Writing changes nothing in it but the position, which is not its own. */
		appending = *file;
		appending.flags |= O_APPEND;
		done = op(&appending, uio, pos);
	} else {
		done = op(file, uio, pos);
	}
	inotify_bytes(file, write ? IN_MODIFY : IN_ACCESS, done);
	if (write && done > 0 && flags & (RWF_DSYNC | RWF_SYNC) && file->ops->fsync) {
		error = file->ops->fsync(file, !(flags & RWF_SYNC));
		if (error)
			return error;
	}
	return done;
}

/* @pos -1: where the file stands. */
static ssize_t transfer_fd(int fd, struct uio *uio, int64_t pos, bool write, int flags)
{
	struct fd_ref ref = fd_borrow(fd);
	struct file *file = ref.file;
	uint64_t given = pos;
	ssize_t done;

	if (!file)
		return -EBADF;
	if (!(file->rights & (write ? FILE_RIGHT_WRITE : FILE_RIGHT_READ))) {
		done = -EBADF;
	} else if (pos >= 0 && !file->ops->seek) {
		done = -ESPIPE;
	} else if (!(write ? file->ops->write : file->ops->read)) {
		done = -EINVAL;
	} else if (!uio->left) {
		/* The file is not asked for no bytes: some would take it for a message. */
		done = 0;
	} else if (flags & ~TRANSFER_FLAGS) {
		done = -EOPNOTSUPP;
	} else if (pos >= 0 || !file->ops->seek) {
		done = file_transfer(file, uio, pos >= 0 ? &given : &file->pos, write, flags);
	} else if (flags & RWF_NOWAIT ? !mutex_try_lock(&file->pos_lock) : mutex_lock_killable(&file->pos_lock)) {
		done = flags & RWF_NOWAIT ? -EAGAIN : -EINTR;
	} else {
		done = file_transfer(file, uio, &file->pos, write, flags);
		mutex_unlock(&file->pos_lock);
	}
	fd_release(ref);
	return done;
}

static ssize_t transfer_vector(int fd, uaddr_t vector, int count, int64_t pos, bool write, int flags)
{
	struct transfer transfer;
	ssize_t done;

	if (pos < -1)
		return -EINVAL;
	done = transfer_read_vector(&transfer, vector, count);
	if (!done) {
		done = transfer_fd(fd, &transfer.uio, pos, write, flags);
		kfree(transfer.segments);
	}
	return done;
}

/* On a 64-bit machine the low half already is the whole position. */
COLD long sys_preadv(int fd, uaddr_t vector, int count, uint64_t pos_low, uint64_t pos_high)
{
	return (int64_t)pos_low < 0 ? -EINVAL : transfer_vector(fd, vector, count, pos_low, false, 0);
}

COLD long sys_pwritev(int fd, uaddr_t vector, int count, uint64_t pos_low, uint64_t pos_high)
{
	return (int64_t)pos_low < 0 ? -EINVAL : transfer_vector(fd, vector, count, pos_low, true, 0);
}

long sys_preadv2(int fd, uaddr_t vector, int count, uint64_t pos_low, uint64_t pos_high, int flags)
{
	return transfer_vector(fd, vector, count, pos_low, false, flags);
}

long sys_pwritev2(int fd, uaddr_t vector, int count, uint64_t pos_low, uint64_t pos_high, int flags)
{
	return transfer_vector(fd, vector, count, pos_low, true, flags);
}
