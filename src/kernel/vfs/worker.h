/* SPDX-License-Identifier: MIT */
/*
 * The worker of a file system in a server (FS_SERVED): a thread that tells the server what nobody waits for, so that who only lets go of a file, takes a
 * mount away or looks for memory never waits for a server: ends of vnodes, changed attributes before vnodes leave the cache, and all that is left when
 * the last mount has gone, or as soon as nobody has files mapped any more. While the server hangs the worker does, too, and nobody else.
 */
#pragma once

#include "lib/types.h"

struct fs;
struct fs_worker;
struct vnode;

/* Gives @fs its worker. 0 or -ENOMEM. */
int fs_worker_start(struct fs *fs);

/* The last reference to @vnode is gone: vnode_end() will be called for it. Does not sleep. */
void fs_worker_take(struct vnode *vnode);

/*
 * Returns when all ends that it was given before this call are told; at once if @fs has no worker. The caller has a reference to @fs. 0 or -EINTR if
 * killed. Not for the worker itself.
 */
int fs_worker_wait_for_ends(struct fs *fs);

/* Attributes of @fs are to be told soon. Does not sleep; the vnode cache's lock may be held. */
void fs_worker_flush(struct fs *fs);

/* The last mount is gone: everything is told, and the caches let go. The caller has a reference to @fs. Does not sleep. */
void fs_worker_unmounted(struct fs *fs);

/* The last reference is gone: the worker unmounts it. Does not sleep. */
void fs_worker_end(struct fs *fs);

/* A reference to the worker, for who wants to wait until what fs_worker_unmounted() and fs_worker_end() have begun is done. 0 or -EINTR if killed. */
struct fs_worker *fs_worker_get(struct fs *fs);
int fs_worker_wait_and_put(struct fs_worker *worker);
