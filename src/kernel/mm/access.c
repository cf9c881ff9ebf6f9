/* SPDX-License-Identifier: MIT */
/* Reaching into an address space page by page: making pages present ahead of use, and reading another process's memory. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/page_table.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/process.h"
#include "process/signal.h"

#include <asm/signal.h>
#include <linux/mman.h>

enum { POPULATE_PIECE = 64 * PAGE_SIZE };	/* between looks for a fatal signal */

/* The frame mapped at @addr with a reference, if the entry allows the access; else NULL. */
static struct frame *present_frame(struct address_space *as, uint64_t addr, bool write)
{
	struct frame *frame = NULL;
	uint64_t needed = PTE_PRESENT | (write ? PTE_WRITE : 0);

	spin_lock(&as->table_lock);
	uint64_t *pte = write ? page_table_find_own_locked(as, addr) : page_table_find_locked(as, addr);

	if (pte && (*pte & needed) == needed) {
		frame = frame_of_phys(*pte & PTE_ADDRESS);
		frame_ref(frame);
	}
	spin_unlock(&as->table_lock);
	return frame;
}

struct frame *address_space_page(struct address_space *as, uint64_t addr, bool write)
{
	struct frame *frame;

	while (!(frame = present_frame(as, addr, write)))
		if (address_space_fault(as, addr, write ? FAULT_WRITE : FAULT_READ, false).signal)
			return NULL;
	return frame;
}

/* May a fault at @addr have to ask a file system? */
static bool may_ask(struct address_space *as, uint64_t addr)
{
	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);
	bool may = vma && vma->object;

	rwlock_read_unlock(&as->lock);
	return may;
}

size_t address_space_peek(struct address_space *as, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t offset = (addr + done) & (PAGE_SIZE - 1), part = MIN(len - done, PAGE_SIZE - offset);
		struct frame *frame = present_frame(as, addr + done, false);

		if (!frame && !may_ask(as, addr + done))
			frame = address_space_page(as, addr + done, false);
		if (!frame)
			break;
		memcpy((char *)buf + done, (char *)frame_virt(frame) + offset, part);
		frame_put(frame);
		done += part;
	}
	return done;
}

void address_space_written(struct address_space *as, uint64_t addr, struct frame *frame)
{
	struct vm_object *object = NULL;
	uint64_t index = 0;

	if (!(frame->flags & FRAME_CACHE))
		return;
	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	if (vma && vma->object && !(vma->flags & MAP_PRIVATE)) {
		object = vma->object;
		vm_object_get(object);
		index = (vma->offset + (addr - vma->start)) >> PAGE_SHIFT;
	}
	rwlock_read_unlock(&as->lock);
	if (!object)
		return;
	vm_object_written(object, index, frame);
	vm_object_put(object);
}

size_t address_space_access(struct address_space *as, uint64_t addr, void *buf, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		size_t offset = (addr + done) & (PAGE_SIZE - 1), part = MIN(len - done, PAGE_SIZE - offset);
		struct frame *frame = address_space_page(as, addr + done, write);

		if (!frame)
			break;
		if (write)
			memcpy((char *)frame_virt(frame) + offset, (char *)buf + done, part);
		else
			memcpy((char *)buf + done, (char *)frame_virt(frame) + offset, part);
		if (write)
			address_space_written(as, addr + done, frame);
		frame_put(frame);
		done += part;
	}
	return done;
}

static int page_in(uaddr_t at, size_t len, bool write)
{
	struct address_space *as = current_process()->as;

	if (!user_range_ok(at, len))
		return -EFAULT;
	for (uaddr_t page = at & PAGE_MASK; page < at + len; page += PAGE_SIZE) {
		struct frame *frame = address_space_page(as, page, write);

		if (signal_fatal_pending()) {
			if (frame)
				frame_put(frame);
			return -EINTR;
		}
		if (!frame)
			return -EFAULT;
		frame_put(frame);
	}
	return 0;
}

int uio_page_in(const struct uio *uio, size_t len, bool write)
{
	const struct uio_segment *segment = uio->segments;
	size_t offset = uio->segment_offset;
	int error = 0;

	if (uio->kernel)
		return 0;
	for (len = MIN(len, uio->left); len && !error; segment++, offset = 0) {
		size_t part = MIN(len, segment->len - offset);

		error = part ? page_in(segment->base + offset, part, write) : 0;
		len -= part;
	}
	return error;
}

size_t uio_write_to_now(struct uio *uio, const void *kernel_buf, size_t len)
{
	size_t moved;

	preempt_disable();
	moved = uio_write_to(uio, kernel_buf, len);
	preempt_enable();
	return moved;
}

size_t uio_read_from_now(struct uio *uio, void *kernel_buf, size_t len)
{
	size_t moved;

	preempt_disable();
	moved = uio_read_from(uio, kernel_buf, len);
	preempt_enable();
	return moved;
}

/*
 * What kind of access makes the pages of the VMA at @addr present for good; false where nothing is mapped or accessible. Shared pages are but read unless
 * @advice says otherwise: a file that nobody writes to stays clean.
 */
static bool populate_access(struct address_space *as, uint64_t addr, int advice, enum fault_access *access, uint64_t *end)
{
	bool ok = false;

	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	if (vma && vma->prot) {
		ok = true;
		*end = vma->end;
		*access = advice == MADV_POPULATE_WRITE || (!advice && vma->prot & PROT_WRITE && vma->flags & MAP_PRIVATE) ? FAULT_WRITE : FAULT_READ;
	}
	rwlock_read_unlock(&as->lock);
	return ok;
}

int address_space_populate(struct address_space *as, uint64_t start, uint64_t end, int advice)
{
	while (start < end) {
		enum fault_access access;
		uint64_t stop;

		if (!populate_access(as, start, advice, &access, &stop))
			return -ENOMEM;
		for (stop = MIN(stop, end); start < stop; start += PAGE_SIZE) {
			struct frame *frame = present_frame(as, start, access == FAULT_WRITE);

			/* The range may be all of user space. */
			if (unlikely(start % POPULATE_PIECE == 0 && signal_fatal_pending())) {
				if (frame)
					frame_put(frame);
				return -EINTR;
			}
			if (frame) {
				frame_put(frame);
				continue;
			}
			struct fault_result result = address_space_fault(as, start, access, true);

			if (result.signal)
				return result.signal == SIGKILL ? -ENOMEM : -EFAULT;
		}
	}
	return 0;
}
