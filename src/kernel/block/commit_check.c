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

/* A base that is not where the last block of that hint was, or not current, or not in the open group. */
static RARE struct block *find_other(struct block_cache *cache, const struct block_base *base)
{
	struct block *block = block_find(cache, base->block);
	struct commit_state *state = &cache->commit;

	state->needs_more = true;
	if (!block && !base->generation)
		state->absent = true;
	else if (!block || !base->generation || block->generation != base->generation)
		state->stale = true;
	return block;
}

/*
 * Finds the bases, whatever they are. 0 or -EINVAL. A base that repeats another finds that in the hints, or one that came in between and has the same hint.
 */
static int find_bases(struct block_cache *cache, const struct block_commit *commit)
{
	struct base_state *state = cache->commit.bases;
	const struct block_base *base = commit->bases;

	for (size_t i = 0; i < commit->base_count; i++, base++, state++) {
		uint64_t number = base->block, generation = base->generation;
		size_t slot = number % BLOCK_HINTS, hint = cache->base_hints[slot];
		struct block *block = cache->seen[slot];

		if (unlikely(number >= cache->block_count))
			return -EINVAL;
		if (unlikely(hint < i) && !((commit->bases[hint].block ^ number) % BLOCK_HINTS) &&
		    search_base(commit, number, i) != BLOCK_COMMIT_BASES)
			return -EINVAL;
		cache->base_hints[slot] = i;
		if (unlikely(!block || block->number != number || block->generation != generation || !generation || !block->open))
			block = find_other(cache, base);
		state->block = block;
		state->marks = 0;
	}
	return 0;
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

/* Is what a change does to its block possible? @before: the marks of the changes of the block that come before. */
static inline bool change_fits(const struct block_cache *cache, const struct block_change *change, const struct base_state *before)
{
	if (likely(change->kind == BLOCK_COPY))
		return change->data && fits(change->offset, change->len, cache->block_size);
	if (change->kind == BLOCK_FRESH)
		return !before->marks && !(change->flags & BLOCK_LATE);
	return fits(change->offset, change->len, cache->block_size * 8);
}

/* Kind and flags as one number. */
static inline uint16_t first_half(const struct block_change *change)
{
	uint16_t half;

	_Static_assert(offsetof(struct block_change, flags) == offsetof(struct block_change, kind) + 1, "they follow each other");
	__builtin_memcpy(&half, &change->kind, sizeof(half));
	return half;
}

/* Notes of which base each change is, and what those of each base are like. 0 or -EINVAL. */
static int check_changes(struct block_cache *cache, const struct block_commit *commit)
{
	const struct block_change *change = commit->changes, *end = change + commit->change_count;
	uint8_t *change_base = cache->commit.change_base;
	struct commit_state *state = &cache->commit;
	uint64_t bytes = 0;

	for (; change < end; change++, change_base++) {
		size_t at = cache->base_hints[change->block % BLOCK_HINTS];
		unsigned marks = change->flags;
		struct base_state *base;

		_Static_assert(BLOCK_FRESH == 3, "kinds up to that need two bits");
		if (unlikely(first_half(change) & ~(BLOCK_FRESH | BLOCK_CHANGE_FLAGS << 8))) {
			if (!range_is_possible(cache, commit, change - commit->changes))
				return -EINVAL;
			continue;
		}
		if (unlikely(at >= commit->base_count || commit->bases[at].block != change->block)) {
			at = search_base(commit, change->block, commit->base_count);
			if (at == BLOCK_COMMIT_BASES)
				return -EINVAL;
		}
		base = &state->bases[at];
		if (unlikely(!change_fits(cache, change, base)))
			return -EINVAL;
		*change_base = at;
		if (!(marks & MARK_LATE))
			marks |= MARK_EARLY;
		else if (base->block && !base->block->early)
			state->needs_more = true;
		if (change->kind == BLOCK_COPY)
			bytes += change->len;
		else if (change->kind == BLOCK_FRESH)
			marks |= MARK_FRESH | MARK_FIRST;
		base->marks |= marks;
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
	struct commit_state *state = &cache->commit;
	int error;

	state->absent = state->stale = state->needs_more = false;
	state->all_marks = 0;
	state->first_range = commit->change_count;
	error = find_bases(cache, commit);
	if (!error)
		error = check_changes(cache, commit);
	if (unlikely(state->stale || state->absent) && !error)
		error = state->stale ? -ESTALE : take_bases(cache, commit);
	return error;
}
