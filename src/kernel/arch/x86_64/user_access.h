/* SPDX-License-Identifier: MIT */
/* What user_copy.asm exports to mm/user_copy.c and, for the FPU, to process/signal_frame.c. Nobody else calls these. */
#pragma once

#include "lib/types.h"

size_t user_copy_in(void *to, uaddr_t from, size_t len);	/* bytes not copied */
size_t user_copy_out(uaddr_t to, const void *from, size_t len);
size_t user_clear(uaddr_t to, uint64_t zero, size_t len);
int user_copy_in_all(void *to, uaddr_t from, size_t len);	/* 0 or -EFAULT, as those up to user_cas_u32 */
int user_copy_out_all(uaddr_t to, const void *from, size_t len);
int user_load_u32(uint32_t *value, uaddr_t from);
int user_load_u64(uint64_t *value, uaddr_t from);
int user_store_u32(uaddr_t to, uint32_t value);
int user_store_u64(uaddr_t to, uint64_t value);
int user_cas_u32(uaddr_t addr, uint32_t expected, uint32_t wanted, uint32_t *found);
ssize_t user_copy_string(char *to, uaddr_t from, size_t size);	/* length, -1, or @size when there was no NUL */
/*
 * The caller's FPU registers to and from user memory of a checked range: XSAVE's standard form for @components, FXSAVE's with 0. 0, or not for
 * a bad address or image; the registers are then undefined.
 */
int user_fpu_store(uaddr_t to, uint64_t components);
int user_fpu_load(uaddr_t from, uint64_t components);

/* Both tables hold distances from the entry itself, so that they need no relocation. */
struct user_fixup { int32_t site, target; };
extern const struct user_fixup user_fixup_start[], user_fixup_end[];	/* from the linker script */

struct smap_site { int32_t offset, close; };
extern const struct smap_site smap_patch_start[], smap_patch_end[];	/* from the linker script */
