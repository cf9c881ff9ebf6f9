/* SPDX-License-Identifier: MIT */
/* Look-up in the symbol table by binary search. */
#include "debug/symbols.h"
#include "arch/x86_64/boot_layout.h"

const char *symbol_find(uint64_t addr, uint64_t *offset)
{
	uint64_t at = addr - (uint64_t)image_start;
	uint32_t low = 0, high = symbol_count;

	if (addr < (uint64_t)image_start || addr >= (uint64_t)image_rodata || !symbol_count)
		return NULL;
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (symbol_table[middle].address <= at)
			low = middle;
		else
			high = middle;
	}
	*offset = at - symbol_table[low].address;
	return symbol_names + symbol_table[low].name;
}
