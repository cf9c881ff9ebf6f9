/* SPDX-License-Identifier: MIT */
/* Start-up of memory management, and its figures. */
#include "mm/mm.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/memory_counters.h"
#include "mm/page_table.h"
#include "mm/address_space_internal.h"
#include "debug/checks.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/paging.h"
#include "init/boot_info.h"
#include "lib/panic.h"

enum { LOW_MEMORY_END = 0x100000, FREE_MIN_FRAMES = 2048 };

struct memory_counters memory_counters;

void mm_init(void)
{
	const struct memory_range reserved[] = {
		{ 0, LOW_MEMORY_END, false },	/* firmware data, and where other CPUs start */
		{ kernel_phys_start(), kernel_phys_end(), false },
		{ boot_info.module_start, boot_info.module_end, false },
		boot_layout.tables,
	};

	frame_init(boot_info.ranges, boot_info.range_count, reserved, ARRAY_LEN(reserved));
	if (frame_free() < FREE_MIN_FRAMES)
		panic("not enough memory: %lu KiB are free after loading, RaeenOS needs a machine with 64 MiB of RAM",
		      (unsigned long)frame_free() * (PAGE_SIZE >> 10));
	if (KERNEL_CHECKS)
		checks_init();
	paging_init();
	heap_init();
	page_table_init();
	address_space_init();
}

void memory_get_stats(struct memory_stats *stats)
{
	*stats = (struct memory_stats){
		.total = frame_total(),
		.free = frame_free(),
		.cached = atomic_load_relaxed(&memory_counters.cached),
		.shared = atomic_load_relaxed(&memory_counters.shared),
		.anonymous = atomic_load_relaxed(&memory_counters.anonymous),
		.slab = heap_pages(),
		.page_tables = atomic_load_relaxed(&memory_counters.page_tables),
		.kernel_stacks = atomic_load_relaxed(&memory_counters.kernel_stacks),
		.reserve = frame_reserve(),
	};
	stats->available = stats->free + stats->cached - MIN(stats->shared, stats->cached);
	stats->available -= MIN(stats->available, stats->reserve);
}
