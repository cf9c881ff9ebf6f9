/* SPDX-License-Identifier: MIT */
/* Where the linker sends calls of the allocators instead (--wrap): each fails, or goes on to the allocator itself. */
#include "debug/checks/internal.h"
#include "arch/x86_64/paging.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"

#define ALLOCATOR(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return alloc_call_fails(__builtin_return_address(0)) ? NULL : __real_##name arguments; \
	}

ALLOCATOR(void *, kmalloc, (size_t size), (size))
ALLOCATOR(void *, kzalloc, (size_t size), (size))
ALLOCATOR(void *, kmalloc_array, (size_t count, size_t size), (count, size))
ALLOCATOR(char *, kstrdup, (const char *s), (s))
ALLOCATOR(void *, slab_alloc, (struct slab_cache *cache), (cache))
ALLOCATOR(void *, slab_zalloc, (struct slab_cache *cache), (cache))
ALLOCATOR(struct frame *, frame_alloc, (unsigned flags), (flags))
ALLOCATOR(struct frame *, frame_alloc_contiguous, (size_t count, size_t align, unsigned flags), (count, align, flags))
ALLOCATOR(struct frame *, table_alloc, (unsigned flags), (flags))
ALLOCATOR(struct frame *, root_alloc, (void), ())
ALLOCATOR(void *, kernel_stack_alloc, (size_t size), (size))
ALLOCATOR(void *, kernel_map_physical, (paddr_t phys, size_t len, enum map_cache_mode mode), (phys, len, mode))
