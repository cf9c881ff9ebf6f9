/* SPDX-License-Identifier: MIT */
/*
 * Renames in full directories, which keep a name elsewhere by a commit of its own: whoever asks gives up, and the server dies, before and after each commit,
 * also when it takes that name away. Nobody ever sees it, and nothing is left of it.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/tree.c */
/* LINK: fs/ext2/check/world.c fs/ext2/check/operations.c fs/ext2/check/requests.c */
/* LINK: fs/ext2/check/image.c fs/ext2/check/fake_calls.c fs/ext2/check/session.c fs/ext2/handlers.c fs/ext2/blocks.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check/requests.h"
#include "check/session.h"
#include "format.h"

enum { LONG_NAME = 32, LAST_NAME = 16 };

/* What the directory is like: FULL_ONE has room in its second block, FULL_TWO nowhere. */
enum shape { FULL_ONE, FULL_TWO };
static const struct scenario { const char *what; enum shape shape; unsigned flags; unsigned commits; } scenarios[] = {
	{ "replacing", FULL_ONE, 0, 2 }, { "replacing, no room at all", FULL_TWO, 0, 3 }, { "replacing what is open", FULL_ONE, EXT2_KEEP_TARGET, 2 },
	{ "exchanging, no room at all", FULL_TWO, EXT2_EXCHANGE, 4 },
};

static struct world world;
static struct node *folder;
static unsigned runs, deaths, reported, cuts;
static unsigned long most_commits;

static const char *long_name(unsigned number, unsigned len)
{
	static char text[WORLD_NAME];

	snprintf(text, sizeof(text), "n%0*u", (int)len - 1, number);
	return text;
}

/* Devices, as e2fsck -p may clear what is an empty file. Entries of 40 bytes: 25 of them after "." and "..", and 25 and one of 24 bytes in the next block. */
static void make_folder(enum shape shape)
{
	enum { IN_FIRST = 25, IN_SECOND = 25 };

	folder = world_create(&world, &world.nodes[0], S_IFDIR, "folder");
	for (unsigned i = 0; i < IN_FIRST + (shape == FULL_TWO ? IN_SECOND : 1); i++)
		world_create(&world, folder, S_IFCHR, long_name(i, LONG_NAME));
	if (shape == FULL_TWO)
		world_create(&world, folder, S_IFREG, long_name(99, LAST_NAME));
	/* What makes it is on the disk, and not what is cut. */
	store_flush(&world.store);
}

static void check_image(const char *what)
{
	uint8_t *image = store_image(&world.store);
	int status = fsck("-fn", image, world.store.size, NULL);

	if (status) {
		shell("cat %s/check.log >&2", scratch_folder());
		world_fail(&world, "%s: e2fsck -fn: %d", what, status);
	}
	free(image);
}

/* The power goes: what is there then is mended, and begins. Such a name is now one like others, and no note of it is left. */
static void check_cut(const char *what, const uint8_t *image)
{
	struct session session;
	struct ext2_attr attr;
	uint8_t *mended, *left;
	int status = fsck("-fp", image, world.store.size, &mended);

	if (status > 1 || session_open(&session, mended, world.store.size, 0))
		world_fail(&world, "%s, cut: e2fsck -p: %d", what, status);
	if (session_create(&session, session.root, "new", S_IFREG | 0600, &attr) || session_sync(&session, true))
		world_fail(&world, "%s, cut: nothing can be changed", what);
	left = store_image(&session.store);
	for (unsigned i = 0; i < EXT2_KEPT * sizeof(struct ext2_kept); i++)
		if (left[EXT2_SUPER_OFFSET + EXT2_SUPER_KEPT + i])
			world_fail(&world, "%s, cut: a note is left", what);
	if (fsck("-fn", left, world.store.size, NULL))
		world_fail(&world, "%s, cut: not clean", what);
	free(left);
	session_close(&session);
}

static bool toss(void *context)
{
	(void)context;
	return world_random(&world, 2);
}

/* What the rename wrote is cut anywhere: e2fsck -p mends it. */
static void check_order(const char *what)
{
	enum { CUTS = 6 };

	store_end_group(&world.store);
	for (unsigned phase = 0; phase < world.store.phase_count; phase++)
		for (unsigned i = 0; i < CUTS; i++, cuts++) {
			uint8_t *image = store_cut(&world.store, phase, toss, NULL);
			int status = fsck("-fp", image, world.store.size, NULL);

			if (status > 1) {
				shell("cat %s/check.log >&2", scratch_folder());
				world_fail(&world, "%s, cut in phase %u of %u: e2fsck -p: %d", what, phase, world.store.phase_count, status);
			}
			free(image);
		}
}

static void run(const uint8_t *image, size_t len, const struct scenario *scenario, long give_up, long death, bool after)
{
	uint8_t *copy = malloc(len);
	unsigned long before;
	struct name *from;

	memcpy(copy, image, len);
	world_open(&world, copy, len, 1);
	make_folder(scenario->shape);
	from = tree_find(&world, folder, long_name(25, LONG_NAME));
	before = world.store.commits;
	requests.plan = (struct plan){ .set = true, .give_up = give_up, .death = death, .after = after };
	world_rename(&world, from, folder, long_name(3, LONG_NAME), scenario->flags);
	if (give_up < 0 && death < 0 && world.store.commits - before != scenario->commits)
		world_fail(&world, "%s took %lu commits, expected %u", scenario->what, world.store.commits - before, scenario->commits);
	if (world.store.commits - before > most_commits)
		most_commits = world.store.commits - before;
	requests.plan.set = false;
	if (give_up < 0 && death < 0)
		check_order(scenario->what);
	requests_compare(&world);
	world_compare(&world);
	for (unsigned i = 0; i < WORLD_NODES; i++)
		if (world.nodes[i].used && !world.nodes[i].links)
			world.nodes[i].used = false;
	deaths += requests.left_alone;
	reported += requests.given_up;
	if (requests.plan.image)
		check_cut(scenario->what, requests.plan.image);
	free(requests.plan.image);
	world_sync(&world, true);
	check_image(scenario->what);
	world_close(&world);
	runs++;
}

/* A file of the user's that is called so, names the same inode, and is there before: it stays, and is name enough. */
static void keep_own(const uint8_t *image, size_t len)
{
	uint8_t *copy = malloc(len);
	struct answer answer;
	struct call call = { .answer = &answer };
	struct node *node;
	char text[16];

	memcpy(copy, image, len);
	world_open(&world, copy, len, 1);
	make_folder(FULL_ONE);
	node = tree_find(&world, folder, long_name(3, LONG_NAME))->node;
	snprintf(text, sizeof(text), ".~%08x", node->id.id);
	call = (struct call){ .answer = &answer, .node = node->id, .dir = folder->id, .name = { text, strlen(text) }, .time = world_time(&world) };
	if (world_run(&world, CALL_LINK, &call, &answer))
		world_fail(&world, "no own name");
	node->links++;
	tree_add(&world, folder, text, node);
	world_rename(&world, tree_find(&world, folder, long_name(25, LONG_NAME)), folder, long_name(3, LONG_NAME), 0);
	requests_compare(&world);
	world_compare(&world);
	world_sync(&world, true);
	check_image("a name of somebody's own");
	world_close(&world);
}

int main(void)
{
	static const char *const options[] = { "-b 1024 -I 128 -O ^resize_inode -N 128", "-r 0 -O none -b 1024 -N 128" };

	for (unsigned flavour = 0; flavour < 2; flavour++) {
		size_t len;
		uint8_t *image = make_image(options[flavour], 512, &len);

		for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
			long most = scenarios[i].commits;

			for (long give_up = -1; give_up < most; give_up++)
				for (long death = -1; death <= most; death++)
					for (int after = 0; after <= (death >= 0); after++)
						run(image, len, &scenarios[i], give_up, death, after);
		}
		keep_own(image, len);
		free(image);
	}
	printf("ext2_kept: %u runs, %u callers gave up, in %u of them the server died before it was done with that, %lu commits at most, %u cuts\n", runs,
	       reported, deaths, most_commits, cuts);
	return !reported || !deaths;
}
