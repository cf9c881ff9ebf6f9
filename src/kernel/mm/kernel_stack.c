/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks. Each lies at the top of a slot of virtual addresses whose lower part is never mapped, so that running over the end
 * faults instead of overwriting something. A few free stacks are kept whole for the next thread.
 *
 * A slot whose stack was unmapped is put aside, and the TLBs of all CPUs are flushed once for many of them, before any is used again: nobody touches
 * a stack that was freed, so stale entries do no harm until then.
 *
 * Lock: kernel_map_lock guards the slots and the stock.
 */
#include "mm/kernel_map.h"
#include "mm/kernel_map_internal.h"
#include "mm/memory_counters.h"
#include "lib/panic.h"
#include "sched/thread.h"

enum { WORD_BITS = 64, STOCK_MAX = 16, STALE_MAX = 128, STACK_SIZE_MAX = STACK_SLOT_SIZE - PAGE_SIZE };

static uint64_t slots_used[STACK_SLOTS / WORD_BITS];	/* one bit a slot; guarded by kernel_map_lock */
static unsigned slot_hint;				/* word where a free slot may be; guarded by kernel_map_lock */
static uint16_t stale[STALE_MAX];			/* slots, used still, that TLBs may have; guarded by kernel_map_lock */
static unsigned stale_count;				/* guarded by kernel_map_lock */
static void *stock[STOCK_MAX];				/* free stacks of KERNEL_STACK_SIZE; guarded by kernel_map_lock */
static unsigned stock_count;				/* guarded by kernel_map_lock */

/* Flushes what is put aside. Returns whether there was any. */
static bool reuse_stale_slots(void)
{
	if (!stale_count)
		return false;
	tlb_flush_kernel_range(KERNEL_STACK_AREA, KERNEL_STACK_AREA + (uint64_t)STACK_SLOTS * STACK_SLOT_SIZE);
	for (; stale_count; stale_count--) {
		unsigned slot = stale[stale_count - 1];

		slots_used[slot / WORD_BITS] &= ~(1ull << slot % WORD_BITS);
		slot_hint = slot / WORD_BITS;
	}
	return true;
}

/* A free slot's top address, or 0. */
static uint64_t slot_find(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(slots_used); i++) {
		unsigned word = (slot_hint + i) % ARRAY_LEN(slots_used);
		uint64_t free = ~slots_used[word];

		if (!free)
			continue;
		unsigned bit = __builtin_ctzll(free);

		slots_used[word] |= 1ull << bit;
		slot_hint = word;
		return KERNEL_STACK_AREA + ((uint64_t)word * WORD_BITS + bit + 1) * STACK_SLOT_SIZE;
	}
	return 0;
}

static uint64_t slot_take(void)
{
	uint64_t top = slot_find();

	return top || !reuse_stale_slots() ? top : slot_find();
}

static void slot_give(uint64_t top)
{
	stale[stale_count++] = (top - KERNEL_STACK_AREA) / STACK_SLOT_SIZE - 1;
	if (stale_count == STALE_MAX)
		reuse_stale_slots();
}

/* Unmaps [start, end) and frees the frames. */
static void unmap_frames(uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end; at += PAGE_SIZE)
		frame_put(frame_of_phys(paging_unmap_kernel_page(at) & PTE_ADDRESS));
}

static bool map_frames(uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end; at += PAGE_SIZE) {
		struct frame *frame = frame_alloc(FRAME_KERNEL);

		if (frame && paging_map_kernel_page(at, frame_phys(frame), PTE_WRITE | PTE_NO_EXECUTE))
			continue;
		if (frame)
			frame_put(frame);
		unmap_frames(start, at);
		return false;
	}
	return true;
}

void *kernel_stack_alloc(size_t size)
{
	uint64_t base = 0;

	KASSERT(size && size <= STACK_SIZE_MAX && !(size & (PAGE_SIZE - 1)));
	spin_lock(&kernel_map_lock);
	if (size == KERNEL_STACK_SIZE && stock_count) {
		base = (uint64_t)stock[--stock_count];
	} else {
		uint64_t top = slot_take();

		if (top && map_frames(top - size, top)) {
			base = top - size;
			memory_count(MEMORY_KERNEL_STACKS, size >> PAGE_SHIFT);
		} else if (top) {
			slot_give(top);
		}
	}
	spin_unlock(&kernel_map_lock);
	return (void *)base;
}

void kernel_stack_free(void *base, size_t size)
{
	uint64_t start = (uint64_t)base, top = start + size;

	if (!base)
		return;
	KASSERT((top - KERNEL_STACK_AREA) % STACK_SLOT_SIZE == 0);
	spin_lock(&kernel_map_lock);
	if (size == KERNEL_STACK_SIZE && stock_count < STOCK_MAX) {
		stock[stock_count++] = base;
	} else {
		unmap_frames(start, top);
		slot_give(top);
		memory_count(MEMORY_KERNEL_STACKS, -(int64_t)(size >> PAGE_SHIFT));
	}
	spin_unlock(&kernel_map_lock);
}

bool kernel_address_is_stack_guard(uint64_t addr)
{
	uint64_t slot = (addr - KERNEL_STACK_AREA) / STACK_SLOT_SIZE;

	if (addr < KERNEL_STACK_AREA || slot >= STACK_SLOTS)
		return false;
	/* No lock: a panic must not wait. */
	return (slots_used[slot / WORD_BITS] >> slot % WORD_BITS & 1) && !paging_kernel_entry(addr);
}
