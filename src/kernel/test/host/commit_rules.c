/* SPDX-License-Identifier: MIT */
/* See commit_rules.h. */
#include "test/host/commit_rules.h"

static bool is_range(const struct fs_change *change)
{
	return change->kind == FS_FORGET || change->kind == FS_NEW_DATA;
}

static bool head_is_malformed(const struct fs_commit *commit)
{
	if (commit->base_count > 64 || commit->change_count > 256 || commit->answer_length > MSG_PAYLOAD_MAX || commit->flags > 7)
		return true;
	if (commit->flags & FS_FINAL ? !commit->token : commit->answer_length)
		return true;
	return commit->group && commit->flags & FS_BOUNDARY_BEFORE;
}

static bool bases_are_malformed(uint64_t blocks, const struct fs_base *bases, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (bases[i].block >= blocks)
			return true;
		for (unsigned other = 0; other < i; other++)
			if (bases[other].block == bases[i].block)
				return true;
	}
	return false;
}

static bool range_is_malformed(uint64_t blocks, const struct fs_change *range, const struct fs_change *end)
{
	unsigned __int128 after = (unsigned __int128)range->block + range->length;

	if (range->flags || !range->length || after > blocks)
		return true;
	for (const struct fs_change *later = range + 1; later < end; later++)
		if (!is_range(later) && later->block >= range->block && later->block < after)
			return true;
	return false;
}

/* Of a change to one block, @first the commit's first change. */
static bool change_is_malformed(const struct commit_rules *rules, const struct fs_change *first, const struct fs_change *change)
{
	uint64_t size = change->kind == FS_COPY ? rules->block_size : rules->block_size * 8ull;

	if (change->kind != FS_FRESH)
		return !change->length || (uint64_t)change->offset + change->length > size;
	for (; first < change; first++)
		if (!is_range(first) && first->block == change->block)
			return true;
	return change->flags & FS_LATE;
}

static bool has_base(const struct fs_base *bases, unsigned count, uint64_t block)
{
	for (unsigned i = 0; i < count; i++)
		if (bases[i].block == block)
			return true;
	return false;
}

static bool is_malformed(const struct commit_rules *rules, const struct fs_commit *commit, const struct fs_base *bases, const struct fs_change *changes)
{
	uint64_t bytes = 0;

	if (head_is_malformed(commit) || bases_are_malformed(rules->blocks, bases, commit->base_count))
		return true;
	for (const struct fs_change *change = changes, *end = changes + commit->change_count; change < end; change++) {
		for (unsigned i = 0; i < sizeof(change->reserved); i++)
			if (change->reserved[i])
				return true;
		if (change->kind > FS_NEW_DATA || change->flags > 7)
			return true;
		if (is_range(change) ? range_is_malformed(rules->blocks, change, end) :
		    !has_base(bases, commit->base_count, change->block) || change_is_malformed(rules, changes, change))
			return true;
		bytes += change->kind == FS_COPY ? change->length : 0;
	}
	return bytes > 256 << 10;
}

static bool is_stale(struct block_cache *cache, const struct fs_commit *commit, const struct fs_base *bases, const struct fs_change *changes)
{
	for (unsigned i = 0; i < commit->base_count; i++) {
		bool fresh = false;

		for (unsigned j = 0; j < commit->change_count; j++)
			fresh |= changes[j].kind == FS_FRESH && changes[j].block == bases[i].block;
		if (bases[i].generation != block_generation(cache, bases[i].block) || (!bases[i].generation && !fresh))
			return true;
	}
	return false;
}

enum commit_verdict commit_judge(const struct commit_rules *rules, struct block_cache *cache, const struct fs_commit *commit, const struct fs_base *bases,
				 const struct fs_change *changes)
{
	if (is_malformed(rules, commit, bases, changes))
		return COMMIT_MALFORMED;
	if (is_stale(cache, commit, bases, changes) || (commit->group && commit->group != block_open_group(cache)))
		return COMMIT_STALE;
	for (unsigned i = 0; commit->group && i < commit->change_count; i++)
		if (changes[i].flags & FS_SETTLED)
			return COMMIT_NEEDS_GROUP;
	return COMMIT_RIGHT;
}
