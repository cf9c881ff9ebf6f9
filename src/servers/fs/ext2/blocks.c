/* SPDX-License-Identifier: MIT */
#include "blocks.h"
#include "kernel_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_MOST = 4096 };

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

static struct blocks *to_blocks(struct ext2_io *io)
{
	return (struct blocks *)io;
}

static int set_blocks(struct blocks *blocks)
{
	int error = blocks->sized ? 0 : call_set_blocks(blocks->port, blocks->io.block_size, blocks->io.size / blocks->io.block_size);

	blocks->sized = !error;
	return error;
}

/*
 * A block that will be made new (@image->data NULL) is mostly one that the kernel does not have, which is generation 0; when that was wrong, it is asked.
 */
static int get(struct ext2_io *io, uint32_t number, struct ext2_image *image)
{
	struct blocks *blocks = to_blocks(io);
	struct fs_block wanted = { .data = (uintptr_t)image->data, .early = (uintptr_t)image->early };
	int error = set_blocks(blocks);

	if (error)
		return error;
	image->generation = 0;
	image->has_early = false;
	if (!image->data && !blocks->careful)
		return 0;
	blocks->alive(blocks->context);
	error = call_block_read(blocks->port, number, &wanted);
	if (error)
		return error;
	io->group = wanted.group;
	image->generation = wanted.generation;
	image->has_early = wanted.has_early;
	return 0;
}

/* When the kernel has a cache for it, the block there may be newer than the disk's. */
static int read_bytes(struct ext2_io *io, uint64_t offset, void *bytes, size_t length)
{
	static uint8_t block[BLOCK_MOST];
	struct ext2_image image = { .data = block };
	int error;

	if (!to_blocks(io)->sized)
		return call_disk_read(to_blocks(io)->port, offset, bytes, length);
	error = get(io, offset / io->block_size, &image);
	if (!error)
		memcpy(bytes, block + offset % io->block_size, length);
	return error;
}

static int commit(struct ext2_io *io, const struct ext2_commit *commit)
{
	struct blocks *blocks = to_blocks(io);
	bool final = commit->flags & EXT2_FINAL && blocks->answer;
	struct fs_commit what = { .token = blocks->token, .bases = (uintptr_t)commit->bases, .changes = (uintptr_t)commit->changes,
				  .generations = (uintptr_t)commit->generations, .answer = final ? (uintptr_t)blocks->answer : 0,
				  .answer_length = final ? blocks->answer_length : 0, .base_count = commit->base_count,
				  .change_count = commit->change_count, .flags = final ? commit->flags : commit->flags & ~EXT2_FINAL, .group = commit->group,
				  .free_blocks = commit->free_blocks };
	int error = call_commit(blocks->port, &what);

	blocks->careful |= error == -ESTALE;
	if (error)
		return error;
	blocks->careful = false;
	blocks->answered |= final;
	io->group = what.open_group;
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
	blocks->io = (struct ext2_io){ .size = info.size, .block_size = info.block_size, .group = info.group, .read = read_bytes, .get = get,
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
	blocks->answered = false;
}
