/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: reads and writes that differ from the file's flags for once (vector_calls.c). */
#pragma once

#include "vfs/file.h"
#include <linux/fs.h>

/* RWF_HIPRI asks for polling of disks that can be polled, of which there are none. */
enum { TRANSFER_FLAGS = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND };

/*
 * Moves the bytes as @flags, some of these, say; pos_lock is held for file->pos if others may use the file. The caller has looked at the file's rights.
 * Results as of the file's own operations; -EINVAL: it has none; -EOPNOTSUPP: not with these flags.
 */
ssize_t file_transfer(struct file *file, struct uio *uio, uint64_t *pos, bool write, int flags);

/* Makes @uio of @count pieces of memory that an array at @vector names, which is copied to *@segments, the caller's to free. 0 or a negative errno. */
int transfer_read_vector(uaddr_t vector, size_t count, struct uio_segment **segments, struct uio *uio);
