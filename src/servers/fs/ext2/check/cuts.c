/* SPDX-License-Identifier: MIT */
#include "cuts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where inodes are in the mended image. */
struct survey {
	struct store store;
	struct ext2 *fs;
	const uint8_t *image;
	bool named[4096];
	uint32_t generations[4096];
	unsigned visited;
	char wrong[256];
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct survey *survey, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(survey->wrong, sizeof(survey->wrong), format, args);
	va_end(args);
	return false;
}

void promise_make(struct world *world, struct promise *promise)
{
	store_flush(&world->store);
	world_forget_touches(world);
	memcpy(promise->nodes, world->nodes, sizeof(promise->nodes));
	memcpy(promise->names, world->names, sizeof(promise->names));
	promise->name_count = world->name_count;
}

static int get_attr(struct survey *survey, struct ext2_node node, struct ext2_attr *attr)
{
	struct ext2_txn *txn = ext2_begin(survey->fs, false);
	int error = ext2_getattr(txn, node, attr);

	ext2_abort(txn);
	return error;
}

/* Each block of a file holds what was written to that block of that file. */
static bool check_data(struct survey *survey, const struct ext2_attr *attr)
{
	uint64_t end = (attr->size + survey->store.io.block_size - 1) / survey->store.io.block_size;

	for (uint64_t at = 0; at < end;) {
		struct ext2_extent extents[8];
		struct ext2_map map = { .node = attr->node, .first = at, .count = end - at };
		struct ext2_txn *txn = ext2_begin(survey->fs, false);
		int count = ext2_map(txn, &map, extents, 8);

		ext2_abort(txn);
		if (count <= 0)
			return wrong(survey, "map of inode %u: %d", attr->node.id, count);
		for (int i = 0; i < count; i++) {
			for (uint32_t b = 0; extents[i].block && b < extents[i].count; b++) {
				uint64_t words[4];

				memcpy(words, survey->image + (size_t)(extents[i].block + b) * survey->store.io.block_size, sizeof(words));
				if (words[1] != ((uint64_t)attr->node.id << 32 | attr->node.generation) || words[2] != extents[i].first + b)
					return wrong(survey, "block %llu of inode %u holds block %llu of inode %llu", (unsigned long long)extents[i].first + b,
						     attr->node.id, (unsigned long long)words[2], (unsigned long long)words[1] >> 32);
			}
			at = extents[i].first + extents[i].count;
		}
	}
	return true;
}

static bool visit(struct survey *survey, struct ext2_node dir, unsigned depth)
{
	struct ext2_dirent entries[8];
	uint64_t cookie = 0;
	int count;

	do {
		struct ext2_txn *txn = ext2_begin(survey->fs, false);

		count = ext2_readdir(txn, dir, cookie, entries, 8);
		ext2_abort(txn);
		if (count < 0 || depth > 100 || survey->visited > 10000)
			return wrong(survey, "directory inode %u cannot be read", dir.id);
		for (int i = 0; i < count; i++) {
			struct ext2_attr attr;

			cookie = entries[i].next;
			survey->visited++;
			if (get_attr(survey, (struct ext2_node){ entries[i].id, 0 }, &attr))
				return wrong(survey, "inode %u cannot be read", entries[i].id);
			/* #12 in lost+found: e2fsck put it there. */
			if (entries[i].name[0] == '#')
				continue;
			survey->named[attr.node.id % 4096] = true;
			survey->generations[attr.node.id % 4096] = attr.node.generation;
			if (S_ISREG(attr.mode) && !check_data(survey, &attr))
				return false;
			if (S_ISDIR(attr.mode) && !visit(survey, attr.node, depth + 1))
				return false;
		}
	} while (count);
	return true;
}

static bool happened(unsigned long operation, unsigned long last)
{
	return operation && operation <= last;
}

/* Is the way to the directory what it was? */
static bool way_is_untouched(const struct world *world, const struct promise *promise, const struct node *dir, unsigned long last)
{
	for (; dir; dir = dir->parent) {
		dir = &promise->nodes[dir - world->nodes];
		if (happened(world->touches[dir->id.id % 4096].moved, last) || happened(world->touches[dir->id.id % 4096].removed, last))
			return false;
	}
	return true;
}

static bool check_content(struct survey *survey, const struct node *node)
{
	struct ext2_attr attr;
	char target[WORLD_TARGET + 1];
	struct ext2_txn *txn;
	int len;

	if (get_attr(survey, node->id, &attr))
		return wrong(survey, "inode %u is another", node->id.id);
	if (attr.mode != node->mode || attr.uid != node->uid || (!S_ISDIR(node->mode) && attr.size != node->size))
		return wrong(survey, "inode %u has mode 0%o, size %llu, expected 0%o, %llu", node->id.id, attr.mode, (unsigned long long)attr.size, node->mode,
			     (unsigned long long)node->size);
	txn = ext2_begin(survey->fs, false);
	len = S_ISLNK(node->mode) ? ext2_readlink(txn, node->id, target, sizeof(target)) : 0;
	ext2_abort(txn);
	if (S_ISLNK(node->mode) && (len != (int)strlen(node->target) || memcmp(target, node->target, len)))
		return wrong(survey, "target of inode %u", node->id.id);
	for (unsigned i = 0; i < node->block_count; i++) {
		struct ext2_extent extent = { .block = 0 };
		struct ext2_map map = { .node = node->id, .first = node->blocks[i].index, .count = 1 };

		txn = ext2_begin(survey->fs, false);
		ext2_map(txn, &map, &extent, 1);
		ext2_abort(txn);
		if (extent.block != node->blocks[i].block)
			return wrong(survey, "block %llu of inode %u is %u, expected %u", (unsigned long long)node->blocks[i].index, node->id.id, extent.block,
				     node->blocks[i].block);
	}
	return true;
}

static bool check_names(struct world *world, const struct promise *promise, struct survey *survey, unsigned long last)
{
	for (unsigned i = 0; i < promise->name_count; i++) {
		const struct name *name = &promise->names[i];
		const struct node *node = &promise->nodes[name->node - world->nodes], *dir = &promise->nodes[name->dir - world->nodes];
		const struct touch *touch = &world->touches[node->id.id % 4096];
		struct ext2_attr attr;
		struct ext2_txn *txn;
		int error;

		if (happened(touch->removed, last))
			continue;
		if (!survey->named[node->id.id % 4096] || survey->generations[node->id.id % 4096] != node->id.generation)
			return wrong(survey, "inode %u (%s) is lost", node->id.id, name->text);
		if (!happened(touch->written, last) && !check_content(survey, node))
			return false;
		if (happened(touch->moved, last) || !way_is_untouched(world, promise, name->dir, last))
			continue;
		txn = ext2_begin(survey->fs, false);
		error = ext2_lookup(txn, dir->id, (struct ext2_name){ name->text, strlen(name->text) }, &attr);
		ext2_abort(txn);
		if (error || attr.node.id != node->id.id)
			return wrong(survey, "%s in directory inode %u is not inode %u any more", name->text, dir->id.id, node->id.id);
	}
	return true;
}

const char *promise_check(struct world *world, const struct promise *promise, uint8_t *image, unsigned long last)
{
	static struct survey survey;
	void *memory = malloc(ext2_memory(0));
	bool good;
	int error;

	memset(&survey, 0, sizeof(survey));
	survey.image = image;
	store_open(&survey.store, image, world->store.size);
	error = ext2_mount(&survey.store.io, memory, ext2_memory(0), EXT2_READ_ONLY, &survey.fs);
	survey.named[2] = true;
	good = !error && visit(&survey, (struct ext2_node){ 2, 0 }, 0);
	if (error)
		wrong(&survey, "cannot be mounted: %d", error);
	good = good && check_names(world, promise, &survey, last);
	store_close(&survey.store);
	free(memory);
	return good ? NULL : survey.wrong;
}
