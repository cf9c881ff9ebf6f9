/* SPDX-License-Identifier: MIT */
/* Host test of the frame bitmap: random operations against a plain array. */
/* LINK: mm/frame_bitmap.c */
#include <assert.h>
#include <stdlib.h>
#include "mm/frame_bitmap.h"

enum { FRAMES = 5000 };

static bool model[FRAMES];	/* free? */

static size_t model_free(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FRAMES; i++)
		n += model[i];
	return n;
}

static bool model_has_range(size_t count, size_t align)
{
	for (size_t first = 0; first + count <= FRAMES; first += align) {
		size_t i = 0;

		while (i < count && model[first + i])
			i++;
		if (i == count)
			return true;
	}
	return false;
}

static void take_some(struct frame_bitmap *map)
{
	uint32_t out[70];
	size_t want = rand() % 70 + 1;
	size_t expected = MIN(want, model_free());

	assert(frame_bitmap_take(map, out, want) == expected);
	for (size_t i = 0; i < expected; i++) {
		assert(model[out[i]]);
		model[out[i]] = false;
	}
}

static void take_range(struct frame_bitmap *map)
{
	size_t count = rand() % 150 + 1, align = (size_t)1 << rand() % 8;
	bool possible = model_has_range(count, align);
	size_t first = frame_bitmap_take_range(map, count, align);

	assert(possible == (first != FRAME_NONE));
	if (first == FRAME_NONE)
		return;
	assert(first % align == 0);
	for (size_t i = 0; i < count; i++) {
		assert(model[first + i]);
		model[first + i] = false;
	}
}

static void give_run(struct frame_bitmap *map)
{
	size_t first = rand() % FRAMES, count = 0, max = rand() % 200;

	while (count < max && first + count < FRAMES && !model[first + count])
		model[first + count++] = true;
	if (count == 1)
		frame_bitmap_give(map, first);
	else
		frame_bitmap_give_range(map, first, count);
}

int main(void)
{
	struct frame_bitmap map;
	void *storage = malloc(frame_bitmap_storage(FRAMES));

	for (unsigned seed = 1; seed <= 20; seed++) {
		srand(seed);
		for (size_t i = 0; i < FRAMES; i++)
			model[i] = false;
		frame_bitmap_init(&map, storage, FRAMES);
		assert(frame_bitmap_take_range(&map, 1, 1) == FRAME_NONE);
		for (unsigned step = 0; step < 3000; step++) {
			switch (rand() % 4) {
			case 0: take_some(&map); break;
			case 1: take_range(&map); break;
			default: give_run(&map); break;
			}
			assert(map.free == model_free());
		}
		for (size_t i = 0; i < FRAMES; i++)
			assert(frame_bitmap_is_free(&map, i) == model[i]);
	}
	free(storage);
	return 0;
}
