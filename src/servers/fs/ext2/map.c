/* SPDX-License-Identifier: MIT */
/* From a block of a file to its block on the disk: direct pointers, then one to three levels of indirect blocks. */
#include "internal.h"

/* Where the pointer to a block is: in the inode's slot, or behind it in @depth indirect blocks at index[0..depth). */
struct path { unsigned slot, depth; uint32_t index[3]; };

static int find_path(struct ext2 *fs, const struct ext2_inode *inode, uint64_t index, struct path *path)
{
	uint64_t reach = fs->pointers;	/* of the slot, in blocks */

	path->depth = 0;
	path->slot = index;
	if (index < EXT2_DIRECT)
		return 0;
	index -= EXT2_DIRECT;
	for (path->depth = 1; path->depth <= 3 && index >= reach; path->depth++, reach *= fs->pointers)
		index -= reach;
	if (path->depth > 3)
		return ext2_corrupt(fs, "inode %u: a block beyond triple indirection", inode->number);
	path->slot = EXT2_DIRECT + path->depth - 1;
	for (unsigned i = path->depth; i-- > 0; index /= fs->pointers)
		path->index[i] = index % fs->pointers;
	return 0;
}

/* How many of @pointers are alike: a row of holes, or blocks in a row that a file may own. */
static int measure(struct ext2_txn *txn, const struct ext2_inode *inode, const uint32_t *pointers, uint32_t most, uint32_t *block, uint32_t *count)
{
	struct ext2 *fs = txn->fs;
	struct ext2_group descriptor;
	uint32_t group;
	int error;

	*block = pointers[0];
	*count = 1;
	if (!*block) {
		while (*count < most && !pointers[*count])
			++*count;
		return 0;
	}
	error = ext2_check_block(txn, inode->number, *block);
	if (error)
		return error;
	group = ext2_block_group(fs, *block);
	error = ext2_read_group(txn, group, &descriptor);
	while (!error && *count < most && pointers[*count] == *block + *count && *block + *count < fs->blocks_count &&
	       ext2_block_group(fs, *block + *count) == group && !ext2_system_end(fs, group, &descriptor, *block + *count))
		++*count;
	return error;
}

/* What is at @index and up to @most - 1 blocks after it. @block 0: holes. */
static int map_run(struct ext2_txn *txn, const struct ext2_inode *inode, uint64_t index, uint64_t most, uint32_t *block, uint32_t *count)
{
	struct ext2 *fs = txn->fs;
	struct ext2_buffer *buffer;
	struct path path;
	uint32_t number;
	int error = find_path(fs, inode, index, &path);

	if (error)
		return error;
	number = inode->disk.block[path.slot];
	if (!path.depth)
		return measure(txn, inode, &inode->disk.block[path.slot], MIN(most, EXT2_DIRECT - path.slot), block, count);
	for (unsigned i = 0; i < path.depth; i++) {
		uint32_t last = fs->pointers - path.index[path.depth - 1];	/* to the end of what one indirect block maps */

		*block = 0;
		*count = MIN(most, last);
		if (!number)
			return 0;
		error = ext2_check_block(txn, inode->number, number);
		if (!error)
			error = ext2_pin(txn, number, &buffer);
		if (error)
			return error;
		if (i == path.depth - 1)
			error = measure(txn, inode, (const uint32_t *)buffer->data + path.index[i], *count, block, count);
		else
			number = ((const uint32_t *)buffer->data)[path.index[i]];
		ext2_unpin(buffer);
		if (error)
			return error;
	}
	return 0;
}

int ext2_map_block(struct ext2_txn *txn, const struct ext2_inode *inode, uint64_t index, uint32_t *block)
{
	uint32_t count;

	if (index >= EXT2_DIRECT)
		return map_run(txn, inode, index, 1, block, &count);
	*block = inode->disk.block[index];
	return *block ? ext2_check_block(txn, inode->number, *block) : 0;
}

/* Where the block at @index would be best: right after the one before it. */
static int find_goal(struct ext2_txn *txn, const struct ext2_inode *inode, uint64_t index, uint32_t *goal, bool *follow)
{
	const struct ext2 *fs = txn->fs;
	uint32_t before = 0;
	int error = index ? ext2_map_block(txn, inode, index - 1, &before) : 0;

	*follow = before != 0;
	*goal = before ? before + 1 : ext2_group_start(fs, ext2_inode_group(fs, inode->number));
	return error;
}

static int add_indirect(struct ext2_txn *txn, struct ext2_inode *inode, uint32_t *goal, bool *follow, uint32_t *number)
{
	uint32_t count;
	int error = ext2_alloc_blocks(txn, *goal, *follow, 1, number, &count);

	if (!error)
		error = ext2_make_fresh(txn, *number);
	inode->disk.sectors += txn->fs->block_size / 512;
	*goal = *number + 1;
	*follow = true;
	return error;
}

static int fill_leaf(struct ext2_txn *txn, struct ext2_inode *inode, uint32_t parent, uint32_t at, uint32_t goal, bool follow, uint32_t want,
		     uint32_t *block, uint32_t *count)
{
	int error = ext2_alloc_blocks(txn, goal, follow, want, block, count);

	for (uint32_t i = 0; !error && i < *count; i++) {
		uint32_t number = *block + i;

		if (parent)
			error = ext2_poke(txn, parent, (at + i) * 4, &number, 4, 0);
		else
			inode->disk.block[at + i] = number;
	}
	if (!error)
		inode->disk.sectors += *count * (txn->fs->block_size / 512);
	return error;
}

int ext2_fill(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t index, uint32_t want, uint32_t *block, uint32_t *count)
{
	struct path path;
	uint32_t goal, parent = 0, number;
	bool follow;
	int error = find_path(txn->fs, inode, index, &path);

	if (!error)
		error = find_goal(txn, inode, index, &goal, &follow);
	if (error || !path.depth)
		return error ? error : fill_leaf(txn, inode, 0, path.slot, goal, follow, MIN(want, EXT2_DIRECT - path.slot), block, count);
	number = inode->disk.block[path.slot];
	for (unsigned i = 0; i < path.depth; i++) {
		if (!number) {
			error = add_indirect(txn, inode, &goal, &follow, &number);
			if (!error && parent)
				error = ext2_poke(txn, parent, path.index[i - 1] * 4, &number, 4, 0);
			else if (!error)
				inode->disk.block[path.slot] = number;
			if (error)
				return error;
		}
		parent = number;
		if (i + 1 < path.depth)
			error = ext2_peek(txn, parent, path.index[i] * 4, &number, 4);
		if (error)
			return error;
	}
	return fill_leaf(txn, inode, parent, path.index[path.depth - 1], goal, follow, MIN(want, txn->fs->pointers - path.index[path.depth - 1]),
			 block, count);
}

static bool append(struct ext2_extent *extents, unsigned *used, unsigned max, struct ext2_extent next)
{
	struct ext2_extent *last = *used ? &extents[*used - 1] : NULL;

	if (last && last->fresh == next.fresh && (next.block ? last->block && last->block + last->count == next.block : !last->block)) {
		last->count += next.count;
		return true;
	}
	if (*used == max)
		return false;
	extents[(*used)++] = next;
	return true;
}

/* Returns the number of blocks mapped from @map->first on; less than asked for with *@error when it ended early. */
static uint64_t map_some(struct ext2_txn *txn, struct ext2_inode *inode, const struct ext2_map *map, uint64_t most, struct ext2_extent *extents,
			 unsigned *used, unsigned max, int *error)
{
	uint64_t done = 0;

	*used = 0;
	*error = 0;
	while (done < most) {
		struct ext2_extent next = { .first = map->first + done };

		*error = map_run(txn, inode, next.first, most - done, &next.block, &next.count);
		if (!*error && !next.block && map->allocate) {
			/* Three indirect blocks and the one above, four bitmaps, the inode. */
			if (!ext2_has_room(txn, 9, 4) || *used == max)
				break;
			next.fresh = true;
			*error = map->privileged ? 0 : ext2_check_reserve(txn);
			if (!*error)
				*error = ext2_fill(txn, inode, next.first, next.count, &next.block, &next.count);
			if (!*error)
				*error = ext2_note(txn, EXT2_NEW_DATA, next.block, next.count);
		}
		if (*error || !append(extents, used, max, next))
			break;
		done += next.count;
	}
	return done;
}

static int finish_map(struct ext2_txn *txn, struct ext2_inode *inode, const struct ext2_map *map, uint64_t done)
{
	uint64_t size = MIN(map->size, (map->first + done) << txn->fs->block_shift);
	int error = size > ext2_size(inode) ? ext2_set_size(txn, inode, size) : 0;
	bool changed;

	if (!error)
		error = ext2_is_changed(txn, inode, &changed);
	if (error || !changed)
		return error;
	if (map->time)
		ext2_set_times(txn->fs, inode, EXT2_T_MODIFY | EXT2_T_CHANGE, map->time);
	return ext2_store(txn, inode);
}

static uint64_t blocks_to(const struct ext2 *fs, uint64_t size)
{
	return (size + fs->block_size - 1) >> fs->block_shift;
}

int ext2_map(struct ext2_txn *txn, struct ext2_map *map, struct ext2_extent *extents, unsigned max)
{
	const struct ext2 *fs = txn->fs;
	struct ext2_inode inode;
	uint64_t most = MIN(map->count, (uint64_t)UINT32_MAX / 2), done, end;
	unsigned used;
	int error;

	if (map->allocate && fs->read_only)
		return -EROFS;
	if (map->first >= fs->max_blocks || (map->allocate && map->size > fs->max_size) || !max)
		return map->first >= fs->max_blocks || max ? -EFBIG : -EINVAL;
	most = MIN(most, fs->max_blocks - map->first);
	for (;;) {
		error = ext2_load(txn, map->node, &inode);
		if (error || !S_ISREG(inode.disk.mode))
			return error ? error : -EINVAL;
		/* e2fsck does not like blocks beyond the end of a file. */
		end = blocks_to(fs, MAX(map->size, ext2_size(&inode)));
		if (map->allocate)
			most = MIN(most, end - MIN(map->first, end));
		if (!most)
			return -EINVAL;
		done = map_some(txn, &inode, map, most, extents, &used, max, &error);
		if (!error)
			break;
		if (!done)
			return error;
		/* Who asks for what comes after it is told. */
		if (!map->allocate)
			break;
		/* Again, and only as far as it went: what was begun and failed leaves nothing. */
		most = done;
		ext2_abort(txn);
		ext2_begin(txn->fs, txn->boundary);
	}
	error = map->allocate ? finish_map(txn, &inode, map, done) : 0;
	map->size_after = ext2_size(&inode);
	map->sectors_after = inode.disk.sectors;
	return error ? error : (int)used;
}
