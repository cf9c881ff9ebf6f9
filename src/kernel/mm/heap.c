/* SPDX-License-Identifier: MIT */
/*
 * Slab caches. A slab is a few neighbouring frames cut into cells; its frames' records point back to it. Each CPU keeps a stock of free
 * objects of every cache in front, so that most calls take no lock.
 *
 * Locks: cache->lock guards a cache's slabs. A stock belongs to its CPU and is touched with interrupts off. create_lock guards the table of caches.
 */
#include "mm/heap.h"
#include "mm/frame_records.h"
#include "mm/heap_internal.h"
#include "mm/kmalloc.h"
#include "lib/atomic.h"
#include "lib/panic.h"
#include "lib/string.h"

enum { CACHES_MAX = 96, SLAB_FRAMES_MAX = 8, SLAB_OBJECTS_WANTED = 8, EMPTY_SLABS_KEPT = 1 };

struct slab {
	struct slab_cache *cache;
	struct list link;	/* in cache->partial, or alone when full; guarded by cache->lock */
	void *free;		/* guarded by cache->lock */
	uint32_t used;		/* guarded by cache->lock */
};

struct stock {
	void *head;
	uint64_t count;
};

static struct slab_cache caches[CACHES_MAX];
static unsigned cache_count;			/* guarded by create_lock; only grows */
static struct spinlock create_lock = SPINLOCK_INIT(LOCK_SLAB_LIST);
static struct stock boot_stocks[CACHES_MAX] __attribute__((aligned(64)));	/* shares no cache line; the other CPUs' are pages */
_Static_assert(sizeof(boot_stocks) <= PAGE_SIZE, "heap_init_cpu takes a page for them");
static struct stock *stocks[CPU_MAX] = { boot_stocks };
static uint64_t slab_frames;			/* atomic */

/* ---- Caches ---- */

/* Frames a slab: few, but enough for several objects. */
static uint32_t choose_frames(uint32_t stride)
{
	uint32_t frames = 1;

	while (frames < SLAB_FRAMES_MAX && (frames * PAGE_SIZE - sizeof(struct slab)) / stride < SLAB_OBJECTS_WANTED)
		frames *= 2;
	return frames;
}

COLD struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	align = MAX(align, sizeof(void *));
	if (KERNEL_CHECKS)
		align = MAX(align, (size_t)HEAP_LEAD);
	KASSERT(!(align & (align - 1)) && size && size <= SLAB_FRAMES_MAX * PAGE_SIZE / 2);
	uint64_t irq = spin_lock_irq(&create_lock);

	if (cache_count == CACHES_MAX)
		panic("heap: no room for cache %s", name);
	struct slab_cache *cache = &caches[cache_count];

	cache->name = name;
	cache->size = MAX(size, sizeof(void *));
	cache->lead = KERNEL_CHECKS ? align : 0;
	cache->stride = ROUND_UP(cache->lead + ROUND_UP(cache->size, 8) + HEAP_TRAIL, align);
	cache->frames = choose_frames(cache->stride);
	cache->first = ROUND_UP(sizeof(struct slab), align);
	cache->per_slab = (cache->frames * PAGE_SIZE - cache->first) / cache->stride;
	cache->limit = cache->size <= 256 ? 32 : cache->size <= 1024 ? 16 : 8;
	cache->index = cache_count;
	spinlock_init(&cache->lock, LOCK_SLAB_CACHE);
	list_init(&cache->partial);
	KASSERT(cache->per_slab);
	cache_count++;
	spin_unlock_irq(&create_lock, irq);
	return cache;
}

/* ---- Slabs; cache->lock held ---- */

static struct slab *slab_of(const void *object)
{
	return (struct slab *)frame_of_virt(object)->private;
}

static struct slab *slab_create(struct slab_cache *cache)
{
	struct frame *frame = cache->frames == 1 ? frame_alloc(FRAME_KERNEL) : frame_alloc_contiguous(cache->frames, 1, FRAME_KERNEL);

	if (!frame)
		return NULL;
	struct slab *slab = frame_virt(frame);

	for (uint32_t i = 0; i < cache->frames; i++) {
		frame[i].flags = FRAME_SLAB;
		frame[i].private = (uint64_t)slab;
	}
	slab->cache = cache;
	slab->free = NULL;
	slab->used = 0;
	for (uint32_t i = cache->per_slab; i-- > 0;) {
		char *object = (char *)slab + cache->first + i * cache->stride + cache->lead;

		if (KERNEL_CHECKS)
			heap_check_init(cache, object);
		*heap_link(object) = slab->free;
		slab->free = object;
	}
	list_push_front(&cache->partial, &slab->link);
	cache->slabs++;
	cache->empty++;
	__atomic_fetch_add(&slab_frames, cache->frames, __ATOMIC_RELAXED);
	return slab;
}

static void slab_destroy(struct slab_cache *cache, struct slab *slab)
{
	struct frame *frame = frame_of_virt(slab);

	list_remove(&slab->link);
	cache->slabs--;
	cache->empty--;
	__atomic_fetch_sub(&slab_frames, cache->frames, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < cache->frames; i++)
		frame[i].flags = frame[i].private = 0;
	if (cache->frames == 1)
		frame_put(frame);
	else
		frame_free_contiguous(frame, cache->frames);
}

static void *slab_take(struct slab_cache *cache)
{
	struct slab *slab;

	if (!list_empty(&cache->partial))
		slab = list_first(&cache->partial, struct slab, link);
	else
		slab = slab_create(cache);
	if (!slab)
		return NULL;
	void *object = slab->free;

	slab->free = *heap_link(object);
	if (!slab->used++)
		cache->empty--;
	cache->taken++;
	if (!slab->free)
		list_remove(&slab->link);
	return object;
}

static void slab_give(struct slab_cache *cache, void *object)
{
	struct slab *slab = slab_of(object);

	if (!slab->free)
		list_push_front(&cache->partial, &slab->link);
	*heap_link(object) = slab->free;
	slab->free = object;
	cache->taken--;
	if (--slab->used)
		return;
	if (++cache->empty > EMPTY_SLABS_KEPT)
		slab_destroy(cache, slab);
}

/* ---- Stocks; interrupts are off ---- */

static bool stock_fill(struct slab_cache *cache, struct stock *stock)
{
	spin_lock(&cache->lock);
	while (stock->count < cache->limit / 2) {
		void *object = slab_take(cache);

		if (!object)
			break;
		*heap_link(object) = stock->head;
		stock->head = object;
		stock->count++;
	}
	spin_unlock(&cache->lock);
	return stock->count != 0;
}

static __attribute__((noinline)) void stock_drain(struct slab_cache *cache, struct stock *stock)
{
	spin_lock(&cache->lock);
	while (stock->count > cache->limit / 2) {
		void *object = stock->head;

		stock->head = *heap_link(object);
		stock->count--;
		slab_give(cache, object);
	}
	spin_unlock(&cache->lock);
}

/* ---- Entry points ---- */

static inline void *stock_take(struct slab_cache *cache, struct stock *stock, uint64_t irq)
{
	void *object = stock->head;

	stock->head = *heap_link(object);
	stock->count--;
	interrupts_restore(irq);
	if (KERNEL_CHECKS)
		heap_check_alloc(cache, object);
	return object;
}

static __attribute__((noinline)) void *alloc_slow(struct slab_cache *cache, struct stock *stock, uint64_t irq)
{
	if (stock_fill(cache, stock))
		return stock_take(cache, stock, irq);
	interrupts_restore(irq);
	return NULL;
}

void *slab_alloc(struct slab_cache *cache)
{
	uint64_t irq = interrupts_save();
	struct stock *stock = &stocks[this_cpu()->id][cache->index];

	if (unlikely(!stock->head))
		return alloc_slow(cache, stock, irq);
	return stock_take(cache, stock, irq);
}

void *slab_zalloc(struct slab_cache *cache)
{
	void *object = slab_alloc(cache);

	if (object)
		memset(object, 0, cache->size);
	return object;
}

void slab_free(struct slab_cache *cache, void *object)
{
	if (KERNEL_CHECKS) {
		KASSERT(slab_of(object)->cache == cache);
		if (!heap_check_free(cache, object))
			return;
		cache = heap_check_quarantine(cache, &object);
		if (!object)
			return;
	}
	uint64_t irq = interrupts_save();
	struct stock *stock = &stocks[this_cpu()->id][cache->index];

	*heap_link(object) = stock->head;
	stock->head = object;
	if (unlikely(++stock->count > cache->limit))
		stock_drain(cache, stock);
	interrupts_restore(irq);
}

void slab_free_any(void *object)
{
	slab_free(slab_of(object)->cache, object);
}

void heap_init(void)
{
	kmalloc_init();
}

bool heap_init_cpu(unsigned cpu)
{
	struct frame *frame = frame_alloc(FRAME_ZERO | FRAME_KERNEL);

	KASSERT(!stocks[cpu]);
	if (frame)
		atomic_store(&stocks[cpu], frame_virt(frame));
	return frame;
}

/* Objects out of slabs, but for those that CPUs keep in stock, or debug builds in quarantine. */
static uint64_t objects_used(unsigned index)
{
	uint64_t objects = atomic_load_relaxed(&caches[index].taken) - atomic_load_relaxed(&caches[index].quarantined);

	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		if (stocks[cpu])
			objects -= atomic_load_relaxed(&stocks[cpu][index].count);
	return objects;
}

bool heap_get_stats(unsigned index, struct slab_stats *stats)
{
	struct slab_cache *cache = &caches[index];

	if (index >= atomic_load(&cache_count))
		return false;
	*stats = (struct slab_stats){
		.name = cache->name, .object_size = cache->size, .used = objects_used(index), .per_slab = cache->per_slab,
		.frames_per_slab = cache->frames, .slabs = atomic_load_relaxed(&cache->slabs),
	};
	stats->total = stats->slabs * stats->per_slab;
	return true;
}

size_t heap_used_bytes(void)
{
	size_t bytes = kmalloc_large_pages() * PAGE_SIZE;

	for (unsigned i = 0; i < atomic_load(&cache_count); i++)
		bytes += objects_used(i) * caches[i].size;
	return bytes;
}

size_t heap_pages(void)
{
	return atomic_load_relaxed(&slab_frames) + kmalloc_large_pages();
}
