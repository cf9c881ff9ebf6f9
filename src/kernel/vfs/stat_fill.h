/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: struct stat as programs have it. A vnode keeps it ready to be copied out. */
#pragma once

#include "sched/clock.h"
#include "vfs/vnode.h"
#include <asm/stat.h>
#include <linux/stat.h>

enum { STAT_BLOCK_SIZE = 4096 };

struct time_parts { int64_t seconds; uint32_t ns; };

/* Splits with a floor, so that times before 1970 keep their nanoseconds positive. */
static inline struct time_parts split_time(int64_t ns)
{
	struct time_parts parts;

	if (likely(ns >= 0))
		parts.seconds = (uint64_t)ns / NS_PER_SEC;
	else
		parts.seconds = -(int64_t)(((uint64_t)-ns + NS_PER_SEC - 1) / NS_PER_SEC);
	parts.ns = ns - parts.seconds * (int64_t)NS_PER_SEC;
	return parts;
}

/* Field by field, gaps too: cheaper than clearing it all first. */
static inline void stat_fill(struct stat *st, const struct fs_attr *attr, uint64_t dev)
{
	struct time_parts time = split_time(attr->atime);

	st->st_dev = dev;
	st->st_ino = attr->node.id;
	st->st_nlink = attr->links;
	st->st_mode = attr->mode;
	st->st_uid = attr->uid;
	st->st_gid = attr->gid;
	st->__pad0 = 0;
	st->st_rdev = attr->rdev;
	st->st_size = attr->size;
	st->st_blksize = STAT_BLOCK_SIZE;
	st->st_blocks = attr->blocks;
	st->st_atime = time.seconds;
	st->st_atime_nsec = time.ns;
	time = split_time(attr->mtime);
	st->st_mtime = time.seconds;
	st->st_mtime_nsec = time.ns;
	/* Often the same as mtime. */
	if (attr->ctime != attr->mtime)
		time = split_time(attr->ctime);
	st->st_ctime = time.seconds;
	st->st_ctime_nsec = time.ns;
	st->__unused[0] = st->__unused[1] = st->__unused[2] = 0;
}

/* Does vnode->status say what is true now? attr_lock held. */
static inline bool stat_status_holds(const struct vnode *vnode)
{
	return vnode->status_holds && vnode->status_size == atomic_load_relaxed(&vnode->object.size) &&
	       vnode->status_pages == atomic_load_relaxed(&vnode->changed_pages);
}

/* Makes vnode->status anew. False if the file system must be asked first. attr_lock held. */
bool stat_renew_status(struct vnode *vnode);

/* Fills it from the attributes in memory if they are current; false if the file system must be asked. */
static inline bool stat_fill_from_memory(struct stat *st, struct vnode *vnode)
{
	bool known;

	spin_lock(&vnode->attr_lock);
	known = stat_status_holds(vnode) || stat_renew_status(vnode);
	if (known)
		*st = vnode->status;
	spin_unlock(&vnode->attr_lock);
	return known;
}
