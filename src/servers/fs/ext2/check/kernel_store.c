/* SPDX-License-Identifier: MIT */
/*
 * store.h with the kernel's own block layer below the library: a memory disk, whose log is what is cut, the cache, its commits and its ordered
 * write-back. Compiled as the kernel's host tests are. Lapses are what the library does not ask for; that of the order is the cache's.
 */
#include "block/block_internal.h"
#include "block/memory_disk.h"
#include "mm/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ext2/check/store.h"

enum { SECTOR = MEMORY_DISK_SECTOR, CACHE_BLOCKS = 512 };
#define LOG_ON "log on 67108864"

_Static_assert(EXT2_COPY == (int)BLOCK_COPY && EXT2_SET_BITS == (int)BLOCK_SET_BITS && EXT2_CLEAR_BITS == (int)BLOCK_CLEAR_BITS, "kinds");
_Static_assert(EXT2_FRESH == (int)BLOCK_FRESH && EXT2_FORGET == (int)BLOCK_FORGET && EXT2_NEW_DATA == (int)BLOCK_NEW_DATA, "kinds");
_Static_assert(EXT2_FIRST == (int)BLOCK_FIRST && EXT2_LATE == (int)BLOCK_LATE && EXT2_SETTLED == (int)BLOCK_SETTLED, "flags of changes");
_Static_assert(EXT2_FINAL == (int)BLOCK_FINAL && EXT2_BOUNDARY_BEFORE == (int)BLOCK_BOUNDARY_BEFORE &&
	       EXT2_BOUNDARY_AFTER == (int)BLOCK_BOUNDARY_AFTER, "flags of commits");

/* File data that goes to the disk with its group. */
struct data { uint64_t block, group; uint8_t *bytes; };

struct kernel_store {
	struct memory_disk *memory;
	struct block_cache *cache;	/* NULL until the block size is known */
	struct block_error_mark mark;
	uint64_t log_at;
	struct data *data;
	unsigned data_count, data_room;
	unsigned random;
};

const char store_kind[] = "the kernel's block cache";
const bool store_forgets = true;

static struct store *to_store(struct ext2_io *io)
{
	return (struct store *)io;
}

static void transfer(struct store *store, enum disk_operation operation, uint64_t sector, void *bytes, size_t len)
{
	assert(!disk_transfer(memory_disk_disk(store->kernel->memory), operation, sector, len / SECTOR, bytes));
}

/* The disk as a whole. */
static void transfer_all(struct store *store, enum disk_operation operation, uint8_t *bytes)
{
	for (size_t at = 0; at < store->size; at += PAGE_SIZE)
		transfer(store, operation, at / SECTOR, bytes + at, MIN(store->size - at, (size_t)PAGE_SIZE));
}

static void drop_data(struct kernel_store *kernel)
{
	for (unsigned i = 0; i < kernel->data_count; i++)
		free(kernel->data[i].bytes);
	kernel->data_count = 0;
}

static void write_block_data(struct store *store, uint64_t block, uint64_t group)
{
	struct kernel_store *kernel = store->kernel;
	unsigned size = store->io.block_size, at = kernel->data_count;
	uint8_t *zeroes = calloc(1, size);

	while (at && (kernel->data[at - 1].block != block || kernel->data[at - 1].group != group))
		at--;
	transfer(store, DISK_WRITE, block * (size / SECTOR), at ? kernel->data[at - 1].bytes : zeroes, size);
	free(zeroes);
}

static void write_data(void *context, uint64_t block, uint64_t count, uint64_t group)
{
	for (uint64_t i = 0; i < count; i++)
		write_block_data(context, block + i, group);
}

static const struct block_cache_ops cache_ops = { .write_data = write_data };

static void make_cache(struct store *store)
{
	struct block_cache_options options = { .max_blocks = CACHE_BLOCKS, .age_ns = UINT64_MAX / 2, .ops = &cache_ops, .context = store };
	struct kernel_store *kernel = store->kernel;

	if (kernel->cache)
		return;
	store->block_count = store->size / store->io.block_size;
	store->blocks = calloc(store->block_count, sizeof(*store->blocks));
	assert(!block_cache_create(memory_disk_disk(kernel->memory), 0, store->block_count, store->io.block_size, &options, &kernel->cache));
	block_error_mark_init(kernel->cache, &kernel->mark);
	store->io.group = block_open_group(kernel->cache);
}

/* Before the cache is there from the disk, then as it has it. */
static int store_read(struct ext2_io *io, uint64_t offset, void *bytes, size_t len)
{
	struct kernel_store *kernel = to_store(io)->kernel;
	unsigned size = kernel->cache ? io->block_size : SECTOR;
	uint64_t first = offset / size, end = (offset + len + size - 1) / size, generation;
	uint8_t *buffer = malloc((end - first) * size);

	if (!kernel->cache)
		transfer(to_store(io), DISK_READ, first, buffer, (end - first) * size);
	for (uint64_t i = first; kernel->cache && i < end; i++)
		assert(!block_read(kernel->cache, i, buffer + (i - first) * size, NULL, &generation));
	memcpy(bytes, buffer + offset % size, len);
	free(buffer);
	return 0;
}

static int store_get(struct ext2_io *io, uint32_t number, struct ext2_image *image)
{
	struct store *store = to_store(io);
	struct block_cache *cache;
	int early;

	make_cache(store);
	assert(number < store->block_count);
	if (store_get_fails(store))
		return -EIO;
	cache = store->kernel->cache;
	if (!image->data) {
		image->generation = block_generation(cache, number);
		return 0;
	}
	early = block_read(cache, number, image->data, image->early, &image->generation);
	assert(early >= 0);
	image->has_early = early;
	return 0;
}

/* The disk's log becomes the store's; a flush ends a phase. */
static void read_log(struct store *store)
{
	struct kernel_store *kernel = store->kernel;
	struct memory_disk_record record;
	struct store_phase phase = { 0 };
	unsigned size = store->io.block_size;
	uint8_t *bytes = malloc(size);
	ssize_t got;

	while ((got = memory_disk_log_read(kernel->memory, kernel->log_at, &record, sizeof(record))) == sizeof(record)) {
		kernel->log_at += sizeof(record);
		if (record.operation == DISK_FLUSH) {
			store_add_phase(store, &phase);
			memset(&phase, 0, sizeof(phase));
		}
		for (unsigned at = 0; at < record.sector_count; at += size / SECTOR) {
			assert(memory_disk_log_read(kernel->memory, kernel->log_at, bytes, size) == size);
			kernel->log_at += size;
			store_add_write(store, &phase, (record.sector + at) / (size / SECTOR), bytes);
		}
	}
	assert(got == 0);
	store_add_phase(store, &phase);
	free(bytes);
	kernel->log_at = 0;
	assert(!memory_disk_control(kernel->memory, "log off") && !memory_disk_control(kernel->memory, LOG_ON));
}

static void sync_all(struct store *store)
{
	struct kernel_store *kernel = store->kernel;

	if (store->lapses & STORE_NO_ORDER)
		kernel->cache->options.flags |= BLOCK_CACHE_UNORDERED;
	assert(!block_sync(kernel->cache, &kernel->mark));
	drop_data(kernel);
	read_log(store);
	store->io.group = block_open_group(kernel->cache);
}

void store_end_group(struct store *store)
{
	struct block_cache_stats stats;

	if (!store->kernel->cache)
		return;
	sync_all(store);
	block_cache_get_stats(store->kernel->cache, &stats);
	store->groups = stats.groups;
	store->risky = store->group_used = false;
}

/* What was freed goes before what points to it. */
static void discard_early(struct store *store, const struct ext2_commit *commit)
{
	unsigned sectors = store->io.block_size / SECTOR;

	for (unsigned i = 0; i < commit->change_count; i++)
		if (commit->changes[i].kind == EXT2_FORGET)
			assert(!disk_prepare(memory_disk_disk(store->kernel->memory), (uint64_t)commit->changes[i].block * sectors,
					     (uint64_t)commit->changes[i].len * sectors, true));
}

/* What may happen at any time: write-back, and that blocks go that are clean. */
static void disturb(struct store *store)
{
	unsigned what = rand_r(&store->kernel->random) % 40;

	if (what == 0 && !store->lapses)
		sync_all(store);
	if (what == 1)
		block_cache_drop(store->kernel->cache);
}

static int commit_to_cache(struct store *store, const struct ext2_commit *commit, unsigned flags)
{
	static const struct { unsigned lapse, flag; } left_out[] = {
		{ STORE_NO_FIRST, BLOCK_FIRST }, { STORE_NO_LATE, BLOCK_LATE }, { STORE_NO_SETTLED, BLOCK_SETTLED },
	};
	struct block_change changes[BLOCK_COMMIT_CHANGES];
	struct block_base bases[BLOCK_COMMIT_BASES];
	struct block_commit to = { .bases = bases, .changes = changes, .base_count = commit->base_count, .change_count = commit->change_count,
				   .flags = flags, .group = commit->group, .generations = commit->generations };
	uint64_t number;
	int error;

	assert(commit->base_count <= BLOCK_COMMIT_BASES && commit->change_count <= BLOCK_COMMIT_CHANGES);
	if (commit->flags & EXT2_FINAL) {
		to.answer = commit->answer;
		to.answer_len = commit->answer_len;
	}
	for (unsigned i = 0; i < commit->base_count; i++)
		bases[i] = (struct block_base){ commit->bases[i].block, commit->bases[i].generation };
	for (unsigned i = 0; i < commit->change_count; i++) {
		const struct ext2_change *change = &commit->changes[i];

		changes[i] = (struct block_change){ .block = change->block, .data = change->data, .offset = change->offset, .len = change->len,
						    .kind = change->kind, .flags = change->flags };
		for (unsigned n = 0; n < sizeof(left_out) / sizeof(left_out[0]); n++)
			if (store->lapses & left_out[n].lapse)
				changes[i].flags &= ~left_out[n].flag;
	}
	error = block_commit(store->kernel->cache, &to, &number);
	if (!error && store->lapses & STORE_EARLY_DISCARD)
		discard_early(store, commit);
	store->io.group = block_open_group(store->kernel->cache);
	return error;
}

static int store_commit(struct ext2_io *io, const struct ext2_commit *commit)
{
	struct store *store = to_store(io);
	bool risky = commit->flags & EXT2_BOUNDARY_BEFORE && commit->flags & EXT2_BOUNDARY_AFTER;
	bool end = store_begin_commit(store);
	unsigned flags = commit->flags;
	int error;

	if (store->stale) {
		store->stale = false;
		store_end_group(store);
		return -ESTALE;
	}
	/* What is dropped by one that changes nothing would be noticed by none. */
	if (commit->base_count)
		disturb(store);
	if (store->lapses & STORE_NO_BOUNDARY) {
		flags &= ~(BLOCK_BOUNDARY_BEFORE | BLOCK_BOUNDARY_AFTER);
		risky = false;
	}
	/* Its phases alone are marked as risky. */
	if (risky)
		store_end_group(store);
	store->risky = risky;
	error = commit_to_cache(store, commit, flags);
	if (error == -ESTALE) {
		store->risky = false;
		return error;
	}
	if (error) {
		fprintf(stderr, "ext2: a commit of %u bases, %u changes: %d\n", commit->base_count, commit->change_count, error);
		abort();
	}
	store->group_used = true;
	if (risky)
		store_end_group(store);
	store_end_commit(store, commit, end);
	return 0;
}

void store_open(struct store *store, uint8_t *bytes, size_t size)
{
	struct kernel_store *kernel = calloc(1, sizeof(*kernel));

	memset(store, 0, sizeof(*store));
	store->kernel = kernel;
	store->io = (struct ext2_io){ .size = size, .read = store_read, .get = store_get, .commit = store_commit, .log = store_say };
	store->disk = bytes;
	store->size = size;
	store->gets_left = store->commits_left = store->good_gets = -1;
	kernel->random = 1;
	/* Without a module, so that what is freed can be discarded. */
	kernel->memory = memory_disk_create("ram", 0, 0, size);
	assert(kernel->memory);
	transfer_all(store, DISK_WRITE, bytes);
	assert(!memory_disk_control(kernel->memory, LOG_ON));
}

void store_flush(struct store *store)
{
	store_end_group(store);
	store_drop_log(store);
	transfer_all(store, DISK_READ, store->disk);
}

void store_close(struct store *store)
{
	struct kernel_store *kernel = store->kernel;

	store_end_group(store);
	store_drop_log(store);
	if (kernel->cache)
		block_cache_destroy(kernel->cache);
	memory_disk_destroy(kernel->memory);
	free(kernel->data);
	free(kernel);
	free(store->blocks);
	free(store->phases);
	free(store->disk);
}

uint8_t *store_image(struct store *store)
{
	uint8_t *image = malloc(store->size);

	store_end_group(store);
	transfer_all(store, DISK_READ, image);
	return image;
}

void store_write_data(struct store *store, uint32_t block, const uint8_t *bytes)
{
	struct kernel_store *kernel = store->kernel;
	unsigned size = store->io.block_size;
	uint8_t *copy = store_copy_block(store, bytes);

	store->group_used = true;
	if (!block_data_pending(kernel->cache, block, 1)) {
		/* The mapping is on the disk: in place. */
		transfer(store, DISK_WRITE, (uint64_t)block * (size / SECTOR), copy, size);
		free(copy);
		return;
	}
	if (kernel->data_count == kernel->data_room) {
		kernel->data_room = kernel->data_room ? kernel->data_room * 2 : 64;
		kernel->data = realloc(kernel->data, kernel->data_room * sizeof(*kernel->data));
	}
	kernel->data[kernel->data_count++] = (struct data){ block, block_data_group(kernel->cache, block), copy };
}
