/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs. Both are a vnode of type FIFO with a struct pipe behind it: a pipe's vnode lives in an internal file system without names, so
 * that /proc/PID/fd/N of a pipe can be opened again.
 *
 * Locks: pipe->lock (mutex) guards the ring and the counts of ends. It is held while bytes move, but never while a page of the user's is waited for.
 * Who splices out of a pipe claims it: while the bytes, which stay in the pipe until they are where they belong, are written elsewhere without the lock,
 * nobody else takes any. vnode->attr_lock guards vnode->pipe and pipe->users. Who waits queues itself before it lets pipe->lock go, who changes something
 * wakes after it did: by wake_one for bytes and room, which all wait for but those that ask to share them (EPOLLEXCLUSIVE), and by wake_all for ends.
 */
#include "vfs/pipe_inside.h"
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "arch/x86_64/user_access_now.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/mount_tree.h"
#include "vfs/pipe_fs.h"
#include "vfs/poll.h"
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { PIPE_PAGES = 16 };
/* An ordinary user's pipes together: beyond the first part of RAM a new pipe gets one page, beyond the second it is refused. */
enum { USER_SOFT_PART = 16, USER_HARD_PART = 8 };

static size_t pipes;			/* atomic */
static struct slab_cache *pipe_slab;
static const struct file_ops pipe_file_ops;

size_t pipe_count(void) { return atomic_load_relaxed(&pipes); }

static uint64_t user_limit(unsigned part)
{
	return capabilities_may_administer() ? UINT64_MAX : frame_total() / part;
}

/* Pages that the caller may have for a new pipe, charged to @account; 0: none. */
static unsigned charge_new(struct user_account *account)
{
	if (user_account_charge_pipes(account, PIPE_PAGES, user_limit(USER_SOFT_PART)))
		return PIPE_PAGES;
	return user_account_charge_pipes(account, 1, user_limit(USER_HARD_PART)) ? 1 : 0;
}

static struct pipe *pipe_alloc(void)
{
	struct user_account *account = user_account_current();
	unsigned pages = charge_new(account);
	struct pipe *pipe = pages ? slab_zalloc(pipe_slab) : NULL;

	if (!pipe || pipe_ring_init(&pipe->ring, pages))
		goto fail;
	pipe->account = account;
	mutex_init(&pipe->lock, LOCK_PIPE);
	wait_queue_init(&pipe->read_queue);
	wait_queue_init(&pipe->write_queue);
	wait_queue_init(&pipe->open_queue);
	atomic_add(&pipes, 1);
	return pipe;
fail:
	if (pipe)
		slab_free(pipe_slab, pipe);
	user_account_charge_pipes(account, -(long)pages, 0);
	if (account)
		user_account_put(account);
	return NULL;
}

static void pipe_free(struct pipe *pipe)
{
	user_account_charge_pipes(pipe->account, -(long)pipe->ring.page_count, 0);
	if (pipe->account)
		user_account_put(pipe->account);
	pipe_ring_free(&pipe->ring);
	slab_free(pipe_slab, pipe);
	atomic_sub(&pipes, 1);
}

/* The pipe of a FIFO, made if absent, with one more user. NULL when out of memory. */
static COLD struct pipe *pipe_of_vnode(struct vnode *vnode)
{
	struct pipe *fresh = NULL, *pipe;

	for (;;) {
		spin_lock(&vnode->attr_lock);
		if (!vnode->pipe) {
			vnode->pipe = fresh;
			fresh = NULL;
		}
		pipe = vnode->pipe;
		if (pipe)
			pipe->users++;
		spin_unlock(&vnode->attr_lock);
		if (pipe)
			break;
		fresh = pipe_alloc();
		if (!fresh)
			return NULL;
	}
	if (fresh)
		pipe_free(fresh);
	return pipe;
}

static void pipe_put_user(struct vnode *vnode, struct pipe *pipe)
{
	bool last;

	spin_lock(&vnode->attr_lock);
	last = --pipe->users == 0;
	if (last)
		vnode->pipe = NULL;
	spin_unlock(&vnode->attr_lock);
	if (last)
		pipe_free(pipe);
}

int pipe_sleep(struct pipe *pipe, struct wait_queue *queue, enum wait_mode mode)
{
	int error = wait_once(queue, &pipe->lock, mode);

	mutex_lock(&pipe->lock);
	return error;
}

/*
 * This and put_now() move bytes without sleeping, so that nobody waits for the lock because somebody's memory is not there, which may be for as long as a
 * file system does not answer. In pieces, as preemption is off. -EFAULT: the memory is not there, if it is anywhere. Others may read while it comes, and
 * what one read takes was in a row in the pipe; so nothing is taken then, unless @in_part.
 */
static ssize_t take_now(struct pipe *pipe, struct uio *uio, bool in_part)
{
	size_t wanted = MIN((uint64_t)uio->left, pipe->ring.used), done = 0, piece, moved;
	struct uio before = *uio;

	do {
		piece = MIN(wanted - done, (size_t)PAGE_SIZE);
		preempt_disable();
		moved = pipe_ring_peek(&pipe->ring, done, uio, piece);
		preempt_enable();
		done += moved;
	} while (moved == piece && done < wanted);
	if (done < wanted && !(in_part && done)) {
		*uio = before;
		return -EFAULT;
	}
	pipe_ring_skip(&pipe->ring, done);
	return done;
}

static ssize_t put_now(struct pipe *pipe, struct uio *uio, bool whole)
{
	size_t rest = uio->left > PIPE_ATOMIC ? uio->left - PIPE_ATOMIC : 0;
	ssize_t moved;

	uio->left -= rest;
	preempt_disable();
	moved = whole ? pipe_ring_write_whole(&pipe->ring, uio) : pipe_ring_write(&pipe->ring, uio);
	preempt_enable();
	uio->left += rest;
	return moved;
}

/* Waits for memory of the caller with pipe->lock let go, when others have what they may be waiting for on @queue (NULL: nothing). */
static int wait_for_memory(struct pipe *pipe, const struct uio *uio, size_t len, bool write, struct wait_queue *queue)
{
	int error;

	mutex_unlock(&pipe->lock);
	if (queue)
		wake_one(queue);
	error = uio_page_in(uio, len, write);
	mutex_lock(&pipe->lock);
	return error;
}

int pipe_wait_for_bytes(struct pipe *pipe, bool patient)
{
	int error;

	for (;;) {
		if (!pipe->claimed) {
			if (pipe->ring.used)
				return 1;
			if (!pipe->writers)
				return 0;
			if (!patient)
				return -EAGAIN;
		}
		error = pipe_sleep(pipe, &pipe->read_queue, WAIT_INTERRUPTIBLE);
		if (error && (pipe->claimed || (!pipe->ring.used && pipe->writers)))
			return error;
	}
}

/*
 * Takes what there is once the memory for it is there, or as much as there is memory for. pipe->lock held, and let go meanwhile: others may fill the pipe then.
 * *@was_tight becomes true where a writer may wait for the room that this makes.
 */
static ssize_t take(struct pipe *pipe, struct uio *uio, bool *was_tight, struct wait_queue *waiting)
{
	enum { TRIES = 8 };	/* what was there may be gone again */
	ssize_t moved;

	*was_tight |= pipe_is_tight(pipe);
	moved = take_now(pipe, uio, false);

	for (unsigned tries = 1; unlikely(moved == -EFAULT); tries++) {
		int error = wait_for_memory(pipe, uio, MIN((uint64_t)uio->left, pipe->ring.used), true, waiting);

		waiting = NULL;
		if (error && error != -EFAULT)
			return error;
		if (!pipe->ring.used || pipe->claimed)
			return 0;
		*was_tight |= pipe_is_tight(pipe);
		moved = take_now(pipe, uio, error || tries == TRIES);
		if (error || tries == TRIES)
			break;
	}
	return moved;
}

ssize_t pipe_get(struct pipe *pipe, struct uio *uio, bool patient)
{
	bool was_tight = false;
	ssize_t done = 0, moved = 0;

	mutex_lock(&pipe->lock);
	while (uio->left && moved >= 0) {
		if (pipe->ring.used && !pipe->claimed) {
			moved = take(pipe, uio, &was_tight, was_tight && done ? &pipe->write_queue : NULL);
			done += MAX(moved, 0);
		} else if (done) {
			break;
		} else {
			moved = pipe_wait_for_bytes(pipe, patient);
			if (!moved)
				break;
		}
	}
	mutex_unlock(&pipe->lock);
	if (was_tight)
		wake_one(&pipe->write_queue);
	return done ? done : MIN(moved, (ssize_t)0);
}

static ssize_t pipe_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	return pipe_get(file->private, uio, !(file->flags & O_NONBLOCK));
}

ssize_t pipe_is_broken(void)
{
	if (current_process())
		signal_send_self(SIGPIPE);
	return -EPIPE;
}

ssize_t pipe_put(struct pipe *pipe, struct uio *uio, unsigned how)
{
	/* Up to PIPE_ATOMIC bytes go in as one piece. */
	bool whole = uio->left <= PIPE_ATOMIC && !(how & PIPE_IN_PIECES);
	size_t total = uio->left, need = whole ? total : 1;
	ssize_t error = 0, done;

	mutex_lock(&pipe->lock);
	while (uio->left && error >= 0) {
		if (!pipe->readers) {
			error = -EPIPE;
		} else if (pipe_ring_room(&pipe->ring) >= need) {
			error = put_now(pipe, uio, whole);
			if (error == -EFAULT)
				error = wait_for_memory(pipe, uio, need, false, uio->left < total ? &pipe->read_queue : NULL);
		} else if (how & PIPE_AT_ONCE || (how & PIPE_WHAT_FITS && uio->left < total)) {
			error = -EAGAIN;
		} else {
			wake_one(&pipe->read_queue);
			error = pipe_sleep(pipe, &pipe->write_queue, how & PIPE_UNLESS_KILLED ? WAIT_KILLABLE : WAIT_INTERRUPTIBLE);
		}
	}
	mutex_unlock(&pipe->lock);
	done = total - uio->left;
	if (done)
		wake_one(&pipe->read_queue);
	if (error == -EPIPE && !done)
		pipe_is_broken();
	return done ? done : error;
}

static ssize_t pipe_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	return pipe_put(file->private, uio, file->flags & O_NONBLOCK ? PIPE_AT_ONCE : 0);
}

static __attribute__((noinline)) ssize_t transfer_slowly(struct file *file, uint64_t at, size_t len, bool write)
{
	struct uio_segment segment = { at, len };
	struct uio uio = { .segments = &segment, .segment_count = 1, .left = len };

	return write ? pipe_write(file, &uio, NULL) : pipe_read(file, &uio, NULL);
}

/* With the lock held for what turned out not to be simple. */
static __attribute__((noinline)) ssize_t unlock_and_transfer(struct file *file, uint64_t at, size_t len, bool write)
{
	struct pipe *pipe = file->private;

	mutex_unlock(&pipe->lock);
	return transfer_slowly(file, at, len, write);
}

/* Moves bytes of one page with preemption off, so that nothing sleeps: what cannot be done so is done by pipe_read and pipe_write. */
static ssize_t pipe_read_user(struct file *file, uaddr_t to, size_t len)
{
	struct pipe *pipe = file->private;
	size_t wanted = len;
	bool was_tight;
	char *from;

	for (;;) {
		if (unlikely(!mutex_try_lock(&pipe->lock)))
			return transfer_slowly(file, to, len, false);
		if (unlikely(pipe->claimed))
			return unlock_and_transfer(file, to, len, false);
		if (pipe->ring.used)
			break;
		if (unlikely(!pipe->writers || file->flags & O_NONBLOCK))
			return unlock_and_transfer(file, to, len, false);
		if (unlikely(wait_once(&pipe->read_queue, &pipe->lock, WAIT_INTERRUPTIBLE)))
			return transfer_slowly(file, to, len, false);	/* looks once more, then at the signal */
	}
	from = pipe_ring_front(&pipe->ring, &len);
	preempt_disable();
	if (unlikely(!from || !user_copy_out_now(to, from, len))) {
		preempt_enable();
		return unlock_and_transfer(file, to, wanted, false);
	}
	was_tight = pipe_is_tight(pipe);
	pipe_ring_took(&pipe->ring, len);
	preempt_enable();
	if (unlikely(mutex_release(&pipe->lock)))
		mutex_wake(&pipe->lock);
	if (unlikely(was_tight))
		wake_one(&pipe->write_queue);
	return len;
}

static ssize_t pipe_write_user(struct file *file, uaddr_t from, size_t len)
{
	struct pipe *pipe = file->private;
	char *to;

	if (unlikely(len > PIPE_ATOMIC || !mutex_try_lock(&pipe->lock)))
		return transfer_slowly(file, from, len, true);
	if (unlikely(!pipe->readers || pipe_ring_room(&pipe->ring) < len))
		return unlock_and_transfer(file, from, len, true);
	to = pipe_ring_back(&pipe->ring, len);
	preempt_disable();
	if (unlikely(!to || !user_copy_in_now(to, from, len))) {
		preempt_enable();
		return unlock_and_transfer(file, from, len, true);
	}
	pipe_ring_put(&pipe->ring, len);
	if (unlikely(mutex_release(&pipe->lock)))
		mutex_wake(&pipe->lock);
	wake_one_nested(&pipe->read_queue);
	preempt_enable();
	return len;
}

static unsigned pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->private;
	unsigned mask = 0;

	if (file->rights & FILE_RIGHT_READ) {
		poll_wait_for(table, &pipe->read_queue, POLL_FOR_READERS);
		if (pipe_ring_used(&pipe->ring))
			mask |= POLL_IN | POLL_RDNORM;
		/* A FIFO opened before any writer came does not count as hung up. */
		if (!atomic_load(&pipe->writers) && atomic_load(&pipe->writer_opens) != file->pos)
			mask |= POLL_HUP;
	}
	if (file->rights & FILE_RIGHT_WRITE) {
		poll_wait_for(table, &pipe->write_queue, POLL_FOR_WRITERS);
		if (pipe_ring_room(&pipe->ring) >= PIPE_ATOMIC)
			mask |= POLL_OUT | POLL_WRNORM;
		if (!atomic_load(&pipe->readers))
			mask |= POLL_ERR;
	}
	return mask;
}

static long pipe_ioctl(struct file *file, unsigned request, uint64_t argument)
{
	struct pipe *pipe = file->private;

	if (request != FIONREAD)
		return -ENOTTY;
	return put_user_u32(argument, pipe_ring_used(&pipe->ring));
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;

	mutex_lock(&pipe->lock);
	if (file->rights & FILE_RIGHT_READ)
		atomic_store(&pipe->readers, pipe->readers - 1);
	if (file->rights & FILE_RIGHT_WRITE)
		atomic_store(&pipe->writers, pipe->writers - 1);
	mutex_unlock(&pipe->lock);
	wake_all(&pipe->read_queue);
	wake_all(&pipe->write_queue);
	pipe_put_user(file->vnode, pipe);
}

static const struct file_ops pipe_file_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.read_user = pipe_read_user,
	.write_user = pipe_write_user,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

/* Counts @file's ends and lets waiting opens look. pipe->lock held. */
static void count_ends(struct pipe *pipe, const struct file *file)
{
	if (file->rights & FILE_RIGHT_READ) {
		atomic_store(&pipe->readers, pipe->readers + 1);
		pipe->reader_opens++;
	}
	if (file->rights & FILE_RIGHT_WRITE) {
		atomic_store(&pipe->writers, pipe->writers + 1);
		atomic_store(&pipe->writer_opens, pipe->writer_opens + 1);
	}
	wake_all(&pipe->open_queue);
}

/* Waits for the other side of a FIFO. pipe->lock held. */
static int wait_for_partner(struct pipe *pipe, const struct file *file)
{
	bool reads = file->rights == FILE_RIGHT_READ;
	const unsigned *opens = reads ? &pipe->writer_opens : &pipe->reader_opens;
	const unsigned *there = reads ? &pipe->writers : &pipe->readers;
	unsigned before = *opens;
	int error = 0;

	while (!*there && *opens == before && !error)
		error = pipe_sleep(pipe, &pipe->open_queue, WAIT_INTERRUPTIBLE);
	return *there || *opens != before ? 0 : error;
}

COLD int pipe_open_fifo(struct file *file)
{
	struct pipe *pipe;
	int error = 0;

	if (!(file->rights & (FILE_RIGHT_READ | FILE_RIGHT_WRITE)))
		return -EINVAL;
	pipe = pipe_of_vnode(file->vnode);
	if (!pipe)
		return -ENOMEM;
	mutex_lock(&pipe->lock);
	if (file->vnode->hashed && file->rights == FILE_RIGHT_WRITE && file->flags & O_NONBLOCK && !pipe->readers) {
		mutex_unlock(&pipe->lock);
		pipe_put_user(file->vnode, pipe);
		return -ENXIO;
	}
	file->private = pipe;
	file->ops = &pipe_file_ops;
	count_ends(pipe, file);
	if (file->rights == FILE_RIGHT_READ && file->flags & O_NONBLOCK) {
		if (!pipe->writers)
			file->pos = pipe->writer_opens;	/* see pipe_poll */
	} else if (file->vnode->hashed && file->rights != (FILE_RIGHT_READ | FILE_RIGHT_WRITE)) {
		/* Not for a pipe of pipe(2), opened again as /dev/stdin: its other end may have gone and never come back. */
		error = wait_for_partner(pipe, file);
	}
	mutex_unlock(&pipe->lock);
	if (error)
		pipe_release(file);
	return error;
}

struct pipe *pipe_behind(const struct file *file)
{
	return file->ops == &pipe_file_ops ? file->private : NULL;
}

long pipe_get_size(struct file *file)
{
	struct pipe *pipe = file->private;

	return file->ops == &pipe_file_ops ? (long)pipe->ring.page_count << PAGE_SHIFT : -EBADF;
}

COLD long pipe_set_size(struct file *file, uint64_t size)
{
	struct pipe *pipe = file->private;
	uint64_t pages = 1;
	long error;

	if (file->ops != &pipe_file_ops)
		return -EBADF;
	if (size > INT32_MAX)
		return -EINVAL;
	while (pages << PAGE_SHIFT < size)
		pages *= 2;
	if (pages > PIPE_PAGES_MAX && !capabilities_may_administer())
		return -EPERM;
	mutex_lock(&pipe->lock);
	long more = (long)pages - pipe->ring.page_count;

	if (more > 0 && !user_account_charge_pipes(pipe->account, more, user_limit(USER_HARD_PART))) {
		mutex_unlock(&pipe->lock);
		return -EPERM;
	}
	error = more ? pipe_ring_resize(&pipe->ring, pages) : 0;
	if (error ? more > 0 : more < 0)
		user_account_charge_pipes(pipe->account, error ? -more : more, 0);
	mutex_unlock(&pipe->lock);
	wake_all(&pipe->write_queue);
	return error ? error : (long)(pages << PAGE_SHIFT);
}

/* One end of the pipe at @place. */
static struct file *make_end(const struct path *place, struct pipe *pipe, uint32_t flags)
{
	struct path own = *place;
	struct file *file;

	path_get(&own);
	file = file_create_at(&pipe_file_ops, flags, &own);
	if (!file)
		return NULL;
	spin_lock(&file->vnode->attr_lock);
	pipe->users++;
	spin_unlock(&file->vnode->attr_lock);
	file->private = pipe;
	mutex_lock(&pipe->lock);
	count_ends(pipe, file);
	mutex_unlock(&pipe->lock);
	return file;
}

static int make_ends(uint32_t flags, struct file *ends[2])
{
	struct path place;
	struct pipe *pipe;
	int error = pipe_fs_new_place(&place);

	if (error)
		return error;
	pipe = pipe_of_vnode(place.dentry->vnode);
	if (pipe) {
		ends[0] = make_end(&place, pipe, O_RDONLY | flags);
		ends[1] = make_end(&place, pipe, O_WRONLY | flags);
		pipe_put_user(place.dentry->vnode, pipe);
	}
	path_put(&place);
	if (ends[0] && ends[1])
		return 0;
	for (int i = 0; i < 2; i++)
		if (ends[i])
			file_put(ends[i]);
	return -ENFILE;
}

long sys_pipe2(uaddr_t fds, int flags)
{
	struct file *ends[2] = { NULL, NULL };
	int numbers[2], error;

	/* O_DIRECT (packets) is not offered. */
	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	numbers[0] = fd_reserve(0, flags & O_CLOEXEC);
	if (numbers[0] < 0)
		return numbers[0];
	numbers[1] = fd_reserve(0, flags & O_CLOEXEC);
	error = numbers[1] < 0 ? numbers[1] : copy_to_user(fds, numbers, sizeof(numbers));
	if (!error)
		error = make_ends(flags & O_NONBLOCK, ends);
	for (int i = 0; i < 2; i++) {
		if (!error)
			fd_fill(numbers[i], ends[i]);
		else if (numbers[i] >= 0)
			fd_unreserve(numbers[i]);
	}
	return error;
}

long sys_pipe(uaddr_t fds)
{
	return sys_pipe2(fds, 0);
}

void pipe_init(void)
{
	pipe_slab = slab_cache_create("pipe", sizeof(struct pipe), 64);
	if (!pipe_slab || pipe_fs_init())
		panic("pipe: no memory for the internal file system");
}
