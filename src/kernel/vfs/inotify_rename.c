/* SPDX-License-Identifier: MIT */
/* What inotify tells of renames, and of what is replaced by one. */
#include "vfs/inotify.h"
#include "process/process.h"
#include "vfs/path_walk.h"
#include "vfs/vnode_cache.h"
#include <linux/stat.h>

void inotify_rename_begin(struct inotify_rename *rename)
{
	*rename = (struct inotify_rename){ NULL };
	current_thread()->user.rename = rename;
}

void inotify_rename_end(struct inotify_rename *rename, struct fs *fs)
{
	current_thread()->user.rename = NULL;
	if (rename->node.id)
		rename->replaced = vnode_find_removed(fs, rename->node, !rename->links);
}

void inotify_replaced(struct vnode *vnode)
{
	struct inotify_rename *rename = current_thread()->user.rename;

	if (!rename)
		return;
	vnode_get(vnode);
	rename->replaced = vnode;
}

void inotify_replaced_node(struct fs_node_id node, uint32_t links)
{
	struct inotify_rename *rename = current_thread()->user.rename;

	if (!rename)
		return;
	rename->node = node;
	rename->links = links;
}

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

static void tell_replaced(struct vnode *vnode)
{
	vnode_recheck_links(vnode);
	inotify_self(vnode, IN_ATTRIB);
	inotify_if_gone(vnode, NULL);
	vnode_put(vnode);
}

void inotify_renamed(struct inotify_rename *rename, struct path_walk *from, struct path_walk *to, unsigned flags)
{
	if (rename->replaced)
		tell_replaced(rename->replaced);
	inotify_self(from->path.dentry->vnode, IN_MOVE_SELF);
	if (flags & FS_RENAME_EXCHANGE) {
		inotify_moved(to, from);
		inotify_self(to->path.dentry->vnode, IN_MOVE_SELF);
	}
}
