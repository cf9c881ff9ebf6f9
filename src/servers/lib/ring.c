/* SPDX-License-Identifier: MIT */
/* The last bytes of a log (ring.h). */
#include "ring.h"

#include <string.h>

void ring_put(struct ring *ring, const char *bytes, size_t length)
{
	uint64_t end = ring->written + length;

	if (length > RING_BYTES) {
		bytes += length - RING_BYTES;
		length = RING_BYTES;
	}
	while (length > 0) {
		size_t at = (end - length) % RING_BYTES, span = RING_BYTES - at < length ? RING_BYTES - at : length;

		memcpy(ring->bytes + at, bytes, span);
		bytes += span;
		length -= span;
	}
	__atomic_store_n(&ring->written, end, __ATOMIC_RELEASE);
}

size_t ring_get(const struct ring *ring, uint64_t *position, char *out, size_t size)
{
	uint64_t written = ring->written, oldest = written > RING_BYTES ? written - RING_BYTES : 0;
	size_t length, done = 0;

	if (*position < oldest || *position > written)
		*position = oldest;
	length = written - *position < size ? written - *position : size;
	while (done < length) {
		size_t at = (*position + done) % RING_BYTES, span = RING_BYTES - at < length - done ? RING_BYTES - at : length - done;

		memcpy(out + done, ring->bytes + at, span);
		done += span;
	}
	return length;
}
