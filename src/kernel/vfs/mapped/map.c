/* SPDX-License-Identifier: MIT */
/* Where blocks are: the life of maps, what is known, asking the server, and waiting for truncations. */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/credentials.h"

enum { ASK_EXTENTS = 64, ASK_BLOCKS = 4096 /* what an answer tells beyond the blocks that are wanted */, EXTENTS_KEPT = 4096 };

/* ---- Life ---- */

struct mapped_fs *mapped_fs_create(struct fs *fs, struct disk *disk, unsigned block_size)
{
	struct mapped_fs *mapped = kzalloc(sizeof(*mapped));

	if (!mapped)
		return NULL;
	mapped->zeroes = frame_alloc(FRAME_ZERO | FRAME_KERNEL);
	if (!mapped->zeroes) {
		kfree(mapped);
		return NULL;
	}
	mapped->fs = fs;
	mapped->disk = disk;
	mapped->block_shift = __builtin_ctz(block_size);
	mapped->sector_shift = mapped->block_shift - __builtin_ctz(disk->sector_size);
	mutex_init(&mapped->new_lock, LOCK_MAPPED_NEW);
	wait_queue_init(&mapped->queue);
	wait_queue_init(&mapped->thread_queue);
	list_init(&mapped->dirty);
	list_init(&mapped->promising);
	list_init(&mapped->mount_link);
	return mapped;
}

int mapped_fs_start(struct mapped_fs *mapped, struct block_cache *cache)
{
	mapped->cache = cache;
	return mapped_start_thread(mapped);
}

void mapped_fs_stop(struct mapped_fs *mapped)
{
	mapped_stop_thread(mapped);
}

void mapped_fs_destroy(struct mapped_fs *mapped)
{
	KASSERT(list_empty(&mapped->dirty));
	new_data_prune(&mapped->new_data, UINT64_MAX);
	frame_put(mapped->zeroes);
	kfree(mapped);
}

static struct slab_cache *files;

void mapped_init(void)
{
	files = slab_cache_create("mapped_file", sizeof(struct mapped_file), 8);
}

struct mapped_file *mapped_file_of(struct vnode *vnode)
{
	struct mapped_file *file = atomic_load(&vnode->map), *expected = NULL;

	if (file)
		return file;
	file = slab_zalloc(files);
	if (!file)
		return NULL;
	file->vnode = vnode;
	file->mapped = mapped_of(vnode);
	mutex_init(&file->write_back_lock, LOCK_MAPPED_WRITE_BACK);
	mutex_init(&file->lock, LOCK_MAPPED_FILE);
	file->barrier = NO_BARRIER;
	list_init(&file->askers);
	list_init(&file->new_runs);
	list_init(&file->dirty_link);
	list_init(&file->promising_link);
	if (atomic_compare_exchange(&vnode->map, &expected, file))
		return file;
	slab_free(files, file);
	return expected;
}

static void mapped_free(struct vnode *vnode)
{
	struct mapped_file *file = vnode->map;
	struct mapped_fs *mapped = file->mapped;

	mapped_promise_ended(file, file->promised);
	mapped_forget_dirty(file);
	mutex_lock(&mapped->new_lock);
	new_data_leave(&mapped->new_data, &file->new_runs, mapped->writing_group);
	mutex_unlock(&mapped->new_lock);
	extent_map_free(&file->map);
	slab_free(files, file);
}

const struct file_data_ops mapped_data_ops = {
	.begin_write = mapped_begin_write,
	.end_write = mapped_end_write,
	.seek = mapped_seek,
	.truncate = mapped_truncate,
	.opened = mapped_opened,
	.fsync = mapped_fsync,
	.direct_read = mapped_direct_read,
	.direct_write = mapped_direct_write,
	.free = mapped_free,
};

/* ---- What is known ---- */

/* Are these blocks of the disk in place, or new? Cuts place->count to where that changes. */
static void look_at_group(struct mapped_fs *mapped, struct place *place)
{
	const struct new_run *run;

	place->kind = PLACE_DISK;
	mutex_lock(&mapped->new_lock);
	run = new_data_find(&mapped->new_data, place->block);
	if (run && run->block > place->block) {
		place->count = MIN(place->count, run->block - place->block);
	} else if (run) {
		place->count = MIN(place->count, run->block + run->count - place->block);
		if (run->group > mapped->writing_group)
			place->kind = PLACE_NEW;
		else if (run->group > mapped->written_group)
			place->kind = PLACE_NOW;
	}
	mutex_unlock(&mapped->new_lock);
}

struct place mapped_find(struct mapped_file *file, uint64_t first, uint64_t most)
{
	struct place place = { .kind = PLACE_UNKNOWN };
	const struct extent *extent;

	mutex_lock(&file->lock);
	extent = extent_map_find(&file->map, first, &place.count);
	place.count = MIN(place.count, most);
	if (extent && !extent->block) {
		place.kind = PLACE_HOLE;
	} else if (extent && extent->block == EXTENT_PROMISED) {
		place.kind = PLACE_PROMISED;
	} else if (extent) {
		place.block = extent->block + (first - extent->first);
		look_at_group(file->mapped, &place);
	}
	mutex_unlock(&file->lock);
	return place;
}

void mapped_change(struct mapped_file *file, uint64_t page)
{
	file->changed[++file->sequence % MAPPED_CHANGES] = page;
}

uint64_t mapped_changed_since(const struct mapped_file *file, uint64_t sequence)
{
	uint64_t first = UINT64_MAX;

	if (file->sequence - sequence > MAPPED_CHANGES)
		return 0;
	while (sequence < file->sequence)
		first = MIN(first, file->changed[++sequence % MAPPED_CHANGES]);
	return first;
}

void mapped_cut(struct mapped_file *file, uint64_t first, bool freed)
{
	struct mapped_fs *mapped = file->mapped;

	mutex_lock(&file->lock);
	mapped_change(file, first >> (PAGE_SHIFT - mapped->block_shift));
	if (freed) {
		mutex_lock(&mapped->new_lock);
		new_data_cut(&mapped->new_data, &file->new_runs, first);
		mutex_unlock(&mapped->new_lock);
		mapped_promise_ended(file, extent_map_count_promised(&file->map, first));
		extent_map_cut(&file->map, first);
	}
	extent_map_forget(&file->map, first);
	mutex_unlock(&file->lock);
}

/* ---- Asking ---- */

/* Keeps a run of blocks. What of it is new data must be known before a place is. file->lock held. */
static int learn_run(struct mapped_file *file, uint64_t first, uint64_t block, uint64_t count)
{
	struct mapped_fs *mapped = file->mapped;
	uint64_t run;
	int error = 0;

	for (; count && !error; first += run, block += run, count -= run) {
		uint64_t group = block_data_run(mapped->cache, block, count, &run);

		if (group) {
			mutex_lock(&mapped->new_lock);
			error = new_data_add(&mapped->new_data, &file->new_runs, file, first, block, run, group);
			mutex_unlock(&mapped->new_lock);
		}
		if (!error)
			error = extent_map_insert(&file->map, first, run, block);
	}
	return error;
}

/*
 * What is known already may be newer than an answer: blocks have been allocated meanwhile. What was allocated is the newest. file->lock held.
 */
static int learn_extent(struct mapped_file *file, const struct served_extent *extent, uint64_t limit, bool allocated)
{
	uint64_t first = extent->first, end = MIN(first + extent->count, limit), run;
	int error = 0;

	for (; first < end && !error; first += run) {
		const struct extent *known = extent_map_find(&file->map, first, &run);
		bool promised = known && known->block == EXTENT_PROMISED;

		run = MIN(run, end - first);
		if (known && !(allocated && (extent->block || !promised)))
			continue;
		error = extent->block ? learn_run(file, first, extent->block + (first - extent->first), run) : extent_map_insert(&file->map, first, run, 0);
		if (!error && promised)
			mapped_promise_ended(file, run);
	}
	return error;
}

/* What the server said after file->sequence was @sequence. 1: nothing of it may be believed. file->lock held. */
static int learn(struct mapped_file *file, const struct served_extent *extents, unsigned count, bool allocated, uint64_t sequence)
{
	unsigned shift = PAGE_SHIFT - file->mapped->block_shift;
	uint64_t limit = MIN(mapped_changed_since(file, sequence), UINT64_MAX >> shift) << shift;
	int error = limit > extents[0].first ? 0 : 1;

	for (unsigned i = 0; i < count && !error; i++)
		error = extents[i].first + extents[i].count > EXTENT_END_MAX ? -EFBIG : learn_extent(file, &extents[i], limit, allocated);
	return error;
}

static void note_blocks(struct vnode *vnode, uint64_t blocks)
{
	spin_lock(&vnode->attr_lock);
	vnode->attr.blocks = blocks;
	vnode->status_holds = false;
	spin_unlock(&vnode->attr_lock);
}

/* 0; 1: nothing was learned, as the file was truncated meanwhile or the map is forgotten, look again; or a negative errno. */
static int ask(struct mapped_file *file, const struct served_map_request *request)
{
	struct vnode *vnode = file->vnode;
	struct served_extent *extents = kmalloc_array(ASK_EXTENTS, sizeof(*extents));
	struct served_map_result result;
	uint64_t sequence;
	int error;

	if (!extents)
		return -ENOMEM;
	mutex_lock(&file->lock);
	sequence = file->sequence;
	mutex_unlock(&file->lock);
	error = served_map(vnode->fs, vnode->node, request, extents, ASK_EXTENTS, &result);
	if (error > 0) {
		mutex_lock(&file->lock);
		/*
		 * A file in many pieces must not take the kernel's memory, but promises stay. Without the map an older answer cannot be told from a newer
		 * one: none counts.
		 */
		if (file->map.used > EXTENTS_KEPT && !file->promised) {
			extent_map_free(&file->map);
			mapped_change(file, 0);
		}
		error = learn(file, extents, error, request->allocate, sequence);
		mutex_unlock(&file->lock);
		/* After that, as st_blocks is made of these and of those that are promised. */
		if (request->allocate)
			note_blocks(vnode, result.blocks);
	}
	kfree(extents);
	return error;
}

int mapped_ask_about(struct mapped_file *file, uint64_t first, uint64_t count)
{
	struct served_map_request request = { .first = first, .count = count };

	return MIN(ask(file, &request), 0);
}

int mapped_ask(struct mapped_file *file, uint64_t first, uint64_t count)
{
	uint64_t size = atomic_load(&file->vnode->object.size), end = mapped_blocks(file->mapped, size);

	/* More than what is wanted just now, so that reading on asks for nothing. */
	count = MAX(count, (uint64_t)1);
	return mapped_ask_about(file, first, end > first ? MIN(end - first, MAX(count, (uint64_t)ASK_BLOCKS)) : count);
}

int mapped_begin_asking(struct mapped_file *file, struct mapped_asker *asker, uint64_t page)
{
	uint64_t sequence;

	for (;;) {
		int error = mapped_wait_barrier(file, page + 1, &sequence);

		if (error)
			return error;
		mutex_lock(&file->lock);
		if (page < file->barrier)
			break;
		mutex_unlock(&file->lock);
	}
	asker->page = page;
	list_push_back(&file->askers, &asker->link);
	mutex_unlock(&file->lock);
	return 0;
}

void mapped_end_asking(struct mapped_file *file, struct mapped_asker *asker)
{
	bool wake;

	mutex_lock(&file->lock);
	list_remove(&asker->link);
	wake = asker->page >= file->barrier;
	mutex_unlock(&file->lock);
	if (wake)
		wake_all(&file->mapped->queue);
}

uint64_t mapped_limit(struct mapped_file *file)
{
	uint64_t limit;

	mutex_lock(&file->lock);
	limit = mapped_limit_locked(file);
	mutex_unlock(&file->lock);
	return limit;
}

/* @promised: to somebody who had the right to it. */
static int allocate_run(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t size, bool promised)
{
	struct mapped_fs *mapped = file->mapped;
	struct served_map_request request = {
		.first = first, .count = end - first, .allocate = true, .privileged = promised || credentials_is_root(credentials_current()),
	};
	struct mapped_asker asker;
	int error = mapped_begin_asking(file, &asker, (end - 1) >> (PAGE_SHIFT - mapped->block_shift));

	if (error)
		return error;
	/* Only now it is sure that the file does not become shorter. */
	request.size = MIN(size == UINT64_MAX ? mapped_limit(file) : size ? size : atomic_load(&file->vnode->object.size), end << mapped->block_shift);
	error = request.size > first << mapped->block_shift ? ask(file, &request) : -ENXIO;
	mapped_end_asking(file, &asker);
	return error;
}

int mapped_allocate(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t size)
{
	enum { TRIES = 4 };
	unsigned tries = 0;

	while (first < end) {
		struct place place = mapped_find(file, first, end - first);
		int error;

		if (place.kind > PLACE_PROMISED) {
			first += place.count;
			tries = 0;
			continue;
		}
		/* The server may be wrong. */
		if (tries > TRIES)
			return -EIO;
		error = allocate_run(file, first, first + place.count, size, place.kind == PLACE_PROMISED);
		if (error < 0)
			return error;
		tries += !error;
	}
	return 0;
}

/* ---- Waiting ---- */

int mapped_wait_barrier(struct mapped_file *file, uint64_t end, uint64_t *sequence)
{
	struct waiter waiter;
	int error = 0;

	mutex_lock(&file->lock);
	if (unlikely(end > file->barrier)) {
		wait_begin(&file->mapped->queue, &waiter);
		while (end > file->barrier && !error) {
			mutex_unlock(&file->lock);
			error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
			mutex_lock(&file->lock);
		}
		wait_end(&waiter);
	}
	*sequence = file->sequence;
	mutex_unlock(&file->lock);
	return error ? -EINTR : 0;
}

/* *@group: the one that is being written now, if it was 0. */
static bool group_is_written(struct mapped_fs *mapped, uint64_t *group)
{
	bool result;

	mutex_lock(&mapped->new_lock);
	*group = *group ? *group : mapped->writing_group;
	result = mapped->written_group >= *group;
	mutex_unlock(&mapped->new_lock);
	return result;
}

int mapped_wait_group(struct mapped_fs *mapped)
{
	struct waiter waiter;
	uint64_t group = 0;
	int error = 0;

	wait_begin(&mapped->queue, &waiter);
	while (!group_is_written(mapped, &group) && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	return error ? -EINTR : 0;
}
