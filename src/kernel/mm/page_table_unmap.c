/* SPDX-License-Identifier: MIT */
/*
 * Taking pages out of page tables. Frames are gathered, the TLB is flushed once for many of them, and only then are they
 * given back, because until the flush some CPU may still write to them. Where a flush may interrupt other CPUs more are gathered, in a
 * page borrowed for that, if there is one.
 */
#include "mm/page_table.h"
#include "mm/memory_counters.h"
#include "lib/panic.h"
#include "lib/string.h"

enum { GATHER_MAX = 60, GATHER_PAGE_MAX = PAGE_SIZE / sizeof(struct frame *) };

struct gather {
	struct address_space *as;
	bool dead;			/* nobody uses these tables: no flush, references are dropped at once */
	unsigned count, limit;
	uint64_t start, end;		/* what the flush is for */
	bool cleared;			/* the TLB may still hold entries of it that are gone */
	uint64_t pages;			/* counted pages removed from the table at hand */
	struct frame **frames;		/* references to drop; in a dead space: frames without references */
	struct frame *few[GATHER_MAX];	/* where frames points first, */
	struct frame *page;		/* and whose page it points to later; else NULL */
	unsigned table_count;
	struct frame *tables[4];	/* clean tables to give back */
};

static void gather_init(struct gather *gather, struct address_space *as, bool dead, uint64_t start, uint64_t end)
{
	gather->as = as;
	gather->dead = dead;
	gather->count = gather->table_count = 0;
	gather->limit = GATHER_MAX;
	gather->frames = gather->few;
	gather->page = NULL;
	gather->start = start;
	gather->end = end;
	gather->pages = 0;
	gather->cleared = false;
}

/* Keeps those of the gathered frames whose last reference goes now; returns their number. */
static unsigned drop_references(struct gather *gather)
{
	struct frame **kept = gather->frames;

	for (struct frame **next = kept, **end = next + gather->count; next < end; next++)
		if (frame_unref(*next))
			*kept++ = *next;
	return kept - gather->frames;
}

static void gather_flush(struct gather *gather)
{
	unsigned count = gather->count;
	int64_t anonymous = 0;

	if (!gather->dead) {
		if (gather->cleared)
			tlb_flush_range(gather->as->root, gather->start, gather->end, gather->table_count);
		count = drop_references(gather);
	}
	for (unsigned i = 0; i < count; i++)
		anonymous += !!(gather->frames[i]->flags & FRAME_ANONYMOUS);
	for (unsigned done = 0; done < count; done += GATHER_MAX)	/* interrupts are off in there */
		frame_release_many(gather->frames + done, MIN(count - done, (unsigned)GATHER_MAX));
	if (anonymous)
		memory_count(MEMORY_ANONYMOUS, -anonymous);
	for (unsigned i = 0; i < gather->table_count; i++)
		table_free_clean(gather->tables[i]);
	gather->count = gather->table_count = 0;
	gather->cleared = false;
}

/* The frames' array is full: there is room again afterwards. */
static __attribute__((noinline)) void gather_make_room(struct gather *gather)
{
	struct frame *page = cpus_several() && !gather->page ? frame_alloc(0) : NULL;

	if (!page) {
		gather_flush(gather);
		return;
	}
	gather->page = page;
	gather->frames = frame_virt(page);
	memcpy(gather->frames, gather->few, sizeof(gather->few));
	gather->limit = GATHER_PAGE_MAX;
}

/* After the last flush. */
static inline void gather_end(struct gather *gather)
{
	if (unlikely(gather->page))
		frame_put(gather->page);
}

static void gather_table(struct gather *gather, struct frame *table)
{
	if (gather->table_count == ARRAY_LEN(gather->tables))
		gather_flush(gather);
	gather->tables[gather->table_count++] = table;
	gather->cleared = true;
	gather->as->table_pages--;
	memory_count(MEMORY_PAGE_TABLES, -1);
}

/* Clears @count entries of a level-1 table that the TLB may still know: at a time as many as there is room for, if each has a page. */
static void clear_entries(struct gather *gather, uint64_t *entry, unsigned count)
{
	uint64_t *end = entry + count;

	do {
		struct frame **first = gather->frames + gather->count, **next = first;
		uint64_t *stop = entry + MIN((size_t)(end - entry), (size_t)(gather->limit - gather->count));

		for (; entry < stop; entry++) {
			uint64_t pte = *entry;

			if (!pte)
				continue;
			*entry = 0;
			*next++ = frame_of_phys(pte & PTE_ADDRESS);
		}
		gather->pages += next - first;
		gather->count = next - gather->frames;
		gather->cleared |= next != first;
		if (unlikely(gather->count == gather->limit))
			gather_make_room(gather);
	} while (unlikely(entry < end));
}

static bool group_is_empty(const uint64_t *table, unsigned group)
{
	const uint64_t *entry = &table[group * TABLE_GROUP];
	uint64_t any = 0;

	for (unsigned i = 0; i < TABLE_GROUP; i++)
		any |= entry[i];
	return !any;
}

/* Clears the slot of @addr, and frees the tables above that are empty then. */
static void clear_slot(struct gather *gather, uint64_t addr)
{
	uint64_t *path[TABLE_LEVELS + 1];

	gather->as->leaf = NULL;
	path[TABLE_LEVELS] = phys_to_virt(gather->as->root);
	for (unsigned level = TABLE_LEVELS; level > 2; level--)
		path[level - 1] = entry_table(path[level][table_index(addr, level)]);
	for (unsigned level = 2;; level++) {
		unsigned index = table_index(addr, level);

		path[level][index] = 0;
		if (group_is_empty(path[level], index / TABLE_GROUP))
			frame_of_virt(path[level])->private &= ~(1ull << index / TABLE_GROUP);
		if (level == TABLE_LEVELS || frame_of_virt(path[level])->private)
			break;
		gather_table(gather, frame_of_virt(path[level]));
	}
}

/* Removes the pages of [start, end), which lies within @table. table_lock held. */
static void unmap_slice(struct gather *gather, uint64_t *table, uint64_t start, uint64_t end)
{
	struct table_slice slice = table_slice(start, end);
	uint64_t groups = table_groups(table, slice);
	struct frame *frame = frame_of_virt(table);

	gather->pages = 0;
	while (groups) {
		struct table_slice run = table_take_run(&groups, slice);
		unsigned low = run.first / TABLE_GROUP, high = run.last / TABLE_GROUP;

		clear_entries(gather, table + run.first, run.last - run.first + 1);
		frame->private &= ~slice_groups(run);
		if (run.first % TABLE_GROUP && !group_is_empty(table, low))
			frame->private |= 1ull << low;
		if (run.last % TABLE_GROUP != TABLE_GROUP - 1 && !group_is_empty(table, high))
			frame->private |= 1ull << high;
	}
	frame->flags -= gather->pages * TABLE_PAGE;
	address_space_note_resident(gather->as);
	gather->as->resident -= gather->pages;
	if (!frame->private) {
		clear_slot(gather, start);
		gather_table(gather, frame);
	}
}

/* Clears entries of a level-1 table of a dead space: references go at once. */
static inline void destroy_entries(struct gather *gather, uint64_t *entry, unsigned count)
{
	for (uint64_t *end = entry + count; entry < end; entry++) {
		uint64_t pte = *entry;

		if (!pte)
			continue;
		*entry = 0;
		struct frame *frame = frame_of_phys(pte & PTE_ADDRESS);

		if (!frame_unref(frame))
			continue;
		gather->frames[gather->count++] = frame;
		if (gather->count == GATHER_MAX)
			gather_flush(gather);
	}
}

/* Clears a level-1 table that no space uses any more. */
static void destroy_leaf(struct gather *gather, uint64_t *table)
{
	struct frame *frame = frame_of_virt(table);
	uint64_t groups = frame->private;

	frame->private = 0;
	frame->flags = 0;
	while (groups) {
		struct table_slice run = table_take_run(&groups, (struct table_slice){ 0, TABLE_ENTRIES - 1 });

		destroy_entries(gather, table + run.first, run.last - run.first + 1);
	}
}

/* ---- Unmapping ---- */

static bool slice_is_empty(const uint64_t *table, struct table_slice slice)
{
	for (unsigned i = slice.first; i <= slice.last; i++)
		if (table[i])
			return false;
	return true;
}

/* Gives up the hold of the shared table at @slot, which maps [start, end) and nothing else. */
static void drop_shared(struct address_space *as, const uint64_t *slot, uint64_t start, uint64_t end)
{
	struct frame *table = frame_of_phys(*slot & PTE_ADDRESS);
	struct gather gather;

	gather_init(&gather, as, false, start, end);
	address_space_note_resident(as);
	as->resident -= table_page_count(table);
	as->shared_tables--;
	as->table_pages--;
	clear_slot(&gather, start);
	tlb_flush_all(as->root, true);
	gather_flush(&gather);
	if (!table_release(table))
		return;
	gather_init(&gather, as, true, 0, 0);
	destroy_leaf(&gather, frame_virt(table));
	gather_flush(&gather);
	memory_count(MEMORY_PAGE_TABLES, -1);
	table_free_clean(table);
}

/*
 * The shared table at @slot maps pages in [start, end), a part of its range. Returns the table if its entries may be cleared now; NULL if there is
 * nothing left to do. Needs no memory: where only some pages go, page_table_own_edges came before.
 */
static __attribute__((noinline)) uint64_t *unmap_shared(struct address_space *as, uint64_t *slot, uint64_t start, uint64_t end)
{
	uint64_t *table = entry_table(*slot);
	struct table_slice slice = table_slice(start, end), below = { 0, slice.first - 1 }, above = { slice.last + 1, TABLE_ENTRIES - 1 };

	/* Truncation looks for pages of its object, which are never in a shared table. */
	if (slice_is_empty(table, slice))
		return NULL;
	if (frame_of_virt(table)->refs > 1) {
		KASSERT((!slice.first || slice_is_empty(table, below)) && (slice.last == TABLE_ENTRIES - 1 || slice_is_empty(table, above)));
		drop_shared(as, slot, start, end);
		return NULL;
	}
	page_table_own_slot_locked(as, slot, start, 0);
	return entry_table(*slot);
}

/* The table at *@start or the next one after it, ready to be changed, or NULL; moves *@start up to where its range begins. */
static uint64_t *next_table(struct address_space *as, uint64_t *start, uint64_t end)
{
	uint64_t *slot = page_table_next_locked(as, start, end);

	if (!slot)
		return NULL;
	if (unlikely(!(*slot & PTE_WRITE)))
		return unmap_shared(as, slot, *start, MIN(end, table_end(*start)));
	as->leaf_number = *start / table_span(2);
	as->leaf = entry_table(*slot);
	return as->leaf;
}

/* @piecewise: the TLB is flushed before table_lock is dropped, which is after each table so that a large range does not keep the CPU. */
static inline __attribute__((always_inline)) void unmap(struct address_space *as, uint64_t start, uint64_t end, bool piecewise)
{
	struct gather gather;

	gather_init(&gather, as, false, start, end);
	while (start < end) {
		spin_lock(&as->table_lock);
		bool known = as->leaf && as->leaf_number == start / table_span(2);
		uint64_t *table = known ? as->leaf : next_table(as, &start, end);
		uint64_t stop = MIN(end, table_end(start));

		if (table && (table_groups(table, table_slice(start, stop)) || !frame_of_virt(table)->private))
			unmap_slice(&gather, table, start, stop);
		start = stop;
		if (piecewise || start >= end)
			gather_flush(&gather);
		spin_unlock(&as->table_lock);
	}
	gather_end(&gather);
}

void page_table_unmap(struct address_space *as, uint64_t start, uint64_t end)
{
	unmap(as, start, end, false);
}

void page_table_unmap_piecewise(struct address_space *as, uint64_t start, uint64_t end)
{
	unmap(as, start, end, true);
}

bool page_table_unmap_page(struct address_space *as, uint64_t addr, const struct frame *frame)
{
	bool found;

	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_find_own_locked(as, addr);

	found = pte && *pte && (!frame || (*pte & PTE_ADDRESS) == frame_phys(frame));
	if (found) {
		struct gather gather;

		gather_init(&gather, as, false, addr, addr + PAGE_SIZE);
		unmap_slice(&gather, (uint64_t *)((uint64_t)pte & PAGE_MASK), addr, addr + PAGE_SIZE);
		gather_flush(&gather);
	}
	spin_unlock(&as->table_lock);
	return found;
}

/* ---- The end of a space ---- */

/* Clears @table and does @end to each entry it had. Inlined for each level: most spaces have few tables, which this makes cheap. */
static inline __attribute__((always_inline)) void end_entries(struct gather *gather, uint64_t *table,
							      void (*end)(struct gather *gather, uint64_t entry))
{
	struct frame *frame = frame_of_virt(table);
	uint64_t groups = frame->private;

	frame->private = 0;
	for (; groups; groups &= groups - 1) {
		uint64_t *entry = table + __builtin_ctzll(groups) * TABLE_GROUP;

		for (uint64_t *stop = entry + TABLE_GROUP; entry < stop; entry++) {
			uint64_t value = *entry;

			if (likely(!value))
				continue;
			*entry = 0;
			end(gather, value);
		}
	}
}

/* Preemption is off, except between level-1 tables. */
static inline void end_level1(struct gather *gather, uint64_t slot)
{
	struct frame *table = frame_of_phys(slot & PTE_ADDRESS);

	if (!(slot & PTE_WRITE) && !table_release(table)) {
		gather->as->table_pages--;
		return;
	}
	destroy_leaf(gather, frame_virt(table));
	gather_table(gather, table);
	preempt_enable();
	preempt_disable();
}

static void end_level2(struct gather *gather, uint64_t entry)
{
	end_entries(gather, entry_table(entry), end_level1);
	gather_table(gather, frame_of_phys(entry & PTE_ADDRESS));
}

static inline void end_level3(struct gather *gather, uint64_t entry)
{
	end_entries(gather, entry_table(entry), end_level2);
	gather_table(gather, frame_of_phys(entry & PTE_ADDRESS));
}

void page_table_destroy(struct address_space *as)
{
	struct gather gather;

	gather_init(&gather, as, true, 0, 0);
	preempt_disable();
	end_entries(&gather, phys_to_virt(as->root), end_level3);
	gather_flush(&gather);
	preempt_enable();
	KASSERT(!as->table_pages);
}
