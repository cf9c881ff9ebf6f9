/* SPDX-License-Identifier: MIT */
/* madvise: what changes contents (DONTNEED, FREE), what changes fork, what fills pages, and what is only a hint. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/page_table.h"
#include "lib/errno.h"
#include "syscall_prototypes.h"

#include <linux/mman.h>

/* Does it to one VMA's part [start, end). as->lock held for writing by advise_flag, for reading by the others: they change no VMA. */
typedef int advise_fn(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end, int advice);

static int advise_hint(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	return 0;
}

static int advise_drop(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	if ((vma->flags & VMA_LOCKED) && advice != MADV_DONTNEED_LOCKED)
		return -EINVAL;
	if (advice == MADV_FREE && (vma->object || !(vma->flags & MAP_PRIVATE)))
		return -EINVAL;
	if (page_table_own_edges(as, start, end))
		return -ENOMEM;
	page_table_unmap_piecewise(as, start, end);
	return 0;
}

static int advise_flag(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	unsigned flag = advice == MADV_DONTFORK || advice == MADV_DOFORK ? VMA_DONT_FORK :
			advice == MADV_DONTDUMP || advice == MADV_DODUMP ? VMA_DONT_DUMP : VMA_WIPE_ON_FORK;
	bool set = advice == MADV_DONTFORK || advice == MADV_DONTDUMP || advice == MADV_WIPEONFORK;

	if (advice == MADV_WIPEONFORK && (vma->object || !(vma->flags & MAP_PRIVATE)))
		return -EINVAL;
	if (!!(vma->flags & flag) == set)
		return 0;
	vma = vma_isolate(as, vma, start, end);
	if (!vma)
		return -ENOMEM;
	vma->flags ^= flag;
	as->fork_advice |= set && flag != VMA_DONT_DUMP;
	vma_merge(as, vma);
	return 0;
}

/* Makes a hole in the object. as->lock held for reading, and let go meanwhile: nothing is the same after. */
static int advise_remove(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	struct vm_object *object = vma->object;
	uint64_t from = vma->offset + (start - vma->start), to = from + (end - start);
	int error = -EOPNOTSUPP;

	if (vma->flags & VMA_LOCKED || !object)
		return -EINVAL;
	if (!(vma->flags & MAP_SHARED) || !(vma->max_prot & PROT_WRITE))
		return -EACCES;
	vm_object_get(object);
	rwlock_read_unlock(&as->lock);
	if (object->ops->punch) {
		error = object->ops->punch(object, from, to);
	} else if (object->pinned) {
		vm_object_punch(object, from >> PAGE_SHIFT, to >> PAGE_SHIFT);
		error = 0;
	}
	vm_object_put(object);
	rwlock_read_lock(&as->lock);
	return error;
}

/* as->lock held for reading, and let go meanwhile. */
static int advise_populate(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	int error;

	if (!(vma->prot & (advice == MADV_POPULATE_READ ? PROT_READ : PROT_WRITE)))
		return -EINVAL;
	rwlock_read_unlock(&as->lock);
	error = address_space_populate(as, start, end, advice);
	rwlock_read_lock(&as->lock);
	return error;
}

static advise_fn *find_action(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return advise_drop;
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return advise_flag;
	case MADV_REMOVE:
		return advise_remove;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return advise_populate;
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return advise_hint;
	default:
		return NULL;
	}
}

static int advise_range(struct address_space *as, uint64_t start, uint64_t end, int advice, advise_fn *action)
{
	int hole = 0;

	while (start < end) {
		struct vma *vma = vma_tree_find(&as->vmas, start);
		uint64_t stop;
		int error;

		if (!vma || vma->start >= end)
			return -ENOMEM;
		if (vma->start > start) {
			hole = -ENOMEM;
			start = vma->start;
		}
		stop = MIN(end, vma->end);
		error = action(as, vma, start, stop, advice);
		if (error)
			return error;
		start = stop;
	}
	return hole;
}

long sys_madvise(uint64_t addr, size_t len, int advice)
{
	struct address_space *as = address_space_current();
	advise_fn *action = find_action(advice);
	uint64_t end = addr + ROUND_UP(len, PAGE_SIZE);
	long error;

	if (!action || (addr & (PAGE_SIZE - 1)) || end < addr || (len && ROUND_UP(len, PAGE_SIZE) == 0))
		return -EINVAL;
	if (addr == end)
		return 0;
	if (action == advise_flag) {
		rwlock_write_lock(&as->lock);
		error = advise_range(as, addr, end, advice, action);
		rwlock_write_unlock(&as->lock);
	} else {
		/* An allocator that gives memory back does not stop the faults of other threads. */
		rwlock_read_lock(&as->lock);
		error = advise_range(as, addr, end, advice, action);
		rwlock_read_unlock(&as->lock);
	}
	return error;
}
