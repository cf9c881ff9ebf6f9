/* SPDX-License-Identifier: MIT */
/*
 * The checks of the debug build (KERNEL_DEBUG, `make debug-iso`): shadow memory that says which bytes may be used, and undefined behaviour.
 * Other builds have neither the code, which is in debug/checks/, nor the calls: KERNEL_CHECKS is a constant.
 *
 * Shadow memory: one byte for each 8 bytes of RAM (seen through the direct map) and of the kernel image. The compiler calls debug/checks/ before
 * each access; what it does not see (string functions, user copies) asks by itself.
 */
#pragma once

#include "lib/types.h"

/* CHECKED_INLINE: functions that call a check which says where it was called. */
#ifdef KERNEL_DEBUG
enum { KERNEL_CHECKS = 1 };
#define CHECKED_INLINE static inline __attribute__((always_inline))
#else
enum { KERNEL_CHECKS = 0 };
#define CHECKED_INLINE SHARED_INLINE
#endif

/* Values of shadow bytes. 0: all 8 bytes may be used; 1 to 7: only so many of them. */
enum shadow_state {
	SHADOW_GLOBAL_ZONE = 0xf9,	/* behind a global variable */
	SHADOW_HEAP_ZONE = 0xfa,	/* around heap objects */
	SHADOW_HEAP_FREED = 0xfd,
	SHADOW_FREE_FRAME = 0xff,
};

/* Makes the shadow memory. Called once, when frames can be allocated; until then nothing is checked. */
void checks_init(void);
/* debug_crash=NAME on the command line makes the mistake of that name, to see it reported. */
void checks_provoke_from_command_line(void);

/* Reports its caller, which may sleep, if a spinlock is held or preemption is off. */
void sleep_check(void);

/* Called where a thread may sleep, also when there is nothing to wait for this time. */
SHARED_INLINE void check_may_sleep(void)
{
	if (KERNEL_CHECKS)
		sleep_check();
}

/* @start aligned to 8; the last granule of an allowed range may be a partial one. */
void shadow_allow(const void *start, size_t len);
void shadow_forbid(const void *start, size_t len, enum shadow_state state);
/* Checks [start, start + len) like an access by @who (a return address) and reports. */
void shadow_check(const void *start, size_t len, bool write, void *who);

static inline void check_read(const void *start, size_t len)
{
	if (KERNEL_CHECKS)
		shadow_check(start, len, false, __builtin_return_address(0));
}

static inline void check_write(const void *start, size_t len)
{
	if (KERNEL_CHECKS)
		shadow_check(start, len, true, __builtin_return_address(0));
}
