/* SPDX-License-Identifier: MIT */
/*
 * Which blocks a file gets. It keeps no state, so nothing is reserved ahead of time: a file goes on right after its last block, and what begins anew begins at
 * eight free blocks in a row, so that files which grow side by side do not take each other's next block at once. Who finds his taken nevertheless, or asks
 * for many blocks, goes on at 64 in a row: files that grow in turn get runs of that length.
 */
#include "internal.h"

static bool is_used(const uint8_t *bits, const uint8_t *early, uint32_t at)
{
	return (bits[at / 8] | early[at / 8]) >> at % 8 & 1;
}

uint32_t ext2_next_free(const uint8_t *bits, const uint8_t *early, uint32_t from, uint32_t end)
{
	for (uint32_t at = from; at < end;) {
		uint64_t some[2];

		if (at % 64 == 0 && end - at >= 64) {
			memcpy(&some[0], bits + at / 8, sizeof(some[0]));
			memcpy(&some[1], early + at / 8, sizeof(some[1]));
			some[0] |= some[1];
			if (some[0] != UINT64_MAX)
				return at + __builtin_ctzll(~some[0]);
			at += 64;
		} else if (at % 8 == 0 && (bits[at / 8] | early[at / 8]) == 0xff)
			at += 8;
		else if (is_used(bits, early, at))
			at++;
		else
			return at;
	}
	return end;
}

static uint32_t next_free_run(const uint8_t *bits, const uint8_t *early, uint32_t from, uint32_t end, uint32_t len)
{
	for (uint32_t at = (from + len - 1) / len * len; at + len <= end; at += len) {
		uint32_t byte = at / 8;

		while (byte < (at + len) / 8 && !(bits[byte] | early[byte]))
			byte++;
		if (byte == (at + len) / 8)
			return at;
	}
	return end;
}

struct search {
	struct ext2_txn *txn;
	uint32_t group, start, end;	/* start: block of bit 0; end: bits */
	struct ext2_group descriptor;
	const uint8_t *bits, *early;
};

/* Moves *@at, a free bit or the end, past what a broken bitmap calls free although it is none of any file's. */
static bool skips_system(const struct search *search, uint32_t *at)
{
	uint32_t end;

	if (*at >= search->end)
		return false;
	end = ext2_system_end(search->txn->fs, search->group, &search->descriptor, search->start + *at);
	if (!end)
		return false;
	ext2_corrupt(search->txn->fs, "group %u: block %u belongs to the file system itself, but its bitmap calls it free", search->group,
		     search->start + *at);
	*at = MIN(end - search->start, search->end);
	return true;
}

/* The first of @len free blocks, 1 or a multiple of 8 and then aligned to that, or search->end. */
static uint32_t free_run_from(const struct search *search, uint32_t from, uint32_t len)
{
	uint32_t at = from;

	do
		at = len == 1 ? ext2_next_free(search->bits, search->early, at, search->end) : next_free_run(search->bits, search->early, at, search->end, len);
	while (skips_system(search, &at));
	return at;
}

/* The bit to begin with, or search->end. */
static uint32_t choose(const struct search *search, uint32_t goal, bool follow, uint32_t want)
{
	static const uint32_t runs[] = { 64, 8, 1 };
	uint32_t at = goal;

	if (follow && goal < search->end && !is_used(search->bits, search->early, goal) && !skips_system(search, &at))
		return goal;
	for (unsigned i = follow || want >= runs[0] ? 0 : 1; i < sizeof(runs) / sizeof(runs[0]); i++) {
		at = free_run_from(search, goal, runs[i]);
		if (at == search->end && goal)
			at = free_run_from(search, 0, runs[i]);
		if (at < search->end)
			break;
	}
	return at;
}

static int take(const struct search *search, uint32_t at, uint32_t want, uint32_t *count)
{
	struct ext2_txn *txn = search->txn;
	uint32_t system;
	int error;

	for (*count = 1; *count < want && at + *count < search->end && !is_used(search->bits, search->early, at + *count); ++*count) {
		system = ext2_system_end(txn->fs, search->group, &search->descriptor, search->start + at + *count);
		if (system)
			break;
	}
	error = ext2_set_bits(txn, search->descriptor.block_bitmap, at, *count);
	return error ? error : ext2_count(txn, search->group, -(int)*count, 0, 0);
}

/* -ENOSPC: not in this group. */
static int alloc_in_group(struct ext2_txn *txn, uint32_t group, uint32_t goal, bool follow, uint32_t want, uint32_t *start, uint32_t *count)
{
	struct ext2 *fs = txn->fs;
	struct search search = { .txn = txn, .group = group, .start = ext2_group_start(fs, group), .end = ext2_group_blocks(fs, group) };
	struct ext2_buffer *buffer;
	uint32_t at;
	int error = ext2_read_group(txn, group, &search.descriptor);

	if (error || !search.descriptor.free_blocks)
		return error ? error : -ENOSPC;
	error = ext2_pin(txn, search.descriptor.block_bitmap, &buffer);
	if (error)
		return error;
	search.bits = buffer->data;
	search.early = ext2_early(txn, buffer);
	at = choose(&search, goal, follow, want);
	if (at < search.end) {
		error = take(&search, at, want, count);
		*start = search.start + at;
	} else {
		txn->hidden |= memcmp(search.bits, search.early, search.end / 8) != 0;
		error = -ENOSPC;
	}
	ext2_unpin(buffer);
	return error;
}

int ext2_alloc_blocks(struct ext2_txn *txn, uint32_t goal, bool follow, uint32_t want, uint32_t *start, uint32_t *count)
{
	const struct ext2 *fs = txn->fs;
	uint32_t first;

	if (goal < fs->first_data_block || goal >= fs->blocks_count)
		goal = fs->first_data_block;
	first = ext2_block_group(fs, goal);
	for (uint32_t i = 0; i < fs->group_count; i++) {
		uint32_t group = (first + i) % fs->group_count;
		int error = alloc_in_group(txn, group, i ? 0 : goal - ext2_group_start(fs, group), follow && !i, want, start, count);

		if (error != -ENOSPC)
			return error;
	}
	return -ENOSPC;
}

/* Those of one group. */
static int free_run(struct ext2_txn *txn, uint32_t inode, uint32_t group, uint32_t start, uint32_t count)
{
	struct ext2_group descriptor;
	struct ext2_buffer *buffer;
	uint32_t bit = start - ext2_group_start(txn->fs, group);
	int error = ext2_read_group(txn, group, &descriptor);

	if (error)
		return error;
	error = ext2_pin(txn, descriptor.block_bitmap, &buffer);
	if (error)
		return error;
	for (uint32_t i = 0; !error && i < count; i++) {
		if (ext2_system_end(txn->fs, group, &descriptor, start + i))
			error = ext2_corrupt(txn->fs, "inode %u: block %u belongs to the file system itself", inode, start + i);
		else if (!(buffer->data[(bit + i) / 8] >> (bit + i) % 8 & 1))
			error = ext2_corrupt(txn->fs, "inode %u: block %u is free already", inode, start + i);
	}
	ext2_unpin(buffer);
	if (!error)
		error = ext2_clear_bits(txn, descriptor.block_bitmap, bit, count);
	if (!error)
		error = ext2_note(txn, EXT2_FORGET, start, count);
	return error ? error : ext2_count(txn, group, count, 0, 0);
}

int ext2_free_blocks(struct ext2_txn *txn, uint32_t inode, uint32_t start, uint32_t count)
{
	const struct ext2 *fs = txn->fs;

	if (start <= fs->first_data_block || start >= fs->blocks_count || count > fs->blocks_count - start)
		return ext2_corrupt(txn->fs, "inode %u: block %u, expected %u to %u", inode, start, fs->first_data_block + 1, fs->blocks_count - 1);
	while (count) {
		uint32_t group = ext2_block_group(fs, start);
		uint32_t in_group = MIN(count, ext2_group_start(fs, group) + ext2_group_blocks(fs, group) - start);
		int error = free_run(txn, inode, group, start, in_group);

		if (error)
			return error;
		start += in_group;
		count -= in_group;
	}
	return 0;
}
