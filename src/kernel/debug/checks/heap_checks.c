/* SPDX-License-Identifier: MIT */
/*
 * The heap's checks. Each object lies between red zones: a state word and the free-list link before it, a pattern after it.
 * Freed objects are filled with poison that must still be there at the next allocation, and wait in a quarantine, so that a late use
 * meets shadow memory that forbids it. The shadow catches what compiled code does; red zones and poison catch the rest (assembly, devices).
 *
 * Lock: quarantine_lock (spinlock, interrupts off).
 */
#include "debug/checks/internal.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/heap_internal.h"

#define STATE_FREE 0xf4eef4eef4eef4eeull
#define STATE_USED 0xa110ca7ea110ca7eull
#define PATTERN_AFTER 0xbadfe9ce0ddba115ull
enum { POISON_FREE = 0x6b, POISON_NEW = 0xa5, QUARANTINE_SIZE = 1024, QUARANTINE_OBJECT_MAX = 2048 };

static struct spinlock quarantine_lock = SPINLOCK_INIT(LOCK_QUARANTINE);
static struct { struct slab_cache *cache; void *object; } quarantine[QUARANTINE_SIZE];	/* guarded by quarantine_lock */
static unsigned quarantine_next;							/* the oldest; guarded by quarantine_lock */

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

static void forbid(struct slab_cache *cache, void *object, enum shadow_state state)
{
	shadow_forbid((char *)object - HEAP_LEAD, HEAP_LEAD, SHADOW_HEAP_ZONE);
	shadow_forbid(object, cache->size, state);
	shadow_forbid(zone_after(cache, object), HEAP_TRAIL, SHADOW_HEAP_ZONE);
}

void heap_check_init(struct slab_cache *cache, void *object)
{
	*state_of(object) = STATE_FREE;
	*zone_after(cache, object) = PATTERN_AFTER;
	memset(object, POISON_FREE, cache->size);
	forbid(cache, object, SHADOW_HEAP_FREED);
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
	shadow_allow(object, cache->size);
	memset(object, POISON_NEW, cache->size);
}

void heap_check_shrink(void *object, size_t size, size_t had)
{
	shadow_forbid(object, had, SHADOW_HEAP_ZONE);
	shadow_allow(object, size);
}

bool heap_check_free(struct slab_cache *cache, void *object)
{
	if (*state_of(object) == STATE_FREE) {
		checks_report("heap: double-free of an object of cache %s at %p", cache->name, object);
		return false;
	}
	if (*state_of(object) != STATE_USED)
		panic("heap: something wrote before an object of cache %s at %p", cache->name, object);
	check_after(cache, object);
	lock_check_freed(object, cache->size);
	*state_of(object) = STATE_FREE;
	shadow_allow(object, cache->size);
	memset(object, POISON_FREE, cache->size);
	forbid(cache, object, SHADOW_HEAP_FREED);
	return true;
}

struct slab_cache *heap_check_quarantine(struct slab_cache *cache, void **object)
{
	struct slab_cache *old_cache;
	void *old;
	uint64_t irq;

	if (cache->size > QUARANTINE_OBJECT_MAX)
		return cache;
	irq = spin_lock_irq(&quarantine_lock);
	old_cache = quarantine[quarantine_next].cache;
	old = quarantine[quarantine_next].object;
	quarantine[quarantine_next].cache = cache;
	quarantine[quarantine_next].object = *object;
	quarantine_next = (quarantine_next + 1) % QUARANTINE_SIZE;
	cache->quarantined++;
	if (old)
		old_cache->quarantined--;
	spin_unlock_irq(&quarantine_lock, irq);
	*object = old;
	return old_cache;
}
