/* SPDX-License-Identifier: MIT */
#include "test/lies/random.h"
#include "test/lies/lies.h"

static uint64_t state;			/* 0: no lies */

void lies_begin(uint64_t seed)
{
	state = seed;
}

bool lies_are_told(void)
{
	return state != 0;
}

uint64_t lies_draw(uint64_t limit)
{
	uint64_t mixed;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	mixed = state * 0x2545f4914f6cdd1dull;
	return limit >> 32 ? mixed % limit : (mixed >> 32) % limit;
}
