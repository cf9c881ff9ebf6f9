/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap: slab caches for objects of one size and kmalloc on top of them. Debug builds put red zones around
 * objects and poison freed ones. Any context; never sleeps; returns NULL when memory is out.
 */
#pragma once

#include "lib/types.h"

struct slab_cache;

/* Never fails: there is room for a fixed number of caches, which live forever. @name is kept. */
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align);
void *slab_alloc(struct slab_cache *cache);		/* not cleared */
void *slab_zalloc(struct slab_cache *cache);
void slab_free(struct slab_cache *cache, void *object);

void *kmalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *kzalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *kmalloc_array(size_t count, size_t size);		/* overflow-safe, cleared */
void kfree(void *pointer);				/* NULL is fine */
char *kstrdup(const char *s);

void heap_init(void);
bool heap_init_cpu(unsigned cpu);	/* before another CPU allocates; false when out of memory */
size_t heap_used_bytes(void);	/* in objects handed out and not freed: for leak tests */

/* One cache's state, as of about now. */
struct slab_stats {
	const char *name;
	size_t object_size, used, total;	/* bytes; objects handed out and not freed; those that its slabs hold */
	size_t per_slab, frames_per_slab, slabs;
};
bool heap_get_stats(unsigned index, struct slab_stats *stats);	/* false: there is no cache of that number (they start at 0) */
size_t heap_pages(void);	/* frames the heap holds, free objects included: for /proc/meminfo */
