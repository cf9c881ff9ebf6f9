/* SPDX-License-Identifier: MIT */
#ifndef EXT2_CHECK_REQUESTS_H
#define EXT2_CHECK_REQUESTS_H

#include "../handlers.h"
#include "world.h"

struct requests {
	bool grow;
	uint64_t tokens;
	unsigned long beats, given_up, left_alone, kept_compared;
	/* Of the next request, when it is asked for the first time: so many commits until the caller gives up, and until the server dies (-1: never). */
	struct plan {
		bool set, after;
		long give_up, death;
		uint8_t *image;		/* of the disk at the death, with all that was committed */
	} plan;
};

extern struct requests requests;

/* Compares all that can be asked for with the tree. */
void requests_compare(struct world *world);

#endif
