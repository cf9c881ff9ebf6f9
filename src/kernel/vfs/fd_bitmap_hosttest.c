/* SPDX-License-Identifier: MIT */
/* Host test of the descriptor bitmap against a plain array. */
/* LINK: vfs/fd_bitmap.c */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vfs/fd_bitmap.h"

enum { COUNT = 320 };

static unsigned model_find(const bool *model, unsigned from, bool wanted)
{
	for (; from < COUNT; from++)
		if (model[from] == wanted)
			return from;
	return COUNT;
}

int main(void)
{
	uint64_t bits[COUNT / 64] = { 0 };
	bool model[COUNT] = { false };

	srand(1);
	for (int round = 0; round < 20000; round++) {
		unsigned fd = rand() % COUNT, from = rand() % (COUNT + 10);

		/* Now and then all full or all empty, where searches run off the end. */
		if (round % 1000 == 0) {
			bool full = rand() & 1;

			memset(bits, full ? 0xff : 0, sizeof(bits));
			memset(model, full, sizeof(model));
		}
		if (rand() & 1) {
			fd_bit_set(bits, fd);
			model[fd] = true;
		} else {
			fd_bit_clear(bits, fd);
			model[fd] = false;
		}
		assert(fd_bit(bits, fd) == model[fd]);
		assert(fd_bits_find_clear(bits, COUNT, from) == model_find(model, from, false));
		assert(fd_bits_find_set(bits, COUNT, from) == model_find(model, from, true));
	}
	puts("fd_bitmap: ok");
	return 0;
}
