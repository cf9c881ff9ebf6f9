/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: mounts as objects, the trees they form, and the namespaces that show a tree to processes. The tree lock (dentry.h) guards
 * parents, places and lists.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "vfs/dentry.h"
#include "vfs/mount.h"

/* What mount(2) was told as the source; copies of a mount share it. */
struct mount_source {
	struct refcount refs;
	char text[];
};

struct mount {
	struct refcount refs;		/* its users, and one while it is in a tree */
	uint32_t flags;			/* atomic; MS_* that hold for this mount, MOUNT_EXPIRES */
	struct fs *fs;			/* set once; referenced */
	struct dentry *root;		/* set once; referenced */
	struct mount *parent;		/* tree lock; referenced; NULL: the root of a tree, a detached or an internal one */
	struct dentry *mountpoint;	/* tree lock; referenced; in parent */
	struct mount *covers_next;	/* tree lock: the next that covers the same dentry, in another parent */
	struct mount **covers_place;	/* tree lock: the pointer to it in that list */
	struct mount *hash_next;	/* tree lock: in its chain of the table of places */
	struct list children;		/* tree lock */
	struct list sibling;		/* tree lock: in parent->children */
	struct mount_namespace *namespace;	/* tree lock: whose tree it is in; NULL: none's */
	struct list link;		/* tree lock: in namespace->mounts, in the order of mounting */
	struct list fs_link;		/* tree lock: in fs->mounts */
	struct mount *copy;		/* tree lock: what became of it in the tree that is being copied; the next of a pool */
	struct path left;		/* where it was in a tree, until that is put */
	struct mount_source *source;	/* set once; referenced */
	uint32_t writers;		/* atomic: files open for writing by it */
	uint32_t id;			/* set once: as /proc/PID/mountinfo tells it */
};

/* A tree of mounts that some processes live in; their fs_contexts hold it. */
struct mount_namespace {
	struct refcount refs;
	bool sealed;			/* set once: entered by view_enter(2); nobody inside can change it or look out of it */
	unsigned count;			/* tree lock */
	struct mount *root;		/* tree lock; its reference is the tree's */
	struct list mounts;		/* tree lock: all of it */
};

#define MOUNT_EXPIRES 0x80000000u	/* umount2(2) was told once to take it away if it stays unused */

enum { MOUNTS_IN_NAMESPACE_MAX = 1024, MOUNTS_MAX = 16384 /* in all; ordinary users have half of them together */ };

extern struct mount_namespace mount_namespace_first;
extern struct mount *mount_root;	/* the root of the first namespace, NULL before there is one; tree lock */

static inline void mount_get(struct mount *mount) { refcount_get(&mount->refs); }
void mount_free(struct mount *mount);	/* for mount_put() only */
static inline void mount_put(struct mount *mount)	/* may sleep: the last one unmounts */
{
	if (unlikely(refcount_put(&mount->refs)))
		mount_free(mount);
}

/* A mount of @fs (whose reference it takes over) showing @root (referenced here), not in a tree. One reference. NULL when out of memory. */
struct mount *mount_create(struct fs *fs, struct dentry *root, const char *source, unsigned flags);
/* The same with the file system's own root. @name: of the root dentry, "" but for internal file systems. 0 or negative errno; @fs is consumed. */
int mount_create_fs(struct fs *fs, const char *name, const char *source, unsigned flags, struct mount **mount);
/* Are there mounts enough left for @more? 0 or -ENOSPC. */
int mount_check_room(size_t more);

/*
 * Puts @mount, and what is mounted on it, over the topmost mount at @at, which must be in namespace @where. The caller's reference becomes the
 * tree's. 0, -ENOENT if the place was removed, -ENOTDIR if only one of both is a directory, -EINVAL, -ENOSPC.
 */
int mount_attach(struct mount *mount, const struct path *at, struct mount_namespace *where);

/* The mount that covers @dentry in @mount, or NULL, if it is not the first of @dentry's list. Tree lock held, no reference taken. */
struct mount *mount_find_place_locked(const struct mount *mount, const struct dentry *dentry);

/* The same, wherever it is. */
static inline struct mount *mount_find_locked(const struct mount *mount, const struct dentry *dentry)
{
	struct mount *over = dentry->covers;

	return likely(!over || over->parent == mount) ? over : mount_find_place_locked(mount, dentry);
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
/* The same for a referenced path. May sleep. */
void mount_cross(struct path *path);

SHARED_INLINE bool mount_is_read_only(const struct mount *mount)
{
	return (atomic_load_relaxed(&mount->flags) & 1 /* MS_RDONLY */) || mount->fs->flags & FS_READ_ONLY;
}

/* A file is opened for writing, or was closed. Begins may be refused (-EROFS): the mount has just become read-only. */
static inline int mount_begin_write(struct mount *mount)
{
	atomic_add(&mount->writers, 1);
	if (likely(!mount_is_read_only(mount)))
		return 0;
	atomic_sub(&mount->writers, 1);
	return -30 /* EROFS */;
}
static inline void mount_end_write(struct mount *mount) { atomic_sub(&mount->writers, 1); }

/* The first mount in which the caller sees @dentry, or any that shows it, or NULL. Tree lock held. */
struct mount *mount_showing_locked(struct dentry *dentry);
/* Is something mounted on @dentry in the caller's namespace? Elsewhere it may be: what removes the name takes those mounts away. */
bool mount_is_point(const struct dentry *dentry);
void mount_detach_from(struct dentry *dentry);	/* may sleep */
size_t mount_count(void);
void mount_init(void);
