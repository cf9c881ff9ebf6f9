/* SPDX-License-Identifier: MIT */
/* The memory system calls: mmap, munmap, mprotect, brk, msync, mincore. (mremap.c and madvise.c have the rest.) */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/memory_limits.h"
#include "mm/page_table.h"
#include "mm/user_copy.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"
#include "process/process.h"
#include "process/signal.h"
#include "vfs/file.h"
#include "syscall_prototypes.h"

#include <linux/mman.h>

enum {
	KNOWN_FLAGS = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |
		      MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGE_2MB | MAP_HUGE_1GB,
	/* What is passed on to address_space_map. */
	PLACE_FLAGS = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_NORESERVE,
	PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC,
};

struct mmap_request {
	uint64_t addr, len, offset;
	unsigned prot, max_prot, flags;	/* flags as address_space_map takes them */
	struct vm_object *object;	/* referenced, or NULL */
	struct file *begun;		/* referenced: its mapped() is to be called; or NULL */
};

/* Checks the kind of mapping; 0 or an error. */
static int check_flags(int flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
	case MAP_SHARED:
		return 0;
	case MAP_SHARED_VALIDATE:
		return flags & MAP_ANONYMOUS ? -EINVAL : flags & ~KNOWN_FLAGS ? -EOPNOTSUPP : 0;
	default:
		return -EINVAL;
	}
}

static int prepare_file(struct mmap_request *request, int fd, int flags)
{
	struct file *file = fd_get(fd);
	uint32_t rights;
	bool no_execute;
	int error = 0;

	if (!file)
		return -EBADF;
	rights = file->rights;
	no_execute = file_forbids_execution(file);
	if (rights & FILE_RIGHT_PATH_ONLY)
		error = -EBADF;
	else if (!request->len || (flags & MAP_GROWSDOWN))
		error = -EINVAL;
	else if (request->offset > INT64_MAX - request->len)
		error = -EOVERFLOW;
	else if (!(rights & FILE_RIGHT_READ))
		error = -EACCES;
	else if ((request->flags & MAP_SHARED) && (request->prot & PROT_WRITE) && !(rights & FILE_RIGHT_WRITE))
		error = -EACCES;
	else if (no_execute && (request->prot & PROT_EXEC))
		error = -EPERM;
	else if (!file->ops->mmap)
		error = -ENODEV;
	else
		error = file->ops->mmap(file, request->offset, request->len, request->prot, request->flags & (MAP_SHARED | MAP_PRIVATE),
					&request->object);
	if ((request->flags & MAP_SHARED) && !(rights & FILE_RIGHT_WRITE))
		request->max_prot &= ~PROT_WRITE;
	if (no_execute)
		request->max_prot &= ~PROT_EXEC;
	if (unlikely(error > 0)) {
		request->max_prot &= ~error;
		if (error & FILE_MMAP_BEGUN) {
			request->begun = file;
			return 0;
		}
		error = 0;
	}
	file_put(file);
	return error;
}

static int prepare_anonymous(struct mmap_request *request)
{
	request->offset = 0;
	if (!(request->flags & MAP_SHARED))
		return 0;
	if (!request->len || (request->flags & VMA_GROWS_DOWN))
		return -EINVAL;
	if (request->len > USER_END)
		return -ENOMEM;
	request->object = vm_object_create_anonymous(ROUND_UP(request->len, PAGE_SIZE));
	return request->object ? 0 : -ENOMEM;
}

/* Makes the pages of a new mapping present if that was asked for. Failing to is not an error of mmap. */
static void populate(struct address_space *as, uint64_t at, uint64_t len, int flags)
{
	bool wanted = (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE || ((flags & MAP_LOCKED) && !(as->lock_future & VMA_LOCK_ON_FAULT)) ||
		      address_space_locks_new(as);

	if (wanted)
		address_space_populate(as, at, at + ROUND_UP(len, PAGE_SIZE), 0);
}

/* What malloc and stacks of threads ask for most: private memory with nothing special about it. */
static inline int64_t map_plain(uint64_t addr, size_t len, int prot)
{
	struct address_space *as = current_process()->as;

	rwlock_write_lock(&as->lock);
	int64_t at = likely(!addr) ? address_space_map_plain_locked(as, len, prot)
				   : address_space_map_locked(as, addr, len, prot, PROT_ALL, MAP_PRIVATE, NULL, 0);
	unsigned locked = as->lock_future;

	rwlock_write_unlock(&as->lock);
	if (unlikely(locked) && at >= 0)
		populate(as, at, len, 0);
	return at;
}

static __attribute__((noinline)) int64_t map_special(uint64_t addr, size_t len, int prot, int flags, int fd, int64_t offset)
{
	struct address_space *as = address_space_current();
	struct mmap_request request = {
		.addr = addr, .len = len, .offset = offset, .prot = prot & PROT_ALL, .max_prot = PROT_ALL,
		.flags = (flags & PLACE_FLAGS) | (flags & MAP_SHARED ? MAP_SHARED : MAP_PRIVATE),
	};
	int error = offset & (PAGE_SIZE - 1) ? -EINVAL : check_flags(flags);
	int64_t at;

	if (error)
		return error;
	if (flags & MAP_HUGETLB)
		return -ENOMEM;		/* as Linux answers when no huge pages are set aside */
	if (flags & MAP_GROWSDOWN)
		request.flags |= VMA_GROWS_DOWN;
	if (flags & MAP_LOCKED) {
		error = memory_lock_check(as, len);
		if (error)
			return error;
		request.flags |= VMA_LOCKED;
	}
	error = flags & MAP_ANONYMOUS ? prepare_anonymous(&request) : prepare_file(&request, fd, flags);
	if (error)
		return error;
	at = address_space_map(as, request.addr, request.len, request.prot, request.max_prot, request.flags, request.object,
			       request.offset);
	if (request.object)
		vm_object_put(request.object);
	if (unlikely(request.begun)) {
		request.begun->ops->mapped(request.begun);
		file_put(request.begun);
	}
	if (at >= 0)
		populate(as, at, len, flags);
	return at;
}

long sys_mmap(uint64_t addr, size_t len, int prot, int flags, int fd, int64_t offset)
{
	if ((flags & ~MAP_STACK) == (MAP_PRIVATE | MAP_ANONYMOUS) && !(offset & (PAGE_SIZE - 1)))
		return map_plain(addr, len, prot);
	return map_special(addr, len, prot, flags, fd, offset);
}

long sys_munmap(uint64_t addr, size_t len)
{
	struct address_space *as = current_process()->as;
	int error;

	if ((addr & (PAGE_SIZE - 1)) || !len || addr > USER_END || len > USER_END - addr)
		return -EINVAL;
	rwlock_write_lock(&as->lock);
	error = address_space_unmap_locked(as, addr, addr + ROUND_UP(len, PAGE_SIZE));
	rwlock_write_unlock(&as->lock);
	return error;
}

long sys_mprotect(uint64_t addr, size_t len, int prot)
{
	struct address_space *as = address_space_current();
	unsigned grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);

	if ((prot & ~(PROT_ALL | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP)) || (grows & PROT_GROWSUP))
		return -EINVAL;
	if (grows) {
		/* From the start of the stack that holds @addr. */
		rwlock_read_lock(&as->lock);
		struct vma *vma = address_space_find(as, addr);
		bool stack = vma && (vma->flags & VMA_GROWS_DOWN);
		uint64_t start = stack ? vma->start : 0;

		rwlock_read_unlock(&as->lock);
		if (!vma)
			return -ENOMEM;
		if (!stack || (addr & (PAGE_SIZE - 1)))
			return -EINVAL;
		len += addr - start;
		addr = start;
	}
	return address_space_protect(as, addr, len, prot & PROT_ALL);
}

/* ---- brk ---- */

/* Moves the end of the heap to @wanted if that is possible. as->lock held for writing. */
static void set_brk(struct address_space *as, uint64_t wanted)
{
	uint64_t old_end = ROUND_UP(as->brk, PAGE_SIZE), new_end;

	if (wanted < as->brk_start || wanted > USER_END - PAGE_SIZE)
		return;
	new_end = ROUND_UP(wanted, PAGE_SIZE);
	if (new_end < old_end) {
		if (address_space_unmap_locked(as, new_end, old_end))
			return;
	} else if (new_end > old_end) {
		if (wanted - as->brk_start > as->data_limit || !address_space_range_is_free(as, old_end, new_end + PAGE_SIZE))
			return;
		if (address_space_map_locked(as, old_end, new_end - old_end, PROT_READ | PROT_WRITE, PROT_ALL,
					     MAP_PRIVATE | MAP_FIXED | VMA_HEAP, NULL, 0) < 0)
			return;
	}
	as->brk = wanted;
}

long sys_brk(uint64_t addr)
{
	struct address_space *as = address_space_current();
	uint64_t old, now;
	bool locked;

	rwlock_write_lock(&as->lock);
	old = as->brk;
	set_brk(as, addr);
	now = as->brk;
	locked = address_space_locks_new(as);
	rwlock_write_unlock(&as->lock);
	if (locked && now > old)
		address_space_populate(as, ROUND_UP(old, PAGE_SIZE), ROUND_UP(now, PAGE_SIZE), 0);
	return now;
}

/* ---- Looking at mappings ---- */

/*
 * msync of the mapping at or after *@addr; moves *@addr to its end. *@hole: there is something before it. Mapped pages are the file's pages, so what is left
 * to do is to check that all is mapped, and with MS_SYNC to have the owner write them.
 */
static int sync_mapping(struct address_space *as, uint64_t *addr, uint64_t end, int flags, bool *hole)
{
	struct vm_object *object = NULL;
	uint64_t first = 0, stop = 0;
	int error = 0;

	rwlock_read_lock(&as->lock);
	struct vma *vma = vma_tree_find(&as->vmas, *addr);

	if (vma && vma->start > *addr && vma->start < end && flags != MS_ASYNC) {
		*hole = true;
		*addr = vma->start;
	}
	if (!vma || vma->start > *addr)
		error = -ENOMEM;
	else if ((flags & MS_INVALIDATE) && (vma->flags & VMA_LOCKED))
		error = -EBUSY;
	if (!error) {
		if ((flags & MS_SYNC) && vma->object && vma->object->ops->sync && !(vma->flags & MAP_PRIVATE)) {
			object = vma->object;
			vm_object_get(object);
			first = (vma->offset + *addr - vma->start) >> PAGE_SHIFT;
			stop = first + ((MIN(end, vma->end) - *addr) >> PAGE_SHIFT);
		}
		*addr = vma->end;
	}
	rwlock_read_unlock(&as->lock);
	if (object) {
		error = object->ops->sync(object, first, stop);
		vm_object_put(object);
	}
	return error;
}

COLD long sys_msync(uint64_t addr, size_t len, int flags)
{
	struct address_space *as = address_space_current();
	uint64_t end = addr + ROUND_UP(len, PAGE_SIZE);
	bool hole = false;
	long error = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) ||
	    (addr & (PAGE_SIZE - 1)))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	while (addr < end && !error)
		error = sync_mapping(as, &addr, end, flags, &hole);
	return error ? error : hole ? -ENOMEM : 0;
}

/* Is the page in memory, mapped here or waiting in its object? Of what the caller may not know it of: yes. as->lock held. */
static bool in_core(struct address_space *as, const struct vma *vma, uint64_t addr)
{
	if (vma->object && vma->object->ops->discloses && !vma->object->ops->discloses(vma->object))
		return true;
	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_find_locked(as, addr);
	bool present = pte && *pte;

	spin_unlock(&as->table_lock);
	if (present || !vma->object)
		return present;
	mutex_lock(&vma->object->lock);
	present = vm_object_ready_page(vma->object, (vma->offset + addr - vma->start) >> PAGE_SHIFT);
	mutex_unlock(&vma->object->lock);
	return present;
}

COLD long sys_mincore(uint64_t addr, size_t len, uaddr_t vector)
{
	struct address_space *as = address_space_current();
	uint64_t end = addr + ROUND_UP(len, PAGE_SIZE);
	uint8_t answer[128];

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (addr > USER_END || len > USER_END - addr)
		return -ENOMEM;
	/* Linux tells the kernel's half of addresses before it looks at the range. */
	if ((int64_t)vector < 0)
		return -EFAULT;
	while (addr < end) {
		size_t count = 0;
		bool hole = false;

		if (signal_fatal_pending())
			return -EINTR;
		rwlock_read_lock(&as->lock);
		for (; addr < end && count < sizeof(answer) && !hole; addr += PAGE_SIZE) {
			struct vma *vma = address_space_find(as, addr);

			hole = !vma;
			if (vma)
				answer[count++] = in_core(as, vma, addr);
		}
		rwlock_read_unlock(&as->lock);
		if (hole)
			return -ENOMEM;
		if (copy_to_user(vector, answer, count))
			return -EFAULT;
		vector += count;
	}
	return 0;
}
