/* SPDX-License-Identifier: MIT */
/* Mapping, unmapping and protecting ranges of an address space. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/memory_limits.h"
#include "mm/page_table.h"
#include "mm/user_copy.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"

#include <linux/mman.h>

enum { PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC };
#define LOW_2G 0x80000000ull

/* The bits of mmap's flags that a VMA keeps. */
static unsigned kept_flags(unsigned flags)
{
	unsigned kept = flags & (VMA_STACK | VMA_HEAP | VMA_VDSO | VMA_GROWS_DOWN | VMA_DONT_FORK | VMA_WIPE_ON_FORK | VMA_LOCKED);

	return kept | (flags & MAP_SHARED ? MAP_SHARED : MAP_PRIVATE);
}

bool address_space_range_is_free(struct address_space *as, uint64_t start, uint64_t end)
{
	struct vma_place at = vma_tree_locate(&as->vmas, start);

	return vma_place_is_free(&at, start, end);
}

/* Room for @len bytes below the hint; the place goes to *@at. 0 if there is none. */
static uint64_t try_hint(struct address_space *as, uint64_t len, struct vma_place *at)
{
	uint64_t start = as->map_hint - len;

	if (as->map_hint < USER_START + len)
		return 0;
	*at = vma_tree_locate(&as->vmas, start);
	return vma_place_is_free(at, start, start + len) ? start : 0;
}

static uint64_t search(struct address_space *as, uint64_t len, bool below_2g, struct vma_place *at)
{
	uint64_t start = vma_tree_find_gap(&as->vmas, USER_START, below_2g ? LOW_2G : as->mmap_top, len, PAGE_SIZE);

	if (!start && !below_2g)
		start = vma_tree_find_gap(&as->vmas, USER_START, USER_END, len, PAGE_SIZE);
	if (start)
		*at = vma_tree_locate(&as->vmas, start);
	return start;
}

/* Finds free space for @len bytes, at @wanted if possible, and its place in the tree. 0 if there is none. */
static uint64_t find_gap(struct address_space *as, uint64_t wanted, uint64_t len, bool below_2g, struct vma_place *at)
{
	uint64_t start = 0;

	wanted &= PAGE_MASK;
	if (wanted >= USER_START && wanted <= USER_END - len && !below_2g) {
		*at = vma_tree_locate(&as->vmas, wanted);
		if (vma_place_is_free(at, wanted, wanted + len))
			return wanted;
	}
	if (likely(!below_2g))
		start = try_hint(as, len, at);
	if (unlikely(!start))
		start = search(as, len, below_2g, at);
	if (start && !below_2g)
		as->map_hint = start;
	return start;
}

uint64_t address_space_find_gap(struct address_space *as, uint64_t len)
{
	struct vma_place at;

	return find_gap(as, 0, len, false, &at);
}

/* Extends a neighbour that is alike by a mapping of @kind at [start, end). */
static bool extend_neighbour(struct address_space *as, const struct vma_kind *kind, uint64_t start, uint64_t end, uint64_t offset,
			     struct vma *prev, struct vma *next)
{
	if (prev && prev->end == start && vma_continues(prev, kind, offset)) {
		vma_set_bounds(as, prev, prev->start, end);
		if (next && vma_can_merge(prev, next))
			vma_merge(as, prev);
		return true;
	}
	if (next && next->start == end && vma_continues(next, kind, next->offset + (next->end - next->start)) &&
	    (!kind->object || offset + (end - start) == next->offset)) {
		vma_set_bounds(as, next, start, next->end);
		return true;
	}
	return false;
}

/* Puts a mapping of @kind at [start, end), which is free at @at: extends a neighbour that is alike, or makes a VMA. */
static inline __attribute__((always_inline)) int add_mapping(struct address_space *as, const struct vma_kind *kind, uint64_t start,
							    uint64_t end, uint64_t offset, const struct vma_place *at)
{
	struct vma *prev = at->prev, *next = at->next, *vma;

	if (((prev && prev->end == start && prev->prot == kind->prot) || (next && next->start == end && next->prot == kind->prot)) &&
	    extend_neighbour(as, kind, start, end, offset, prev, next))
		return 0;
	vma = as->vma_count < VMA_COUNT_MAX ? vma_alloc(as) : NULL;
	if (unlikely(!vma))
		return -ENOMEM;
	vma->start = start;
	vma->end = end;
	vma->prot = kind->prot;
	vma->max_prot = kind->max_prot;
	vma->flags = kind->flags;
	vma->object = kind->object;
	vma->offset = offset;
	if (vma->object)
		vm_object_get(vma->object);
	vma_link_at(as, vma, at);
	as->recent = vma;	/* likely to be touched next */
	return 0;
}

int64_t address_space_map_plain_locked(struct address_space *as, uint64_t len, unsigned prot)
{
	const struct vma_kind kind = { prot & PROT_ALL, PROT_ALL, MAP_PRIVATE, NULL };
	uint64_t end = as->map_hint, start = end - ROUND_UP(len, PAGE_SIZE);
	const struct vma_place *at = &as->vmas.vacant;
	struct vma_place found;

	/* Whatever is not simple goes the long way, which also says what is wrong. */
	if (len - 1 >= MEMORY_SURE_BYTES || end < 2 * MEMORY_SURE_BYTES || as->mapped_bytes + (end - start) > as->plain_limit)
		return address_space_map_locked(as, 0, len, prot, PROT_ALL, MAP_PRIVATE, NULL, 0);
	if (unlikely(!vma_place_fits(at, start))) {
		found = vma_tree_locate(&as->vmas, start);
		at = &found;
	}
	if (!vma_place_is_free(at, start, end))
		return address_space_map_locked(as, 0, len, prot, PROT_ALL, MAP_PRIVATE, NULL, 0);
	if (add_mapping(as, &kind, start, end, 0, at))
		return -ENOMEM;
	as->map_hint = start;
	return start;
}

/* May a mapping be put at exactly @addr? 0 or an error. */
static int check_fixed(struct address_space *as, uint64_t addr, uint64_t len, unsigned flags)
{
	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (addr > USER_END - len)
		return -ENOMEM;
	if (addr < USER_START)
		return -EPERM;
	if ((flags & MAP_FIXED_NOREPLACE) && !vma_tree_is_free(&as->vmas, addr, addr + len))
		return -EEXIST;
	return 0;
}

/* Bytes of [start, end) that are mapped: MAP_FIXED replaces them, so they do not count against the limit. */
static uint64_t mapped_within(struct address_space *as, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (struct vma *vma = vma_tree_find(&as->vmas, start); vma && vma->start < end; vma = vma_next(vma))
		sum += MIN(end, vma->end) - MAX(start, vma->start);
	return sum;
}

/* Where a mapping at exactly @addr belongs, and how much it replaces there. 0 or an error. */
static int place_fixed(struct address_space *as, uint64_t addr, uint64_t len, unsigned flags, struct vma_place *at, uint64_t *replaced)
{
	int error = check_fixed(as, addr, len, flags);

	if (error)
		return error;
	*at = vma_tree_locate(&as->vmas, addr);
	if ((at->prev && at->prev->end > addr) || (at->next && at->next->start < addr + len))
		*replaced = mapped_within(as, addr, addr + len);
	return 0;
}

int64_t address_space_map_locked(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot, unsigned max_prot, unsigned flags,
				 struct vm_object *object, uint64_t offset)
{
	struct vma_kind kind = { prot & PROT_ALL, max_prot & PROT_ALL, kept_flags(flags) | as->lock_future, object };
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	uint64_t replaced = 0;
	struct vma_place at;
	int error;

	if (!len || (offset & (PAGE_SIZE - 1)))
		return -EINVAL;
	if (len > USER_END)
		return -ENOMEM;
	len = ROUND_UP(len, PAGE_SIZE);
	if (object && offset + len < offset)
		return -EOVERFLOW;
	if (!(flags & MAP_NORESERVE) && (prot & PROT_WRITE) && memory_overcommits(len) && (!object || !vm_object_is_filled(object)))
		return -ENOMEM;
	if (unlikely(fixed)) {
		error = place_fixed(as, addr, len, flags, &at, &replaced);
		if (error)
			return error;
	}
	if (unlikely(as->mapped_bytes - replaced + len > as->plain_limit)) {
		error = memory_limits_allow(as, kind.prot, kind.flags, len, replaced);
		if (error)
			return error;
	}
	if (unlikely(replaced)) {
		error = address_space_unmap_locked(as, addr, addr + len);
		if (error)
			return error;
		at = vma_tree_locate(&as->vmas, addr);
	}
	if (likely(!fixed)) {
		addr = find_gap(as, addr, len, flags & MAP_32BIT, &at);
		if (!addr)
			return -ENOMEM;
	}
	error = add_mapping(as, &kind, addr, addr + len, object ? offset : 0, &at);
	return error ? error : (int64_t)addr;
}

int64_t address_space_map(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot, unsigned max_prot, unsigned flags,
			  struct vm_object *object, uint64_t offset)
{
	rwlock_write_lock(&as->lock);
	int64_t at = address_space_map_locked(as, addr, len, prot, max_prot, flags, object, offset);
	rwlock_write_unlock(&as->lock);
	return at;
}

/* ---- Unmapping ---- */

/*
 * The part of @vma in [start, end) is about to go. Until its pages are gone its object must know that it maps them, or what other threads store there
 * meanwhile would be lost when the pages are written back.
 */
static __attribute__((noinline)) void unmap_before(struct address_space *as, const struct vma *vma, uint64_t start, uint64_t end)
{
	if (vma->object->ops->prepare_write && !(vma->flags & MAP_PRIVATE))
		page_table_unmap_piecewise(as, MAX(start, vma->start), MIN(end, vma->end));
}

static __attribute__((noinline)) void leave_object(struct address_space *as, struct vma *vma)
{
	unmap_before(as, vma, vma->start, vma->end);
	vma_unlink_object(vma);
	vm_object_put(vma->object);
}

static inline __attribute__((always_inline)) void remove_vma(struct address_space *as, struct vma *vma, struct vma *prev, struct vma *next)
{
	as->vma_count--;
	address_space_note_mapped(as);
	as->mapped_bytes -= vma->end - vma->start;
	vma_tree_remove_between(&as->vmas, vma, prev, next);
	if (vma->object)
		leave_object(as, vma);
	vma_free(as, vma);
}

int address_space_unmap_locked(struct address_space *as, uint64_t start, uint64_t end)
{
	struct vma *vma = as->recent, *prev, *next;
	unsigned flags = 0;

	if (!vma || start < vma->start || start >= vma->end) {
		vma = vma_tree_find(&as->vmas, start);
		if (!vma || vma->start >= end)
			return 0;
	}
	if (unlikely(as->shared_tables) && page_table_own_edges(as, start, end))
		return -ENOMEM;
	if (likely(vma->start == start && vma->end == end)) {
		flags = vma->flags;
		remove_vma(as, vma, vma_prev(vma), vma_next(vma));
		goto removed;
	}
	if (vma->start < start) {
		flags = vma->flags;
		if (vma->end > end && !vma_split(as, vma, end))
			return -ENOMEM;
		if (vma->object)
			unmap_before(as, vma, start, end);
		vma_set_bounds(as, vma, vma->start, start);
		prev = vma;
		vma = vma_next(vma);
	} else {
		prev = vma_prev(vma);
	}
	for (; vma && vma->start < end; vma = next) {
		flags |= vma->flags;
		if (vma->end > end) {
			if (vma->object)
				unmap_before(as, vma, start, end);
			vma_set_bounds(as, vma, end, vma->end);
			break;
		}
		next = vma_next(vma);
		remove_vma(as, vma, prev, next);
	}
removed:
	if (end > as->map_hint && end <= as->mmap_top)
		as->map_hint = end;
	if (flags & VMA_TOUCHED)
		page_table_unmap(as, start, end);
	return 0;
}

int address_space_unmap(struct address_space *as, uint64_t addr, uint64_t len)
{
	int error;

	if ((addr & (PAGE_SIZE - 1)) || !len || addr > USER_END || len > USER_END - addr)
		return -EINVAL;
	rwlock_write_lock(&as->lock);
	error = address_space_unmap_locked(as, addr, addr + ROUND_UP(len, PAGE_SIZE));
	rwlock_write_unlock(&as->lock);
	return error;
}

/* ---- Protection ---- */

struct vma *vma_isolate(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end)
{
	if (vma->start < start) {
		vma = vma_split(as, vma, start);
		if (!vma)
			return NULL;
	}
	if (vma->end > end && !vma_split(as, vma, end))
		return NULL;
	return vma;
}

static int protect_locked(struct address_space *as, uint64_t start, uint64_t end, unsigned prot)
{
	struct vma *vma = vma_tree_find(&as->vmas, start);
	uint64_t at = start;

	while (at < end) {
		if (!vma || vma->start > at)
			return -ENOMEM;
		if (prot & ~vma->max_prot)
			return -EACCES;
		if (vma->prot != prot) {
			if (prot & ~vma->prot & PROT_WRITE && memory_limits_allow_data(as, vma, MIN(end, vma->end) - at))
				return -ENOMEM;
			vma = vma_isolate(as, vma, at, end);
			if (!vma || page_table_own_all(as, vma->start, vma->end))
				return -ENOMEM;
			vma->prot = prot;
			page_table_protect(as, vma, vma->start, vma->end);
			vma = vma_merge(as, vma);
		}
		at = vma->end;
		vma = vma_next(vma);
	}
	return 0;
}

int address_space_protect(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot)
{
	int error;

	if ((addr & (PAGE_SIZE - 1)) || (prot & ~PROT_ALL))
		return -EINVAL;
	if (!len)
		return 0;
	if (addr > USER_END || len > USER_END - addr)
		return -ENOMEM;
	rwlock_write_lock(&as->lock);
	error = protect_locked(as, addr, addr + ROUND_UP(len, PAGE_SIZE), prot);
	rwlock_write_unlock(&as->lock);
	return error;
}
