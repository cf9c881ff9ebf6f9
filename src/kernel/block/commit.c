/* SPDX-License-Identifier: MIT */
/*
 * Commits: checked, then all they need reserved, then the request answered, then applied. Only the first three can fail, and they change nothing but that a
 * group may have ended. cache->lock is held from the check to the end, so nobody sees a commit that is answered and not yet there, or half of one.
 */
#include "block/block_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/oom.h"
#include "sched/clock.h"

static bool is_range(const struct block_change *change)
{
	return change->kind == BLOCK_FORGET || change->kind == BLOCK_NEW_DATA;
}

static bool in_range(const struct block_change *range, uint64_t block)
{
	return block >= range->block && block - range->block < range->len;
}

/* ---- Checking; nothing here is trusted ---- */

static bool counts_are_possible(const struct block_commit *commit)
{
	return commit->base_count <= BLOCK_COMMIT_BASES && commit->change_count <= BLOCK_COMMIT_CHANGES && !(commit->flags & ~BLOCK_COMMIT_FLAGS) &&
	       (commit->flags & BLOCK_FINAL || !commit->answer_len) && !(commit->group && commit->flags & BLOCK_BOUNDARY_BEFORE);
}

static bool bases_are_possible(const struct block_cache *cache, const struct block_commit *commit)
{
	for (unsigned i = 0; i < commit->base_count; i++) {
		if (commit->bases[i].block >= cache->block_count)
			return false;
		for (unsigned j = 0; j < i; j++)
			if (commit->bases[j].block == commit->bases[i].block)
				return false;
	}
	return true;
}

/* Does @offset to @offset + @len lie within @size? */
static bool fits(uint32_t offset, uint32_t len, uint32_t size)
{
	return len && len <= size && offset <= size - len;
}

static bool fields_are_possible(const struct block_cache *cache, const struct block_change *change, const struct block_plan *plan)
{
	switch (change->kind) {
	case BLOCK_COPY:
		return change->data && fits(change->offset, change->len, cache->block_size);
	case BLOCK_SET_BITS: case BLOCK_CLEAR_BITS:
		return fits(change->offset, change->len, cache->block_size * 8);
	default:
		return !plan->changed && !(change->flags & BLOCK_LATE);
	}
}

/* The base of a block, BLOCK_COMMIT_BASES if there is none; often it is the one of the change before, @hint. */
static unsigned find_base(const struct block_commit *commit, uint64_t block, unsigned hint)
{
	if (hint < commit->base_count && commit->bases[hint].block == block)
		return hint;
	for (unsigned i = 0; i < commit->base_count; i++)
		if (commit->bases[i].block == block)
			return i;
	return BLOCK_COMMIT_BASES;
}

/* Notes the plan of change @index. Ranges come from @first_range on. */
static bool change_is_possible(struct block_cache *cache, const struct block_commit *commit, unsigned index, unsigned first_range, unsigned hint)
{
	const struct block_change *change = &commit->changes[index];
	struct block_plan *plan;
	unsigned base;

	if (change->kind >= BLOCK_CHANGE_KINDS || change->flags & ~BLOCK_CHANGE_FLAGS || change->block >= cache->block_count)
		return false;
	if (is_range(change))
		return !change->flags && change->len && change->len <= cache->block_count - change->block;
	base = find_base(commit, change->block, hint);
	if (base == BLOCK_COMMIT_BASES)
		return false;
	for (unsigned i = first_range; i < index; i++) {
		const struct block_change *before = &commit->changes[i];

		if (is_range(before) && in_range(before, change->block))
			return false;
	}
	plan = &cache->plans[base];
	cache->change_plan[index] = base;
	if (!fields_are_possible(cache, change, plan))
		return false;
	plan->changed = true;
	plan->fresh |= change->kind == BLOCK_FRESH;
	plan->late |= (change->flags & BLOCK_LATE) != 0;
	return true;
}

static int check(struct block_cache *cache, const struct block_commit *commit)
{
	uint64_t bytes = 0;

	memset(cache->plans, 0, sizeof(cache->plans[0]) * commit->base_count);
	if (!bases_are_possible(cache, commit))
		return -EINVAL;
	cache->first_range = commit->change_count;
	for (unsigned i = 0, hint = 0; i < commit->change_count; i++) {
		if (!change_is_possible(cache, commit, i, cache->first_range, hint))
			return -EINVAL;
		if (is_range(&commit->changes[i]))
			cache->first_range = MIN(cache->first_range, i);
		else
			hint = cache->change_plan[i];
		if (commit->changes[i].kind == BLOCK_COPY)
			bytes += commit->changes[i].len;
	}
	return bytes <= BLOCK_COMMIT_BYTES ? 0 : -EINVAL;
}

/* Finds the bases, and takes them from the list of those that may be dropped. */
static int find_bases(struct block_cache *cache, const struct block_commit *commit)
{
	for (unsigned i = 0; i < commit->base_count; i++) {
		const struct block_base *base = &commit->bases[i];
		struct block *block = page_tree_get(&cache->blocks, base->block);

		if (block ? !base->generation || base->generation != block->generation : base->generation || !cache->plans[i].fresh)
			return -ESTALE;
		cache->plans[i].block = block;
		if (block)
			list_remove(&block->clean_link);
	}
	return 0;
}

/* Must the open group end before this? */
static bool needs_new_group(const struct block_cache *cache, const struct block_commit *commit)
{
	if (commit->flags & BLOCK_BOUNDARY_BEFORE)
		return true;
	for (unsigned i = 0; i < commit->change_count; i++) {
		const struct block *block;

		if (!(commit->changes[i].flags & BLOCK_SETTLED))
			continue;
		block = cache->plans[cache->change_plan[i]].block;
		if (block && block->open && block->open->fresh)
			return true;
	}
	return false;
}

/* ---- Reserving ---- */

static int reserve_block(struct block_cache *cache, uint64_t number, struct block_plan *plan)
{
	struct block *block;

	if (!plan->block) {
		plan->block = block_make(cache, number);
		if (!plan->block)
			return -ENOMEM;
		plan->made = true;
	}
	block = plan->block;
	if (plan->made || block->shared) {
		plan->copy = kmalloc(cache->block_size);
		if (!plan->copy)
			return -ENOMEM;
	}
	if (plan->late && !block->early) {
		plan->early = kmalloc(cache->block_size);
		if (!plan->early)
			return -ENOMEM;
	}
	if (block->open)
		return 0;
	plan->entry = kzalloc(sizeof(*plan->entry));
	if (!plan->entry)
		return -ENOMEM;
	return disk_prepare(cache->disk, cache->first_sector + number * cache->block_sectors, cache->block_sectors);
}

/* Each range removed or added may cut an extent in two, and an added one is one more. */
static int reserve_extents(struct block_cache *cache, const struct block_commit *commit)
{
	unsigned count = 0;

	for (unsigned i = cache->first_range; i < commit->change_count; i++) {
		const struct block_change *change = &commit->changes[i];
		bool is_new = change->kind == BLOCK_NEW_DATA;
		int error = is_new ? disk_prepare(cache->disk, cache->first_sector + change->block * cache->block_sectors,
						  (uint64_t)change->len * cache->block_sectors) : 0;

		if (error)
			return error;
		count += is_new ? 2 : change->kind == BLOCK_FORGET;
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

	cache->spare_group = cache->open ? NULL : write_group_make(cache);
	if (!cache->open && !cache->spare_group)
		return -ENOMEM;
	for (unsigned i = 0; i < commit->base_count && !error; i++)
		if (cache->plans[i].changed)
			error = reserve_block(cache, commit->bases[i].block, &cache->plans[i]);
	return error ? error : reserve_extents(cache, commit);
}

/* Gives back what was not used for blocks; the plans are over. */
static void release_plans(struct block_cache *cache, const struct block_commit *commit)
{
	for (unsigned i = 0; i < commit->base_count; i++) {
		struct block_plan *plan = &cache->plans[i];

		if (plan->copy || plan->early || plan->entry) {
			kfree(plan->copy);
			kfree(plan->early);
			kfree(plan->entry);
		}
		if (plan->made)
			block_free(cache, plan->block);
		else if (plan->block)
			block_touch(cache, plan->block);
	}
}

static void release_rest(struct block_cache *cache)
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
	if (!cache->open) {
		cache->open = cache->spare_group;
		cache->spare_group = NULL;
		cache->dirty++;
		cache->open->opened_at = clock_monotonic_ns();
	}
	cache->open->last_commit = ++cache->last_commit;
}

/* The block is about to change: it gets bytes that are its own, and a part in the open group. */
static void begin_block(struct block_cache *cache, struct block_plan *plan)
{
	struct block *block = plan->block;
	struct write_entry *entry = plan->entry;

	if (plan->copy) {
		if (!plan->made)
			memcpy(plan->copy, block->data, cache->block_size);
		block->data = plan->copy;
		block->shared = NULL;
		plan->copy = NULL;
	}
	plan->made = false;
	if (entry) {
		entry->block = block;
		entry->number = block->number;
		entry->first_commit = cache->last_commit;
		list_init(&entry->block_link);
		list_push_back(&cache->open->entries, &entry->link);
		cache->open->entry_count++;
		cache->dirty++;
		block->open = entry;
		plan->entry = NULL;
		if (block->retry) {
			/* Who waits for these commits waits for this group. */
			entry->first_commit = block->retry->first_commit;
			cache->open->first_commit = MIN(cache->open->first_commit, entry->first_commit);
			write_entry_drop(cache, block->retry);
		}
	}
	block->open->last_commit = cache->last_commit;
}

static void change_bits(uint8_t *bytes, uint32_t first, uint32_t count, bool set)
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
	else
		change_bits(bytes, change->offset, change->len, change->kind == BLOCK_SET_BITS);
}

static void apply_change(struct block_cache *cache, const struct block_change *change, struct block_plan *plan)
{
	struct block *block = plan->block;
	struct write_entry *entry = block->open;
	bool late = change->flags & BLOCK_LATE, fresh = change->kind == BLOCK_FRESH;

	if (late && !block->early) {
		memcpy(plan->early, block->data, cache->block_size);
		block->early = plan->early;
		plan->early = NULL;
	}
	change_bytes(cache, change, block->data);
	if (!late && block->early)
		change_bytes(cache, change, block->early);
	entry->has_late |= late;
	entry->has_early |= !late;
	entry->fresh |= fresh;
	entry->first |= fresh || change->flags & BLOCK_FIRST;
}

/* Blocks that were freed, or became a file's: nothing of them is metadata any more. */
static void apply_range(struct block_cache *cache, const struct block_change *change)
{
	uint64_t index = change->block, end = change->block + change->len;
	struct block *block;

	for (; index < end && (block = page_tree_next(&cache->blocks, &index)) && index < end; index++)
		block_forget(cache, block);
	if (change->kind == BLOCK_NEW_DATA)
		write_group_add_data(cache, change->block, change->len);
	else
		write_group_remove_data(cache, change->block, change->len);
}

/* Those that are freed by the same commit have none any more. */
static void tell_generations(const struct block_cache *cache, const struct block_commit *commit)
{
	for (unsigned i = 0; commit->generations && i < commit->base_count; i++) {
		commit->generations[i] = cache->plans[i].block->generation;
		for (unsigned c = cache->first_range; c < commit->change_count; c++)
			if (is_range(&commit->changes[c]) && in_range(&commit->changes[c], commit->bases[i].block))
				commit->generations[i] = 0;
	}
}

static void apply(struct block_cache *cache, const struct block_commit *commit)
{
	open_group(cache);
	for (unsigned i = 0; i < commit->base_count; i++)
		if (cache->plans[i].changed)
			begin_block(cache, &cache->plans[i]);
	for (unsigned i = 0; i < commit->change_count; i++)
		if (!is_range(&commit->changes[i]))
			apply_change(cache, &commit->changes[i], &cache->plans[cache->change_plan[i]]);
	for (unsigned i = 0; i < commit->base_count; i++)
		if (cache->plans[i].changed)
			cache->plans[i].block->generation = block_next_generation();
	tell_generations(cache, commit);
	/* What the same commit changed before it freed it goes here, and its plan must not touch it any more. */
	release_plans(cache, commit);
	for (unsigned i = cache->first_range; i < commit->change_count; i++)
		if (is_range(&commit->changes[i]))
			apply_range(cache, &commit->changes[i]);
	release_rest(cache);
	if (commit->flags & BLOCK_BOUNDARY_AFTER)
		write_group_close(cache);
	write_back_note(cache);
}

static uint32_t open_group_number(const struct block_cache *cache)
{
	return cache->groups_closed + 1;
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
	int error = check(cache, commit);

	*short_of_memory = false;
	if (error)
		return error;
	error = find_bases(cache, commit);
	if (!error && commit->group && (commit->group != open_group_number(cache) || needs_new_group(cache, commit)))
		error = -ESTALE;
	if (!error && cache->open && needs_new_group(cache, commit)) {
		write_group_close(cache);
		write_back_note(cache);
	}
	if (!error && commit->change_count) {
		error = reserve(cache, commit);
		/* Else reclaiming would only take the bases away, for -ESTALE without end. */
		*short_of_memory = error && !(error == -ENOSPC && disk_memory_is_full());
	}
	if (!error && commit->answer_request)
		error = commit->answer_request(commit->context, commit);
	if (!error && commit->change_count) {
		apply(cache, commit);
	} else {
		if (!error)
			tell_generations(cache, commit);
		release_plans(cache, commit);
		release_rest(cache);
	}
	return error;
}

/* As many frames as it may need: new data may be much. What it says is not checked yet. */
static size_t frames_wanted(const struct block_cache *cache, const struct block_commit *commit)
{
	uint64_t blocks = 0;

	for (unsigned i = 0; i < commit->change_count; i++)
		if (commit->changes[i].kind == BLOCK_NEW_DATA)
			blocks += MIN((uint64_t)commit->changes[i].len, cache->block_count);
	return 2 * BLOCK_COMMIT_BASES + MIN(blocks, cache->block_count) * cache->block_size / PAGE_SIZE;
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
		*number = cache->last_commit;
		cache->stats.commits += !error;
		cache->stats.stale += error == -ESTALE;
		cache->stats.refused += error && error != -ESTALE;
		mutex_unlock(&cache->lock);
	} while (error && short_of_memory && ++tries < TRIES && memory_reclaim(frames_wanted(cache, commit)));
	return error;
}
