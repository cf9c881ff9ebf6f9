/* SPDX-License-Identifier: MIT */
/* From keys to characters: levels, Caps Lock, control characters, accents, UTF-8. */
#include "drivers/ps2/keymap_character.h"
#include "lib/string.h"

enum { LEVEL_SHIFT = 1, LEVEL_ALTGR = 2, SHARP_S = 0xdf, CAPITAL_SHARP_S = 0x1e9e };

const struct keymap *keymap_find(const char *name)
{
	for (unsigned i = 0; i < keymap_count; i++)
		if (strcmp(keymaps[i]->name, name) == 0)
			return keymaps[i];
	return NULL;
}

/* The other case of a letter, or @c. Knows the letters that layouts have. */
static unsigned other_case(unsigned c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe && c != 0xf7))
		return c - 0x20;
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
		return c + 0x20;
	if (c == SHARP_S || c == CAPITAL_SHARP_S)
		return c ^ SHARP_S ^ CAPITAL_SHARP_S;
	/* Latin Extended-A has them in pairs, the capital first: at even numbers, and from 0x139 to 0x148 at odd ones. */
	if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
		return c ^ 1;
	if (c >= 0x139 && c <= 0x148)
		return c & 1 ? c + 1 : c - 1;
	return c;
}

static unsigned base_of_dead(unsigned symbol)
{
	return symbol < KEYMAP_DEAD ? symbol : keymap_dead_signs[symbol - KEYMAP_DEAD];
}

/* What Ctrl makes of a character by its place in ASCII; -1 when nothing. */
static int control_strict(unsigned c)
{
	if (c >= 'a' && c <= 'z')
		return c & 0x1f;
	if (c >= '@' && c <= '_')
		return c & 0x1f;
	return c == ' ' || c == '`' ? 0 : -1;
}

/*
 * What Ctrl makes of a key: by the character that it types with these modifiers, else by one that it types with others (on a German
 * keyboard Ctrl-8 is Ctrl-[), else as on a VT220 (its manual, table 3-5: digits).
 */
static int control_character(const uint16_t *symbols, unsigned level)
{
	static const char digits[] = { 0, 27, 28, 29, 30, 31, KEYMAP_RUBOUT };	/* Ctrl-2 to Ctrl-8 */
	int control = control_strict(base_of_dead(symbols[level]));
	unsigned plain = symbols[0];

	for (unsigned i = 0; i < KEYMAP_LEVELS && control < 0; i++)
		control = control_strict(symbols[i]);
	if (control < 0 && plain >= '2' && plain <= '8')
		control = digits[plain - '2'];
	if (control < 0 && (plain == '/' || plain == '-'))
		control = 31;
	return control;
}

static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = 0xc0 | c >> 6;
		out[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	out[0] = 0xe0 | c >> 12;
	out[1] = 0x80 | (c >> 6 & 0x3f);
	out[2] = 0x80 | (c & 0x3f);
	return 3;
}

/* 0 when the accent @dead does not go with @letter. */
static unsigned compose(unsigned dead, unsigned letter)
{
	unsigned low = 0, high = keymap_composition_count, accent = dead - KEYMAP_DEAD;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct keymap_composition *entry = &keymap_compositions[middle];

		if (entry->accent == accent && entry->letter == letter)
			return entry->result;
		if (entry->accent < accent || (entry->accent == accent && entry->letter < letter))
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

size_t keymap_type_dead(struct keymap_state *state, char *out)
{
	unsigned sign = base_of_dead(state->dead);

	state->dead = 0;
	return put_utf8(out, sign);
}

/* An accent waits: with a blank or a second time it is typed itself, with a letter that it goes with the two are one. */
static size_t type_after_dead(struct keymap_state *state, unsigned symbol, char *out)
{
	unsigned dead = state->dead, composed = compose(dead, symbol);

	if (composed) {
		state->dead = 0;
		return put_utf8(out, composed);
	}
	size_t count = keymap_type_dead(state, out);

	if (symbol == ' ' || symbol == dead)
		return count;
	if (symbol >= KEYMAP_DEAD) {
		state->dead = symbol;
		return count;
	}
	return count + put_utf8(out + count, symbol);
}

size_t keymap_type_character(struct keymap_state *state, unsigned code, char *out)
{
	unsigned level = (state->modifiers & MODIFIER_SHIFT ? LEVEL_SHIFT : 0) | (keymap_altgr(state) ? LEVEL_ALTGR : 0);

	if (code < KEYMAP_FIRST_KEY || code > KEYMAP_LAST_KEY)
		return 0;
	const uint16_t *symbols = state->map->keys[code - KEYMAP_FIRST_KEY];
	unsigned symbol = symbols[level];

	if (state->modifiers & MODIFIER_CTRL) {
		int control = symbols[0] ? control_character(symbols, level) : -1;
		size_t before = control >= 0 && state->dead ? keymap_type_dead(state, out) : 0;

		if (control >= 0)
			out[before++] = control;
		return before;
	}
	if (state->locks & LOCK_CAPS)
		symbol = other_case(symbol);
	if (!symbol)
		return 0;
	if (state->dead)
		return type_after_dead(state, symbol, out);
	if (symbol >= KEYMAP_DEAD) {
		state->dead = symbol;
		return 0;
	}
	return put_utf8(out, symbol);
}
