/* SPDX-License-Identifier: MIT */
/* Where the kernel image lies, physically and virtually, and what else early boot has taken. */
#pragma once

#include "lib/types.h"
#include "mm/frame.h"

/* Linker symbols: addresses as linked when taken in early boot, as running (virtual) afterwards. */
extern char image_start[], image_rodata[], image_data[], image_bss[], image_end[];
extern char image_relr_start[], image_relr_end[];
extern void (*const image_constructors[])(void), (*const image_constructors_end[])(void);	/* debug builds have some (debug/checks/) */

/* Filled in by early_main. */
struct boot_layout {
	uint64_t virtual_base;		/* where image_start runs */
	uint64_t slide;			/* running address minus linked address: subtract it to look a symbol up */
	paddr_t physical_base;		/* where image_start lies */
	paddr_t table_root;		/* the first PML4 */
	struct memory_range tables;	/* memory taken for page tables; stays in use */
	paddr_t info_start, info_end;	/* the loader's own structure; free after boot */
	const char *error;		/* what was wrong with the loader's information, or NULL */
};
extern struct boot_layout boot_layout;

paddr_t kernel_phys_start(void);
paddr_t kernel_phys_end(void);		/* page-aligned, exclusive */

/* Physical address of an address inside the kernel image or the direct map. */
paddr_t kernel_virt_to_phys(const void *virt);

enum { KERNEL_LINK_BASE = 0x200000 };
#define KERNEL_IMAGE_AREA 0xffffffff80000000ull	/* the image lies somewhere in the 1 GiB from here */
