/* SPDX-License-Identifier: MIT */
/* From key codes to what a terminal program reads: characters, and the sequences of TERM=linux for other keys. Pure; layouts are data. */
#pragma once

#include "lib/types.h"

enum { KEYMAP_FIRST_KEY = 2 /* KEY_1 */, KEYMAP_LAST_KEY = 86 /* KEY_102ND */, KEYMAP_KEYS = KEYMAP_LAST_KEY - KEYMAP_FIRST_KEY + 1,
       KEYMAP_LEVELS = 4, KEYMAP_OUTPUT_MAX = 12 };

/* A symbol is a character (Unicode) or, from here on, an accent that waits for its letter: a dead key. 0: nothing. */
enum { KEYMAP_DEAD = 0xe000 /* + number of the accent */ };

/* A layout. gen-keymaps.py makes them of keymaps/NAME.def. */
struct keymap {
	char name[4];
	char decimal;		/* what the keypad's point types */
	bool has_altgr;		/* the right Alt is AltGr */
	uint16_t keys[KEYMAP_KEYS][KEYMAP_LEVELS];	/* with nothing, Shift, AltGr, both */
};
extern const struct keymap *const keymaps[];	/* the first one is the default */
extern const unsigned keymap_count;

/* What dead keys make: sorted by accent, then letter. */
struct keymap_composition { uint8_t accent, letter; uint16_t result; };
extern const struct keymap_composition keymap_compositions[];
extern const unsigned keymap_composition_count;
extern const uint16_t keymap_dead_signs[];	/* by number of the accent: the sign alone */

/* The layout of that name, or NULL. */
const struct keymap *keymap_find(const char *name);

enum keymap_modifiers {
	MODIFIER_LEFT_SHIFT = 1 << 0, MODIFIER_RIGHT_SHIFT = 1 << 1, MODIFIER_LEFT_CTRL = 1 << 2, MODIFIER_RIGHT_CTRL = 1 << 3,
	MODIFIER_LEFT_ALT = 1 << 4, MODIFIER_RIGHT_ALT = 1 << 5,
	MODIFIER_SHIFT = MODIFIER_LEFT_SHIFT | MODIFIER_RIGHT_SHIFT, MODIFIER_CTRL = MODIFIER_LEFT_CTRL | MODIFIER_RIGHT_CTRL,
};
enum keymap_locks { LOCK_CAPS = 1 << 0, LOCK_NUM = 1 << 1, LOCK_SCROLL = 1 << 2 };

struct keymap_state {
	const struct keymap *map;
	unsigned modifiers, locks;
	uint16_t dead;		/* the accent that waits for its letter; 0: none */
};

/* What the terminal asks for (DECCKM, DECKPAM, LNM). */
struct keymap_modes { bool cursor_keys_application, keypad_application, newline; };

enum { KEYMAP_CONSOLES = 4 };
enum keymap_action { KEYMAP_NOTHING, KEYMAP_LOCKS_CHANGED, KEYMAP_SCROLL_BACK, KEYMAP_SCROLL_FORWARD, KEYMAP_CTRL_ALT_DEL,
		     KEYMAP_CONSOLE /* the first one, and so on up to KEYMAP_CONSOLES */ };

/* @value: 0 released, 1 pressed, 2 repeats. Writes the bytes to type to @out and returns how many; *action is for the driver. */
size_t keymap_key(struct keymap_state *state, struct keymap_modes modes, unsigned code, int value, char out[KEYMAP_OUTPUT_MAX],
		  enum keymap_action *action);
