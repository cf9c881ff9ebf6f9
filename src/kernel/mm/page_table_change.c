/* SPDX-License-Identifier: MIT */
/* Changing page-table entries in bulk: protection, copying for fork, moving for mremap. */
#include "mm/page_table.h"
#include "lib/errno.h"
#include "lib/panic.h"

#include <linux/mman.h>

/* What an entry becomes under @vma's protection. Writing to a page that is not ours alone is left to the fault handler. */
static uint64_t protect_entry(const struct vma *vma, uint64_t pte)
{
	uint64_t present = PTE_PRESENT | PTE_USER | PTE_ACCESSED;

	if (!(vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)))
		return pte & ~(uint64_t)(PTE_PRESENT | PTE_WRITE);
	pte = (pte & ~PTE_NO_EXECUTE) | present;
	if (!(vma->prot & PROT_EXEC))
		pte |= PTE_NO_EXECUTE;
	if (!(vma->prot & PROT_WRITE))
		return pte & ~(uint64_t)PTE_WRITE;
	if (!(pte & PTE_WRITE) && (vma->flags & MAP_PRIVATE)) {
		const struct frame *frame = frame_of_phys(pte & PTE_ADDRESS);

		if ((frame->flags & FRAME_ANONYMOUS) && frame->refs == 1)
			pte |= PTE_WRITE | PTE_DIRTY;
	}
	return pte;
}

/* Whether an entry that was @before and is @after now allows less. Who has a TLB entry that allows too little takes a fault, which flushes it. */
static inline bool allows_less(uint64_t before, uint64_t after)
{
	return (before & PTE_PRESENT) && ((before & ~after & (PTE_PRESENT | PTE_WRITE)) | (after & ~before & PTE_NO_EXECUTE));
}

/*
 * The TLB is flushed once at the end; nobody makes entries meanwhile. But whoever writes pages back and finds an entry read-only must be right that no CPU
 * writes to its page: then it is flushed before the lock is let go.
 */
void page_table_protect(struct address_space *as, const struct vma *vma, uint64_t start, uint64_t end)
{
	uint64_t first = start;
	bool less = false, written_back = vma->object && vma->object->ops->prepare_write && !(vma->flags & MAP_PRIVATE);

	while (start < end) {
		spin_lock(&as->table_lock);
		uint64_t *slot = page_table_next_locked(as, &start, end);

		if (slot) {
			struct table_slice slice = table_slice(start, end);
			uint64_t *table = entry_table(*slot);

			KASSERT(*slot & PTE_WRITE);
			for (uint64_t groups = table_groups(table, slice); groups;) {
				struct table_slice run = table_take_run(&groups, slice);

				for (unsigned i = run.first; i <= run.last; i++)
					if (table[i]) {
						uint64_t entry = protect_entry(vma, table[i]);

						less |= allows_less(table[i], entry);
						table[i] = entry;
					}
			}
			start = MIN(end, table_end(start));
		}
		if (start >= end || (less && written_back)) {
			if (less)
				tlb_flush_range(as->root, first, MIN(start, end), false);
			else
				tlb_flush_range_local(as->root, first, end);
			first = start;
			less = false;
		}
		spin_unlock(&as->table_lock);
	}
}

void page_table_protect_page(struct address_space *as, uint64_t addr, const struct frame *frame)
{
	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_find_own_locked(as, addr);

	if (pte && (*pte & PTE_WRITE) && (*pte & PTE_ADDRESS) == frame_phys(frame)) {
		*pte &= ~(uint64_t)PTE_WRITE;
		tlb_flush_range(as->root, addr, addr + PAGE_SIZE, false);
	}
	spin_unlock(&as->table_lock);
}

/* Copies the part of the table at @slot that maps @vma from @at on into a table of @child's own. */
static int copy_slice(struct address_space *child, const struct vma *vma, uint64_t at, const uint64_t *slot)
{
	uint64_t *from = entry_table(*slot), *to;
	struct table_slice slice = table_slice(at, vma->end);
	uint64_t groups = table_groups(from, slice);
	unsigned pages = 0;

	if (!groups)
		return 0;
	to = page_table_make_locked(child, at);
	if (!to)
		return -ENOMEM;
	to = (uint64_t *)((uint64_t)to & PAGE_MASK);
	frame_of_virt(to)->private |= groups;
	while (groups) {
		struct table_slice run = table_take_run(&groups, slice);

		pages += table_copy_entries(from + run.first, to + run.first, run.last - run.first + 1);
	}
	frame_of_virt(to)->flags += pages * TABLE_PAGE;
	child->resident += pages;
	return 0;
}

int page_table_copy(struct address_space *parent, struct address_space *child, const struct vma *vma)
{
	uint64_t at = vma->start;
	int result = 0;

	while (at < vma->end && result >= 0) {
		spin_lock(&parent->table_lock);
		spin_lock(&child->table_lock);	/* truncation may find the child's mappings already */
		uint64_t *slot = page_table_next_locked(parent, &at, vma->end);

		if (slot) {
			result = page_table_share_locked(parent, child, vma, at, slot);
			if (!result)
				result = copy_slice(child, vma, at, slot);
			at = table_end(at);
		}
		spin_unlock(&child->table_lock);
		spin_unlock(&parent->table_lock);
	}
	return MIN(result, 0);
}

/* Makes the tables that moving @len bytes will need, and the space's own. table_lock held. */
static int make_tables(struct address_space *as, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len, *slot;

	for (uint64_t at = from; (slot = page_table_next_locked(as, &at, end)); at = table_end(at)) {
		uint64_t stop = MIN(end, table_end(at));

		if (!(*slot & PTE_WRITE) && !page_table_own_slot_locked(as, slot, at, 0))
			return -ENOMEM;
		/* One table's pages land in at most two. */
		if (!page_table_make_locked(as, at - from + to) || !page_table_make_locked(as, stop - 1 - from + to))
			return -ENOMEM;
	}
	return 0;
}

COLD int page_table_move(struct address_space *as, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len, at = from, *slot;

	/* One locked section: truncation may free tables that are empty between two of them. */
	spin_lock(&as->table_lock);
	int error = make_tables(as, from, to, len);

	while (!error && (slot = page_table_next_locked(as, &at, end))) {
		struct table_slice slice = table_slice(at, end);
		uint64_t *table = entry_table(*slot);

		for (unsigned i = slice.first; i <= slice.last; i++, at += PAGE_SIZE) {
			if (!table[i])
				continue;
			pte_set(page_table_find_own_locked(as, at - from + to), table[i]);
			table[i] = 0;
			frame_of_virt(table)->flags -= TABLE_PAGE;
		}
	}
	tlb_flush_all(as->root, false);
	spin_unlock(&as->table_lock);
	/* Frees the tables that are empty now, or those made in vain. */
	if (error)
		page_table_unmap(as, to, to + len);
	else
		page_table_unmap(as, from, end);
	return error;
}
