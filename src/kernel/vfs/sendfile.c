/* SPDX-License-Identifier: MIT */
/* sendfile(2): copies between descriptors through a kernel buffer. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include <linux/fcntl.h>

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

/* Writes all of @len bytes if it can; what was written. An error counts only if nothing was. */
static ssize_t write_chunk(struct file *out, const char *buf, size_t len)
{
	struct uio_segment segment;
	struct uio uio;
	size_t done = 0;

	while (done < len) {
		ssize_t moved;

		uio_init_kernel(&uio, &segment, (char *)buf + done, len - done);
		moved = out->ops->write(out, &uio, &out->pos);
		if (moved <= 0)
			return done ? (ssize_t)done : moved;
		done += moved;
	}
	return done;
}

static ssize_t copy_data(struct file *out, struct file *in, uint64_t *pos, size_t count)
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
		moved = write_chunk(out, buf, got);
		if (moved <= 0)
			break;
		*pos += moved;
		done += moved;
		if (moved < got)
			break;
	}
	kfree(buf);
	return done ? (ssize_t)done : moved;
}

static ssize_t send_between(struct file *out, struct file *in, uaddr_t offset, size_t count)
{
	uint64_t pos = 0;
	ssize_t done;

	if (!(in->rights & FILE_RIGHT_READ) || !(out->rights & FILE_RIGHT_WRITE))
		return -EBADF;
	if (!in->ops->seek || !in->ops->read || !out->ops->write || out->flags & O_APPEND)
		return in->ops->seek || !offset ? -EINVAL : -ESPIPE;
	if (offset) {
		if (get_user_u64(&pos, offset))
			return -EFAULT;
		if ((int64_t)pos < 0)
			return -EINVAL;
		done = copy_data(out, in, &pos, count);
		return put_user_u64(offset, pos) ? -EFAULT : done;
	}
	mutex_lock(&in->pos_lock);
	done = copy_data(out, in, &in->pos, count);
	mutex_unlock(&in->pos_lock);
	return done;
}

long sys_sendfile(int out, int in, uaddr_t offset, size_t count)
{
	struct fd_ref from = fd_borrow_io(in), to = fd_borrow_io(out);
	long result = from.file && to.file ? send_between(to.file, from.file, offset, MIN(count, SENDFILE_MAX)) : -EBADF;

	fd_release(from);
	fd_release(to);
	return result;
}
