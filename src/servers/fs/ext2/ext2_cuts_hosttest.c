/* SPDX-License-Identifier: MIT */
/*
 * The power goes: random operations, whose log of writes is cut anywhere, with any of the writes between two barriers done or not. e2fsck -p must mend each,
 * and what was synced before must be there. Then the same with one rule of write-back left out at a time, which must be noticed.
 * EXT2_TEST_SEED and EXT2_TEST_ROUNDS change what is done.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/tree.c */
/* LINK: fs/ext2/check/world.c fs/ext2/check/operations.c fs/ext2/check/direct.c */
/* LINK: fs/ext2/check/image.c fs/ext2/check/cuts.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/cuts.h"

static const struct { const char *options; unsigned kib; } flavours[] = {
	{ "-b 1024 -I 128 -O ^resize_inode -N 256", 512 }, { "-b 4096 -I 256 -O ^resize_inode -N 96", 2048 }, { "-r 0 -O none -b 1024 -N 256", 512 },
	{ "-b 1024 -I 256 -g 256 -O ^resize_inode,^filetype -N 128", 768 },
};

static struct world world;
static struct promise promise;
static unsigned cuts, risky, mended_all, bad;
static bool show;

static bool toss(void *context)
{
	unsigned *odds = context;

	return world_random(&world, 100) < *odds;
}

/* What is wrong with the disk after a cut in @phase, or NULL. */
static const char *try_cut(unsigned phase)
{
	static char text[128];
	unsigned odds = 10 + world_random(&world, 80);
	const struct store_phase *at = &world.store.phases[phase];
	uint8_t *mended, *image = store_cut(&world.store, phase, toss, &odds);
	int status = fsck("-fp", image, world.store.size, &mended);

	cuts++;
	if (status > 1 && at->risky) {
		/* What ext2 cannot have (README.md): it is mended by hand, and nothing is lost, nor in lost+found. */
		risky++;
		free(mended);
		status = fsck("-fy", image, world.store.size, &mended);
		if (getenv("EXT2_TEST_KEEP"))
			save_file(getenv("EXT2_TEST_KEEP"), image, world.store.size);
	}
	mended_all += status == 1;
	free(image);
	if (status > 1) {
		free(mended);
		snprintf(text, sizeof(text), "e2fsck -p: %d", status);
		if (show && !world.store.lapses)
			shell("cat %s/check.log >&2", scratch_folder());
		return text;
	}
	return promise_check(&world, &promise, mended, world.store.no_barriers ? world.operations : at->operation);
}

/* Returns how many of @count cuts were bad. */
static unsigned run(unsigned flavour, unsigned seed, unsigned lapses, unsigned count)
{
	size_t len;
	uint8_t *image = make_image(flavours[flavour].options, flavours[flavour].kib, &len);
	unsigned before = 20 + seed % 60, failed = 0;

	world_open(&world, image, len, seed);
	for (unsigned i = 0; i < before; i++)
		world_step(&world);
	promise_make(&world, &promise);
	world.store.lapses = lapses;
	for (unsigned i = 0; i < 120; i++) {
		world_step(&world);
		if (world_random(&world, 24) == 0)
			store_end_group(&world.store);
	}
	store_end_group(&world.store);
	for (unsigned i = 0; i < count && world.store.phase_count; i++) {
		unsigned phase = world_random(&world, world.store.phase_count);
		const char *wrong = try_cut(phase);

		failed += wrong != NULL;
		if (wrong && !lapses) {
			fprintf(stderr, "ext2: %s, seed %u, cut in phase %u of %u (operation %lu%s): %s\n", flavours[flavour].options, seed, phase,
				world.store.phase_count, world.store.phases[phase].operation, world.store.phases[phase].risky ? ", risky" : "", wrong);
			bad++;
		}
	}
	world_close(&world);
	return failed;
}

/* @flavour: where it is most likely to matter; 4: all of them. */
static void run_control(const char *name, unsigned lapse, unsigned flavour)
{
	enum { TRIES = 100 };
	unsigned failed = 0, tries = 0, before = cuts;

	while (!failed && tries++ < TRIES)
		failed = run(flavour < 4 ? flavour : tries % 4, 1000 + tries, lapse, 6);
	printf("  without %s: %s after %u cuts\n", name, failed ? "noticed" : "NOT noticed", cuts - before);
	bad += !failed;
}

int main(void)
{
	const char *seed = getenv("EXT2_TEST_SEED"), *rounds = getenv("EXT2_TEST_ROUNDS");
	unsigned first = seed ? atoi(seed) : 1, count = rounds ? atoi(rounds) : 2;

	show = seed != NULL;
	setlinebuf(stdout);
	printf("ext2_cuts on %s: seeds %u to %u, controls 1001 and on\n", store_kind, first, first + count - 1);
	for (unsigned round = 0; round < count; round++)
		for (unsigned i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++)
			run(i, first + round, 0, 16);
	printf("ext2_cuts: %u cuts, %u mended, %u by e2fsck -y because a directory was moving, %u bad\n", cuts, mended_all, risky, bad);
	run_control("any order", STORE_NO_ORDER, 4);
	run_control("names and new blocks first", STORE_NO_FIRST, 4);
	run_control("late changes late", STORE_NO_LATE, 4);
	run_control("boundaries", STORE_NO_BOUNDARY, 4);
	run_control("settled directories", STORE_NO_SETTLED, 3);
	run_control("late discards", STORE_EARLY_DISCARD, 4);
	return bad != 0;
}
