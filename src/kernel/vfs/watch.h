/* SPDX-License-Identifier: MIT */
/*
 * Where the rest of the VFS tells inotify what happened, and nothing where the kernel is built without it (../README.md, "Switches"): then the functions are
 * empty and cost nothing.
 */
#pragma once

#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/path.h"
#include <linux/inotify.h>

#ifdef INOTIFY

#include "vfs/inotify.h"

/* What is inlined without inotify, and just too large with it. */
#define WATCHED_INLINE inline __attribute__((always_inline))

#else

#define WATCHED_INLINE inline

static inline bool vnode_is_watched(const struct vnode *vnode) { return false; }
/* Has the end of an open file of @vnode to do with more than the file? */
static inline bool vnode_cares_for_ends(const struct vnode *vnode) { return atomic_load_relaxed(&vnode->locks); }
static inline void vnode_has_locks(struct vnode *vnode) { }
static inline void inotify_dentry(struct dentry *dentry, uint32_t mask) { }
static inline void inotify_file(struct file *file, uint32_t mask) { }
static inline void inotify_closed(struct file *file) { }
static inline void inotify_executed(struct dentry *dentry) { }
static inline void inotify_not_opened(struct file *file) { }
static inline void inotify_self(struct vnode *vnode, uint32_t mask) { }
static inline void inotify_new_file(struct file *file, uint32_t mask) { }
static inline void inotify_name(struct vnode *directory, const struct path_component *name, uint32_t mask, uint32_t mode) { }
static inline void inotify_removed(struct vnode *directory, const struct path_component *name, struct vnode *vnode, const struct dentry *dentry,
				   uint32_t mode) { }
static inline void inotify_unsure(struct vnode *directory) { }
static inline void inotify_if_gone(struct vnode *vnode, const struct dentry *own) { }
static inline void inotify_named_locked(const struct dentry *dentry) { }
#define inotify_unhashed_locked(dentry) ((void)0)	/* an empty function would change what else is inlined there */
static inline void inotify_perhaps_stray_locked(const struct dentry *dentry) { }
static inline void inotify_mounted_first(struct fs *fs) { }
static inline void inotify_tell_unmounted(struct fs *fs) { }

struct path_walk;
static inline void inotify_moved(struct path_walk *from, struct path_walk *to) { }
static inline void inotify_renamed(struct path_walk *from, struct path_walk *to, unsigned flags) { }

#endif

/* So many bytes of @file were moved, or an error; returns that. @mask: IN_ACCESS or IN_MODIFY. */
static inline ssize_t inotify_bytes(struct file *file, uint32_t mask, ssize_t done)
{
	if (done > 0)
		inotify_file(file, mask);
	return done;
}
