/* SPDX-License-Identifier: MIT */
/*
 * The page tables of programs. An entry that is not zero holds a frame (one reference) even if it is not present: that is a page of a PROT_NONE
 * mapping.
 *
 * After fork, parent and child may hold the same level-1 tables (adr/0005). A slot, the level-2 entry that a table hangs from, says by PTE_WRITE that
 * the table is its space's own to change. Without it the table's frame counts in `refs` the spaces that hold it, and nobody changes its entries, except
 * that they lose PTE_WRITE when one of the spaces makes its copy. Such tables map private anonymous memory only.
 *
 * All functions need as->lock (either way) unless they say otherwise; entries are read and changed under as->table_lock, which functions
 * without "_locked" take themselves.
 */
#pragma once

#include "arch/x86_64/paging.h"
#include "mm/address_space.h"

void page_table_init(void);

/*
 * The page of zeroes that read faults of anonymous memory share. It is counted like any page so that loops need not look for it, but its
 * count may wrap around: frames with FRAME_RESERVED are not freed when it comes by 0.
 */
extern struct frame *zero_frame;

/* The entry of @addr if its table exists, else NULL; only to be read, and PTE_WRITE says nothing. table_lock held. */
uint64_t *page_table_find_locked(struct address_space *as, uint64_t addr);
/* The same if the table is the space's own, else NULL. table_lock held. */
uint64_t *page_table_find_own_locked(struct address_space *as, uint64_t addr);
/* The entry of @addr in a table of the space's own, made if need be. NULL when out of memory. table_lock held. */
uint64_t *page_table_make_slow_locked(struct address_space *as, uint64_t addr);

static inline uint64_t *page_table_make_locked(struct address_space *as, uint64_t addr)
{
	if (likely(as->leaf_number == addr / table_span(2) && as->leaf))
		return &as->leaf[table_index(addr, 1)];
	return page_table_make_slow_locked(as, addr);
}

/* page_table_find_own_locked in few steps where the last fault was near. table_lock held. */
static inline uint64_t *page_table_peek_locked(struct address_space *as, uint64_t addr)
{
	if (likely(as->leaf_number == addr / table_span(2) && as->leaf))
		return &as->leaf[table_index(addr, 1)];
	return page_table_find_own_locked(as, addr);
}

/*
 * Whether a fault at @addr will find an entry: a guess, which needs no lock. @leaf may be a table of something else by now, or no table any more, but it
 * always is memory. The debug build, which reports reads of free memory, guesses blindly.
 */
static inline bool page_table_may_be_mapped(const struct address_space *as, uint64_t addr)
{
	const uint64_t *leaf = atomic_load_relaxed(&as->leaf);

	return !KERNEL_CHECKS && leaf && atomic_load_relaxed(&as->leaf_number) == addr / table_span(2) && atomic_load_relaxed(&leaf[table_index(addr, 1)]);
}

/* The slot of the table at *@addr or the next one after it below @end; moves *@addr up to where that table's range begins. table_lock held. */
uint64_t *page_table_next_locked(struct address_space *as, uint64_t *addr, uint64_t end);

/* The slot of @addr, tables above made if need be; it may be empty. NULL when out of memory. table_lock held. */
uint64_t *page_table_make_slot_locked(struct address_space *as, uint64_t addr);

/* Where the range of the level-1 table of @addr ends. */
static inline uint64_t table_end(uint64_t addr)
{
	return (addr | (table_span(2) - 1)) + 1;
}

/* The record of a level-1 table counts the entries that are not zero in the upper half of `flags`. */
enum { TABLE_PAGE = 1 << 16 };

static inline unsigned table_page_count(const struct frame *table)
{
	return table->flags / TABLE_PAGE;
}

/* Fills an entry that was made and is zero. table_lock held. */
static inline void pte_set(uint64_t *pte, uint64_t value)
{
	uint64_t at = (uint64_t)pte;
	struct frame *table = frame_of_virt((void *)(at & PAGE_MASK));

	*pte = value;
	table->private |= 1ull << (at & (PAGE_SIZE - 1)) / sizeof(*pte) / TABLE_GROUP;
	table->flags += TABLE_PAGE;
}

/* What an entry says beside the frame for a mapping's protection; writable only if @write. */
static inline uint64_t pte_bits(unsigned prot, bool write)
{
	enum { PROT_BIT_EXEC = 4 };
	uint64_t pte = PTE_PRESENT | PTE_USER | PTE_ACCESSED;

	if (write)
		pte |= PTE_WRITE | PTE_DIRTY;
	if (!(prot & PROT_BIT_EXEC))
		pte |= PTE_NO_EXECUTE;
	return pte;
}

static inline uint64_t pte_make(const struct frame *frame, unsigned prot, bool write)
{
	return frame_phys(frame) | pte_bits(prot, write);
}

/* The part of a level-1 table that lies in [start, end): entries first..last. */
struct table_slice { unsigned first, last; };

static inline struct table_slice table_slice(uint64_t addr, uint64_t end)
{
	unsigned last = end < table_end(addr) ? table_index(end - 1, 1) : TABLE_ENTRIES - 1;

	return (struct table_slice){ table_index(addr, 1), last };
}

/* The groups that entries first..last touch. */
static inline uint64_t slice_groups(struct table_slice slice)
{
	return (~0ull << slice.first / TABLE_GROUP) & (~0ull >> (63 - slice.last / TABLE_GROUP));
}

/* Those of them that may hold something in @table. */
static inline uint64_t table_groups(const uint64_t *table, struct table_slice slice)
{
	return frame_of_virt(table)->private & slice_groups(slice);
}

/* Remembers that @count entries of @slice were filled at once. table_lock held. */
static inline void table_note(uint64_t *table, struct table_slice slice, unsigned count)
{
	struct frame *frame = frame_of_virt(table);

	frame->private |= slice_groups(slice);
	frame->flags += count * TABLE_PAGE;
}

/* Takes the first run of neighbouring groups out of *@groups: its entries are first..last, clipped to @slice. */
static inline struct table_slice table_take_run(uint64_t *groups, struct table_slice slice)
{
	unsigned low = __builtin_ctzll(*groups);
	uint64_t above = ~(*groups >> low);
	unsigned count = above ? __builtin_ctzll(above) : 64;	/* @above is 0 only for 64 groups from 0 on */
	unsigned first = low * TABLE_GROUP, last = first + count * TABLE_GROUP - 1;

	*groups &= low + count < 64 ? ~0ull << (low + count) : 0;
	return (struct table_slice){ MAX(first, slice.first), MIN(last, slice.last) };
}

/*
 * Removes the pages of [start, end), flushes the TLB, drops their references and frees tables that became empty. as->lock held for writing: so nobody
 * finds entries gone before the TLB knows, though table_lock is dropped in between and one flush serves many tables.
 */
void page_table_unmap(struct address_space *as, uint64_t start, uint64_t end);
/* The same with a flush for each table before table_lock is dropped: as->lock held for reading or, by truncation, not at all. */
void page_table_unmap_piecewise(struct address_space *as, uint64_t start, uint64_t end);

/* Removes one page if it maps @frame (any frame if NULL). True if it did. For truncation and reclaim; as->lock NOT needed. */
bool page_table_unmap_page(struct address_space *as, uint64_t addr, const struct frame *frame);

/* Frees everything of an address space that no CPU uses any more. No locks needed; may be preempted. */
void page_table_destroy(struct address_space *as);

/*
 * Gives the present pages of @vma within [start, end), in tables of the space's own, the protection @vma->prot. as->lock held for writing.
 */
void page_table_protect(struct address_space *as, const struct vma *vma, uint64_t start, uint64_t end);

/* Takes the right to write away from the page at @addr if it maps @frame; no CPU writes to it afterwards. For write-back; as->lock NOT needed. */
void page_table_protect_page(struct address_space *as, uint64_t addr, const struct frame *frame);

/*
 * Maps the pages of @vma's range that @parent has in @child too, in tables of its own or in shared ones; both lose the right to write. The caller
 * flushes the parent's TLB afterwards. 0 or -ENOMEM.
 */
int page_table_copy(struct address_space *parent, struct address_space *child, const struct vma *vma);

/* Moves the pages of [from, from + len) to @to, where nothing is mapped. 0 or -ENOMEM (nothing moved). as->lock held for writing. */
int page_table_move(struct address_space *as, uint64_t from, uint64_t to, uint64_t len);

/* ---- Shared tables (page_table_share.c) ---- */

/* Makes the table at @slot, which is shared, the space's own; @addr lies in its range. False when out of memory. table_lock held. */
bool page_table_own_slot_locked(struct address_space *as, uint64_t *slot, uint64_t addr, unsigned alloc_flags);

/*
 * Makes the tables of [start, end) the space's own, so that entries can be changed: all of them, or only those of which a part lies
 * outside. 0 or -ENOMEM (some may be own already). They stay its own as long as as->lock is held, either way: only fork shares tables.
 */
int page_table_own_all(struct address_space *as, uint64_t start, uint64_t end);
int page_table_own_edges(struct address_space *as, uint64_t start, uint64_t end);

/*
 * Lets @child hold the table at @slot of @parent, which maps @addr of @vma, if that is possible and pays. 1 if it holds it now, 0 if not, or
 * -ENOMEM. Both spaces are locked as for page_table_copy.
 */
int page_table_share_locked(struct address_space *parent, struct address_space *child, const struct vma *vma, uint64_t addr, uint64_t *slot);

/* Copies @count entries without their right to write, which the originals lose too; returns how many are not zero. */
unsigned table_copy_entries(uint64_t *from, uint64_t *to, unsigned count);

/* Gives up one hold of a table; true if it was the last and the table is the caller's. The TLB knows nothing of it any more. */
static inline bool table_release(struct frame *table)
{
	if (__atomic_load_n(&table->refs, __ATOMIC_ACQUIRE) != 1 && !frame_unref(table))
		return false;
	table->refs = 1;
	return true;
}
