/* SPDX-License-Identifier: MIT */
/*
 * File systems of genext2fs and mke2fs on disks that are larger: they grow, the library dying around each commit, have nothing that e2fsck -fn finds, work
 * (operations at random, as ext2_model_hosttest.c), and can be cut at any point of it: e2fsck -p mends, and what is begun again ends the same. Where a
 * commit fails they say how large they are.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/tree.c fs/ext2/check/world.c */
/* LINK: fs/ext2/check/operations.c fs/ext2/check/direct.c fs/ext2/check/image.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/world.h"
#include "format.h"

struct flavour {
	const char *maker, *options;
	unsigned kib, disk_kib;
	uint32_t blocks, inodes;	/* afterwards, at least */
	bool stays;			/* it cannot grow */
	unsigned cuts;
};

static const struct flavour flavours[] = {
	{ "genext2fs", "-B 4096 -b 200 -N 288", 0, 140 << 10, 32768, 8192, false, 4 },
	{ "genext2fs", "-B 4096 -b 400 -N 1500", 0, 64 << 10, 16384, 4096, false, 3 },
	{ "genext2fs", "-B 1024 -b 1600 -N 160", 0, 40 << 10, 40000, 2000, false, 30 },
	{ "mke2fs", "-b 4096 -I 256 -O ^resize_inode", 6144, 150 << 10, 38000, 3000, false, 4 },
	{ "mke2fs", "-b 1024 -O ^resize_inode -g 256 -N 64", 1024, 9000, 8192, 500, false, 12 },
	{ "mke2fs", "-b 1024 -O ^resize_inode,^sparse_super,^filetype -r 0", 2048, 20000, 19000, 900, false, 12 },
	{ "mke2fs", "-b 1024 -g 512", 2048, 20000, 2048, 0, true, 1 },
};

static uint8_t *make(const struct flavour *flavour, size_t *len)
{
	const char *folder = scratch_folder();
	uint8_t *image, *disk;
	size_t size = (size_t)flavour->disk_kib << 10;

	if (strcmp(flavour->maker, "mke2fs") == 0) {
		image = make_image(flavour->options, flavour->kib, len);
	} else {
		char path[64];

		snprintf(path, sizeof(path), "%s/new", folder);
		if (shell("mkdir -p %s/empty; rm -f %s; genext2fs %s -d %s/empty %s > %s.log 2>&1", folder, path, flavour->options, folder, path, path)) {
			fprintf(stderr, "genext2fs %s failed; is it installed?\n", flavour->options);
			exit(1);
		}
		image = load_file(path, len);
	}
	disk = calloc(1, size);
	memcpy(disk, image, *len);
	free(image);
	*len = size;
	return disk;
}

static void grow(struct world *world)
{
	struct answer answer;
	struct call call = { .answer = &answer };
	int result = world_run(world, CALL_GROW, &call, &answer);

	if (result && result != -95)
		world_fail(world, "grow: %s", strerror(-result));
}

static void check_image(struct world *world, const struct flavour *flavour, const char *when)
{
	uint8_t *image = store_image(&world->store);
	const struct ext2_super *super = (const void *)(image + EXT2_SUPER_OFFSET);

	if (fsck("-fn", image, world->store.size, NULL)) {
		shell("cat %s/check.log >&2", scratch_folder());
		world_fail(world, "e2fsck -fn %s", when);
	}
	if (super->blocks_count < flavour->blocks || super->inodes_count < flavour->inodes || (flavour->stays && super->blocks_count != flavour->blocks))
		world_fail(world, "%s: %u blocks and %u inodes, expected at least %u and %u", when, super->blocks_count, super->inodes_count,
			   flavour->blocks, flavour->inodes);
	free(image);
}

static unsigned cut_seed;

static bool by_chance(void *context)
{
	unsigned *one_in = context;

	return rand_r(&cut_seed) % *one_in == 0;
}

/* A disk that was cut: mended, mounted, and grown to the end. */
static void try_cut(struct world *world, const struct flavour *flavour, uint8_t *image)
{
	static struct world after;
	uint8_t *mended;
	size_t size = world->store.size;
	int status = fsck("-p", image, size, &mended);

	free(image);
	if (status > 1) {
		shell("cat %s/check.log >&2", scratch_folder());
		world_fail(world, "e2fsck -p after a cut: %d", status);
	}
	world_open(&after, mended, size, world->seed);
	after.store.quiet = true;
	grow(&after);
	world_sync(&after, true);
	check_image(&after, flavour, "after a cut");
	world_close(&after);
}

static void run_flavour(const struct flavour *flavour, enum world_kills kills, unsigned cuts)
{
	static struct world world;
	size_t len;
	uint8_t *image = make(flavour, &len);
	unsigned tried = 0;

	cut_seed = 7;
	world_open(&world, image, len, 3);
	store_flush(&world.store);
	world.store.quiet = flavour->stays;
	world.kills = kills;
	grow(&world);
	world.kills = KILL_NEVER;
	store_end_group(&world.store);
	for (; tried < cuts && world.store.phase_count; tried++) {
		unsigned one_in = 1 + tried % 3;

		try_cut(&world, flavour, store_cut(&world.store, tried * world.store.phase_count / cuts, by_chance, &one_in));
	}
	world_compare(&world);
	world_sync(&world, true);
	check_image(&world, flavour, "after growing");
	for (unsigned i = 0; i < 150; i++) {
		world.kills = world_random(&world, 3);
		world_step(&world);
		world.kills = KILL_NEVER;
		world_compare(&world);
	}
	for (unsigned i = 0; i < WORLD_NODES; i++)
		if (world.nodes[i].used && !world.nodes[i].links)
			world.nodes[i].used = false;
	world_sync(&world, true);
	check_image(&world, flavour, "after operations");
	printf("  %s %-45s to %u KiB: %lu commits, %lu deaths, %u cuts\n", flavour->maker, flavour->options, flavour->disk_kib, world.store.commits,
	       world.kills_done, tried);
	world_close(&world);
}

static int (*commit)(struct ext2_io *io, const struct ext2_commit *commit);
static unsigned good_commits;

static int fail_commit(struct ext2_io *io, const struct ext2_commit *change)
{
	if (!good_commits)
		return -ENOSPC;
	good_commits--;
	return commit(io, change);
}

/* A commit fails, each in turn: the file system is as large as it is found to be by who mounts it then. */
static void run_failing(const struct flavour *flavour)
{
	static struct world world;
	struct ext2_statfs said, is;
	unsigned failed = 0;
	int result;

	do {
		size_t len;
		uint8_t *image = make(flavour, &len);

		world_open(&world, image, len, 3);
		store_flush(&world.store);
		world.store.quiet = true;
		commit = world.store.io.commit;
		world.store.io.commit = fail_commit;
		good_commits = failed;
		result = ext2_grow_all(world.fs);
		ext2_statfs(world.fs, &said);
		world.store.io.commit = commit;
		if (result) {
			world_mount(&world, EXT2_ADOPT);
			ext2_statfs(world.fs, &is);
			if (result != -ENOSPC || said.blocks != is.blocks || said.inodes != is.inodes)
				world_fail(&world, "commit %u of growing fails with %d: %u blocks and %u inodes, but %u and %u are there", failed, result,
					   (unsigned)said.blocks, (unsigned)said.inodes, (unsigned)is.blocks, (unsigned)is.inodes);
			failed++;
		}
		world_close(&world);
	} while (result);
	printf("  %s %-45s to %u KiB: %u commits failed\n", flavour->maker, flavour->options, flavour->disk_kib, failed);
}

int main(void)
{
	const char *rounds = getenv("EXT2_TEST_ROUNDS");
	unsigned times = rounds ? (unsigned)atoi(rounds) : 1;

	setlinebuf(stdout);
	printf("ext2_grow on %s\n", store_kind);
	for (unsigned i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		run_flavour(&flavours[i], KILL_NEVER, flavours[i].cuts * times);
		run_flavour(&flavours[i], KILL_ALWAYS, 0);
	}
	run_failing(&flavours[2]);
	run_failing(&flavours[4]);
	printf("ext2_grow: passed\n");
	return 0;
}
