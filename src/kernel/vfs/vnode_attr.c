/* SPDX-License-Identifier: MIT */
/*
 * Attributes. They live in the kernel: sizes and times change here and the file system is told when the file is synced or leaves the cache; owner,
 * mode and explicit times are told at once because it may refuse them. What only the file system knows (a directory's links and size, blocks) is
 * asked for again when it may have changed.
 *
 * Lock: vnode->attr_lock, a leaf; the file system is called without it.
 */
#include "vfs/dentry.h"
#include "vfs/file_data.h"
#include "vfs/permission.h"
#include "vfs/vnode_cache.h"
#include "vfs/watch.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/credentials.h"
#include "sched/clock.h"
#include <linux/stat.h>

/* What attr.mode, which was just set, says to the path walk. attr_lock held. */
static void classify_locked(struct vnode *vnode)
{
	enum walk_class class = walk_class_of(vnode->attr.mode);

	if (class == vnode->walk_class)
		return;
	atomic_store(&vnode->walk_class, class);
	vfs_paths_changed();
}

void vnode_copy_attr_locked(struct vnode *vnode, struct fs_attr *attr)
{
	*attr = vnode->attr;
	if (vnode->type != S_IFREG)
		return;
	attr->size = atomic_load(&vnode->object.size);
	attr->blocks += atomic_load_relaxed(&vnode->promised_blocks);
	if (vnode->fs->flags & FS_PAGES_ARE_DATA)
		attr->blocks = vnode_blocks_locked(vnode);
}

void vnode_merge_attr_locked(struct vnode *vnode, const struct fs_attr *attr)
{
	struct fs_attr old = vnode->attr;
	uint32_t dirty = vnode->dirty | vnode->telling;

	vnode->attr = *attr;
	classify_locked(vnode);
	if (dirty & FS_SET_ATIME)
		vnode->attr.atime = old.atime;
	if (dirty & FS_SET_MTIME)
		vnode->attr.mtime = old.mtime;
	if (dirty & FS_SET_CTIME)
		vnode->attr.ctime = old.ctime;
	if (vnode->type == S_IFREG && !(vnode->fs->flags & FS_VOLATILE))
		vnode->attr.size = old.size;
	vnode->attr_stale = false;
	vnode->status_holds = false;
}

int vnode_getattr(struct vnode *vnode, struct fs_attr *attr)
{
	struct fs_attr fresh;
	bool gone = false;
	uint32_t changes;
	int error;

	spin_lock(&vnode->attr_lock);
	while (!vnode_attr_is_current(vnode) && vnode->fs->ops->getattr) {
		changes = vnode->attr_changes;
		spin_unlock(&vnode->attr_lock);
		error = vnode->fs->ops->getattr(vnode->fs, vnode->node, &fresh);
		if (!error && (fresh.mode & S_IFMT) != vnode->type)
			error = -EUCLEAN;
		if (error)
			return error;
		spin_lock(&vnode->attr_lock);
		/* Until here the attributes stay stale for everybody. Who changed them meanwhile knows better than the answer. */
		if (vnode->attr_changes != changes)
			continue;
		vnode_merge_attr_locked(vnode, &fresh);
		gone = vnode->links_unsure && !fresh.links;
		vnode->links_unsure = false;
		break;
	}
	vnode_copy_attr_locked(vnode, attr);
	if (vnode->fs->flags & FS_VOLATILE && vnode->fs->ops->getattr)
		attr->size = fresh.size;
	spin_unlock(&vnode->attr_lock);
	if (unlikely(gone)) {
		vnode_forget(vnode);
		inotify_if_gone(vnode, NULL);
	}
	return 0;
}

/*
 * The file system was told, when attr_changes was @changes. What it was told by others meanwhile (vnode_flush_attributes() does not wait for who sets) may have
 * reached it before or after: times are told again, the rest is asked for.
 */
static void store_attributes(struct vnode *vnode, unsigned mask, const struct fs_attr *in, uint32_t changes)
{
	const uint32_t times = FS_SET_ATIME | FS_SET_MTIME | FS_SET_CTIME;
	bool alone;

	spin_lock(&vnode->attr_lock);
	alone = vnode->attr_changes == changes && !(vnode->telling & mask);
	vnode->attr_changes++;
	if (mask & FS_SET_MODE) {
		vnode->attr.mode = vnode->type | (in->mode & 07777);
		classify_locked(vnode);
	}
	if (mask & FS_SET_UID)
		vnode->attr.uid = in->uid;
	if (mask & FS_SET_GID)
		vnode->attr.gid = in->gid;
	if (mask & FS_SET_ATIME)
		vnode->attr.atime = in->atime;
	if (mask & FS_SET_MTIME)
		vnode->attr.mtime = in->mtime;
	if (mask & FS_SET_CTIME)
		vnode->attr.ctime = in->ctime;
	if (alone) {
		vnode->dirty &= ~mask;
	} else {
		vnode->dirty |= mask & times;
		vnode->attr_stale |= (mask & ~times) != 0;
	}
	vnode->status_holds = false;
	spin_unlock(&vnode->attr_lock);
}

int vnode_setattr(struct vnode *vnode, unsigned mask, const struct fs_attr *in)
{
	struct fs_attr out = { 0 };
	uint32_t changes;
	int error = 0;

	if (vnode->fs->flags & FS_READ_ONLY)
		return -EROFS;
	if (mask & FS_SET_SIZE) {
		error = mutex_lock_killable(&vnode->write_lock);
		if (error)
			return error;
		error = vnode_truncate_locked(vnode, in->size);
		mutex_unlock(&vnode->write_lock);
		mask &= ~FS_SET_SIZE;
	}
	if (error || !mask)
		return error;
	if (!vnode->fs->ops->setattr)
		return -EPERM;
	changes = atomic_load(&vnode->attr_changes);
	error = vnode->fs->ops->setattr(vnode->fs, vnode->node, mask, in, &out);
	if (!error)
		store_attributes(vnode, mask, in, changes);
	else if (fs_change_is_unsure(error))
		vnode_is_stale(vnode);
	return error;
}

static int truncate_pages(struct vnode *vnode, uint64_t size)
{
	struct fs_attr in = { .size = size }, out;
	int error = vnode->fs->ops->setattr ? vnode->fs->ops->setattr(vnode->fs, vnode->node, FS_SET_SIZE, &in, &out) : 0;

	if (error)
		return error;
	/* First the limit, so that a page filled after this holds no byte that the truncation takes away. */
	if (size < atomic_load(&vnode->fill_limit))
		atomic_store(&vnode->fill_limit, size);
	vm_object_truncate(&vnode->object, size);
	return 0;
}

/* Now, as the file system can keep it: a time must not change when the vnode goes and comes back. */
static int64_t time_of_change(const struct fs *fs)
{
	int64_t now = clock_realtime_ns();

	return unlikely(fs->time_step) ? now - now % fs->time_step : now;
}

int vnode_truncate_locked(struct vnode *vnode, uint64_t size)
{
	int64_t now = time_of_change(vnode->fs);
	int error;

	if (vnode->fs->flags & FS_READ_ONLY)
		return -EROFS;
	error = vnode->fs->data ? vnode->fs->data->truncate(vnode, size) : truncate_pages(vnode, size);
	if (error)
		return error;
	spin_lock(&vnode->attr_lock);
	vnode->attr.size = size;
	vnode->attr.mtime = vnode->attr.ctime = now;
	vnode->dirty = (vnode->dirty & ~FS_SET_SIZE) | FS_SET_MTIME | FS_SET_CTIME;
	vnode->status_holds = false;
	spin_unlock(&vnode->attr_lock);
	return 0;
}

void vnode_touch_written(struct vnode *vnode, uint64_t end)
{
	int64_t now = time_of_change(vnode->fs);

	if (end > atomic_load(&vnode->object.size))
		vm_object_grow(&vnode->object, end);
	spin_lock(&vnode->attr_lock);
	vnode->attr.mtime = vnode->attr.ctime = now;
	vnode->dirty |= FS_SET_MTIME | FS_SET_CTIME;
	vnode->status_holds = false;
	if (end > vnode->attr.size) {
		vnode->attr.size = end;
		vnode->dirty |= FS_SET_SIZE;
	}
	spin_unlock(&vnode->attr_lock);
}

void vnode_touch_accessed(struct vnode *vnode)
{
	const int64_t day = 24 * 3600 * (int64_t)NS_PER_SEC;
	int64_t now;

	if (vnode->fs->flags & (FS_READ_ONLY | FS_VOLATILE))
		return;
	now = time_of_change(vnode->fs);
	spin_lock(&vnode->attr_lock);
	if (vnode->attr.atime <= vnode->attr.mtime || vnode->attr.atime <= vnode->attr.ctime || now - vnode->attr.atime >= day) {
		vnode->attr.atime = now;
		vnode->dirty |= FS_SET_ATIME;
		vnode->status_holds = false;
	}
	spin_unlock(&vnode->attr_lock);
}

/* Names changed: the file system has to be told of these times, unless it has set them itself. attr_lock held. */
static void times_of_names_locked(struct vnode *vnode, uint32_t times)
{
	if (vnode->fs->flags & FS_KEEPS_TIMES)
		vnode->attr_stale = true;	/* which, only it knows */
	else
		vnode->dirty |= times;
}

void vnode_touch_directory(struct vnode *vnode, int64_t now)
{
	spin_lock(&vnode->attr_lock);
	vnode->attr.mtime = vnode->attr.ctime = now;
	times_of_names_locked(vnode, FS_SET_MTIME | FS_SET_CTIME);
	vnode->status_holds = false;
	vnode->attr_stale = true;
	vnode->attr_changes++;
	spin_unlock(&vnode->attr_lock);
}

void vnode_touch_changed(struct vnode *vnode)
{
	int64_t now = time_of_change(vnode->fs);

	spin_lock(&vnode->attr_lock);
	vnode->attr.ctime = now;
	times_of_names_locked(vnode, FS_SET_CTIME);
	vnode->attr_changes++;
	vnode->status_holds = false;
	spin_unlock(&vnode->attr_lock);
}

void vnode_set_no_links(struct vnode *vnode, int64_t now)
{
	spin_lock(&vnode->attr_lock);
	vnode->attr.links = 0;
	vnode->attr_changes++;
	vnode->attr.ctime = now;
	times_of_names_locked(vnode, FS_SET_CTIME);
	vnode->status_holds = false;
	spin_unlock(&vnode->attr_lock);
}

bool vnode_renew_links(struct vnode *vnode, uint32_t links, uint32_t changes)
{
	int64_t now = time_of_change(vnode->fs);
	bool current;

	spin_lock(&vnode->attr_lock);
	current = vnode->attr_changes == changes;
	if (current) {
		vnode->attr.links = links;
		vnode->links_unsure = false;
		vnode->attr_changes++;
		vnode->attr.ctime = now;
		vnode->dirty |= FS_SET_CTIME;
		vnode->status_holds = false;
	}
	spin_unlock(&vnode->attr_lock);
	return current;
}

/* In about a second, then twice as late each time; who asks in vain so often that nobody waits for gives times up. */
enum { RETRY_SHIFT = 30, REFUSALS_MOST = 8 };

COLD bool vnode_is_refused(const struct vnode *vnode)
{
	return vnode->refusals && (int32_t)(atomic_load_relaxed(&vnode->retry_at) - (uint32_t)(clock_monotonic_ns() >> RETRY_SHIFT)) > 0;
}

/* The file system did not take those of @mask. True: they are not told any more. A size is, as data count on it. attr_lock held. */
static bool refused_locked(struct vnode *vnode, uint32_t mask)
{
	if (vnode->refusals == REFUSALS_MOST && !(mask & FS_SET_SIZE))
		return true;
	atomic_store(&vnode->retry_at, (uint32_t)(clock_monotonic_ns() >> RETRY_SHIFT) + (1u << vnode->refusals));
	vnode->refusals += vnode->refusals < REFUSALS_MOST;
	vnode->dirty |= mask;
	return false;
}

COLD int vnode_flush_attributes(struct vnode *vnode)
{
	struct fs_attr in, out;
	bool given_up = false;
	uint32_t mask;
	int error;

	spin_lock(&vnode->attr_lock);
	mask = vnode->dirty;
	vnode->attr_changes++;
	vnode_copy_attr_locked(vnode, &in);
	/* What was changed before it became read-only is told. */
	if ((vnode->fs->flags & (FS_READ_ONLY | FS_MADE_READ_ONLY)) == FS_READ_ONLY || vnode->fs->flags & FS_VOLATILE || !vnode->fs->ops->setattr)
		mask = 0;
	/* While the file system is told, an answer of it that is older must not undo what it is told. is_untold() sees the one or the other. */
	vnode->telling |= mask;
	atomic_store(&vnode->dirty, 0);
	spin_unlock(&vnode->attr_lock);
	if (!mask)
		return 0;
	error = vnode->fs->ops->setattr(vnode->fs, vnode->node, mask, &in, &out);
	spin_lock(&vnode->attr_lock);
	vnode->attr_changes++;
	if (error)
		given_up = refused_locked(vnode, mask);
	atomic_store(&vnode->telling, vnode->telling & ~mask);	/* after what was refused is dirty again */
	if (!error || given_up)
		vnode->refusals = 0;
	spin_unlock(&vnode->attr_lock);
	if (given_up)
		vnode_lost_attributes(vnode, error);
	return error;
}

int vnode_sync_attributes(struct vnode *vnode)
{
	int error = mutex_lock_killable(&vnode->write_lock);

	if (error)
		return error;
	error = vnode_flush_attributes(vnode);
	mutex_unlock(&vnode->write_lock);
	return error;
}

int vnode_try_sync_attributes(struct vnode *vnode)
{
	int error;

	if (vnode_is_refused(vnode) || !mutex_try_lock(&vnode->write_lock))
		return 0;
	error = vnode_flush_attributes(vnode);
	mutex_unlock(&vnode->write_lock);
	return error;
}

void vnode_clear_set_id(struct vnode *vnode)
{
	uint32_t mode = atomic_load_relaxed(&vnode->attr.mode), keep = permission_without_set_id(mode);
	struct fs_attr in;

	if (keep == mode || vnode->type != S_IFREG || credentials_current()->fsuid == 0)
		return;
	in = (struct fs_attr){ .mode = keep };		/* servers get all of it */
	vnode_setattr(vnode, FS_SET_MODE, &in);
}

COLD ssize_t vnode_read_link(struct vnode *vnode, char **text)
{
	enum { TARGET_MAX = 4095 };
	char *cached = atomic_load(&vnode->link_target), *buf, *expected = NULL;
	ssize_t len;

	if (cached) {
		*text = kstrdup(cached);
		return *text ? (ssize_t)strlen(*text) : -ENOMEM;
	}
	if (!vnode->fs->ops->readlink)
		return -EINVAL;
	buf = kmalloc(TARGET_MAX + 1);
	if (!buf)
		return -ENOMEM;
	len = vnode->fs->ops->readlink(vnode->fs, vnode->node, buf, TARGET_MAX);
	if (len < 0) {
		kfree(buf);
		return len;
	}
	buf[MIN(len, (ssize_t)TARGET_MAX)] = 0;
	if (!(vnode->fs->flags & FS_VOLATILE)) {
		cached = kstrdup(buf);
		if (cached && !atomic_compare_exchange(&vnode->link_target, &expected, cached))
			kfree(cached);
	}
	*text = buf;
	return strlen(buf);
}
