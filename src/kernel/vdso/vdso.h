/* SPDX-License-Identifier: MIT */
/* The kernel's side of the vDSO: its two pages, and where they are mapped. */
#pragma once

#include "lib/types.h"

struct address_space;

extern const char vdso_image[], vdso_image_end[];	/* image.asm: the shared object as a file */

/* Makes the pages. The clock runs; may sleep. Panics without memory. */
void vdso_init(void);

/* Maps them at a random place above @stack_top. The address of the ELF header (AT_SYSINFO_EHDR) or a negative errno. For exec. */
int64_t vdso_map(struct address_space *as, uint64_t stack_top);

/* The wall clock was set: it is @offset ns (modulo 2^64) after the monotonic one from now on. One caller at a time, preemption off. */
void vdso_set_realtime_offset(uint64_t offset);
