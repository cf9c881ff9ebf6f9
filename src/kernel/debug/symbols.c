/* SPDX-License-Identifier: MIT */
/* Look-up in the symbol table, which is made to be small: a report has time to unpack it from its beginning on. */
#include "debug/symbols.h"
#include "arch/x86_64/boot_layout.h"
#include "init/boot_info.h"
#include "lib/string.h"

enum { DISTANCE_LOW_BITS = 7, SAME_WORDS_MAX = 3 };	/* as in gen-symbols.py */

/* A place among bits, which begin with the most significant one of the first byte. */
struct bits {
	const uint8_t *from;
	uint64_t at;
};

static unsigned take(struct bits *bits, unsigned count)
{
	unsigned value = 0;

	for (; count; count--, bits->at++)
		value = value << 1 | (bits->from[bits->at / 8] >> (7 - bits->at % 8) & 1);
	return value;
}

static unsigned next_distance(struct bits *stream)
{
	unsigned high = 0;

	while (take(stream, 1))
		high++;
	return high << DISTANCE_LOW_BITS | take(stream, DISTANCE_LOW_BITS);
}

/* @code is counted from the first code of its length on, @shorter are the codes that are shorter. */
static unsigned next_number(const struct symbol_table *table, struct bits *stream)
{
	unsigned code = 0, shorter = 0;

	for (const uint16_t *count = table->code_counts + 1;; count++) {
		code = code << 1 | take(stream, 1);
		if (code < *count)
			return shorter + code;
		code -= *count;
		shorter += *count;
	}
}

/* How long the first @words words of @name are, each with the underscore behind it. */
static unsigned words_length(const char *name, unsigned words)
{
	unsigned length = 0;

	while (words)
		words -= name[length++] == '_';
	return length;
}

/* Puts the next name in the place of the one before, from which it takes its first words. */
static void next_name(const struct symbol_table *table, struct bits *stream, char name[SYMBOL_NAME_LEN])
{
	uint16_t waiting[SYMBOL_NAME_LEN];	/* each is a character that is still to come at least */
	unsigned length = 0, count = 0;

	do {
		waiting[count++] = next_number(table, stream);
		while (count) {
			unsigned number = waiting[--count];
			struct bits row = { (const uint8_t *)table + table->pairs, number * 2 * table->pair_bits };
			unsigned first = take(&row, table->pair_bits), second = take(&row, table->pair_bits);

			if (second != number) {
				waiting[count++] = second;
				waiting[count++] = first;
			} else if (first && first <= SAME_WORDS_MAX) {
				length = words_length(name, first);
			} else {
				name[length++] = first;
			}
		}
	} while (name[length - 1]);
}

bool symbol_find(uint64_t addr, struct symbol_place *place)
{
	const struct symbol_table *table = phys_to_virt(boot_info.symbols_start);
	uint64_t start = (uint64_t)image_start;
	bool found = false;

	if (boot_info.symbols_start && addr < (uint64_t)image_rodata) {
		struct bits stream = { (const uint8_t *)table + table->stream, 0 };

		for (uint32_t i = 0; i < table->count; i++) {
			unsigned distance = next_distance(&stream);

			if (addr < start + distance)
				break;
			start += distance;
			next_name(table, &stream, place->name);
			found = true;
		}
	}
	if (!found)
		string_copy(place->name, "?", SYMBOL_NAME_LEN);
	place->offset = found ? addr - start : 0;
	return found;
}
