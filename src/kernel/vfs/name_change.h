/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: changes of names. Each takes a finished walk (WALK_PARENT | WALK_LAST_RAW | PATH_NO_FOLLOW, PATH_CREATE where the name may be
 * absent), checks everything, asks the file system with no lock held, and brings the dentry cache up to date. 0 or a negative errno. May sleep.
 */
#pragma once

#include "vfs/path_walk.h"

struct new_node {
	uint32_t mode;		/* type and permission bits; the umask is applied here, not to symlinks */
	uint64_t rdev;
	const char *target;	/* of a symlink */
};

/* Makes walk->last in walk->parent; walk->path's dentry leads to it afterwards. -ESTALE: made, and gone again before it could be used. */
int name_create(struct path_walk *walk, const struct new_node *node);
int name_remove(struct path_walk *walk, bool directory);
int name_link(const struct path *from, struct path_walk *to);
int name_rename(struct path_walk *from, struct path_walk *to, unsigned flags);
