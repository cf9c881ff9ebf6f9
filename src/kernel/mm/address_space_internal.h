/* SPDX-License-Identifier: MIT */
/* What the files of the address-space code share. Everything here wants as->lock held for writing unless it says otherwise. */
#pragma once

#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/vma_tree.h"

enum { VMA_COUNT_MAX = 65530, MEMORY_SURE_BYTES = 8 << 20 };
#define USER_START 0x10000ull	/* nothing is mapped below: a NULL pointer with an offset must fault */

void address_space_init(void);

/* An empty one without bases or limits; NULL when out of memory. No locks needed. */
struct address_space *address_space_alloc(void);

struct vma *vma_alloc(struct address_space *as);	/* not cleared. NULL when out of memory */
void vma_free(struct address_space *as, struct vma *vma);	/* of the structure only */

/* Start and end of changes to a VMA's bounds, which its object's lock guards too. No locks needed. */
static inline void vma_lock_object(struct vma *vma)
{
	if (vma->object)
		mutex_lock(&vma->object->lock);
}

static inline void vma_unlock_object(struct vma *vma)
{
	if (vma->object)
		mutex_unlock(&vma->object->lock);
}

/* Puts a filled-in VMA into @as; takes over its object reference. */
void vma_link(struct address_space *as, struct vma *vma);
/* The part of it that makes the object know of the VMA. No lock needed. */
void vma_link_object(struct vma *vma);
void vma_unlink_object(struct vma *vma);

/* The part that makes the space know of it, whose place was located already. */
static inline void vma_insert_at(struct address_space *as, struct vma *vma, const struct vma_place *at)
{
	vma_tree_insert_at(&as->vmas, vma, at);
	as->vma_count++;
	as->mapped_bytes += vma->end - vma->start;
}

/* vma_link for a VMA whose place was located already. */
static inline void vma_link_at(struct address_space *as, struct vma *vma, const struct vma_place *at)
{
	vma->as = as;
	if (vma->object)
		vma_link_object(vma);
	vma_insert_at(as, vma, at);
}
/* Takes it out again; the caller frees it. Its pages are NOT unmapped; its object reference is the caller's. */
void vma_unlink(struct address_space *as, struct vma *vma);
/* Moves the bounds and keeps offset, counts and gaps right. */
void vma_set_bounds(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end);
/* Cuts @vma in two at @at; returns the upper part, NULL when out of memory or there are too many VMAs. */
struct vma *vma_split(struct address_space *as, struct vma *vma, uint64_t at);
/* Joins @vma with its neighbours where they are alike; returns the VMA that holds it now. */
struct vma *vma_merge(struct address_space *as, struct vma *vma);

/* Removes the mappings in [start, end). 0 or -ENOMEM (nothing removed). */
int address_space_unmap_locked(struct address_space *as, uint64_t start, uint64_t end);

/* Like address_space_map, with the lock held. */
int64_t address_space_map_locked(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot, unsigned max_prot, unsigned flags,
				 struct vm_object *object, uint64_t offset);

/* The usual case in few steps: private anonymous memory anywhere. The same results. */
int64_t address_space_map_plain_locked(struct address_space *as, uint64_t len, unsigned prot);

/* Would @len more bytes of private or anonymous memory be more than the machine could ever give? (Linux's overcommit mode 0) */
static inline bool memory_overcommits(uint64_t len)
{
	/* No machine that boots has less RAM than the first number, so that most calls need not look. */
	return unlikely(len > MEMORY_SURE_BYTES) && len >> PAGE_SHIFT > frame_total();
}

/* Finds free space for @len bytes below the mmap base, or anywhere. 0 if there is none. */
uint64_t address_space_find_gap(struct address_space *as, uint64_t len);

/* Cuts @vma so that one VMA covers just the part in [start, end), and returns that one; NULL when out of memory. */
struct vma *vma_isolate(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end);

/* Is [start, end) free, and not in a stack's guard gap? */
bool address_space_range_is_free(struct address_space *as, uint64_t start, uint64_t end);

/* Frees all VMAs without keeping the tree in order. For dying address spaces. */
void vma_free_all(struct address_space *as);
