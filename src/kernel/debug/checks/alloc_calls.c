/* SPDX-License-Identifier: MIT */
/* Where the linker sends calls of the allocators instead (--wrap): each fails, or goes on to the allocator itself. */
#include "debug/checks/internal.h"
#include "arch/x86_64/paging.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"

#define FAILS() alloc_call_fails(__builtin_return_address(0))

void *__real_kmalloc(size_t size);
void *__real_kzalloc(size_t size);
void *__real_kmalloc_array(size_t count, size_t size);
char *__real_kstrdup(const char *s);
void *__real_slab_alloc(struct slab_cache *cache);
void *__real_slab_zalloc(struct slab_cache *cache);
struct frame *__real_frame_alloc(unsigned flags);
struct frame *__real_frame_alloc_contiguous(size_t count, size_t align, unsigned flags);
struct frame *__real_table_alloc(unsigned flags);
struct frame *__real_root_alloc(void);
void *__real_kernel_stack_alloc(size_t size);
void *__real_kernel_map_physical(paddr_t phys, size_t len, enum map_cache_mode mode);

void *__wrap_kmalloc(size_t size);
void *__wrap_kzalloc(size_t size);
void *__wrap_kmalloc_array(size_t count, size_t size);
char *__wrap_kstrdup(const char *s);
void *__wrap_slab_alloc(struct slab_cache *cache);
void *__wrap_slab_zalloc(struct slab_cache *cache);
struct frame *__wrap_frame_alloc(unsigned flags);
struct frame *__wrap_frame_alloc_contiguous(size_t count, size_t align, unsigned flags);
struct frame *__wrap_table_alloc(unsigned flags);
struct frame *__wrap_root_alloc(void);
void *__wrap_kernel_stack_alloc(size_t size);
void *__wrap_kernel_map_physical(paddr_t phys, size_t len, enum map_cache_mode mode);

void *__wrap_kmalloc(size_t size)
{
	return FAILS() ? NULL : __real_kmalloc(size);
}

void *__wrap_kzalloc(size_t size)
{
	return FAILS() ? NULL : __real_kzalloc(size);
}

void *__wrap_kmalloc_array(size_t count, size_t size)
{
	return FAILS() ? NULL : __real_kmalloc_array(count, size);
}

char *__wrap_kstrdup(const char *s)
{
	return FAILS() ? NULL : __real_kstrdup(s);
}

void *__wrap_slab_alloc(struct slab_cache *cache)
{
	return FAILS() ? NULL : __real_slab_alloc(cache);
}

void *__wrap_slab_zalloc(struct slab_cache *cache)
{
	return FAILS() ? NULL : __real_slab_zalloc(cache);
}

struct frame *__wrap_frame_alloc(unsigned flags)
{
	return FAILS() ? NULL : __real_frame_alloc(flags);
}

struct frame *__wrap_frame_alloc_contiguous(size_t count, size_t align, unsigned flags)
{
	return FAILS() ? NULL : __real_frame_alloc_contiguous(count, align, flags);
}

struct frame *__wrap_table_alloc(unsigned flags)
{
	return FAILS() ? NULL : __real_table_alloc(flags);
}

struct frame *__wrap_root_alloc(void)
{
	return FAILS() ? NULL : __real_root_alloc();
}

void *__wrap_kernel_stack_alloc(size_t size)
{
	return FAILS() ? NULL : __real_kernel_stack_alloc(size);
}

void *__wrap_kernel_map_physical(paddr_t phys, size_t len, enum map_cache_mode mode)
{
	return FAILS() ? NULL : __real_kernel_map_physical(phys, len, mode);
}
