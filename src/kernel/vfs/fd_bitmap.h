/* SPDX-License-Identifier: MIT */
/* Bits of a descriptor table: 64 a word, lowest first. Pure. */
#pragma once

#include "lib/types.h"

static inline bool fd_bit(const uint64_t *bits, unsigned fd) { return bits[fd / 64] >> fd % 64 & 1; }
static inline void fd_bit_set(uint64_t *bits, unsigned fd) { bits[fd / 64] |= 1ull << fd % 64; }
static inline void fd_bit_clear(uint64_t *bits, unsigned fd) { bits[fd / 64] &= ~(1ull << fd % 64); }

/* The lowest clear (set) bit >= @from below @count; @count if there is none. @count is a multiple of 64. */
unsigned fd_bits_find_clear(const uint64_t *bits, unsigned count, unsigned from);
unsigned fd_bits_find_set(const uint64_t *bits, unsigned count, unsigned from);
