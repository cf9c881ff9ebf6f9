/* SPDX-License-Identifier: MIT */
/* Keys that type characters: what a layout is about. For keymap.c. */
#pragma once

#include "drivers/ps2/keymap.h"

enum { KEYMAP_ESC = 27, KEYMAP_RUBOUT = 127 };

/* What @code types, in UTF-8, with modifiers, Caps Lock and a waiting accent; returns the number of bytes, at most 5. */
size_t keymap_type_character(struct keymap_state *state, unsigned code, char *out);
/* The accent that waits is typed alone, and waits no longer. At most 2 bytes. */
size_t keymap_type_dead(struct keymap_state *state, char *out);

static inline bool keymap_altgr(const struct keymap_state *state)
{
	return state->map->has_altgr && (state->modifiers & MODIFIER_RIGHT_ALT);
}

/* Is an Alt down that is not AltGr? */
static inline bool keymap_alt(const struct keymap_state *state)
{
	return state->modifiers & (MODIFIER_LEFT_ALT | (state->map->has_altgr ? 0 : MODIFIER_RIGHT_ALT));
}
