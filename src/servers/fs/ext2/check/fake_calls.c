/* SPDX-License-Identifier: MIT */
#include "fake_calls.h"
#include "../kernel_calls.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct fake_kernel fake_kernel;

/* A store's generations begin with 0, which stands for a block that is not cached; the server's are one more. */
static uint64_t generation_of(uint32_t number)
{
	struct ext2_image image = { .data = NULL };

	store_look(fake_kernel.store, number, &image);
	return image.generation;
}

int call_disk(int port, struct fs_disk_info *info)
{
	struct store *store = fake_kernel.store;

	(void)port;
	*info = (struct fs_disk_info){ .size = store->size, .sector_size = 512, .started = fake_kernel.started };
	if (fake_kernel.sized) {
		info->block_size = store->io.block_size;
		info->blocks = store->size / store->io.block_size;
		info->group = store->io.group;
	}
	return 0;
}

/* The disk's own bytes, not those of the cache. */
int call_disk_read(int port, uint64_t offset, void *bytes, size_t length)
{
	(void)port;
	assert(offset <= fake_kernel.store->size && length <= fake_kernel.store->size - offset);
	memcpy(bytes, fake_kernel.store->disk + offset, length);
	return 0;
}

int call_set_blocks(int port, uint32_t block_size, uint64_t blocks)
{
	struct store *store = fake_kernel.store;

	(void)port;
	assert(!fake_kernel.sized || store->io.block_size == block_size);
	assert(blocks == store->size / block_size);
	store->io.block_size = block_size;
	fake_kernel.sized = true;
	return 0;
}

int call_block_read(int port, uint64_t number, struct fs_block *block)
{
	struct store *store = fake_kernel.store;
	bool wanted = block->data != 0;
	struct ext2_image image = { .data = (uint8_t *)block->data, .early = (uint8_t *)block->early };
	int error;

	(void)port;
	assert(fake_kernel.sized && (wanted || !block->early));
	error = store->io.get(&store->io, number, &image);
	if (error)
		return error;
	fake_kernel.reads += wanted;
	fake_kernel.guesses += !wanted;
	block->group = store->io.group;
	block->generation = wanted || image.generation ? image.generation + 1 : 0;
	block->has_early = image.has_early;
	return 0;
}

/* What a base of the server's is to the store. False: not current, as far as the store does not say so itself. */
static bool to_base(const struct fs_base *from, struct ext2_base *to)
{
	*to = (struct ext2_base){ from->block, from->generation ? from->generation - 1 : generation_of(from->block) };
	return from->generation || !to->generation;
}

static void put_generations(const struct fs_commit *commit)
{
	const struct fs_base *bases = (const void *)commit->bases;
	const struct fs_change *changes = (const void *)commit->changes;
	uint64_t *generations = (void *)commit->generations;

	for (unsigned i = 0; i < commit->base_count; i++) {
		generations[i] = generation_of(bases[i].block) + 1;
		for (unsigned c = 0; c < commit->change_count; c++)
			if (changes[c].kind == FS_FORGET && bases[i].block - changes[c].block < changes[c].length)
				generations[i] = 0;
	}
}

int call_commit(int port, struct fs_commit *commit)
{
	struct store *store = fake_kernel.store;
	const struct fs_base *bases = (const void *)commit->bases;
	const struct fs_change *changes = (const void *)commit->changes;
	struct ext2_base to_bases[FS_COMMIT_BASES_MAX];
	struct ext2_change to_changes[FS_COMMIT_CHANGES_MAX];
	struct ext2_commit to = { .bases = to_bases, .changes = to_changes, .base_count = commit->base_count, .change_count = commit->change_count,
				  .flags = commit->flags, .group = commit->group, .free_blocks = commit->free_blocks };
	bool final = commit->flags & FS_FINAL;
	int error;

	(void)port;
	assert(commit->base_count <= FS_COMMIT_BASES_MAX && commit->change_count <= FS_COMMIT_CHANGES_MAX);
	assert(final ? commit->token != 0 : !commit->answer_length);
	assert(!commit->token || commit->token == fake_kernel.token);
	if (commit->token && fake_kernel.commits_before_give_up >= 0 && fake_kernel.commits_before_give_up-- == 0)
		fake_kernel.given_up = true;
	if (commit->token && fake_kernel.given_up)
		return -ENOENT;
	for (unsigned i = 0; i < commit->base_count; i++)
		if (!to_base(&bases[i], &to_bases[i]))
			return -ESTALE;
	for (unsigned i = 0; i < commit->change_count; i++) {
		for (unsigned r = 0; r < sizeof(changes[i].reserved); r++)
			assert(!changes[i].reserved[r]);
		to_changes[i] = (struct ext2_change){ .block = changes[i].block, .offset = changes[i].offset, .len = changes[i].length,
						      .kind = changes[i].kind, .flags = changes[i].flags, .data = (const void *)changes[i].data };
	}
	if (final) {
		to.answer = (const void *)commit->answer;
		to.answer_len = commit->answer_length;
		fake_kernel.answer_length = commit->answer_length;
	}
	error = store->io.commit(&store->io, &to);
	fake_kernel.stale += error == -ESTALE;
	if (error)
		return error;
	fake_kernel.commits++;
	if (final) {
		assert(!fake_kernel.answered);
		fake_kernel.answered = true;
	}
	fake_kernel.free_blocks = commit->free_blocks;
	commit->open_group = store->io.group;
	put_generations(commit);
	return 0;
}
