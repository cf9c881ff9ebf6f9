/* SPDX-License-Identifier: MIT */
/* The kernel's own symbol table: made by debug/gen-symbols.py, and beside the image in memory (adr/0024). */
#pragma once

#include "lib/types.h"

enum { SYMBOL_NAME_LEN = 64 };	/* with the terminator; gen-symbols.py cuts longer names */
#define SYMBOLS_SECTION_TYPE 0x8053594du	/* how the section is known (one of the numbers for applications); as in gen-symbols.py */

struct symbol_place {
	char name[SYMBOL_NAME_LEN];
	uint64_t offset;
};

/*
 * Puts into @place in which function @addr (a running address) lies, and how far from its start. False, and "?" with offset 0, if it
 * is not kernel code, or the loader has brought no table. Takes no locks; walks the whole table, so it is for reports only.
 */
bool symbol_find(uint64_t addr, struct symbol_place *place);

/*
 * The table, in order of addresses. The stream has for each function the distance of its start from the one before (the first: from
 * image_start): a 1 for each 128 bytes, a 0, and the rest in 7 bits; then the symbols of its name, the last of which ends with the character 0.
 *
 * Symbols are numbered by the length of their codes, which are those of a canonical Huffman code: code_counts[N] symbols have N bits. A
 * symbol stands for the two whose numbers are in its row of pairs, of pair_bits each. A row with its own number in the second place is
 * that of a character, which is in the first place; the characters 1 to 3 stand for so many first words of the name before, each with its underscore.
 */
struct symbol_table {
	uint32_t count;
	uint32_t pairs, stream;		/* bytes from the beginning of the table */
	uint16_t pair_bits;
	uint16_t code_counts[];
};
