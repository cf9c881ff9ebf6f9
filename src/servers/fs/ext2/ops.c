/* SPDX-License-Identifier: MIT */
/* What is asked of single inodes: lookup, attributes, targets of symlinks. */
#include "internal.h"

int ext2_lookup(struct ext2_txn *txn, struct ext2_node node, struct ext2_name name, struct ext2_attr *out)
{
	struct ext2_inode dir, inode;
	struct ext2_place place;
	int error = ext2_check_name(name);

	if (!error)
		error = ext2_load_directory(txn, node, &dir);
	if (!error)
		error = ext2_find(txn, &dir, name, &place);
	if (!error)
		error = ext2_load(txn, (struct ext2_node){ place.entry.inode, 0 }, &inode);
	if (!error && (!inode.disk.links || inode.number == EXT2_ROOT || inode.number == dir.number))
		error = ext2_corrupt(txn->fs, "directory inode %u names inode %u, which has %u links", dir.number, inode.number, inode.disk.links);
	if (!error)
		ext2_attr(txn->fs, &inode, out);
	return error;
}

int ext2_getattr(struct ext2_txn *txn, struct ext2_node node, struct ext2_attr *out)
{
	struct ext2_inode inode;
	int error = ext2_load(txn, node, &inode);

	if (!error)
		ext2_attr(txn->fs, &inode, out);
	return error;
}

static int resize(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t size)
{
	const struct ext2 *fs = txn->fs;
	uint64_t old = ext2_size(inode), end;
	int result;

	if (!S_ISREG(inode->disk.mode))
		return S_ISDIR(inode->disk.mode) ? -EISDIR : -EINVAL;
	if (size > fs->max_size)
		return -EFBIG;
	result = ext2_truncate(txn, inode, (size + fs->block_size - 1) >> fs->block_shift, &end);
	if (result < 0)
		return result;
	if (result == EXT2_MORE && old > size)
		size = MAX(size, MIN(old, end << fs->block_shift));
	if (result == EXT2_MORE && old <= size)
		size = old;
	end = ext2_set_size(txn, inode, size);
	return (int)end ? (int)end : result;
}

int ext2_setattr(struct ext2_txn *txn, struct ext2_node node, unsigned mask, const struct ext2_attr *in, struct ext2_attr *out)
{
	const struct ext2 *fs = txn->fs;
	struct ext2_inode inode;
	int result = fs->read_only ? -EROFS : ext2_load(txn, node, &inode), error;

	if (!result)
		result = ext2_may_change(&inode);
	if (!result && mask & EXT2_SIZE)
		result = resize(txn, &inode, in->size);
	if (result < 0)
		return result;
	if (mask & EXT2_MODE)
		inode.disk.mode = (inode.disk.mode & S_IFMT) | (in->mode & ~S_IFMT & 0xffff);
	if (mask & (EXT2_UID | EXT2_GID)) {
		ext2_attr(fs, &inode, out);
		ext2_set_owner(&inode, mask & EXT2_UID ? in->uid : out->uid, mask & EXT2_GID ? in->gid : out->gid);
	}
	if (mask & EXT2_ATIME)
		ext2_set_times(fs, &inode, EXT2_T_ACCESS, in->atime);
	if (mask & EXT2_MTIME)
		ext2_set_times(fs, &inode, EXT2_T_MODIFY, in->mtime);
	if (mask & EXT2_CTIME)
		ext2_set_times(fs, &inode, EXT2_T_CHANGE, in->ctime);
	error = ext2_store(txn, &inode);
	ext2_attr(fs, &inode, out);
	return error ? error : result;
}

int ext2_readlink(struct ext2_txn *txn, struct ext2_node node, char *target, size_t size)
{
	struct ext2_inode inode;
	uint32_t block, len;
	int error = ext2_load(txn, node, &inode);

	if (error)
		return error;
	if (!S_ISLNK(inode.disk.mode))
		return -EINVAL;
	len = MIN(ext2_size(&inode), size);
	if (!ext2_has_blocks(txn->fs, &inode)) {
		memcpy(target, inode.disk.block, len);
	} else {
		error = ext2_map_block(txn, &inode, 0, &block);
		if (!error && !block)
			error = ext2_corrupt(txn->fs, "symlink inode %u has no block", inode.number);
		if (!error)
			error = ext2_peek(txn, block, 0, target, len);
	}
	if (!error && (!len || memchr(target, 0, len)))
		error = ext2_corrupt(txn->fs, "symlink inode %u: its target is empty or has a NUL", inode.number);
	return error ? error : (int)len;
}
