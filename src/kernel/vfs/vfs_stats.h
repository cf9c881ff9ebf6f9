/* SPDX-License-Identifier: MIT */
/* How many objects of the VFS exist: for procfs and leak tests. */
#pragma once

#include "lib/types.h"

struct vfs_stats {
	size_t files;			/* open file descriptions */
	size_t dentries, dentries_cached;	/* all, and those that lookups can find */
	size_t vnodes, vnodes_cached;	/* all but pipes', and those that the cache keeps */
	size_t mounts, pipes;
};
void vfs_get_stats(struct vfs_stats *stats);
/* Gives back every unused dentry and vnode, so that what is left is in use. May sleep. */
void vfs_drop_caches(void);
