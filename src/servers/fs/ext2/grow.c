/* SPDX-License-Identifier: MIT */
/*
 * The file system becomes as large as its disk. As one group, which small images are, it takes over the size of groups that its blocks allow (few groups:
 * each costs two bitmaps in memory), and gets a larger table of inodes behind everything else; then groups are added. What is on the disk at any moment is
 * the file system before or after a step, since what the superblock does not know yet harms nobody, and the superblock is late: the table is moved when the
 * blocks behind it are the file system's, and holds what the old one does as long as the superblock tells of the old number of inodes.
 */
#include "internal.h"

enum { BYTES_PER_INODE = 16384, GROUPS_AT_ONCE = 6, TABLE_AT_ONCE = 10, LEAST_BLOCKS = 50, RUNS_MOST = 60, RESIZE_INODE = 0x10 };

static uint32_t bits_of(const struct ext2 *fs)
{
	return fs->block_size * 8;
}

/* Blocks of a group that no file has. */
static uint32_t overhead(const struct ext2 *fs, uint32_t group)
{
	return ext2_copies_end(fs, group) - ext2_group_start(fs, group) + 2 + fs->table_blocks;
}

/* How many blocks there will be. */
static uint32_t target(const struct ext2 *fs)
{
	uint64_t groups = (uint64_t)fs->descriptor_blocks * (fs->block_size / sizeof(struct ext2_group));
	uint64_t blocks = MIN(fs->io->size >> fs->block_shift, fs->first_data_block + groups * fs->blocks_per_group);
	uint32_t last, rest;

	blocks = MIN(blocks, (uint64_t)UINT32_MAX);
	last = (blocks - fs->first_data_block) / fs->blocks_per_group;
	rest = (blocks - fs->first_data_block) % fs->blocks_per_group;
	/* A last group that would hold little but itself is not made. */
	if (rest && last && last >= fs->group_count && rest < 2 * overhead(fs, last) + LEAST_BLOCKS)
		blocks -= rest;
	return MAX((uint32_t)blocks, fs->blocks_count);
}

static int write_super(struct ext2_txn *txn, struct ext2_super *super)
{
	const struct ext2 *fs = txn->fs;

	super->blocks_count = fs->blocks_count;
	super->blocks_per_group = super->fragments_per_group = fs->blocks_per_group;
	super->inodes_count = fs->inodes_count;
	super->inodes_per_group = fs->inodes_per_group;
	txn->flags |= EXT2_BOUNDARY_AFTER;
	return ext2_super_poke(txn, 0, super, offsetof(struct ext2_super, mount_time));
}

/* Bits beyond a bitmap's end, mostly set, that are within it now. */
static int clear_padding(struct ext2_txn *txn, uint32_t bitmap, uint32_t from, uint32_t end)
{
	struct ext2_buffer *buffer;
	unsigned runs = 0;
	int error = ext2_pin(txn, bitmap, &buffer);

	if (error)
		return error;
	txn->frees_early = true;
	for (uint32_t at = from, start; !error && at < end;) {
		const uint8_t *bits = buffer->data;

		while (at < end && !(bits[at / 8] >> at % 8 & 1))
			at++;
		for (start = at; at < end && bits[at / 8] >> at % 8 & 1;)
			at++;
		if (at > start)
			error = runs++ == RUNS_MOST ? -EOPNOTSUPP : ext2_clear_bits(txn, bitmap, start, at - start);
	}
	txn->frees_early = false;
	ext2_unpin(buffer);
	return error;
}

/* The last group gets what it can have. */
static int extend_last(struct ext2_txn *txn, struct ext2_super *super, uint32_t per_group)
{
	struct ext2 *fs = txn->fs;
	uint32_t last = fs->group_count - 1, old = ext2_group_blocks(fs, last), end;
	struct ext2_group group;
	int error = ext2_read_group(txn, last, &group);

	if (error)
		return error;
	if (fs->group_count == 1)
		fs->grown_from = fs->blocks_count;
	fs->blocks_per_group = per_group;
	end = MIN((uint64_t)ext2_group_start(fs, last) + per_group, (uint64_t)target(fs));
	fs->blocks_count = MAX(end, fs->blocks_count);
	error = clear_padding(txn, group.block_bitmap, old, ext2_group_blocks(fs, last));
	group.free_blocks += ext2_group_blocks(fs, last) - old;
	txn->freed_blocks += ext2_group_blocks(fs, last) - old;
	if (!error)
		error = ext2_write_group(txn, last, &group);
	if (!error)
		error = write_super(txn, super);
	return error ? error : EXT2_MORE;
}

/* ---- A larger table of inodes, while there is one group ---- */

/* Are the blocks from @first to @end free? 1, 0, or an error. */
static int is_free(struct ext2_txn *txn, const struct ext2_group *group, uint32_t first, uint32_t end)
{
	uint32_t start = ext2_group_start(txn->fs, 0);
	struct ext2_buffer *buffer;
	bool free = true;
	int error = ext2_pin(txn, group->block_bitmap, &buffer);

	if (error)
		return error;
	for (uint32_t at = first - start; at < end - start; at++)
		free &= !((buffer->data[at / 8] | ext2_early(txn, buffer)[at / 8]) >> at % 8 & 1);
	ext2_unpin(buffer);
	return free;
}

/* Are they zeroes? Those behind the old end are; others have to be looked at. 1, 0, or an error. */
static int is_zero(struct ext2_txn *txn, uint32_t first, uint32_t end)
{
	struct ext2 *fs = txn->fs;
	bool zero = true;

	if (fs->grown_from && first >= fs->grown_from)
		return 1;
	for (uint32_t block = first; zero && block < end; block++) {
		struct ext2_buffer *buffer;
		int error = ext2_pin(txn, block, &buffer);
		const uint8_t *data;

		if (error)
			return error;
		data = buffer->data;
		zero = !data[0] && memcmp(data, data + 1, fs->block_size - 1) == 0;
		ext2_unpin(buffer);
	}
	return zero;
}

/* Blocks of the old table that are not yet in the new one at @to. Returns EXT2_MORE if there were some. */
static int copy_table(struct ext2_txn *txn, uint32_t from, uint32_t to)
{
	uint32_t size = txn->fs->block_size;
	unsigned copied = 0;

	for (uint32_t i = 0; i < txn->fs->table_blocks && copied < TABLE_AT_ONCE; i++) {
		struct ext2_buffer *source, *copy;
		int error = ext2_pin(txn, from + i, &source);

		if (error)
			return error;
		error = ext2_pin(txn, to + i, &copy);
		if (!error) {
			bool same = memcmp(source->data, copy->data, size) == 0;

			ext2_unpin(copy);
			if (!same)
				error = ext2_make_fresh(txn, to + i);
			if (!same && !error)
				error = ext2_poke(txn, to + i, 0, source->data, size, EXT2_FIRST);
			copied += !same;
		}
		ext2_unpin(source);
		if (error)
			return error;
	}
	return copied ? EXT2_MORE : 0;
}

static int use_table(struct ext2_txn *txn, struct ext2_super *super, struct ext2_group *group, uint32_t to, uint32_t inodes)
{
	struct ext2 *fs = txn->fs;
	uint32_t start = ext2_group_start(fs, 0), old = group->inode_table, old_blocks = fs->table_blocks, old_inodes = fs->inodes_per_group;
	uint32_t kept = old == to ? old_blocks : 0;
	int error;

	fs->inodes_count = fs->inodes_per_group = inodes;
	fs->table_blocks = inodes / (fs->block_size / fs->inode_size);
	group->inode_table = to;
	group->free_blocks -= fs->table_blocks - old_blocks;
	txn->freed_blocks -= fs->table_blocks - old_blocks;
	group->free_inodes += inodes - old_inodes;
	error = ext2_write_group(txn, 0, group);
	if (!error)
		error = ext2_set_bits(txn, group->block_bitmap, to - start + kept, fs->table_blocks - kept);
	if (!error && !kept)
		error = ext2_clear_bits(txn, group->block_bitmap, old - start, old_blocks);
	if (!error && !kept)
		error = ext2_note(txn, EXT2_FORGET, old, old_blocks);
	if (!error)
		error = clear_padding(txn, group->inode_bitmap, old_inodes, inodes);
	if (!error)
		error = write_super(txn, super);
	return error ? error : EXT2_MORE;
}

/* 0: it stays where it is. */
static int move_table(struct ext2_txn *txn, struct ext2_super *super)
{
	struct ext2 *fs = txn->fs;
	uint32_t in_block = fs->block_size / fs->inode_size, step = MAX(in_block, 8u);
	uint64_t inodes = ((uint64_t)ext2_group_blocks(fs, 0) << fs->block_shift) / BYTES_PER_INODE;
	uint32_t end = ext2_group_start(fs, 0) + ext2_group_blocks(fs, 0), blocks, to;
	struct ext2_group group;
	int result;

	inodes = MIN((inodes + step - 1) / step * step, (uint64_t)bits_of(fs));
	blocks = inodes / in_block;
	if (inodes < 2 * (uint64_t)fs->inodes_per_group || ext2_group_blocks(fs, 0) < 4 * blocks)
		return 0;
	to = end - blocks;
	result = ext2_read_group(txn, 0, &group);
	/* After a cut it may be there already. What is copied is not looked at. */
	if (!result)
		result = is_free(txn, &group, group.inode_table == to ? to + fs->table_blocks : to, end);
	if (result > 0)
		result = is_zero(txn, to + fs->table_blocks, end);
	if (!result)
		ext2_say(fs->io, "no more inodes than %u: blocks %u to %u are in use, or were", fs->inodes_count, to, end - 1);
	if (result <= 0)
		return result;
	result = group.inode_table == to ? 0 : copy_table(txn, group.inode_table, to);
	return result ? result : use_table(txn, super, &group, to, inodes);
}

/* ---- More groups ---- */

static int add_group(struct ext2_txn *txn, uint32_t number)
{
	struct ext2 *fs = txn->fs;
	uint32_t at = ext2_copies_end(fs, number), count = ext2_group_blocks(fs, number), used = overhead(fs, number);
	struct ext2_group group = { .block_bitmap = at, .inode_bitmap = at + 1, .inode_table = at + 2, .free_blocks = count - used,
				    .free_inodes = fs->inodes_per_group };
	int error = ext2_make_fresh(txn, at);

	txn->freed_blocks += group.free_blocks;
	if (!error)
		error = ext2_set_bits(txn, at, 0, used);
	if (!error && count < bits_of(fs))
		error = ext2_set_bits(txn, at, count, bits_of(fs) - count);
	if (!error)
		error = ext2_make_fresh(txn, at + 1);
	if (!error && fs->inodes_per_group < bits_of(fs))
		error = ext2_set_bits(txn, at + 1, fs->inodes_per_group, bits_of(fs) - fs->inodes_per_group);
	return error ? error : ext2_write_group(txn, number, &group);
}

static int add_groups(struct ext2_txn *txn, struct ext2_super *super)
{
	struct ext2 *fs = txn->fs;
	uint32_t blocks = target(fs), first = fs->group_count;
	int error = 0;

	fs->group_count = (blocks - fs->first_data_block + fs->blocks_per_group - 1) / fs->blocks_per_group;
	fs->group_count = MIN(fs->group_count, first + GROUPS_AT_ONCE);
	fs->blocks_count = MIN((uint64_t)ext2_group_start(fs, fs->group_count), (uint64_t)blocks);
	fs->inodes_count = fs->group_count * fs->inodes_per_group;
	for (uint32_t i = first; !error && i < fs->group_count; i++)
		error = add_group(txn, i);
	if (!error)
		error = write_super(txn, super);
	return error ? error : EXT2_MORE;
}

static int step(struct ext2_txn *txn, struct ext2_super *super)
{
	struct ext2 *fs = txn->fs;
	bool alone = fs->group_count == 1;
	uint32_t per_group = alone ? bits_of(fs) : fs->blocks_per_group, last = fs->group_count - 1;
	uint64_t room = (uint64_t)ext2_group_start(fs, last) + per_group;
	int result;

	if (super->compat & RESIZE_INODE) {
		ext2_say(fs->io, "cannot grow: with the feature resize_inode that is not known");
		return -EOPNOTSUPP;
	}
	if (MIN(room, fs->io->size >> fs->block_shift) > fs->blocks_count)
		return extend_last(txn, super, per_group);
	result = alone ? move_table(txn, super) : 0;
	if (result)
		return result;
	if (target(fs) > fs->blocks_count)
		return add_groups(txn, super);
	if (fs->io->size >> fs->block_shift > (uint64_t)fs->blocks_count + fs->blocks_per_group)
		ext2_say(fs->io, "grows to %u blocks of %llu only: there is no room for more descriptors of groups", fs->blocks_count,
			 (unsigned long long)(fs->io->size >> fs->block_shift));
	return 0;
}

int ext2_grow(struct ext2_txn *txn)
{
	struct ext2_super super;
	int error = txn->fs->read_only ? -EROFS : ext2_reload(txn), result;

	if (!error)
		error = ext2_super_peek(txn, &super);
	if (error)
		return error;
	result = step(txn, &super);
	/* What it had begun to change is not so. */
	if (result < 0 && ext2_super_peek(txn, &super) == 0) {
		ext2_abort(txn);
		ext2_begin(txn->fs, txn->boundary);
		error = ext2_reload(txn);
	}
	return error ? error : result;
}

static int run_grow(struct ext2_txn *txn, void *arguments)
{
	(void)arguments;
	return ext2_grow(txn);
}

static int run_reload(struct ext2_txn *txn, void *arguments)
{
	(void)arguments;
	return ext2_reload(txn);
}

int ext2_grow_all(struct ext2 *fs)
{
	int result = ext2_run(fs, run_grow, NULL, NULL, 0);
	/* What was not committed is not so, either. */
	int error = result < 0 ? ext2_run(fs, run_reload, NULL, NULL, 0) : 0;

	return error ? error : result;
}
