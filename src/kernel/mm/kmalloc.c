/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: slab caches of fixed sizes, and whole frames beyond them. The frame's record tells kfree which kind it has:
 * FRAME_SLAB, or FRAME_LARGE with the number of frames.
 */
#include "mm/kmalloc.h"
#include "mm/frame_records.h"
#include "mm/heap.h"
#include "mm/heap_internal.h"
#include "lib/atomic.h"
#include "lib/panic.h"
#include "lib/string.h"

enum { STEP = 16, CLASS_MAX_SIZE = 2048 };

static const uint16_t class_sizes[] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048 };
static const char *const class_names[] = {
	"kmalloc-16", "kmalloc-32", "kmalloc-48", "kmalloc-64", "kmalloc-96", "kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-384",
	"kmalloc-512", "kmalloc-768", "kmalloc-1024", "kmalloc-1536", "kmalloc-2048",
};
static struct slab_cache *class_by_step[CLASS_MAX_SIZE / STEP + 1];	/* for sizes rounded up to STEP; set once */
static uint64_t large_pages;						/* atomic */

void kmalloc_init(void)
{
	size_t step = 0;

	for (size_t i = 0; i < ARRAY_LEN(class_sizes); i++) {
		struct slab_cache *cache = slab_cache_create(class_names[i], class_sizes[i], STEP);

		for (; step * STEP <= class_sizes[i]; step++)
			class_by_step[step] = cache;
	}
}

size_t kmalloc_large_pages(void)
{
	return atomic_load_relaxed(&large_pages);
}

static void *large_alloc(size_t size, unsigned flags)
{
	/* Debug builds want a byte behind the object that belongs to nobody. */
	size_t count = (size >> PAGE_SHIFT) + (KERNEL_CHECKS || size & (PAGE_SIZE - 1));
	struct frame *frame;

	if (count == 1)
		frame = frame_alloc(FRAME_KERNEL | flags);
	else
		frame = frame_alloc_contiguous(count, 1, FRAME_KERNEL | flags);
	if (!frame)
		return NULL;
	frame->flags = FRAME_LARGE;
	frame->private = count;
	__atomic_fetch_add(&large_pages, count, __ATOMIC_RELAXED);
	if (KERNEL_CHECKS)
		heap_check_shrink(frame_virt(frame), size, count << PAGE_SHIFT);
	return frame_virt(frame);
}

static void large_free(struct frame *frame)
{
	size_t count = frame->private;

	frame->flags = 0;
	__atomic_fetch_sub(&large_pages, count, __ATOMIC_RELAXED);
	if (count == 1)
		frame_put(frame);
	else
		frame_free_contiguous(frame, count);
}

void *kmalloc(size_t size)
{
	struct slab_cache *cache;
	void *object;

	if (unlikely(size > CLASS_MAX_SIZE))
		return large_alloc(size, 0);
	cache = class_by_step[(size + STEP - 1) / STEP];
	object = slab_alloc(cache);
	if (KERNEL_CHECKS && object)
		heap_check_shrink(object, size, cache->size);
	return object;
}

void *kzalloc(size_t size)
{
	void *object;

	if (size > CLASS_MAX_SIZE)
		return large_alloc(size, FRAME_ZERO);
	object = kmalloc(size);
	if (object)
		memset(object, 0, size);
	return object;
}

COLD void *kmalloc_array(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return kzalloc(total);
}

void kfree(void *pointer)
{
	if (!pointer)
		return;
	struct frame *frame = virt_to_frame(pointer);

	if (likely(frame && (frame->flags & FRAME_SLAB)))
		slab_free_any(pointer);
	else if (frame && (frame->flags & FRAME_LARGE) && !((uint64_t)pointer & (PAGE_SIZE - 1)))
		large_free(frame);
	else
		panic("kfree of %p, which kmalloc did not give", pointer);
}

char *kstrdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = kmalloc(size);

	if (copy)
		memcpy(copy, s, size);
	return copy;
}
