/* SPDX-License-Identifier: MIT */
/* Mapping, unmapping and protecting ranges of an address space. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/page_table.h"
#include "mm/user_copy.h"
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
	struct vma *vma = vma_tree_find(&as->vmas, start);
	uint64_t guard = vma && (vma->flags & VMA_GROWS_DOWN) && vma->start > start ? STACK_GUARD_GAP : 0;

	return !vma || (vma->start >= guard && vma->start - guard >= end);
}

uint64_t address_space_find_gap(struct address_space *as, uint64_t hint, uint64_t len, bool below_2g)
{
	uint64_t top = below_2g ? LOW_2G : as->mmap_top, at;

	hint &= PAGE_MASK;
	if (hint >= USER_START && hint <= USER_END - len && !below_2g && address_space_range_is_free(as, hint, hint + len))
		return hint;
	at = vma_tree_find_gap(&as->vmas, USER_START, top, len, PAGE_SIZE);
	if (!at && !below_2g)
		at = vma_tree_find_gap(&as->vmas, USER_START, USER_END, len, PAGE_SIZE);
	return at;
}

/* Where a new mapping goes: an address, or a negative errno. */
static int64_t choose_address(struct address_space *as, uint64_t addr, uint64_t len, unsigned flags)
{
	uint64_t at;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (addr & (PAGE_SIZE - 1))
			return -EINVAL;
		if (addr > USER_END - len)
			return -ENOMEM;
		if (addr < USER_START)
			return -EPERM;
		if ((flags & MAP_FIXED_NOREPLACE) && !vma_tree_is_free(&as->vmas, addr, addr + len))
			return -EEXIST;
		return addr;
	}
	at = address_space_find_gap(as, addr, len, flags & MAP_32BIT);
	return at ? (int64_t)at : -ENOMEM;
}

/* Extends a neighbour that is alike instead of making a VMA. @wanted: its bounds, protection, flags, object and offset. */
static bool extend_neighbour(struct address_space *as, const struct vma *wanted)
{
	struct vma *next = vma_tree_find(&as->vmas, wanted->start);
	struct vma *prev = next ? vma_prev(next) : rb_last(&as->vmas) ? vma_of(rb_last(&as->vmas)) : NULL;

	if (prev && prev->end == wanted->start && vma_can_merge(prev, wanted)) {
		vma_set_bounds(as, prev, prev->start, wanted->end);
		vma_merge(as, prev);
		return true;
	}
	if (next && next->start == wanted->end && vma_can_merge(wanted, next)) {
		vma_set_bounds(as, next, wanted->start, next->end);
		return true;
	}
	return false;
}

static int add_mapping(struct address_space *as, const struct vma *wanted)
{
	struct vma *vma;

	if (extend_neighbour(as, wanted))
		return 0;
	if (as->vma_count >= VMA_COUNT_MAX)
		return -ENOMEM;
	vma = vma_alloc();
	if (!vma)
		return -ENOMEM;
	*vma = *wanted;
	if (vma->object)
		vm_object_get(vma->object);
	vma_link(as, vma);
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

int64_t address_space_map_locked(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot, unsigned max_prot, unsigned flags,
				 struct vm_object *object, uint64_t offset)
{
	int64_t at;
	int error;

	if (!len)
		return -EINVAL;
	if (len > USER_END)
		return -ENOMEM;
	len = ROUND_UP(len, PAGE_SIZE);
	if (offset & (PAGE_SIZE - 1))
		return -EINVAL;
	if (object && offset + len < offset)
		return -EOVERFLOW;
	if (!(flags & MAP_NORESERVE) && (!object || !object->ops->fill) && memory_overcommits(len) && (prot & PROT_WRITE))
		return -ENOMEM;
	at = choose_address(as, addr, len, flags);
	if (at < 0)
		return at;
	uint64_t replaced = flags & MAP_FIXED ? mapped_within(as, at, at + len) : 0;

	if (len > as->space_limit || as->mapped_bytes - replaced > as->space_limit - len)
		return -ENOMEM;
	if (replaced) {
		error = address_space_unmap_locked(as, at, at + len);
		if (error)
			return error;
	}
	struct vma wanted = {
		.start = at, .end = at + len, .prot = prot & PROT_ALL, .max_prot = max_prot & PROT_ALL,
		.flags = kept_flags(flags) | as->lock_future, .object = object, .offset = object ? offset : 0,
	};
	error = add_mapping(as, &wanted);
	return error ? error : at;
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

static void remove_vma(struct address_space *as, struct vma *vma)
{
	vma_unlink(as, vma);
	if (vma->object)
		vm_object_put(vma->object);
	vma_free(vma);
}

int address_space_unmap_locked(struct address_space *as, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_tree_find(&as->vmas, start);

	if (!vma || vma->start >= end)
		return 0;
	if (vma->start < start) {
		struct vma *first = vma;

		if (vma->end > end && !vma_split(as, vma, end))
			return -ENOMEM;
		vma = vma_next(first);
		vma_set_bounds(as, first, first->start, start);
	}
	while (vma && vma->start < end) {
		struct vma *next = vma_next(vma);

		if (vma->end > end) {
			vma_set_bounds(as, vma, end, vma->end);
			break;
		}
		remove_vma(as, vma);
		vma = next;
	}
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
			vma = vma_isolate(as, vma, at, end);
			if (!vma)
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
