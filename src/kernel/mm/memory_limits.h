/* SPDX-License-Identifier: MIT */
/* How much memory a program may map and lock: RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK. */
#pragma once

#include "mm/address_space.h"

/*
 * May @as, whose lock is held, have @more bytes more, mapped with @prot and VMA flags @flags, when @replaced bytes go for them? 0; -EAGAIN: not locked ones;
 * or -ENOMEM.
 */
int memory_limits_allow(struct address_space *as, unsigned prot, unsigned flags, uint64_t more, uint64_t replaced);
/* May @bytes of @vma become writable? as->lock held. 0 or -ENOMEM. */
int memory_limits_allow_data(struct address_space *as, const struct vma *vma, uint64_t bytes);
/* A limit, or what new mappings get, is another: sets plain_limit. as->lock held for writing, or nobody else has @as. */
void memory_limits_changed(struct address_space *as);

/* Has the caller any right to lock memory? */
bool memory_may_lock(void);
/*
 * May the caller have [@start, @start + @len) of @as locked, beside what is locked elsewhere? With @start MEMORY_ANYWHERE @len bytes more than now.
 * as->lock held.
 */
#define MEMORY_ANYWHERE UINT64_MAX
bool memory_lock_fits(struct address_space *as, uint64_t start, uint64_t len);
/* May the caller lock @len more bytes (mmap MAP_LOCKED)? 0, -EPERM (no limit but 0) or -EAGAIN. Takes as->lock for reading. */
int memory_lock_check(struct address_space *as, uint64_t len);
