/* SPDX-License-Identifier: MIT */
/* Kernel virtual addresses beyond the direct map: device memory and stacks with guard pages. May not be called from interrupts. */
#pragma once

#include "lib/types.h"

enum map_cache_mode { MAP_UNCACHED, MAP_WRITE_COMBINING, MAP_WRITE_BACK };

/* Maps @len bytes of physical memory (any alignment) readable and writable, not executable. NULL when out of memory. */
void *kernel_map_physical(paddr_t phys, size_t len, enum map_cache_mode mode);
void kernel_unmap(void *virt, size_t len);

/* A stack of @size bytes (multiple of PAGE_SIZE) with an unmapped guard page below. Returns its lowest usable address or NULL. */
void *kernel_stack_alloc(size_t size);
void kernel_stack_free(void *base, size_t size);

/* Is @addr in the guard page of some kernel stack? For the page-fault handler's message. */
bool kernel_address_is_stack_guard(uint64_t addr);
