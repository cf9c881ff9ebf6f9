/* SPDX-License-Identifier: MIT */
/* Clearing pages through the direct map, the way that suits the CPU. */
#pragma once

#include "lib/types.h"

void page_clear_wide(void *page);	/* by SSE stores; interrupts must be off */
void page_clear_string(void *page);	/* by REP STOS */

/* Set by features_init: the FPU is ready and string instructions are not known to be fast (CPUID's ERMS). */
extern bool page_clear_by_sse;

/* Clears PAGE_SIZE bytes at @page, which is aligned so. Interrupts must be off. */
static inline void page_clear(void *page)
{
	if (likely(page_clear_by_sse))
		page_clear_wide(page);
	else
		page_clear_string(page);
}
