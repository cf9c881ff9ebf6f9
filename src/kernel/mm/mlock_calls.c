/* SPDX-License-Identifier: MIT */
/* mlock and its relatives: pages made present and kept so. Without swap that concerns clean pages of files only. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/locked.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "process/credentials.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

#include <linux/mman.h>
#include <linux/resource.h>

static uint64_t locked_bytes(struct address_space *as)
{
	uint64_t sum = 0;

	rwlock_read_lock(&as->lock);
	for (struct vma *vma = vma_first(&as->vmas); vma; vma = vma_next(vma))
		if (vma->flags & VMA_LOCKED)
			sum += vma->end - vma->start;
	rwlock_read_unlock(&as->lock);
	return sum;
}

int memory_lock_allowed(struct address_space *as, uint64_t len)
{
	uint64_t limit = process_limit(RLIMIT_MEMLOCK), locked;

	if (capabilities_may_administer())
		return 0;
	if (!limit)
		return -EPERM;
	locked = locked_bytes(as);
	return len > limit || locked > limit - len ? -ENOMEM : 0;
}

/* Sets or clears VMA_LOCKED on [start, end). as->lock held for writing. 0 or -ENOMEM. */
static int set_locked(struct address_space *as, uint64_t start, uint64_t end, bool locked)
{
	struct vma *vma = vma_tree_find(&as->vmas, start);

	while (start < end) {
		if (!vma || vma->start > start)
			return -ENOMEM;
		if (!!(vma->flags & VMA_LOCKED) != locked) {
			vma = vma_isolate(as, vma, start, end);
			if (!vma)
				return -ENOMEM;
			vma->flags ^= VMA_LOCKED;
			vma = vma_merge(as, vma);
		}
		start = vma->end;
		vma = vma_next(vma);
	}
	return 0;
}

static long change_lock(uint64_t addr, size_t len, bool locked, bool populate)
{
	struct address_space *as = address_space_current();
	uint64_t start = addr & PAGE_MASK, end = ROUND_UP(addr + len, PAGE_SIZE);
	int error;

	if (addr + len < addr)
		return -EINVAL;
	if (end > USER_END)
		return -ENOMEM;
	error = locked ? memory_lock_allowed(as, end - start) : 0;
	if (error)
		return error;
	rwlock_write_lock(&as->lock);
	error = set_locked(as, start, end, locked);
	rwlock_write_unlock(&as->lock);
	if (!error && populate)
		error = address_space_populate(as, start, end);
	return error == -EFAULT ? -ENOMEM : error;
}

long sys_mlock(uint64_t addr, size_t len)
{
	return change_lock(addr, len, true, true);
}

long sys_mlock2(uint64_t addr, size_t len, unsigned flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return change_lock(addr, len, true, !flags);
}

long sys_munlock(uint64_t addr, size_t len)
{
	return change_lock(addr, len, false, false);
}

/* Gives every VMA the flag and makes those accessible present. */
static void lock_all(struct address_space *as, bool locked, bool populate)
{
	uint64_t at = 0;

	rwlock_write_lock(&as->lock);
	for (struct vma *vma = vma_first(&as->vmas); vma; vma = vma_next(vma))
		vma->flags = locked ? vma->flags | VMA_LOCKED : vma->flags & ~(unsigned)VMA_LOCKED;
	rwlock_write_unlock(&as->lock);
	while (populate) {
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
		address_space_populate(as, start, end);
		at = end;
	}
}

long sys_mlockall(int flags)
{
	struct address_space *as = address_space_current();
	int error;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	error = flags & MCL_CURRENT ? memory_lock_allowed(as, as->mapped_bytes) : 0;
	if (error)
		return error;
	rwlock_write_lock(&as->lock);
	as->lock_future = flags & MCL_FUTURE ? VMA_LOCKED : 0;
	rwlock_write_unlock(&as->lock);
	if (flags & MCL_CURRENT)
		lock_all(as, true, !(flags & MCL_ONFAULT));
	return 0;
}

long sys_munlockall(void)
{
	struct address_space *as = address_space_current();

	rwlock_write_lock(&as->lock);
	as->lock_future = 0;
	rwlock_write_unlock(&as->lock);
	lock_all(as, false, false);
	return 0;
}
