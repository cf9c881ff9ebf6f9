/* SPDX-License-Identifier: MIT */
/* Host test of the extent map: random insertions, cuts and failing allocations against an array with one entry a block. */
/* LINK: vfs/mapped/extent_map.c */
#include "vfs/mapped/extent_map.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 120, ROUNDS = 300, STEPS = 200 };

#define UNKNOWN (UINT64_MAX - 1)

static uint64_t model[BLOCKS];
static struct extent_map map;

static unsigned seed;

static void tell(int signal) { fprintf(stderr, "seed %u\n", seed); }
static unsigned below(unsigned limit) { return rand() % limit; }
static uint64_t behind(uint64_t block, uint64_t count) { return block && block != EXTENT_PROMISED ? block + count : block; }

static void check_promised(void)
{
	uint64_t first = below(BLOCKS), count = 0, next = BLOCKS;
	const struct extent *extent = extent_map_promised(&map, first);

	for (uint64_t i = BLOCKS; i-- > first;)
		if (model[i] == EXTENT_PROMISED) {
			count++;
			next = i;
		}
	assert(extent_map_count_promised(&map, first) == count);
	assert(extent ? extent->block == EXTENT_PROMISED && MAX(first, (uint64_t)extent->first) == next : next == BLOCKS);
}

static void check(void)
{
	uint64_t count, end = 0, last = UNKNOWN;

	for (uint64_t at = 0; at < BLOCKS; at += count) {
		const struct extent *extent = extent_map_find(&map, at, &count);

		assert(count);
		for (uint64_t i = at; i < at + count && i < BLOCKS; i++)
			assert(model[i] == (!extent ? UNKNOWN : behind(extent->block, i - extent->first)));
	}
	/* Sorted, apart, and merged: no two neighbours could be one. */
	for (uint32_t i = 0; i < map.used; i++) {
		const struct extent *extent = &map.extents[i];

		assert(extent->count && extent->first >= end && extent->first + extent->count <= BLOCKS);
		if (i && extent->first == end)
			assert(extent->block != last);
		end = extent->first + extent->count;
		last = behind(extent->block, extent->count);
	}
	check_promised();
}

static void insert(void)
{
	uint64_t first = below(BLOCKS), count = 1 + below(BLOCKS - first), block = below(3) ? 1000 + first + 50 * below(2) : below(2) ? EXTENT_PROMISED : 0;
	bool fail = !below(20);
	int error;

	if (below(2))
		count = MIN(count, 1 + (uint64_t)below(4));
	host_fail_allocation(fail ? 0 : -1);
	error = extent_map_insert(&map, first, count, block);
	assert(!error || (error == -ENOMEM && fail));
	host_fail_allocation(-1);
	for (uint64_t i = 0; !error && i < count; i++)
		model[first + i] = behind(block, i);
}

static void cut(void)
{
	uint64_t first = below(BLOCKS + 1);

	bool all = below(2);

	if (all)
		extent_map_cut(&map, first);
	else
		extent_map_forget(&map, first);
	for (uint64_t i = first; i < BLOCKS; i++)
		if (all || model[i] != EXTENT_PROMISED)
			model[i] = UNKNOWN;
}

int main(void)
{
	signal(SIGABRT, tell);
	for (unsigned round = 0; round < ROUNDS; round++) {
		srand(round);
		seed = round;
		for (unsigned i = 0; i < BLOCKS; i++)
			model[i] = UNKNOWN;
		for (unsigned step = 0; step < STEPS; step++) {
			if (below(15))
				insert();
			else
				cut();
			check();
		}
		extent_map_free(&map);
	}
	printf("extent_map: %u rounds\n", ROUNDS);
	return 0;
}
