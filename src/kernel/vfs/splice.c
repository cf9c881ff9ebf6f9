/* SPDX-License-Identifier: MIT */
/*
 * splice(2), tee(2) and vmsplice(2): between a pipe and something else. Bytes are copied; what they promise is that none is lost on the way: what
 * the target does not take stays in the pipe, and what a pipe has no room for stays where it was. As on Linux no lock is held on the position of a file.
 */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "net/net.h"
#include "process/signal.h"
#include "vfs/fd_table.h"
#include "vfs/pipe_inside.h"
#include "vfs/poll.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8, SPLICE_F_ALL = 15 };
enum { CHUNK = 16384 };

/* How a splice goes on: what both ends' flags and its own say. */
static bool is_patient(uint32_t file_flags, unsigned flags)
{
	return !(file_flags & O_NONBLOCK) && !(flags & SPLICE_F_NONBLOCK);
}

bool file_can_splice(const struct file *file)
{
	return file->vnode ? file->vnode->type == S_IFREG || file->vnode->type == S_IFCHR : unix_is_socket(file);
}

/* What has been read of it is there again. A device's place may be its own (/dev/kmsg), wherever it is read from. */
static bool is_lasting(const struct file *file)
{
	return file->vnode && file->vnode->type == S_IFREG;
}

/* ---- Out of a pipe ---- */

/* Writes what is at the head, at most @len bytes, and takes out what was written. pipe->lock held, and let go meanwhile; @pipe is claimed. */
static ssize_t write_head(struct pipe *pipe, struct file *out, uint64_t *pos, char *buf, size_t len)
{
	struct uio_segment segment;
	struct uio uio;
	ssize_t moved;
	bool was_tight;

	uio_init_kernel(&uio, &segment, buf, len);
	len = pipe_ring_peek(&pipe->ring, 0, &uio, len);
	mutex_unlock(&pipe->lock);
	uio_init_kernel(&uio, &segment, buf, len);
	moved = out->ops->write(out, &uio, pos);
	mutex_lock(&pipe->lock);
	if (moved <= 0)
		return moved;
	was_tight = pipe_is_tight(pipe);
	pipe_ring_skip(&pipe->ring, moved);
	if (was_tight)
		wake_one(&pipe->write_queue);
	return moved;
}

static ssize_t drain(struct pipe *pipe, struct file *out, uint64_t *pos, char *buf, size_t len, bool patient)
{
	size_t done = 0;
	ssize_t moved;

	mutex_lock(&pipe->lock);
	moved = signal_pending() ? -ERESTARTSYS : pipe_wait_for_bytes(pipe, patient);
	if (moved <= 0) {
		mutex_unlock(&pipe->lock);
		return moved;
	}
	pipe->claimed = true;
	do {
		moved = write_head(pipe, out, pos, buf, MIN(len - done, (size_t)CHUNK));
		done += MAX(moved, 0);
	} while (moved > 0 && done < len && pipe->ring.used && !signal_pending());
	pipe->claimed = false;
	mutex_unlock(&pipe->lock);
	wake_all(&pipe->read_queue);
	return done ? (ssize_t)done : moved;
}

static ssize_t pipe_to_file(struct pipe *pipe, struct file *out, uint64_t *pos, size_t len, bool patient)
{
	char *buf;
	ssize_t done;

	if (out->flags & O_APPEND || !file_can_splice(out) || !out->ops->write || (ssize_t)len < 0 || (int64_t)*pos < 0 || (int64_t)(*pos + len) < 0)
		return -EINVAL;
	buf = kmalloc(CHUNK);
	if (!buf)
		return -ENOMEM;
	done = drain(pipe, out, pos, buf, MIN(len, (size_t)UIO_BYTES_MAX), patient);
	kfree(buf);
	if (done > 0)
		inotify_file(out, IN_MODIFY);
	return done;
}

/* ---- Into a pipe ---- */

/* Waits until there is room. Bytes, -EPIPE (with SIGPIPE), -EAGAIN or -ERESTARTSYS. */
static ssize_t wait_for_room(struct pipe *pipe, bool patient)
{
	ssize_t room, error = 0;

	mutex_lock(&pipe->lock);
	while (pipe->readers && !(room = pipe_ring_room(&pipe->ring)) && !error)
		error = patient ? pipe_sleep(pipe, &pipe->write_queue, WAIT_INTERRUPTIBLE) : -EAGAIN;
	if (!pipe->readers)
		room = -EPIPE;
	mutex_unlock(&pipe->lock);
	return room == -EPIPE ? pipe_is_broken() : room ? room : error;
}

/*
 * Reads up to @len bytes, for which there was room just now. If others have filled it since, what can be read again is left; bytes of a stream would be lost,
 * so then no signal ends the wait for room. -EAGAIN: no room any more, or the source has nothing.
 */
static ssize_t fill(struct pipe *pipe, struct file *in, uint64_t *pos, char *buf, size_t len)
{
	unsigned how = PIPE_IN_PIECES | (is_lasting(in) ? PIPE_AT_ONCE : PIPE_UNLESS_KILLED);
	size_t done = 0, part;
	ssize_t got, put;

	do {
		struct uio_segment segment;
		struct uio uio;
		uint64_t at = *pos;

		part = MIN(len - done, (size_t)CHUNK);
		uio_init_kernel(&uio, &segment, buf, part);
		got = put = in->ops->read(in, &uio, &at);
		if (got <= 0)
			break;
		uio_init_kernel(&uio, &segment, buf, got);
		put = pipe_put(pipe, &uio, how);
		done += MAX(put, 0);
		*pos += MAX(put, 0);
	} while (is_lasting(in) && put == (ssize_t)part && done < len && !signal_fatal_pending());
	return done ? (ssize_t)done : put;
}

static ssize_t file_to_pipe(struct file *in, uint64_t *pos, struct pipe *pipe, size_t len, bool patient)
{
	ssize_t room, done;
	char *buf;

	do {
		room = wait_for_room(pipe, patient);
		if (room < 0)
			return room;
		room = MIN(len, (size_t)room);
		if (!file_can_splice(in) || !in->ops->read || (int64_t)*pos < 0 || (int64_t)(*pos + room) < 0)
			return -EINVAL;
		buf = kmalloc(CHUNK);
		done = buf ? fill(pipe, in, pos, buf, room) : -ENOMEM;
		kfree(buf);
	} while (done == -EAGAIN && patient && is_lasting(in) && !signal_fatal_pending());
	return done;
}

/* ---- From pipe to pipe ---- */

/* Copies what there is and fits; if @take, out of @in. Bytes, 0 if there is nothing or no room any more, or a negative errno. */
static ssize_t copy_between(struct pipe *in, struct pipe *out, size_t len, bool take)
{
	struct pipe *first = MIN(in, out), *second = MAX(in, out);
	bool was_tight = false;
	ssize_t moved = 0;

	mutex_lock(&first->lock);
	mutex_lock(&second->lock);
	if (!out->readers)
		moved = -EPIPE;
	else if (!in->claimed)
		moved = pipe_ring_copy(&out->ring, &in->ring, len);
	if (moved > 0 && take) {
		was_tight = pipe_is_tight(in);
		pipe_ring_skip(&in->ring, moved);
	}
	mutex_unlock(&second->lock);
	mutex_unlock(&first->lock);
	if (moved > 0)
		wake_one(&out->read_queue);
	if (was_tight)
		wake_one(&in->write_queue);
	return moved == -EPIPE ? pipe_is_broken() : moved;
}

static ssize_t pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, bool take, bool patient)
{
	ssize_t bytes, room, moved;

	do {
		mutex_lock(&in->lock);
		bytes = pipe_wait_for_bytes(in, patient);
		mutex_unlock(&in->lock);
		room = bytes < 0 ? bytes : wait_for_room(out, patient);
		if (room < 0 || !bytes)
			return MIN(room, (ssize_t)0);
		moved = copy_between(in, out, len, take);
	} while (!moved && patient);
	return moved ? moved : -EAGAIN;
}

/* ---- The calls ---- */

/* Where a file is read or written: its own position, or one that the caller keeps. */
struct place { struct file *file; struct pipe *pipe; uaddr_t offset; uint64_t pos; };

static int get_place(struct place *place)
{
	place->pos = place->file->pos;
	if (!place->offset)
		return 0;
	if (get_user_u64(&place->pos, place->offset))
		return -EFAULT;
	return 0;
}

static int put_place(const struct place *place)
{
	if (place->pipe)
		return 0;
	if (place->offset)
		return put_user_u64(place->offset, place->pos) ? -EFAULT : 0;
	place->file->pos = place->pos;
	return 0;
}

static ssize_t splice_between(struct place *in, struct place *out, size_t len, unsigned flags)
{
	if (!(in->file->rights & FILE_RIGHT_READ) || !(out->file->rights & FILE_RIGHT_WRITE))
		return -EBADF;
	if (in->pipe && out->pipe)
		return in->pipe == out->pipe ? -EINVAL :
			pipe_to_pipe(in->pipe, out->pipe, len, true, is_patient(in->file->flags | out->file->flags, flags));
	/* A stream has no other place than the next. */
	if ((in->offset && !in->file->ops->seek) || (out->offset && !out->file->ops->seek))
		return -EINVAL;
	if (in->pipe)
		return pipe_to_file(in->pipe, out->file, &out->pos, len, is_patient(in->file->flags, flags));
	if (flags & SPLICE_F_NONBLOCK && in->file->ops->poll && !(in->file->ops->poll(in->file, NULL) & (POLL_IN | POLL_ALWAYS)))
		return -EAGAIN;
	return out->pipe ? file_to_pipe(in->file, &in->pos, out->pipe, len, is_patient(out->file->flags, flags)) : -EINVAL;
}

static long splice_files(struct file *from, uaddr_t in_offset, struct file *to, uaddr_t out_offset, size_t len, unsigned flags)
{
	struct place in = { from, pipe_behind(from), in_offset, 0 }, out = { to, pipe_behind(to), out_offset, 0 };
	long done;

	if ((in.pipe && in_offset) || (out.pipe && out_offset))
		return -ESPIPE;
	if (get_place(&out) || get_place(&in))
		return -EFAULT;
	done = splice_between(&in, &out, len, flags);
	if (done < 0)
		return done;
	return put_place(&out) || put_place(&in) ? -EFAULT : done;
}

long sys_splice(int in, uaddr_t in_offset, int out, uaddr_t out_offset, size_t len, unsigned flags)
{
	struct fd_ref from, to;
	long result = -EBADF;

	if (!len)
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	from = fd_borrow_io(in);
	to = fd_borrow_io(out);
	if (from.file && to.file)
		result = splice_files(from.file, in_offset, to.file, out_offset, len, flags);
	fd_release(from);
	fd_release(to);
	return result;
}

static long tee_files(struct file *in, struct file *out, size_t len, unsigned flags)
{
	struct pipe *from = pipe_behind(in), *to = pipe_behind(out);

	if (!(in->rights & FILE_RIGHT_READ) || !(out->rights & FILE_RIGHT_WRITE))
		return -EBADF;
	if (!from || !to || from == to)
		return -EINVAL;
	return pipe_to_pipe(from, to, len, false, is_patient(in->flags | out->flags, flags));
}

long sys_tee(int in, int out, size_t len, unsigned flags)
{
	struct fd_ref from, to;
	long result = -EBADF;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	from = fd_borrow_io(in);
	to = fd_borrow_io(out);
	if (from.file && to.file)
		result = tee_files(from.file, to.file, len, flags);
	fd_release(from);
	fd_release(to);
	return result;
}

static ssize_t move_segments(struct file *file, const struct uio_segment *segments, size_t count, bool patient)
{
	struct pipe *pipe = pipe_behind(file);
	struct uio uio;
	int error = uio_init_vector(&uio, segments, count);

	if (error || !uio.left)
		return error;
	if (!pipe)
		return -EBADF;
	if (file->rights & FILE_RIGHT_WRITE)
		return pipe_put(pipe, &uio, PIPE_IN_PIECES | PIPE_WHAT_FITS | (patient ? 0 : PIPE_AT_ONCE));
	return pipe_get(pipe, &uio, patient);
}

long sys_vmsplice(int fd, uaddr_t vector, size_t count, unsigned flags)
{
	struct uio_segment *segments;
	struct fd_ref ref;
	long result;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	ref = fd_borrow_io(fd);
	if (!ref.file || !(ref.file->rights & (FILE_RIGHT_READ | FILE_RIGHT_WRITE)))
		result = -EBADF;
	else if (count > UIO_SEGMENTS_MAX)
		result = -EINVAL;
	else if (!(segments = kmalloc_array(count + 1, sizeof(*segments))))
		result = -ENOMEM;
	else {
		result = copy_from_user(segments, vector, count * sizeof(*segments));
		if (!result)
			result = move_segments(ref.file, segments, count, !(flags & SPLICE_F_NONBLOCK));
		kfree(segments);
	}
	fd_release(ref);
	return result;
}
