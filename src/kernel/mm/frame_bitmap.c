/* SPDX-License-Identifier: MIT */
/* The two-level bitmap of free frames; see frame_bitmap.h. */
#include "mm/frame_bitmap.h"
#include "lib/panic.h"
#include "lib/string.h"

enum { BITS = 64 };

size_t frame_bitmap_storage(size_t count)
{
	size_t words = ROUND_UP(count, BITS) / BITS;

	return (words + ROUND_UP(words, BITS) / BITS) * sizeof(uint64_t);
}

void frame_bitmap_init(struct frame_bitmap *map, void *storage, size_t count)
{
	map->count = count;
	map->word_count = ROUND_UP(count, BITS) / BITS;
	map->summary_count = ROUND_UP(map->word_count, BITS) / BITS;
	map->words = storage;
	map->summary = map->words + map->word_count;
	map->free = 0;
	map->hint = 0;
	memset(storage, 0, frame_bitmap_storage(count));
}

bool frame_bitmap_is_free(const struct frame_bitmap *map, size_t index)
{
	return index < map->count && (map->words[index / BITS] >> index % BITS & 1);
}

/* The mask of @count bits from bit @first on; first + count <= 64. */
static uint64_t bits_mask(size_t first, size_t count)
{
	return (count == BITS ? ~0ull : (1ull << count) - 1) << first;
}

static void set_word_bits(struct frame_bitmap *map, size_t word, uint64_t mask)
{
	KASSERT(!(map->words[word] & mask));
	map->words[word] |= mask;
	map->summary[word / BITS] |= 1ull << word % BITS;
}

static void clear_word_bits(struct frame_bitmap *map, size_t word, uint64_t mask)
{
	map->words[word] &= ~mask;
	if (!map->words[word])
		map->summary[word / BITS] &= ~(1ull << word % BITS);
}

void frame_bitmap_give(struct frame_bitmap *map, size_t index)
{
	KASSERT(index < map->count);
	set_word_bits(map, index / BITS, 1ull << index % BITS);
	map->free++;
}

void frame_bitmap_give_range(struct frame_bitmap *map, size_t first, size_t count)
{
	KASSERT(first <= map->count && count <= map->count - first);
	map->free += count;
	while (count) {
		size_t bit = first % BITS;
		size_t run = MIN(count, BITS - bit);

		set_word_bits(map, first / BITS, bits_mask(bit, run));
		first += run;
		count -= run;
	}
}

/* The first word at or after @from, wrapping around, that has a free frame; FRAME_NONE if none has. */
static size_t find_word(const struct frame_bitmap *map, size_t from)
{
	size_t slot = from / BITS;
	uint64_t bits = map->summary[slot] & (~0ull << from % BITS);

	for (size_t i = 0; i <= map->summary_count; i++) {
		if (bits)
			return slot * BITS + __builtin_ctzll(bits);
		slot = slot + 1 < map->summary_count ? slot + 1 : 0;
		bits = map->summary[slot];
	}
	return FRAME_NONE;
}

size_t frame_bitmap_take(struct frame_bitmap *map, uint32_t *out, size_t want)
{
	size_t taken = 0;

	while (taken < want && map->free) {
		size_t word = find_word(map, map->hint);
		uint64_t bits = map->words[word];
		uint64_t mask = 0;

		for (; bits && taken < want; bits &= bits - 1) {
			out[taken++] = word * BITS + __builtin_ctzll(bits);
			mask |= bits & -bits;
			map->free--;
		}
		clear_word_bits(map, word, mask);
		map->hint = word;
	}
	return taken;
}

/* The first taken frame in [first, first + count), or FRAME_NONE if all are free. */
static size_t find_taken(const struct frame_bitmap *map, size_t first, size_t count)
{
	size_t end = first + count;

	while (first < end) {
		size_t bit = first % BITS;
		size_t run = MIN(end - first, BITS - bit);
		uint64_t taken = ~map->words[first / BITS] & bits_mask(bit, run);

		if (taken)
			return ROUND_DOWN(first, BITS) + __builtin_ctzll(taken);
		first += run;
	}
	return FRAME_NONE;
}

/* The first free frame at or after @from, not wrapping, or FRAME_NONE. */
static size_t find_free(const struct frame_bitmap *map, size_t from)
{
	size_t word = from / BITS;
	uint64_t bits;

	if (from >= map->count)
		return FRAME_NONE;
	bits = map->words[word] & (~0ull << from % BITS);
	if (bits)
		return word * BITS + __builtin_ctzll(bits);
	if (++word >= map->word_count)
		return FRAME_NONE;
	size_t next = find_word(map, word);
	if (next == FRAME_NONE || next < word)
		return FRAME_NONE;
	return next * BITS + __builtin_ctzll(map->words[next]);
}

size_t frame_bitmap_take_range(struct frame_bitmap *map, size_t count, size_t align)
{
	size_t first = 0;

	if (!count || count > map->free)
		return FRAME_NONE;
	for (;;) {
		first = find_free(map, first);
		if (first == FRAME_NONE)
			return FRAME_NONE;
		first = ROUND_UP(first, align);
		if (first > map->count || count > map->count - first)
			return FRAME_NONE;
		size_t taken = find_taken(map, first, count);
		if (taken == FRAME_NONE)
			break;
		first = taken + 1;
	}
	map->free -= count;
	for (size_t at = first, left = count; left;) {
		size_t run = MIN(left, BITS - at % BITS);

		clear_word_bits(map, at / BITS, bits_mask(at % BITS, run));
		at += run;
		left -= run;
	}
	return first;
}
