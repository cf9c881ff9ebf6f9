/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: mounts as objects and as a tree. The tree lock (dentry.h) guards parents, places and lists. */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "vfs/dentry.h"
#include "vfs/mount.h"

struct mount {
	struct refcount refs;		/* its users, and one while it is in the tree */
	struct fs *fs;			/* set once; referenced */
	struct dentry *root;		/* set once; referenced */
	struct mount *parent;		/* tree lock; referenced; NULL: the root mount, a detached or an internal one */
	struct dentry *mountpoint;	/* tree lock; referenced; in parent */
	struct mount *covers_next;	/* tree lock: the next that covers the same dentry, in another parent */
	struct list children;		/* tree lock */
	struct list sibling;		/* tree lock: in parent->children */
	struct list all_link;		/* tree lock: in the order of mounting */
	uint32_t flags;			/* atomic; MS_* that hold for this mount */
	char *source;			/* set once */
};

static inline void mount_get(struct mount *mount) { refcount_get(&mount->refs); }
void mount_free(struct mount *mount);	/* for mount_put() only */
static inline void mount_put(struct mount *mount)	/* may sleep: the last one unmounts */
{
	if (unlikely(refcount_put(&mount->refs)))
		mount_free(mount);
}

/* A mount of @fs (whose reference it takes over) showing @root (referenced here), not in the tree. One reference. NULL when out of memory. */
struct mount *mount_create(struct fs *fs, struct dentry *root, const char *source, unsigned flags);
/* The same with the file system's own root. @name: of the root dentry, "" but for internal file systems. 0 or negative errno; @fs is consumed. */
int mount_create_fs(struct fs *fs, const char *name, const char *source, unsigned flags, struct mount **mount);

/* Puts @mount over @at. The caller's reference becomes the tree's. 0, -ENOENT if the place was removed. */
int mount_attach(struct mount *mount, const struct path *at);

/* The mount that covers @dentry in @mount, or NULL. Tree lock held, no reference taken. */
static inline struct mount *mount_find_locked(const struct mount *mount, const struct dentry *dentry)
{
	struct mount *over = dentry->covers;

	while (over && over->parent != mount)
		over = over->covers_next;
	return over;
}

/* Goes up into the topmost mount at this place. Tree lock held. */
static inline void mount_cross_locked(struct path *path)
{
	struct mount *over;

	while (unlikely(path->dentry->covers) && (over = mount_find_locked(path->mount, path->dentry))) {
		path->mount = over;
		path->dentry = over->root;
	}
}

extern struct mount *mount_root;	/* set once at boot */

static inline bool mount_is_read_only(const struct mount *mount)
{
	return (atomic_load_relaxed(&mount->flags) & 1 /* MS_RDONLY */) || mount->fs->flags & FS_READ_ONLY;
}

/* The first mount in which @dentry is visible, or NULL. Tree lock held. */
struct mount *mount_showing_locked(const struct dentry *dentry);
size_t mount_count(void);
