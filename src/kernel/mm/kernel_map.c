/* SPDX-License-Identifier: MIT */
/*
 * Kernel virtual addresses for device memory. The area is handed out first-fit with an unmapped page between mappings.
 * The same lock also covers kernel stacks (kernel_stack.c), because both change the kernel half of the page tables.
 *
 * Lock: kernel_map_lock (spinlock).
 */
#include "mm/kernel_map.h"
#include "mm/kernel_map_internal.h"
#include "mm/heap.h"
#include "arch/x86_64/paging.h"
#include "lib/list.h"
#include "lib/panic.h"

struct area {
	struct list link;	/* in areas, by address */
	uint64_t start, end;	/* the guard page behind it not included */
};

struct spinlock kernel_map_lock = SPINLOCK_INIT(LOCK_KERNEL_MAP);
static struct list areas = LIST_INIT(areas);	/* guarded by kernel_map_lock */

/* Gives @area the lowest place for @len bytes. kernel_map_lock held. */
static bool area_place(struct area *area, uint64_t len)
{
	uint64_t at = KERNEL_MAP_BASE;
	struct area *other;

	list_for_each(other, &areas, link) {
		if (other->start - at >= len + PAGE_SIZE)
			break;
		at = other->end + PAGE_SIZE;
	}
	if (at + len > KERNEL_STACK_AREA)
		return false;
	area->start = at;
	area->end = at + len;
	list_insert_between(&area->link, other->link.prev, &other->link);
	return true;
}

static struct area *area_find(uint64_t start)
{
	struct area *area;

	list_for_each(area, &areas, link)
		if (area->start == start)
			return area;
	return NULL;
}

static void area_unmap(struct area *area)
{
	for (uint64_t at = area->start; at < area->end; at += PAGE_SIZE)
		paging_unmap_kernel_page(at);
	tlb_flush_kernel_range(area->start, area->end);
	list_remove(&area->link);
}

COLD void *kernel_map_physical(paddr_t phys, size_t len, enum map_cache_mode mode)
{
	static const uint64_t mode_bits[] = {
		[MAP_UNCACHED] = PTE_MODE_UNCACHED, [MAP_WRITE_COMBINING] = PTE_MODE_WRITE_COMBINING, [MAP_WRITE_BACK] = 0,
	};
	uint64_t offset = phys & (PAGE_SIZE - 1), size = ROUND_UP(len + offset, PAGE_SIZE);
	uint64_t flags = PTE_WRITE | PTE_NO_EXECUTE | mode_bits[mode];
	struct area *area = len ? kmalloc(sizeof(*area)) : NULL;
	bool ok;

	if (!area)
		return NULL;
	spin_lock(&kernel_map_lock);
	ok = area_place(area, size);
	for (uint64_t done = 0; ok && done < size; done += PAGE_SIZE) {
		if (!paging_map_kernel_page(area->start + done, phys - offset + done, flags)) {
			area_unmap(area);
			ok = false;
		}
	}
	spin_unlock(&kernel_map_lock);
	if (ok)
		return (void *)(area->start + offset);
	kfree(area);
	return NULL;
}

COLD void kernel_unmap(void *virt, size_t len)
{
	uint64_t start = (uint64_t)virt & PAGE_MASK;

	spin_lock(&kernel_map_lock);
	struct area *area = area_find(start);

	KASSERT(area && area->end == ROUND_UP((uint64_t)virt + len, PAGE_SIZE));
	area_unmap(area);
	spin_unlock(&kernel_map_lock);
	kfree(area);
}
