/* SPDX-License-Identifier: MIT */
/* mremap: shrinking, growing in place, and moving mappings with their pages; remap_file_pages. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/memory_limits.h"
#include "mm/page_table.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "syscall_prototypes.h"

#include <linux/mman.h>

struct remap {
	struct address_space *as;
	uint64_t old, old_len, new_len;	/* page-aligned */
	int flags;
	uint64_t target;		/* with MREMAP_FIXED */
};

static int check(const struct remap *remap, uint64_t old_len, uint64_t new_len)
{
	uint64_t target = remap->target;

	if ((remap->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) || (remap->old & (PAGE_SIZE - 1)))
		return -EINVAL;
	if ((remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(remap->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((remap->flags & MREMAP_DONTUNMAP) && remap->old_len != remap->new_len)
		return -EINVAL;
	if (!new_len || new_len > USER_END || old_len > USER_END)
		return -EINVAL;
	if (!(remap->flags & MREMAP_FIXED))
		return 0;
	if ((target & (PAGE_SIZE - 1)) || target < USER_START || target > USER_END - remap->new_len)
		return -EINVAL;
	if (remap->old + remap->old_len > target && target + remap->new_len > remap->old)
		return -EINVAL;
	return 0;
}

/* May the space grow by @more bytes of @vma's kind? */
static int check_limits(struct address_space *as, const struct vma *vma, uint64_t more)
{
	int error = memory_limits_allow(as, vma->prot, vma->flags, more, 0);

	if (error)
		return error;
	if (!vma->object && (vma->prot & PROT_WRITE) && memory_overcommits(more))
		return -ENOMEM;
	return 0;
}

/* Grows @vma at its end if the addresses behind it are free. */
static bool grow_in_place(const struct remap *remap, struct vma *vma)
{
	uint64_t end = remap->old + remap->old_len, new_end = remap->old + remap->new_len;

	if (vma->end != end || new_end > USER_END || new_end < end || !address_space_range_is_free(remap->as, end, new_end))
		return false;
	vma_set_bounds(remap->as, vma, vma->start, new_end);
	vma_merge(remap->as, vma);
	return true;
}

/* A copy of @vma's description for the target range, linked. */
static struct vma *make_target(const struct remap *remap, const struct vma *vma, uint64_t at)
{
	struct vma *moved = remap->as->vma_count < VMA_COUNT_MAX ? vma_alloc(remap->as) : NULL;

	if (!moved)
		return NULL;
	*moved = *vma;
	moved->start = at;
	moved->end = at + remap->new_len;
	if (moved->object) {
		moved->offset += remap->old - vma->start;
		vm_object_get(moved->object);
	}
	vma_link(remap->as, moved);
	return moved;
}

/* Makes the old range a mapping of its own, with tables of its own at its ends: unmapping it cannot fail then. NULL when out of memory. */
static struct vma *prepare_unmap(const struct remap *remap, struct vma *vma)
{
	uint64_t end = remap->old + remap->old_len;

	if (page_table_own_edges(remap->as, remap->old, end))
		return NULL;
	return vma_isolate(remap->as, vma, remap->old, end);
}

static int64_t move(const struct remap *remap, struct vma *vma)
{
	struct address_space *as = remap->as;
	bool unmaps = remap->old_len && !(remap->flags & MREMAP_DONTUNMAP);
	uint64_t at = remap->target;
	int error;

	if (remap->flags & MREMAP_FIXED) {
		error = address_space_unmap_locked(as, at, at + remap->new_len);
		if (error)
			return error;
		vma = address_space_find(as, remap->old);
		if (!vma)
			return -EFAULT;		/* an old length of 0 overlaps nothing: the target may have covered the mapping itself */
	} else {
		at = address_space_find_gap(as, remap->new_len);
		if (!at)
			return -ENOMEM;
	}
	if (unmaps)
		vma = prepare_unmap(remap, vma);
	struct vma *moved = vma ? make_target(remap, vma, at) : NULL;

	/* With an old length of 0 a shared mapping is mapped a second time. */
	error = !moved ? -ENOMEM : remap->old_len ? page_table_move(as, remap->old, at, MIN(remap->old_len, remap->new_len)) : 0;
	if (error) {
		if (moved)
			address_space_unmap_locked(as, at, at + remap->new_len);
		if (vma)
			vma_merge(as, vma);
		return error;
	}
	if (unmaps)
		address_space_unmap_locked(as, remap->old, remap->old + remap->old_len);
	vma_merge(as, moved);
	return at;
}

static int64_t remap_locked(const struct remap *remap)
{
	struct address_space *as = remap->as;
	struct vma *vma = address_space_find(as, remap->old);
	int error;

	if (!vma)
		return -EFAULT;
	/* Whatever lies there may be cut off; only what grows or moves must be one mapping. */
	if (!(remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && remap->new_len <= remap->old_len) {
		if (remap->new_len == remap->old_len)
			return remap->old;
		/* What lies behind the user's half is the kernel's. */
		if (remap->old_len > USER_END - remap->old)
			return -EINVAL;
		error = address_space_unmap_locked(as, remap->old + remap->new_len, remap->old + remap->old_len);
		return error ? error : (int64_t)remap->old;
	}
	if (remap->old_len > vma->end - remap->old)
		return -EFAULT;
	if (!remap->old_len && !(vma->flags & MAP_SHARED))
		return -EINVAL;
	if (remap->new_len > remap->old_len || (remap->flags & MREMAP_DONTUNMAP)) {
		error = check_limits(as, vma, remap->flags & MREMAP_DONTUNMAP ? remap->new_len : remap->new_len - remap->old_len);
		if (error)
			return error;
	}
	if (!(remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && remap->old_len && grow_in_place(remap, vma))
		return remap->old;
	if (!(remap->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move(remap, vma);
}

long sys_mremap(uint64_t addr, size_t old_len, size_t new_len, int flags, uint64_t new_addr)
{
	struct remap remap = {
		.as = address_space_current(), .old = addr, .old_len = ROUND_UP(old_len, PAGE_SIZE), .new_len = ROUND_UP(new_len, PAGE_SIZE),
		.flags = flags, .target = new_addr,
	};
	int64_t at = check(&remap, old_len, new_len);
	bool locked = false;

	if (at)
		return at;
	rwlock_write_lock(&remap.as->lock);
	at = remap_locked(&remap);
	if (at >= 0) {
		struct vma *vma = address_space_find(remap.as, at);

		locked = vma && (vma->flags & (VMA_LOCKED | VMA_LOCK_ON_FAULT)) == VMA_LOCKED;
	}
	rwlock_write_unlock(&remap.as->lock);
	if (at >= 0 && locked)
		address_space_populate(remap.as, at, at + remap.new_len, 0);
	return at;
}

COLD long sys_remap_file_pages(uint64_t addr, size_t len, int prot, size_t page, int flags)
{
	struct address_space *as = address_space_current();
	int64_t at = -EINVAL, beside;
	struct vma *vma;

	addr &= ~(PAGE_SIZE - 1);
	len &= ~(PAGE_SIZE - 1);
	if (prot || !len || len > USER_END || page > (INT64_MAX - len) >> PAGE_SHIFT)
		return -EINVAL;
	rwlock_write_lock(&as->lock);
	vma = address_space_find(as, addr);
	if (vma && vma->flags & MAP_SHARED && len <= vma->end - addr) {
		/* For who seals the object meanwhile: if one may be written to, one always may. It merges with no other, and holds the object. */
		beside = at = address_space_map_locked(as, 0, PAGE_SIZE, PROT_NONE, vma->max_prot & PROT_WRITE, MAP_SHARED, vma->object, 0);
		if (at >= 0) {
			at = address_space_map_locked(as, addr, len, vma->prot, vma->max_prot, MAP_SHARED | MAP_FIXED | (vma->flags & VMA_LOCKED),
						      vma->object, page << PAGE_SHIFT);
			address_space_unmap_locked(as, beside, beside + PAGE_SIZE);
		}
	}
	rwlock_write_unlock(&as->lock);
	if (at < 0)
		return at;
	address_space_populate(as, addr, addr + len, 0);
	return 0;
}
