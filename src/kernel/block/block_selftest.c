/* SPDX-License-Identifier: MIT */
/* Self-tests of the block layer as a whole, with threads: commits, the write-back thread, syncs and dropped blocks on one memory disk; errors; no leaks. */
#include "block/block_cache.h"
#include "block/memory_disk.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "security/random.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

enum {
	BLOCK = 1024, BLOCKS = 512, SECTORS = BLOCK / MEMORY_DISK_SECTOR, FIRST_SECTOR = 8,
	WORKERS = 4, OWN = 16, ROUNDS = 150, BITMAP = 1, FIRST_OWN = 8, LOG_BYTES = 8 << 20,
};

static struct selftest_group group;
static struct memory_disk *memory;
static struct block_cache *cache;
static uint64_t last_values[WORKERS * OWN];	/* each is one worker's */
static uint32_t workers_left, stale;		/* atomic */

static bool start(void)
{
	struct block_cache_options options = { .max_blocks = 256, .age_ns = 5 * NS_PER_MS };

	memory = memory_disk_create("selftest", 0, 0, 1 << 20);
	SELFTEST_CHECK(memory);
	if (!memory)
		return false;
	SELFTEST_CHECK(!block_cache_create(memory_disk_disk(memory), FIRST_SECTOR, BLOCKS, BLOCK, &options, &cache));
	return true;
}

static void stop(void)
{
	block_cache_destroy(cache);
	memory_disk_destroy(memory);
}

/* Writes @value into block @block, and with the same commit sets its bit in the bitmap, or clears it, late. The commit's number, or an error. */
static int64_t change(uint64_t block, uint64_t value, void *buffer)
{
	struct block_base bases[2] = { { .block = block }, { .block = BITMAP } };
	struct block_change changes[2] = {
		{ .block = block, .len = sizeof(value), .kind = BLOCK_COPY, .data = &value },
		{ .block = BITMAP, .offset = block, .len = 1, .kind = BLOCK_SET_BITS, .flags = BLOCK_FIRST },
	};
	struct block_commit commit = { .bases = bases, .changes = changes, .base_count = 2, .change_count = 2, .flags = BLOCK_FINAL };
	uint64_t number;
	int error;

	if (value % 2) {
		changes[1].kind = BLOCK_CLEAR_BITS;
		changes[1].flags |= BLOCK_LATE;
	}
	do {
		error = block_read(cache, block, buffer, NULL, &bases[0].generation);
		if (!error)
			error = block_read(cache, BITMAP, buffer, NULL, &bases[1].generation);
		if (!error)
			error = block_commit(cache, &commit, &number);
		if (error == -ESTALE)
			atomic_add(&stale, 1);
	} while (error == -ESTALE);
	return error ? error : (int64_t)number;
}

static uint64_t value_on_disk(uint64_t block, void *buffer)
{
	SELFTEST_CHECK(!disk_transfer(memory_disk_disk(memory), DISK_READ, FIRST_SECTOR + block * SECTORS, SECTORS, buffer));
	return *(uint64_t *)buffer;
}

static void worker(void *arg)
{
	uint64_t me = (uint64_t)arg;
	struct block_error_mark mark;
	void *buffer = kmalloc(BLOCK);

	block_error_mark_init(cache, &mark);
	for (uint64_t i = 1; buffer && i <= ROUNDS; i++) {
		uint64_t own = me * OWN + random_below(OWN), block = FIRST_OWN + own;
		int64_t number = change(block, i, buffer);

		SELFTEST_CHECK(number > 0);
		last_values[own] = i;
		if (i % 16)
			continue;
		SELFTEST_CHECK(!block_sync_until(cache, &mark, number));
		SELFTEST_CHECK(value_on_disk(block, buffer) == i);
	}
	SELFTEST_CHECK(buffer);
	kfree(buffer);
	atomic_sub(&workers_left, 1);
}

/* Takes blocks away, and syncs everything, as often as it can. */
static void disturber(void *arg)
{
	struct block_error_mark mark;

	block_error_mark_init(cache, &mark);
	while (atomic_load(&workers_left)) {
		block_cache_drop(cache);
		SELFTEST_CHECK(!block_sync(cache, &mark));
		sched_yield();
	}
}

/* The log makes the disk again. */
static void check_log(void)
{
	uint8_t *image = kzalloc(1 << 20), *sector = kmalloc(BLOCK);
	struct memory_disk_record record;
	uint64_t position = 0, flushes = 0;
	ssize_t len;

	SELFTEST_CHECK(image && sector);
	while (image && sector && (len = memory_disk_log_read(memory, position, &record, sizeof(record))) == sizeof(record)) {
		position += sizeof(record);
		flushes += record.operation == DISK_FLUSH;
		len = memory_disk_log_read(memory, position, image + record.sector * MEMORY_DISK_SECTOR, record.sector_count * MEMORY_DISK_SECTOR);
		SELFTEST_CHECK(len == (ssize_t)record.sector_count * MEMORY_DISK_SECTOR);
		position += len;
	}
	SELFTEST_CHECK(image && sector && len == 0 && flushes);
	for (unsigned i = 0; image && sector && i < BLOCKS; i++) {
		value_on_disk(i, sector);
		SELFTEST_CHECK(!memcmp(sector, image + (FIRST_SECTOR + i * SECTORS) * MEMORY_DISK_SECTOR, BLOCK));
	}
	kfree(image);
	kfree(sector);
}

static void check_values(void)
{
	uint8_t *bitmap = kmalloc(BLOCK), *buffer = kmalloc(BLOCK);

	SELFTEST_CHECK(bitmap && buffer);
	if (bitmap && buffer) {
		value_on_disk(BITMAP, bitmap);
		for (unsigned own = 0; own < WORKERS * OWN; own++) {
			unsigned block = FIRST_OWN + own;
			bool bit = bitmap[block / 8] >> block % 8 & 1;

			SELFTEST_CHECK(value_on_disk(block, buffer) == last_values[own]);
			SELFTEST_CHECK(bit == (last_values[own] && last_values[own] % 2 == 0));
		}
	}
	kfree(bitmap);
	kfree(buffer);
}

SELFTEST(block_commits_of_threads_reach_the_disk)
{
	struct block_error_mark mark;
	struct block_cache_stats stats;

	memset(last_values, 0, sizeof(last_values));
	atomic_store(&stale, 0);
	if (!start())
		return;
	SELFTEST_CHECK(!memory_disk_control(memory, "log on 8388608"));
	SELFTEST_CHECK(!block_cache_start_thread(cache));
	block_error_mark_init(cache, &mark);
	selftest_group_init(&group);
	atomic_store(&workers_left, WORKERS);
	for (uint64_t i = 0; i < WORKERS; i++)
		selftest_start(&group, CLASS_NORMAL, worker, (void *)i);
	selftest_start(&group, CLASS_NORMAL, disturber, NULL);
	SELFTEST_CHECK(selftest_join(&group));
	SELFTEST_CHECK(!block_sync(cache, &mark));
	block_cache_get_stats(cache, &stats);
	SELFTEST_CHECK(!stats.dirty && stats.commits == WORKERS * ROUNDS && stats.stale == atomic_load(&stale) && !stats.errors);
	check_values();
	check_log();
	stop();
}

/* What is old is written without anybody asking. */
SELFTEST(block_write_back_thread_writes_what_is_old)
{
	void *buffer = kmalloc(BLOCK);
	uint64_t end = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	SELFTEST_CHECK(buffer);
	if (!buffer || !start())
		return;
	SELFTEST_CHECK(!block_cache_start_thread(cache));
	SELFTEST_CHECK(change(20, 4711, buffer) == 1);
	while (value_on_disk(20, buffer) != 4711 && clock_monotonic_ns() < end)
		sched_sleep_until(clock_monotonic_ns() + NS_PER_MS, false);
	SELFTEST_CHECK(value_on_disk(20, buffer) == 4711);
	stop();
	kfree(buffer);
}

SELFTEST(block_write_errors_are_heard_and_mended)
{
	struct block_error_mark mark, other;
	void *buffer = kmalloc(BLOCK);

	SELFTEST_CHECK(buffer);
	if (!buffer || !start())
		return;
	block_error_mark_init(cache, &mark);
	SELFTEST_CHECK(change(20, 1, buffer) == 1);
	SELFTEST_CHECK(!memory_disk_control(memory, "fail write 48 2"));	/* block 20 */
	SELFTEST_CHECK(block_sync(cache, &mark) == -EIO);
	block_error_mark_init(cache, &other);
	SELFTEST_CHECK(change(30, 1, buffer) == 2);
	SELFTEST_CHECK(!block_sync_until(cache, &other, 2) && value_on_disk(30, buffer) == 1);
	SELFTEST_CHECK(block_sync(cache, &mark) == -EIO && value_on_disk(20, buffer) == 0);
	SELFTEST_CHECK(!memory_disk_control(memory, "fail off"));
	SELFTEST_CHECK(block_sync_until(cache, &mark, 1) == 0 && value_on_disk(20, buffer) == 1);
	SELFTEST_CHECK(change(20, 3, buffer) == 3 && !memory_disk_control(memory, "fail flush 0 0 1"));
	SELFTEST_CHECK(block_sync(cache, &mark) == -EIO && block_sync(cache, &mark) == 0 && value_on_disk(20, buffer) == 3);
	stop();
	kfree(buffer);
}

SELFTEST(block_layer_gives_everything_back)
{
	void *buffer = kmalloc(BLOCK);
	bool balanced = false;

	SELFTEST_CHECK(buffer);
	/* Other threads use the heap, too, and some things are made once; what leaks does so each time. */
	for (unsigned i = 0; buffer && i < 10 && !balanced; i++) {
		size_t before = heap_used_bytes();

		if (!start())
			break;
		for (unsigned block = 2; block < 200; block++)
			SELFTEST_CHECK(change(block, block, buffer) > 0);
		stop();
		balanced = heap_used_bytes() == before;
	}
	SELFTEST_CHECK(balanced);
	kfree(buffer);
}
