/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: changes of names. Each takes a finished walk (WALK_PARENT | WALK_LAST_RAW | PATH_NO_FOLLOW, PATH_CREATE where the name may be
 * absent), checks everything, asks the file system with no lock held, and brings the dentry cache up to date. 0, a negative errno, or
 * NAME_WALK_AGAIN: the names changed since the walk, so what was checked says nothing (never with walk->insist). May sleep.
 */
#pragma once

#include "vfs/path_walk.h"

enum { NAME_WALK_AGAIN = 1, NAME_NOT_READY = 2, NAME_TRIES = 20 /* after that many the caller insists */ };

struct new_node {
	uint32_t mode;		/* type and permission bits; the umask is applied here, not to symlinks */
	uint64_t rdev;
	const char *target;	/* of a symlink */
};

/*
 * The file system was asked to change @name in @parent and gave no answer that tells whether it did: nothing of it is cached from now on. @named, if not
 * NULL, may have lost a name or got one.
 */
void name_maybe_changed(struct dentry *parent, const struct path_component *name, struct vnode *named);

/* Is the entry that the walk found still what the cache has for the name? Asked after the change has begun. */
bool name_walk_is_current(const struct path_walk *walk);

/* Makes walk->last in walk->parent; walk->path's dentry leads to it afterwards. -ESTALE: made, and gone again before it could be used. */
int name_create(struct path_walk *walk, const struct new_node *node);
int name_remove(struct path_walk *walk, bool directory);
/* The same by a name in the kernel. *@path, referenced: what was made. */
int name_create_known(const char *name, const struct new_node *node, struct path *path);
int name_remove_known(const char *name);	/* of what is no directory */

/*
 * The short ways, for a name whose path is in the cache: walk and change of user string @name in one pass. NAME_NOT_READY: nothing was done, the long
 * way has to be gone; so it has for any error that says that the names have changed (-EEXIST, -ENOENT, -ESTALE). *@path: what was made, referenced,
 * and begun to be written to (mount_begin_write).
 */
int name_create_ready(uaddr_t name, const struct new_node *node, struct path *path);
int name_remove_ready(uaddr_t name);	/* of what is no directory */
/* O_TMPFILE: *@at, a directory, becomes a new file there that has no name; @linkable: name_link may give it one. */
int name_make_unnamed(struct path *at, uint32_t mode, bool linkable);
/* The node, without a name yet, that takes the place of one that is renamed in @directory. 0 or negative errno, -EINVAL if there can be none. */
int name_make_whiteout(struct vnode *directory, struct fs_node_id *node);
int name_link(const struct path *from, struct path_walk *to);
int name_rename(struct path_walk *from, struct path_walk *to, unsigned flags);
