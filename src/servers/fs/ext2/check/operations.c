/* SPDX-License-Identifier: MIT */
/* The random operations, each done to the image and to the tree. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int64_t world_time(struct world *world)
{
	return 1700000000000000000ll + (int64_t)world->operations * 1000000000;
}

static struct ext2_name to_name(const char *text)
{
	return (struct ext2_name){ text, strlen(text) };
}

/* Few, so that they meet; some are long, so that directories grow. */
static void pick_name(struct world *world, char *text)
{
	unsigned number = world_random(world, 24);

	if (number % 3 == 0)
		snprintf(text, WORLD_NAME, "n%0*u", (int)(30 + number * 3), number);
	else
		snprintf(text, WORLD_NAME, "n%u", number);
}

/* Was the answer what the tree expects? False when nothing was to be done, or the disk is full. */
static bool agree(struct world *world, const char *what, int result, bool expected)
{
	if (result == -ENOSPC && expected) {
		world->full++;
		return false;
	}
	if ((result >= 0) != expected)
		world_fail(world, "%s: %s, expected %s", what, result < 0 ? strerror(-result) : "done", expected ? "done" : "an error");
	world->refused += !expected;
	return expected;
}

struct node *world_create(struct world *world, struct node *dir, uint32_t kind, const char *text)
{
	struct node *node = tree_new(world);
	char target[WORLD_TARGET + 1] = "";
	struct answer answer;
	struct call call = { .answer = &answer };

	if (!node)
		return NULL;
	if (kind == S_IFLNK)
		memset(target, 'a' + world_random(world, 26), 1 + world_random(world, WORLD_TARGET - 1));
	call.new = (struct ext2_new){ .dir = dir->id, .name = to_name(text), .mode = kind | world_random(world, 01000), .uid = world_random(world, 100000),
				      .gid = world_random(world, 100000), .rdev = 0x801 + world_random(world, 2) * 0x100000, .target = to_name(target),
				      .time = world_time(world) };
	if (kind == S_IFLNK)
		call.new.mode = S_IFLNK | 0777;
	if (!agree(world, "create", world_run(world, CALL_CREATE, &call, &answer), !tree_find(world, dir, text)))
		return NULL;
	*node = (struct node){ .used = true, .id = answer.attr.node, .mode = call.new.mode, .uid = call.new.uid, .gid = call.new.gid, .links = 1,
			       .rdev = kind == S_IFCHR ? call.new.rdev : 0 };
	memcpy(node->target, target, sizeof(target));
	node->size = kind == S_IFLNK ? strlen(target) : kind == S_IFDIR ? world->store.io.block_size : 0;
	if (kind == S_IFDIR) {
		node->links = 2;
		node->parent = dir;
		dir->links++;
	}
	tree_add(world, dir, text, node);
	return node;
}

static void step_create(struct world *world)
{
	static const uint32_t kinds[] = { S_IFREG, S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFLNK, S_IFCHR, S_IFIFO };
	char text[WORLD_NAME];
	struct node *dir = tree_pick(world, S_IFDIR);

	pick_name(world, text);
	world_create(world, dir, kinds[world_random(world, 8)], text);
}

/* A directory, and at once what is in it. */
static void step_plant(struct world *world)
{
	struct node *dir = tree_pick(world, S_IFDIR);
	char text[WORLD_NAME];

	pick_name(world, text);
	dir = tree_find(world, dir, text) ? NULL : world_create(world, dir, S_IFDIR, text);
	for (unsigned i = 0; dir && i < 6; i++) {
		snprintf(text, sizeof(text), "p%u", i);
		world_create(world, dir, i == 3 ? S_IFDIR : S_IFREG, text);
	}
}

static void step_link(struct world *world)
{
	struct node *dir = tree_pick(world, S_IFDIR), *node = tree_pick(world, world_random(world, 8) ? S_IFREG : 0);
	char text[WORLD_NAME];
	struct answer answer;
	struct call call = { .answer = &answer, .time = world_time(world), .dir = dir->id };

	if (!node || world->name_count > WORLD_NODES)
		return;
	pick_name(world, text);
	call.node = node->id;
	call.name = to_name(text);
	if (!agree(world, "link", world_run(world, CALL_LINK, &call, &answer), !S_ISDIR(node->mode) && !tree_find(world, dir, text)))
		return;
	node->links++;
	tree_add(world, dir, text, node);
}

static void end_node(struct node *node)
{
	node->used = false;
}

static void release(struct world *world, struct node *node)
{
	struct answer answer;
	struct call call = { .answer = &answer, .node = node->id };
	int result = world_run(world, CALL_RELEASE, &call, &answer);

	if (result)
		world_fail(world, "release: %s", strerror(-result));
	end_node(node);
}

/* A name of @node went. */
static void lost_name(struct world *world, struct node *node, const struct ext2_removed *removed, bool keep)
{
	if (removed->attr.node.id != node->id.id)
		world_fail(world, "inode %u was removed, expected %u", removed->attr.node.id, node->id.id);
	node->links = S_ISDIR(node->mode) ? 0 : node->links - 1;
	if (node->links)
		return;
	touch_removed(world, node);
	node->open = keep;
	if (keep && !removed->to_release)
		world_fail(world, "inode %u is open and was freed", node->id.id);
	if (!keep && removed->to_release)
		release(world, node);
	else if (!keep)
		end_node(node);
}

static void step_remove(struct world *world)
{
	struct name *name = world->name_count ? &world->names[world_random(world, world->name_count)] : NULL;
	struct answer answer;
	struct call call = { .answer = &answer, .time = world_time(world) };
	/* With each second seed there are many orphans. */
	bool keep = world_random(world, 3) <= world->seed % 2, rmdir = world_random(world, 6) == 0, expected;
	struct node *node, *dir;

	if (!name || (name->dir == &world->nodes[0] && strcmp(name->text, "lost+found") == 0))
		return;
	node = name->node;
	dir = name->dir;
	rmdir ^= S_ISDIR(node->mode);
	call.dir = dir->id;
	call.node = node->id;
	call.name = to_name(name->text);
	call.flags = (rmdir ? EXT2_DIRECTORY : 0) | (keep ? EXT2_KEEP : 0);
	expected = rmdir ? S_ISDIR(node->mode) && tree_is_empty(world, node) : !S_ISDIR(node->mode);
	if (!agree(world, "remove", world_run(world, CALL_REMOVE, &call, &answer), expected))
		return;
	tree_remove(world, name);
	if (S_ISDIR(node->mode))
		dir->links--;
	lost_name(world, node, &answer.removed, keep);
}

static bool may_rename(const struct world *world, const struct name *from, const struct node *to_dir, const struct name *to, unsigned flags)
{
	const struct node *node = from->node, *old = to ? to->node : NULL;

	if (old == node)
		return true;
	if (S_ISDIR(node->mode) && tree_is_below(to_dir, node))
		return false;
	if (!old)
		return !(flags & EXT2_EXCHANGE);
	if (flags & EXT2_NOREPLACE || (S_ISDIR(old->mode) && tree_is_below(from->dir, old)))
		return false;
	if (flags & EXT2_EXCHANGE)
		return true;
	return S_ISDIR(node->mode) == S_ISDIR(old->mode) && (!S_ISDIR(old->mode) || tree_is_empty(world, old));
}

static void set_parent(struct node *node, struct node *dir)
{
	if (!S_ISDIR(node->mode) || node->parent == dir)
		return;
	node->parent->links--;
	dir->links++;
	node->parent = dir;
}

static void apply_rename(struct world *world, struct name *from, struct node *to_dir, const char *text, struct name *to, unsigned flags,
			 const struct ext2_removed *removed)
{
	struct node *node = from->node, *old = to ? to->node : NULL;
	bool keep = flags & EXT2_KEEP_TARGET;

	touch_moved(world, node);
	if (flags & EXT2_EXCHANGE) {
		touch_moved(world, old);
		from->node = old;
		to->node = node;
		set_parent(old, from->dir);
		set_parent(node, to_dir);
		return;
	}
	set_parent(node, to_dir);
	if (old) {
		if (S_ISDIR(old->mode))
			to_dir->links--;
		to->node = node;
		touch_moved(world, old);
		tree_remove(world, from);
		lost_name(world, old, removed, keep);
	} else {
		from->dir = to_dir;
		snprintf(from->text, sizeof(from->text), "%s", text);
	}
}

void world_rename(struct world *world, struct name *from, struct node *to_dir, const char *text, unsigned flags)
{
	struct name *to = tree_find(world, to_dir, text);
	struct answer answer;
	struct call call = { .answer = &answer };
	bool expected = may_rename(world, from, to_dir, to, flags);

	call.rename = (struct ext2_rename){ from->dir->id, to_dir->id, to_name(from->text), to_name(text), flags, world_time(world) };
	if (to && to->node == from->node)
		expected = !(flags & EXT2_NOREPLACE);
	if (!agree(world, "rename", world_run(world, CALL_RENAME, &call, &answer), expected))
		return;
	if (!to || to->node != from->node)
		apply_rename(world, from, to_dir, text, to, flags, &answer.removed);
}

static void step_rename(struct world *world)
{
	struct name *from = world->name_count ? &world->names[world_random(world, world->name_count)] : NULL;
	struct node *to_dir = tree_pick(world, S_IFDIR);
	char text[WORLD_NAME];
	unsigned flags = 0;

	if (!from || (from->dir == &world->nodes[0] && strcmp(from->text, "lost+found") == 0))
		return;
	if (world_random(world, 2))
		to_dir = from->dir;
	pick_name(world, text);
	switch (world_random(world, 5)) {
	case 0: flags = EXT2_NOREPLACE; break;
	case 1: flags = EXT2_EXCHANGE; break;
	case 2: flags = EXT2_KEEP_TARGET; break;
	}
	world_rename(world, from, to_dir, text, flags);
}

static unsigned find_block(const struct node *node, uint64_t index)
{
	unsigned i = 0;

	while (i < node->block_count && node->blocks[i].index != index)
		i++;
	return i;
}

/* What a block of a file holds: whose it is. */
static void fill_data(struct world *world, const struct node *node, uint64_t index, uint32_t version, uint8_t *bytes)
{
	uint64_t words[4] = { 0x4558543244415441, (uint64_t)node->id.id << 32 | node->id.generation, index, version };

	for (size_t at = 0; at < world->store.io.block_size; at += sizeof(words))
		memcpy(bytes + at, words, sizeof(words));
}

static void write_extent(struct world *world, struct node *node, const struct ext2_extent *extent)
{
	uint8_t bytes[4096];

	for (uint32_t i = 0; i < extent->count; i++) {
		unsigned at = find_block(node, extent->first + i);

		if (!extent->block)
			world_fail(world, "a hole was not filled");
		if (extent->fresh != (at == node->block_count) || (!extent->fresh && node->blocks[at].block != extent->block + i))
			world_fail(world, "block %llu of inode %u: fresh is %d", (unsigned long long)(extent->first + i), node->id.id, extent->fresh);
		if (at == node->block_count)
			node->block_count++;
		node->blocks[at].index = extent->first + i;
		node->blocks[at].block = extent->block + i;
		node->blocks[at].version = ++world->version;
		if (extent->fresh) {
			fill_data(world, node, extent->first + i, world->version, bytes);
			store_write_data(&world->store, extent->block + i, bytes);
		}
	}
}

static void step_write(struct world *world)
{
	uint64_t pointers = world->store.io.block_size / 4;
	const uint64_t places[] = { 0, 0, 5, 10, 11, 12, 20, 12 + pointers - 2, 12 + pointers, 12 + pointers + 40, 12 + pointers + pointers * pointers - 2,
				    12 + pointers + pointers * pointers + 7 };
	struct node *node = tree_pick(world, S_IFREG);
	struct answer answer;
	struct call call = { .answer = &answer };
	uint64_t first = places[world_random(world, 12)] + world_random(world, 3), end = first;
	int result;

	if (!node || node->block_count > WORLD_BLOCKS - 16)
		return;
	call.map = (struct ext2_map){ .node = node->id, .first = first, .count = 1 + world_random(world, 10), .allocate = true,
				      .privileged = world_random(world, 2), .time = world_time(world) };
	call.map.size = (first + call.map.count) * world->store.io.block_size - world_random(world, world->store.io.block_size);
	result = world_run(world, CALL_MAP, &call, &answer);
	if (!agree(world, "write", result, call.map.size <= world->max_size))
		return;
	for (int i = 0; i < result; i++) {
		if (answer.extents[i].first != end)
			world_fail(world, "extents with a gap");
		write_extent(world, node, &answer.extents[i]);
		end += answer.extents[i].count;
	}
	end *= world->store.io.block_size;
	end = end < call.map.size ? end : call.map.size;
	node->size = node->size > end ? node->size : end;
	touch_written(world, node);
}

static void step_setattr(struct world *world)
{
	struct node *node = tree_pick(world, world_random(world, 2) ? S_IFREG : 0);
	struct answer answer;
	struct call call = { .answer = &answer };
	uint64_t end;
	unsigned kept = 0;

	if (!node)
		return;
	call.node = node->id;
	call.flags = world_random(world, 128);
	call.attr = (struct ext2_attr){ .mode = world_random(world, 010000), .uid = world_random(world, 200000), .gid = world_random(world, 200000),
					.atime = world_time(world), .mtime = world_time(world), .ctime = world_time(world) };
	call.attr.size = world_random(world, 4) ? world_random(world, node->size + 1) : node->size + world_random(world, 100000);
	if (!S_ISREG(node->mode))
		call.flags &= ~EXT2_SIZE;
	if (!agree(world, "setattr", world_run(world, CALL_SETATTR, &call, &answer), !(call.flags & EXT2_SIZE) || call.attr.size <= world->max_size))
		return;
	if (call.flags & EXT2_MODE)
		node->mode = (node->mode & S_IFMT) | call.attr.mode;
	if (call.flags & EXT2_UID)
		node->uid = call.attr.uid;
	if (call.flags & EXT2_GID)
		node->gid = call.attr.gid;
	touch_written(world, node);
	if (!(call.flags & EXT2_SIZE))
		return;
	node->size = call.attr.size;
	end = (node->size + world->store.io.block_size - 1) / world->store.io.block_size;
	for (unsigned i = 0; i < node->block_count; i++)
		if (node->blocks[i].index < end)
			node->blocks[kept++] = node->blocks[i];
	node->block_count = kept;
}

static void step_release(struct world *world)
{
	unsigned start = world_random(world, WORLD_NODES);

	for (unsigned i = 0; i < WORLD_NODES; i++) {
		struct node *node = &world->nodes[(start + i) % WORLD_NODES];

		if (node->used && !node->links) {
			release(world, node);
			return;
		}
	}
}

void world_sync(struct world *world, bool clean)
{
	struct answer answer;
	struct call call = { .answer = &answer, .time = world_time(world), .clean = clean };
	int result = world_run(world, CALL_SYNC, &call, &answer);

	if (result)
		world_fail(world, "sync: %s", strerror(-result));
}

void world_step(struct world *world)
{
	unsigned kind = world_random(world, 100);

	world->operations++;
	if (kind < 24)
		step_create(world);
	else if (kind < 26)
		step_plant(world);
	else if (kind < 46)
		step_remove(world);
	else if (kind < 66)
		step_rename(world);
	else if (kind < 72)
		step_link(world);
	else if (kind < 88)
		step_write(world);
	else if (kind < 94)
		step_setattr(world);
	else if (kind < 99)
		step_release(world);
	else
		world_sync(world, false);
}

void world_empty(struct world *world)
{
	for (unsigned rounds = 0; world->name_count > 1; rounds++) {
		world->operations++;
		step_remove(world);
		if (rounds > 100000)
			world_fail(world, "some names stay");
	}
	for (unsigned i = 0; i < WORLD_NODES; i++)
		step_release(world);
}
