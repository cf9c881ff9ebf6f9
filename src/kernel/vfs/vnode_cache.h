/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: figures of the vnode cache and its start. */
#pragma once

#include "vfs/vnode.h"

void vnode_cache_init(void);
void vnode_cache_shrink_all(void);
size_t vnode_cache_total(void);		/* vnodes that exist */
size_t vnode_cache_cached(void);	/* those that the cache holds */

/* How many nodes of @fs are @wanted (the cache's lock is held then). The first @max are put into @out, referenced, or NULL where one is just ending. */
size_t vnode_search(const struct fs *fs, bool (*wanted)(const struct vnode *vnode), struct vnode **out, size_t max);
extern struct wait_queue vnode_gone;	/* one that was ending is no more */

/* After the last reference: tells the file system what it has to know, and frees @vnode. May sleep, where there is no worker (worker.h) in any call. */
void vnode_end(struct vnode *vnode);
/* As vnode_sync_attributes(), unless the file is being written. */
int vnode_try_sync_attributes(struct vnode *vnode);
/* As vnode_flush_all(), but files that are being written are left for another time. */
void vnode_flush_idle(struct fs *fs);

/* Copies the attributes in memory with what the page cache knows better. attr_lock held. */
void vnode_copy_attr_locked(struct vnode *vnode, struct fs_attr *attr);
/* The file system's answer to a question asked when vnode->attr_changes was @changes. False: others have changed something meanwhile. */
bool vnode_renew_links(struct vnode *vnode, uint32_t links, uint32_t changes);
/* Takes the file system's answer for everything that the kernel has not newer itself. attr_lock held. */
void vnode_merge_attr_locked(struct vnode *vnode, const struct fs_attr *attr);
