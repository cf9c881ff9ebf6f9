/* SPDX-License-Identifier: MIT */
/* Searching the bits of a descriptor table. */
#include "vfs/fd_bitmap.h"

/* @flip: all ones to look for clear bits. */
static unsigned find(const uint64_t *bits, unsigned count, unsigned from, uint64_t flip)
{
	uint64_t word;
	unsigned index = from / 64;

	if (from >= count)
		return count;
	word = (bits[index] ^ flip) & ~0ull << from % 64;
	while (!word) {
		if (++index >= count / 64)
			return count;
		word = bits[index] ^ flip;
	}
	return index * 64 + __builtin_ctzll(word);
}

unsigned fd_bits_find_clear(const uint64_t *bits, unsigned count, unsigned from)
{
	return find(bits, count, from, ~0ull);
}

unsigned fd_bits_find_set(const uint64_t *bits, unsigned count, unsigned from)
{
	return find(bits, count, from, 0);
}
