/* SPDX-License-Identifier: MIT */
/* The limits of memory but RLIMIT_STACK. What they count is summed up when somebody has such a limit; without one nothing is. */
#include "mm/memory_limits.h"
#include "mm/address_space_internal.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "process/process.h"
#include "security/capabilities.h"

#include <linux/mman.h>
#include <linux/resource.h>

/* Memory of the program's own that it can write to, stacks left out. */
static bool is_data(unsigned prot, unsigned flags)
{
	return prot & PROT_WRITE && !(flags & (MAP_SHARED | VMA_GROWS_DOWN));
}

/* How much of [start, end) is data, or locked. */
static uint64_t sum_of(struct address_space *as, uint64_t start, uint64_t end, bool locked)
{
	uint64_t sum = 0;

	for (struct vma *vma = vma_tree_find(&as->vmas, start); vma && vma->start < end; vma = vma_next(vma))
		if (locked ? vma->flags & VMA_LOCKED : is_data(vma->prot, vma->flags))
			sum += MIN(end, vma->end) - MAX(start, vma->start);
	return sum;
}

static int check_data(struct address_space *as, unsigned prot, unsigned flags, uint64_t more, uint64_t replaced)
{
	uint64_t limit = as->data_limit;

	/* Some set the soft limit to 0 to keep programs from brk, and mean no more by it. */
	if (!limit && current_process())
		limit = current_process()->limits[RLIMIT_DATA].hard;
	if (limit == UINT64_MAX || !is_data(prot, flags))
		return 0;
	return sum_of(as, 0, USER_END, false) + more > MIN(limit, USER_END) + replaced ? -ENOMEM : 0;
}

bool memory_may_lock(void)
{
	return process_limit(RLIMIT_MEMLOCK) || capabilities_may_administer();
}

bool memory_lock_fits(struct address_space *as, uint64_t start, uint64_t len)
{
	uint64_t sum = len + sum_of(as, 0, USER_END, true);

	if (start != MEMORY_ANYWHERE)
		sum -= sum_of(as, start, start + len, true);
	return sum <= process_limit(RLIMIT_MEMLOCK) || capabilities_may_administer();
}

int memory_lock_check(struct address_space *as, uint64_t len)
{
	int error = 0;

	if (!memory_may_lock())
		return -EPERM;
	rwlock_read_lock(&as->lock);
	if (!memory_lock_fits(as, MEMORY_ANYWHERE, len))
		error = -EAGAIN;
	rwlock_read_unlock(&as->lock);
	return error;
}

int memory_limits_allow(struct address_space *as, unsigned prot, unsigned flags, uint64_t more, uint64_t replaced)
{
	if (flags & VMA_LOCKED && !memory_lock_fits(as, MEMORY_ANYWHERE, more))
		return -EAGAIN;
	if (more > as->space_limit || as->mapped_bytes - replaced > as->space_limit - more)
		return -ENOMEM;
	return check_data(as, prot, flags, more, replaced);
}

int memory_limits_allow_data(struct address_space *as, const struct vma *vma, uint64_t bytes)
{
	return check_data(as, PROT_WRITE, vma->flags, bytes, 0);
}

void memory_limits_changed(struct address_space *as)
{
	as->plain_limit = as->data_limit == UINT64_MAX && !as->lock_future ? as->space_limit : 0;
}
