/* SPDX-License-Identifier: MIT */
/*
 * Regular files: reads and writes through the page cache. Writers of one file are serialised by vnode->write_lock, readers run beside them
 * (page by page, as Linux has it). Also the operations of a file opened with O_PATH: none.
 */
#include "vfs/file_life.h"
#include "vfs/regular_file.h"
#include "lib/errno.h"
#include "mm/vm_object.h"
#include "process/process.h"
#include "vfs/file_data.h"
#include "vfs/mount_tree.h"
#include "vfs/vnode.h"
#include <asm/resource.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

static bool wants_atime(const struct file *file)
{
	return !(file->flags & O_NOATIME) && !(atomic_load_relaxed(&file->path.mount->flags) & (MS_NOATIME | MS_RDONLY));
}

static ssize_t regular_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	bool direct = file->flags & O_DIRECT && file->vnode->fs->data;
	ssize_t done;

	done = unlikely(direct) ? file->vnode->fs->data->direct_read(file, uio, *pos) : vm_object_read(&file->vnode->object, *pos, uio);
	if (done > 0)
		*pos += done;
	if (unlikely(!file->atime_done)) {
		file->atime_done = true;
		if (wants_atime(file))
			vnode_touch_accessed(file->vnode);
		if (!direct)
			file->readable = &file->vnode->object;
	}
	return done;
}

int regular_file_check_limit(uint64_t pos, size_t *len)
{
	struct process *process = current_process();
	uint64_t limit = process ? process_limit(RLIMIT_FSIZE) : RLIM_INFINITY;

	if (pos >= FILE_SIZE_MAX)
		return -EFBIG;
	*len = MIN(*len, FILE_SIZE_MAX - pos);
	if (likely(limit == RLIM_INFINITY))
		return 0;
	if (pos >= limit) {
		signal_send_self(SIGXFSZ);
		return -EFBIG;
	}
	*len = MIN(*len, limit - pos);
	return 0;
}

/* write_locked() of a file whose data are blocks of a disk: in pieces, so that not too much is dirty at a time. */
static ssize_t write_blocks_locked(struct file *file, struct uio *uio, uint64_t at)
{
	const uint64_t piece = 1 << 20;
	struct vnode *vnode = file->vnode;
	const struct file_data_ops *data = vnode->fs->data;
	size_t wanted = uio->left;
	ssize_t done = 0, moved;

	do {
		size_t left = wanted - done;
		int64_t room = data->begin_write(vnode, at, MIN(left, piece));

		if (room < 0)
			return done ? done : room;
		uio->left = room;
		moved = file->flags & O_DIRECT ? data->direct_write(file, uio, at) : vm_object_write(&vnode->object, at, uio);
		if (moved > 0)
			vnode_touch_written(vnode, at + moved);
		data->end_write(vnode);
		if (moved < 0)
			return done ? done : moved;
		done += moved;
		at += moved;
		uio->left = wanted - done;
		if (moved < room)
			break;
	} while (uio->left && !signal_fatal_pending());
	return done;
}

static inline ssize_t write_locked(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct vnode *vnode = file->vnode;
	size_t wanted = uio->left, len = wanted;
	uint64_t at;
	ssize_t done;

	at = file->flags & O_APPEND ? atomic_load(&vnode->object.size) : *pos;
	done = regular_file_check_limit(at, &len);
	if (!done) {
		uio->left = len;
		if (unlikely(vnode->attr.mode & (S_ISUID | S_ISGID)))
			vnode_clear_set_id(vnode);
		if (unlikely(vnode->fs->data))
			done = write_blocks_locked(file, uio, at);
		else
			done = vm_object_write(&vnode->object, at, uio);
		uio->left += wanted - len;
	}
	if (done > 0) {
		if (likely(!vnode->fs->data))
			vnode_touch_written(vnode, at + done);
		*pos = at + done;
	}
	return done;
}

ssize_t regular_file_write_locked(struct file *file, struct uio *uio, uint64_t *pos)
{
	return write_locked(file, uio, pos);
}

static ssize_t regular_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	ssize_t done;
	int error;

	if (!uio->left)
		return 0;
	if (mutex_lock_killable(&file->vnode->write_lock))
		return -EINTR;
	done = write_locked(file, uio, pos);
	mutex_unlock(&file->vnode->write_lock);
	if (done > 0 && unlikely(file->flags & (O_DSYNC | O_SYNC)) && file->ops->fsync) {
		error = file->ops->fsync(file, true);
		if (error)
			return error;
	}
	return done;
}

/* The new position, or a negative errno. pos_lock held. */
static int64_t seek_target(const struct file *file, int64_t offset, int whence, uint64_t size)
{
	int64_t base = 0;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = file->pos;
		break;
	case SEEK_END:
		base = size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		/* All bytes are data, and a hole follows the last one. */
		if (offset < 0 || (uint64_t)offset >= size)
			return -ENXIO;
		return whence == SEEK_HOLE ? (int64_t)size : offset;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &offset))
		return -EOVERFLOW;
	return offset < 0 ? -EINVAL : offset;
}

int64_t file_seek_sized(struct file *file, int64_t offset, int whence, uint64_t size)
{
	int64_t target;

	if (mutex_lock_killable(&file->pos_lock))
		return -EINTR;
	target = seek_target(file, offset, whence, size);
	if (target >= 0)
		file->pos = target;
	mutex_unlock(&file->pos_lock);
	return target;
}

static int64_t regular_seek(struct file *file, int64_t offset, int whence)
{
	struct vnode *vnode = file->vnode;
	uint64_t size = atomic_load(&vnode->object.size);

	bool hole = whence == SEEK_HOLE;

	if ((whence == SEEK_DATA || hole) && (vnode->fs->data || vnode->fs->flags & FS_PAGES_ARE_DATA) && offset >= 0 && (uint64_t)offset < size) {
		offset = vnode->fs->data ? vnode->fs->data->seek(vnode, offset, hole, size)
					 : vm_object_seek(&vnode->object, offset, hole, vnode_bytes_below(vnode));
		if (offset < 0)
			return offset;
		whence = SEEK_SET;
	}
	return file_seek_sized(file, offset, whence, size);
}

static int regular_mmap(struct file *file, uint64_t offset, uint64_t len, unsigned prot, unsigned flags, struct vm_object **object)
{
	if (wants_atime(file))
		vnode_touch_accessed(file->vnode);
	vnode_get(file->vnode);
	*object = &file->vnode->object;
	return 0;
}

static int regular_fsync(struct file *file, bool data_only)
{
	struct fs *fs = file->vnode->fs;
	int error;

	if (fs->data)
		return fs->data->fsync(file, data_only);
	error = vnode_sync_attributes(file->vnode);
	if (!error && fs->ops->sync)
		error = fs->ops->sync(fs);
	return error;
}

static int regular_truncate(struct file *file, uint64_t size)
{
	struct vnode *vnode = file->vnode;
	size_t len = 1;
	int error;

	if (size > FILE_SIZE_MAX)
		return -EFBIG;
	error = mutex_lock_killable(&vnode->write_lock);
	if (error)
		return error;
	if (size > atomic_load(&vnode->object.size))
		error = regular_file_check_limit(size - 1, &len);
	if (!error) {
		vnode_clear_set_id(vnode);
		error = vnode_truncate_locked(vnode, size);
	}
	mutex_unlock(&vnode->write_lock);
	return error;
}

const struct file_ops regular_file_ops = {
	.read = regular_read,
	.write = regular_write,
	.seek = regular_seek,
	.mmap = regular_mmap,
	.fsync = regular_fsync,
	.truncate = regular_truncate,
};

const struct file_ops path_only_file_ops = { 0 };
