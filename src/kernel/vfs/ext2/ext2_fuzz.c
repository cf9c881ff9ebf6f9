/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as an ext2 image, mounted and read as a whole. Finding one is a crash, a loop, or a tree that is none (ext2_walk.c). */
/* LINK: vfs/ext2/superblock.c vfs/ext2/inode.c vfs/ext2/block_map.c vfs/ext2/directory.c vfs/ext2/ext2_fs.c test/host/ext2_walk.c */
/* RUNS: 4000 */
#include <stdlib.h>
#include <string.h>

#include "ext2_walk.h"
#include "lib/log.h"

enum { WINDOW = 64, TRIES = 64 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 1;
}

/*
 * An image is mostly zeroes and data, which mean nothing. The fuzzer changes 64 bytes at a time, where something is: superblock, descriptors,
 * inodes, directories, pointers. Now and then it may cut the image.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed;
	size_t at = 0, kept;

	if (size < 4 * 1024 || next(&state) % 64 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	for (unsigned i = 0; i < TRIES; i++) {
		at = next(&state) % 4 == 0 ? 1024 + next(&state) % 1152 / WINDOW * WINDOW : next(&state) % (size / WINDOW) * WINDOW;
		if (at + WINDOW <= size && (data[at] || data[at + WINDOW / 2 + 4]))
			break;
	}
	if (at + WINDOW > size)
		return size;
	kept = LLVMFuzzerMutate(data + at, WINDOW, WINDOW);
	memset(data + at + kept, 0, WINDOW - kept);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its exact size, so that every read past the end is seen. */
	uint8_t *copy = malloc(size ? size : 1);

	if (size)
		memcpy(copy, data, size);
	log_set_console_level(0);
	ext2_walk_image(copy, size, NULL, NULL);
	free(copy);
	return 0;
}
