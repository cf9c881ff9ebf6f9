/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as an ext2 image, mounted, read, changed and emptied. Finding one is a crash, a loop, or a commit that breaks a rule. */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/session.c fs/ext2/check/exercise.c */
/* RUNS: 1200 */
#include <string.h>

#include "check/exercise.h"

enum { WINDOW = 64, TRIES = 64 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 1;
}

/* Most of an image is zeroes and data; 64 bytes are changed where something is. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed;
	size_t at = 0, kept;

	if (size < 4096 || next(&state) % 64 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	for (unsigned i = 0; i < TRIES; i++) {
		at = next(&state) % 4 ? next(&state) % (size / WINDOW) * WINDOW : 1024 + next(&state) % 1152 / WINDOW * WINDOW;
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
	struct exercise exercise;

	exercise_image(data, size, &exercise);
	return 0;
}
