/* SPDX-License-Identifier: MIT */
/* Block groups: their descriptors, and which blocks belong to the file system itself. */
#include "internal.h"

uint32_t ext2_group_start(const struct ext2 *fs, uint32_t group)
{
	return fs->first_data_block + group * fs->blocks_per_group;
}

uint32_t ext2_group_blocks(const struct ext2 *fs, uint32_t group)
{
	return MIN(fs->blocks_per_group, fs->blocks_count - ext2_group_start(fs, group));
}

uint32_t ext2_block_group(const struct ext2 *fs, uint32_t block)
{
	return (block - fs->first_data_block) / fs->blocks_per_group;
}

uint32_t ext2_inode_group(const struct ext2 *fs, uint32_t inode)
{
	return (inode - 1) / fs->inodes_per_group;
}

int ext2_write_group(struct ext2_txn *txn, uint32_t group, const struct ext2_group *in)
{
	uint32_t offset, block = ext2_descriptor_block(txn->fs, group, &offset);

	return ext2_poke(txn, block, offset, in, sizeof(*in), 0);
}

int ext2_write_group_counts(struct ext2_txn *txn, uint32_t group, const struct ext2_group *in)
{
	uint32_t offset, block = ext2_descriptor_block(txn->fs, group, &offset);

	return ext2_poke(txn, block, offset + offsetof(struct ext2_group, free_blocks), &in->free_blocks, 3 * sizeof(in->free_blocks), 0);
}

static bool is_power_of(uint32_t number, uint32_t base)
{
	while (number > 1 && number % base == 0)
		number /= base;
	return number == 1;
}

/* Copies of the superblock are in every group, or, where they are sparse, in 0, 1 and powers of 3, 5 and 7. */
static bool has_super(const struct ext2 *fs, uint32_t group)
{
	return !fs->sparse_super || group <= 1 || is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

uint32_t ext2_copies_end(const struct ext2 *fs, uint32_t group)
{
	return ext2_group_start(fs, group) + (has_super(fs, group) ? 1 + fs->descriptor_blocks + fs->reserved_descriptors : 0);
}

uint32_t ext2_system_end(const struct ext2 *fs, uint32_t group, const struct ext2_group *descriptor, uint32_t block)
{
	if (block < ext2_copies_end(fs, group))
		return ext2_copies_end(fs, group);
	if (block == descriptor->block_bitmap || block == descriptor->inode_bitmap)
		return block + 1;
	if (block >= descriptor->inode_table && block - descriptor->inode_table < fs->table_blocks)
		return descriptor->inode_table + fs->table_blocks;
	return 0;
}

int ext2_check_block(struct ext2_txn *txn, uint32_t inode, uint32_t block)
{
	struct ext2 *fs = txn->fs;
	struct ext2_buffer *buffer = ext2_find_buffer(fs, block);
	struct ext2_group descriptor;
	int error;

	if (buffer && buffer->is_content)
		return 0;
	if (block <= fs->first_data_block || block >= fs->blocks_count)
		return ext2_corrupt(fs, "inode %u: block %u, expected %u to %u", inode, block, fs->first_data_block + 1, fs->blocks_count - 1);
	error = ext2_read_group(txn, ext2_block_group(fs, block), &descriptor);
	if (!error && ext2_system_end(fs, ext2_block_group(fs, block), &descriptor, block))
		error = ext2_corrupt(fs, "inode %u: block %u belongs to the file system itself", inode, block);
	buffer = error ? NULL : ext2_find_buffer(fs, block);
	if (buffer)
		buffer->is_content = true;
	return error;
}

static bool in_group(const struct ext2 *fs, uint32_t group, uint32_t block, uint32_t count)
{
	/* What is kept for more descriptors is a file's, and not every maker keeps out of it. */
	uint32_t start = ext2_group_start(fs, group) + (has_super(fs, group) ? 1 + fs->descriptor_blocks : 0);
	uint32_t end = ext2_group_start(fs, group) + ext2_group_blocks(fs, group);

	return block >= start && block < end && end - block >= count;
}

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

int ext2_check_groups(struct ext2_txn *txn)
{
	struct ext2 *fs = txn->fs;

	fs->free_blocks = fs->free_inodes = 0;
	for (uint32_t i = 0; i < fs->group_count; i++) {
		struct ext2_group group;
		int error = ext2_read_group(txn, i, &group);

		if (error)
			return error;
		fs->free_blocks += group.free_blocks;
		fs->free_inodes += group.free_inodes;
		if (!in_group(fs, i, group.block_bitmap, 1) || !in_group(fs, i, group.inode_bitmap, 1) ||
		    !in_group(fs, i, group.inode_table, fs->table_blocks) || group.block_bitmap == group.inode_bitmap ||
		    overlap(group.block_bitmap, 1, group.inode_table, fs->table_blocks) ||
		    overlap(group.inode_bitmap, 1, group.inode_table, fs->table_blocks)) {
			ext2_corrupt(fs, "group %u: bitmaps at %u and %u, inode table at %u, expected them apart and in the group", i,
				     group.block_bitmap, group.inode_bitmap, group.inode_table);
			return -EINVAL;
		}
	}
	return 0;
}
