/* SPDX-License-Identifier: MIT */
#include "vfs/mapped/extent_map.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

static uint64_t end_of(const struct extent *extent)
{
	return (uint64_t)extent->first + extent->count;
}

/* Which extent is the first that ends after block @first; map->used if none does. */
static uint32_t place_of(const struct extent_map *map, uint64_t first)
{
	uint32_t low = 0, high = map->used;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (end_of(&map->extents[middle]) > first)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct extent *extent_map_find(const struct extent_map *map, uint64_t first, uint64_t *count)
{
	uint32_t at = place_of(map, first);
	const struct extent *extent = &map->extents[at];

	if (at == map->used) {
		*count = UINT64_MAX - first;
		return NULL;
	}
	if (extent->first > first) {
		*count = extent->first - first;
		return NULL;
	}
	*count = end_of(extent) - first;
	return extent;
}

/* What is @count blocks behind @block: holes, and promised blocks, have no places. */
static uint64_t behind(uint64_t block, uint64_t count)
{
	return block && block != EXTENT_PROMISED ? block + count : block;
}

/* Adds a run behind the last of @parts, of which there are @used. Returns how many there are then. */
static unsigned append(struct extent *parts, unsigned used, uint64_t first, uint64_t end, uint64_t block)
{
	if (first >= end)
		return used;
	if (used && end_of(&parts[used - 1]) == first && behind(parts[used - 1].block, parts[used - 1].count) == block) {
		parts[used - 1].count += end - first;
		return used;
	}
	parts[used] = (struct extent){ .block = block, .first = first, .count = end - first };
	return used + 1;
}

static int make_room(struct extent_map *map, uint32_t wanted)
{
	uint32_t size = MAX(2 * map->size, 4u);
	struct extent *larger;

	if (wanted <= map->size)
		return 0;
	larger = kmalloc_array(size, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	if (map->used)
		memcpy(larger, map->extents, map->used * sizeof(*larger));
	kfree(map->extents);
	map->extents = larger;
	map->size = size;
	return 0;
}

int extent_map_insert(struct extent_map *map, uint64_t first, uint64_t count, uint64_t block)
{
	uint64_t end = first + count;
	/* Those that are replaced: all that share blocks with it, and the neighbours, if they touch it. */
	uint32_t low = place_of(map, first), high = low;
	struct extent parts[3];
	unsigned used = 0;

	if (make_room(map, map->used + 2))
		return -ENOMEM;
	if (low && end_of(&map->extents[low - 1]) == first)
		low--;
	while (high < map->used && map->extents[high].first <= end)
		high++;
	if (low < high) {
		const struct extent *left = &map->extents[low];

		used = append(parts, used, left->first, MIN(end_of(left), first), left->block);
	}
	used = append(parts, used, first, end, block);
	if (low < high) {
		const struct extent *right = &map->extents[high - 1];
		uint64_t from = MAX(end, (uint64_t)right->first);

		used = append(parts, used, from, end_of(right), behind(right->block, from - right->first));
	}
	memmove(&map->extents[low + used], &map->extents[high], (map->used - high) * sizeof(*parts));
	memcpy(&map->extents[low], parts, used * sizeof(*parts));
	map->used = map->used - (high - low) + used;
	return 0;
}

void extent_map_cut(struct extent_map *map, uint64_t first)
{
	uint32_t at = place_of(map, first);

	if (at < map->used && map->extents[at].first < first) {
		map->extents[at].count = first - map->extents[at].first;
		at++;
	}
	map->used = at;
}

void extent_map_forget(struct extent_map *map, uint64_t first)
{
	uint32_t at = place_of(map, first), kept = at;

	if (at < map->used && map->extents[at].first < first && map->extents[at].block != EXTENT_PROMISED) {
		map->extents[at].count = first - map->extents[at].first;
		kept = ++at;
	}
	for (; at < map->used; at++)
		if (map->extents[at].block == EXTENT_PROMISED)
			map->extents[kept++] = map->extents[at];
	map->used = kept;
}

const struct extent *extent_map_promised(const struct extent_map *map, uint64_t first)
{
	for (uint32_t at = place_of(map, first); at < map->used; at++)
		if (map->extents[at].block == EXTENT_PROMISED)
			return &map->extents[at];
	return NULL;
}

uint64_t extent_map_count_promised(const struct extent_map *map, uint64_t first)
{
	const struct extent *extent;
	uint64_t count = 0;

	while ((extent = extent_map_promised(map, first))) {
		count += end_of(extent) - MAX(first, (uint64_t)extent->first);
		first = end_of(extent);
	}
	return count;
}

void extent_map_free(struct extent_map *map)
{
	kfree(map->extents);
	*map = (struct extent_map){ 0 };
}
