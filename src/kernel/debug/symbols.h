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
 * The table itself, in order of addresses: for each function the distance of its start from the one before (the first: from
 * image_start), and its name. A byte of a name stands for the two bytes of its row in symbol_codes, or for the first alone where
 * the second is 0; zero ends the name.
 */
extern const uint32_t symbol_count;
extern const uint16_t symbol_distances[];
extern const uint8_t symbol_codes[256][2], symbol_names[];
