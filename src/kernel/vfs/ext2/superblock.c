/* SPDX-License-Identifier: MIT */
/*
 * Checks an ext2 image as a whole: superblock, features, geometry and group descriptors. Whatever passes cannot lead a later read
 * outside the image.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "vfs/ext2/ext2.h"

static const struct { uint32_t bit; const char *name; } incompat_names[] = {
	{ 0x1, "compression" }, { 0x4, "needs_recovery" }, { 0x8, "journal_dev" }, { 0x10, "meta_bg" }, { 0x40, "extents" },
	{ 0x80, "64bit" }, { 0x100, "mmp" }, { 0x200, "flex_bg" }, { 0x400, "ea_inode" }, { 0x1000, "dirdata" },
	{ 0x2000, "metadata_csum_seed" }, { 0x4000, "large_dir" }, { 0x8000, "inline_data" }, { 0x10000, "encrypt" }, { 0x20000, "casefold" },
};

static int refuse_features(uint32_t unknown)
{
	for (size_t i = 0; i < ARRAY_LEN(incompat_names); i++)
		if (unknown & incompat_names[i].bit) {
			log_error("ext2: the image uses the feature %s, which is not supported (make it with mke2fs -t ext2)",
				  incompat_names[i].name);
			return -EINVAL;
		}
	log_error("ext2: the image uses unknown incompatible features 0x%x", unknown);
	return -EINVAL;
}

static int check_geometry(struct ext2 *ext2, const struct ext2_superblock *super)
{
	uint32_t bits_per_block;

	if (super->log_block_size > 2) {
		log_error("ext2: block size 1024 << %u, expected 1024, 2048 or 4096", super->log_block_size);
		return -EINVAL;
	}
	ext2->block_size = 1024u << super->log_block_size;
	bits_per_block = 8 * ext2->block_size;
	if (super->first_data_block != (ext2->block_size == 1024 ? 1 : 0)) {
		log_error("ext2: first data block %u does not fit block size %u", super->first_data_block, ext2->block_size);
		return -EINVAL;
	}
	if (super->blocks_count <= super->first_data_block || super->blocks_count > ext2->image_len / ext2->block_size) {
		log_error("ext2: the superblock tells %u blocks of %u bytes, the image has %zu bytes (truncated?)", super->blocks_count,
			  ext2->block_size, ext2->image_len);
		return -EINVAL;
	}
	if (!super->blocks_per_group || super->blocks_per_group > bits_per_block || !super->inodes_per_group ||
	    super->inodes_per_group > bits_per_block) {
		log_error("ext2: %u blocks and %u inodes a group, expected 1 to %u", super->blocks_per_group, super->inodes_per_group,
			  bits_per_block);
		return -EINVAL;
	}
	ext2->inode_size = super->revision ? super->inode_size : EXT2_OLD_INODE_SIZE;
	if (ext2->inode_size < EXT2_OLD_INODE_SIZE || ext2->inode_size > ext2->block_size || (ext2->inode_size & (ext2->inode_size - 1))) {
		log_error("ext2: inode size %u, expected a power of two from 128 to the block size", ext2->inode_size);
		return -EINVAL;
	}
	return 0;
}

static void copy_geometry(struct ext2 *ext2, const struct ext2_superblock *super)
{
	uint64_t pointers = ext2->block_size / 4;

	ext2->blocks_count = super->blocks_count;
	ext2->first_data_block = super->first_data_block;
	ext2->inodes_count = super->inodes_count;
	ext2->inodes_per_group = super->inodes_per_group;
	ext2->free_blocks = MIN(super->free_blocks, super->blocks_count);
	ext2->free_inodes = MIN(super->free_inodes, super->inodes_count);
	ext2->revision = super->revision;
	ext2->has_file_types = super->revision && (super->incompat & EXT2_INCOMPAT_FILETYPE);
	ext2->group_count = (super->blocks_count - super->first_data_block - 1) / super->blocks_per_group + 1;
	ext2->max_file_size = (EXT2_DIRECT_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers) * ext2->block_size;
}

static int check_groups(struct ext2 *ext2)
{
	uint64_t table = (uint64_t)(ext2->first_data_block + 1) * ext2->block_size;
	uint64_t table_len = (uint64_t)ext2->group_count * sizeof(struct ext2_group);
	uint64_t inode_table_blocks = ((uint64_t)ext2->inodes_per_group * ext2->inode_size + ext2->block_size - 1) / ext2->block_size;

	ext2->first_usable_block = ext2->first_data_block + 1 + (table_len + ext2->block_size - 1) / ext2->block_size;
	if (ext2->first_usable_block >= ext2->blocks_count) {
		log_error("ext2: %u group descriptors do not fit into %u blocks", ext2->group_count, ext2->blocks_count);
		return -EINVAL;
	}
	if (!ext2->inodes_count || ext2->inodes_count > (uint64_t)ext2->group_count * ext2->inodes_per_group) {
		log_error("ext2: %u inodes, expected at most %u groups of %u", ext2->inodes_count, ext2->group_count, ext2->inodes_per_group);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < ext2->group_count; i++) {
		struct ext2_group group;

		memcpy(&group, ext2->image + table + i * sizeof(group), sizeof(group));
		if (group.inode_table < ext2->first_usable_block || group.inode_table + inode_table_blocks > ext2->blocks_count) {
			log_error("ext2: group %u has its inode table at block %u, expected %u to %u", i, group.inode_table,
				  ext2->first_usable_block, ext2->blocks_count - 1);
			return -EINVAL;
		}
	}
	return 0;
}

int ext2_read_superblock(struct ext2 *ext2)
{
	struct ext2_superblock super;
	int error;

	if (ext2->image_len < EXT2_SUPERBLOCK_OFFSET + EXT2_SUPERBLOCK_SIZE) {
		log_error("ext2: the image has %zu bytes, too few for a superblock (truncated?)", ext2->image_len);
		return -EINVAL;
	}
	memcpy(&super, ext2->image + EXT2_SUPERBLOCK_OFFSET, sizeof(super));
	if (super.magic != EXT2_MAGIC) {
		log_error("ext2: magic number 0x%04x, expected 0xef53: not an ext2 image", super.magic);
		return -EINVAL;
	}
	if (super.revision > 1) {
		log_error("ext2: revision %u, expected 0 or 1", super.revision);
		return -EINVAL;
	}
	if (super.revision && (super.incompat & ~EXT2_INCOMPAT_FILETYPE))
		return refuse_features(super.incompat & ~EXT2_INCOMPAT_FILETYPE);
	error = check_geometry(ext2, &super);
	if (error)
		return error;
	copy_geometry(ext2, &super);
	return check_groups(ext2);
}
