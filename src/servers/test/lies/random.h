/* SPDX-License-Identifier: MIT */
/* What the two kinds of lies (lies.h) share. */
#ifndef TEST_LIES_RANDOM_H
#define TEST_LIES_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* Did lies_begin() come? */
bool lies_are_told(void);
/* Below @limit; only then. */
uint64_t lies_draw(uint64_t limit);

#endif
