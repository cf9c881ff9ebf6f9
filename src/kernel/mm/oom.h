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
/* Runs shrinkers until @frames were freed or none can free more. Returns frames freed. Thread context only. */
size_t memory_reclaim(size_t frames);
