/* SPDX-License-Identifier: MIT */
/*
 * Why a directory that moves to another one cannot be had with e2fsck -p (README.md): two names and its ".." change, in three blocks, which are written one
 * after the other in some order. Here each set of them is on the disk: e2fsck -p accepts none and all of them, and nothing in between. Those that the
 * library's order leads to are mended by e2fsck -y, with the directory in one of both places.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/tree.c */
/* LINK: fs/ext2/check/world.c fs/ext2/check/operations.c fs/ext2/check/direct.c fs/ext2/check/session.c */
/* LINK: fs/ext2/check/image.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check/session.h"
#include "check/world.h"
#include "internal.h"

enum { OLD_NAME_GOES = 1, NEW_NAME_COMES = 2, PARENT_CHANGES = 4, ALL = 7 };

static struct world world;

/* The first block of a directory. */
static uint32_t block_of(const struct node *node)
{
	struct ext2_txn *txn = ext2_begin(world.fs, false);
	struct ext2_inode inode;
	uint32_t block;

	if (ext2_load(txn, node->id, &inode) || ext2_map_block(txn, &inode, 0, &block))
		world_fail(&world, "inode %u has no block", node->id.id);
	ext2_abort(txn);
	return block;
}

/* Is what was moved, with what is in it, in one of the folders? */
static bool is_in_place(uint8_t *bytes)
{
	static const char *const folders[] = { "from", "to" };
	struct session session;
	struct ext2_attr folder, moved, inside;
	bool found = false;

	if (session_open(&session, bytes, world.store.size, EXT2_READ_ONLY))
		world_fail(&world, "mended, and cannot be mounted");
	for (unsigned i = 0; i < 2; i++)
		found |= !session_lookup(&session, session.root, folders[i], &folder) && !session_lookup(&session, folder.node, "moved", &moved) &&
			 !session_lookup(&session, moved.node, "below", &inside) && !session_lookup(&session, moved.node, "device", &inside);
	session_close(&session);
	return found;
}

/* Whether e2fsck -p accepts the disk before or (@late) after the move, but with the blocks of @set as after it, and the others as before. */
static bool try_set(const uint8_t *before, const uint8_t *after, const uint32_t blocks[3], unsigned set, bool late)
{
	uint8_t *image = malloc(world.store.size), *mended;
	unsigned size = world.store.io.block_size;
	int status;

	memcpy(image, late ? after : before, world.store.size);
	for (unsigned i = 0; i < 3; i++)
		memcpy(image + (size_t)blocks[i] * size, (set >> i & 1 ? after : before) + (size_t)blocks[i] * size, size);
	status = fsck("-fp", image, world.store.size, NULL);
	if (status > 1 && fsck("-fy", image, world.store.size, &mended) > 1)
		world_fail(&world, "set %u: e2fsck -y does not mend it", set);
	free(image);
	if (status <= 1)
		return true;
	/* The library never takes the old name first. */
	if (set & OLD_NAME_GOES && !(set & NEW_NAME_COMES))
		free(mended);
	else if (!is_in_place(mended))
		world_fail(&world, "set %u: e2fsck -y loses it", set);
	return false;
}

static void run(const char *options)
{
	struct node *from, *to, *moved;
	uint32_t blocks[3];
	uint8_t *before, *after;
	size_t len;
	uint8_t *image = make_image(options, 1024, &len);

	world_open(&world, image, len, 1);
	from = world_create(&world, &world.nodes[0], S_IFDIR, "from");
	to = world_create(&world, &world.nodes[0], S_IFDIR, "to");
	moved = world_create(&world, from, S_IFDIR, "moved");
	world_create(&world, moved, S_IFDIR, "below");
	world_create(&world, moved, S_IFCHR, "device");
	before = store_image(&world.store);
	world_rename(&world, tree_find(&world, from, "moved"), to, "moved", 0);
	after = store_image(&world.store);
	blocks[0] = block_of(from);
	blocks[1] = block_of(to);
	blocks[2] = block_of(moved);
	for (unsigned set = 0; set <= ALL; set++)
		/* All else, counts of links among it, is as before, or as after. */
		for (unsigned late = 0; late < 2; late++) {
			bool accepted = try_set(before, after, blocks, set, late);

			if (accepted != (set == 0 || set == ALL))
				world_fail(&world, "%s: e2fsck -p %s set %u", options, accepted ? "accepts" : "refuses", set);
		}
	free(before);
	free(after);
	world_close(&world);
}

int main(void)
{
	run("-b 1024 -I 128 -O ^resize_inode");
	run("-b 1024 -r 0 -O none");
	printf("ext2_moves: e2fsck -p accepts none of the 6 states between\n");
	return 0;
}
