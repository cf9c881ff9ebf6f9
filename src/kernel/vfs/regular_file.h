/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: what regular files share with the calls about sizes. */
#pragma once

#include "lib/types.h"

struct file;
struct uio;

/* The largest size of a file: the last page must be addressable with a signed offset. */
#define FILE_SIZE_MAX 0x7ffffffffffff000ull

/* May bytes be written at @pos? Cuts *len to the limits; sends SIGXFSZ where RLIMIT_FSIZE says no. 0 or -EFBIG. */
int regular_file_check_limit(uint64_t pos, size_t *len);

/* write(2) of at least one byte with vnode->write_lock held: the bytes written or a negative errno. May sleep. */
ssize_t regular_file_write_locked(struct file *file, struct uio *uio, uint64_t *pos);

/* lseek of a file of @size bytes without holes; sets file->pos under its lock. */
int64_t file_seek_sized(struct file *file, int64_t offset, int whence, uint64_t size);
