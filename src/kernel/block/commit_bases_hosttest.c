/* SPDX-License-Identifier: MIT */
/*
 * Host test of how a commit finds its bases: block numbers that share a hint, bases that repeat others, hints of blocks that are gone, and that a commit
 * which does not happen leaves nothing behind. commit_hosttest.c has the rest.
 */
/* LINK: block/disk.c block/memory_disk.c block/memory_disk_test.c block/block_cache.c block/commit.c block/commit_check.c block/write_group.c */
/* LINK: block/write_back.c mm/page_tree.c test/host/fibers.c test/host/block_host.c */
#include "block/block_internal.h"
#include "block/memory_disk.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = BLOCK_HINTS * (BLOCK_COMMIT_BASES + 1), MAX_BLOCKS = 1024, BLOCK = 1024, BASES = BLOCK_COMMIT_BASES };

static struct memory_disk *memory;
static struct block_cache *cache;
static struct block_base bases[BASES];
static struct block_change changes[BLOCK_COMMIT_CHANGES];
static uint64_t values[BASES], generations[BASES];
static struct block_commit commit;
static uint32_t open_group;
static int answer;

static int answer_request(void *context, const struct block_commit *asked)
{
	assert(!context && asked == &commit);
	return answer;
}

static void start(void)
{
	struct block_cache_options options = { .max_blocks = MAX_BLOCKS, .age_ns = 1 << 30 };

	memory = memory_disk_create("ram0", 0, 0, (size_t)BLOCKS * BLOCK + PAGE_SIZE);
	assert(!block_cache_create(memory_disk_disk(memory), 2, BLOCKS, BLOCK, &options, &cache));
	answer = 0;
}

static void stop(void)
{
	block_cache_destroy(cache);
	memory_disk_destroy(memory);
}

static void read_value(uint64_t block, uint64_t *value, uint64_t *generation)
{
	static uint64_t data[BLOCK / 8];

	assert(!block_read(cache, block, data, NULL, generation));
	*value = data[1];
}

static unsigned dirty(void)
{
	struct block_cache_stats stats;

	block_cache_get_stats(cache, &stats);
	return stats.dirty;
}

static void begin(void)
{
	commit = (struct block_commit){ .bases = bases, .changes = changes, .generations = generations, .answer_request = answer_request,
					.open_group = &open_group };
}

/* A base, read if need be, and a change of @kind. */
static void add(uint64_t block, unsigned kind, uint64_t value)
{
	unsigned i = commit.base_count++;
	uint64_t old;

	bases[i] = (struct block_base){ .block = block };
	if (kind == BLOCK_FRESH)
		bases[i].generation = block_generation(cache, block);
	else
		read_value(block, &old, &bases[i].generation);
	values[i] = value;
	changes[commit.change_count++] = (struct block_change){ .block = block, .kind = kind, .offset = 8, .len = kind == BLOCK_COPY ? 8 : 1,
								.data = &values[i] };
}

static int do_commit(void)
{
	uint64_t number;
	int error = block_commit(cache, &commit, &number);

	assert(!error == (commit.open_group && open_group == block_open_group(cache) && !error));
	return error;
}

static uint64_t sharing(unsigned i)
{
	return 5 + (uint64_t)i * BLOCK_HINTS;
}

/* As many as there may be, all with one hint, in any order: each change comes to its own block. */
static void test_one_hint(void)
{
	uint64_t value, generation;

	start();
	for (unsigned round = 0; round < 3; round++) {
		begin();
		for (unsigned i = 0; i < BASES; i++)
			add(sharing((i * 13 + round) % BASES), BLOCK_COPY, 1000 * round + i);
		for (unsigned i = 0; i < BASES; i++) {
			unsigned other = rand() % BASES;
			struct block_change change = changes[i];

			changes[i] = changes[other];
			changes[other] = change;
		}
		commit.flags = round == 1 ? BLOCK_BOUNDARY_AFTER : 0;
		assert(!do_commit());
		for (unsigned i = 0; i < BASES; i++) {
			read_value(bases[i].block, &value, &generation);
			assert(value == 1000 * round + i && generation == generations[i] && generation != bases[i].generation);
		}
	}
	stop();
}

/* A base that repeats another, wherever, with what shares its hint in between, and whatever commits were before. */
static void test_repeated(void)
{
	uint64_t before, value, generation;

	start();
	for (unsigned first = 0; first < 9; first++) {
		for (unsigned second = first + 1; second < 10; second++) {
			for (unsigned kind = 0; kind < 3; kind++) {
				begin();
				for (unsigned i = 0; i < 10; i++)
					add(kind == 0 ? 5 + i : kind == 1 ? sharing(i) : sharing(i % 3) + i, BLOCK_COPY, 7);
				assert(!do_commit());
				for (unsigned i = 0; i < 10; i++)
					bases[i].generation = generations[i];
				bases[second] = bases[first];
				changes[second].block = bases[first].block;
				read_value(bases[first].block, &before, &generation);
				values[0] = 99;
				assert(do_commit() == -EINVAL);
				read_value(bases[first].block, &value, &generation);
				assert(value == before && generation == bases[first].generation);
			}
		}
	}
	/* Blocks that are not cached yet, too. */
	begin();
	add(3000, BLOCK_FRESH, 0);
	add(3000 + BLOCK_HINTS, BLOCK_FRESH, 0);
	add(3000, BLOCK_FRESH, 0);
	assert(do_commit() == -EINVAL && !block_generation(cache, 3000));
	stop();
}

/* A block that goes takes its hint with it, however it goes; the next block of its number is another. */
static void test_gone(void)
{
	struct block_error_mark mark;
	uint64_t value, generation;

	start();
	block_error_mark_init(cache, &mark);
	for (unsigned way = 0; way < 3; way++) {
		begin();
		add(9, BLOCK_COPY, 41 + way);
		if (way == 2)	/* freed by the commit that changes it */
			changes[commit.change_count++] = (struct block_change){ .block = 9, .len = 1, .kind = BLOCK_FORGET };
		assert(!do_commit() && !generations[0] == (way == 2));
		if (way == 0)
			assert(!block_sync(cache, &mark) && block_cache_drop(cache));
		if (way == 1) {
			begin();
			changes[commit.change_count++] = (struct block_change){ .block = 8, .len = 3, .kind = BLOCK_FORGET };
			assert(!do_commit());
		}
		assert(!block_generation(cache, 9));
		begin();
		bases[commit.base_count++] = (struct block_base){ 9, generations[0] };
		assert(do_commit() == -ESTALE);
		begin();
		add(9, BLOCK_FRESH, 0);
		assert(!bases[0].generation && !do_commit() && generations[0]);
		read_value(9, &value, &generation);
		assert(!value && generation == generations[0]);
	}
	stop();
}

/* What was not cached before is not afterwards, what is clean may still be dropped, and the next one finds room. */
static void test_refused(void)
{
	unsigned clean = 0, before;

	start();
	for (unsigned why = 0; why < 4; why++) {
		begin();
		for (unsigned i = 0; i < 8; i++)
			add(100 + i, i == 5 ? BLOCK_FRESH : BLOCK_COPY, i);
		changes[2].flags = changes[6].flags = BLOCK_LATE;
		if (why == 3)	/* not current, which is seen when the others are kept */
			bases[6].generation = 0;
		before = dirty();
		answer = why == 0 ? -ECANCELED : 0;
		if (why == 1 || why == 2) {
			host_fail_allocation(why * 6);
			assert(do_commit() == -ENOMEM && host_allocation_failed());
			host_fail_allocation(-1);
		} else {
			assert(do_commit() == (why == 0 ? -ECANCELED : -ESTALE));
		}
		assert(dirty() == before && !block_generation(cache, 105));
		clean = block_cache_drop(cache);
		assert(clean == 7 && !block_cache_drop(cache));
	}
	answer = 0;
	begin();
	for (unsigned i = 0; i < 8; i++)
		add(100 + i, i == 5 ? BLOCK_FRESH : BLOCK_COPY, i);
	commit.change_count = 6;	/* two bases that are not changed stay clean */
	assert(!do_commit() && block_cache_drop(cache) == 2);
	stop();
}

/* Both kinds of changes to one block in one commit, the first ones of their group. */
static void test_early_and_late(void)
{
	static uint64_t data[BLOCK / 8], early[BLOCK / 8];
	uint64_t generation;

	start();
	for (unsigned order = 0; order < 2; order++) {
		begin();
		commit.flags = BLOCK_BOUNDARY_BEFORE;
		add(7, BLOCK_COPY, 11 + order);
		changes[1 - order] = changes[0];
		changes[order] = changes[1 - order];
		changes[order].flags = BLOCK_LATE;
		changes[order].offset = 16;
		commit.change_count = 2;
		assert(!do_commit());
		assert(block_read(cache, 7, data, early, &generation) == 1 && data[1] == 11 + order && early[1] == 11 + order);
		assert(data[2] == 11 + order && early[2] == (order ? 11 : 0));
	}
	stop();
}

int main(void)
{
	test_one_hint();
	test_repeated();
	test_gone();
	test_refused();
	test_early_and_late();
	return 0;
}
