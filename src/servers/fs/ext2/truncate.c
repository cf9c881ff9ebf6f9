/* SPDX-License-Identifier: MIT */
/*
 * Freeing what a file has. From its end, so that a transaction that gets full can stop anywhere: the file is then sound and shorter, and the next one
 * goes on.
 */
#include "internal.h"

/* Is there room to free a row of blocks? Three indirect blocks and what is left of the inode change with it; a row may be in two groups. */
static bool has_room(const struct ext2_txn *txn)
{
	return ext2_has_room(txn, 6, 3);
}

static void count_sectors(const struct ext2 *fs, struct ext2_inode *inode, uint32_t blocks)
{
	uint64_t sectors = (uint64_t)blocks * (fs->block_size / 512);

	inode->disk.sectors -= MIN(sectors, inode->disk.sectors);
}

static int free_blocks(struct ext2_txn *txn, struct ext2_inode *inode, uint32_t start, uint32_t count)
{
	count_sectors(txn->fs, inode, count);
	return ext2_free_blocks(txn, inode->number, start, count);
}

/* What lies behind one pointer, which becomes 0 when nothing is left. */
struct tree {
	uint32_t *number;
	unsigned level;		/* 0: a block of the file */
	uint64_t first, keep;	/* block of the file that it begins with; how many of the tree's stay */
};

static int free_tree(struct ext2_txn *txn, struct ext2_inode *inode, struct tree tree, uint64_t *end);

/* The last @count of the tree's pointers up to @last, blocks of the file: a row of them that lies in a row on the disk. */
static int free_row(struct ext2_txn *txn, struct ext2_inode *inode, struct tree tree, const uint32_t *pointers, uint32_t last, uint32_t *count)
{
	uint32_t number = *tree.number, top = pointers[last];
	int error;

	for (*count = 1; last - *count + 1 > tree.keep && pointers[last - *count] == top - *count && top > *count;)
		++*count;
	error = free_blocks(txn, inode, top - *count + 1, *count);
	return error ? error : ext2_poke(txn, number, (last - *count + 1) * 4, NULL, *count * 4, 0);
}

static int free_branch(struct ext2_txn *txn, struct ext2_inode *inode, struct tree tree, uint32_t at, uint32_t pointer, uint64_t reach, uint64_t *end)
{
	uint32_t before = pointer;
	struct tree branch = { .number = &pointer, .level = tree.level - 1, .first = tree.first + at * reach,
			       .keep = tree.keep > at * reach ? tree.keep - at * reach : 0 };
	int result = free_tree(txn, inode, branch, end);
	int error = pointer != before ? ext2_poke(txn, *tree.number, at * 4, &pointer, 4, 0) : 0;

	return error ? error : result;
}

static int free_pointers(struct ext2_txn *txn, struct ext2_inode *inode, struct tree tree, uint64_t *end)
{
	uint64_t reach = 1;
	struct ext2_buffer *buffer;
	int error = ext2_check_block(txn, inode->number, *tree.number);

	if (!error)
		error = ext2_pin(txn, *tree.number, &buffer);
	if (error)
		return error;
	for (unsigned i = 1; i < tree.level; i++)
		reach *= txn->fs->pointers;
	for (uint32_t i = txn->fs->pointers; !error && i > tree.keep / reach;) {
		const uint32_t *pointers = (const uint32_t *)buffer->data;
		uint32_t count = 1;

		if (!pointers[i - 1]) {
			i--;
			continue;
		}
		if (!has_room(txn)) {
			*end = tree.first + i * reach;
			error = EXT2_MORE;
		} else if (tree.level == 1) {
			error = free_row(txn, inode, tree, pointers, i - 1, &count);
		} else {
			error = free_branch(txn, inode, tree, i - 1, pointers[i - 1], reach, end);
		}
		i -= count;
	}
	ext2_unpin(buffer);
	return error;
}

static int free_tree(struct ext2_txn *txn, struct ext2_inode *inode, struct tree tree, uint64_t *end)
{
	uint32_t number = *tree.number;
	int error = tree.level ? free_pointers(txn, inode, tree, end) : 0;

	if (error || tree.keep)
		return error;
	if (!has_room(txn)) {
		*end = tree.first + !tree.level;
		return EXT2_MORE;
	}
	if (tree.level)
		ext2_discard(txn, number);
	*tree.number = 0;
	return free_blocks(txn, inode, number, 1);
}

int ext2_truncate(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t keep, uint64_t *end)
{
	uint64_t pointers = txn->fs->pointers, reach[4] = { 1, pointers, pointers * pointers, pointers * pointers * pointers };
	uint64_t first = EXT2_DIRECT + reach[1] + reach[2];
	int error;

	for (unsigned level = 3; level; first -= reach[--level]) {
		struct tree tree = { .number = &inode->disk.block[EXT2_DIRECT + level - 1], .level = level, .first = first,
				     .keep = keep > first ? keep - first : 0 };

		if (!*tree.number || tree.keep >= reach[level])
			continue;
		error = free_tree(txn, inode, tree, end);
		if (error)
			return error;
	}
	for (uint32_t i = EXT2_DIRECT; i > keep; i--) {
		struct tree tree = { .number = &inode->disk.block[i - 1], .first = i - 1 };

		error = *tree.number ? free_tree(txn, inode, tree, end) : 0;
		if (error)
			return error;
	}
	*end = keep;
	return 0;
}

int ext2_free_xattrs(struct ext2_txn *txn, struct ext2_inode *inode)
{
	struct ext2_xattr_header header;
	uint32_t block = inode->disk.file_acl;
	int error;

	if (!block)
		return 0;
	error = ext2_check_block(txn, inode->number, block);
	if (!error)
		error = ext2_peek(txn, block, 0, &header, sizeof(header));
	if (!error && (header.magic != EXT2_XATTR_MAGIC || !header.references))
		error = ext2_corrupt(txn->fs, "inode %u: block %u is not one of extended attributes", inode->number, block);
	if (error)
		return error;
	inode->disk.file_acl = 0;
	if (header.references == 1)
		return free_blocks(txn, inode, block, 1);
	/* e2fsck -p does not mend a wrong count, so inode and count are at least not written among others. */
	txn->flags |= EXT2_BOUNDARY_BEFORE | EXT2_BOUNDARY_AFTER;
	header.references--;
	count_sectors(txn->fs, inode, 1);
	return ext2_poke(txn, block, 0, &header, sizeof(header), 0);
}

int ext2_destroy(struct ext2_txn *txn, struct ext2_inode *inode)
{
	uint64_t end = 0;
	int error = ext2_has_blocks(txn->fs, inode) ? ext2_truncate(txn, inode, 0, &end) : 0;

	if (error < 0)
		return error;
	if (error == EXT2_MORE) {
		end = MIN(ext2_size(inode), end << txn->fs->block_shift);
		error = ext2_set_size(txn, inode, end);
		if (!error)
			error = ext2_store(txn, inode);
		return error ? error : EXT2_MORE;
	}
	error = ext2_free_xattrs(txn, inode);
	return error ? error : ext2_orphan_end(txn, inode);
}
