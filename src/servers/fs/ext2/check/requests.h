/* SPDX-License-Identifier: MIT */
#ifndef EXT2_CHECK_REQUESTS_H
#define EXT2_CHECK_REQUESTS_H

#include "../handlers.h"
#include "world.h"

struct requests {
	bool grow;
	uint64_t tokens;
	unsigned long beats, given_up, kept_compared;
};

extern struct requests requests;

/* Compares all that can be asked for with the tree. */
void requests_compare(struct world *world);

#endif
