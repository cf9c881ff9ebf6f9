/* SPDX-License-Identifier: MIT */
/* Writing back (sync, fsync), space (fallocate), and advice about reading ahead. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/page_table.h"
#include "process/process.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "vfs/fd_table.h"
#include "vfs/file_data.h"
#include "vfs/fs_registry.h"
#include "vfs/memfd.h"
#include "vfs/mount_list.h"
#include "vfs/regular_file.h"
#include "vfs/vnode.h"
#include "vfs/worker.h"
#include "vfs/watch.h"
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>

enum { SYNC_AT_END_NS = 10 * 1000 * 1000 * 1000ull };

static uint32_t syncing;	/* atomic: threads of vfs_sync_at_end() */
static struct wait_queue synced = WAIT_QUEUE_INIT(synced);

/* Files that were let go before count, too: what was removed is freed. The first error. */
static int sync_fs(struct fs *fs)
{
	int error = fs_worker_wait_for_ends(fs) ?: vnode_flush_all(fs);

	return error != -EINTR && fs->ops->sync ? fs->ops->sync(fs) ?: error : error;
}

/* What is read-only was told everything when it became so. */
static void sync_writable(struct fs *fs)
{
	if (!(fs->flags & FS_READ_ONLY))
		sync_fs(fs);
}

/* A server that does not answer keeps nobody else's data from the disk: its file system comes last. */
long sys_sync(void)
{
	struct fs *fs = NULL;

	while ((fs = fs_next_mounted(fs)))
		if (!(fs->flags & FS_SERVED))
			sync_writable(fs);
	while ((fs = fs_next_mounted(fs)))
		if (fs->flags & FS_SERVED && !signal_fatal_pending())
			sync_writable(fs);
	return 0;
}

static void sync_thread(void *fs)
{
	sync_writable(fs);
	fs_put(fs);
	atomic_sub(&syncing, 1);
	wake_all(&synced);
}

void vfs_sync_at_end(void)
{
	uint64_t deadline = clock_monotonic_ns() + SYNC_AT_END_NS;
	struct waiter waiter;
	struct fs *fs = NULL;

	while ((fs = fs_next_mounted(fs))) {
		struct thread *thread = thread_create_kernel("sync", sync_thread, fs, CLASS_NORMAL);

		if (!thread)
			continue;
		fs_get(fs);
		atomic_add(&syncing, 1);
		thread_start(thread);
	}
	wait_begin(&synced, &waiter);
	while (atomic_load(&syncing) && wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE) != -ETIMEDOUT)
		;
	wait_end(&waiter);
	if (atomic_load(&syncing))
		log_error("vfs: a file system does not answer; what it was not told is lost");
}

long sys_syncfs(int fd)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long error = 0;

	if (!ref.file)
		return -EBADF;
	if (ref.file->vnode)
		error = sync_fs(ref.file->vnode->fs);
	fd_release(ref);
	return error;
}

static long sync_descriptor(int fd, bool data_only)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long error;

	if (!ref.file)
		return -EBADF;
	error = ref.file->ops->fsync ? ref.file->ops->fsync(ref.file, data_only) : -EINVAL;
	fd_release(ref);
	return error;
}

long sys_fsync(int fd)
{
	return sync_descriptor(fd, false);
}

long sys_fdatasync(int fd)
{
	return sync_descriptor(fd, true);
}

/* Of the whole file: more than was asked for, and data that are on their way are waited for. */
long sys_sync_file_range(int fd, int64_t offset, int64_t len, unsigned flags)
{
	struct fd_ref ref = fd_borrow_io(fd);
	const struct vnode *vnode = ref.file ? ref.file->vnode : NULL;
	int64_t end = (uint64_t)offset + len;
	long error = 0;

	if (!ref.file)
		return -EBADF;
	if (flags & ~(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) || (offset | len | end) < 0)
		error = -EINVAL;
	else if (!vnode || (vnode->type != S_IFREG && vnode->type != S_IFDIR))
		error = -ESPIPE;
	else if (flags && vnode->type == S_IFREG && ref.file->ops->fsync)
		error = ref.file->ops->fsync(ref.file, true);
	fd_release(ref);
	return error;
}

/* Brings the pages of a range into memory, so that no later write can fail for lack of it. vnode->write_lock held. */
static int populate(struct vnode *vnode, uint64_t start, uint64_t end, bool for_write)
{
	struct frame *frame;
	int error = 0;

	for (uint64_t index = start >> PAGE_SHIFT; !error && index << PAGE_SHIFT < end; index++) {
		error = vm_object_get_page(&vnode->object, index, for_write, &frame);
		if (!error)
			frame_put(frame);
		if (!error && signal_fatal_pending())
			error = -EINTR;
	}
	return error;
}

/* The same where data are blocks of a disk: they get such, which are zeroes. */
static int allocate_blocks(struct vnode *vnode, uint64_t start, uint64_t end, bool keep_size)
{
	const uint64_t piece = 16 << 20;
	uint64_t old = atomic_load(&vnode->object.size);
	int error = 0;

	while (start < end && !error) {
		uint64_t len = MIN(end - start, piece);
		int64_t room = vnode->fs->data->begin_write(vnode, start, len);

		error = room < 0 ? room : (uint64_t)room < len ? -ENOSPC : signal_fatal_pending() ? -EINTR : 0;
		if (!error && !keep_size)
			vnode_touch_written(vnode, start + len);
		if (room >= 0)
			vnode->fs->data->end_write(vnode);
		start += len;
	}
	if (error && end > old && !keep_size)
		vnode_truncate_locked(vnode, old);
	return error;
}

static int allocate(struct vnode *vnode, uint64_t start, uint64_t len, bool keep_size)
{
	uint64_t end = start + len, old = atomic_load(&vnode->object.size);
	size_t last = 1;
	/* Of what the file has already nobody takes more, also without a new size. */
	int error = end > old ? regular_file_check_limit(end - 1, &last) : 0;

	if (error)
		return error;
	if (vnode->fs->flags & FS_READ_ONLY)
		return -EROFS;
	if (keep_size)
		end = MIN(end, old);
	if (vnode->fs->data)
		return allocate_blocks(vnode, start, end, keep_size);
	if ((len >> PAGE_SHIFT) > frame_free())
		return -ENOSPC;
	if (!keep_size && end > old)
		vnode_touch_written(vnode, end);
	error = populate(vnode, start, end, true);
	/* What could not be had is not kept in part. */
	if (error && !keep_size && end > old)
		vnode_truncate_locked(vnode, old);
	return error == -ENOMEM ? -ENOSPC : error;
}

/* Clears a range inside the file by writing zeroes; the size stays. */
static int clear_bytes(struct vnode *vnode, uint64_t start, uint64_t end)
{
	ssize_t done = 0;

	while (start < end && done >= 0) {
		struct uio_segment segment;
		struct uio uio;

		uio_init_kernel(&uio, &segment, frame_virt(zero_frame), MIN((uint64_t)PAGE_SIZE, end - start));
		done = vm_object_write(&vnode->object, start, &uio);
		if (done > 0)
			start += done;
		if (!done)
			return -EIO;
	}
	if (done >= 0)
		vnode_touch_written(vnode, 0);
	return done < 0 ? done : 0;
}

/* Zeroes for the bytes that are there, or that the file system has below @below. */
static int clear_present(struct vnode *vnode, uint64_t start, uint64_t end, uint64_t below)
{
	uint64_t stop;
	int error = 0;

	for (; start < end && !error; start = stop) {
		struct frame *frame = start < below ? NULL : vm_object_find_page(&vnode->object, start >> PAGE_SHIFT);

		stop = MIN(end, ROUND_DOWN(start, (uint64_t)PAGE_SIZE) + PAGE_SIZE);
		if (frame)
			frame_put(frame);
		if (frame || start < below)
			error = clear_bytes(vnode, start, stop);
	}
	return error;
}

COLD int vnode_punch_locked(struct vnode *vnode, uint64_t start, uint64_t end)
{
	uint64_t size = atomic_load(&vnode->object.size), below = vnode_bytes_below(vnode), first, last;
	int error;

	if (!(vnode->fs->flags & FS_PAGES_ARE_DATA))
		return -EOPNOTSUPP;
	first = ROUND_UP(MAX(start, MIN(below, end)), (uint64_t)PAGE_SIZE);
	last = end < size ? ROUND_DOWN(end, (uint64_t)PAGE_SIZE) : ROUND_UP(size, (uint64_t)PAGE_SIZE);
	end = MIN(end, size);
	error = clear_present(vnode, start, MIN(first, end), below);
	if (!error && first < last)
		vm_object_punch(&vnode->object, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
	if (!error)
		error = clear_present(vnode, MAX(first, last), end, below);
	vnode_touch_written(vnode, 0);
	return error;
}

COLD int vnode_punch(struct vm_object *object, uint64_t start, uint64_t end)
{
	struct vnode *vnode = container_of(object, struct vnode, object);
	int error = mutex_lock_killable(&vnode->write_lock);

	if (error)
		return error;
	error = memfd_check_allocate(vnode, FALLOC_FL_PUNCH_HOLE, start, end - start) ?: vnode_punch_locked(vnode, start, end);
	mutex_unlock(&vnode->write_lock);
	return error;
}

static long allocate_file(struct file *file, int mode, uint64_t offset, uint64_t len)
{
	struct vnode *vnode = file->vnode;
	long error;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE) || mode == FALLOC_FL_PUNCH_HOLE)
		return -EOPNOTSUPP;
	if (!(file->rights & FILE_RIGHT_WRITE))
		return -EBADF;
	if (!vnode || vnode->type != S_IFREG)
		return vnode && vnode->type == S_IFDIR ? -EISDIR : vnode && vnode->type == S_IFIFO ? -ESPIPE : -ENODEV;
	if (offset > FILE_SIZE_MAX || len > FILE_SIZE_MAX - offset)
		return -EFBIG;
	if (mutex_lock_killable(&vnode->write_lock))
		return -EINTR;
	error = memfd_check_allocate(vnode, mode, offset, len);
	if (!error)
		error = mode & FALLOC_FL_PUNCH_HOLE ? vnode_punch_locked(vnode, offset, offset + len) : allocate(vnode, offset, len, mode);
	mutex_unlock(&vnode->write_lock);
	if (!error)
		inotify_file(file, IN_MODIFY);
	return error;
}

long sys_fallocate(int fd, int mode, int64_t offset, int64_t len)
{
	struct fd_ref ref;
	long error;

	ref = fd_borrow_io(fd);
	if (!ref.file)
		return -EBADF;
	error = offset < 0 || len <= 0 ? -EINVAL : allocate_file(ref.file, mode, offset, len);
	fd_release(ref);
	return error;
}

/* Reading ahead: bounded, so that an advice never takes the memory that others need. */
static void read_ahead(struct vnode *vnode, uint64_t start, uint64_t len)
{
	const uint64_t most = 2 << 20;
	uint64_t size = atomic_load(&vnode->object.size);

	if (start < size && frame_free() > frame_total() / 8)
		populate(vnode, start, MIN(size, start + MIN(len, most)), false);
}

long sys_readahead(int fd, int64_t offset, size_t count)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long error = 0;

	if (!ref.file)
		return -EBADF;
	if (!(ref.file->rights & FILE_RIGHT_READ))
		error = -EBADF;
	else if (!ref.file->vnode || ref.file->vnode->type != S_IFREG || offset < 0)
		error = -EINVAL;
	else
		read_ahead(ref.file->vnode, offset, count);
	fd_release(ref);
	return error;
}

/* Pages that lie wholly in the range; the last one of the file counts as whole. */
static void forget(struct vnode *vnode, uint64_t offset, uint64_t len)
{
	uint64_t end = len ? offset + len : UINT64_MAX;

	end = end >= atomic_load_relaxed(&vnode->object.size) ? UINT64_MAX : end;
	vm_object_forget(&vnode->object, ROUND_UP(offset, PAGE_SIZE) >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

long sys_fadvise64(int fd, int64_t offset, int64_t len, int advice)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long error = 0;

	if (!ref.file)
		return -EBADF;
	if (ref.file->vnode && ref.file->vnode->type == S_IFIFO)
		error = -ESPIPE;
	else if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		error = -EINVAL;
	else if (advice == POSIX_FADV_WILLNEED && ref.file->vnode && ref.file->vnode->type == S_IFREG && offset >= 0)
		read_ahead(ref.file->vnode, offset, len ? (uint64_t)len : UINT64_MAX / 2);
	else if (advice == POSIX_FADV_DONTNEED && ref.file->vnode && ref.file->vnode->type == S_IFREG && offset >= 0)
		forget(ref.file->vnode, offset, len);
	fd_release(ref);
	return error;
}
