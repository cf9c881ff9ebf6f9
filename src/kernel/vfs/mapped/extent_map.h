/* SPDX-License-Identifier: MIT */
/* Where the blocks of a file are, as far as it is known: runs in an array, sorted, neighbours merged. Pure; not locked. */
#pragma once

#include "lib/types.h"

struct extent {
	uint64_t block;		/* the disk's; 0: a hole; or EXTENT_PROMISED: a hole still, for which there is room */
	uint32_t first, count;	/* the file's */
};

struct extent_map {
	struct extent *extents;
	uint32_t used, size;
};

#define EXTENT_PROMISED UINT64_MAX
/* Blocks are numbered below that. */
#define EXTENT_END_MAX ((uint64_t)UINT32_MAX)

/*
 * The extent that holds block @first of the file, or NULL: nothing is known of it. *@count: how many blocks from @first on the answer holds for; beyond
 * the last extent as many as there can be.
 */
const struct extent *extent_map_find(const struct extent_map *map, uint64_t first, uint64_t *count);

/*
 * Blocks @first to @first + @count - 1 (at least one, below EXTENT_END_MAX) are at @block on (or what struct extent says), whatever was known. -ENOMEM: nothing
 * changed.
 */
int extent_map_insert(struct extent_map *map, uint64_t first, uint64_t count, uint64_t block);

/* Nothing is known any more from block @first on. */
void extent_map_cut(struct extent_map *map, uint64_t first);
/* The same, but what is promised stays. */
void extent_map_forget(struct extent_map *map, uint64_t first);

/* The first extent with promised blocks that ends after block @first; NULL. */
const struct extent *extent_map_promised(const struct extent_map *map, uint64_t first);
/* How many blocks from @first on are promised. */
uint64_t extent_map_count_promised(const struct extent_map *map, uint64_t first);

void extent_map_free(struct extent_map *map);
