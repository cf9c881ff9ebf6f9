/* SPDX-License-Identifier: MIT */
/*
 * inotify(7) as the rest of the VFS sees it: what happened is told, after it happened, by who made it happen. Where nobody watches that is one test: of
 * inotify_watch_count for names, for what is done to a file of a byte of its vnode. VNODE_WATCHED is set there in what is watched, and in what has a name in a
 * directory that is (or was: who tells in vain takes it away). The tests come after the change was made under a lock, and a watch begins before its caller
 * looks, under that lock, at what there is: so the one or the other sees it. They are plain reads, which the compiler does not move over locks and calls.
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
	VNODE_STRAYS = 8,		/* a hint: files may be open by entries that the cache does not find, and so not who marks what a directory has */
};
enum { VNODE_MAY_BE_HEARD = VNODE_WATCHED | VNODE_STRAYS };

extern uint64_t inotify_watch_count;	/* all there are; inotify's lock, read without it */

static inline bool inotify_watching(void) { return unlikely(inotify_watch_count); }
static inline bool vnode_attends(const struct vnode *vnode, unsigned what) { return unlikely(vnode->object.attention & what); }

/* Something happened to what has the name @dentry (positive, referenced): told to who watches it, and to who watches the directory. */
void inotify_tell(struct dentry *dentry, uint32_t mask);
/* It is run: opened, read, and closed, which Linux tells when the program ends; but it is not remembered by which name it was found. */
void inotify_tell_executed(struct dentry *dentry);
/* The same for @vnode alone. */
void inotify_tell_self(struct vnode *vnode, uint32_t mask);
/* @name in @directory: IN_CREATE, IN_DELETE, IN_MOVED_FROM or IN_MOVED_TO, with IN_ISDIR if @mode is a directory's. */
void inotify_tell_name(struct vnode *directory, const struct path_component *name, uint32_t mask, uint32_t mode, uint32_t cookie);
uint32_t inotify_new_cookie(void);
/* @name was removed from @directory: the entry @dentry of @vnode (NULL: it is not in memory), which was a directory or not. */
void inotify_tell_removed(struct vnode *directory, const struct path_component *name, struct vnode *vnode, const struct dentry *dentry, uint32_t mode);
/* Whether a name in @directory changed nobody knows: its watches hear that they have missed something. */
void inotify_tell_unsure(struct vnode *directory);
/* @vnode has lost a name, or its links, or an entry. If nothing is left but the caller's @own (may be NULL), it is gone, and so are its watches. */
void inotify_tell_if_gone(struct vnode *vnode, const struct dentry *own);
/* Nothing shows @fs any more. May sleep. */
void inotify_tell_unmounted(struct fs *fs);
/* @dentry, positive, has come to lead there from a directory. Tree lock held. */
void inotify_tell_named_locked(const struct dentry *dentry);

static inline bool vnode_is_watched(const struct vnode *vnode) { return vnode_attends(vnode, VNODE_WATCHED); }
static inline bool vnode_cares_for_ends(const struct vnode *vnode) { return vnode->object.attention; }
static inline void vnode_has_locks(struct vnode *vnode) { (void)atomic_or(&vnode->object.attention, VNODE_HAS_LOCKS); }
static inline void inotify_mounted_first(struct fs *fs) { list_init(&fs->watches); }

static inline void inotify_dentry(struct dentry *dentry, uint32_t mask)
{
	if (vnode_attends(dentry->vnode, VNODE_MAY_BE_HEARD))
		inotify_tell(dentry, mask);
}

static inline void inotify_file(struct file *file, uint32_t mask)
{
	if (file->vnode && vnode_attends(file->vnode, VNODE_MAY_BE_HEARD))
		inotify_tell(file->path.dentry, mask);
}

/* The same of a file that the caller has just made, so that nobody has looked for it in vain. */
static inline void inotify_new_file(struct file *file, uint32_t mask)
{
	if (inotify_watching())
		inotify_file(file, mask);
}

static inline void inotify_closed(struct file *file)
{
	if (file->vnode && vnode_attends(file->vnode, VNODE_MAY_BE_HEARD) && !(file->rights & FILE_RIGHT_PATH_ONLY))
		inotify_tell(file->path.dentry, file->rights & FILE_RIGHT_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

static inline void inotify_executed(struct dentry *dentry)
{
	if (vnode_attends(dentry->vnode, VNODE_MAY_BE_HEARD))
		inotify_tell_executed(dentry);
}

/* Nobody hears that @file is closed: it was not opened. */
static inline void inotify_not_opened(struct file *file) { file->rights = FILE_RIGHT_PATH_ONLY; }

static inline void inotify_self(struct vnode *vnode, uint32_t mask)
{
	if (vnode_attends(vnode, VNODE_HAS_WATCHES))
		inotify_tell_self(vnode, mask);
}

static inline void inotify_name(struct vnode *directory, const struct path_component *name, uint32_t mask, uint32_t mode)
{
	if (inotify_watching())
		inotify_tell_name(directory, name, mask, mode, 0);
}

static inline void inotify_removed(struct vnode *directory, const struct path_component *name, struct vnode *vnode, const struct dentry *dentry,
				   uint32_t mode)
{
	if (inotify_watching())
		inotify_tell_removed(directory, name, vnode, dentry, mode);
}

static inline void inotify_unsure(struct vnode *directory)
{
	if (inotify_watching())
		inotify_tell_unsure(directory);
}

static inline void inotify_if_gone(struct vnode *vnode, const struct dentry *own)
{
	if (vnode_attends(vnode, VNODE_HAS_WATCHES) && !atomic_load(&vnode->attr.links))
		inotify_tell_if_gone(vnode, own);
}

/* @dentry has come to lead from its parent to its vnode, if it has one. Tree lock held. */
static inline void inotify_named_locked(const struct dentry *dentry)
{
	if (inotify_watching() && dentry->vnode)
		inotify_tell_named_locked(dentry);
}

/* The cache will not find @dentry any more, which may be in use. Tree lock held. */
static inline void inotify_unhashed_locked(const struct dentry *dentry)
{
	if (dentry->vnode && atomic_load_relaxed(&dentry->refs.count) > dentry->hashed)
		(void)atomic_or(&dentry->vnode->object.attention, VNODE_STRAYS);
}

/* The caller uses @dentry (or NULL), which the cache may not know. Tree lock held. */
static inline void inotify_perhaps_stray_locked(const struct dentry *dentry)
{
	if (dentry && !dentry->hashed && dentry->vnode)
		(void)atomic_or(&dentry->vnode->object.attention, VNODE_STRAYS);
}

/* A rename: first what its directories are told, then, after what it has replaced was told so, what has moved. inotify_rename.c. */
struct path_walk;
void inotify_moved(struct path_walk *from, struct path_walk *to);
void inotify_renamed(struct path_walk *from, struct path_walk *to, unsigned flags);
