/* SPDX-License-Identifier: MIT */
/* Moving bytes between a kernel buffer and the pieces of a read or write; see uio.h. */
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "lib/string.h"

enum uio_direction { UIO_TO, UIO_FROM, UIO_CLEAR };

void uio_init_kernel(struct uio *uio, struct uio_segment *segment, void *base, size_t len)
{
	*segment = (struct uio_segment){ (uint64_t)base, len };
	*uio = (struct uio){ .segments = segment, .segment_count = 1, .left = len, .kernel = true };
}

int uio_init_vector(struct uio *uio, const struct uio_segment *segments, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		if ((ssize_t)segments[i].len < 0)
			return -EINVAL;
		if (!user_range_ok(segments[i].base, segments[i].len))
			return -EFAULT;
		total += MIN(segments[i].len, UIO_BYTES_MAX - total);
	}
	/* The first one always has bytes. */
	for (; count > 1 && !segments->len; count--)
		segments++;
	*uio = (struct uio){ .segments = segments, .segment_count = count, .left = total };
	return 0;
}

static size_t move_kernel(uint64_t at, char *buf, size_t len, enum uio_direction direction)
{
	if (direction == UIO_TO)
		memcpy((void *)at, buf, len);
	else if (direction == UIO_FROM)
		memcpy(buf, (const void *)at, len);
	else
		memset((void *)at, 0, len);
	return len;
}

static size_t move_user(uaddr_t at, char *buf, size_t len, enum uio_direction direction)
{
	if (direction == UIO_TO)
		return len - copy_to_user_partial(at, buf, len);
	if (direction == UIO_FROM)
		return len - copy_from_user_partial(buf, at, len);
	return len - clear_user_partial(at, len);
}

static void advance(struct uio *uio, size_t len)
{
	uio->left -= len;
	uio->segment_offset += len;
	while (uio->segment_count > 1 && uio->segment_offset == uio->segments->len) {
		uio->segments++;
		uio->segment_count--;
		uio->segment_offset = 0;
	}
}

static size_t move(struct uio *uio, char *buf, size_t len, enum uio_direction direction)
{
	size_t done = 0;

	len = MIN(len, uio->left);
	while (done < len) {
		uint64_t at = uio->segments->base + uio->segment_offset;
		size_t part = MIN(len - done, uio->segments->len - uio->segment_offset);
		char *from = direction == UIO_CLEAR ? NULL : buf + done;
		size_t moved = uio->kernel ? move_kernel(at, from, part, direction) : move_user(at, from, part, direction);

		done += moved;
		advance(uio, moved);
		if (moved < part)
			break;
	}
	return done;
}

size_t uio_write_to(struct uio *uio, const void *kernel_buf, size_t len)
{
	return move(uio, (char *)kernel_buf, len, UIO_TO);
}

size_t uio_read_from(struct uio *uio, void *kernel_buf, size_t len)
{
	return move(uio, kernel_buf, len, UIO_FROM);
}

size_t uio_write_zeroes(struct uio *uio, size_t len)
{
	return move(uio, NULL, len, UIO_CLEAR);
}
