/* SPDX-License-Identifier: MIT */
/*
 * Inodes without names that somebody has open: a list from the superblock on, each one's dtime names the next. It grows and shrinks at its end only: so
 * whatever part of a change reaches the disk, no inode has the small dtime of a list that it is not on, which e2fsck -p would not mend (README.md).
 * One that ends in the middle stays as an empty inode until it is the last.
 */
#include "internal.h"

/* Walks until the orphan whose next one is @next (0: the last). *number = 0 if the list is empty or begins with @next. */
static int walk(struct ext2_txn *txn, uint32_t next, struct ext2_inode *orphan)
{
	struct ext2_super super;
	uint32_t number, steps = 0;
	int error = ext2_super_peek(txn, &super);

	orphan->number = 0;
	if (error)
		return error;
	for (number = super.last_orphan; number != next; number = orphan->disk.dtime) {
		if (!number || steps++ > txn->fs->inodes_count)
			return ext2_corrupt(txn->fs, "the list of orphans has a loop, or misses inode %u", next);
		error = ext2_load_raw(txn, number, orphan);
		if (error)
			return error;
		if (orphan->disk.links)
			return ext2_corrupt(txn->fs, "inode %u has %u links and is on the list of orphans", number, orphan->disk.links);
	}
	return 0;
}

/* The one before @number points to @next from now on. */
static int point(struct ext2_txn *txn, struct ext2_inode *before, uint32_t next)
{
	if (!before->number)
		return ext2_super_poke(txn, offsetof(struct ext2_super, last_orphan), &next, sizeof(next));
	before->disk.dtime = next;
	return ext2_store(txn, before);
}

int ext2_orphan_add(struct ext2_txn *txn, struct ext2_inode *inode)
{
	struct ext2_inode tail;
	int error = walk(txn, 0, &tail);

	if (error)
		return error;
	if (tail.number == inode->number)
		return ext2_corrupt(txn->fs, "inode %u is an orphan already", inode->number);
	/* That the tail is on the list, and what is in this inode's place, must be on the disk before the tail's dtime is anything but 0. */
	if (tail.number)
		txn->flags |= EXT2_BOUNDARY_BEFORE;
	inode->disk.dtime = 0;
	error = ext2_store(txn, inode);
	return error ? error : point(txn, &tail, inode->number);
}

int ext2_orphan_last(struct ext2_txn *txn, struct ext2_inode *last)
{
	int error = walk(txn, 0, last);

	return error ? error : last->number != 0;
}

/* The last one of the list ends. That it is the last must be on the disk first; the superblock, which is late, is no such concern. */
static int pop(struct ext2_txn *txn, struct ext2_inode *inode)
{
	bool directory = S_ISDIR(inode->disk.mode);
	struct ext2_inode before;
	int error = walk(txn, inode->number, &before);

	if (before.number)
		txn->flags |= EXT2_BOUNDARY_BEFORE;
	if (!error)
		error = point(txn, &before, 0);
	if (!error)
		error = ext2_wipe(txn, inode);
	if (!error)
		error = ext2_free_inode(txn, inode->number, directory);
	return error;
}

int ext2_orphan_end(struct ext2_txn *txn, struct ext2_inode *inode)
{
	uint32_t next = inode->disk.dtime, number = inode->number;
	bool directory = S_ISDIR(inode->disk.mode);
	struct ext2_inode last;
	int error;

	if (next) {
		error = ext2_wipe(txn, inode);
		inode->disk.dtime = next;
		if (!error)
			error = ext2_store(txn, inode);
		return error || !directory ? error : ext2_count(txn, ext2_inode_group(txn->fs, number), 0, 0, -1);
	}
	error = pop(txn, inode);
	if (!error)
		error = walk(txn, 0, &last);
	return error ? error : last.number && !last.disk.mode ? EXT2_MORE : 0;
}
