/* SPDX-License-Identifier: MIT */
/*
 * Model checker of the ext2 library: random operations on images of all flavours and on a tree in memory, which must stay the same, while the
 * library dies before and after each commit (or anywhere) and begins again with nothing but what it had committed; e2fsck -fn finds nothing to say.
 * EXT2_TEST_SEED and EXT2_TEST_ROUNDS change what is done.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/tree.c */
/* LINK: fs/ext2/check/world.c fs/ext2/check/operations.c fs/ext2/check/direct.c */
/* LINK: fs/ext2/check/image.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/world.h"

static const struct { const char *options; unsigned kib; } flavours[] = {
	{ "-b 1024 -I 128", 2048 }, { "-b 1024 -I 256 -g 512", 2048 }, { "-b 2048 -O ^resize_inode,^sparse_super,^filetype", 4096 },
	{ "-b 4096 -I 256 -O ^resize_inode", 6144 }, { "-r 0 -O none -b 1024", 2048 }, { "-b 1024 -O dir_index,large_file,ext_attr -N 64 -g 256", 1024 },
	{ "-b 4096 -r 0 -O none", 4096 }, { "-b 1024 -m 20 -N 40", 300 },
};

static void check_image(struct world *world, const char *when)
{
	uint8_t *image = store_image(&world->store);
	int status = fsck("-fn", image, world->store.size, NULL);

	if (status) {
		shell("cat %s/check.log >&2; cp %s/check /tmp/ext2-check-failed", scratch_folder(), scratch_folder());
		world_fail(world, "e2fsck -fn %s: %d", when, status);
	}
	free(image);
}

static void run_flavour(unsigned flavour, unsigned seed, unsigned steps)
{
	static struct world world;
	size_t len;
	uint8_t *image = make_image(flavours[flavour].options, flavours[flavour].kib, &len);

	world_open(&world, image, len, seed);
	for (unsigned i = 0; i < steps; i++) {
		world.kills = world_random(&world, 3);
		world_step(&world);
		world.kills = KILL_NEVER;
		world_compare(&world);
		if (i % 64 == 63)
			store_end_group(&world.store);
		if (i % 400 == 399)
			store_flush(&world.store);
	}
	world_sync(&world, false);
	world_empty(&world);
	world_compare(&world);
	for (unsigned i = 0; i < 60; i++)
		world_step(&world);
	for (unsigned i = 0; i < WORLD_NODES; i++)
		if (world.nodes[i].used && !world.nodes[i].links)
			world.nodes[i].used = false;
	world_sync(&world, true);
	check_image(&world, flavours[flavour].options);
	printf("  %-50s seed %u: %lu operations, %lu refused, %lu without space, %lu deaths, %lu failures of the disk, %lu commits in %lu groups\n",
	       flavours[flavour].options, seed, world.operations, world.refused, world.full, world.kills_done, world.failures, world.store.commits,
	       world.store.groups);
	world_close(&world);
}

int main(void)
{
	const char *seed = getenv("EXT2_TEST_SEED"), *rounds = getenv("EXT2_TEST_ROUNDS");
	unsigned first = seed ? atoi(seed) : 1, count = rounds ? atoi(rounds) : 1;

	setlinebuf(stdout);
	printf("ext2_model on %s: seeds %u to %u\n", store_kind, first, first + count - 1);
	for (unsigned round = 0; round < count; round++)
		for (unsigned i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++)
			run_flavour(i, first + round, 600);
	printf("ext2_model: passed\n");
	return 0;
}
