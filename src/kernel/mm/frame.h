/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: a two-level bitmap of 4 KiB frames with a small per-CPU magazine of free frames in front, and one record a frame.
 * A frame has a reference count: page tables, page caches and the kernel each hold one for as long as they use it.
 * Callable from any context unless said otherwise; never sleeps.
 */
#pragma once

#include "lib/types.h"

struct frame {
	uint32_t refs;		/* atomic */
	uint32_t flags;		/* enum frame_flags; owner's business while allocated */
	uint64_t private;	/* owner's: slab pointer, page-cache index … */
};
_Static_assert(sizeof(struct frame) <= 16, "one record for each 4 KiB must stay small");

enum frame_flags {
	FRAME_RESERVED = 1 << 0,	/* never handed out: kernel image, firmware … */
	FRAME_SLAB = 1 << 1,		/* kernel heap; private: the slab */
	FRAME_DIRTY = 1 << 2,		/* cache page changed since it was filled */
	FRAME_CACHE = 1 << 3,		/* page of a VM object */
	FRAME_BUSY = 1 << 4,		/* cache page being filled; guarded by the object's lock */
	FRAME_ANONYMOUS = 1 << 5,	/* private page of a program */
	FRAME_LARGE = 1 << 6,		/* first frame of a large kmalloc; private: its bytes */
	FRAME_NOT_RAM = 1 << 7,		/* a hole in the physical address space */
	FRAME_WRITEBACK = 1 << 8,	/* cache page on its way to the disk; set under the object's lock, cleared without */
};

enum frame_alloc_flags {
	FRAME_ZERO = 1 << 0,	/* cleared */
	FRAME_KERNEL = 1 << 1,	/* may dip into the reserve kept for the kernel itself */
};

/* A range of the boot loader's memory map. */
struct memory_range { paddr_t start, end; bool usable; };

/*
 * Takes over the memory in @usable (page-aligned, sorted, not overlapping); @reserved ranges (kernel, module, boot data) are never
 * handed out. The direct map (phys_to_virt) must already cover all of it.
 */
void frame_init(const struct memory_range *usable, size_t usable_count, const struct memory_range *reserved, size_t reserved_count);

/* One frame with one reference, or NULL. */
struct frame *frame_alloc(unsigned flags);
/* @count physically consecutive frames, the first aligned to @align frames (a power of two), each with one reference. NULL if none. */
struct frame *frame_alloc_contiguous(size_t count, size_t align, unsigned flags);
void frame_free_contiguous(struct frame *first, size_t count);

/* Drops a reference; the last one frees the frame. */
void frame_put(struct frame *frame);

paddr_t frame_to_phys(const struct frame *frame);
struct frame *phys_to_frame(paddr_t phys);	/* NULL for addresses that are not RAM */
void *frame_to_virt(const struct frame *frame);
struct frame *virt_to_frame(const void *virt);	/* of a direct-map address */

/*
 * Frees frames whose last reference is already gone (refs == 0): for callers that count down themselves and free in batches. Frames with
 * FRAME_RESERVED are left alone.
 */
void frame_release_many(struct frame **frames, size_t count);

size_t frame_total(void);	/* frames of RAM managed */
bool frame_plenty(void);	/* is a quarter of RAM free, or more? One load */
size_t frame_free(void);	/* frames free now */
size_t frame_reserve(void);	/* frames that only FRAME_KERNEL allocations may take */

/* Where the direct map of physical memory starts. Boot code maps all RAM there with large pages, not executable. */
#define DIRECT_MAP_BASE 0xffff888000000000ull
static inline void *phys_to_virt(paddr_t phys) { return (void *)(DIRECT_MAP_BASE + phys); }
static inline paddr_t virt_to_phys(const void *virt) { return (uint64_t)virt - DIRECT_MAP_BASE; }
