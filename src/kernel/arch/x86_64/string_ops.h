/* SPDX-License-Identifier: MIT */
/* Moves of any length in one instruction, upwards. */
#pragma once

#include "lib/types.h"

/* Each returns the place behind what it has written. */
static inline void *copy_words(void *to, const void **from, size_t words)
{
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(*from), "+c"(words) :: "memory");
	return to;
}

static inline void *copy_bytes(void *to, const void **from, size_t bytes)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(*from), "+c"(bytes) :: "memory");
	return to;
}

static inline void *fill_words(void *to, uint64_t pattern, size_t words)
{
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	return to;
}

static inline void *fill_bytes(void *to, uint8_t byte, size_t bytes)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(byte) : "memory");
	return to;
}
