/* SPDX-License-Identifier: MIT */
/* Between heap.c and kmalloc.c. */
#pragma once

#include "lib/types.h"

void kmalloc_init(void);
size_t kmalloc_large_pages(void);	/* frames in allocations beyond the largest size class */
void slab_free_any(void *object);	/* frees an object of whatever cache it belongs to */
