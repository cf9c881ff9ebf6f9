/* SPDX-License-Identifier: MIT */
/* Mounts and the life of the VFS. */
#pragma once

#include "vfs/fs.h"
#include "vfs/path.h"

/* Sets up caches and the built-in types. */
void vfs_init(void);

/*
 * Makes the first root: the ext2 image at @image (@len bytes of mapped memory that stays) under a writable tmpfs overlay. 0 or negative errno, with a log
 * line that says what is wrong with the image.
 */
int vfs_mount_root(const void *image, size_t len);

/* The ext2 bootstrap reader over an image in memory (vfs/ext2/). */
int ext2_mount_memory(const void *image, size_t len, struct fs **fs);
/* A tmpfs whose names and data come from @lower (may be NULL) until they are changed (vfs/tmpfs/). */
int tmpfs_create(struct fs *lower, const char *options, struct fs **fs);

/* The MS_* flags that hold there (MS_RDONLY also when the file system is): exec looks at MS_NOSUID and MS_NOEXEC. */
unsigned mount_flags(const struct mount *mount);

/* For /proc/mounts: calls @emit for each mount visible to the caller with source, mount point, type and options. */
void mount_list(void (*emit)(void *context, const char *source, const char *target, const char *type, const char *options), void *context);
void vfs_sync_all(void);
