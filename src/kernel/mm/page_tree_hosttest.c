/* SPDX-License-Identifier: MIT */
/* Host test of the page tree: random operations against a sorted array, over near and far indexes. */
/* LINK: mm/page_tree.c */
#include <assert.h>
#include <stdlib.h>
#include "mm/page_tree.h"

enum { SPAN = 600 };

struct place { uint64_t index; bool present; };
static struct place places[SPAN];

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->index, y = ((const struct place *)b)->index;

	return x < y ? -1 : x > y;
}

static void *item_of(const struct place *place)
{
	return (void *)(place + 1);
}

/* Indexes that are dense in places, and reach up to the largest possible one. */
static void choose_places(void)
{
	static const uint64_t bases[] = { 0, 60, 4090, 262100, 1ull << 30, 1ull << 47, ~0ull - 99 };

	for (unsigned i = 0; i < SPAN; i++)
		places[i] = (struct place){ bases[rand() % 7] + rand() % 100, false };
	qsort(places, SPAN, sizeof(places[0]), compare);
	for (unsigned i = 1; i < SPAN; i++)
		if (places[i].index <= places[i - 1].index)
			places[i].index = places[i - 1].index == ~0ull ? ~0ull : places[i - 1].index + 1;
}

static void check_walk(const struct page_tree *tree)
{
	uint64_t index = 0;
	unsigned i = 0;
	void *item;

	while ((item = page_tree_next(tree, &index))) {
		while (!places[i].present)
			i++;
		assert(places[i].index == index && item == item_of(&places[i]));
		i++;
		if (index++ == ~0ull)
			break;
	}
	while (i < SPAN && !places[i].present)
		i++;
	assert(i == SPAN);
}

/* A tree that only far items have been in is as empty as any. */
static void test_far_only(void)
{
	struct page_tree tree = { 0 };

	for (uint64_t index = 1; index; index <<= 1) {
		assert(!page_tree_insert(&tree, index, &tree) && page_tree_get(&tree, index) == &tree && !page_tree_get(&tree, 0));
		assert(page_tree_remove(&tree, index) == &tree && !tree.root && !tree.height);
	}
}

int main(void)
{
	test_far_only();
	for (unsigned seed = 1; seed <= 40; seed++) {
		struct page_tree tree = { 0 };

		srand(seed);
		choose_places();
		for (unsigned step = 0; step < 4000; step++) {
			struct place *place = &places[rand() % SPAN];

			if (place->index == ~0ull && place != &places[SPAN - 1])
				continue;
			assert(page_tree_get(&tree, place->index) == (place->present ? item_of(place) : NULL));
			if (place->present) {
				assert(page_tree_remove(&tree, place->index) == item_of(place));
				assert(!page_tree_remove(&tree, place->index));
			} else {
				assert(!page_tree_insert(&tree, place->index, item_of(place)));
			}
			place->present = !place->present;
			if (step % 100 == 0)
				check_walk(&tree);
		}
		for (unsigned i = 0; i < SPAN; i++)
			if (places[i].present)
				page_tree_remove(&tree, places[i].index);
		assert(!tree.root && !tree.height);
	}
	return 0;
}
