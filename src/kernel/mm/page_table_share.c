/* SPDX-License-Identifier: MIT */
/*
 * Level-1 tables that several address spaces hold after fork (adr/0005): sharing them, and giving a space its own again before anything in the
 * table's 2 MiB changes.
 *
 * Locks: a space's slots are changed under its table_lock. The holders of one table have no lock in common and need none: it can only be changed by a space
 * that finds itself the last holder, and nobody else can become one then, because only a fork of a holder makes holders. Copying reads entries and clears
 * PTE_WRITE in them, which others may do at the same time.
 */
#include "mm/memory_counters.h"
#include "mm/page_table.h"
#include "mm/vma_tree.h"
#include "lib/errno.h"

#include <linux/mman.h>

/* With fewer pages copying costs less than the fault that makes the copy later: the table of the stack, which a child writes to at once. */
enum { SHARE_PAGES_MIN = 32 };

unsigned table_copy_entries(uint64_t *from, uint64_t *to, unsigned count)
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

/* Everybody else has let go meanwhile of @table, which was copied: so no reference here is the last. */
static void discard_copied(uint64_t *table)
{
	struct frame *frame = frame_of_virt(table);

	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		if (table[i])
			frame_unref(frame_of_phys(table[i] & PTE_ADDRESS));
		table[i] = 0;
	}
	frame->private = 0;
	frame->flags = 0;
	memory_count(MEMORY_PAGE_TABLES, -1);
	table_free_clean(frame);
}

/* A table with what @table maps. NULL when out of memory. */
static struct frame *copy_table(uint64_t *table, unsigned alloc_flags)
{
	struct frame *from = frame_of_virt(table), *to = table_alloc(alloc_flags);
	uint64_t groups = from->private;

	if (!to)
		return NULL;
	to->private = groups;
	to->flags = from->flags;
	while (groups) {
		struct table_slice run = table_take_run(&groups, (struct table_slice){ 0, TABLE_ENTRIES - 1 });

		table_copy_entries(table + run.first, (uint64_t *)frame_virt(to) + run.first, run.last - run.first + 1);
	}
	memory_count(MEMORY_PAGE_TABLES, 1);
	return to;
}

bool page_table_own_slot_locked(struct address_space *as, uint64_t *slot, uint64_t addr, unsigned alloc_flags)
{
	struct frame *table = frame_of_phys(*slot & PTE_ADDRESS), *copy;

	if (__atomic_load_n(&table->refs, __ATOMIC_ACQUIRE) == 1) {
		*slot |= PTE_WRITE;
	} else {
		copy = copy_table(frame_virt(table), alloc_flags);
		if (!copy)
			return false;
		*slot = frame_phys(copy) | (*slot & ~PTE_ADDRESS) | PTE_WRITE;
	}
	as->shared_tables--;
	/* No CPU may go on walking through the old slot. What the TLB has of the pages stays true: they can be read. */
	tlb_flush_range(as->root, addr, addr + PAGE_SIZE, true);
	if ((*slot & PTE_ADDRESS) != frame_phys(table) && table_release(table))
		discard_copied(frame_virt(table));
	return true;
}

/* Makes the table at *@addr or the next one below @end the space's own; moves *@addr behind its range. 0 or -ENOMEM. */
static int own_next(struct address_space *as, uint64_t *addr, uint64_t end, unsigned alloc_flags)
{
	int error = 0;

	spin_lock(&as->table_lock);
	uint64_t *slot = page_table_next_locked(as, addr, end);

	if (slot && !(*slot & PTE_WRITE) && !page_table_own_slot_locked(as, slot, *addr, alloc_flags))
		error = -ENOMEM;
	spin_unlock(&as->table_lock);
	*addr = table_end(*addr);
	return error;
}

int page_table_own_all(struct address_space *as, uint64_t start, uint64_t end)
{
	int error = 0;

	while (start < end && as->shared_tables && !error)
		error = own_next(as, &start, end, 0);
	return error;
}

int page_table_own_edges(struct address_space *as, uint64_t start, uint64_t end)
{
	uint64_t span = table_span(2), at = start, last = end - 1;
	int error = 0;

	/* Giving memory back must not fail for want of a page. */
	if (as->shared_tables && (start % span || end < table_end(start)))
		error = own_next(as, &at, start + 1, FRAME_KERNEL);
	if (as->shared_tables && !error && end % span && end > table_end(start))
		error = own_next(as, &last, end, FRAME_KERNEL);
	return error;
}

/* ---- fork ---- */

static bool is_plain(const struct vma *vma)
{
	return !vma->object && (vma->flags & MAP_PRIVATE) && !(vma->flags & (VMA_DONT_FORK | VMA_WIPE_ON_FORK));
}

/* Would a child have everything that the table of @addr, in @vma, may map? */
static bool maps_plain_memory(const struct vma *vma, uint64_t addr)
{
	uint64_t end = table_end(addr), start = end - table_span(2);
	const struct vma *other;

	if (!is_plain(vma))
		return false;
	for (other = vma; other && other->start > start; ) {
		other = vma_prev(other);
		if (other && other->end > start && !is_plain(other))
			return false;
	}
	for (other = vma; other && other->end < end; ) {
		other = vma_next(other);
		if (other && other->start < end && !is_plain(other))
			return false;
	}
	return true;
}

int page_table_share_locked(struct address_space *parent, struct address_space *child, const struct vma *vma, uint64_t addr, uint64_t *slot)
{
	struct frame *table = frame_of_phys(*slot & PTE_ADDRESS);
	uint64_t *to, *level2;

	if (table_page_count(table) < SHARE_PAGES_MIN || !maps_plain_memory(vma, addr))
		return 0;
	to = page_table_make_slot_locked(child, addr);
	if (!to)
		return -ENOMEM;
	if (*to)
		return 1;	/* another mapping in its range has shared it */
	frame_ref(table);
	if (*slot & PTE_WRITE) {
		*slot &= ~(uint64_t)PTE_WRITE;
		parent->shared_tables++;
		parent->leaf = NULL;
	}
	*to = *slot;
	level2 = (uint64_t *)((uint64_t)to & PAGE_MASK);
	table_mark(level2, to - level2);
	child->shared_tables++;
	child->table_pages++;
	child->resident += table_page_count(table);
	return 1;
}
