/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: what regular files share with the calls about sizes. */
#pragma once

#include "lib/types.h"

struct file;

/* The largest size of a file: the last page must be addressable with a signed offset. */
#define FILE_SIZE_MAX 0x7ffffffffffff000ull

/* May bytes be written at @pos? Cuts *len to the limits; sends SIGXFSZ where RLIMIT_FSIZE says no. 0 or -EFBIG. */
int regular_file_check_limit(uint64_t pos, size_t *len);

/* lseek of a file of @size bytes without holes; sets file->pos under its lock. */
int64_t file_seek_sized(struct file *file, int64_t offset, int whence, uint64_t size);
