/* SPDX-License-Identifier: MIT */
/* From a block of a file to its bytes in the image: direct pointers, then one to three levels of indirect blocks. */
#include "lib/errno.h"
#include "lib/string.h"
#include "vfs/ext2/ext2.h"

/* *data = the bytes of block @number; NULL for 0, which is a hole. @parent is the block that names it, 0 for the inode. */
static int block_data(struct ext2 *ext2, const struct ext2_inode *inode, uint32_t number, uint32_t parent, const uint8_t **data)
{
	*data = NULL;
	if (!number)
		return 0;
	if (number < ext2->first_usable_block || number >= ext2->blocks_count)
		return ext2_corrupt(ext2, "inode %u: block number %u, expected %u to %u", inode->number, number, ext2->first_usable_block,
				    ext2->blocks_count - 1);
	if (number == parent)
		return ext2_corrupt(ext2, "inode %u: indirect block %u contains itself", inode->number, number);
	*data = ext2->image + (uint64_t)number * ext2->block_size;
	return 0;
}

int ext2_map_block(struct ext2 *ext2, const struct ext2_inode *inode, uint64_t index, const uint8_t **data)
{
	unsigned pointers = ext2->block_size / 4;
	uint64_t reach = pointers;	/* blocks that the current slot of the inode covers */
	unsigned level = 1;
	uint32_t number, parent = 0;

	*data = NULL;
	if (index < EXT2_DIRECT_BLOCKS)
		return block_data(ext2, inode, inode->disk.block[index], 0, data);
	index -= EXT2_DIRECT_BLOCKS;
	for (; level <= 3 && index >= reach; level++, reach *= pointers)
		index -= reach;
	if (level > 3)
		return ext2_corrupt(ext2, "inode %u: a block beyond triple indirection", inode->number);
	number = inode->disk.block[EXT2_DIRECT_BLOCKS + level - 1];
	for (; level; level--) {
		int error = block_data(ext2, inode, number, parent, data);

		if (error || !*data)
			return error;
		reach /= pointers;
		parent = number;
		memcpy(&number, *data + index / reach * 4, 4);
		index %= reach;
	}
	return block_data(ext2, inode, number, parent, data);
}
