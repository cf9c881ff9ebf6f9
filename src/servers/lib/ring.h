/* SPDX-License-Identifier: MIT */
/*
 * The last bytes of a log, in memory that may outlive the process that writes them. Pure. Positions count bytes since the ring was made; what has been
 * overwritten is passed over. One writer, and readers in the same thread.
 */
#ifndef SERVERS_LIB_RING_H
#define SERVERS_LIB_RING_H

#include <stddef.h>
#include <stdint.h>

enum { RING_BYTES = 8192 - 8 };

struct ring {
	uint64_t written;            /* bytes ever: changed last, so that a writer that dies leaves what was whole */
	char bytes[RING_BYTES];
};

void ring_put(struct ring *ring, const char *bytes, size_t length);

/*
 * Copies bytes from *@position on, at most @size, moving *@position to the first one given. Returns how many; 0 at the end. A position beyond the end is
 * one of another boot, or of another ring: read from the oldest byte.
 */
size_t ring_get(const struct ring *ring, uint64_t *position, char *out, size_t size);

#endif
