/* SPDX-License-Identifier: MIT */
/* Walking and growing the page tables of programs; see page_table.h. */
#include "mm/page_table.h"
#include "mm/memory_counters.h"
#include "lib/panic.h"

enum { TABLE_FLAGS = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED };

struct frame *zero_frame;

void page_table_init(void)
{
	zero_frame = frame_alloc(FRAME_ZERO | FRAME_KERNEL);
	if (!zero_frame)
		panic("not enough memory for the zero page");
	zero_frame->flags = FRAME_RESERVED;
}

/* The slot of @addr, or NULL if there is no table of level 2. It may be empty. */
static uint64_t *find_slot(struct address_space *as, uint64_t addr)
{
	uint64_t *table = phys_to_virt(as->root);

	for (unsigned level = TABLE_LEVELS; level > 2; level--) {
		uint64_t entry = table[table_index(addr, level)];

		if (!entry)
			return NULL;
		table = entry_table(entry);
	}
	return &table[table_index(addr, 2)];
}

uint64_t *page_table_find_locked(struct address_space *as, uint64_t addr)
{
	uint64_t *slot = find_slot(as, addr);

	return slot && *slot ? &entry_table(*slot)[table_index(addr, 1)] : NULL;
}

uint64_t *page_table_find_own_locked(struct address_space *as, uint64_t addr)
{
	uint64_t *slot = find_slot(as, addr);

	return slot && (*slot & PTE_WRITE) ? &entry_table(*slot)[table_index(addr, 1)] : NULL;
}

/* Hangs a new table below @table[@index]. */
static uint64_t add_table(struct address_space *as, uint64_t *table, unsigned index)
{
	struct frame *frame = table_alloc(0);

	if (!frame)
		return 0;
	table[index] = frame_phys(frame) | TABLE_FLAGS;
	table_mark(table, index);
	as->table_pages++;
	memory_count(MEMORY_PAGE_TABLES, 1);
	return table[index];
}

uint64_t *page_table_make_slot_locked(struct address_space *as, uint64_t addr)
{
	uint64_t *table = phys_to_virt(as->root);

	for (unsigned level = TABLE_LEVELS; level > 2; level--) {
		unsigned index = table_index(addr, level);
		uint64_t entry = table[index];

		if (unlikely(!entry)) {
			entry = add_table(as, table, index);
			if (!entry)
				return NULL;
		}
		table = entry_table(entry);
	}
	return &table[table_index(addr, 2)];
}

uint64_t *page_table_make_slow_locked(struct address_space *as, uint64_t addr)
{
	uint64_t *slot = page_table_make_slot_locked(as, addr);

	if (unlikely(!slot))
		return NULL;
	if (unlikely(!*slot)) {
		uint64_t *table = (uint64_t *)((uint64_t)slot & PAGE_MASK);

		if (!add_table(as, table, slot - table))
			return NULL;
	} else if (unlikely(!(*slot & PTE_WRITE)) && !page_table_own_slot_locked(as, slot, addr, 0)) {
		return NULL;
	}
	as->leaf_number = addr / table_span(2);
	as->leaf = entry_table(*slot);
	return &as->leaf[table_index(addr, 1)];
}

/* The first entry of @table after @index that is in use, or TABLE_ENTRIES. */
static unsigned next_used(const uint64_t *table, unsigned index)
{
	uint64_t groups = frame_of_virt(table)->private;

	while (++index < TABLE_ENTRIES) {
		if (index % TABLE_GROUP == 0) {
			uint64_t rest = groups & (~0ull << index / TABLE_GROUP);

			if (!rest)
				return TABLE_ENTRIES;
			index = __builtin_ctzll(rest) * TABLE_GROUP;
		}
		if (table[index])
			return index;
	}
	return TABLE_ENTRIES;
}

uint64_t *page_table_next_locked(struct address_space *as, uint64_t *addr, uint64_t end)
{
	uint64_t at = *addr;

	while (at < end) {
		uint64_t *table = phys_to_virt(as->root);
		unsigned level, index;

		for (level = TABLE_LEVELS;; level--) {
			index = table_index(at, level);
			if (!table[index] || level == 2)
				break;
			table = entry_table(table[index]);
		}
		if (table[index]) {
			*addr = at;
			return &table[index];
		}
		if ((at | (table_span(level) - 1)) >= end - 1)
			break;
		/* Skip to the next entry in use, or behind this table. */
		at = (at & ~(table_span(level + 1) - 1)) + next_used(table, index) * table_span(level);
	}
	*addr = end;
	return NULL;
}
