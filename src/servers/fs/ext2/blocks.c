/* SPDX-License-Identifier: MIT */
#include "blocks.h"
#include "kernel_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_MOST = 4096, CHANGES_MAX = 128, LOG_LINE = 300 };

_Static_assert(EXT2_COPY == (int)FS_COPY && EXT2_SET_BITS == (int)FS_SET_BITS && EXT2_CLEAR_BITS == (int)FS_CLEAR_BITS, "kinds");
_Static_assert(EXT2_FRESH == (int)FS_FRESH && EXT2_FORGET == (int)FS_FORGET && EXT2_NEW_DATA == (int)FS_NEW_DATA, "kinds");
_Static_assert(EXT2_FIRST == (int)FS_FIRST && EXT2_LATE == (int)FS_LATE && EXT2_SETTLED == (int)FS_SETTLED, "flags of changes");
_Static_assert(EXT2_FINAL == (int)FS_FINAL && EXT2_BOUNDARY_BEFORE == (int)FS_BOUNDARY_BEFORE && EXT2_BOUNDARY_AFTER == (int)FS_BOUNDARY_AFTER,
	       "flags of commits");
#define SAME(ours, theirs, member, other) (offsetof(struct ours, member) == offsetof(struct theirs, other))
_Static_assert(sizeof(struct ext2_change) == sizeof(struct fs_change) && SAME(ext2_change, fs_change, block, block) &&
	       SAME(ext2_change, fs_change, data, data) && SAME(ext2_change, fs_change, offset, offset) && SAME(ext2_change, fs_change, len, length) &&
	       SAME(ext2_change, fs_change, kind, kind) && SAME(ext2_change, fs_change, flags, flags), "changes are handed over as they are");
_Static_assert(sizeof(struct ext2_base) == sizeof(struct fs_base) && SAME(ext2_base, fs_base, generation, generation), "bases, too");

/* Blocks and their early images, packed by the block size: pages that no block has come to are not there. */
static _Alignas(4096) uint8_t data_memory[BLOCKS_MAX * BLOCK_MOST], early_memory[BLOCKS_MAX * BLOCK_MOST];

static struct blocks *to_blocks(struct ext2_io *io)
{
	return (struct blocks *)io;
}

static uint8_t *data_of(const struct blocks *blocks, const struct cached_block *block)
{
	return data_memory + (size_t)(block - blocks->blocks) * blocks->io.block_size;
}

static uint8_t *early_of(const struct blocks *blocks, const struct cached_block *block)
{
	return early_memory + (size_t)(block - blocks->blocks) * blocks->io.block_size;
}

/* ---- The table ---- */

static struct cached_block *find(struct blocks *blocks, uint32_t number)
{
	for (unsigned at = blocks->buckets[number % BLOCKS_BUCKETS]; at; at = blocks->blocks[at - 1].next)
		if (blocks->blocks[at - 1].number == number)
			return &blocks->blocks[at - 1];
	return NULL;
}

static void leave(struct blocks *blocks, struct cached_block *block)
{
	uint8_t *at = &blocks->buckets[block->number % BLOCKS_BUCKETS];

	while (&blocks->blocks[*at - 1] != block)
		at = &blocks->blocks[*at - 1].next;
	*at = block->next;
	block->in_use = false;
}

static void enter(struct blocks *blocks, struct cached_block *block, uint32_t number)
{
	uint8_t *bucket = &blocks->buckets[number % BLOCKS_BUCKETS];

	*block = (struct cached_block){ .number = number, .next = *bucket, .in_use = true };
	*bucket = block - blocks->blocks + 1;
}

/* Is gone as soon as nobody has it pinned. */
static void drop(struct blocks *blocks, struct cached_block *block)
{
	block->stale = true;
	if (!block->pins)
		leave(blocks, block);
}

static void drop_all(struct blocks *blocks)
{
	for (unsigned i = 0; i < blocks->count; i++)
		if (blocks->blocks[i].in_use)
			drop(blocks, &blocks->blocks[i]);
}

/* A place: one that is free, or a new one while they are few, or that of the block that was not used for the longest time, or one more. */
static struct cached_block *find_place(struct blocks *blocks)
{
	struct cached_block *oldest = NULL;

	for (unsigned i = 0; i < blocks->count; i++) {
		struct cached_block *block = &blocks->blocks[i];

		if (!block->in_use)
			return block;
		if (!block->pins && (!oldest || (int32_t)(block->used_at - oldest->used_at) < 0))
			oldest = block;
	}
	if (blocks->count < BLOCKS_MAX && (!oldest || (blocks->count + 1) * blocks->io.block_size <= BLOCKS_KEPT_BYTES))
		return &blocks->blocks[blocks->count++];
	if (oldest)
		leave(blocks, oldest);
	return oldest;
}

/* The open group is another one: what was late in the one before is settled. */
static void note_group(struct blocks *blocks, uint32_t group)
{
	if (group == blocks->io.group)
		return;
	blocks->io.group = group;
	for (unsigned i = 0; i < blocks->count; i++)
		blocks->blocks[i].has_early = false;
}

/* ---- Reading ---- */

static int set_blocks(struct blocks *blocks)
{
	int error = blocks->sized ? 0 : call_set_blocks(blocks->port, blocks->io.block_size, blocks->io.size / blocks->io.block_size);

	blocks->sized = !error;
	return error;
}

static int read_block(struct blocks *blocks, struct cached_block *block, uint32_t number)
{
	struct fs_block wanted = { .data = (uintptr_t)data_of(blocks, block), .early = (uintptr_t)early_of(blocks, block) };
	int error;

	blocks->alive(blocks->context);
	error = call_block_read(blocks->port, number, &wanted);
	if (error)
		return error;
	note_group(blocks, wanted.group);
	block->generation = wanted.generation;
	block->has_early = wanted.has_early;
	block->has_content = true;
	return 0;
}

/* A block that will be made new. Mostly the kernel does not have it, which is generation 0; when that was wrong, it is asked. */
static int guess_generation(struct blocks *blocks, struct cached_block *block, uint32_t number)
{
	struct fs_block wanted = { .data = 0 };
	int error;

	if (!blocks->careful)
		return 0;
	error = call_block_read(blocks->port, number, &wanted);
	if (error)
		return error;
	note_group(blocks, wanted.group);
	block->generation = wanted.generation;
	return 0;
}

static int get(struct ext2_io *io, uint32_t number, bool fresh, struct ext2_view *view)
{
	struct blocks *blocks = to_blocks(io);
	struct cached_block *block;
	int error = set_blocks(blocks);

	if (error)
		return error;
	block = find(blocks, number);
	if (!block) {
		block = find_place(blocks);
		if (!block)
			return -EIO;
		enter(blocks, block, number);
		error = fresh ? guess_generation(blocks, block, number) : read_block(blocks, block, number);
		if (error) {
			leave(blocks, block);
			return error;
		}
	}
	if (!fresh && (block->stale || !block->has_content))
		return -EIO;
	block->pins++;
	block->used_at = ++blocks->clock;
	view->data = data_of(blocks, block);
	view->early = block->has_early ? early_of(blocks, block) : view->data;
	view->generation = block->generation;
	view->handle = block;
	return 0;
}

static void put(struct ext2_io *io, uint32_t number, struct ext2_view *view)
{
	struct cached_block *block = view->handle;

	(void)number;
	block->pins--;
	if (!block->pins && (block->stale || !block->has_content))
		leave(to_blocks(io), block);
}

/* When the kernel has a cache for it, the block there may be newer than the disk's. */
static int read_bytes(struct ext2_io *io, uint64_t offset, void *bytes, size_t length)
{
	struct blocks *blocks = to_blocks(io);
	struct ext2_view view;
	int error;

	if (!blocks->sized)
		return call_disk_read(blocks->port, offset, bytes, length);
	error = get(io, offset / io->block_size, false, &view);
	if (error)
		return error;
	memcpy(bytes, view.data + offset % io->block_size, length);
	put(io, offset / io->block_size, &view);
	return 0;
}

/* ---- Commits ---- */

static void put_bits(uint8_t *bytes, const struct ext2_change *change)
{
	for (uint32_t bit = change->offset; bit < change->offset + change->len; bit++) {
		if (change->kind == EXT2_SET_BITS)
			bytes[bit / 8] |= 1 << bit % 8;
		else
			bytes[bit / 8] &= ~(1 << bit % 8);
	}
}

static void apply_to(const struct blocks *blocks, uint8_t *bytes, const struct ext2_change *change)
{
	if (change->kind == EXT2_COPY)
		memcpy(bytes + change->offset, change->data, change->len);
	else if (change->kind == EXT2_FRESH)
		memset(bytes, 0, blocks->io.block_size);
	else
		put_bits(bytes, change);
}

static void forget(struct blocks *blocks, const struct ext2_change *change)
{
	for (unsigned i = 0; i < blocks->count; i++)
		if (blocks->blocks[i].in_use && blocks->blocks[i].number - change->block < change->len)
			drop(blocks, &blocks->blocks[i]);
}

/* What the kernel has done to its blocks. @moved: a group ended, before this commit or with it; where that makes a difference the block is read again. */
static void apply(struct blocks *blocks, const struct ext2_commit *commit, bool moved)
{
	struct cached_block *block = NULL;

	for (unsigned i = 0; i < commit->change_count; i++) {
		const struct ext2_change *change = &commit->changes[i];
		bool late = change->flags & EXT2_LATE;

		if (change->kind == EXT2_NEW_DATA)
			continue;
		if (change->kind == EXT2_FORGET) {
			forget(blocks, change);
			continue;
		}
		if (!block || block->number != change->block || !block->in_use)
			block = find(blocks, change->block);
		if (late && moved)
			drop(blocks, block);
		if (late && !block->has_early) {
			memcpy(early_of(blocks, block), data_of(blocks, block), blocks->io.block_size);
			block->has_early = true;
		}
		apply_to(blocks, data_of(blocks, block), change);
		if (!late && block->has_early)
			apply_to(blocks, early_of(blocks, block), change);
		block->has_content |= change->kind == EXT2_FRESH;
	}
}

static void take_generations(struct blocks *blocks, const struct ext2_commit *commit, const uint64_t *generations)
{
	for (unsigned i = 0; i < commit->base_count; i++) {
		struct cached_block *block = find(blocks, commit->bases[i].block);

		if (!block)
			continue;
		block->generation = generations[i];
		if (!generations[i])
			drop(blocks, block);
	}
}

static int commit(struct ext2_io *io, const struct ext2_commit *commit)
{
	struct blocks *blocks = to_blocks(io);
	uint64_t *generations = commit->generations;
	bool final = commit->flags & EXT2_FINAL && blocks->answer;
	struct fs_commit what = { .token = blocks->token, .bases = (uintptr_t)commit->bases, .changes = (uintptr_t)commit->changes,
				  .generations = (uintptr_t)generations, .answer = final ? (uintptr_t)blocks->answer : 0,
				  .answer_length = final ? blocks->answer_length : 0, .base_count = commit->base_count,
				  .change_count = commit->change_count, .flags = final ? commit->flags : commit->flags & ~EXT2_FINAL, .group = commit->group,
				  .free_blocks = commit->free_blocks };
	bool moved;
	int error;

	if (commit->change_count > CHANGES_MAX || commit->base_count > BLOCKS_MAX)
		return -EIO;
	error = call_commit(blocks->port, &what);
	if (error == -ESTALE) {
		/* Whoever was wrong about the group or a block, it is not the kernel. */
		drop_all(blocks);
		blocks->careful = true;
	}
	blocks->gave_up |= error == -ENOENT;
	if (error)
		return error;
	blocks->answered |= final;
	moved = what.open_group != io->group;
	note_group(blocks, what.open_group);
	apply(blocks, commit, moved);
	take_generations(blocks, commit, generations);
	blocks->careful = false;
	if (!final)
		blocks->alive(blocks->context);
	return 0;
}

static void log_line(struct ext2_io *io, const char *text)
{
	(void)io;
	fprintf(stderr, "ext2: %s\n", text);
}

int blocks_open(struct blocks *blocks, int port, bool *started)
{
	void (*alive)(void *context) = blocks->alive;
	void *context = blocks->context;
	struct fs_disk_info info = { .size = 0 };
	int error;

	memset(blocks, 0, sizeof(*blocks));
	blocks->alive = alive;
	blocks->context = context;
	blocks->port = port;
	error = call_disk(port, &info);
	if (error)
		return error;
	blocks->io = (struct ext2_io){ .size = info.size, .block_size = info.block_size, .group = info.group, .read = read_bytes, .get = get, .put = put,
				       .commit = commit, .log = log_line };
	blocks->sized = info.block_size != 0;
	*started = info.started;
	return 0;
}

void blocks_begin(struct blocks *blocks, uint64_t token, const void *answer, uint32_t length)
{
	blocks->token = token;
	blocks->answer = answer;
	blocks->answer_length = length;
	blocks->answered = blocks->gave_up = false;
}
