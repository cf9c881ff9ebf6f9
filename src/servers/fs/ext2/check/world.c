/* SPDX-License-Identifier: MIT */
#include "world.h"
#include "../internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

unsigned world_check_kept(struct world *world, const struct ext2 *fs, unsigned ahead, bool may_be_old)
{
	static uint8_t data[4096], early[4096];
	uint32_t size = world->store.io.block_size;
	unsigned compared = 0;

	for (unsigned i = 0; i < fs->buffer_count; i++) {
		const struct ext2_buffer *buffer = &fs->buffers[i];
		struct ext2_image image = { .data = data, .early = early };

		if (!buffer->in_use)
			continue;
		if (buffer->pins || buffer->changed || buffer->fresh || buffer->discarded || buffer->last_change)
			world_fail(world, "block %u is in use by no transaction", buffer->number);
		store_look(&world->store, buffer->number, &image);
		if (image.generation + ahead != buffer->generation) {
			if (!may_be_old)
				world_fail(world, "block %u is kept with an old generation", buffer->number);
			continue;
		}
		if (memcmp(buffer->data, data, size) != 0)
			world_fail(world, "block %u is not what the kernel has", buffer->number);
		/* What a lapse leaves out is early to the library alone. */
		if (!world->store.lapses && fs->group == world->store.io.group &&
		    memcmp(buffer->has_early ? buffer->early : buffer->data, image.has_early ? early : data, size) != 0)
			world_fail(world, "block %u is early not what the kernel has", buffer->number);
		compared++;
	}
	return compared;
}

static void compare_attr(struct world *world, const struct node *node)
{
	struct ext2_attr attr;
	struct ext2_txn *txn = ext2_begin(world->fs, false);
	int error = ext2_getattr(txn, node->id, &attr);

	ext2_abort(txn);
	if (error)
		world_fail(world, "inode %u: %s", node->id.id, strerror(-error));
	if (attr.mode != node->mode || attr.links != node->links || attr.uid != node->uid || attr.gid != node->gid || attr.rdev != node->rdev ||
	    (!S_ISDIR(node->mode) && attr.size != node->size))
		world_fail(world, "inode %u has mode 0%o links %u owner %u:%u size %llu device %llx, expected 0%o %u %u:%u %llu %llx", node->id.id, attr.mode,
			   attr.links, attr.uid, attr.gid, (unsigned long long)attr.size, (unsigned long long)attr.rdev, node->mode, node->links, node->uid,
			   node->gid, (unsigned long long)node->size, (unsigned long long)node->rdev);
}

static uint32_t expected_block(const struct node *node, uint64_t index)
{
	for (unsigned i = 0; i < node->block_count; i++)
		if (node->blocks[i].index == index)
			return node->blocks[i].block;
	return 0;
}

static void compare_blocks(struct world *world, const struct node *node)
{
	uint64_t end = node->size / world->store.io.block_size + 2;

	for (uint64_t at = 0; at < end;) {
		struct ext2_extent extents[4];
		struct ext2_map map = { .node = node->id, .first = at, .count = end - at };
		struct ext2_txn *txn = ext2_begin(world->fs, false);
		int count = ext2_map(txn, &map, extents, 4);

		ext2_abort(txn);
		if (count <= 0)
			world_fail(world, "map of inode %u: %d", node->id.id, count);
		for (int i = 0; i < count; i++) {
			for (unsigned b = 0; b < node->block_count; b++) {
				uint64_t index = node->blocks[b].index;

				if (index >= extents[i].first && index < extents[i].first + extents[i].count && !extents[i].block)
					world_fail(world, "inode %u has a hole at %llu", node->id.id, (unsigned long long)index);
			}
			for (uint32_t b = 0; extents[i].block && b < extents[i].count; b++)
				if (expected_block(node, extents[i].first + b) != extents[i].block + b)
					world_fail(world, "inode %u, block %llu is %u", node->id.id, (unsigned long long)extents[i].first + b,
						   extents[i].block + b);
			at = extents[i].first + extents[i].count;
		}
	}
}

static void compare_target(struct world *world, const struct node *node)
{
	char target[WORLD_TARGET + 1];
	struct ext2_txn *txn = ext2_begin(world->fs, false);
	int len = ext2_readlink(txn, node->id, target, sizeof(target));

	ext2_abort(txn);
	if (len != (int)strlen(node->target) || memcmp(target, node->target, len) != 0)
		world_fail(world, "target of inode %u", node->id.id);
}

/* All entries, a few at a time, are names of the tree; there are as many of these; and a lookup of each finds the same. */
static void compare_directory(struct world *world, const struct node *dir)
{
	struct ext2_dirent entries[3];
	unsigned found = 0, expected = 0;
	uint64_t cookie = 0;
	int count;

	do {
		struct ext2_txn *txn = ext2_begin(world->fs, false);

		count = ext2_readdir(txn, dir->id, cookie, entries, 1 + world->operations % 3);
		ext2_abort(txn);
		if (count < 0)
			world_fail(world, "readdir of inode %u: %s", dir->id.id, strerror(-count));
		for (int i = 0; i < count; i++) {
			struct ext2_attr attr;
			struct name *name;
			char text[256];

			snprintf(text, sizeof(text), "%.*s", entries[i].name_len, entries[i].name);
			name = tree_find(world, dir, text);
			if (!name || name->node->id.id != entries[i].id || entries[i].type != (name->node->mode & S_IFMT) >> 12)
				world_fail(world, "directory inode %u has %s, inode %u, type %u", dir->id.id, text, entries[i].id, entries[i].type);
			txn = ext2_begin(world->fs, false);
			if (ext2_lookup(txn, dir->id, (struct ext2_name){ text, strlen(text) }, &attr) || attr.node.id != name->node->id.id)
				world_fail(world, "lookup of %s", text);
			ext2_abort(txn);
			cookie = entries[i].next;
			found++;
		}
	} while (count > 0);
	for (unsigned i = 0; i < world->name_count; i++)
		expected += world->names[i].dir == dir;
	if (found != expected)
		world_fail(world, "directory inode %u has %u names, expected %u", dir->id.id, found, expected);
}

void world_compare(struct world *world)
{
	for (unsigned i = 0; i < WORLD_NODES; i++) {
		const struct node *node = &world->nodes[i];

		if (!node->used)
			continue;
		compare_attr(world, node);
		if (S_ISREG(node->mode))
			compare_blocks(world, node);
		else if (S_ISLNK(node->mode))
			compare_target(world, node);
		else if (S_ISDIR(node->mode))
			compare_directory(world, node);
	}
}

static void adopt_node(struct world *world, struct node *node, const struct ext2_attr *attr, struct node *parent)
{
	*node = (struct node){ .used = true, .id = attr->node, .mode = attr->mode, .uid = attr->uid, .gid = attr->gid, .links = attr->links,
			       .size = attr->size, .parent = parent };
	if (parent)
		tree_add(world, parent, "lost+found", node);
}

void world_open(struct world *world, uint8_t *bytes, size_t size, unsigned seed)
{
	struct ext2_attr attr;
	struct answer answer;
	struct ext2_txn *txn;
	struct call call = { .answer = &answer };

	memset(world, 0, sizeof(*world));
	world->seed = seed;
	world->max_nodes = WORLD_NODES;
	/* Revision 0 has no files beyond 2 GiB. */
	world->max_size = bytes[1024 + 76] ? UINT64_MAX : INT32_MAX;
	world->memory = malloc(ext2_memory(0));
	store_open(&world->store, bytes, size);
	world_mount(world, 0);
	call.time = world_time(world);
	if (world_run(world, CALL_START, &call, &answer))
		world_fail(world, "start: %d", answer.result);
	txn = ext2_begin(world->fs, false);
	if (ext2_getattr(txn, (struct ext2_node){ 2, 0 }, &attr))
		world_fail(world, "no root");
	adopt_node(world, &world->nodes[0], &attr, NULL);
	if (ext2_lookup(txn, (struct ext2_node){ 2, 0 }, (struct ext2_name){ "lost+found", 10 }, &attr) == 0)
		adopt_node(world, &world->nodes[1], &attr, &world->nodes[0]);
	ext2_abort(txn);
}

void world_close(struct world *world)
{
	store_close(&world->store);
	free(world->memory);
}
