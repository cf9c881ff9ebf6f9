/* SPDX-License-Identifier: MIT */
/* Memory management as a whole: start-up and the figures that /proc/meminfo and sysinfo show. */
#pragma once

#include "lib/types.h"

/*
 * Takes over the machine's memory from boot_info: frames, heap, the kernel's page tables and its mapping area. Called once, early, with
 * interrupts off. Panics with a clear message when there is too little memory. Until then there is no kmalloc.
 */
void mm_init(void);

/* Starts the thread that frees clean pages when memory is low. Called once the scheduler and timers run (init/main.c). */
void mm_start_reclaim(void);

/* All figures in pages of 4 KiB. A snapshot: the parts are read one after the other without a common lock. */
struct memory_stats {
	uint64_t total;		/* RAM managed by the frame allocator */
	uint64_t free;		/* free frames, the kernel's reserve included */
	uint64_t available;	/* what programs could get: free and clean file pages, less the kernel's reserve */
	uint64_t cached;	/* pages in VM objects: page cache, tmpfs and shared memory */
	uint64_t shared;	/* the part of cached that lives only in memory (tmpfs, shared memory) */
	uint64_t dirty;		/* the part of cached that is to be written back */
	uint64_t write_back;	/* the part of cached that is being written back */
	uint64_t anonymous;	/* private anonymous pages of programs */
	uint64_t slab;		/* kernel heap */
	uint64_t page_tables;	/* of address spaces */
	uint64_t kernel_stacks;
	uint64_t reserve;	/* frames only the kernel may take */
};

void memory_get_stats(struct memory_stats *stats);

/* How many pages programs could get (memory_stats.available), or, quickly, all of RAM while much is free. */
size_t memory_spare(void);
