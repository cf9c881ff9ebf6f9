/* SPDX-License-Identifier: MIT */
/* mlock and its relatives: pages made present and kept so. Without swap that concerns clean pages of files only. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/memory_limits.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

#include <linux/mman.h>
#include <linux/resource.h>

enum { LOCK_FLAGS = VMA_LOCKED | VMA_LOCK_ON_FAULT };

/* Gives [start, end) @flags of LOCK_FLAGS. as->lock held for writing. 0 or -ENOMEM. */
static int set_locked(struct address_space *as, uint64_t start, uint64_t end, unsigned flags)
{
	struct vma *vma = vma_tree_find(&as->vmas, start);

	while (start < end) {
		if (!vma || vma->start > start)
			return -ENOMEM;
		if ((vma->flags & LOCK_FLAGS) != flags) {
			vma = vma_isolate(as, vma, start, end);
			if (!vma)
				return -ENOMEM;
			vma->flags = (vma->flags & ~(unsigned)LOCK_FLAGS) | flags;
			vma = vma_merge(as, vma);
		}
		start = vma->end;
		vma = vma_next(vma);
	}
	return 0;
}

static long change_lock(uint64_t addr, size_t len, unsigned flags)
{
	struct address_space *as = address_space_current();
	uint64_t start = addr & PAGE_MASK, end = ROUND_UP(addr + len, PAGE_SIZE);
	int error = 0;

	if (flags && !memory_may_lock())
		return -EPERM;
	if (addr + len < addr)
		return -EINVAL;
	if (end > USER_END)
		return -ENOMEM;
	rwlock_write_lock(&as->lock);
	if (flags && !memory_lock_fits(as, start, end - start))
		error = -ENOMEM;
	else
		error = set_locked(as, start, end, flags);
	rwlock_write_unlock(&as->lock);
	if (!error && flags == VMA_LOCKED)
		error = address_space_populate(as, start, end, 0);
	return error == -EFAULT ? -ENOMEM : error;
}

long sys_mlock(uint64_t addr, size_t len)
{
	return change_lock(addr, len, VMA_LOCKED);
}

long sys_mlock2(uint64_t addr, size_t len, unsigned flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return change_lock(addr, len, flags ? LOCK_FLAGS : VMA_LOCKED);
}

long sys_munlock(uint64_t addr, size_t len)
{
	return change_lock(addr, len, 0);
}

/* Makes what is mapped and accessible present. */
static void populate_all(struct address_space *as)
{
	uint64_t at = 0;

	for (;;) {
		uint64_t start = 0, end = 0;

		rwlock_read_lock(&as->lock);
		struct vma *vma = vma_tree_find(&as->vmas, at);

		if (vma) {
			start = MAX(vma->start, at);
			end = vma->end;
		}
		rwlock_read_unlock(&as->lock);
		if (!vma)
			break;
		address_space_populate(as, start, end, 0);
		at = end;
	}
}

/* What is mapped from now on gets @future of LOCK_FLAGS; with @all, what is mapped now gets @flags. as->lock held for writing. */
static void lock_all(struct address_space *as, unsigned future, bool all, unsigned flags)
{
	as->lock_future = future;
	memory_limits_changed(as);
	if (!all)
		return;
	for (struct vma *vma = vma_first(&as->vmas); vma; vma = vma_next(vma))
		vma->flags = (vma->flags & ~(unsigned)LOCK_FLAGS) | flags;
}

long sys_mlockall(int flags)
{
	struct address_space *as = address_space_current();
	unsigned kind = flags & MCL_ONFAULT ? LOCK_FLAGS : VMA_LOCKED;
	bool fits;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!memory_may_lock())
		return -EPERM;
	rwlock_write_lock(&as->lock);
	fits = !(flags & MCL_CURRENT) || as->mapped_bytes <= process_limit(RLIMIT_MEMLOCK) || capabilities_may_administer();
	if (fits)
		lock_all(as, flags & MCL_FUTURE ? kind : 0, flags & MCL_CURRENT, kind);
	rwlock_write_unlock(&as->lock);
	if (!fits)
		return -ENOMEM;
	if (flags & MCL_CURRENT && kind == VMA_LOCKED)
		populate_all(as);
	return 0;
}

long sys_munlockall(void)
{
	struct address_space *as = address_space_current();

	rwlock_write_lock(&as->lock);
	lock_all(as, 0, true, 0);
	rwlock_write_unlock(&as->lock);
	return 0;
}
