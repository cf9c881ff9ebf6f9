/* SPDX-License-Identifier: MIT */
/* The kernel's own symbol table, linked in by debug/gen-symbols.py. */
#pragma once

#include "lib/types.h"

enum { SYMBOL_NAME_LEN = 64 };	/* with the terminator; gen-symbols.py cuts longer names */

struct symbol_place {
	char name[SYMBOL_NAME_LEN];
	uint64_t offset;
};

/*
 * Puts into @place in which function @addr (a running address) lies, and how far from its start. False, and "?" with offset 0, if it
 * is not kernel code. Takes no locks; walks the whole table, so it is for reports only.
 */
bool symbol_find(uint64_t addr, struct symbol_place *place);

/*
 * The table itself, in order of addresses. symbol_stream has for each function the distance of its start from the one before (the first: from
 * image_start): a 1 for each 128 bytes, a 0, and the rest in 7 bits; then the symbols of its name, the last of which ends with the character 0.
 *
 * Symbols are numbered by the length of their codes, which are those of a canonical Huffman code: symbol_code_counts[N] symbols have N bits. A
 * symbol stands for the two whose numbers are in its row of symbol_pairs, of symbol_pair_bits each. A row with its own number in the second place is
 * that of a character, which is in the first place; the characters 1 to 3 stand for so many first words of the name before, each with its underscore.
 */
extern const uint32_t symbol_count;
extern const uint16_t symbol_code_counts[];
extern const uint8_t symbol_pair_bits, symbol_pairs[], symbol_stream[];
