/* SPDX-License-Identifier: MIT */
/*
 * 4-level page tables (Intel SDM vol. 3A §4.5): entry bits, the kernel half, the pool of clean tables, and TLB flushes. What is mapped
 * where in programs is decided in mm/.
 *
 * A table's frame record keeps in `private` one bit for each group of 8 entries that may hold something. Copying, clearing and freeing skip
 * the other groups, and a table whose mask is 0 is known to be all zeroes. In a PML4 the mask speaks of the user half only.
 */
#pragma once

#include "arch/x86_64/tlb.h"
#include "mm/frame_records.h"

enum pte_bits {
	PTE_PRESENT = 1 << 0,
	PTE_WRITE = 1 << 1,
	PTE_USER = 1 << 2,
	PTE_WRITE_THROUGH = 1 << 3,
	PTE_CACHE_DISABLE = 1 << 4,
	PTE_ACCESSED = 1 << 5,
	PTE_DIRTY = 1 << 6,
	PTE_LARGE = 1 << 7,
	PTE_GLOBAL = 1 << 8,
};
#define PTE_NO_EXECUTE (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

/* What a page of each caching mode sets; the PAT is programmed to match (paging_init_cpu). */
enum { PTE_MODE_WRITE_COMBINING = PTE_WRITE_THROUGH, PTE_MODE_UNCACHED = PTE_WRITE_THROUGH | PTE_CACHE_DISABLE };

enum { TABLE_ENTRIES = 512, TABLE_GROUP = 8, TABLE_LEVELS = 4, TABLE_USER_ENTRIES = 256 };

/* Virtual layout of the kernel half beside the direct map and the image: one PML4 slot for kernel_map. */
#define KERNEL_MAP_BASE 0xffffc90000000000ull
#define KERNEL_MAP_SIZE (1ull << 39)

static inline unsigned table_index(uint64_t addr, unsigned level)
{
	return addr >> (PAGE_SHIFT + 9 * (level - 1)) & (TABLE_ENTRIES - 1);
}

static inline uint64_t table_span(unsigned level)	/* bytes one entry of a table of @level covers */
{
	return 1ull << (PAGE_SHIFT + 9 * (level - 1));
}

static inline uint64_t *entry_table(uint64_t entry)
{
	return phys_to_virt(entry & PTE_ADDRESS);
}

/* Remembers that entry @index of @table is in use. */
static inline void table_mark(uint64_t *table, unsigned index)
{
	frame_of_virt(table)->private |= 1ull << index / TABLE_GROUP;
}

/*
 * Takes over the tables that early boot made: unmaps the lower half, makes the kernel half complete so that every address space can share it
 * by copying its PML4 entries once.
 */
void paging_init(void);

/* Per-CPU part: the page attribute table. */
void paging_init_cpu(void);

paddr_t paging_kernel_root(void);

/*
 * A clean table with one reference, from a small per-CPU stock if there is one. @flags as for frame_alloc. Preemption must be off or
 * the caller hold a spinlock. NULL when out of memory.
 */
struct frame *table_alloc(unsigned flags);
/* Takes back a table that is all zeroes again. Same context. */
void table_free_clean(struct frame *table);

/* A PML4 with the kernel half in place and the user half empty. NULL when out of memory. */
struct frame *root_alloc(void);
/* Takes it back; its user half is empty again. */
void root_free(struct frame *root);

/* Frames in stock, of all CPUs: for tests that count. */
size_t table_stock_frames(void);

/* Maps or unmaps one kernel page; the caller owns the range and serialises. False when out of memory. */
bool paging_map_kernel_page(uint64_t virt, paddr_t phys, uint64_t flags);
/* Returns the entry that was there (0 if none). The caller flushes the TLBs (tlb_flush_kernel_range) before the page or the range is used again. */
uint64_t paging_unmap_kernel_page(uint64_t virt);

/* The entry that maps kernel address @virt (any page size), or 0. */
uint64_t paging_kernel_entry(uint64_t virt);
