/* SPDX-License-Identifier: MIT */
/* Host test of write-back's errors: who hears of which, how often, and that what could not be written is written when it can be. */
/* LINK: block/disk.c block/block_cache.c block/commit.c block/commit_check.c block/write_group.c block/write_back.c mm/page_tree.c */
/* LINK: test/host/fibers.c test/host/block_host.c test/host/cut_disk.c */
#include "block/block_cache.h"
#include "lib/log.h"
#include "test/host/cut_disk.h"
#include "test/host/fibers.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { BLOCK = 1024, SECTORS = BLOCK / CUT_DISK_SECTOR, FIRST_SECTOR = 4, BLOCKS = 50, MANY = 16 };

static uint8_t image[FIRST_SECTOR * CUT_DISK_SECTOR + BLOCKS * BLOCK];
static struct block_cache *cache;
static uint64_t bad_block;	/* writes to it fail; 0: none */
static unsigned bad_flushes;	/* so many fail */
static int data_error;
static uint64_t concerns;	/* whose changes those of change_block() are */
static bool ended;

static bool fails(const struct disk_request *request)
{
	uint64_t first = (request->sector - FIRST_SECTOR) / SECTORS;

	if (request->operation == DISK_FLUSH)
		return bad_flushes && bad_flushes--;
	return request->operation == DISK_WRITE && bad_block && bad_block >= first && bad_block < first + request->sector_count / SECTORS;
}

static void write_data(void *context, uint64_t block, uint64_t count, uint64_t group)
{
	uint8_t bytes[BLOCK] __attribute__((aligned(8))) = { 0 };

	assert(count == 1);
	data_error = disk_transfer(&cut_disk.disk, DISK_WRITE, FIRST_SECTOR + block * SECTORS, SECTORS, bytes);
}

static int wait_data(void *context)
{
	return data_error;
}

static const struct block_cache_ops cache_ops = { .write_data = write_data, .wait_data = wait_data };

static void change_block(uint64_t block, uint8_t value, bool new_data)
{
	uint8_t bytes[BLOCK];
	struct block_base base = { .block = block };
	struct block_change changes[2] = {
		{ .block = block, .len = 1, .kind = BLOCK_COPY, .data = &value },
		{ .block = 40, .len = 1, .kind = BLOCK_NEW_DATA },
	};
	struct block_commit commit = { .bases = &base, .changes = changes, .base_count = 1, .change_count = 1 + new_data, .flags = BLOCK_FINAL,
				       .concerns = concerns };
	uint64_t number;

	assert(!block_read(cache, block, bytes, NULL, &base.generation));
	assert(!block_commit(cache, &commit, &number));
}

static uint8_t on_disk(uint64_t block)
{
	return image[FIRST_SECTOR * CUT_DISK_SECTOR + block * BLOCK];
}

/* A group whose flush fails waits; it is there as soon as one succeeds. Meanwhile commits go on. */
static void test_flushes(void)
{
	struct block_error_mark mark;
	struct block_cache_stats stats;

	block_error_mark_init(cache, &mark);
	change_block(9, 1, false);
	bad_flushes = 2;
	assert(block_sync(cache, &mark) == -EIO && bad_flushes == 1);
	change_block(10, 1, false);
	assert(block_sync(cache, &mark) == -EIO && !bad_flushes && on_disk(10) == 0);
	block_cache_get_stats(cache, &stats);
	assert(stats.dirty);
	assert(!block_sync(cache, &mark) && on_disk(9) == 1 && on_disk(10) == 1);
	block_cache_get_stats(cache, &stats);
	assert(!stats.dirty);
}

/* Without memory for another try it is still not there. */
static void test_no_memory(void)
{
	struct block_error_mark mark;

	block_error_mark_init(cache, &mark);
	change_block(11, 1, false);
	bad_block = 11;
	assert(block_sync(cache, &mark) == -EIO);
	bad_block = 0;
	host_fail_allocation(0);
	assert(block_sync(cache, &mark) == -EIO && host_allocation_failed() && !on_disk(11));
	assert(!block_sync(cache, &mark) && on_disk(11) == 1);
}

/* Files hear of errors of blocks that they have changed, as long as these are not on the disk; of those of others and of the file system itself they do not. */
static void test_concerns(void)
{
	enum { ONE = 1, TWO = 2 };
	struct block_error_mark one, two, all;

	block_error_mark_init(cache, &all);
	one = two = all;
	one.concerns = block_concern(ONE);
	two.concerns = block_concern(TWO);
	concerns = block_concern(ONE);
	change_block(20, 1, false);
	concerns = block_concern(TWO);
	change_block(21, 1, false);
	bad_block = 20;
	for (unsigned i = 0; i < 2; i++) {
		assert(!block_sync_until(cache, &two, UINT64_MAX) && on_disk(21) == 1 && !on_disk(20));
		assert(block_sync_until(cache, &one, UINT64_MAX) == -EIO && block_sync(cache, &all) == -EIO);
		change_block(21, 1, false);
	}
	/* From here on it is the second's, too, although the first began it. */
	change_block(20, 2, false);
	for (unsigned i = 0; i < 3; i++)
		assert(block_sync_until(cache, &two, UINT64_MAX) == -EIO && block_sync_until(cache, &one, UINT64_MAX) == -EIO);
	bad_block = 0;
	block_sync_until(cache, &two, UINT64_MAX);
	assert(!block_sync_until(cache, &two, UINT64_MAX) && on_disk(20) == 2);
	block_sync_until(cache, &one, UINT64_MAX);
	block_sync(cache, &all);
	concerns = BLOCK_CONCERNS_NO_FILE;
	change_block(22, 1, false);
	bad_block = 22;
	assert(!block_sync_until(cache, &one, UINT64_MAX) && block_sync(cache, &all) == -EIO);
	/* Everybody's. */
	concerns = 0;
	change_block(22, 2, false);
	assert(block_sync_until(cache, &one, UINT64_MAX) == -EIO && block_sync_until(cache, &two, UINT64_MAX) == -EIO);
	bad_block = 0;
	assert(!block_sync(cache, &all) || !block_sync(cache, &all));
	assert(on_disk(22) == 2);
}

static void errors_fiber(void *unused)
{
	struct block_error_mark a, b, late, early;
	uint64_t first;

	block_error_mark_init(cache, &a);
	change_block(5, 1, false);
	bad_block = 5;
	assert(block_sync_until(cache, &a, 1) == -EIO);
	/* Another one's commit has nothing to do with it, although block 5 is tried again with it. */
	block_error_mark_init(cache, &b);
	change_block(6, 1, false);
	assert(!block_sync_until(cache, &b, 2) && on_disk(6) == 1 && on_disk(5) == 0);
	/* Until it is there, each sync of its commit fails. Then the bytes are there, although a later commit has changed the block again. */
	assert(block_sync_until(cache, &a, 1) == -EIO && block_sync(cache, &a) == -EIO);
	change_block(5, 2, false);
	bad_block = 0;
	assert(!block_sync_until(cache, &a, 1) && on_disk(5) == 2 && !block_sync(cache, &a) && !block_sync(cache, &b));
	/* Data that was not written is heard of once by each. */
	block_error_mark_init(cache, &late);
	change_block(5, 3, true);
	bad_block = 40;
	assert(block_sync(cache, &a) == -EIO && on_disk(5) == 3 && !block_sync(cache, &a));
	assert(block_sync_until(cache, &late, UINT64_MAX) == -EIO && !block_sync(cache, &late));
	bad_block = 0;
	/* More errors than are kept apart: none is lost. */
	block_error_mark_init(cache, &late);
	block_error_mark_init(cache, &early);
	first = late.first_commit;
	for (unsigned i = 0; i < 2 * MANY; i++) {
		block_error_mark_init(cache, &b);
		change_block(7, i, false);
		bad_block = 7;
		assert(block_sync(cache, &b) == -EIO);
		bad_block = 0;
		change_block(8, i, false);
		block_error_mark_init(cache, &b);
		assert(!block_sync(cache, &b));
	}
	assert(block_sync_until(cache, &early, first) == -EIO && block_sync(cache, &late) == -EIO && !block_sync(cache, &late));
	test_flushes();
	test_concerns();
	test_no_memory();
	ended = true;
}

int main(void)
{
	struct block_cache_options options = { .max_blocks = 256, .age_ns = 1ull << 60, .ops = &cache_ops };

	log_set_console_level(0);	/* the faults are meant */
	host_seed(1);
	cut_disk_begin(image, sizeof(image));
	cut_disk.fails = fails;
	assert(!block_cache_create(&cut_disk.disk, FIRST_SECTOR, BLOCKS, BLOCK, &options, &cache));
	fiber_start(errors_fiber, NULL, false);
	fiber_start(cut_disk_fiber, NULL, true);
	fibers_run();
	assert(ended);
	block_cache_destroy(cache);
	cut_disk_end();
	return 0;
}
