/* SPDX-License-Identifier: MIT */
/*
 * inotify(7) as the rest of the VFS sees it: what happened is told, after it happened, by who made it happen. Where nobody watches that is the test of one
 * byte of a vnode at hand: VNODE_WATCHED is set in what is watched, and in what has a name in a directory that is (or was: who tells in vain takes it away).
 */
#pragma once

#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/path.h"
#include <linux/inotify.h>

/* vnode->object.attention, atomic. All but the first make reads of the file go the long way (vm_object_hold_back). */
enum vnode_attention {
	VNODE_HAS_LOCKS = 1,		/* vnode->locks is not NULL; for ever */
	VNODE_WATCHED = 2,		/* a hint, see above */
	VNODE_HAS_WATCHES = 4,		/* vnode->watches is valid; inotify's lock */
};

static inline bool vnode_attends(const struct vnode *vnode, unsigned what)
{
	return unlikely(atomic_load_relaxed(&vnode->object.attention) & what);
}

/* Something happened to what has the name @dentry (positive, referenced): told to who watches it, and to who watches the directory. */
void inotify_tell(struct dentry *dentry, uint32_t mask);
/* The same for @vnode alone. */
void inotify_tell_self(struct vnode *vnode, uint32_t mask);
/* @name in @directory: IN_CREATE, IN_DELETE, IN_MOVED_FROM or IN_MOVED_TO, with IN_ISDIR if it was a directory's. */
void inotify_tell_name(struct vnode *directory, const struct path_component *name, uint32_t mask, uint32_t cookie);
uint32_t inotify_new_cookie(void);
/* The watched node @vnode has lost the name @dentry. */
void inotify_tell_removed(struct vnode *vnode, const struct dentry *dentry, bool directory);
/* @vnode has lost a name, or its links, or an entry. If nothing is left but the caller's @own (may be NULL), it is gone, and so are its watches. */
void inotify_tell_if_gone(struct vnode *vnode, const struct dentry *own);
/* Nothing shows @fs any more. May sleep. */
void inotify_tell_unmounted(struct fs *fs);
/* @vnode has come to have a name in a directory with watches. Tree lock held. */
void inotify_mark_locked(struct vnode *vnode);

static inline bool vnode_is_watched(const struct vnode *vnode) { return vnode_attends(vnode, VNODE_WATCHED); }
static inline bool vnode_cares_for_ends(const struct vnode *vnode) { return atomic_load_relaxed(&vnode->object.attention); }
static inline void vnode_has_locks(struct vnode *vnode) { (void)atomic_or(&vnode->object.attention, VNODE_HAS_LOCKS); }
static inline void inotify_mounted_first(struct fs *fs) { list_init(&fs->watches); }

static inline void inotify_dentry(struct dentry *dentry, uint32_t mask)
{
	if (vnode_attends(dentry->vnode, VNODE_WATCHED))
		inotify_tell(dentry, mask);
}

static inline void inotify_file(struct file *file, uint32_t mask)
{
	if (file->vnode && vnode_attends(file->vnode, VNODE_WATCHED))
		inotify_tell(file->path.dentry, mask);
}

static inline void inotify_closed(struct file *file)
{
	if (file->vnode && vnode_attends(file->vnode, VNODE_WATCHED) && !(file->rights & FILE_RIGHT_PATH_ONLY))
		inotify_tell(file->path.dentry, file->rights & FILE_RIGHT_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

/* Nobody hears that @file is closed: it was not opened. */
static inline void inotify_not_opened(struct file *file) { file->rights = FILE_RIGHT_PATH_ONLY; }

static inline void inotify_self(struct vnode *vnode, uint32_t mask)
{
	if (vnode_attends(vnode, VNODE_HAS_WATCHES))
		inotify_tell_self(vnode, mask);
}

static inline void inotify_name(struct vnode *directory, const struct path_component *name, uint32_t mask, uint32_t cookie)
{
	if (vnode_attends(directory, VNODE_HAS_WATCHES))
		inotify_tell_name(directory, name, mask, cookie);
}

static inline void inotify_removed(struct vnode *vnode, const struct dentry *dentry, bool directory)
{
	if (vnode_attends(vnode, VNODE_HAS_WATCHES))
		inotify_tell_removed(vnode, dentry, directory);
}

static inline void inotify_if_gone(struct vnode *vnode, const struct dentry *own)
{
	if (vnode_attends(vnode, VNODE_HAS_WATCHES) && !atomic_load(&vnode->attr.links))
		inotify_tell_if_gone(vnode, own);
}

/* @dentry has come to lead from its parent to its vnode. Tree lock held. */
static inline void inotify_named_locked(const struct dentry *dentry)
{
	if (vnode_attends(dentry->parent->vnode, VNODE_HAS_WATCHES) && dentry->vnode)
		inotify_mark_locked(dentry->vnode);
}

/*
 * A rename. With others at work there the file system may replace another node than the walk has found, of which nobody else would hear that it has gone: it
 * says which, by one of the last two functions. inotify_rename.c.
 */
struct path_walk;
struct inotify_rename {
	struct vnode *replaced;		/* referenced; or NULL */
	struct fs_node_id node;		/* of what is to be found yet, with that many links left */
	uint32_t links;
};
void inotify_rename_begin(struct inotify_rename *rename);	/* from now on what this thread's file system says goes there */
void inotify_rename_end(struct inotify_rename *rename, struct fs *fs);
void inotify_moved(struct path_walk *from, struct path_walk *to);
/* Once everything is up to date but what @rename is about; gives that back. */
void inotify_renamed(struct inotify_rename *rename, struct path_walk *from, struct path_walk *to, unsigned flags);
void inotify_replaced(struct vnode *vnode);
void inotify_replaced_node(struct fs_node_id node, uint32_t links);	/* the same with locks of the file system's */
