/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: reads and writes that differ from the file's flags for once (vector_calls.c). */
#pragma once

#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/file.h"
#include <linux/fs.h>

/* RWF_HIPRI asks for polling of disks that can be polled, of which there are none. */
enum { TRANSFER_FLAGS = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND };

/*
 * Moves the bytes as @flags, some of these, say; pos_lock is held for file->pos if others may use the file. The caller has looked at the file's rights.
 * Results as of the file's own operations; -EINVAL: it has none; -EOPNOTSUPP: not with these flags.
 */
ssize_t file_transfer(struct file *file, struct uio *uio, uint64_t *pos, bool write, int flags);

struct transfer {
	struct uio uio;
	struct uio_segment *segments;	/* what it is about; the caller's to free */
};

/* Of @count pieces of memory that an array at @vector names, which is copied. 0, or a negative errno with nothing to free. */
static inline __attribute__((always_inline)) int transfer_read_vector(struct transfer *transfer, uaddr_t vector, size_t count)
{
	struct uio_segment *segments;
	int error;

	_Static_assert(sizeof(struct uio_segment) == 16, "has the layout of struct iovec");
	if (count > UIO_SEGMENTS_MAX)
		return -EINVAL;
	segments = kmalloc_array(count + 1, sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	error = copy_from_user(segments, vector, count * sizeof(*segments));
	if (!error)
		error = uio_init_vector(&transfer->uio, segments, count);
	transfer->segments = segments;
	if (error)
		kfree(segments);
	return error;
}
