/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: how files are made, opened and closed. */
#pragma once

#include "vfs/file.h"
#include "vfs/path_walk.h"
#include "mm/heap.h"
#include <linux/fcntl.h>

struct fd_table;

void file_init(void);
size_t file_count(void);	/* open files that exist */

extern struct slab_cache *file_slab;
extern size_t files_open;	/* atomic */

static inline uint32_t file_rights_of(uint32_t flags)
{
	/* 1 more than the mode has the bits of the rights; access mode 3 is only for ioctl. */
	_Static_assert(O_RDONLY + 1 == FILE_RIGHT_READ && O_WRONLY + 1 == FILE_RIGHT_WRITE &&
		       O_RDWR + 1 == (FILE_RIGHT_READ | FILE_RIGHT_WRITE), "rights follow from the access mode");
	return unlikely(flags & O_PATH) ? FILE_RIGHT_PATH_ONLY : ((flags & O_ACCMODE) + 1) & (FILE_RIGHT_READ | FILE_RIGHT_WRITE);
}

/* A file with one reference, nothing set but @ops and what follows from @flags. NULL when out of memory. */
static inline struct file *file_alloc(const struct file_ops *ops, uint32_t flags)
{
	struct file *file = slab_alloc(file_slab);

	if (unlikely(!file))
		return NULL;
	refcount_init(&file->refs, 1);
	file->ops = ops;
	file->flags = flags;
	file->rights = file_rights_of(flags);
	file->pos_lock = (struct mutex)MUTEX_INIT(file->pos_lock, LOCK_FILE_POSITION);
	file->pos = 0;
	file->path = (struct path){ NULL, NULL };
	file->vnode = NULL;
	file->private = NULL;
	file->writer = file->atime_done = false;
	file->owner_signal = 0;
	file->owner = 0;
	file->readable = NULL;
	file->watches = NULL;
	atomic_add(&files_open, 1);
	return file;
}

/* A file on @path, whose references it takes over (also when it fails). Rights follow from the access mode in @flags. NULL when out of memory. */
struct file *file_create_at(const struct file_ops *ops, uint32_t flags, const struct path *path);

/* A descriptor of @table that led to @file was closed; its reference is put. May sleep. */
void file_descriptor_closed(struct file *file, struct fd_table *table);

/* Opens what was walked to: @path's references are taken over in any case. @created: permission is not asked. */
struct file *file_open_at(struct path *path, int flags, bool created, int *error);

/* open(2) by a walk: decodes flags, walks, creates, opens. The name is @user_name, or @kernel_name when that is not NULL. */
struct file *file_open_name(int dir_fd, uaddr_t user_name, const char *kernel_name, int flags, unsigned mode, int *error);

/* The same by openat2: @limits are WALK_RESOLVE flags. */
struct file *file_open_resolved(int dir_fd, uaddr_t name, int flags, unsigned mode, unsigned limits, int *error);

/* open_checked.c: the capabilities that open's @flags need. */
uint64_t open_needs(int flags);

extern const struct file_ops regular_file_ops;
extern const struct file_ops directory_file_ops;
extern const struct file_ops path_only_file_ops;
