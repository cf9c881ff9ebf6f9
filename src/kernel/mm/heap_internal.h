/* SPDX-License-Identifier: MIT */
/* What the slab caches, kmalloc and the debug checks of the heap share. */
#pragma once

#include "debug/checks.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sync/spinlock.h"

struct slab_cache {
	const char *name;
	uint32_t size;		/* usable bytes an object */
	uint32_t stride;	/* from one object's cell to the next */
	uint32_t lead;		/* bytes before the object in its cell (red zone) */
	uint32_t first;		/* offset of the first cell in a slab */
	uint32_t frames;	/* frames a slab */
	uint32_t per_slab;	/* objects a slab */
	uint32_t limit;		/* objects a CPU keeps */
	unsigned index;		/* into each CPU's array of stocks */
	struct spinlock lock;	/* taken with interrupts off */
	struct list partial;	/* slabs with a free object; guarded by lock */
	uint32_t empty;		/* of them wholly free; guarded by lock */
	uint64_t taken;		/* objects out of slabs: in use or in a CPU's stock; guarded by lock */
	uint64_t slabs;		/* guarded by lock */
	uint64_t quarantined;	/* debug builds: freed objects held back; guarded by the quarantine's lock */
};

/* Free objects are linked through their first word; in debug builds, where that word is poisoned, through the red zone before it. */
#ifdef KERNEL_DEBUG
enum { HEAP_LEAD = 16, HEAP_TRAIL = 16, HEAP_LINK = -8 };
#else
enum { HEAP_LEAD = 0, HEAP_TRAIL = 0, HEAP_LINK = 0 };
#endif

static inline void **heap_link(void *object)
{
	return (void **)((char *)object + HEAP_LINK);
}

/* Debug builds (debug/checks/): check and paint red zones and poison; panic when something was written where nothing may be. */
void heap_check_init(struct slab_cache *cache, void *object);	/* of a new slab */
void heap_check_alloc(struct slab_cache *cache, void *object);
bool heap_check_free(struct slab_cache *cache, void *object);	/* false: not to be freed (and reported) */
/* Only the first @size of @had bytes were asked for. */
void heap_check_shrink(void *object, size_t size, size_t had);
/* Takes a freed object into quarantine; returns the one to be freed in its place and its cache, or NULL in *@object. */
struct slab_cache *heap_check_quarantine(struct slab_cache *cache, void **object);
