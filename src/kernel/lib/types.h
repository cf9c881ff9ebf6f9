/* SPDX-License-Identifier: MIT */
/* The basic types and the few helper macros every kernel file may use. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>

#ifndef HOST_TEST
typedef long ssize_t;
#else
#include <sys/types.h>
#endif

/*
 * An address in the calling process. It is an integer so that it cannot be dereferenced by mistake:
 * only mm/user_copy.h turns it into bytes.
 */
typedef uint64_t uaddr_t;

/* A physical address in bytes. */
typedef uint64_t paddr_t;

enum {
	PAGE_SHIFT = 12,
	PAGE_SIZE = 1 << PAGE_SHIFT,
};
#define PAGE_MASK (~(uint64_t)(PAGE_SIZE - 1))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ({ typeof(a) min_a_ = (a); typeof(b) min_b_ = (b); min_a_ < min_b_ ? min_a_ : min_b_; })
#define MAX(a, b) ({ typeof(a) max_a_ = (a); typeof(b) max_b_ = (b); max_a_ > max_b_ ? max_a_ : max_b_; })
#define ROUND_UP(value, to) (((value) + (to) - 1) / (to) * (to))
#define ROUND_DOWN(value, to) ((value) / (to) * (to))
#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/*
 * Begins an inline function of a header of which files that are made to be small call the one copy that lib/shared_inline.c has, where calls are
 * smaller. Each had a copy of its own otherwise.
 */
#if defined(SHARED_INLINE_COPIES)
#define SHARED_INLINE
#elif defined(__OPTIMIZE_SIZE__) && !defined(HOST_TEST)
#define SHARED_INLINE inline
#else
#define SHARED_INLINE static inline
#endif
/* A function to be made small, among others of its file that are to be fast. */
#define COLD __attribute__((cold))
