/* SPDX-License-Identifier: MIT */
/*
 * The kernel half of the page tables and stocks of clean tables; see paging.h.
 *
 * Locks: the kernel half's tables are changed by kernel_map.c only, under its lock. Table stocks are per CPU and touched with preemption off; the stock
 * of roots is guarded by root_lock.
 */
#include "arch/x86_64/paging.h"
#include "arch/x86_64/cpu.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sync/spinlock.h"

enum { MSR_PAT = 0x277, ROOT_STOCK = 8 };

/* Entry 0 write-back, 1 write-combining, 2 uncached unless an MTRR says else, 3 uncached; the upper four likewise (SDM §12.12.4). */
#define PAT_VALUE 0x0007010600070106ull

static paddr_t kernel_root;

static struct spinlock root_lock = SPINLOCK_INIT(LOCK_KERNEL_ROOT);
static struct frame *roots[ROOT_STOCK];		/* guarded by root_lock */
static unsigned root_count;			/* guarded by root_lock */

void paging_init_cpu(void)
{
	cpu_write_msr(MSR_PAT, PAT_VALUE);
	cpu_write_cr3(cpu_read_cr3());
}

void paging_init(void)
{
	kernel_root = cpu_read_cr3() & PTE_ADDRESS;
	uint64_t *root = phys_to_virt(kernel_root);
	uint64_t *slot = &root[table_index(KERNEL_MAP_BASE, 4)];

	memset(root, 0, TABLE_USER_ENTRIES * sizeof(*root));
	KASSERT(!*slot);
	preempt_disable();
	struct frame *table = table_alloc(FRAME_KERNEL);
	preempt_enable();
	if (!table)
		panic("not enough memory for the kernel's page tables");
	*slot = frame_phys(table) | PTE_PRESENT | PTE_WRITE;
	paging_init_cpu();
	this_cpu()->loaded_root = kernel_root;
}

paddr_t paging_kernel_root(void)
{
	return kernel_root;
}

/* ---- Stocks of tables ---- */

struct frame *table_alloc(unsigned flags)
{
	struct table_stock *stock = &this_cpu()->table_stock;

	if (likely(stock->count))
		return stock->tables[--stock->count];
	return frame_alloc(flags | FRAME_ZERO);
}

void table_free_clean(struct frame *table)
{
	struct table_stock *stock = &this_cpu()->table_stock;

	KASSERT(!table->private && !table->flags);
	if (stock->count < TABLE_STOCK_SIZE)
		stock->tables[stock->count++] = table;
	else
		frame_put(table);
}

struct frame *root_alloc(void)
{
	struct frame *root = NULL;

	spin_lock(&root_lock);
	if (root_count)
		root = roots[--root_count];
	spin_unlock(&root_lock);
	if (root)
		return root;
	root = frame_alloc(FRAME_ZERO);
	if (root)
		memcpy((uint64_t *)frame_virt(root) + TABLE_USER_ENTRIES, (uint64_t *)phys_to_virt(kernel_root) + TABLE_USER_ENTRIES,
		       (TABLE_ENTRIES - TABLE_USER_ENTRIES) * sizeof(uint64_t));
	return root;
}

void root_free(struct frame *root)
{
	KASSERT(!root->private);
	spin_lock(&root_lock);
	if (root_count < ROOT_STOCK) {
		roots[root_count++] = root;
		root = NULL;
	}
	spin_unlock(&root_lock);
	if (root)
		frame_put(root);
}

/* ---- Kernel mappings ---- */

/* The level-1 entry of @virt in the kernel's tables, tables made on the way if @make. NULL if absent or out of memory. */
static uint64_t *kernel_pte(uint64_t virt, bool make)
{
	uint64_t *table = phys_to_virt(kernel_root);

	for (unsigned level = TABLE_LEVELS; level > 1; level--) {
		uint64_t *entry = &table[table_index(virt, level)];

		if (!(*entry & PTE_PRESENT)) {
			struct frame *frame = make ? table_alloc(FRAME_KERNEL) : NULL;

			if (!frame)
				return NULL;
			*entry = frame_phys(frame) | PTE_PRESENT | PTE_WRITE;
		}
		KASSERT(!(*entry & PTE_LARGE));
		table = entry_table(*entry);
	}
	return &table[table_index(virt, 1)];
}

bool paging_map_kernel_page(uint64_t virt, paddr_t phys, uint64_t flags)
{
	uint64_t *pte = kernel_pte(virt, true);

	if (!pte)
		return false;
	KASSERT(!*pte);
	*pte = phys | flags | PTE_PRESENT | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY;
	return true;
}

uint64_t paging_unmap_kernel_page(uint64_t virt)
{
	uint64_t *pte = kernel_pte(virt, false);
	uint64_t old = pte ? *pte : 0;

	if (old)
		*pte = 0;
	return old;
}

uint64_t paging_kernel_entry(uint64_t virt)
{
	uint64_t *table = phys_to_virt(kernel_root);

	for (unsigned level = TABLE_LEVELS; level; level--) {
		uint64_t entry = table[table_index(virt, level)];

		if (!(entry & PTE_PRESENT))
			return 0;
		if (level == 1 || (entry & PTE_LARGE))
			return entry;
		table = entry_table(entry);
	}
	return 0;
}

size_t table_stock_frames(void)
{
	size_t count = __atomic_load_n(&root_count, __ATOMIC_RELAXED);

	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		if (cpus[cpu])
			count += __atomic_load_n(&cpus[cpu]->table_stock.count, __ATOMIC_RELAXED);
	return count;
}
