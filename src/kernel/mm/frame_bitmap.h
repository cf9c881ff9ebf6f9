/* SPDX-License-Identifier: MIT */
/*
 * A two-level bitmap of free page frames: one bit a frame, and one summary bit for each 64 of them that says "something is free here".
 * Pure: no locks, no memory of its own, tested on the host. frame.c puts locks and magazines around it.
 */
#pragma once

#include "lib/types.h"

struct frame_bitmap {
	uint64_t *words;	/* bit set: the frame is free */
	uint64_t *summary;	/* bit set: that word is not zero */
	size_t count;		/* frames */
	size_t word_count, summary_count;
	size_t free;		/* set bits */
	size_t hint;		/* word where the next search begins */
};

#define FRAME_NONE SIZE_MAX

/* Bytes of storage that a bitmap of @count frames needs (a multiple of 8). */
size_t frame_bitmap_storage(size_t count);

/* Starts with every frame taken. @storage is 8-byte aligned. */
void frame_bitmap_init(struct frame_bitmap *map, void *storage, size_t count);

/* Frees frames [first, first + count), all of which must be taken. */
void frame_bitmap_give_range(struct frame_bitmap *map, size_t first, size_t count);
void frame_bitmap_give(struct frame_bitmap *map, size_t index);

/* Takes up to @want frames, not necessarily neighbours, into @out. Returns how many. */
size_t frame_bitmap_take(struct frame_bitmap *map, uint32_t *out, size_t want);

/* Takes @count neighbours, the first a multiple of @align (a power of two). The first one's index, or FRAME_NONE. */
size_t frame_bitmap_take_range(struct frame_bitmap *map, size_t count, size_t align);

bool frame_bitmap_is_free(const struct frame_bitmap *map, size_t index);
