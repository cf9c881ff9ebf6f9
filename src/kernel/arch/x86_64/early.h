/* SPDX-License-Identifier: MIT */
/* Between boot.asm and the running kernel. */
#pragma once

#include "lib/types.h"

struct early_result { uint64_t entry, slide; };	/* returned in rax and rdx */

/* Called by boot.asm at physical addresses with the loader's information structure. */
struct early_result early_main(const void *info);

/* The first function at virtual addresses (init/main.c). */
__attribute__((noreturn)) void kernel_main(void);

/* Is the exact word on the loader's command line? Usable before relocation. */
bool early_command_line_has(const char *word);

/* Makes the image's pointers right for code that runs @slide bytes above its link address. Once only: it adds to them. */
void early_relocate(uint64_t slide);

/* Says on COM1 and on the screen why booting cannot go on, and stops. Usable from the first C code until mm_init(). */
__attribute__((noreturn)) void early_fail(const char *why);
