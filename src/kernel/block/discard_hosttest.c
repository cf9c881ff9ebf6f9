/* SPDX-License-Identifier: MIT */
/*
 * Host test of discarding, on a memory disk, where a frame that is gone is seen: what a group freed goes when the group is on the disk and not before, and
 * nothing goes that somebody has taken meanwhile. write_back_hosttest.c does it at random, with cuts.
 */
/* LINK: block/disk.c block/memory_disk.c block/memory_disk_test.c block/block_cache.c block/commit.c block/commit_check.c block/write_group.c */
/* LINK: block/write_back.c mm/page_tree.c test/host/fibers.c test/host/block_host.c */
#include "block/block_cache.h"
#include "block/memory_disk.h"
#include "lib/log.h"
#include "test/host/fibers.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* POINTER: a block that each commit changes, as what points to the others would be. */
enum { BLOCKS = 64, POINTER = 0, OTHER = 1, TAKEN = 8, MAX_BLOCKS = 256, CLOSED = BLOCK_BOUNDARY_AFTER };

static struct memory_disk *memory;
static struct block_cache *cache;
static struct block_error_mark mark;
static unsigned block_size, sectors, first_sector;
static uint8_t values[BLOCKS];		/* of file data, as pages in memory would have them */
static void (*meanwhile)(void);		/* while new data are written */

static void write_data(void *context, uint64_t block, uint64_t count, uint64_t group)
{
	static uint8_t bytes[4096] __attribute__((aligned(8)));
	void (*now)(void) = meanwhile;

	for (uint64_t i = block; i < block + count; i++) {
		memset(bytes, values[i], block_size);
		assert(!disk_transfer(memory_disk_disk(memory), DISK_WRITE, first_sector + i * sectors, sectors, bytes));
	}
	meanwhile = NULL;
	if (now)
		now();
}

static const struct block_cache_ops cache_ops = { .write_data = write_data };

static void start(unsigned size, unsigned first, unsigned flags)
{
	struct block_cache_options options = { .max_blocks = MAX_BLOCKS, .age_ns = 1ull << 60, .flags = flags, .ops = &cache_ops };

	block_size = size;
	sectors = size / MEMORY_DISK_SECTOR;
	first_sector = first;
	memset(values, 0, sizeof(values));
	memory = memory_disk_create("ram0", 0, 0, ROUND_UP(first * MEMORY_DISK_SECTOR + BLOCKS * size, PAGE_SIZE));
	assert(!block_cache_create(memory_disk_disk(memory), first, BLOCKS, size, &options, &cache));
	block_error_mark_init(cache, &mark);
}

static void stop(void)
{
	block_cache_destroy(cache);
	memory_disk_destroy(memory);
}

static uint64_t commit_change(const struct block_change *change, const struct block_base *more, unsigned flags)
{
	static uint8_t bytes[4096], serial;
	struct block_base bases[2] = { { .block = POINTER } };
	struct block_change changes[3] = { { .block = POINTER, .len = 1, .kind = BLOCK_COPY, .data = &serial } };
	struct block_commit commit = { .bases = bases, .changes = changes, .base_count = 1, .change_count = 1, .flags = BLOCK_FINAL | flags };
	uint64_t number;

	serial++;
	assert(block_read(cache, POINTER, bytes, NULL, &bases[0].generation) >= 0);
	if (more)
		bases[commit.base_count++] = *more;
	if (change)
		changes[commit.change_count++] = *change;
	if (change && change->kind == BLOCK_FRESH)
		changes[commit.change_count++] = (struct block_change){ .block = change->block, .len = 1, .kind = BLOCK_COPY, .data = &values[change->block] };
	assert(!block_commit(cache, &commit, &number));
	return number;
}

static uint64_t take_data(unsigned block, unsigned count, uint8_t value, unsigned flags)
{
	struct block_change change = { .block = block, .len = count, .kind = BLOCK_NEW_DATA };

	memset(values + block, value, count);
	return commit_change(&change, NULL, flags);
}

static uint64_t take_metadata(unsigned block, uint8_t value, unsigned flags)
{
	struct block_base base = { block, block_generation(cache, block) };
	struct block_change change = { .block = block, .kind = BLOCK_FRESH };

	values[block] = value;
	return commit_change(&change, &base, flags);
}

static uint64_t release(unsigned block, unsigned count, unsigned flags)
{
	struct block_change change = { .block = block, .len = count, .kind = BLOCK_FORGET };

	return commit_change(&change, NULL, flags);
}

static uint64_t frames(void)
{
	return memory_disk_frames(memory);
}

static uint8_t on_disk(unsigned block)
{
	static uint8_t bytes[4096] __attribute__((aligned(8)));

	assert(!disk_transfer(memory_disk_disk(memory), DISK_READ, first_sector + block * sectors, sectors, bytes));
	return bytes[0];
}

static void sync_all(void)
{
	assert(!block_sync(cache, &mark));
}

static void control(const char *command)
{
	assert(!memory_disk_control(memory, command));
}

/* A sync needs no memory for it. */
static void test_given_back(void)
{
	start(4096, 8, 0);
	take_data(TAKEN, 20, 7, 0);
	take_metadata(40, 9, 0);
	sync_all();
	assert(frames() == 22 && on_disk(TAKEN) == 7 && on_disk(40) == 9);
	release(TAKEN + 10, 10, 0);
	release(TAKEN + 2, 8, 0);
	release(40, 1, 0);
	assert(frames() == 22 && on_disk(TAKEN + 2) == 7 && on_disk(40) == 9);
	host_fail_allocation(0);
	sync_all();
	assert(!host_allocation_failed());
	host_fail_allocation(-1);
	assert(frames() == 3 && on_disk(TAKEN) == 7 && on_disk(TAKEN + 1) == 7 && !on_disk(TAKEN + 2) && !on_disk(TAKEN + 19) && !on_disk(40));
	/* What is taken again is as new, and stays. */
	take_data(TAKEN + 1, 3, 5, 0);
	sync_all();
	assert(frames() == 5 && on_disk(TAKEN + 1) == 5 && on_disk(TAKEN + 3) == 5);
	/* Taken and freed in one group it goes, too. */
	take_data(30, 4, 3, 0);
	release(31, 2, 0);
	sync_all();
	assert(frames() == 7 && on_disk(30) == 3 && !on_disk(31) && on_disk(33) == 3);
	stop();
}

/* @block was freed by a group that is on the disk, and taken by a later one that is not: it keeps its frame, since writing cannot get another. */
static void check_taken(unsigned block, uint64_t count)
{
	assert(frames() == count);
	host_fail_allocation(0);
	sync_all();
	assert(!host_allocation_failed());
	host_fail_allocation(-1);
	assert(frames() == count && on_disk(block) == values[block]);
}

static void take_meanwhile(void)
{
	take_data(TAKEN + 1, 1, 21, 0);
}

static void take_metadata_meanwhile(void)
{
	take_metadata(TAKEN + 2, 22, CLOSED);
}

/* The next owner comes before the group that freed the block is written; his group is still open, or closed. */
static void test_taken_again(unsigned flags)
{
	uint64_t freed;

	start(4096, 8, 0);
	take_data(TAKEN, 4, 7, 0);
	sync_all();
	freed = release(TAKEN, 1, CLOSED);
	take_data(TAKEN, 1, 8, flags);
	assert(!block_sync_until(cache, &mark, freed));
	check_taken(TAKEN, 5);
	freed = release(TAKEN, 1, CLOSED);
	take_metadata(TAKEN, 9, flags);
	assert(!block_sync_until(cache, &mark, freed));
	check_taken(TAKEN, 5);
	/* While the group is being written. */
	release(TAKEN + 1, 2, 0);
	take_data(20, 1, 1, CLOSED);
	meanwhile = take_meanwhile;
	assert(!block_sync_until(cache, &mark, UINT64_MAX));
	check_taken(TAKEN + 1, 5);
	release(20, 1, 0);
	take_data(21, 1, 1, CLOSED);
	meanwhile = take_metadata_meanwhile;
	assert(!block_sync_until(cache, &mark, UINT64_MAX));
	check_taken(TAKEN + 2, 6);
	stop();
}

/* Taken and freed once more: who took it between still writes it, or what the cache has of it. */
static void test_freed_again(bool metadata)
{
	uint64_t freed;

	start(4096, 8, 0);
	take_data(TAKEN, 1, 7, 0);
	sync_all();
	freed = release(TAKEN, 1, CLOSED);
	if (metadata)
		take_metadata(TAKEN, 8, CLOSED);
	else
		take_data(TAKEN, 1, 8, CLOSED);
	release(TAKEN, 1, 0);
	host_fail_allocation(0);
	assert(!block_sync_until(cache, &mark, freed) && !host_allocation_failed());
	host_fail_allocation(-1);
	assert(frames() == 2);
	sync_all();
	assert(frames() == 1);
	stop();
}

/* The log as text: blocks that are written, F for a flush. */
static const char *read_log(void)
{
	static char text[400];
	struct memory_disk_record record;
	uint64_t at = 0;

	text[0] = 0;
	while (memory_disk_log_read(memory, at, &record, sizeof(record)) == sizeof(record)) {
		unsigned len = strlen(text);

		at += sizeof(record) + record.sector_count * MEMORY_DISK_SECTOR;
		if (record.operation == DISK_FLUSH)
			snprintf(text + len, sizeof(text) - len, "F ");
		else
			snprintf(text + len, sizeof(text) - len, "%u ", (unsigned)(record.sector - first_sector) / sectors);
	}
	control("log off");
	return text;
}

static void test_order(void)
{
	start(4096, 8, 0);
	take_data(TAKEN, 2, 7, 0);
	sync_all();
	control("log on 1000000");
	release(TAKEN, 2, 0);
	take_data(20, 1, 1, 0);
	assert(!strcmp(read_log(), ""));
	control("log on 1000000");
	sync_all();
	/* New data, what points to them and no more to the others, and then those. */
	assert(!strcmp(read_log(), "20 F 0 F 8 9 "));
	/* A flush that fails leaves the group as it is, what it freed, too. */
	release(20, 1, CLOSED);
	take_data(30, 1, 1, CLOSED);
	control("log on 1000000");
	control("fail flush 0 0 1");
	assert(block_sync(cache, &mark) == -EIO && on_disk(20) == 1);
	sync_all();
	assert(!strcmp(read_log(), "0 0 F 20 30 F 0 F "));
	control("fail flush 0 0");
	release(30, 1, 0);
	assert(block_sync(cache, &mark) == -EIO && frames() == 2 && on_disk(30) == 1);
	control("fail off");
	sync_all();
	assert(frames() == 1 && !on_disk(30));
	stop();
}

static void change_other(void)
{
	static uint8_t bytes[4096];
	struct block_base base = { .block = OTHER };
	struct block_change change = { .block = OTHER, .len = 1, .kind = BLOCK_COPY, .data = &values[OTHER] };

	assert(block_read(cache, OTHER, bytes, NULL, &base.generation) >= 0);
	commit_change(&change, &base, 0);
}

/* What points to the blocks may be on the disk as long as a block is not there that was changed before. */
static void test_failures(void)
{
	char command[64];

	start(4096, 8, 0);
	take_data(TAKEN, 8, 7, 0);
	change_other();
	sync_all();
	assert(frames() == 10);
	snprintf(command, sizeof(command), "fail write %u %u", first_sector + OTHER * sectors, sectors);
	/* In the same group. */
	control(command);
	change_other();
	release(TAKEN, 1, 0);
	assert(block_sync(cache, &mark) == -EIO && frames() == 10 && on_disk(TAKEN) == 7);
	/* In an earlier one, kept for the next. */
	release(TAKEN + 1, 1, 0);
	assert(block_sync(cache, &mark) == -EIO && frames() == 10 && on_disk(TAKEN + 1) == 7);
	control("fail off");
	sync_all();
	/* The same, and the group was closed before. */
	control(command);
	change_other();
	commit_change(NULL, NULL, CLOSED);
	release(TAKEN + 5, 1, CLOSED);
	assert(block_sync_until(cache, &mark, UINT64_MAX) == -EIO && frames() == 10 && on_disk(TAKEN + 5) == 7);
	control("fail off");
	sync_all();
	/* In an earlier one, and then in the open one, as it was changed again before the group was written. */
	control(command);
	change_other();
	commit_change(NULL, NULL, CLOSED);
	release(TAKEN + 2, 1, 0);
	take_data(20, 1, 1, CLOSED);
	meanwhile = change_other;
	assert(block_sync_until(cache, &mark, UINT64_MAX) == -EIO && !meanwhile && frames() == 11 && on_disk(TAKEN + 2) == 7);
	control("fail off");
	sync_all();
	/* Afterwards all is well again. */
	release(TAKEN + 3, 1, 0);
	sync_all();
	assert(frames() == 10 && !on_disk(TAKEN + 3) && on_disk(TAKEN + 4) == 7);
	stop();
}

/* Blocks that are smaller than a page: whole pages go, and nothing of others. */
static void test_small_blocks(unsigned size, unsigned first)
{
	unsigned per_page = PAGE_SIZE / size, skip = first * MEMORY_DISK_SECTOR / size % per_page, begin = 2 * per_page - skip;

	start(size, first, 0);
	take_data(begin, 4 * per_page, 7, 0);
	sync_all();
	assert(frames() == 5);
	/* A page and the half of another, in pieces. */
	release(begin, 1, 0);
	release(begin + 1, per_page + per_page / 2 - 1, 0);
	sync_all();
	assert(frames() == 4 && !on_disk(begin) && !on_disk(begin + per_page - 1) && on_disk(begin + 2 * per_page - 1) == 7);
	release(begin + 3 * per_page + 1, per_page - 1, 0);
	take_data(begin, per_page, 3, 0);
	sync_all();
	assert(frames() == 5 && on_disk(begin + 3 * per_page) == 7 && on_disk(begin) == 3);
	/* One block of a page that somebody has taken keeps it. */
	release(begin + 2 * per_page, per_page, CLOSED);
	take_data(begin + 2 * per_page + 1, 1, 5, 0);
	sync_all();
	assert(frames() == 5 && on_disk(begin + 2 * per_page + 1) == 5 && on_disk(begin + 3 * per_page) == 7);
	stop();
}

/* Without an order nobody knows what is on the disk. */
static void test_unordered(void)
{
	start(4096, 8, BLOCK_CACHE_UNORDERED);
	take_data(TAKEN, 2, 7, 0);
	sync_all();
	release(TAKEN, 2, 0);
	sync_all();
	assert(frames() == 3 && on_disk(TAKEN) == 7);
	stop();
}

int main(void)
{
	log_set_console_level(0);	/* the faults are meant */
	host_seed(1);
	test_given_back();
	test_taken_again(0);
	test_taken_again(CLOSED);
	test_freed_again(false);
	test_freed_again(true);
	test_order();
	test_failures();
	test_small_blocks(1024, 2);
	test_small_blocks(1024, 8);
	test_small_blocks(2048, 4);
	test_small_blocks(2048, 8);
	test_unordered();
	return 0;
}
