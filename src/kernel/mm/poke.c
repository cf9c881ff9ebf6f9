/* SPDX-License-Identifier: MIT */
/* Another process's memory where the process itself may not reach it: breakpoints in a program's text, and pages that nobody may use. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/memory_counters.h"
#include "mm/page_table.h"
#include "mm/poke.h"
#include "lib/string.h"

#include <linux/mman.h>

/* May a page of the program's own stand in for the one at @addr? *@plain: it may be written to anyway. */
static bool can_be_private(struct address_space *as, uint64_t addr, bool *plain)
{
	bool can = false;

	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	*plain = vma && vma->prot & PROT_WRITE;
	can = vma && vma->flags & MAP_PRIVATE;
	rwlock_read_unlock(&as->lock);
	return can;
}

/*
 * The present page of a private mapping at @addr becomes the program's own, if it is not yet. The caller has a reference of @held, the page it was just
 * before. table_lock held. NULL: there is none, or no memory.
 */
static struct frame *own_page(struct address_space *as, struct vma *vma, uint64_t addr, const struct frame *held)
{
	uint64_t *pte = page_table_make_locked(as, addr);
	struct frame *frame, *copy;

	if (!pte || !(*pte & PTE_PRESENT))
		return NULL;
	frame = frame_of_phys(*pte & PTE_ADDRESS);
	if ((frame->flags & FRAME_ANONYMOUS) && atomic_load(&frame->refs) == 1 + (frame == held))
		return frame;
	copy = frame_alloc(0);
	if (!copy)
		return NULL;
	copy->flags = FRAME_ANONYMOUS;
	memory_count(MEMORY_ANONYMOUS, 1);
	memcpy(frame_virt(copy), frame_virt(frame), PAGE_SIZE);
	*pte = pte_make(copy, vma->prot, false);
	tlb_flush_range(as->root, addr, addr + PAGE_SIZE, false);
	if (frame_unref(frame))
		frame_release_many(&frame, 1);
	if (vma->object)
		atomic_or(&vma->flags, VMA_HAS_COPIES);
	return copy;
}

/* Writes within a page that was made present just before. False if it could not. */
static bool write_own(struct address_space *as, uint64_t addr, const void *buf, size_t len, const struct frame *held)
{
	struct frame *frame = NULL;

	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	if (vma && vma->flags & MAP_PRIVATE) {
		spin_lock(&as->table_lock);
		frame = own_page(as, vma, addr & PAGE_MASK, held);
		if (frame)
			memcpy((char *)frame_virt(frame) + addr % PAGE_SIZE, buf, len);
		spin_unlock(&as->table_lock);
	}
	rwlock_read_unlock(&as->lock);
	return frame;
}

size_t address_space_poke(struct address_space *as, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t part = MIN(len - done, PAGE_SIZE - (addr + done) % PAGE_SIZE);
		bool plain, can = can_be_private(as, addr + done, &plain);
		struct frame *frame;

		if (plain || !can) {
			part = plain ? address_space_access(as, addr + done, (char *)buf + done, part, true) : 0;
		} else {
			frame = address_space_page(as, addr + done, false);
			if (!frame || !write_own(as, addr + done, (char *)buf + done, part, frame))
				part = 0;
			if (frame)
				frame_put(frame);
		}
		if (!part)
			break;
		done += part;
	}
	return done;
}

/* Reads within a page of a mapping that forbids all use: what it has, or zeroes. False if there is no such page. */
static bool read_forbidden(struct address_space *as, uint64_t addr, void *buf, size_t len)
{
	bool found = false;

	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	if (vma && !vma->prot) {
		spin_lock(&as->table_lock);
		const uint64_t *pte = page_table_find_locked(as, addr);

		found = (pte && *pte) || !vma->object;
		if (pte && *pte)
			memcpy(buf, (char *)frame_virt(frame_of_phys(*pte & PTE_ADDRESS)) + addr % PAGE_SIZE, len);
		else
			memset(buf, 0, len);
		spin_unlock(&as->table_lock);
	}
	rwlock_read_unlock(&as->lock);
	return found;
}

size_t address_space_read_any(struct address_space *as, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t part = MIN(len - done, PAGE_SIZE - (addr + done) % PAGE_SIZE);

		if (address_space_access(as, addr + done, (char *)buf + done, part, false) < part && !read_forbidden(as, addr + done, (char *)buf + done, part))
			break;
		done += part;
	}
	return done;
}
