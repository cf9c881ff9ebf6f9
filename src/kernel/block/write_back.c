/* SPDX-License-Identifier: MIT */
/*
 * Write-back: groups one after the other, each in phases with a flush after each. One thread at a time does it (cache->writing): the cache's own, or whoever
 * waits for it. It lets the lock go while the disk works; a closed group's bytes do not change.
 *
 * A block that cannot be written is tried once more alone; then the group goes on without it, the error is kept for those whose commits it has, and the
 * block goes with the next group. After a flush that failed nobody knows what is on the disk, so the group stays where it is: its phase is written again
 * when somebody syncs, or after a pause that grows.
 */
#include "block/block_internal.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "sched/clock.h"

#define PAUSE_FIRST_NS NS_PER_SEC
#define PAUSE_MAX_NS (30 * NS_PER_SEC)

/* ---- Errors ---- */

static void add_error(struct block_cache *cache, uint64_t first, uint64_t last, uint64_t concerns, int error)
{
	struct write_error *errors = cache->errors;

	if (!cache->stats.errors++)
		log_error("disk %s: writing failed (error %d); whoever syncs is told", cache->disk->name, -error);
	if (cache->error_count == ERRORS_KEPT) {
		errors[1].first = MIN(errors[0].first, errors[1].first);
		errors[1].last = MAX(errors[0].last, errors[1].last);
		errors[1].concerns |= errors[0].concerns;
		memmove(errors, errors + 1, sizeof(*errors) * --cache->error_count);
	}
	errors[cache->error_count++] = (struct write_error){ ++cache->error_sequence, first, last, concerns, error };
}

void block_error_mark_init(struct block_cache *cache, struct block_error_mark *mark)
{
	mutex_lock(&cache->lock);
	mark->heard = cache->error_sequence;
	mark->first_commit = cache->last_commit + 1;
	mark->concerns = 0;
	mutex_unlock(&cache->lock);
}

static bool are_its(const struct block_error_mark *mark, uint64_t concerns)
{
	return !mark->concerns || mark->concerns & concerns;
}

/* An error of the mark's commits up to @commit that it has not heard of, or 0. */
static int hear(struct block_cache *cache, struct block_error_mark *mark, uint64_t commit)
{
	int error = 0;

	for (unsigned i = 0; i < cache->error_count; i++) {
		const struct write_error *known = &cache->errors[i];

		if (known->sequence <= mark->heard)
			continue;
		if (known->first > commit)
			break;
		if (known->last >= mark->first_commit && are_its(mark, known->concerns))
			error = known->error;
		mark->heard = known->sequence;
	}
	return error;
}

/* ---- Writing a phase; without the lock ---- */

static void write_done(struct disk_request *disk_request)
{
	struct write_request *request = container_of(disk_request, struct write_request, request);
	struct disk *disk = request->cache->disk;

	for (unsigned i = 0; i < disk_request->segment_count; i++)
		request->entries[i]->failed = disk_request->status != 0;
	/* From here on the cache may go. */
	atomic_store(&request->busy, 0);
	wake_all(&disk->queue);
}

static struct write_request *find_idle(struct block_cache *cache)
{
	for (unsigned i = 0; i < WRITE_REQUESTS; i++)
		if (!atomic_load(&cache->requests[i].busy))
			return &cache->requests[i];
	return NULL;
}

static bool all_idle(struct block_cache *cache)
{
	for (unsigned i = 0; i < WRITE_REQUESTS; i++)
		if (atomic_load(&cache->requests[i].busy))
			return false;
	return true;
}

static struct write_request *wait_idle(struct block_cache *cache)
{
	struct write_request *request = find_idle(cache);
	struct waiter waiter;

	if (request)
		return request;
	wait_begin(&cache->disk->queue, &waiter);
	while (!(request = find_idle(cache)))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	return request;
}

static void wait_all_idle(struct block_cache *cache)
{
	struct waiter waiter;

	if (all_idle(cache))
		return;
	wait_begin(&cache->disk->queue, &waiter);
	while (!all_idle(cache))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
}

static uint64_t entry_sector(const struct block_cache *cache, const struct write_entry *entry)
{
	return cache->first_sector + entry->number * cache->block_sectors;
}

/* Adds a block to the request, which is submitted first if the block does not continue it. Returns the request to go on with. */
static struct write_request *add_block(struct block_cache *cache, struct write_request *request, struct write_entry *entry, uint8_t *bytes)
{
	struct disk_request *to = request ? &request->request : NULL;

	if (to && (to->segment_count == WRITE_SEGMENTS || to->sector + to->sector_count != entry_sector(cache, entry))) {
		disk_submit(cache->disk, to);
		to = NULL;
	}
	if (!to) {
		request = wait_idle(cache);
		to = &request->request;
		atomic_store(&request->busy, 1);
		request->cache = cache;
		*to = (struct disk_request){
			.operation = DISK_WRITE, .sector = entry_sector(cache, entry), .segments = request->segments, .done = write_done,
		};
	}
	request->segments[to->segment_count] = (struct disk_segment){ virt_to_phys(bytes), cache->block_size };
	request->entries[to->segment_count++] = entry;
	to->sector_count += cache->block_sectors;
	return request;
}

/* What is to be written of the entry in this phase, NULL: nothing. */
static uint8_t *phase_bytes(const struct block_cache *cache, const struct write_entry *entry, unsigned phase)
{
	if (cache->options.flags & BLOCK_CACHE_UNORDERED)
		return phase != PHASE_LATE ? NULL : entry->late ? entry->late : entry->early;
	if (phase == PHASE_LATE)
		return entry->late;
	return !(entry->marks & MARK_FIRST) == (phase != PHASE_FIRST) ? entry->early : NULL;
}

static bool phase_has_work(const struct block_cache *cache, const struct write_group *group, unsigned phase)
{
	const struct write_entry *entry;

	if (phase == PHASE_FIRST && !list_empty(&group->extents))
		return true;
	list_for_each(entry, &group->entries, link)
		if (phase_bytes(cache, entry, phase))
			return true;
	return false;
}

static void retry_failed(struct block_cache *cache, struct write_group *group, unsigned phase)
{
	struct write_entry *entry;

	list_for_each(entry, &group->entries, link) {
		uint8_t *bytes = phase_bytes(cache, entry, phase);
		int error;

		if (!bytes || !entry->failed)
			continue;
		error = disk_transfer(cache->disk, DISK_WRITE, entry_sector(cache, entry), cache->block_sectors, bytes);
		entry->failed = error != 0;
		if (!error)
			continue;
		mutex_lock(&cache->lock);
		add_error(cache, entry->first_commit, entry->last_commit, entry->concerns, error);
		mutex_unlock(&cache->lock);
	}
}

static void write_data(struct block_cache *cache, struct write_group *group)
{
	const struct block_cache_ops *ops = cache->options.ops;
	struct data_extent *extent;

	if (ops && ops->write_data)
		list_for_each(extent, &group->extents, link)
			ops->write_data(cache->options.context, extent->block, extent->count, group->sequence);
}

static int wait_data(struct block_cache *cache)
{
	const struct block_cache_ops *ops = cache->options.ops;

	return ops && ops->wait_data ? ops->wait_data(cache->options.context) : 0;
}

static void write_phase(struct block_cache *cache, struct write_group *group, unsigned phase)
{
	bool has_data = phase == PHASE_FIRST && !list_empty(&group->extents);
	struct write_request *request = NULL;
	struct write_entry *entry;
	uint64_t written = 0;
	int error = 0;

	if (has_data)
		write_data(cache, group);
	list_for_each(entry, &group->entries, link) {
		uint8_t *bytes = phase_bytes(cache, entry, phase);

		if (!bytes)
			continue;
		request = add_block(cache, request, entry, bytes);
		written++;
	}
	if (request)
		disk_submit(cache->disk, &request->request);
	wait_all_idle(cache);
	retry_failed(cache, group, phase);
	if (has_data)
		error = wait_data(cache);
	mutex_lock(&cache->lock);
	cache->stats.blocks_written += written;
	if (error)
		add_error(cache, group->first_commit, group->last_commit, UINT64_MAX, error);
	mutex_unlock(&cache->lock);
}

static int flush(struct block_cache *cache)
{
	uint64_t number;
	int error;

	mutex_lock(&cache->lock);
	number = ++cache->flush_started;
	cache->stats.flushes++;
	mutex_unlock(&cache->lock);
	error = disk_flush(cache->disk);
	mutex_lock(&cache->lock);
	if (!error && cache->flush_done < number)
		cache->flush_done = number;
	mutex_unlock(&cache->lock);
	return error;
}

/* Goes on with the group where it stands. 0 when it is on the disk as far as it can be, or the error of a flush. */
static int write_group(struct block_cache *cache, struct write_group *group)
{
	for (; group->phase < PHASE_COUNT; group->phase++) {
		int error;

		if (!phase_has_work(cache, group, group->phase))
			continue;
		write_phase(cache, group, group->phase);
		if (cache->options.flags & BLOCK_CACHE_UNORDERED && group->phase != PHASE_LATE)
			continue;
		error = flush(cache);
		if (error)
			return error;
	}
	return 0;
}

/* ---- Who writes; with the lock ---- */

static void hold(struct block_cache *cache, int error)
{
	cache->held = true;
	cache->retry_pause = cache->retry_pause ? MIN(2 * cache->retry_pause, PAUSE_MAX_NS) : PAUSE_FIRST_NS;
	cache->retry_at = clock_monotonic_ns() + cache->retry_pause;
	if (!cache->stats.errors++)
		log_error("disk %s: flushing failed (error %d); it is tried again", cache->disk->name, -error);
}

/* Writes all closed groups, unless somebody does already or a flush has failed. */
static void run(struct block_cache *cache)
{
	if (cache->writing)
		return;
	cache->writing = true;
	while (!list_empty(&cache->groups) && !cache->held) {
		struct write_group *group = list_first(&cache->groups, struct write_group, link);
		int error;

		mutex_unlock(&cache->lock);
		error = write_group(cache, group);
		mutex_lock(&cache->lock);
		if (error) {
			hold(cache, error);
		} else {
			cache->retry_pause = 0;
			write_group_discard(cache, group);
			write_group_finish(cache, group);
		}
		wake_all(&cache->queue);
	}
	cache->writing = false;
	wake_all(&cache->queue);
}

int write_back_throttle(struct block_cache *cache)
{
	while (cache->dirty > cache->options.max_blocks / 2) {
		unsigned before = cache->dirty;

		if (cache->writing) {
			block_cache_wait(cache);
			continue;
		}
		write_group_close(cache);
		run(cache);
		if (cache->dirty >= before && !cache->writing)
			return -EIO;
	}
	return 0;
}

static bool open_is_large(const struct block_cache *cache)
{
	return cache->open->entry_count + cache->open->extent_count >= cache->options.max_blocks / 8;
}

void write_back_note(struct block_cache *cache)
{
	uint64_t when = UINT64_MAX;

	if (cache->open)
		when = open_is_large(cache) ? 0 : cache->open->opened_at + cache->options.age_ns;
	if (!list_empty(&cache->groups) && !cache->held)
		when = 0;
	if (when < cache->thread_wake) {
		cache->thread_wake = when;
		block_cache_wake_thread(cache);
	}
}

uint64_t write_back_poll(struct block_cache *cache, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	mutex_lock(&cache->lock);
	if (cache->open && (now - cache->open->opened_at >= cache->options.age_ns || open_is_large(cache)))
		write_group_close(cache);
	if (cache->held && now >= cache->retry_at)
		cache->held = false;
	run(cache);
	if (cache->open)
		next = open_is_large(cache) ? now : cache->open->opened_at + cache->options.age_ns;
	if (cache->held)
		next = MIN(next, cache->retry_at);
	cache->thread_wake = next;
	mutex_unlock(&cache->lock);
	return next;
}

/* ---- Syncing; with the lock ---- */

/* Until the first @count groups ever closed are written. A group that is held gets one more try from us. 0 or -EIO. */
static int wait_finished(struct block_cache *cache, uint64_t count)
{
	bool tried = false;

	while (cache->groups_finished < count) {
		if (cache->writing) {
			block_cache_wait(cache);
			continue;
		}
		if (cache->held && tried)
			return -EIO;
		cache->held = false;
		tried = true;
		run(cache);
	}
	return 0;
}

/* Has a block that did not get to the disk to do with the mark's commits up to @last? */
static bool failed_concerns(const struct block_cache *cache, const struct block_error_mark *mark, uint64_t last)
{
	const struct write_entry *entry;

	list_for_each(entry, &cache->failed, link)
		if (entry->first_commit <= last && entry->last_commit >= mark->first_commit && are_its(mark, entry->concerns))
			return true;
	return false;
}

/* How many groups have to be written until all commits up to @commit are. Closes the open one if need be. */
static uint64_t groups_needed(struct block_cache *cache, const struct block_error_mark *mark, uint64_t commit)
{
	const struct write_group *group;
	uint64_t needed = 0;

	if (failed_concerns(cache, mark, commit))
		write_group_close_for_sync(cache);
	else if (cache->open && cache->open->first_commit <= commit)
		write_group_close(cache);
	list_for_each(group, &cache->groups, link)
		if (group->first_commit <= commit)
			needed = group->sequence;
	return needed;
}

static int sync_locked(struct block_cache *cache, struct block_error_mark *mark, uint64_t commit)
{
	uint64_t flushed_by = cache->flush_started + 1;
	int error = wait_finished(cache, groups_needed(cache, mark, commit)), heard;

	/* What was written before we came is safe after a flush that began since. */
	if (!error && cache->flush_done < flushed_by) {
		mutex_unlock(&cache->lock);
		error = flush(cache);
		mutex_lock(&cache->lock);
	}
	heard = hear(cache, mark, commit);
	if (!error)
		error = heard;
	if (!error && failed_concerns(cache, mark, commit))
		error = -EIO;
	if (!error && mark->first_commit <= commit)
		mark->first_commit = commit + 1;
	return error;
}

int block_sync_until(struct block_cache *cache, struct block_error_mark *mark, uint64_t commit)
{
	int error;

	mutex_lock(&cache->lock);
	error = sync_locked(cache, mark, MIN(commit, cache->last_commit));
	mutex_unlock(&cache->lock);
	return error;
}

int block_sync(struct block_cache *cache, struct block_error_mark *mark)
{
	const struct block_cache_ops *ops = cache->options.ops;
	int page_error = ops && ops->write_pages ? ops->write_pages(cache->options.context) : 0, error;

	mutex_lock(&cache->lock);
	error = sync_locked(cache, mark, cache->last_commit);
	mutex_unlock(&cache->lock);
	return error ? error : page_error;
}
