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
/*
 * Removing a name together with its node, for file systems with a worker: what nobody uses need not live on without names until it is released, which is
 * a second change, and on the disk an orphan. But nobody may come to use it while the file system is asked. So it is secluded before: if the cache and
 * one entry, of which the caller has the only reference beside the hash's, are all that hold @vnode, both give their references up, and it is as one
 * that dies: its count is 0, and it stays in the hash. With the tree lock and vnode_cache_lock held nobody else can get a reference meanwhile, as
 * those are the two places to get one from. The entry leaves its hash at the same time. So who comes then:
 * - walks ask the file system for the name. If they hear of the node (they were asked before it went), vnode_from_answer() waits, as for any that dies,
 *   and finds it alive again, or asks again; an answer that was under way all the time is older than the removal, which the guard counts in the
 *   same moment in which the node leaves the hash;
 * - the same for other names of the node: who finds it there has to wait. Who has already, holds it, and then it is not secluded;
 * - the file system may find that the name leads to another node now, by a rename since the walk: it says which, and that one was not to end;
 * - shrinker, flushing, and unmounting go along the LRU list, where it is not; write-back passes over what has no users. It has no write-back
 *   under way, as that holds a reference, so no block of it is written after it was freed. A sync(2) meanwhile misses it, as if it came after the end;
 * - vnode_find_removed() marks one that dies, and then it is released in case.
 * When the file system fails, or says nothing (the caller was killed, the server lied), it is alive again, with its pages, and links_unsure, so that it
 * is released once more when its last user has gone: of a node that has ended that does nothing, by its generation.
 * Not what is large: its release takes many commits, and should not be lost with a server.
 *
 * Tree lock held. True: it is secluded, until vnode_seclude_end(), after which the caller has the entry's reference. @ended: the node is no more.
 */
bool vnode_seclude_locked(struct vnode *vnode);
void vnode_seclude_end(struct vnode *vnode, bool ended);
/* The file system has not taken its attributes, and is not to be asked again yet but by who waits for it. */
bool vnode_is_refused(const struct vnode *vnode);
/* As vnode_sync_attributes(), unless the file is being written, or vnode_is_refused(). */
int vnode_try_sync_attributes(struct vnode *vnode);
/* The file system will not hear of what it refused with @error: that is said in the log, and to who syncs the file. */
void vnode_lost_attributes(struct vnode *vnode, int error);
/* As vnode_flush_all(), but files that are being written are left for another time. */
void vnode_flush_idle(struct fs *fs);

/* Copies the attributes in memory with what the page cache knows better. attr_lock held. */
void vnode_copy_attr_locked(struct vnode *vnode, struct fs_attr *attr);
/* The file system's answer to a question asked when vnode->attr_changes was @changes. False: others have changed something meanwhile. */
bool vnode_renew_links(struct vnode *vnode, uint32_t links, uint32_t changes);
/* Takes the file system's answer for everything that the kernel has not newer itself. attr_lock held. */
void vnode_merge_attr_locked(struct vnode *vnode, const struct fs_attr *attr);
