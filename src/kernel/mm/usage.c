/* SPDX-License-Identifier: MIT */
/* How much of a mapping is in memory, and whose (/proc/PID/smaps). */
#include "mm/frame_records.h"
#include "mm/page_table.h"

/* Adds a page that is mapped in a table held by @sharers spaces. */
static void add_page(uint64_t pte, uint32_t sharers, uint64_t *usage)
{
	struct frame *frame = phys_to_frame(pte & PTE_ADDRESS);
	uint32_t flags, mappings;

	/* Not the page of zeroes, the vDSO, memory of devices. */
	if (!frame || (flags = atomic_load_relaxed(&frame->flags)) & FRAME_RESERVED)
		return;
	/* Besides mappings only the object, and for moments the kernel, holds a page. */
	mappings = atomic_load_relaxed(&frame->refs) + sharers - 1 - !!(flags & FRAME_CACHE);
	mappings = MAX(mappings, 1u);
	usage[USAGE_RESIDENT] += PAGE_SIZE;
	usage[USAGE_PROPORTIONAL] += PAGE_SIZE / mappings;
	usage[(mappings > 1 ? USAGE_SHARED : USAGE_PRIVATE) + ((pte & PTE_DIRTY) | (flags & FRAME_DIRTY) ? 1 : 0)] += PAGE_SIZE;
	if (flags & FRAME_ANONYMOUS)
		usage[USAGE_ANONYMOUS] += PAGE_SIZE;
}

void address_space_get_usage(struct address_space *as, uint64_t start, uint64_t end, uint64_t usage[USAGE_COUNT])
{
	uint64_t *slot;

	usage[USAGE_SIZE] += end - start;
	/* The lock is let go after each table: a mapping may have very many. */
	do {
		spin_lock(&as->table_lock);
		slot = page_table_next_locked(as, &start, end);
		if (slot) {
			uint64_t *table = entry_table(*slot);

			do {
				uint64_t pte = table[table_index(start, 1)];

				if (pte)
					add_page(pte, atomic_load_relaxed(&frame_of_virt(table)->refs), usage);
				start += PAGE_SIZE;
			} while (start < end && table_index(start, 1));
		}
		spin_unlock(&as->table_lock);
	} while (slot && start < end);
}
