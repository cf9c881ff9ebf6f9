/* SPDX-License-Identifier: MIT */
/*
 * Which inodes files and directories get. A file's is in its directory's group; a directory's in its parent's while that has room, but those of
 * the root are spread over the disk, so that trees stay together and apart from each other.
 */
#include "internal.h"

static int alloc_in_group(struct ext2_txn *txn, uint32_t group, uint32_t near, bool directory, uint32_t *number)
{
	struct ext2 *fs = txn->fs;
	uint32_t first = group == 0 ? fs->first_inode - 1 : 0, end = fs->inodes_per_group, at;
	struct ext2_group descriptor;
	struct ext2_buffer *buffer;
	int error = ext2_read_group(txn, group, &descriptor);

	if (error || !descriptor.free_inodes)
		return error ? error : -ENOSPC;
	error = ext2_pin(txn, descriptor.inode_bitmap, &buffer);
	if (error)
		return error;
	at = near < end && near > first ? ext2_next_free(buffer->data, ext2_early(txn, buffer), near, end) : end;
	if (at >= end)
		at = ext2_next_free(buffer->data, ext2_early(txn, buffer), MIN(first, end), end);
	if (at >= end) {
		txn->hidden |= memcmp(buffer->data, ext2_early(txn, buffer), end / 8) != 0;
		error = -ENOSPC;
	}
	ext2_unpin(buffer);
	if (error)
		return error;
	*number = group * fs->inodes_per_group + at + 1;
	error = ext2_set_bits(txn, descriptor.inode_bitmap, at, 1);
	return error ? error : ext2_count(txn, group, 0, -1, directory);
}

/* For a directory of the root: of the groups with more free inodes and blocks than the average the one with the fewest directories. */
static int emptiest_group(struct ext2_txn *txn, uint32_t *best)
{
	uint64_t blocks = 0, inodes = 0;
	uint32_t fewest = UINT32_MAX;

	*best = 0;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < txn->fs->group_count; i++) {
			struct ext2_group group;
			int error = ext2_read_group(txn, i, &group);

			if (error)
				return error;
			if (pass == 0) {
				blocks += group.free_blocks;
				inodes += group.free_inodes;
			} else if (group.free_inodes && group.free_inodes >= inodes / txn->fs->group_count &&
				   group.free_blocks >= blocks / txn->fs->group_count && group.used_directories < fewest) {
				fewest = group.used_directories;
				*best = i;
			}
		}
	}
	return 0;
}

/* The parent's group, or the next that still has an eighth of its blocks for what the directory will hold. */
static int group_with_room(struct ext2_txn *txn, uint32_t parent, uint32_t *best)
{
	const struct ext2 *fs = txn->fs;

	*best = parent;
	for (uint32_t i = 0; i < fs->group_count; i++) {
		uint32_t number = (parent + i) % fs->group_count;
		struct ext2_group group;
		int error = ext2_read_group(txn, number, &group);

		if (error)
			return error;
		if (group.free_inodes && group.free_blocks >= ext2_group_blocks(fs, number) / 8) {
			*best = number;
			return 0;
		}
	}
	return 0;
}

int ext2_alloc_inode(struct ext2_txn *txn, uint32_t parent, bool directory, uint32_t *number)
{
	struct ext2 *fs = txn->fs;
	uint32_t home = ext2_inode_group(fs, parent), first = home;
	int error = 0;

	if (directory)
		error = parent == EXT2_ROOT ? emptiest_group(txn, &first) : group_with_room(txn, home, &first);
	for (uint32_t i = 0; !error && i < fs->group_count; i++) {
		uint32_t group = (first + i) % fs->group_count;
		uint32_t near = group == home ? (parent - 1) % fs->inodes_per_group : 0;

		error = alloc_in_group(txn, group, near, directory, number);
		if (error != -ENOSPC)
			return error;
		error = 0;
	}
	return error ? error : -ENOSPC;
}

int ext2_free_inode(struct ext2_txn *txn, uint32_t number, bool directory)
{
	struct ext2 *fs = txn->fs;
	uint32_t group = ext2_inode_group(fs, number), bit = (number - 1) % fs->inodes_per_group;
	struct ext2_group descriptor;
	uint8_t byte;
	int error = ext2_read_group(txn, group, &descriptor);

	if (!error)
		error = ext2_peek(txn, descriptor.inode_bitmap, bit / 8, &byte, 1);
	if (error)
		return error;
	if (!(byte >> bit % 8 & 1))
		return ext2_corrupt(fs, "inode %u is free already", number);
	error = ext2_clear_bits(txn, descriptor.inode_bitmap, bit, 1);
	return error ? error : ext2_count(txn, group, 0, 1, -directory);
}
