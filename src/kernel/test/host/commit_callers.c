/* SPDX-License-Identifier: MIT */
/* See commit_callers.h. */
#include "test/host/commit_callers.h"
#include "block/block_cache.h"
#include "lib/errno.h"
#include "test/host/cut_disk.h"
#include "test/host/fibers.h"

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

void test_commit_callers(struct disk *disk)
{
	assert(!block_cache_create(disk, 0, BLOCKS, BLOCK, &options, &cache));
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
	fiber_start(commit_meanwhile, NULL, false);
	fiber_start(complete_then, NULL, true);
	fibers_run();
	block_cache_destroy(cache);
	cut_disk_end();
}
