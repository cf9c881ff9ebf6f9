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

/* A line of /proc/PID/mounts and mountinfo. */
struct mount_line {
	const char *source, *target, *type;
	const char *root;		/* what of the file system it shows */
	const char *options;		/* of the mount */
	bool fs_read_only;
	uint32_t id, parent_id;		/* the same for the root of the tree */
	uint64_t dev;
};
/* Calls @emit for each mount that who lives in @context can reach. May sleep. 0 or -ENOMEM. */
int mount_list(struct fs_context *context, void (*emit)(void *argument, const struct mount_line *line), void *argument);
/* Before the machine stops: tells all file systems everything, all at once, for at most 10 s: one whose server hangs is left. */
void vfs_sync_at_end(void);
