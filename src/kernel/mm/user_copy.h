/* SPDX-License-Identifier: MIT */
/*
 * Access to the calling process's memory. Every address is checked to lie in user space; a fault that cannot be resolved gives
 * -EFAULT. May sleep (page faults). With preemption off (a spinlock held, too) nothing sleeps: what a page fault would have to bring ends the copy as a
 * bad address does, so the caller then must try again the way that may sleep, before it believes that the address is bad.
 */
#pragma once

#include "lib/types.h"

/* One past the last user address: the lower canonical half less a guard page. */
#define USER_END 0x00007ffffffff000ull

/* Where nothing is checked on the way, a function is the assembly's (arch/x86_64/user_access.h). */
#if defined(KERNEL_DEBUG) || defined(HOST_TEST)
#define USER_ACCESS_IS(name)
#else
#define USER_ACCESS_IS(name) __asm__(#name)
#endif

int copy_from_user(void *to, uaddr_t from, size_t len) USER_ACCESS_IS(user_copy_in_all);	/* 0 or -EFAULT */
int copy_to_user(uaddr_t to, const void *from, size_t len) USER_ACCESS_IS(user_copy_out_all);	/* 0 or -EFAULT */
int clear_user(uaddr_t to, size_t len);				/* 0 or -EFAULT */
/* Return the bytes NOT copied or cleared. */
size_t copy_from_user_partial(void *to, uaddr_t from, size_t len) USER_ACCESS_IS(user_copy_in);
size_t copy_to_user_partial(uaddr_t to, const void *from, size_t len) USER_ACCESS_IS(user_copy_out);
size_t clear_user_partial(uaddr_t to, size_t len);

/* Copies a NUL-terminated string of at most @size bytes with its NUL. Length without NUL, -EFAULT, or -ENAMETOOLONG. */
ssize_t copy_string_from_user(char *to, uaddr_t from, size_t size);

/* Words of any alignment: 0 or -EFAULT. */
int put_user_u32(uaddr_t to, uint32_t value) USER_ACCESS_IS(user_store_u32);
int put_user_u64(uaddr_t to, uint64_t value) USER_ACCESS_IS(user_store_u64);
int get_user_u32(uint32_t *value, uaddr_t from) USER_ACCESS_IS(user_load_u32);
int get_user_u64(uint64_t *value, uaddr_t from) USER_ACCESS_IS(user_load_u64);

/* Atomic compare-and-exchange on an aligned user word (futexes). *found gets the old value. 0 or -EFAULT. */
int user_compare_exchange_u32(uaddr_t addr, uint32_t expected, uint32_t wanted, uint32_t *found) USER_ACCESS_IS(user_cas_u32);
#undef USER_ACCESS_IS

/* True if [addr, addr+len) lies in user space (says nothing about mappings). */
static inline bool user_range_ok(uaddr_t addr, size_t len)
{
	return addr <= USER_END && len <= USER_END - addr;
}

/* For the page-fault handler: if @rip is inside a user-copy routine, where to go on; else 0. */
uint64_t user_copy_fixup(uint64_t rip);

/*
 * Turns the placeholders around user accesses into STAC and CLAC. Called once on CPUs with SMAP, before CR4.SMAP is set (features.c); needs only
 * the direct map.
 */
void smap_patch_apply(void);
