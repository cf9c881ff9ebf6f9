/* SPDX-License-Identifier: MIT */
/*
 * Commits: checked (commit_check.c), then all they need reserved, then the request answered, then applied. Only the first three can fail, and they change
 * nothing but that a group may have ended. cache->lock is held from the check to the end, so nobody sees a commit that is answered and not yet there, or half
 * of one.
 */
#include "block/block_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/oom.h"
#include "sched/clock.h"

static bool counts_are_possible(const struct block_commit *commit)
{
	return commit->base_count <= BLOCK_COMMIT_BASES && commit->change_count <= BLOCK_COMMIT_CHANGES && !(commit->flags & ~BLOCK_COMMIT_FLAGS) &&
	       (commit->flags & BLOCK_FINAL || !commit->answer_len) && !(commit->group && commit->flags & BLOCK_BOUNDARY_BEFORE);
}

static uint32_t open_group_number(const struct block_cache *cache)
{
	return cache->groups_closed + 1;
}

/* Must the open group end before this? */
static bool needs_new_group(const struct block_cache *cache, const struct block_commit *commit)
{
	const struct commit_state *state = &cache->commit;

	if (commit->flags & BLOCK_BOUNDARY_BEFORE)
		return true;
	if (!(state->all_marks & MARK_SETTLED))
		return false;
	for (unsigned i = 0; i < commit->base_count; i++) {
		const struct block *block = state->bases[i].block;

		if (state->bases[i].marks & MARK_SETTLED && block && block->open && block->open->marks & MARK_FRESH)
			return true;
	}
	return false;
}

/* The open group ends, if it must. 0 or -ESTALE. */
static int choose_group(struct block_cache *cache, const struct block_commit *commit)
{
	bool needs_new = needs_new_group(cache, commit);

	if (commit->group && (commit->group != open_group_number(cache) || needs_new))
		return -ESTALE;
	if (needs_new && cache->open) {
		write_group_close(cache);
		write_back_note(cache);
		cache->commit.needs_more = true;
	}
	return 0;
}

/* ---- Reserving ---- */

static int reserve_block(struct block_cache *cache, const struct block_commit *commit, unsigned base)
{
	struct base_state *state = &cache->commit.bases[base];
	struct block_spare *spare = &cache->commit.spares[base];
	uint64_t number = commit->bases[base].block;
	struct block *block = state->block;

	cache->commit.has_reserved = true;
	if (!block) {
		block = state->block = block_make(cache, number);
		if (!block)
			return -ENOMEM;
	}
	if (!block->data || block->shared) {
		spare->copy = kmalloc(cache->block_size);
		if (!spare->copy)
			return -ENOMEM;
	}
	if (state->marks & MARK_LATE && !block->early) {
		spare->early = kmalloc(cache->block_size);
		if (!spare->early)
			return -ENOMEM;
	}
	if (block->open)
		return 0;
	spare->entry = kzalloc(sizeof(*spare->entry));
	if (!spare->entry)
		return -ENOMEM;
	return disk_prepare(cache->disk, cache->first_sector + number * cache->block_sectors, cache->block_sectors, false);
}

static RARE int reserve_blocks(struct block_cache *cache, const struct block_commit *commit)
{
	int error = 0;

	for (unsigned i = 0; i < commit->base_count && !error; i++)
		if (cache->commit.bases[i].marks)
			error = reserve_block(cache, commit, i);
	return error;
}

/* Each range may cut an extent in two, and is one more: new data, or freed. */
static RARE int reserve_extents(struct block_cache *cache, const struct block_commit *commit)
{
	unsigned count = 0;

	for (unsigned i = cache->commit.first_range; i < commit->change_count; i++) {
		const struct block_change *change = &commit->changes[i];
		bool is_new = change->kind == BLOCK_NEW_DATA;
		int error = is_new ? disk_prepare(cache->disk, cache->first_sector + change->block * cache->block_sectors,
						  (uint64_t)change->len * cache->block_sectors, false) : 0;

		if (error)
			return error;
		count += block_is_range(change) ? 2 : 0;
	}
	while (count--) {
		struct data_extent *extent = kzalloc(sizeof(*extent));

		if (!extent)
			return -ENOMEM;
		list_push_back(&cache->spare_extents, &extent->link);
	}
	return 0;
}

static int reserve(struct block_cache *cache, const struct block_commit *commit)
{
	int error = 0;

	if (unlikely(!cache->open)) {
		cache->spare_group = write_group_make(cache);
		if (!cache->spare_group)
			return -ENOMEM;
	}
	/* Most blocks that change have changed before in the open group. */
	if (unlikely(cache->commit.needs_more))
		error = reserve_blocks(cache, commit);
	if (unlikely(cache->commit.first_range < commit->change_count) && !error)
		error = reserve_extents(cache, commit);
	return error;
}

/* Gives back what was not used for blocks, and lets those be dropped again that are clean. */
static RARE void release_bases(struct block_cache *cache, const struct block_commit *commit)
{
	struct commit_state *state = &cache->commit;

	for (unsigned i = 0; i < commit->base_count; i++) {
		struct block_spare *spare = &state->spares[i];
		struct base_state *base = &state->bases[i];

		kfree(spare->copy);
		kfree(spare->early);
		kfree(spare->entry);
		*spare = (struct block_spare){ 0 };
		if (base->block && base->block->data)
			block_touch(cache, base->block);
		else if (base->block)
			block_free(cache, base->block);
	}
	state->has_reserved = false;
}

static RARE void release_rest(struct block_cache *cache)
{
	struct data_extent *extent, *next;

	list_for_each_safe(extent, next, &cache->spare_extents, link) {
		list_remove(&extent->link);
		kfree(extent);
	}
	kfree(cache->spare_group);
	cache->spare_group = NULL;
}

/* ---- Applying; nothing can fail ---- */

static void open_group(struct block_cache *cache)
{
	cache->open = cache->spare_group;
	cache->spare_group = NULL;
	cache->dirty++;
	cache->open->opened_at = clock_monotonic_ns();
}

/* The block's part in the open group. */
static RARE void begin_entry(struct block_cache *cache, struct block *block, struct write_entry *entry)
{
	list_remove(&block->clean_link);
	entry->block = block;
	entry->number = block->number;
	entry->first_commit = cache->last_commit;
	entry->concerns = 0;
	list_init(&entry->block_link);
	list_push_back(&cache->open->entries, &entry->link);
	cache->open->entry_count++;
	cache->dirty++;
	block->open = entry;
	if (block->retry) {
		/* Who waits for these commits waits for this group. */
		entry->first_commit = block->retry->first_commit;
		entry->concerns = block->retry->concerns;
		cache->open->first_commit = MIN(cache->open->first_commit, entry->first_commit);
		write_entry_drop(cache, block->retry);
	}
}

/* The block is about to change: it gets what was reserved for it, bytes that are its own, an early image. What those of a fresh block are, it says later. */
static RARE void use_reserved(struct block_cache *cache, unsigned base)
{
	struct block_spare *spare = &cache->commit.spares[base];
	struct block *block = cache->commit.bases[base].block;

	if (spare->copy) {
		if (block->data)
			memcpy(spare->copy, block->data, cache->block_size);
		block->data = spare->copy;
		block->shared = NULL;
	}
	/* The changes that are not late are made to both. */
	if (spare->early) {
		memcpy(spare->early, block->data, cache->block_size);
		block->early = spare->early;
	}
	if (spare->entry)
		begin_entry(cache, block, spare->entry);
	*spare = (struct block_spare){ 0 };
}

/* Those that change are in the open group, and have other generations. */
static void begin_blocks(struct block_cache *cache, const struct block_commit *commit)
{
	uint64_t generation = block_next_generations(commit->base_count), last_commit = cache->last_commit, concerns = commit->concerns ?: UINT64_MAX;
	const struct base_state *state = cache->commit.bases;
	uint64_t *generations = commit->generations;

	for (size_t i = 0, count = commit->base_count; i < count; i++) {
		struct block *block = state[i].block;
		unsigned marks = state[i].marks;

		if (likely(marks)) {
			struct write_entry *entry;

			if (unlikely(cache->commit.has_reserved))
				use_reserved(cache, i);
			entry = block->open;
			entry->last_commit = last_commit;
			entry->concerns |= concerns;
			entry->marks |= marks;
			block->generation = generation + i;
		} else {
			block_touch(cache, block);
		}
		if (generations)
			generations[i] = block->generation;
	}
}

static RARE void change_bits(uint8_t *bytes, uint32_t first, uint32_t count, bool set)
{
	for (uint32_t bit = first; bit < first + count; bit++) {
		if (!(bit % 8) && first + count - bit >= 8) {
			bytes[bit / 8] = set ? 0xff : 0;
			bit += 7;
		} else if (set) {
			bytes[bit / 8] |= 1 << bit % 8;
		} else {
			bytes[bit / 8] &= ~(1 << bit % 8);
		}
	}
}

static void change_bytes(const struct block_cache *cache, const struct block_change *change, uint8_t *bytes)
{
	if (change->kind == BLOCK_COPY)
		memcpy(bytes + change->offset, change->data, change->len);
	else if (change->kind == BLOCK_FRESH)
		memset(bytes, 0, cache->block_size);
	else if (change->len == 1 && change->kind == BLOCK_SET_BITS)
		bytes[change->offset / 8] |= 1 << change->offset % 8;
	else if (change->len == 1)
		bytes[change->offset / 8] &= ~(1 << change->offset % 8);
	else
		change_bits(bytes, change->offset, change->len, change->kind == BLOCK_SET_BITS);
}

static void change_blocks(struct block_cache *cache, const struct block_commit *commit)
{
	const uint8_t *base = cache->commit.change_base;
	const struct block_change *change = commit->changes, *end = change + commit->change_count;

	for (; change < end; change++, base++) {
		const struct block *block = cache->commit.bases[*base].block;

		if (unlikely(block_is_range(change)))
			continue;
		if (likely(change->kind == BLOCK_COPY))
			memcpy(block->data + change->offset, change->data, change->len);
		else
			change_bytes(cache, change, block->data);
		if (unlikely(block->early) && !(change->flags & BLOCK_LATE))
			change_bytes(cache, change, block->early);
	}
}

/* Blocks that were freed, or became a file's: nothing of them is metadata any more. */
static RARE void apply_range(struct block_cache *cache, const struct block_change *change)
{
	uint64_t index = change->block, end = change->block + change->len;
	struct block *block;

	for (; index < end && (block = page_tree_next(&cache->blocks, &index)) && index < end; index++)
		block_forget(cache, block);
	if (change->kind == BLOCK_NEW_DATA) {
		write_group_add_data(cache, change->block, change->len);
	} else {
		write_group_remove_data(cache, change->block, change->len);
		write_group_add_freed(cache, change->block, change->len);
	}
}

/* Blocks that the commit frees have no generation afterwards. */
static RARE void apply_ranges(struct block_cache *cache, const struct block_commit *commit)
{
	for (unsigned i = cache->commit.first_range; i < commit->change_count; i++) {
		const struct block_change *change = &commit->changes[i];

		if (!block_is_range(change))
			continue;
		apply_range(cache, change);
		for (unsigned base = 0; commit->generations && base < commit->base_count; base++)
			if (block_in_range(change, commit->bases[base].block))
				commit->generations[base] = 0;
	}
	release_rest(cache);
}

static void apply(struct block_cache *cache, const struct block_commit *commit)
{
	bool changes_group = cache->commit.has_reserved || !cache->open || cache->commit.first_range < commit->change_count ||
			     commit->flags & BLOCK_BOUNDARY_AFTER;

	if (commit->change_count) {
		if (unlikely(!cache->open))
			open_group(cache);
		cache->open->last_commit = ++cache->last_commit;
	}
	begin_blocks(cache, commit);
	if (!commit->change_count)
		return;
	change_blocks(cache, commit);
	if (likely(!changes_group))
		return;
	/* What the same commit changed before it freed it goes with the ranges. */
	release_bases(cache, commit);
	apply_ranges(cache, commit);
	if (commit->flags & BLOCK_BOUNDARY_AFTER)
		write_group_close(cache);
	write_back_note(cache);
}

uint32_t block_open_group(struct block_cache *cache)
{
	uint32_t number;

	mutex_lock(&cache->lock);
	number = open_group_number(cache);
	mutex_unlock(&cache->lock);
	return number;
}

/* *@short_of_memory: it failed for that, before anybody was asked. */
static int commit_locked(struct block_cache *cache, const struct block_commit *commit, bool *short_of_memory)
{
	int error = block_check_commit(cache, commit);

	if (!error)
		error = choose_group(cache, commit);
	if (!error && commit->change_count) {
		error = reserve(cache, commit);
		/* Else reclaiming would only take the bases away, for -ESTALE without end. */
		*short_of_memory = error && !(error == -ENOSPC && disk_memory_is_full());
	}
	if (!error && commit->answer_request)
		error = commit->answer_request(commit->context, commit);
	if (!error)
		apply(cache, commit);
	return error;
}

/* As many frames as it may need: new data may be much. What it says is not checked yet. */
static RARE size_t frames_wanted(const struct block_cache *cache, const struct block_commit *commit)
{
	uint64_t blocks = 0;

	for (unsigned i = 0; i < commit->change_count; i++)
		if (commit->changes[i].kind == BLOCK_NEW_DATA)
			blocks += MIN((uint64_t)commit->changes[i].len, cache->block_count);
	return 2 * BLOCK_COMMIT_BASES + MIN(blocks, cache->block_count) * cache->block_size / PAGE_SIZE;
}

/* A commit has not happened. */
static RARE void take_back(struct block_cache *cache, const struct block_commit *commit, int error)
{
	if (cache->commit.has_reserved)
		release_bases(cache, commit);
	release_rest(cache);
	if (error == -ESTALE)
		cache->stats.stale++;
	else
		cache->stats.refused++;
}

int block_commit(struct block_cache *cache, const struct block_commit *commit, uint64_t *number)
{
	enum { TRIES = 3 };
	unsigned tries = 0;
	bool short_of_memory;
	int error;

	if (!counts_are_possible(commit))
		return -EINVAL;
	do {
		short_of_memory = false;
		mutex_lock(&cache->lock);
		error = write_back_throttle(cache);
		if (!error)
			error = commit_locked(cache, commit, &short_of_memory);
		if (likely(!error))
			cache->stats.commits++;
		else
			take_back(cache, commit, error);
		*number = cache->last_commit;
		if (commit->open_group)
			*commit->open_group = open_group_number(cache);
		mutex_unlock(&cache->lock);
	} while (unlikely(error) && short_of_memory && ++tries < TRIES && memory_reclaim(frames_wanted(cache, commit)));
	return error;
}
