/* SPDX-License-Identifier: MIT */
/* LINK: lib/ring.c */
/* The ring of a log against a plain list of all bytes, with pieces of every size. */
#include "ring.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { ALL_BYTES = 400000 };

static struct ring ring;
static char all[ALL_BYTES], out[RING_BYTES + 10];

static void check_window(size_t written, uint64_t position)
{
	uint64_t oldest = written > RING_BYTES ? written - RING_BYTES : 0, asked = position;
	size_t got = ring_get(&ring, &position, out, sizeof(out));

	CHECK(position == (asked < oldest || asked > written ? oldest : asked), "position %llu of %zu", (unsigned long long)position, written);
	CHECK(got == written - position && memcmp(out, all + position, got) == 0, "%zu bytes from %llu", got, (unsigned long long)position);
}

int main(void)
{
	size_t written = 0;
	unsigned seed = 1;

	for (size_t i = 0; i < ALL_BYTES; i++)
		all[i] = (char)(i * 7 + i / 256);
	check_window(0, 0);
	check_window(0, 5);
	while (written < ALL_BYTES - 3 * RING_BYTES) {
		size_t length;

		seed = seed * 1103515245 + 12345;
		length = seed / 65536 % (seed & 0x100 ? 100 : 2 * RING_BYTES + 2);
		ring_put(&ring, all + written, length);
		written += length;
		check_window(written, 0);
		check_window(written, written);
		check_window(written, written + 1);
		check_window(written, written > 50 ? written - 50 : 0);
	}
	for (uint64_t position = written - 1000, end = written; position < end;) {
		uint64_t at = position;
		size_t got = ring_get(&ring, &at, out, 7);

		CHECK(at == position && got > 0 && memcmp(out, all + at, got) == 0, "small pieces");
		position += got;
	}
	return check_result("ring");
}
