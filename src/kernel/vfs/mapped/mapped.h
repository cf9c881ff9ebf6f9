/* SPDX-License-Identifier: MIT */
/* Files whose data are blocks of a disk: what the VFS core and the mounts of such file systems (vfs/served/) call. README.md has the rules. */
#pragma once

#include "block/block_cache.h"
#include "vfs/file_data.h"

struct disk;
struct frame;
struct fs;
struct mapped_fs;
struct vm_object;
struct vnode;

void mapped_init(void);		/* once, before the first mount */
/*
 * What a mount has for it. @block_size as of the cache that is to be made, with mapped_cache_ops and this as their context. NULL when out of memory.
 */
struct mapped_fs *mapped_fs_create(struct fs *fs, struct disk *disk, unsigned block_size);
/* The cache is there: files may be used (fs->data = &mapped_data_ops). Starts the thread. -ENOMEM. */
int mapped_fs_start(struct mapped_fs *mapped, struct block_cache *cache);
/* No vnode is left, and all that writes back groups of the cache is over, or will find no data. Before the cache is destroyed. */
void mapped_fs_stop(struct mapped_fs *mapped);
/* After that. */
void mapped_fs_destroy(struct mapped_fs *mapped);

/* Blocks that write-back may still need: they are free only as far as the server knows. */
uint64_t mapped_promised(struct mapped_fs *mapped);
/* Before the server may need blocks for something else: if they get few, those that are promised get their places first. Sleeps, asks the server. */
void mapped_make_room(struct mapped_fs *mapped);
int mapped_keep_all_promises(struct mapped_fs *mapped);	/* all the same */

/* /proc/sys/vm/dirty_*, of all mounts; atomic. */
enum mapped_limit {
	MAPPED_EXPIRE,		/* hundredths of a second after which a dirty page is written */
	/* How much of it a mount may have before who makes more writes itself, and before the thread writes all: up to 100 are per cent of RAM, else bytes. */
	MAPPED_MOST,
	MAPPED_BACKGROUND,
	MAPPED_LIMITS
};
extern uint64_t mapped_limits[MAPPED_LIMITS];

extern const struct block_cache_ops mapped_cache_ops;	/* context: struct mapped_fs */
extern const struct file_data_ops mapped_data_ops;

/* vm_object_ops of regular files with fs->data. */
int mapped_fill_pages(struct vm_object *object, uint64_t first, struct frame **frames, unsigned count);
unsigned mapped_window(struct vm_object *object, uint64_t index);
int mapped_prepare_write(struct vm_object *object, uint64_t first, uint64_t count);
void mapped_dirtied(struct vm_object *object);
int mapped_charge(struct vm_object *object, int pages);
/* Something of the file that nobody waited for came to nothing: its next fsync says so. */
void mapped_failed(struct vnode *vnode, int error);
int mapped_sync_pages(struct vm_object *object, uint64_t first, uint64_t end);
