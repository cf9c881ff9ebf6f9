/* SPDX-License-Identifier: MIT */
/* sendfile(2) and copy_file_range(2): copies between descriptors through a kernel buffer. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/pipe_inside.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { CHUNK = 16384 };
#define SENDFILE_MAX 0x7ffff000ul

/* Reads up to @len bytes at *pos, which does not move. */
static ssize_t read_chunk(struct file *in, char *buf, size_t len, uint64_t pos)
{
	struct uio_segment segment;
	struct uio uio;

	uio_init_kernel(&uio, &segment, buf, len);
	return in->ops->read(in, &uio, &pos);
}

static ssize_t write_chunk(struct file *out, uint64_t *pos, char *buf, size_t len)
{
	struct uio_segment segment;
	struct uio uio;

	uio_init_kernel(&uio, &segment, buf, len);
	return out->ops->write(out, &uio, pos);
}

static ssize_t copy_data(struct file *out, uint64_t *out_pos, struct file *in, uint64_t *pos, size_t count)
{
	char *buf = kmalloc(CHUNK);
	size_t done = 0;
	ssize_t moved = 0;

	if (!buf)
		return -ENOMEM;
	while (done < count) {
		ssize_t got = read_chunk(in, buf, MIN(count - done, (size_t)CHUNK), *pos);

		if (got <= 0) {
			moved = got;
			break;
		}
		moved = write_chunk(out, out_pos, buf, got);
		if (moved <= 0)
			break;
		*pos += moved;
		done += moved;
		/* To ask for the rest could mean a signal of its own, for a file that may not become larger. */
		if (moved < got)
			break;
	}
	kfree(buf);
	if (done) {
		inotify_file(in, IN_ACCESS);
		inotify_file(out, IN_MODIFY);
	}
	return done ? (ssize_t)done : moved;
}

/* Where a copy reads or writes: at the file's own position, or at one that the caller keeps. */
static int get_position(struct file *file, uaddr_t offset, uint64_t *pos)
{
	*pos = file->pos;
	return offset && get_user_u64(pos, offset) ? -EFAULT : 0;
}

static ssize_t send_between(struct file *out, struct file *in, uaddr_t offset, size_t count)
{
	uint64_t pos;
	ssize_t done;

	if (!(in->rights & FILE_RIGHT_READ) || !(out->rights & FILE_RIGHT_WRITE))
		return -EBADF;
	if (offset && !in->ops->seek)
		return -ESPIPE;
	if (get_position(in, offset, &pos))
		return -EFAULT;
	if (!in->ops->seek || !in->ops->read || !out->ops->write || out->flags & O_APPEND || !file_can_splice(in) || (ssize_t)count < 0 ||
	    (int64_t)pos < 0 || (int64_t)(pos + count) < 0)
		return -EINVAL;
	count = MIN(count, SENDFILE_MAX);
	if (offset) {
		done = copy_data(out, &out->pos, in, &pos, count);
		return put_user_u64(offset, pos) ? -EFAULT : done;
	}
	if (mutex_lock_killable(&in->pos_lock))
		return -EINTR;
	done = copy_data(out, &out->pos, in, &in->pos, count);
	mutex_unlock(&in->pos_lock);
	return done;
}

long sys_sendfile(int out, int in, uaddr_t offset, size_t count)
{
	struct fd_ref from = fd_borrow_io(in), to = fd_borrow_io(out);
	long result = from.file && to.file ? send_between(to.file, from.file, offset, count) : -EBADF;

	fd_release(from);
	fd_release(to);
	return result;
}

static int put_position(struct file *file, uaddr_t offset, uint64_t pos)
{
	if (offset)
		return put_user_u64(offset, pos) ? -EFAULT : 0;
	file->pos = pos;
	return 0;
}

/* Cuts *count to what there is to copy. */
static int check_range(struct file *out, uint64_t to, struct file *in, uint64_t from, size_t *count)
{
	uint64_t size;
	unsigned in_type = in->vnode ? in->vnode->type & S_IFMT : 0, out_type = out->vnode ? out->vnode->type & S_IFMT : 0;

	if (in_type == S_IFDIR || out_type == S_IFDIR)
		return -EISDIR;
	if (in_type != S_IFREG || out_type != S_IFREG)
		return -EINVAL;
	if (!(in->rights & FILE_RIGHT_READ) || !(out->rights & FILE_RIGHT_WRITE) || out->flags & O_APPEND)
		return -EBADF;
	if (in->vnode->fs != out->vnode->fs)
		return -EXDEV;
	if (from + *count < from || to + *count < to)
		return -EOVERFLOW;
	if ((int64_t)from < 0 || (int64_t)to < 0)
		return -EINVAL;
	size = atomic_load(&in->vnode->object.size);
	*count = MIN(*count, size - MIN(from, size));
	return in->vnode == out->vnode && from < to + *count && to < from + *count ? -EINVAL : 0;
}

/* As on Linux no lock is held on the positions: two of these at once with one open file leave it somewhere. */
static ssize_t copy_range(struct file *out, uaddr_t out_offset, struct file *in, uaddr_t in_offset, size_t count)
{
	uint64_t from, to;
	ssize_t done;
	int error = get_position(in, in_offset, &from);

	if (!error)
		error = get_position(out, out_offset, &to);
	if (!error)
		error = check_range(out, to, in, from, &count);
	if (error)
		return error;
	done = copy_data(out, &to, in, &from, MIN(count, SENDFILE_MAX));
	if (done <= 0)
		return done;
	error = put_position(in, in_offset, from);
	return put_position(out, out_offset, to) || error ? -EFAULT : done;
}

long sys_copy_file_range(int in, uaddr_t in_offset, int out, uaddr_t out_offset, size_t count, unsigned flags)
{
	struct fd_ref from = fd_borrow_io(in), to = fd_borrow_io(out);
	long result = -EBADF;

	if (from.file && to.file)
		result = flags ? -EINVAL : copy_range(to.file, out_offset, from.file, in_offset, count);
	fd_release(from);
	fd_release(to);
	return result;
}
