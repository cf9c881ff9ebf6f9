/* SPDX-License-Identifier: MIT */
/* rename: the checks that POSIX and Linux ask for, the file system's step, and the move in the dentry cache. */
#include "vfs/name_change.h"
#include "lib/errno.h"
#include "sched/clock.h"
#include "vfs/dir_change.h"
#include "vfs/mount_tree.h"
#include "vfs/permission.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"
#include <linux/stat.h>

static int check_places(struct path_walk *from, struct path_walk *to, unsigned flags)
{
	struct dentry *moved = from->path.dentry, *target = to->path.dentry;
	bool into_itself, over_ancestor;

	spin_lock(&vfs_tree_lock);
	into_itself = dentry_is_ancestor_locked(moved, to->parent.dentry);
	over_ancestor = dentry_is_ancestor_locked(target, from->parent.dentry);
	spin_unlock(&vfs_tree_lock);
	if (into_itself)
		return -EINVAL;
	if (over_ancestor)
		return flags & FS_RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return mount_is_point(moved) || mount_is_point(target) ? -EBUSY : 0;
}

/* May the caller take @walk's (existing) name out of its directory? */
static int check_leaving(const struct path_walk *walk)
{
	struct vnode *parent = walk->parent.dentry->vnode, *vnode = walk->path.dentry->vnode;
	int error;

	if (walk->parent.dentry->deleted)
		return -ENOENT;
	error = vnode_check_access(parent, PERMIT_WRITE | PERMIT_EXECUTE);
	return error || !vnode ? error : permission_check_sticky(parent, vnode);
}

static int check_kinds(const struct path_walk *from, const struct path_walk *to, unsigned flags)
{
	bool from_dir = from->path.dentry->vnode->type == S_IFDIR;
	bool to_dir = to->path.dentry->vnode && to->path.dentry->vnode->type == S_IFDIR;
	bool exchange = flags & FS_RENAME_EXCHANGE;

	if (!from_dir && (from->trailing_slash || (!exchange && to->trailing_slash)))
		return -ENOTDIR;
	if (exchange && !to_dir && to->trailing_slash)
		return -ENOTDIR;
	if (exchange || !to->path.dentry->vnode)
		return 0;
	if (from_dir && !to_dir)
		return -ENOTDIR;
	return !from_dir && to_dir ? -EISDIR : 0;
}

/* Moving a directory elsewhere changes its "..". */
static int check_new_parent(const struct path_walk *moved, const struct path_walk *other)
{
	struct vnode *vnode = moved->path.dentry->vnode;

	if (!vnode || vnode->type != S_IFDIR || moved->parent.dentry == other->parent.dentry)
		return 0;
	return vnode_check_access(vnode, PERMIT_WRITE);
}

static int check_rename(struct path_walk *from, struct path_walk *to, unsigned flags)
{
	int error;

	if (to->last_kind != WALK_LAST_NAME && flags & FS_RENAME_NOREPLACE)
		return -EEXIST;
	if (from->last_kind != WALK_LAST_NAME || to->last_kind != WALK_LAST_NAME)
		return -EBUSY;
	if (from->parent.mount != to->parent.mount)
		return -EXDEV;
	if (mount_is_read_only(from->parent.mount))
		return -EROFS;
	if (!from->path.dentry->vnode)
		return -ENOENT;
	if (flags & FS_RENAME_NOREPLACE && to->path.dentry->vnode)
		return -EEXIST;
	if (flags & FS_RENAME_EXCHANGE && !to->path.dentry->vnode)
		return -ENOENT;
	error = check_places(from, to, flags);
	if (!error && from->path.dentry->vnode != to->path.dentry->vnode)
		error = check_leaving(from) ?: check_leaving(to);
	if (!error)
		error = check_kinds(from, to, flags);
	if (!error)
		error = check_new_parent(from, to);
	if (!error && flags & FS_RENAME_EXCHANGE)
		error = check_new_parent(to, from);
	return error;
}

/*
 * The file system has replaced that by what is called as @target now: perhaps not what the walk has found there, but what others have put there since, and
 * then nobody else hears of it.
 */
static void show_replaced(struct fs *fs, const struct fs_replaced *replaced, struct dentry *target)
{
	struct vnode *vnode = vnode_find_removed(fs, replaced->node, !replaced->links);

	if (!vnode)
		return;
	if (target->vnode == vnode) {
		if (vnode->type == S_IFDIR)
			dentry_drop_children(target);
		mount_detach_from(target);
	}
	if (replaced->links) {
		vnode_recheck_links(vnode);
	} else {
		vnode_set_no_links(vnode, clock_realtime_ns());
		vnode_forget(vnode);
	}
	inotify_self(vnode, IN_ATTRIB);
	inotify_if_gone(vnode, NULL);
	vnode_put(vnode);
}

static int ask_rename(struct path_walk *from, struct path_walk *to, unsigned flags, struct fs_replaced *replaced)
{
	struct vnode *from_dir = from->parent.dentry->vnode, *to_dir = to->parent.dentry->vnode;
	int error = flags & FS_RENAME_WHITEOUT ? name_make_whiteout(from_dir, &replaced->node) : 0;

	return error ?: from_dir->fs->ops->rename(from_dir->fs, from_dir->node, from->last.name, from->last.len, to_dir->node, to->last.name, to->last.len,
					 flags, replaced);
}

/* Asks, and brings the entries up to date. The changes are open. */
static int rename_names(struct path_walk *from, struct path_walk *to, unsigned flags, const struct dir_change *from_change,
			const struct dir_change *to_change, struct fs_replaced *replaced)
{
	const struct dentry_place from_place = { from->parent.dentry, &from->last, from->path.dentry, from_change };
	const struct dentry_place to_place = { to->parent.dentry, &to->last, to->path.dentry, to_change };
	int error;

	if (!name_walk_is_current(from) || !name_walk_is_current(to))
		return NAME_WALK_AGAIN;
	error = ask_rename(from, to, flags, replaced);
	if (error) {
		if (error == -ENOENT || error == -EEXIST) {
			dentry_drop_name(from->parent.dentry, &from->last);
			dentry_drop_name(to->parent.dentry, &to->last);
		} else if (fs_change_is_unsure(error)) {
			name_maybe_changed(from->parent.dentry, &from->last, from->path.dentry->vnode);
			name_maybe_changed(to->parent.dentry, &to->last, to->path.dentry->vnode);
		}
		return error;
	}
	if (flags & FS_RENAME_EXCHANGE)
		dentry_exchange(&from_place, &to_place);
	else
		dentry_move(&from_place, &to_place);
	vnode_touch_directory(from->parent.dentry->vnode, clock_realtime_ns());
	vnode_touch_directory(to->parent.dentry->vnode, clock_realtime_ns());
	return 0;
}

int name_rename(struct path_walk *from, struct path_walk *to, unsigned flags)
{
	struct fs_replaced replaced = { .links = 0 };
	struct vnode *from_dir, *to_dir;
	struct dir_change from_change, to_change;
	bool same_dir;
	int error = check_rename(from, to, flags);

	if (error)
		return error;
	/* Two names of one file: nothing to do, says POSIX. */
	if (from->path.dentry->vnode == to->path.dentry->vnode)
		return 0;
	from_dir = from->parent.dentry->vnode;
	to_dir = to->parent.dentry->vnode;
	if (!from_dir->fs->ops->rename)
		return -EPERM;
	same_dir = from_dir == to_dir;
	dir_change_begin(&from_change, &from_dir->dir_version);
	if (same_dir)
		to_change = from_change;
	else
		dir_change_begin(&to_change, &to_dir->dir_version);
	error = rename_names(from, to, flags, &from_change, &to_change, &replaced);
	dir_change_end(&from_change);
	if (!same_dir)
		dir_change_end(&to_change);
	if (!error) {
		vnode_touch_changed(from->path.dentry->vnode);
		inotify_moved(from, to);
		if (replaced.node.id)
			show_replaced(to_dir->fs, &replaced, to->path.dentry);
		inotify_renamed(from, to, flags);
	}
	return error;
}
