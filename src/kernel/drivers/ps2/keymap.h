/* SPDX-License-Identifier: MIT */
/* From key codes to what a terminal program reads: characters, and the sequences of TERM=linux for other keys. Pure; layouts are data. */
#pragma once

#include "lib/types.h"

enum { KEYMAP_KEYS = 128, KEYMAP_OUTPUT_MAX = 8 };

/* What a key types without and with Shift; 0: nothing by this table. */
struct keymap_entry { char plain, shifted; };
struct keymap { const char *name; struct keymap_entry keys[KEYMAP_KEYS]; };
extern const struct keymap keymap_us;

enum keymap_modifiers {
	MODIFIER_LEFT_SHIFT = 1 << 0, MODIFIER_RIGHT_SHIFT = 1 << 1, MODIFIER_LEFT_CTRL = 1 << 2, MODIFIER_RIGHT_CTRL = 1 << 3,
	MODIFIER_LEFT_ALT = 1 << 4, MODIFIER_RIGHT_ALT = 1 << 5,
	MODIFIER_SHIFT = MODIFIER_LEFT_SHIFT | MODIFIER_RIGHT_SHIFT, MODIFIER_CTRL = MODIFIER_LEFT_CTRL | MODIFIER_RIGHT_CTRL,
	MODIFIER_ALT = MODIFIER_LEFT_ALT | MODIFIER_RIGHT_ALT,
};
enum keymap_locks { LOCK_CAPS = 1 << 0, LOCK_NUM = 1 << 1, LOCK_SCROLL = 1 << 2 };

struct keymap_state {
	const struct keymap *map;
	unsigned modifiers, locks;
};

/* What the terminal asks for (DECCKM, DECKPAM, LNM). */
struct keymap_modes { bool cursor_keys_application, keypad_application, newline; };

enum keymap_action { KEYMAP_NOTHING, KEYMAP_LOCKS_CHANGED, KEYMAP_SCROLL_BACK, KEYMAP_SCROLL_FORWARD, KEYMAP_CTRL_ALT_DEL };

/* @value: 0 released, 1 pressed, 2 repeats. Writes the bytes to type to @out and returns how many; *action is for the driver. */
size_t keymap_key(struct keymap_state *state, struct keymap_modes modes, unsigned code, int value, char out[KEYMAP_OUTPUT_MAX],
		  enum keymap_action *action);
