/* SPDX-License-Identifier: MIT */
/* Host test of the block cache's edges, on a memory disk: what it is made with, what stays, reads that fail, its bounds. commit_hosttest.c has the rest. */
/* LINK: block/disk.c block/memory_disk.c block/memory_disk_test.c block/block_cache.c block/commit.c block/commit_check.c block/write_group.c */
/* LINK: block/write_back.c mm/page_tree.c test/host/fibers.c test/host/block_host.c */
#include "block/block_cache.h"
#include "block/memory_disk.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>

enum { BLOCKS = 640, MAX_BLOCKS = 256, BLOCK = 1024 };

static struct memory_disk *memory;
static struct block_cache *cache;

static void start(void)
{
	struct block_cache_options options = { .max_blocks = MAX_BLOCKS, .age_ns = 1 << 30 };

	memory = memory_disk_create("ram0", 0, 0, BLOCKS * BLOCK + PAGE_SIZE);
	assert(!block_cache_create(memory_disk_disk(memory), 2, BLOCKS, BLOCK, &options, &cache));
}

static void stop(void)
{
	block_cache_destroy(cache);
	memory_disk_destroy(memory);
}

static void test_create(void)
{
	static const struct { uint64_t first, count; unsigned size, max; } wrong[] = {
		{ 0, 0, 1024, 256 }, { 0, 1, 512, 256 }, { 0, 1, 8192, 256 }, { 0, 1, 0, 256 }, { 0, 1, 1024, 255 }, { 0, 129, 1024, 256 },
		{ 2, 128, 1024, 256 },
		{ UINT64_MAX, 1, 1024, 256 }, { 257, 1, 1024, 256 }, { 0, UINT64_MAX, 1024, 256 },
	};
	struct memory_disk *disk = memory_disk_create("ram0", 0, 0, 128 << 10);
	struct block_cache *made;

	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		struct block_cache_options options = { .max_blocks = wrong[i].max };

		assert(block_cache_create(memory_disk_disk(disk), wrong[i].first, wrong[i].count, wrong[i].size, &options, &made) == -EINVAL);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct block_cache_options options = { .max_blocks = 256 };

		host_fail_allocation(i);
		assert(block_cache_create(memory_disk_disk(disk), 0, 128, 1024, &options, &made) == -ENOMEM);
	}
	memory_disk_destroy(disk);
}

static void test_drop(void)
{
	static uint8_t data[4096];
	struct block_change change = { .len = MAX_BLOCKS + 1, .kind = BLOCK_FORGET };
	struct block_commit commit = { .changes = &change, .change_count = 1 };
	uint64_t generation, number;

	start();
	for (unsigned i = 0; i < BLOCKS; i++)
		assert(!block_read(cache, i, data, NULL, &generation));
	/* The last ones are there. */
	assert(!block_generation(cache, 0) && block_generation(cache, BLOCKS - 1) == generation);
	assert(block_cache_drop(cache) == MAX_BLOCKS && !block_generation(cache, BLOCKS - 1));
	assert(block_read(cache, BLOCKS, data, NULL, &generation) == -EINVAL);
	assert(!block_read(cache, 4, data, NULL, &generation) && block_generation(cache, 4) == generation);
	assert(!block_commit(cache, &commit, &number) && !block_generation(cache, 4));
	stop();
}

static void test_failing_reads(void)
{
	static uint8_t data[4096];
	uint64_t generation;

	start();
	assert(!memory_disk_control(memory, "fail read 12 2"));	/* block 5 */
	assert(block_read(cache, 5, data, NULL, &generation) == -EIO && !block_generation(cache, 5));
	assert(!block_read(cache, 4, data, NULL, &generation) && !block_read(cache, 6, data, NULL, &generation));
	assert(!memory_disk_control(memory, "fail off") && !block_read(cache, 5, data, NULL, &generation));
	for (long allowed = 0; allowed < 3; allowed++) {
		host_fail_allocation(allowed);
		assert(block_read(cache, 600, data, NULL, &generation) == -ENOMEM && !block_generation(cache, 600));
	}
	host_fail_allocation(-1);
	assert(block_read(cache, BLOCKS, data, NULL, &generation) == -EINVAL);
	stop();
}

/* Groups that write nothing take memory, too. */
static void test_empty_groups(void)
{
	struct block_change change = { .len = 1, .kind = BLOCK_FORGET };
	struct block_commit commit = { .changes = &change, .change_count = 1, .flags = BLOCK_BOUNDARY_AFTER };
	struct block_cache_stats stats;
	uint64_t number;

	start();
	for (unsigned i = 0; i < 4 * MAX_BLOCKS; i++) {
		assert(!block_commit(cache, &commit, &number));
		block_cache_get_stats(cache, &stats);
		assert(stats.dirty <= MAX_BLOCKS / 2 + 2);
	}
	stop();
}

int main(void)
{
	test_create();
	test_drop();
	test_failing_reads();
	test_empty_groups();
	return 0;
}
