/* SPDX-License-Identifier: MIT */
/* Changing page-table entries in bulk: protection, copying for fork, moving for mremap. */
#include "mm/page_table.h"
#include "lib/errno.h"

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

void page_table_protect(struct address_space *as, const struct vma *vma, uint64_t start, uint64_t end)
{
	while (start < end) {
		spin_lock(&as->table_lock);
		uint64_t *table = page_table_next_locked(as, &start, end);

		if (table) {
			struct table_slice slice = table_slice(start, end);

			for (uint64_t groups = table_groups(table, slice); groups;) {
				struct table_slice run = table_take_run(&groups, slice);

				for (unsigned i = run.first; i <= run.last; i++)
					if (table[i])
						table[i] = protect_entry(vma, table[i]);
			}
			uint64_t stop = MIN(end, (start | (table_span(2) - 1)) + 1);

			tlb_flush_range(as->root, start, stop);
			start = stop;
		}
		spin_unlock(&as->table_lock);
	}
}

/* Copies @count entries without their right to write; returns how many counted pages they map. */
static inline unsigned copy_entries(uint64_t *from, uint64_t *to, unsigned count)
{
	ptrdiff_t distance = (char *)to - (char *)from;
	unsigned pages = 0;

	for (uint64_t *end = from + count; from < end; from++) {
		uint64_t pte = *from;

		if (!pte)
			continue;
		pte &= ~(uint64_t)PTE_WRITE;
		*from = pte;
		*(uint64_t *)((char *)from + distance) = pte;
		frame_ref(frame_of_phys(pte & PTE_ADDRESS));
		pages++;
	}
	return pages;
}

int page_table_copy(struct address_space *parent, struct address_space *child, const struct vma *vma)
{
	uint64_t at = vma->start;

	while (at < vma->end) {
		spin_lock(&parent->table_lock);
		uint64_t *from = page_table_next_locked(parent, &at, vma->end);

		if (from) {
			struct table_slice slice = table_slice(at, vma->end);
			uint64_t groups = table_groups(from, slice);
			uint64_t *to = groups ? page_table_make_locked(child, at) : NULL;

			if (groups && !to) {
				spin_unlock(&parent->table_lock);
				return -ENOMEM;
			}
			if (to) {
				to = (uint64_t *)((uint64_t)to & PAGE_MASK);
				frame_of_virt(to)->private |= groups;
			}
			while (groups) {
				struct table_slice run = table_take_run(&groups, slice);

				child->resident += copy_entries(from + run.first, to + run.first, run.last - run.first + 1);
			}
			at = (at | (table_span(2) - 1)) + 1;
		}
		spin_unlock(&parent->table_lock);
	}
	return 0;
}

/* Makes the tables that moving @len bytes will need. table_lock held. */
static int make_tables(struct address_space *as, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len;

	for (uint64_t at = from; page_table_next_locked(as, &at, end); at = (at | (table_span(2) - 1)) + 1) {
		uint64_t stop = MIN(end, (at | (table_span(2) - 1)) + 1);

		/* One table's pages land in at most two. */
		if (!page_table_make_locked(as, at - from + to) || !page_table_make_locked(as, stop - 1 - from + to))
			return -ENOMEM;
	}
	return 0;
}

int page_table_move(struct address_space *as, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len, at = from, *table;

	/* One locked section: truncation may free tables that are empty between two of them. */
	spin_lock(&as->table_lock);
	int error = make_tables(as, from, to, len);

	while (!error && (table = page_table_next_locked(as, &at, end))) {
		struct table_slice slice = table_slice(at, end);

		for (unsigned i = slice.first; i <= slice.last; i++, at += PAGE_SIZE) {
			if (!table[i])
				continue;
			pte_set(page_table_find_locked(as, at - from + to), table[i]);
			table[i] = 0;
		}
	}
	tlb_flush_all(as->root);
	spin_unlock(&as->table_lock);
	/* Frees the tables that are empty now, or those made in vain. */
	page_table_unmap(as, from, end);
	if (error)
		page_table_unmap(as, to, to + len);
	return error;
}
