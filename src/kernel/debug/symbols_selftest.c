/* SPDX-License-Identifier: MIT */
#include "debug/symbols.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/entry.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "test/selftest.h"

static bool is(const void *at, const char *name, uint64_t offset)
{
	struct symbol_place place;

	return symbol_find((uint64_t)at, &place) && strcmp(place.name, name) == 0 && place.offset == offset;
}

SELFTEST(symbols_are_found_from_first_to_last_byte)
{
	struct symbol_place place;
	const char *end = (const char *)symbols_are_found_from_first_to_last_byte;

	SELFTEST_CHECK(is(symbol_find, "symbol_find", 0) && is((const char *)symbol_find + 5, "symbol_find", 5));
	SELFTEST_CHECK(is(panic, "panic", 0) && is(selftest_check, "selftest_check", 0) && is(syscall_entry, "syscall_entry", 0));
	SELFTEST_CHECK(is(end, "symbols_are_found_from_first_to_last_byte", 0));
	SELFTEST_CHECK(symbol_find((uint64_t)end - 1, &place) && strcmp(place.name, "symbols_are_found_from_first_to_last_byte") != 0);
	SELFTEST_CHECK(symbol_find((uint64_t)image_rodata - 1, &place) && strlen(place.name) > 1);
}

SELFTEST(addresses_outside_the_code_have_no_symbol)
{
	const uint64_t outside[] = { 0, (uint64_t)image_start - 1, (uint64_t)image_rodata, (uint64_t)image_end, ~0ull };
	struct symbol_place place;

	for (size_t i = 0; i < ARRAY_LEN(outside); i++)
		SELFTEST_CHECK(!symbol_find(outside[i], &place) && strcmp(place.name, "?") == 0 && place.offset == 0);
}
