/* SPDX-License-Identifier: MIT */
/* Start-up of memory management, and its figures. */
#include "mm/mm.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/memory_counters.h"
#include "mm/page_table.h"
#include "mm/address_space_internal.h"
#include "debug/checks.h"
#include "debug/crash_dump.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/paging.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/panic.h"

enum { LOW_MEMORY_END = 0x100000, FREE_MIN_FRAMES = 2048 };

void mm_init(void)
{
	const struct memory_range reserved[] = {
		{ 0, LOW_MEMORY_END, false },	/* firmware data, and where other CPUs start */
		{ kernel_phys_start(), kernel_phys_end(), false },
		{ boot_info.module_start, boot_info.module_end, false },
		{ boot_info.symbols_start, boot_info.symbols_end, false },
		boot_layout.tables,
		CRASH_DUMP_RANGES
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

/* Pages may be counted up by one CPU and down by another, so only the sum means something. */
static size_t memory_counted(enum memory_counter counter)
{
	int64_t sum = 0;

	for (uint64_t rest = atomic_load(&cpus_online); rest; rest &= rest - 1)
		sum += atomic_load_relaxed(&cpus[__builtin_ctzll(rest)]->memory_counts[counter]);
	return MAX(sum, 0);
}

void memory_get_stats(struct memory_stats *stats)
{
	*stats = (struct memory_stats){
		.total = frame_total(),
		.free = frame_free(),
		.cached = memory_counted(MEMORY_CACHED),
		.shared = memory_counted(MEMORY_SHARED),
		.dirty = memory_counted(MEMORY_DIRTY),
		.write_back = memory_counted(MEMORY_WRITEBACK),
		.anonymous = memory_counted(MEMORY_ANONYMOUS),
		.slab = heap_pages(),
		.page_tables = memory_counted(MEMORY_PAGE_TABLES),
		.kernel_stacks = memory_counted(MEMORY_KERNEL_STACKS),
		.reserve = frame_reserve(),
	};
	stats->available = stats->free + stats->cached - MIN(stats->shared, stats->cached);
	stats->available -= MIN(stats->available, stats->reserve);
}

size_t memory_spare(void)
{
	struct memory_stats stats;

	if (likely(frame_plenty()))
		return frame_total();
	memory_get_stats(&stats);
	return stats.available;
}
