/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: steps of the calls on mounts, and going through them. */
#pragma once

#include "vfs/fs_context.h"
#include "vfs/mount_tree.h"

/* The namespace that the caller lives in. */
SHARED_INLINE struct mount_namespace *mount_namespace_current(void) { return fs_context_current()->namespace; }

void mount_attach_root(struct mount *mount);
/*
 * Takes @mount out of the caller's tree, @lazy with all that is mounted below it. @users: references that the caller itself holds. @expire: the first time it
 * is only marked. 0, -EBUSY, -EAGAIN or -EINVAL.
 */
int mount_detach(struct mount *mount, unsigned users, bool lazy, bool expire);
/* Takes @mount with all below it from its place to @at. 0, -EINVAL, -ELOOP, -ENOENT. */
int mount_move(struct mount *mount, const struct path *at);
/* pivot_root(2): @new becomes the root of all whose root is the caller's, which from then on is mounted at @put_old. 0 or negative errno. */
int mount_pivot(const struct path *new, const struct path *put_old);
/* Sets the flags of @mount, or (@all) whether its file system can be written at all. 0, -EBUSY while somebody writes, -EROFS. */
int mount_set_flags(struct mount *mount, unsigned flags, bool all);

/* Mounts for a copy, made before the lock is taken. */
struct mount_pool {
	struct mount *first;
	unsigned count;
};
/* Makes the pool hold @count. 0, -ENOMEM, -ENOSPC. What is left in the end goes by mount_pool_free. Both may sleep. */
int mount_pool_fill(struct mount_pool *pool, unsigned count);
void mount_pool_free(struct mount_pool *pool);
unsigned mount_tree_size_locked(struct mount *top);
/* The one after @at in the tree below @top, parents first; NULL at the end. Tree lock held. */
struct mount *mount_tree_next_locked(struct mount *at, const struct mount *top);
/* One mount out of the pool, showing @root as @from does. Tree lock held. */
struct mount *mount_copy_one_locked(struct mount *from, struct dentry *root, struct mount_pool *pool);
/*
 * A copy of @top, showing @root of it, and of what is mounted below that, in no namespace, one reference; for each mount of the tree ->copy is
 * then its copy or NULL. The pool has as many as the tree. Tree lock held.
 */
struct mount *mount_copy_tree_locked(struct mount *top, struct dentry *root, struct mount_pool *pool);
/* A copy of what @what shows, with all below it if @whole: 0 and *@copy, or -ENOMEM, -ENOSPC, or -EINVAL if it is not in namespace @where. May sleep. */
int mount_copy(const struct path *what, bool whole, const struct mount_namespace *where, struct mount **copy);
/* Frees a tree that is in no namespace. May sleep. */
void mount_discard(struct mount *top);

/* A namespace around the tree @root, whose reference it takes over. One reference. NULL when out of memory (then nothing was taken over). */
struct mount_namespace *mount_namespace_create(struct mount *root, bool sealed);
static inline void mount_namespace_get(struct mount_namespace *namespace) { refcount_get(&namespace->refs); }
void mount_namespace_free(struct mount_namespace *namespace);	/* for mount_namespace_put() only */
static inline void mount_namespace_put(struct mount_namespace *namespace)	/* may sleep: the last one takes its mounts along */
{
	if (unlikely(refcount_put(&namespace->refs)))
		mount_namespace_free(namespace);
}
/* Adds a tree to a namespace, or takes it out, gathering its mounts in @gone for mount_put_gone, which may sleep. Tree lock held. */
void mount_join_locked(struct mount *top, struct mount_namespace *namespace);
void mount_leave_locked(struct mount *top, struct list *gone);
void mount_put_gone(struct list *gone);
/* Puts @mount over @dentry of @parent, or takes it from there; *@left are references to put. Tree lock held. */
void mount_put_over_locked(struct mount *mount, struct mount *parent, struct dentry *dentry);
void mount_take_off_locked(struct mount *mount, struct path *left);

/* The mount after @previous (whose reference is put) in @namespace, referenced; NULL at the end. Start with NULL. If @previous left the tree: the end. */
struct mount *mount_next(struct mount_namespace *namespace, struct mount *previous);
/* The same for mounted file systems. */
struct fs *fs_next_mounted(struct fs *previous);
