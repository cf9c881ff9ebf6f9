/* SPDX-License-Identifier: MIT */
/* What is done before an allocation fails: caches register a shrinker that frees clean pages or unused objects. */
#pragma once

#include "lib/types.h"
#include "lib/list.h"

struct shrinker {
	const char *name;
	/* Frees up to about @frames frames; returns how many it freed. May sleep; called from thread context with no locks held. */
	size_t (*shrink)(size_t frames);
	struct list link;
};
void shrinker_register(struct shrinker *shrinker);
/*
 * What is done when shrinkers free too little: @write has dirty pages written. If it may @wait for that it returns how many of @frames became clean, for
 * shrinkers to free. Called with no lock held, by several threads at once. The same @write may be given again.
 */
void memory_reclaim_by_writing(size_t (*write)(size_t frames, bool wait));
/* Runs shrinkers until @frames were freed or none can free more. Returns frames freed. Thread context only. */
size_t memory_reclaim(size_t frames);

/*
 * For who tries again what there was no memory for: reclaims, and tells whether to try. In vain it is tried 4 times, as another thread may have freed
 * all just now. What is freed may be but the page that the next try reads again: that is tried more often, and not for ever. *@tries: 0 at first.
 */
enum { RECLAIM_FRAMES = 128, RECLAIM_TRIES_MAX = 128, RECLAIM_IN_VAIN = RECLAIM_TRIES_MAX / 4 };
static inline bool memory_reclaim_again(unsigned *tries)
{
	*tries += memory_reclaim(RECLAIM_FRAMES) ? 1 : RECLAIM_IN_VAIN;
	return *tries < RECLAIM_TRIES_MAX;
}
