/* SPDX-License-Identifier: MIT */
/*
 * What is to be written: groups of commits, each block's part in them, and new file data. cache->lock is held in all of it. While a group is open its parts
 * have no bytes of their own; when it is closed they share the blocks' newest.
 */
#include "block/block_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"

/* ---- Closing ---- */

/* Merges two runs of a singly linked list that ends with NULL, by block number. */
static struct list *merge(struct list *a, struct list *b)
{
	struct list *first = NULL, **end = &first;

	while (a && b) {
		bool take_b = list_entry(b, struct write_entry, link)->number < list_entry(a, struct write_entry, link)->number;
		struct list **from = take_b ? &b : &a;

		*end = *from;
		end = &(*end)->next;
		*from = *end;
	}
	*end = a ? a : b;
	return first;
}

/* Neighbouring blocks are written by one request. */
static void sort_entries(struct list *entries)
{
	struct list *runs[32] = { NULL }, *at = entries->next, *sorted = NULL;

	while (at != entries) {
		struct list *run = at;
		unsigned i = 0;

		at = at->next;
		run->next = NULL;
		for (; runs[i]; i++) {
			run = merge(runs[i], run);
			runs[i] = NULL;
		}
		runs[i] = run;
	}
	for (unsigned i = 0; i < ARRAY_LEN(runs); i++)
		if (runs[i])
			sorted = merge(runs[i], sorted);
	list_init(entries);
	while (sorted) {
		struct list *next = sorted->next;

		list_push_back(entries, sorted);
		sorted = next;
	}
}

/* From now on the entry's bytes are what its block has now. */
static void close_entry(struct write_entry *entry)
{
	struct block *block = entry->block;

	if (entry->marks & MARK_LATE) {
		entry->late = block->data;
		entry->early = entry->marks & MARK_EARLY ? block->early : NULL;
		if (!(entry->marks & MARK_EARLY))
			kfree(block->early);
		block->early = NULL;
	} else {
		entry->early = block->data;
	}
	block->open = NULL;
	block->shared = entry;
	list_push_back(&block->closed, &entry->block_link);
}

/* Blocks that did not get to the disk go with this group, ahead of what may need them. */
static void add_failed(struct block_cache *cache, struct write_group *group)
{
	struct write_entry *entry, *next;

	list_for_each_safe(entry, next, &cache->failed, link) {
		list_remove(&entry->link);
		list_push_back(&group->entries, &entry->link);
		group->entry_count++;
		entry->block->retry = NULL;
		entry->marks |= MARK_FIRST;
		entry->failed = false;
		group->first_commit = MIN(group->first_commit, entry->first_commit);
		close_entry(entry);
	}
}

void write_group_close(struct block_cache *cache)
{
	struct write_group *group = cache->open;
	struct write_entry *entry;

	if (!group)
		return;
	list_for_each(entry, &group->entries, link)
		close_entry(entry);
	add_failed(cache, group);
	sort_entries(&group->entries);
	cache->open = NULL;
	group->sequence = ++cache->groups_closed;
	list_push_back(&cache->groups, &group->link);
}

void write_group_close_for_sync(struct block_cache *cache)
{
	if (!cache->open && !list_empty(&cache->failed)) {
		cache->open = write_group_make(cache);
		cache->dirty += cache->open != NULL;
	}
	write_group_close(cache);
}

struct write_group *write_group_make(struct block_cache *cache)
{
	struct write_group *group = kzalloc(sizeof(*group));

	if (!group)
		return NULL;
	list_init(&group->entries);
	list_init(&group->extents);
	list_init(&group->freed);
	group->first_commit = cache->last_commit + 1;
	group->last_commit = cache->last_commit;
	return group;
}

/* ---- The end of entries ---- */

void write_entry_drop(struct block_cache *cache, struct write_entry *entry)
{
	if (entry->block->open == entry) {
		entry->block->open = NULL;
		cache->open->entry_count--;
	} else {
		entry->block->retry = NULL;
	}
	list_remove(&entry->link);
	cache->dirty--;
	kfree(entry);
}

/* Its bytes are not needed any more, except for those that are the block's too. Whether it has to be written again. */
static bool release_bytes(struct write_entry *entry)
{
	struct block *block = entry->block;
	bool shared = block && block->shared == entry;

	if (entry->late)
		kfree(entry->early);
	if (!shared)
		kfree(entry->late ? entry->late : entry->early);
	entry->early = entry->late = NULL;
	if (block)
		list_remove(&entry->block_link);
	if (shared)
		block->shared = NULL;
	return shared && entry->failed;
}

static void finish_entry(struct block_cache *cache, struct write_entry *entry)
{
	struct block *block = entry->block;

	list_remove(&entry->link);
	if (release_bytes(entry)) {
		entry->marks = 0;
		block->retry = entry;
		list_push_back(&cache->failed, &entry->link);
		return;
	}
	cache->dirty--;
	if (block && block_is_clean(block))
		block_touch(cache, block);
	kfree(entry);
}

static void free_extents(struct block_cache *cache, struct list *extents)
{
	struct data_extent *extent, *next;

	list_for_each_safe(extent, next, extents, link) {
		kfree(extent);
		cache->dirty--;
	}
}

void write_group_finish(struct block_cache *cache, struct write_group *group)
{
	struct write_entry *entry, *next;

	list_for_each_safe(entry, next, &group->entries, link)
		finish_entry(cache, entry);
	free_extents(cache, &group->extents);
	free_extents(cache, &group->freed);
	if (group->last_commit > cache->written_commit)
		cache->written_commit = group->last_commit;
	cache->groups_finished = group->sequence;
	cache->stats.groups++;
	cache->dirty--;
	list_remove(&group->link);
	kfree(group);
}

/* ---- New file data ---- */

static struct data_extent *take_spare(struct block_cache *cache)
{
	struct data_extent *extent = list_first(&cache->spare_extents, struct data_extent, link);

	KASSERT(!list_empty(&cache->spare_extents));
	list_remove(&extent->link);
	return extent;
}

static void add_extent(struct block_cache *cache, struct list *extents, uint64_t block, uint64_t count)
{
	struct data_extent *extent = take_spare(cache);

	extent->block = block;
	extent->count = count;
	list_push_back(extents, &extent->link);
	cache->open->extent_count++;
	cache->dirty++;
}

void write_group_remove_data(struct block_cache *cache, uint64_t block, uint64_t count)
{
	struct data_extent *extent, *next;
	uint64_t end = block + count;

	list_for_each_safe(extent, next, &cache->open->extents, link) {
		uint64_t extent_end = extent->block + extent->count;

		if (extent->block >= end || block >= extent_end)
			continue;
		if (extent->block < block && extent_end > end)
			add_extent(cache, &cache->open->extents, end, extent_end - end);
		if (extent->block < block) {
			extent->count = block - extent->block;
		} else if (extent_end > end) {
			extent->block = end;
			extent->count = extent_end - end;
		} else {
			list_remove(&extent->link);
			cache->open->extent_count--;
			cache->dirty--;
			kfree(extent);
		}
	}
}

/* Files are freed from their end. */
static void append(struct block_cache *cache, struct list *extents, uint64_t block, uint64_t count)
{
	struct data_extent *last = list_last(extents, struct data_extent, link);

	if (list_empty(extents) || (last->block + last->count != block && block + count != last->block)) {
		add_extent(cache, extents, block, count);
	} else {
		last->block = MIN(last->block, block);
		last->count += count;
	}
}

void write_group_add_data(struct block_cache *cache, uint64_t block, uint64_t count)
{
	write_group_remove_data(cache, block, count);
	append(cache, &cache->open->extents, block, count);
}

void write_group_add_freed(struct block_cache *cache, uint64_t block, uint64_t count)
{
	append(cache, &cache->open->freed, block, count);
}

static bool has_data(const struct write_group *group, uint64_t block, uint64_t end)
{
	const struct data_extent *extent;

	list_for_each(extent, &group->extents, link)
		if (extent->block < end && block < extent->block + extent->count)
			return true;
	return false;
}

/* The group after @group, of those that are not finished: the oldest after NULL, the open one last. NULL: there is none. */
static struct write_group *next_group(const struct block_cache *cache, const struct write_group *group)
{
	struct list *at = group ? group->link.next : cache->groups.next;

	if (group && group == cache->open)
		return NULL;
	return at == &cache->groups ? cache->open : list_entry(at, struct write_group, link);
}

bool block_data_pending(struct block_cache *cache, uint64_t block, uint64_t count)
{
	struct write_group *group = NULL;
	bool pending = false;

	mutex_lock(&cache->lock);
	while (!pending && (group = next_group(cache, group)))
		pending = has_data(group, block, block + count);
	mutex_unlock(&cache->lock);
	return pending;
}

/* Is @block in one of @extents? Cuts *@end to where that changes. */
static bool extent_until(const struct list *extents, uint64_t block, uint64_t *end)
{
	const struct data_extent *extent;
	bool found = false;

	list_for_each(extent, extents, link) {
		if (extent->block > block) {
			*end = MIN(*end, extent->block);
		} else if (extent->block + extent->count > block) {
			*end = MIN(*end, extent->block + extent->count);
			found = true;
		}
	}
	return found;
}

/*
 * The newest group that @block is new data of, 0: none. Unless 0, groups after @after that free it count, too: those in between may still write it. Cuts
 * *@end as above.
 */
static uint64_t extent_group(const struct block_cache *cache, uint64_t block, uint64_t *end, uint64_t after)
{
	const struct write_group *group = NULL;
	uint64_t number = 0;

	while ((group = next_group(cache, group))) {
		/* The open one will be the next to be closed. */
		uint64_t sequence = group == cache->open ? cache->groups_closed + 1 : group->sequence;

		if (extent_until(&group->extents, block, end))
			number = sequence;
		if (after && sequence > after && extent_until(&group->freed, block, end))
			number = sequence;
	}
	return number;
}

uint64_t block_data_run(struct block_cache *cache, uint64_t block, uint64_t count, uint64_t *run)
{
	uint64_t number, end = block + count;

	mutex_lock(&cache->lock);
	number = extent_group(cache, block, &end, 0);
	mutex_unlock(&cache->lock);
	*run = end - block;
	return number;
}

uint64_t block_data_group(struct block_cache *cache, uint64_t block)
{
	uint64_t run;

	return block_data_run(cache, block, 1, &run);
}

/* ---- What was freed ---- */

/*
 * A part of what @group freed, from @block on, at most to @end. Whoever takes a block says so by a commit, with the lock held, in which it is prepared; and
 * it is written with that commit's group, which comes after this one. Returns where the next part begins.
 */
static uint64_t discard_part(struct block_cache *cache, uint64_t group, uint64_t block, uint64_t end)
{
	enum { PART = 1024 };
	uint64_t cached = block;

	end = MIN(end, ROUND_DOWN(block, PART) + PART);
	if (page_tree_next(&cache->blocks, &cached)) {
		if (cached == block)
			return block + 1;
		end = MIN(end, cached);
	}
	if (!extent_group(cache, block, &end, group))
		disk_prepare(cache->disk, cache->first_sector + block * cache->block_sectors, (end - block) * cache->block_sectors, true);
	return end;
}

/* Is something not on the disk that was changed up to @group's end? Blocks that could not be written are kept, or go with a later group. */
static bool lacks_blocks(const struct block_cache *cache, const struct write_group *group)
{
	const struct write_entry *entry;
	const struct write_group *later = group;

	list_for_each(entry, &group->entries, link)
		if (entry->failed)
			return true;
	while ((later = next_group(cache, later)))
		if (later->first_commit <= group->last_commit)
			return true;
	return !list_empty(&cache->failed);
}

void write_group_discard(struct block_cache *cache, const struct write_group *group)
{
	const struct data_extent *extent;

	/* What points to the blocks may still be on the disk. */
	if (cache->options.flags & BLOCK_CACHE_UNORDERED || lacks_blocks(cache, group))
		return;
	list_for_each(extent, &group->freed, link)
		for (uint64_t block = extent->block; block < extent->block + extent->count;) {
			block = discard_part(cache, group->sequence, block, extent->block + extent->count);
			mutex_unlock(&cache->lock);
			mutex_lock(&cache->lock);
		}
}
