/* SPDX-License-Identifier: MIT */
/* See commit_callers.h. */
#include "test/host/commit_callers.h"
#include "block/block_cache.h"
#include "lib/errno.h"
#include "test/host/cut_disk.h"
#include "test/host/fibers.h"
#include "test/host/host.h"

#include <assert.h>

/* More bytes than a commit may have fit into its changes only with blocks of this size. */
enum { BLOCK = PAGE_SIZE, BLOCKS = 16, READ = 5 };

static const struct block_cache_options options = { .max_blocks = 1024, .age_ns = 1 << 30 };
static struct block_cache *cache;
static uint8_t bytes[BLOCK];
static struct block_base base;
static struct block_change changes[BLOCK_COMMIT_CHANGES];
static struct block_commit commit;

/* One that would do: all of a block. */
static void make_commit(void)
{
	base = (struct block_base){ .block = 3 };
	assert(!block_read(cache, 3, bytes, NULL, &base.generation));
	for (unsigned i = 0; i < BLOCK_COMMIT_CHANGES; i++)
		changes[i] = (struct block_change){ .block = 3, .len = BLOCK, .kind = BLOCK_COPY, .data = bytes };
	commit = (struct block_commit){ .bases = &base, .changes = changes, .base_count = 1, .change_count = 1 };
}

static int do_commit(void)
{
	uint64_t number;

	return block_commit(cache, &commit, &number);
}

static int try_cache(struct disk *disk, uint64_t first_sector, uint64_t blocks, unsigned block_size, unsigned max_blocks)
{
	const struct block_cache_options wanted = { .max_blocks = max_blocks };
	int error = block_cache_create(disk, first_sector, blocks, block_size, &wanted, &cache);

	if (!error)
		block_cache_destroy(cache);
	return error;
}

void test_cache_sizes(struct disk *disk)
{
	static const unsigned wrong[] = { 0, 1, 512, 1000, 1023, 1025, 3072, 4097, 8192, 1u << 31, UINT32_MAX };
	const unsigned least = 4 * BLOCK_COMMIT_BASES;
	const uint64_t sectors = disk->sector_count;
	struct disk coarse;

	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++)
		assert(try_cache(disk, 0, 1, wrong[i], least) == -EINVAL);
	for (unsigned size = 1024; size <= 4096; size *= 2) {
		uint64_t most = sectors * 512 / size;

		assert(!try_cache(disk, 0, most, size, least) && try_cache(disk, 0, most + 1, size, least) == -EINVAL);
		assert(!try_cache(disk, size / 512, most - 1, size, least) && try_cache(disk, 1, most, size, least) == -EINVAL);
		assert(try_cache(disk, 0, 0, size, least) == -EINVAL && try_cache(disk, 0, UINT64_MAX, size, least) == -EINVAL);
		assert(try_cache(disk, 0, 1, size, least - 1) == -EINVAL && try_cache(disk, sectors + 1, 1, size, least) == -EINVAL);
		assert(try_cache(disk, sectors, 1, size, least) == -EINVAL && try_cache(disk, UINT64_MAX, 1, size, least) == -EINVAL);
		assert(try_cache(disk, 0, 1ull << 63, size, least) == -EINVAL && try_cache(disk, 0, (1ull << 55) + 1, size, least) == -EINVAL);
	}
	for (long allowed = 0; allowed < 2; allowed++) {
		host_fail_allocation(allowed);
		assert(try_cache(disk, 0, 1, 1024, least) == -ENOMEM && host_allocation_failed());
	}
	disk_init(&coarse, "coarse", 4096, 100);
	assert(try_cache(&coarse, 0, 1, 2048, least) == -EINVAL && !try_cache(&coarse, 0, 100, 4096, least));
}

void test_commit_callers(struct disk *disk)
{
	uint64_t generation;

	assert(!block_cache_create(disk, 0, BLOCKS, BLOCK, &options, &cache));
	assert(block_read(cache, BLOCKS, bytes, NULL, &generation) == -EINVAL);
	make_commit();
	assert(!do_commit());
	make_commit();
	changes[0].data = NULL;
	assert(do_commit() == -EINVAL);
	make_commit();
	commit.base_count = BLOCK_COMMIT_BASES + 1;
	assert(do_commit() == -EINVAL);
	make_commit();
	commit.change_count = BLOCK_COMMIT_CHANGES + 1;
	assert(do_commit() == -EINVAL);
	make_commit();
	commit.flags = BLOCK_COMMIT_FLAGS + 1;
	assert(do_commit() == -EINVAL);
	make_commit();
	commit.answer_len = 1;
	assert(do_commit() == -EINVAL);
	make_commit();
	commit.change_count = BLOCK_COMMIT_BYTES / BLOCK;
	assert(!do_commit());
	make_commit();
	commit.change_count = BLOCK_COMMIT_BYTES / BLOCK + 1;
	changes[0].len = 1;
	assert(do_commit() == -EINVAL);
	block_cache_destroy(cache);
}

static bool tried;

static void read_slowly(void *unused)
{
	uint64_t generation;

	assert(!block_read(cache, READ, bytes, NULL, &generation) && generation);
}

/* A block that another thread of the server is just reading has no generation, but a commit cannot take it for one that is not cached. */
static void commit_meanwhile(void *unused)
{
	struct block_cache_stats stats = { 0 };

	for (; !stats.reads; block_cache_get_stats(cache, &stats))
		fiber_yield();
	assert(!block_generation(cache, READ));
	base = (struct block_base){ .block = READ };
	changes[0] = (struct block_change){ .block = READ, .kind = BLOCK_FRESH };
	commit = (struct block_commit){ .bases = &base, .changes = changes, .base_count = 1, .change_count = 1 };
	assert(do_commit() == -ESTALE);
	tried = true;
}

static void complete_then(void *unused)
{
	while (!tried)
		fiber_yield();
	cut_disk_fiber(NULL);
}

void test_commit_while_reading(void)
{
	static uint8_t image[BLOCKS * BLOCK];

	cut_disk_begin(image, sizeof(image));
	assert(!block_cache_create(&cut_disk.disk, 0, BLOCKS, BLOCK, &options, &cache));
	fiber_start(read_slowly, NULL, false);
	fiber_start(read_slowly, NULL, false);
	fiber_start(commit_meanwhile, NULL, false);
	fiber_start(complete_then, NULL, true);
	fibers_run();
	block_cache_destroy(cache);
	cut_disk_end();
}
