/* SPDX-License-Identifier: MIT */
/* Look-up in the symbol table, which is made to be small: a report has time to walk through it. */
#include "debug/symbols.h"
#include "arch/x86_64/boot_layout.h"
#include "lib/string.h"

/* A byte waits here for each character that is still to come at most. */
static void unpack(const uint8_t *packed, char name[SYMBOL_NAME_LEN])
{
	uint8_t waiting[SYMBOL_NAME_LEN];

	for (; *packed; packed++) {
		unsigned count = 0;

		waiting[count++] = *packed;
		while (count) {
			const uint8_t *code = symbol_codes[waiting[--count]];

			if (code[1]) {
				waiting[count++] = code[1];
				waiting[count++] = code[0];
			} else {
				*name++ = code[0];
			}
		}
	}
	*name = 0;
}

bool symbol_find(uint64_t addr, struct symbol_place *place)
{
	uint64_t start = (uint64_t)image_start;
	const uint8_t *name = symbol_names;
	uint32_t i;

	string_copy(place->name, "?", SYMBOL_NAME_LEN);
	place->offset = 0;
	if (!symbol_count || addr < start + symbol_distances[0] || addr >= (uint64_t)image_rodata)
		return false;
	start += symbol_distances[0];
	for (i = 1; i < symbol_count && addr - start >= symbol_distances[i]; i++) {
		start += symbol_distances[i];
		while (*name++)
			;
	}
	unpack(name, place->name);
	place->offset = addr - start;
	return true;
}
