/* SPDX-License-Identifier: MIT */
/*
 * Keeps a program that prints without end from filling logs and the console: so many bytes at once, and so many a second, are let through; then all is
 * counted and dropped until there is room for some lines again. Pure: told the time.
 */
#ifndef SERVERS_LIB_THROTTLE_H
#define SERVERS_LIB_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THROTTLE_BURST = 32768, THROTTLE_BYTES_PER_S = 4096 };

/* All zero at first. */
struct throttle {
	uint64_t since_ns;           /* when @used was right */
	uint32_t used;               /* bytes let through, less those that time has made up for */
	uint32_t dropped;            /* lines, since the last that were let through */
	bool dropping;
	bool within_line;            /* what was let through ends in the middle of a line */
};

/* Of @length bytes of @text so many, from the first on, may pass; the others are dropped. */
size_t throttle_pass(struct throttle *throttle, const char *text, size_t length, uint64_t now_ns);

/* When dropping is over: the number of lines that were dropped, at least 1; once. Else 0. */
uint32_t throttle_over(struct throttle *throttle, uint64_t now_ns);

#endif
