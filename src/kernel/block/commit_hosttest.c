/* SPDX-License-Identifier: MIT */
/*
 * Host test of the block cache and its commits, on a memory disk: random commits against a model, with stale generations, refused answers, dropped blocks and
 * each allocation failing once; malformed and mutated ones. Write-back is tested by its order in write_back_hosttest.c.
 */
/* LINK: block/disk.c block/memory_disk.c block/memory_disk_test.c block/block_cache.c block/commit.c block/commit_check.c block/write_group.c */
/* LINK: block/write_back.c mm/page_tree.c test/host/fibers.c test/host/block_host.c */
#include "block/block_cache.h"
#include "block/memory_disk.h"
#include "test/host/fibers.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 640, MAX_BLOCKS = 256, BASES = 12, CHANGES = 24, ROUNDS = 30, STEPS = 500 };

struct model_block {
	uint8_t data[4096], early[4096];
	uint64_t generation;	/* last seen, 0: not yet */
	bool forgotten;		/* what it is nobody knows until it is fresh */
	bool fresh;		/* in the open group */
	enum { NO_DATA, OPEN_DATA, CLOSED_DATA } pending;
};

static struct model_block model[BLOCKS];
static struct memory_disk *memory;
static struct block_cache *cache;
static unsigned block_size;
static uint64_t newest_generation, commits_done;
static unsigned seen_stale, seen_refused, seen_failed, seen_settled, seen_evicted;

/* What is being committed, and what it is built of. */
static struct block_base bases[BASES + 1];
static uint64_t generations[BASES + 1];
static struct block_change changes[CHANGES];
static uint8_t bytes[CHANGES][4096];
static struct block_commit commit;
static int answer;	/* what answer_request is to say */
static unsigned answers;

static int answer_request(void *context, const struct block_commit *asked)
{
	assert(context == &answers && asked == &commit);
	answers++;
	return answer;
}

static void model_close(void)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		memcpy(model[i].early, model[i].data, block_size);
		model[i].fresh = false;
		if (model[i].pending)
			model[i].pending = CLOSED_DATA;
	}
}

static void model_written(void)
{
	model_close();
	for (unsigned i = 0; i < BLOCKS; i++)
		model[i].pending = NO_DATA;
}

/* Generations never go back, and are never those of another time. */
static void see_generation(struct model_block *block, uint64_t generation)
{
	assert(generation);
	if (generation == block->generation)
		return;
	assert(generation > newest_generation);
	seen_evicted += block->generation != 0;
	newest_generation = block->generation = generation;
}

static void check_block(unsigned number)
{
	static uint8_t data[4096], early[4096];
	uint64_t generation;
	int differs;

	if (model[number].forgotten)
		return;
	differs = block_read(cache, number, data, early, &generation);
	assert(differs == 0 || differs == 1);
	assert(!memcmp(data, model[number].data, block_size) && !memcmp(differs ? early : data, model[number].early, block_size));
	see_generation(&model[number], generation);
	assert(block_generation(cache, number) == generation);
}

static void check_pending(void)
{
	unsigned first = host_random(BLOCKS), count = 1 + host_random(BLOCKS - first);
	bool pending = false;

	for (unsigned i = first; i < first + count; i++)
		pending |= model[i].pending != NO_DATA;
	assert(block_data_pending(cache, first, count) == pending);
}

/* ---- A random commit ---- */

static void add_change(unsigned block, enum block_change_kind kind, unsigned flags)
{
	struct block_change *change = &changes[commit.change_count];
	uint32_t size = kind == BLOCK_COPY ? block_size : block_size * 8;

	*change = (struct block_change){ .block = block, .kind = kind, .flags = flags, .data = bytes[commit.change_count] };
	if (kind == BLOCK_FORGET || kind == BLOCK_NEW_DATA) {
		change->len = 1 + host_random(MIN(20, BLOCKS - block));
	} else if (kind != BLOCK_FRESH) {
		change->offset = host_random(size);
		change->len = 1 + host_random(size - change->offset);
	}
	for (unsigned i = 0; kind == BLOCK_COPY && i < change->len; i++)
		bytes[commit.change_count][i] = host_random(256);
	commit.change_count++;
}

static bool has_base(unsigned number)
{
	for (unsigned i = 0; i < commit.base_count; i++)
		if (bases[i].block == number)
			return true;
	return false;
}

static void add_base(void)
{
	unsigned number = host_random(BLOCKS), count = host_random(4);
	bool fresh = model[number].forgotten || !host_random(6);

	if (has_base(number) || commit.change_count >= CHANGES - 2)
		return;
	if (!fresh)
		check_block(number);
	bases[commit.base_count++] = (struct block_base){ number, block_generation(cache, number) };
	if (fresh)
		add_change(number, BLOCK_FRESH, BLOCK_FIRST);
	while (count-- && commit.change_count < CHANGES - 2)
		add_change(number, host_random(3), (host_random(3) ? 0 : BLOCK_LATE) | (host_random(10) ? 0 : BLOCK_SETTLED) | host_random(2));
}

static void make_commit(void)
{
	static const unsigned flags[] = { 0, 0, 0, 0, BLOCK_FINAL, BLOCK_FINAL, BLOCK_BOUNDARY_BEFORE, BLOCK_BOUNDARY_AFTER,
					  BLOCK_BOUNDARY_AFTER | BLOCK_FINAL };
	unsigned count = 1 + host_random(BASES - 1);

	commit = (struct block_commit){ .bases = bases, .changes = changes, .flags = flags[host_random(ARRAY_LEN(flags))],
					.answer_request = answer_request, .context = &answers, .generations = generations };
	while (count--)
		add_base();
	if (!host_random(3) && !(commit.flags & BLOCK_BOUNDARY_BEFORE))
		commit.group = block_open_group(cache);
	/* Some may have been dropped for others, and read anew or not. */
	for (unsigned i = 0; i < commit.base_count; i++)
		bases[i].generation = block_generation(cache, bases[i].block);
	while (!host_random(3) && commit.change_count < CHANGES)
		add_change(host_random(BLOCKS), host_random(2) ? BLOCK_FORGET : BLOCK_NEW_DATA, 0);
}

/* ---- The same in the model ---- */

static void model_bytes(const struct block_change *change, uint8_t *to)
{
	if (change->kind == BLOCK_COPY)
		memcpy(to + change->offset, change->data, change->len);
	else if (change->kind == BLOCK_FRESH)
		memset(to, 0, block_size);
	for (uint32_t bit = change->offset; change->kind != BLOCK_COPY && bit < change->offset + change->len; bit++)
		to[bit / 8] = (to[bit / 8] & ~(1 << bit % 8)) | (change->kind == BLOCK_SET_BITS) << bit % 8;
}

static bool model_needs_group(void)
{
	if (commit.flags & BLOCK_BOUNDARY_BEFORE)
		return true;
	for (unsigned i = 0; i < commit.change_count; i++)
		if (changes[i].flags & BLOCK_SETTLED && model[changes[i].block].fresh) {
			seen_settled++;
			return true;
		}
	return false;
}

static void model_range(const struct block_change *change)
{
	for (unsigned i = change->block; i < change->block + change->len; i++) {
		model[i].forgotten = true;
		model[i].generation = 0;
		model[i].fresh = false;
		if (change->kind == BLOCK_NEW_DATA)
			model[i].pending = model[i].pending == CLOSED_DATA ? CLOSED_DATA : OPEN_DATA;
		else if (model[i].pending == OPEN_DATA)
			model[i].pending = NO_DATA;
	}
}

static void model_apply(void)
{
	for (unsigned i = 0; i < commit.change_count; i++) {
		const struct block_change *change = &changes[i];
		struct model_block *block = &model[change->block];

		if (change->kind == BLOCK_FORGET || change->kind == BLOCK_NEW_DATA)
			continue;
		if (change->kind == BLOCK_FRESH)
			block->forgotten = false;
		model_bytes(change, block->data);
		if (!(change->flags & BLOCK_LATE))
			model_bytes(change, block->early);
		block->fresh |= change->kind == BLOCK_FRESH;
		block->generation = 0;
	}
	for (unsigned i = 0; i < commit.change_count; i++)
		if (changes[i].kind == BLOCK_FORGET || changes[i].kind == BLOCK_NEW_DATA)
			model_range(&changes[i]);
	if (commit.flags & BLOCK_BOUNDARY_AFTER && commit.change_count)
		model_close();
}

static void check_bases(void)
{
	for (unsigned i = 0; i < commit.base_count; i++)
		check_block(bases[i].block);
}

/* Each allocation fails once; then it goes through. Nothing has changed before. */
static int commit_failing(uint64_t *number)
{
	struct block_cache_stats before, after;
	int error;

	for (long allowed = 0;; allowed++) {
		block_cache_get_stats(cache, &before);
		host_fail_allocation(allowed);
		error = block_commit(cache, &commit, number);
		if (!host_allocation_failed()) {
			host_fail_allocation(-1);
			return error;
		}
		seen_failed++;
		assert((error == -ENOMEM || error == -ENOSPC) && *number == commits_done);
		block_cache_get_stats(cache, &after);
		assert((after.dirty == before.dirty || before.dirty > MAX_BLOCKS / 2) && after.cached <= before.cached);
		/* A fresh block that was not cached is so again; the others stay. */
		for (unsigned i = 0; i < commit.base_count; i++)
			assert(block_generation(cache, bases[i].block) == bases[i].generation);
	}
}

static void random_commit(void)
{
	unsigned spoil = host_random(8), asked = answers, victim;
	struct block_cache_stats stats;
	uint64_t number;
	int error;

	make_commit();
	block_cache_get_stats(cache, &stats);
	if (stats.dirty > MAX_BLOCKS / 2) {
		model_written();
		commit.group = 0;
	}
	if (commit.group && model_needs_group())
		commit.group = 0;
	answer = 0;
	victim = host_random(commit.base_count);
	if (spoil == 0 && commit.group && host_random(2))
		commit.group += host_random(2) ? 1 : -1;
	else if (spoil == 0)
		bases[victim].generation += host_random(2) ? 1 : -1;
	if (spoil == 1)
		answer = -ECANCELED;
	if (spoil != 0 && model_needs_group())
		model_close();
	error = host_random(4) || spoil < 2 ? block_commit(cache, &commit, &number) : commit_failing(&number);
	if (spoil == 0) {
		assert(error == -ESTALE && answers == asked);
		seen_stale++;
	} else if (spoil == 1) {
		assert(error == -ECANCELED && answers == asked + 1);
		seen_refused++;
	} else {
		assert(!error && answers > asked);
		commits_done += commit.change_count != 0;
		model_apply();
		/* Those that it has, and none of what it has freed. */
		for (unsigned i = 0; i < commit.base_count; i++)
			assert(generations[i] == block_generation(cache, bases[i].block));
	}
	assert(number == commits_done);
	check_bases();
}

/* ---- Rounds ---- */

static void start(uint64_t seed)
{
	struct block_cache_options options = { .max_blocks = MAX_BLOCKS, .age_ns = 1 << 30 };
	uint64_t size;

	host_seed(seed);
	block_size = 1024 << seed % 3;
	size = ROUND_UP((uint64_t)BLOCKS * block_size + 1024, PAGE_SIZE);
	memset(model, 0, sizeof(model));
	commits_done = 0;
	memory = memory_disk_create("ram0", 0, 0, size);
	assert(!block_cache_create(memory_disk_disk(memory), 2, BLOCKS, block_size, &options, &cache));
}

static void stop(void)
{
	block_cache_destroy(cache);
	memory_disk_destroy(memory);
}

static void sync_all(void)
{
	struct block_error_mark mark;

	block_error_mark_init(cache, &mark);
	assert(!block_sync(cache, &mark));
	model_written();
}

static void check_disk(void)
{
	static uint8_t data[4096] __attribute__((aligned(8)));
	unsigned sectors = block_size / MEMORY_DISK_SECTOR;

	for (unsigned i = 0; i < BLOCKS; i++) {
		if (model[i].forgotten)
			continue;
		assert(!disk_transfer(memory_disk_disk(memory), DISK_READ, 2 + i * sectors, sectors, data));
		assert(!memcmp(data, model[i].data, block_size));
	}
}

static void test_random(uint64_t seed)
{
	struct block_cache_stats stats;

	start(seed);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned what = host_random(40);

		if (what == 0)
			sync_all();
		else if (what == 1)
			block_cache_drop(cache);
		else if (what < 12)
			check_block(host_random(BLOCKS));
		else
			random_commit();
		check_pending();
		block_cache_get_stats(cache, &stats);
		assert(stats.cached <= MAX_BLOCKS && stats.dirty <= MAX_BLOCKS);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		check_block(i);
	sync_all();
	check_disk();
	stop();
}

/* ---- What nobody should send ---- */

static void expect_malformed(void)
{
	uint64_t number;

	assert(block_commit(cache, &commit, &number) == -EINVAL);
}

static void make_simple(unsigned kind, unsigned flags)
{
	static uint64_t many[4096 / 8];

	check_block(5);
	bases[0] = (struct block_base){ 5, block_generation(cache, 5) };
	changes[0] = (struct block_change){ .block = 5, .len = 8, .kind = kind, .flags = flags, .data = many };
	commit = (struct block_commit){ .bases = bases, .changes = changes, .base_count = 1, .change_count = 1, .context = &answers };
}

static void test_malformed_ranges(void)
{
	static const struct { uint64_t block; uint32_t len; } wrong[] = {
		{ 5, 0 }, { BLOCKS, 1 }, { BLOCKS - 1, 2 }, { UINT64_MAX, 1 }, { 0, BLOCKS + 1 }, { 1, UINT32_MAX },
	};

	for (unsigned i = 0; i < 2 * ARRAY_LEN(wrong); i++) {
		make_simple(i % 2 ? BLOCK_FORGET : BLOCK_NEW_DATA, 0);
		changes[0].block = wrong[i / 2].block;
		changes[0].len = wrong[i / 2].len;
		expect_malformed();
	}
	make_simple(BLOCK_FORGET, BLOCK_LATE);
	expect_malformed();
	/* A change of what the same commit has freed. */
	make_simple(BLOCK_FORGET, 0);
	changes[1] = (struct block_change){ .block = 5, .kind = BLOCK_FRESH };
	commit.change_count = 2;
	expect_malformed();
}

static void test_malformed(void)
{
	static struct block_base many_bases[BLOCK_COMMIT_BASES + 1];
	static struct block_change many_changes[BLOCK_COMMIT_CHANGES + 1];

	start(5);
	for (unsigned kind = 0; kind < 2; kind++) {
		uint32_t size = kind == BLOCK_COPY ? block_size : block_size * 8;
		uint32_t places[][2] = {
			{ 0, 0 }, { 0, size + 1 }, { size, 1 }, { size - 1, 2 }, { UINT32_MAX, 1 }, { 1, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
		};

		for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
			make_simple(kind, 0);
			changes[0].offset = places[i][0];
			changes[0].len = places[i][1];
			expect_malformed();
		}
	}
	make_simple(BLOCK_COPY, 0);
	changes[0].data = NULL;
	expect_malformed();
	make_simple(BLOCK_CHANGE_KINDS, 0);
	expect_malformed();
	make_simple(BLOCK_COPY, BLOCK_CHANGE_FLAGS + 1);
	expect_malformed();
	make_simple(BLOCK_FRESH, BLOCK_LATE);
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	changes[0].block = 6;	/* has no base */
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	bases[1] = bases[0];
	commit.base_count = 2;
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	bases[0].block = changes[0].block = BLOCKS;
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	changes[1] = (struct block_change){ .block = 5, .kind = BLOCK_FRESH };
	commit.change_count = 2;
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	commit.flags = BLOCK_COMMIT_FLAGS + 1;
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	commit.answer_len = 1;	/* an answer that is not final */
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	commit.group = block_open_group(cache);
	commit.flags = BLOCK_BOUNDARY_BEFORE;	/* the group cannot take it when it has ended */
	expect_malformed();
	commit = (struct block_commit){ .bases = many_bases, .base_count = BLOCK_COMMIT_BASES + 1 };
	expect_malformed();
	commit = (struct block_commit){ .changes = many_changes, .change_count = BLOCK_COMMIT_CHANGES + 1 };
	expect_malformed();
	make_simple(BLOCK_COPY, 0);
	for (unsigned i = 0; i < BLOCK_COMMIT_CHANGES; i++)
		many_changes[i] = (struct block_change){ .block = 5, .len = block_size, .kind = BLOCK_COPY, .data = bytes[0] };
	commit.changes = many_changes;
	commit.change_count = BLOCK_COMMIT_BYTES / block_size + 1;
	expect_malformed();
	test_malformed_ranges();
	for (unsigned i = 0; i < BLOCKS; i++)
		check_block(i);
	stop();
}

/* A group ends with a sync, and for who would have to begin another one. */
static void test_groups(void)
{
	struct block_error_mark mark;
	uint32_t group;
	uint64_t number;

	start(8);
	block_error_mark_init(cache, &mark);
	make_simple(BLOCK_COPY, 0);
	group = commit.group = block_open_group(cache);
	assert(group && !block_commit(cache, &commit, &number) && block_open_group(cache) == group);
	assert(!block_sync(cache, &mark) && block_open_group(cache) == group + 1);
	bases[0].generation = block_generation(cache, 5);
	assert(block_commit(cache, &commit, &number) == -ESTALE);
	commit.group = group + 1;
	changes[0].kind = BLOCK_FRESH;
	assert(!block_commit(cache, &commit, &number));
	bases[0].generation = block_generation(cache, 5);
	changes[0].kind = BLOCK_COPY;
	changes[0].flags = BLOCK_SETTLED;
	assert(block_commit(cache, &commit, &number) == -ESTALE && block_open_group(cache) == group + 1);
	commit.group = 0;
	assert(!block_commit(cache, &commit, &number) && block_open_group(cache) == group + 2);
	stop();
}

/* Who is short of memory tries again when some was freed. */
static void test_reclaim(void)
{
	uint64_t number;

	start(9);
	make_simple(BLOCK_COPY, 0);
	host_let_reclaim(1);
	host_fail_allocation(1);
	assert(!block_commit(cache, &commit, &number) && number == 1 && host_allocation_failed());
	host_fail_allocation(-1);
	stop();
}

static uint64_t evil(uint64_t value)
{
	static const uint64_t values[] = { 0, 1, BLOCKS - 1, BLOCKS, UINT32_MAX, UINT64_MAX, 1ull << 63, 4096, 1024 };

	return host_random(2) ? values[host_random(ARRAY_LEN(values))] : value ^ 1ull << host_random(64);
}

static void mutate(void)
{
	struct block_change *change = &changes[host_random(commit.change_count)];
	struct block_base *base = &bases[host_random(commit.base_count)];

	switch (host_random(9)) {
	case 0: change->block = evil(change->block); break;
	case 1: change->offset = evil(change->offset); break;
	case 2: change->len = evil(change->len); break;
	case 3: change->kind = evil(change->kind); break;
	case 4: change->flags = evil(change->flags); break;
	case 5: base->block = evil(base->block); break;
	case 6: base->generation = evil(base->generation); break;
	case 7: commit.flags = evil(commit.flags); break;
	case 8: commit.group = evil(commit.group); break;
	}
	/* Bytes that are there are not the commit's to say. */
	if (change->kind == BLOCK_COPY && change->len > sizeof(bytes[0]))
		change->data = change->data ? (void *)bytes[0] : NULL;
}

/* Valid commits with one or more fields wrong: an error, or a commit that means something. Never damage. */
static void test_mutated(uint64_t seed)
{
	unsigned outcomes[3] = { 0 };
	uint64_t number;

	start(seed);
	for (unsigned i = 0; i < 3000; i++) {
		int error;

		for (unsigned b = 0; b < BLOCKS; b++)
			model[b].forgotten = true;	/* all fresh: nothing is compared */
		answer = 0;
		make_commit();
		if (!commit.change_count)
			continue;
		do
			mutate();
		while (!host_random(3));
		error = block_commit(cache, &commit, &number);
		assert(!error || error == -ESTALE || error == -EINVAL);
		outcomes[!error ? 0 : error == -ESTALE ? 1 : 2]++;
	}
	assert(outcomes[0] && outcomes[1] && outcomes[2]);
	stop();
}

int main(void)
{
	test_malformed();
	test_groups();
	test_reclaim();
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		test_random(seed);
		if (seed <= 6)
			test_mutated(seed);
	}
	assert(seen_stale && seen_refused && seen_failed && seen_settled && seen_evicted);
	return 0;
}
