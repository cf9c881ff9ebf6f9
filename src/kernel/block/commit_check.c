/* SPDX-License-Identifier: MIT */
/* Is a commit possible, and are its bases current? Nothing that it says is trusted. cache->lock is held. */
#include "block/block_internal.h"
#include "lib/errno.h"

/* The base of a block among the first @count, BLOCK_COMMIT_BASES if there is none. */
static RARE unsigned search_base(const struct block_commit *commit, uint64_t block, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (commit->bases[i].block == block)
			return i;
	return BLOCK_COMMIT_BASES;
}

enum { BASES_CURRENT, BASES_ABSENT, BASES_STALE };

/* A base that is not where the last block of that hint was, or not current. Moves *@result on. */
static RARE struct block *find_other(struct block_cache *cache, const struct block_base *base, int *result)
{
	struct block *block = block_find(cache, base->block);

	if (!block && !base->generation)
		*result = MAX(*result, BASES_ABSENT);
	else if (!block || !base->generation || block->generation != base->generation)
		*result = BASES_STALE;
	return block;
}

/*
 * Finds the bases. -EINVAL, or what they are: all cached and current, or some not cached, as they say, or stale. A base that repeats another finds that in
 * the hints, or one that came in between and has the same hint.
 */
static int find_bases(struct block_cache *cache, const struct block_commit *commit)
{
	struct base_state *state = cache->commit.bases;
	const struct block_base *bases = commit->bases;
	size_t count = commit->base_count;
	int result = BASES_CURRENT;

	for (size_t i = 0; i < count; i++) {
		uint64_t number = bases[i].block, generation = bases[i].generation;
		size_t slot = number % BLOCK_HINTS, hint = cache->base_hints[slot];
		struct block *block = cache->seen[slot];

		if (unlikely(number >= cache->block_count))
			return -EINVAL;
		if (unlikely(hint < i) && !((bases[hint].block ^ number) % BLOCK_HINTS) &&
		    search_base(commit, number, i) != BLOCK_COMMIT_BASES)
			return -EINVAL;
		cache->base_hints[slot] = i;
		if (unlikely(!block || block->number != number || block->generation != generation || !generation))
			block = find_other(cache, &bases[i], &result);
		state[i].block = block;
		state[i].marks = 0;
	}
	return result;
}

/* Does @offset to @offset + @len lie within @size? */
static bool fits(uint32_t offset, uint32_t len, uint32_t size)
{
	return len && (uint64_t)offset + len <= size;
}

/* No later change may be of a block that it frees or adds. */
static RARE bool range_is_possible(struct block_cache *cache, const struct block_commit *commit, unsigned index)
{
	const struct block_change *range = &commit->changes[index], *end = commit->changes + commit->change_count;

	if (!block_is_range(range) || range->flags || range->block >= cache->block_count || !range->len || range->len > cache->block_count - range->block)
		return false;
	for (const struct block_change *later = range + 1; later < end; later++)
		if (!block_is_range(later) && block_in_range(range, later->block))
			return false;
	cache->commit.first_range = MIN(cache->commit.first_range, index);
	return true;
}

/* Is what a change does to its block possible? @marks: enum block_mark; @before: those of the changes of the block that come before. */
static inline bool change_fits(const struct block_cache *cache, const struct block_change *change, unsigned marks, unsigned before)
{
	if (likely(change->kind == BLOCK_COPY))
		return change->data && fits(change->offset, change->len, cache->block_size);
	if (change->kind == BLOCK_FRESH)
		return !before && !(marks & MARK_LATE);
	return fits(change->offset, change->len, cache->block_size * 8);
}

/* Notes of which base each change is, and what those of each base are like. 0 or -EINVAL. */
static int check_changes(struct block_cache *cache, const struct block_commit *commit)
{
	const struct block_change *change = commit->changes;
	struct commit_state *state = &cache->commit;
	size_t count = commit->change_count;
	uint64_t bytes = 0;

	state->first_range = count;
	state->all_marks = 0;
	for (size_t i = 0; i < count; i++, change++) {
		size_t base = cache->base_hints[change->block % BLOCK_HINTS];
		unsigned marks = change->flags | (change->flags & BLOCK_LATE ? 0 : MARK_EARLY);

		if (unlikely(change->kind > BLOCK_FRESH)) {
			if (!range_is_possible(cache, commit, i))
				return -EINVAL;
			continue;
		}
		if (unlikely(base >= commit->base_count || commit->bases[base].block != change->block)) {
			base = search_base(commit, change->block, commit->base_count);
			if (base == BLOCK_COMMIT_BASES)
				return -EINVAL;
		}
		if (unlikely(change->flags & ~BLOCK_CHANGE_FLAGS || !change_fits(cache, change, marks, state->bases[base].marks)))
			return -EINVAL;
		if (change->kind == BLOCK_COPY)
			bytes += change->len;
		else if (change->kind == BLOCK_FRESH)
			marks |= MARK_FRESH | MARK_FIRST;
		state->change_base[i] = base;
		state->bases[base].marks |= marks;
		state->all_marks |= marks;
	}
	return bytes <= BLOCK_COMMIT_BYTES ? 0 : -EINVAL;
}

/* Only what is to be fresh may not be cached. The others are not to be dropped for it. */
static RARE int take_bases(struct block_cache *cache, const struct block_commit *commit)
{
	cache->commit.has_reserved = true;
	for (unsigned i = 0; i < commit->base_count; i++) {
		const struct base_state *state = &cache->commit.bases[i];

		if (state->block)
			list_remove(&state->block->clean_link);
		else if (!(state->marks & MARK_FRESH))
			return -ESTALE;
	}
	return 0;
}

int block_check_commit(struct block_cache *cache, const struct block_commit *commit)
{
	int bases = find_bases(cache, commit);
	int error = bases < 0 ? bases : check_changes(cache, commit);

	if (likely(bases == BASES_CURRENT) || error)
		return error;
	return bases == BASES_STALE ? -ESTALE : take_bases(cache, commit);
}
