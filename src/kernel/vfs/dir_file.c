/* SPDX-License-Identifier: MIT */
/*
 * Directories as open files. Positions (and d_off): 0 before ".", 1 before "..", from 2 on the file system's cookie plus 2. A cookie names a place
 * that stays valid when entries come and go, so telldir/seekdir work.
 */
#include "vfs/file_life.h"
#include "lib/errno.h"
#include "vfs/dentry.h"
#include "vfs/mount_tree.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>

enum { COOKIE_BASE = 2, DT_DIRECTORY = 4 };

struct shifted_emit {
	struct file *file;
	fs_readdir_emit *emit;
	void *context;
	bool full;
};

/* Passes an entry on, for that long with its cookie made a position. */
static bool emit_shifted(void *context, struct fs_dirent *entry)
{
	struct shifted_emit *shifted = context;

	entry->next += COOKIE_BASE;
	if (shifted->emit(shifted->context, entry))
		shifted->file->pos = entry->next;
	else
		shifted->full = true;
	entry->next -= COOKIE_BASE;
	return !shifted->full;
}

static bool emit_dots(struct file *file, fs_readdir_emit *emit, void *context)
{
	struct fs_dirent entry = { .type = DT_DIRECTORY, .name = "..", .id = file->vnode->node.id };

	if (file->pos == 0) {
		entry.next = 1;
		entry.name_len = 1;
		if (!emit(context, &entry))
			return false;
		file->pos = 1;
	}
	if (file->pos == 1) {
		struct path parent = file->path;

		spin_lock(&vfs_tree_lock);
		while (parent.dentry == parent.mount->root && parent.mount->parent) {
			parent.dentry = parent.mount->mountpoint;
			parent.mount = parent.mount->parent;
		}
		entry.id = parent.dentry->parent->vnode->node.id;
		spin_unlock(&vfs_tree_lock);
		entry.next = COOKIE_BASE;
		entry.name_len = 2;
		if (!emit(context, &entry))
			return false;
		file->pos = COOKIE_BASE;
	}
	return true;
}

static int directory_readdir(struct file *file, fs_readdir_emit *emit, void *context)
{
	struct shifted_emit shifted = { file, emit, context, false };
	struct vnode *vnode = file->vnode;

	if (file->path.dentry->deleted)
		return -ENOENT;
	if (!vnode->fs->ops->readdir)
		return -ENOTDIR;
	if (!(file->flags & O_NOATIME) && !file->atime_done &&
	    !(atomic_load_relaxed(&file->path.mount->flags) & (MS_NOATIME | MS_NODIRATIME | MS_RDONLY))) {
		file->atime_done = true;
		vnode_touch_accessed(vnode);
	}
	if (!emit_dots(file, emit, context))
		return 0;
	return vnode->fs->ops->readdir(vnode->fs, vnode->node, file->pos - COOKIE_BASE, emit_shifted, &shifted);
}

static ssize_t directory_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	return -EISDIR;
}

static int64_t directory_seek(struct file *file, int64_t offset, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	if (mutex_lock_killable(&file->pos_lock))
		return -EINTR;
	if (whence == SEEK_CUR && __builtin_add_overflow(offset, (int64_t)file->pos, &offset))
		offset = -1;
	if (offset >= 0)
		file->pos = offset;
	mutex_unlock(&file->pos_lock);
	return offset < 0 ? -EINVAL : offset;
}

static int directory_fsync(struct file *file, bool data_only)
{
	struct fs *fs = file->vnode->fs;
	int error = vnode_sync_attributes(file->vnode);

	return error || !fs->ops->sync ? error : fs->ops->sync(fs);
}

const struct file_ops directory_file_ops = {
	.read = directory_read,
	.seek = directory_seek,
	.readdir = directory_readdir,
	.fsync = directory_fsync,
};
