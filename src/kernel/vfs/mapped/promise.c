/* SPDX-License-Identifier: MIT */
/*
 * Blocks that are promised: room for what is written, without asking the server for places, which write-back does. A promise is kept in the map, and counted
 * against the blocks that are free by the last commit, together with what places for it may need beside. So a place lacks nothing when it is
 * asked for. When little is free, all promises are kept first, and then places are asked for at once, so that ENOSPC comes from the call that writes.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "process/process.h"

/* Blocks that are not promised: what names and attributes need. With less than half of them left those who change names have promises kept first. */
enum { MARGIN = 256 };
/* Up to there every file system can have bytes; beyond it is asked at once, and may say EFBIG. */
#define PROMISED_END ((uint64_t)INT32_MAX)
/* What was asked for beyond the end of a file. */
enum { ASK_BEYOND = 4096 };

/*
 * The blocks that places for @count blocks from @first on may need beside. File systems with blocks of 32-bit pointers need the most: one for each so many,
 * and two above each. @begins: the block before is not promised.
 */
static uint64_t beside(const struct mapped_fs *mapped, uint64_t first, uint64_t count, bool begins)
{
	enum { DIRECT = 12, LEVELS = 3 };
	unsigned shift = mapped->block_shift - 2;
	uint64_t last = first + count - 1, leaf = (1u << shift) - DIRECT;

	if (last < DIRECT)
		return 0;
	if (begins)
		return MIN(count, (count >> shift) + 2) * LEVELS;
	return (((last + leaf) >> shift) - ((first - 1 + leaf) >> shift)) * LEVELS;
}

static bool reserve(struct mapped_fs *mapped, uint64_t blocks)
{
	uint64_t free = atomic_load(&served_of(mapped->fs)->free_blocks);
	int64_t promised = atomic_add(&mapped->promised, blocks);

	/*
	 * Until the first commit it is not known. Whoever asks at once has said so before looking for promises. A disk in memory takes as many pages
	 * again as are dirty now.
	 */
	if (likely(free != UINT64_MAX && (uint64_t)promised + MARGIN <= free && !atomic_load(&mapped->at_once) &&
		   !disk_memory_is_full_with(2 * ((uint64_t)promised << mapped->block_shift >> PAGE_SHIFT))))
		return true;
	atomic_sub(&mapped->promised, blocks);
	return false;
}

void mapped_promise_ended(struct mapped_file *file, uint64_t count)
{
	struct mapped_fs *mapped = file->mapped;
	uint64_t beside;

	if (!count)
		return;
	file->promised -= count;
	/* No block needs more than three beside it. */
	beside = MIN(file->beside, 3 * file->promised);
	atomic_sub(&mapped->promised, count + file->beside - beside);
	file->beside = beside;
	atomic_sub(&file->vnode->promised_blocks, count << (mapped->block_shift - 9));
	if (!file->promised)
		mapped_note_promises(file, false);
}

/* Promises @count blocks of a hole. file->lock held. -ENOSPC, -ENOMEM. */
static int promise_hole(struct mapped_file *file, uint64_t first, uint64_t count)
{
	struct mapped_fs *mapped = file->mapped;
	const struct extent *before = NULL;
	uint64_t more, run;
	int error;

	/* First, so that who keeps all promises sees it, or is seen. */
	if (!file->promised)
		mapped_note_promises(file, true);
	else if (first)
		before = extent_map_find(&file->map, first - 1, &run);
	more = beside(mapped, first, count, !before || before->block != EXTENT_PROMISED);
	error = reserve(mapped, count + more) ? 0 : -ENOSPC;
	if (!error && extent_map_insert(&file->map, first, count, EXTENT_PROMISED)) {
		atomic_sub(&mapped->promised, count + more);
		error = -ENOMEM;
	}
	if (unlikely(error)) {
		if (!file->promised)
			mapped_note_promises(file, false);
		return error;
	}
	file->promised += count;
	file->beside += more;
	atomic_add(&file->vnode->promised_blocks, count << (mapped->block_shift - 9));
	return 0;
}

static bool has_no_blocks(struct vnode *vnode)
{
	bool result;

	spin_lock(&vnode->attr_lock);
	result = !vnode->attr.blocks && !vnode->attr_stale;
	spin_unlock(&vnode->attr_lock);
	return result;
}

/* Promises blocks from *@first to before @end, and sets *@first to where it ended. file->lock held. -ENODATA: it is not known whether they have places. */
static int promise_known(struct mapped_file *file, uint64_t *first, uint64_t end)
{
	int error = 0;

	while (*first < end && !error) {
		uint64_t count;
		const struct extent *extent = extent_map_find(&file->map, *first, &count);

		if (!extent && !has_no_blocks(file->vnode))
			return -ENODATA;
		if (!extent) {
			error = extent_map_insert(&file->map, *first, MIN(count, EXTENT_END_MAX - *first), 0);
			continue;
		}
		count = MIN(count, end - *first);
		if (!extent->block)
			error = promise_hole(file, *first, count);
		if (!error)
			*first += count;
	}
	return error;
}

int mapped_promise(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t write_end)
{
	enum { TRIES = 4 };
	unsigned tries = 0;
	int error;

	for (;;) {
		mutex_lock(&file->lock);
		if (write_end)
			file->write_end = write_end;
		error = end << file->mapped->block_shift > PROMISED_END ? -ENOSPC : promise_known(file, &first, end);
		mutex_unlock(&file->lock);
		if (likely(error != -ENODATA))
			return error;
		/* The server may be wrong, or somebody truncate all the time. */
		error = ++tries > TRIES ? -EIO : mapped_ask_about(file, first, MAX(end - first, (uint64_t)ASK_BEYOND));
		if (error)
			return error;
	}
}

/* ---- Keeping promises ---- */

int mapped_keep_promises(struct mapped_file *file, uint64_t first, uint64_t end, bool being_written)
{
	int error = 0;

	while (!error && first < end) {
		const struct extent *extent;
		uint64_t stop = 0, size;

		mutex_lock(&file->lock);
		extent = file->promised ? extent_map_promised(&file->map, first) : NULL;
		if (extent) {
			first = MAX(first, (uint64_t)extent->first);
			stop = MIN(end, (uint64_t)extent->first + extent->count);
			size = being_written ? mapped_limit_locked(file) : atomic_load(&file->vnode->object.size);
			stop = MIN(stop, mapped_blocks(file->mapped, size));
		}
		mutex_unlock(&file->lock);
		if (first >= stop)
			break;
		error = mapped_allocate(file, first, stop, being_written ? UINT64_MAX : 0);
		/* Truncated meanwhile. */
		if (error == -ENXIO)
			error = 0;
		first = stop;
	}
	return error;
}

int mapped_keep_all_promises(struct mapped_fs *mapped)
{
	unsigned left = mapped_count_promising(mapped);
	struct mapped_file *file;
	int error = 0;

	while (left-- && error != -EINTR && (file = mapped_next_promising(mapped))) {
		int failed = mapped_keep_promises(file, 0, UINT64_MAX, true);

		error = failed ? failed : error;
		vnode_put(file->vnode);
		if (signal_fatal_pending())
			error = -EINTR;
	}
	return error;
}

int mapped_allocate_at_once(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t size)
{
	struct mapped_fs *mapped = file->mapped;
	int error = 0;

	atomic_add(&mapped->at_once, 1);
	if (atomic_load(&mapped->promised))
		error = mapped_keep_all_promises(mapped);
	if (error != -EINTR)
		error = mapped_allocate(file, first, end, size);
	atomic_sub(&mapped->at_once, 1);
	return error;
}

uint64_t mapped_promised(struct mapped_fs *mapped)
{
	return atomic_load_relaxed(&mapped->promised);
}

void mapped_make_room(struct mapped_fs *mapped)
{
	uint64_t promised = mapped_promised(mapped);

	if (unlikely(promised && promised + MARGIN / 2 > atomic_load(&served_of(mapped->fs)->free_blocks)))
		mapped_keep_all_promises(mapped);
}
