/* SPDX-License-Identifier: MIT */
/* What inotify tells of renames. */
#include "vfs/inotify.h"
#include "vfs/path_walk.h"
#include <linux/stat.h>

/* Both moves of an exchange have their own cookie. */
void inotify_moved(struct path_walk *from, struct path_walk *to)
{
	struct vnode *from_dir = from->parent.dentry->vnode, *to_dir = to->parent.dentry->vnode;
	uint32_t type = from->path.dentry->vnode->type, cookie;

	if (!vnode_attends(from_dir, VNODE_HAS_WATCHES) && !vnode_attends(to_dir, VNODE_HAS_WATCHES))
		return;
	cookie = inotify_new_cookie();
	inotify_tell_name(from_dir, &from->last, IN_MOVED_FROM, type, cookie);
	inotify_tell_name(to_dir, &to->last, IN_MOVED_TO, type, cookie);
}

void inotify_renamed(struct path_walk *from, struct path_walk *to, unsigned flags)
{
	inotify_self(from->path.dentry->vnode, IN_MOVE_SELF);
	if (flags & FS_RENAME_EXCHANGE) {
		inotify_moved(to, from);
		inotify_self(to->path.dentry->vnode, IN_MOVE_SELF);
	}
}
