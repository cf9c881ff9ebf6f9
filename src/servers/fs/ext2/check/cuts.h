/* SPDX-License-Identifier: MIT */
/* What was promised at a moment, and whether a disk keeps it after a cut. */
#ifndef EXT2_CHECK_CUTS_H
#define EXT2_CHECK_CUTS_H

#include "world.h"

struct promise {
	struct node nodes[WORLD_NODES];
	struct name names[WORLD_NODES * 2];	/* of world->nodes; the same places in nodes */
	unsigned name_count;
};

/* From now on what the world has is on its disk. */
void promise_make(struct world *world, struct promise *promise);
/*
 * Is all of it in the mended image, but for what operations up to @last changed? What is only in lost+found is lost. Returns NULL, or what is wrong
 * (static).
 */
const char *promise_check(struct world *world, const struct promise *promise, uint8_t *image, unsigned long last);

#endif
