/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char store_kind[] = "a model of the kernel";
const bool store_forgets = false;

static struct store *to_store(struct ext2_io *io)
{
	return (struct store *)io;
}

static int store_read(struct ext2_io *io, uint64_t offset, void *bytes, size_t len)
{
	struct store *store = to_store(io);

	assert(offset <= store->size && len <= store->size - offset);
	memcpy(bytes, store->disk + offset, len);
	/* The superblock as the cache has it. */
	if (io->block_size && store->blocks[offset / io->block_size].data)
		memcpy(bytes, store->blocks[offset / io->block_size].data + offset % io->block_size, len);
	return 0;
}

static void set_blocks(struct store *store)
{
	if (store->blocks)
		return;
	store->block_count = store->size / store->io.block_size;
	store->blocks = calloc(store->block_count, sizeof(*store->blocks));
}

static uint8_t *disk_block(const struct store *store, uint32_t number)
{
	return store->disk + (size_t)number * store->io.block_size;
}

static uint8_t *data_of(struct store *store, uint32_t number)
{
	struct store_block *block = &store->blocks[number];

	if (!block->data)
		block->data = store_copy_block(store, disk_block(store, number));
	return block->data;
}

static int store_get(struct ext2_io *io, uint32_t number, struct ext2_image *image)
{
	struct store *store = to_store(io);
	const uint8_t *early;

	set_blocks(store);
	assert(number < store->block_count);
	if (store_get_fails(store))
		return -EIO;
	image->generation = store->blocks[number].generation;
	if (!image->data)
		return 0;
	memcpy(image->data, data_of(store, number), io->block_size);
	early = store->blocks[number].early;
	image->has_early = early != NULL;
	if (early && image->early)
		memcpy(image->early, early, io->block_size);
	return 0;
}

/* What comes first of a group may be written together with what was late of the one before, whose older state of a block it replaces. */
static void join(struct store_phase *late, struct store_phase *first)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < late->count; i++) {
		bool replaced = false;

		for (unsigned n = 0; n < first->count; n++)
			replaced |= first->writes[n].block == late->writes[i].block;
		if (replaced)
			free(late->writes[i].bytes);
		else
			late->writes[kept++] = late->writes[i];
	}
	late->count = kept;
	if (late->room < kept + first->count) {
		late->room = kept + first->count;
		late->writes = realloc(late->writes, late->room * sizeof(*late->writes));
	}
	memcpy(late->writes + kept, first->writes, first->count * sizeof(*first->writes));
	late->count += first->count;
	free(first->writes);
	memset(first, 0, sizeof(*first));
}

/* Takes the writes of @count blocks from @first on out of the phase. */
static void drop_writes(struct store_phase *phase, uint32_t first, uint32_t count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < phase->count; i++)
		if (phase->writes[i].block - first < count)
			free(phase->writes[i].bytes);
		else
			phase->writes[kept++] = phase->writes[i];
	phase->count = kept;
}

void store_end_group(struct store *store)
{
	struct store_phase first = store->data, middle = { 0 }, late = { 0 }, freed = store->freed;

	memset(&store->data, 0, sizeof(store->data));
	memset(&store->freed, 0, sizeof(store->freed));
	for (uint32_t i = 0; store->blocks && i < store->block_count; i++) {
		struct store_block *block = &store->blocks[i];
		const uint8_t *early = block->early ? block->early : block->data;
		bool is_first = (block->first || block->fresh) && !(store->lapses & STORE_NO_FIRST);

		if (!block->dirty)
			continue;
		if (block->early_dirty || block->fresh)
			store_add_write(store, is_first ? &first : &middle, i, early);
		if (block->early)
			store_add_write(store, &late, i, block->data);
		free(block->early);
		block->early = NULL;
		block->dirty = block->early_dirty = block->fresh = block->first = false;
	}
	if (first.count && store->phase_count && store->phases[store->phase_count - 1].late) {
		struct store_phase *last = &store->phases[store->phase_count - 1];

		join(last, &first);
		last->late = false;
		last->risky |= store->risky;
		last->operation = store->operation;
	}
	late.late = true;
	store->no_barriers = store->lapses & STORE_NO_ORDER;
	store_add_phase(store, &first);
	store_add_phase(store, &middle);
	store_add_phase(store, &late);
	/* A disk discards or not. */
	if (store->groups % 2)
		drop_writes(&freed, 0, UINT32_MAX);
	store_add_phase(store, &freed);
	store->groups += store->group_used;
	store->io.group++;
	store->risky = store->group_used = false;
}

/* Is @number among the blocks whose generation the commit knows? */
static bool has_base(const struct ext2_commit *commit, uint32_t number)
{
	for (unsigned i = 0; i < commit->base_count; i++)
		if (commit->bases[i].block == number)
			return true;
	return false;
}

static void check_change(struct store *store, const struct ext2_commit *commit, const struct ext2_change *change)
{
	uint32_t size = store->io.block_size;

	assert(change->block < store->block_count);
	switch (change->kind) {
	case EXT2_COPY:
		assert(change->data && change->len && change->len <= size && change->offset <= size - change->len);
		break;
	case EXT2_SET_BITS: case EXT2_CLEAR_BITS:
		assert(change->len && change->len <= size * 8 && change->offset <= size * 8 - change->len && change->flags & EXT2_FIRST);
		assert(!(change->flags & EXT2_LATE) || change->kind == EXT2_CLEAR_BITS);
		break;
	case EXT2_FRESH:
		break;
	case EXT2_FORGET: case EXT2_NEW_DATA:
		assert(change->len && change->len <= store->block_count - change->block);
		return;
	default:
		assert(!"kind of a change");
	}
	assert(has_base(commit, change->block));
}

/* Must the open group end before this commit? */
static bool needs_group(const struct store *store, const struct ext2_commit *commit)
{
	if (store->lapses & STORE_NO_BOUNDARY)
		return false;
	if (commit->flags & EXT2_BOUNDARY_BEFORE)
		return true;
	for (unsigned i = 0; i < commit->change_count && !(store->lapses & STORE_NO_SETTLED); i++)
		if (commit->changes[i].flags & EXT2_SETTLED && store->blocks[commit->changes[i].block].fresh)
			return true;
	return false;
}

static void apply_bytes(struct store *store, const struct ext2_change *change, uint8_t *image, bool early)
{
	(void)early;
	switch (change->kind) {
	case EXT2_COPY:
		memcpy(image + change->offset, change->data, change->len);
		break;
	case EXT2_FRESH:
		memset(image, 0, store->io.block_size);
		break;
	case EXT2_SET_BITS: case EXT2_CLEAR_BITS:
		for (uint32_t bit = change->offset; bit < change->offset + change->len; bit++) {
			/* Nothing that is in use, or was in this group, is given away; nothing free is freed. */
			assert(store->lapses || !(image[bit / 8] >> bit % 8 & 1) == (change->kind == EXT2_SET_BITS));
			if (change->kind == EXT2_SET_BITS)
				image[bit / 8] |= 1 << bit % 8;
			else
				image[bit / 8] &= ~(1 << bit % 8);
		}
	}
}

static void forget(struct store *store, const struct ext2_change *change)
{
	static const uint8_t zeroes[4096];

	drop_writes(&store->data, change->block, change->len);
	for (uint32_t i = change->block; i < change->block + change->len; i++) {
		struct store_block *block = &store->blocks[i];

		free(block->early);
		block->early = NULL;
		block->dirty = block->early_dirty = block->fresh = block->first = false;
		store_add_write(store, store->lapses & STORE_EARLY_DISCARD ? &store->data : &store->freed, i, zeroes);
	}
}

static void apply(struct store *store, const struct ext2_change *change)
{
	struct store_block *block = &store->blocks[change->block];
	bool late = change->flags & EXT2_LATE && !(store->lapses & STORE_NO_LATE);

	if (change->kind == EXT2_FORGET) {
		forget(store, change);
		return;
	}
	if (change->kind == EXT2_NEW_DATA || change->kind == EXT2_FRESH)
		drop_writes(&store->freed, change->block, change->kind == EXT2_FRESH ? 1 : change->len);
	if (change->kind == EXT2_NEW_DATA)
		return;
	data_of(store, change->block);
	if (late && !block->early)
		block->early = store_copy_block(store, block->data);
	apply_bytes(store, change, block->data, false);
	if (!late && block->early)
		apply_bytes(store, change, block->early, true);
	block->dirty = true;
	block->early_dirty |= !late;
	block->fresh |= change->kind == EXT2_FRESH;
	block->first |= change->flags & EXT2_FIRST;
}

static void apply_commit(struct store *store, const struct ext2_commit *commit)
{
	if (needs_group(store, commit))
		store_end_group(store);
	store->group_used = true;
	if (commit->flags & EXT2_BOUNDARY_BEFORE && commit->flags & EXT2_BOUNDARY_AFTER)
		store->risky = true;
	/* Pieces that are forgotten, first: the same commit may have changed them before it freed them. */
	for (unsigned i = 0; i < commit->change_count; i++)
		apply(store, &commit->changes[i]);
	for (unsigned i = 0; i < commit->base_count; i++) {
		uint64_t generation = ++store->blocks[commit->bases[i].block].generation;

		if (commit->generations)
			commit->generations[i] = generation;
	}
	if (commit->flags & EXT2_BOUNDARY_AFTER && !(store->lapses & STORE_NO_BOUNDARY))
		store_end_group(store);
}

static int store_commit(struct ext2_io *io, const struct ext2_commit *commit)
{
	struct store *store = to_store(io);
	bool end = store_begin_commit(store);

	for (unsigned i = 0; i < commit->base_count; i++)
		if (store->blocks[commit->bases[i].block].generation != commit->bases[i].generation)
			return -ESTALE;
	if (store->stale) {
		/* The group may end at any time. */
		store->stale = false;
		store_end_group(store);
		return -ESTALE;
	}
	if (commit->group && commit->group != store->io.group)
		return -ESTALE;
	assert(!commit->group || !needs_group(store, commit));
	for (unsigned i = 0; i < commit->change_count; i++)
		check_change(store, commit, &commit->changes[i]);
	apply_commit(store, commit);
	store_end_commit(store, commit, end);
	return 0;
}

void store_open(struct store *store, uint8_t *bytes, size_t size)
{
	memset(store, 0, sizeof(*store));
	store->io = (struct ext2_io){ .size = size, .read = store_read, .get = store_get, .commit = store_commit, .log = store_say };
	store->disk = bytes;
	store->size = size;
	store->io.group = 0x5eed0000;
	store->gets_left = store->commits_left = store->good_gets = -1;
}

void store_flush(struct store *store)
{
	store_end_group(store);
	for (unsigned i = 0; i < store->phase_count; i++)
		for (unsigned w = 0; w < store->phases[i].count; w++)
			memcpy(disk_block(store, store->phases[i].writes[w].block), store->phases[i].writes[w].bytes, store->io.block_size);
	store_drop_log(store);
}

void store_close(struct store *store)
{
	store_end_group(store);
	store_drop_log(store);
	for (uint32_t i = 0; store->blocks && i < store->block_count; i++) {
		free(store->blocks[i].data);
		free(store->blocks[i].early);
	}
	free(store->blocks);
	free(store->phases);
	free(store->disk);
}

uint8_t *store_image(struct store *store)
{
	uint8_t *image = malloc(store->size);

	memcpy(image, store->disk, store->size);
	for (unsigned i = 0; i < store->phase_count; i++)
		for (unsigned w = 0; w < store->phases[i].count; w++)
			memcpy(image + (size_t)store->phases[i].writes[w].block * store->io.block_size, store->phases[i].writes[w].bytes,
			       store->io.block_size);
	for (unsigned i = 0; i < store->data.count; i++)
		memcpy(image + (size_t)store->data.writes[i].block * store->io.block_size, store->data.writes[i].bytes, store->io.block_size);
	for (uint32_t i = 0; store->blocks && i < store->block_count; i++)
		if (store->blocks[i].dirty)
			memcpy(image + (size_t)i * store->io.block_size, store->blocks[i].data, store->io.block_size);
	return image;
}

void store_write_data(struct store *store, uint32_t block, const uint8_t *bytes)
{
	store_add_write(store, &store->data, block, bytes);
	store->group_used = true;
}
