/* SPDX-License-Identifier: MIT */
/*
 * A uio names where the bytes of a read or write go to or come from: user memory in several pieces, or one kernel buffer. Each
 * copy advances it.
 */
#pragma once

#include "lib/types.h"

/* Of one system call, as Linux has it. */
enum { UIO_SEGMENTS_MAX = 1024, UIO_BYTES_MAX = 0x7ffff000 };

struct uio_segment { uint64_t base; size_t len; };	/* has the layout of struct iovec */

struct uio {
	const struct uio_segment *segments;
	size_t segment_count;
	size_t segment_offset;	/* into segments[0] */
	size_t left;		/* bytes still to move */
	bool kernel;		/* segments are kernel addresses */
};

/* @segment must outlive the uio. */
void uio_init_kernel(struct uio *uio, struct uio_segment *segment, void *base, size_t len);
/* User memory: at most UIO_SEGMENTS_MAX pieces, already copied from the program; their total is cut to UIO_BYTES_MAX. 0, -EINVAL or -EFAULT. */
int uio_init_vector(struct uio *uio, const struct uio_segment *segments, size_t count);

/* Move min(len, uio->left) bytes between @kernel_buf and the uio. Return bytes moved; fewer than that on a bad address (0 → caller gives -EFAULT). */
size_t uio_write_to(struct uio *uio, const void *kernel_buf, size_t len);	/* kernel_buf → uio: a read(2) */
size_t uio_read_from(struct uio *uio, void *kernel_buf, size_t len);		/* uio → kernel_buf: a write(2) */
/*
 * Makes the pages of the next min(len, uio->left) bytes present, to be written to or read, for a copy with preemption off; they may be gone again when it
 * comes. 0, -EFAULT, or -EINTR if the caller is killed. May sleep for as long as a file system does not answer: nobody else's lock may be held.
 */
int uio_page_in(const struct uio *uio, size_t len, bool write);
/* The same as above without sleeping: pages that are absent end it as bad addresses do. */
size_t uio_write_to_now(struct uio *uio, const void *kernel_buf, size_t len);
size_t uio_read_from_now(struct uio *uio, void *kernel_buf, size_t len);
/* Clears bytes of the uio: a read of zeroes. */
size_t uio_write_zeroes(struct uio *uio, size_t len);
