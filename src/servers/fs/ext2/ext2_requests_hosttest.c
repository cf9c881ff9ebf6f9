/* SPDX-License-Identifier: MIT */
/*
 * The server as a whole but for its messages, as ext2_model_hosttest.c has it for the library: handlers, kept blocks, and the kernel's calls on a model of
 * them. The server dies before and after each commit, and at any read; callers give up; generations are stale; reads fail.
 * EXT2_TEST_SEED and EXT2_TEST_ROUNDS change what is done.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/tree.c */
/* LINK: fs/ext2/check/world.c fs/ext2/check/operations.c fs/ext2/check/requests.c */
/* LINK: fs/ext2/check/image.c fs/ext2/check/fake_calls.c fs/ext2/handlers.c fs/ext2/blocks.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/fake_calls.h"
#include "check/requests.h"

enum { GROWN = 24 << 20 };

static const struct { const char *options; unsigned kib; bool grows; } flavours[] = {
	{ "-b 1024 -I 128", 2048, false }, { "-b 1024 -I 256 -g 512", 2048, false }, { "-b 2048 -O ^resize_inode,^sparse_super,^filetype", 4096, false },
	{ "-b 4096 -I 256 -O ^resize_inode", 6144, true }, { "-r 0 -O none -b 1024", 2048, false },
	{ "-b 1024 -O dir_index,large_file,ext_attr -N 64 -g 256", 1024, false },
	{ "-b 4096 -r 0 -O none", 4096, false }, { "-b 1024 -m 20 -N 40", 300, false },
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

/* By a start with that option, at which it dies; then what the tests look through knows of it, too. */
static void grow(struct world *world)
{
	struct answer answer;
	struct call call = { .answer = &answer };

	world->kills = KILL_ALWAYS;
	if (world_run(world, CALL_GROW, &call, &answer))
		world_fail(world, "grow: %s", strerror(-answer.result));
	world->kills = KILL_NEVER;
	if (ext2_mount(&world->store.io, world->memory, ext2_memory(0), EXT2_ADOPT | EXT2_READ_ONLY, &world->fs))
		world_fail(world, "mount of what has grown");
}

static void run_flavour(unsigned flavour, unsigned seed, unsigned steps)
{
	static struct world world;
	size_t len;
	uint8_t *image = make_image(flavours[flavour].options, flavours[flavour].kib, &len);

	if (flavours[flavour].grows) {
		image = realloc(image, GROWN);
		memset(image + len, 0, GROWN - len);
		len = GROWN;
	}
	world_open(&world, image, len, seed);
	if (flavours[flavour].grows)
		grow(&world);
	for (unsigned i = 0; i < steps; i++) {
		world.kills = world_random(&world, 3);
		world_step(&world);
		world.kills = KILL_NEVER;
		world_compare(&world);
		if (i % 8 == 0)
			requests_compare(&world);
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
	printf("    %lu reads, %lu guesses checked, %lu stale, %lu kept blocks compared, %lu callers gave up, %lu heartbeats\n", fake_kernel.reads,
	       fake_kernel.guesses, fake_kernel.stale, requests.kept_compared, requests.given_up, requests.beats);
	if (!fake_kernel.stale || !requests.kept_compared || !requests.given_up || !world.kills_done) {
		fprintf(stderr, "something was not tried\n");
		exit(1);
	}
	world_close(&world);
}

int main(void)
{
	const char *seed = getenv("EXT2_TEST_SEED"), *rounds = getenv("EXT2_TEST_ROUNDS");
	unsigned first = seed ? atoi(seed) : 1, count = rounds ? atoi(rounds) : 1;

	setlinebuf(stdout);
	printf("ext2_requests on %s: seeds %u to %u\n", store_kind, first, first + count - 1);
	for (unsigned round = 0; round < count; round++)
		for (unsigned i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++)
			run_flavour(i, first + round, 600);
	printf("ext2_requests: passed\n");
	return 0;
}
