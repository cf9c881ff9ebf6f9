/* SPDX-License-Identifier: MIT */
/*
 * What is cached: looking blocks up, reading them, dropping clean ones.
 *
 * Locks: caches_lock (mutex) guards the list of caches that the shrinker goes through; then cache->lock (mutex), which guards everything of a cache. It is
 * not held while the disk works.
 */
#include "block/block_internal.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/oom.h"
#include "security/random.h"

static struct mutex caches_lock = MUTEX_INIT(caches_lock, LOCK_BLOCK_CACHES);
static struct list caches = LIST_INIT(caches);	/* guarded by caches_lock */
static bool shrinker_known;			/* guarded by caches_lock */
static uint64_t last_generation;		/* atomic */

uint64_t block_next_generations(unsigned count)
{
	return atomic_add(&last_generation, count) - count + 1;
}

void block_cache_wait(struct block_cache *cache)
{
	struct waiter waiter;

	wait_begin(&cache->queue, &waiter);
	mutex_unlock(&cache->lock);
	wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	mutex_lock(&cache->lock);
}

/* ---- Blocks ---- */

struct block *block_find_slowly(struct block_cache *cache, uint64_t number)
{
	struct block *block = page_tree_get(&cache->blocks, number);

	if (block)
		cache->seen[number % BLOCK_HINTS] = block;
	return block;
}

/* Nobody finds it any more. */
static void hide(struct block_cache *cache, struct block *block)
{
	struct block **seen = &cache->seen[block->number % BLOCK_HINTS];

	page_tree_remove(&cache->blocks, block->number);
	if (*seen == block)
		*seen = NULL;
}

void block_touch(struct block_cache *cache, struct block *block)
{
	list_remove(&block->clean_link);
	if (block_is_clean(block))
		list_push_back(&cache->clean, &block->clean_link);
}

void block_free(struct block_cache *cache, struct block *block)
{
	if (!block->forgotten)
		hide(cache, block);
	list_remove(&block->clean_link);
	cache->cached--;
	kfree(block->early);
	kfree(block->data);
	kfree(block);
}

/* Drops up to @count clean blocks, those not used for longest first. */
static unsigned evict(struct block_cache *cache, unsigned count)
{
	struct block *block, *next;
	unsigned done = 0;

	list_for_each_safe(block, next, &cache->clean, clean_link) {
		if (done == count)
			break;
		block_free(cache, block);
		done++;
	}
	return done;
}

struct block *block_make(struct block_cache *cache, uint64_t number)
{
	struct block *block;

	if (cache->cached >= cache->options.max_blocks && !evict(cache, 1))
		return NULL;
	block = kzalloc(sizeof(*block));
	if (!block)
		return NULL;
	block->number = number;
	list_init(&block->closed);
	list_init(&block->clean_link);
	if (page_tree_insert(&cache->blocks, number, block)) {
		kfree(block);
		return NULL;
	}
	cache->cached++;
	return block;
}

void block_forget(struct block_cache *cache, struct block *block)
{
	struct write_entry *entry, *next;

	if (block->open)
		write_entry_drop(cache, block->open);
	if (block->retry)
		write_entry_drop(cache, block->retry);
	list_for_each_safe(entry, next, &block->closed, block_link) {
		list_remove(&entry->block_link);
		entry->block = NULL;
	}
	if (block->shared)
		block->data = NULL;
	if (!block->reading) {
		block_free(cache, block);
		return;
	}
	hide(cache, block);
	block->forgotten = true;
}

/* Reads an uncached block; lets the lock go meanwhile. 0: it may be there now. */
static int read_block(struct block_cache *cache, uint64_t number)
{
	struct block *block = block_make(cache, number);
	int error;

	if (!block)
		return -ENOMEM;
	block->data = kmalloc(cache->block_size);
	if (!block->data) {
		block_free(cache, block);
		return -ENOMEM;
	}
	block->reading = true;
	cache->stats.reads++;
	mutex_unlock(&cache->lock);
	error = disk_transfer(cache->disk, DISK_READ, cache->first_sector + number * cache->block_sectors, cache->block_sectors, block->data);
	mutex_lock(&cache->lock);
	block->reading = false;
	wake_all(&cache->queue);
	if (error || block->forgotten) {
		block_free(cache, block);
		return error;
	}
	block->generation = block_next_generations(1);
	block_touch(cache, block);
	return 0;
}

/* The block, read if need be. The lock may have been let go meanwhile. */
static int get_block(struct block_cache *cache, uint64_t number, struct block **out)
{
	bool waited = false;
	int error;

	if (number >= cache->block_count)
		return -EINVAL;
	for (;; waited = true) {
		struct block *block = block_find(cache, number);

		if (block && !block->reading) {
			cache->stats.hits += !waited;
			block_touch(cache, block);
			*out = block;
			return 0;
		}
		if (block) {
			block_cache_wait(cache);
			continue;
		}
		error = read_block(cache, number);
		if (error)
			return error;
	}
}

int block_read(struct block_cache *cache, uint64_t number, void *data, void *early, uint64_t *generation)
{
	struct block *block = NULL;
	int error;

	mutex_lock(&cache->lock);
	error = get_block(cache, number, &block);
	if (!error) {
		memcpy(data, block->data, cache->block_size);
		if (early && block->early) {
			memcpy(early, block->early, cache->block_size);
			error = 1;
		}
		*generation = block->generation;
	}
	mutex_unlock(&cache->lock);
	return error;
}

uint64_t block_generation(struct block_cache *cache, uint64_t number)
{
	struct block *block;
	uint64_t generation;

	mutex_lock(&cache->lock);
	block = block_find(cache, number);
	generation = block ? block->generation : 0;
	mutex_unlock(&cache->lock);
	return generation;
}

unsigned block_cache_drop(struct block_cache *cache)
{
	unsigned dropped;

	mutex_lock(&cache->lock);
	dropped = evict(cache, UINT32_MAX);
	mutex_unlock(&cache->lock);
	return dropped;
}

/* ---- All caches ---- */

static size_t shrink(size_t frames)
{
	struct block_cache *cache;
	size_t bytes = 0;

	mutex_lock(&caches_lock);
	list_for_each(cache, &caches, all_link) {
		size_t wanted = frames * PAGE_SIZE - bytes;

		if (bytes >= frames * PAGE_SIZE)
			break;
		mutex_lock(&cache->lock);
		bytes += (size_t)evict(cache, (wanted + cache->block_size - 1) / cache->block_size) * cache->block_size;
		mutex_unlock(&cache->lock);
	}
	mutex_unlock(&caches_lock);
	return bytes / PAGE_SIZE;
}

static struct shrinker block_shrinker = { .name = "file system blocks", .shrink = shrink };

/* The shrinkers' lock comes before ours, so it is not registered under that. */
static void add_cache(struct block_cache *cache)
{
	bool known;

	mutex_lock(&caches_lock);
	list_push_back(&caches, &cache->all_link);
	known = shrinker_known;
	shrinker_known = true;
	mutex_unlock(&caches_lock);
	if (!known)
		shrinker_register(&block_shrinker);
}

static bool is_possible(const struct disk *disk, uint64_t first_sector, uint64_t block_count, unsigned block_size,
			const struct block_cache_options *options)
{
	uint64_t sectors = block_size / disk->sector_size;

	if ((block_size != 1024 && block_size != 2048 && block_size != 4096) || !sectors || !block_count)
		return false;
	if (options->max_blocks < 4 * BLOCK_COMMIT_BASES || first_sector > disk->sector_count)
		return false;
	return block_count <= (disk->sector_count - first_sector) / sectors;
}

int block_cache_create(struct disk *disk, uint64_t first_sector, uint64_t block_count, unsigned block_size, const struct block_cache_options *options,
		       struct block_cache **out)
{
	struct block_cache *cache;

	if (!is_possible(disk, first_sector, block_count, block_size, options))
		return -EINVAL;
	cache = kzalloc(sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->requests = kmalloc_array(WRITE_REQUESTS, sizeof(*cache->requests));
	if (!cache->requests) {
		kfree(cache);
		return -ENOMEM;
	}
	mutex_init(&cache->lock, LOCK_BLOCK_CACHE);
	cache->disk = disk;
	cache->first_sector = first_sector;
	cache->block_count = block_count;
	cache->block_size = block_size;
	cache->block_sectors = block_size / disk->sector_size;
	cache->options = *options;
	cache->thread_wake = UINT64_MAX;
	cache->groups_closed = cache->groups_finished = random_below(1u << 31);
	wait_queue_init(&cache->queue);
	wait_queue_init(&cache->thread_queue);
	list_init(&cache->clean);
	list_init(&cache->groups);
	list_init(&cache->failed);
	list_init(&cache->spare_extents);
	add_cache(cache);
	*out = cache;
	return 0;
}

void block_cache_destroy(struct block_cache *cache)
{
	struct write_group *group, *next;
	struct block *block;
	uint64_t index = 0;

	block_cache_stop_thread(cache);
	mutex_lock(&caches_lock);
	list_remove(&cache->all_link);
	mutex_unlock(&caches_lock);
	mutex_lock(&cache->lock);
	KASSERT(!cache->writing);
	write_group_close(cache);
	while ((block = page_tree_next(&cache->blocks, &index))) {
		KASSERT(!block->reading);
		block_forget(cache, block);
	}
	list_for_each_safe(group, next, &cache->groups, link)
		write_group_finish(cache, group);
	KASSERT(!cache->dirty && !cache->cached);
	mutex_unlock(&cache->lock);
	kfree(cache->requests);
	kfree(cache);
}

void block_cache_get_stats(struct block_cache *cache, struct block_cache_stats *stats)
{
	mutex_lock(&cache->lock);
	*stats = cache->stats;
	stats->cached = cache->cached;
	stats->dirty = cache->dirty;
	mutex_unlock(&cache->lock);
}
