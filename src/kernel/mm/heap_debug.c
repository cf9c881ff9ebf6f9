/* SPDX-License-Identifier: MIT */
/*
 * The checks of a HEAP_DEBUG build. Each object lies between red zones: a state word and the free-list link before it, a pattern after it.
 * Freed objects are filled with poison that must still be there at the next allocation.
 */
#include "mm/heap_internal.h"
#include "lib/panic.h"
#include "lib/string.h"

#define STATE_FREE 0xf4eef4eef4eef4eeull
#define STATE_USED 0xa110ca7ea110ca7eull
#define PATTERN_AFTER 0xbadfe9ce0ddba115ull
enum { POISON_FREE = 0x6b, POISON_NEW = 0xa5 };

static uint64_t *state_of(void *object)
{
	return (uint64_t *)((char *)object - HEAP_LEAD);
}

static uint64_t *zone_after(struct slab_cache *cache, void *object)
{
	return (uint64_t *)((char *)object + ROUND_UP(cache->size, 8));
}

static void check_after(struct slab_cache *cache, void *object)
{
	if (*zone_after(cache, object) != PATTERN_AFTER)
		panic("heap: something wrote past the end of an object of cache %s at %p", cache->name, object);
}

void heap_check_init(struct slab_cache *cache, void *object)
{
	*state_of(object) = STATE_FREE;
	*zone_after(cache, object) = PATTERN_AFTER;
	memset(object, POISON_FREE, cache->size);
}

void heap_check_alloc(struct slab_cache *cache, void *object)
{
	const uint8_t *bytes = object;

	if (*state_of(object) != STATE_FREE)
		panic("heap: the free list of cache %s is broken at %p", cache->name, object);
	check_after(cache, object);
	for (size_t i = 0; i < cache->size; i++)
		if (bytes[i] != POISON_FREE)
			panic("heap: an object of cache %s at %p was written after it was freed (offset %zu)", cache->name, object, i);
	*state_of(object) = STATE_USED;
	memset(object, POISON_NEW, cache->size);
}

void heap_check_free(struct slab_cache *cache, void *object)
{
	if (*state_of(object) == STATE_FREE)
		panic("heap: an object of cache %s at %p was freed twice", cache->name, object);
	if (*state_of(object) != STATE_USED)
		panic("heap: something wrote before an object of cache %s at %p", cache->name, object);
	check_after(cache, object);
	*state_of(object) = STATE_FREE;
	memset(object, POISON_FREE, cache->size);
}
