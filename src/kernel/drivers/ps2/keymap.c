/* SPDX-License-Identifier: MIT */
/*
 * Modifiers, locks, and the sequences of keys that type no character (terminfo "linux", console_codes(4)). Characters are in
 * keymap_character.c.
 */
#include "drivers/ps2/keymap.h"
#include "drivers/ps2/keymap_character.h"
#include <linux/input-event-codes.h>
#include "lib/printf.h"

static const struct { uint16_t code, modifier; } modifier_keys[] = {
	{ KEY_LEFTSHIFT, MODIFIER_LEFT_SHIFT }, { KEY_RIGHTSHIFT, MODIFIER_RIGHT_SHIFT }, { KEY_LEFTCTRL, MODIFIER_LEFT_CTRL },
	{ KEY_RIGHTCTRL, MODIFIER_RIGHT_CTRL }, { KEY_LEFTALT, MODIFIER_LEFT_ALT }, { KEY_RIGHTALT, MODIFIER_RIGHT_ALT },
};

static const struct { uint16_t code, lock; } lock_keys[] = {
	{ KEY_CAPSLOCK, LOCK_CAPS }, { KEY_NUMLOCK, LOCK_NUM }, { KEY_SCROLLLOCK, LOCK_SCROLL },
};

/* Keys that send ESC [ N ~, and what they send with Shift (0: the same). */
static const struct { uint16_t code; uint8_t number, shifted; } numbered_keys[] = {
	{ KEY_HOME, 1, 0 }, { KEY_INSERT, 2, 0 }, { KEY_DELETE, 3, 0 }, { KEY_END, 4, 0 }, { KEY_PAGEUP, 5, 0 }, { KEY_PAGEDOWN, 6, 0 },
	{ KEY_F6, 17, 32 }, { KEY_F7, 18, 33 }, { KEY_F8, 19, 34 }, { KEY_F9, 20, 0 }, { KEY_F10, 21, 0 }, { KEY_F11, 23, 0 },
	{ KEY_F12, 24, 0 },
};

/* With Shift, F1 to F5 send ESC [ N ~; without, ESC [ [ A to E. */
static const uint8_t shifted_function[5] = { 25, 26, 28, 29, 31 };

/* The keypad: its digit, the key it is without Num Lock, and its letter in application mode. */
static const struct { uint16_t code; char digit; uint16_t navigation; char application; } keypad_keys[] = {
	{ KEY_KP0, '0', KEY_INSERT, 'p' }, { KEY_KP1, '1', KEY_END, 'q' }, { KEY_KP2, '2', KEY_DOWN, 'r' },
	{ KEY_KP3, '3', KEY_PAGEDOWN, 's' }, { KEY_KP4, '4', KEY_LEFT, 't' }, { KEY_KP5, '5', KEY_KP5, 'u' },
	{ KEY_KP6, '6', KEY_RIGHT, 'v' }, { KEY_KP7, '7', KEY_HOME, 'w' }, { KEY_KP8, '8', KEY_UP, 'x' },
	{ KEY_KP9, '9', KEY_PAGEUP, 'y' }, { KEY_KPDOT, '.', KEY_DELETE, 'n' }, { KEY_KPPLUS, '+', 0, 'l' },
	{ KEY_KPMINUS, '-', 0, 'S' }, { KEY_KPASTERISK, '*', 0, 'R' }, { KEY_KPSLASH, '/', 0, 'Q' }, { KEY_KPENTER, '\r', 0, 'M' },
};

static size_t numbered(char *out, unsigned number)
{
	return snprintf(out, KEYMAP_OUTPUT_MAX, "\033[%u~", number);
}

static size_t arrow(char *out, char letter, bool application)
{
	return snprintf(out, KEYMAP_OUTPUT_MAX, "\033%c%c", application ? 'O' : '[', letter);
}

/* Keys that move and edit, and function keys. */
static size_t special_key(char *out, unsigned code, bool shift, struct keymap_modes modes)
{
	switch (code) {
	case KEY_UP:
		return arrow(out, 'A', modes.cursor_keys_application);
	case KEY_DOWN:
		return arrow(out, 'B', modes.cursor_keys_application);
	case KEY_RIGHT:
		return arrow(out, 'C', modes.cursor_keys_application);
	case KEY_LEFT:
		return arrow(out, 'D', modes.cursor_keys_application);
	case KEY_KP5:
		return arrow(out, 'G', modes.cursor_keys_application);
	default:
		break;
	}
	if (code >= KEY_F1 && code <= KEY_F5) {
		if (shift)
			return numbered(out, shifted_function[code - KEY_F1]);
		return snprintf(out, KEYMAP_OUTPUT_MAX, "\033[[%c", 'A' + code - KEY_F1);
	}
	for (unsigned i = 0; i < ARRAY_LEN(numbered_keys); i++)
		if (numbered_keys[i].code == code)
			return numbered(out, shift && numbered_keys[i].shifted ? numbered_keys[i].shifted : numbered_keys[i].number);
	return 0;
}

static size_t enter(char *out, bool newline)
{
	out[0] = '\r';
	out[1] = '\n';
	return newline ? 2 : 1;
}

/* Returns 0 when @code is not on the keypad. */
static size_t keypad_key(const struct keymap_state *state, char *out, unsigned code, struct keymap_modes modes)
{
	bool shift = state->modifiers & MODIFIER_SHIFT;

	for (unsigned i = 0; i < ARRAY_LEN(keypad_keys); i++) {
		if (keypad_keys[i].code != code)
			continue;
		if (modes.keypad_application && !shift)
			return snprintf(out, KEYMAP_OUTPUT_MAX, "\033O%c", keypad_keys[i].application);
		if (keypad_keys[i].navigation && !(state->locks & LOCK_NUM))
			return special_key(out, keypad_keys[i].navigation, false, modes);
		if (code == KEY_KPENTER)
			return enter(out, modes.newline);
		out[0] = code == KEY_KPDOT ? state->map->decimal : keypad_keys[i].digit;
		return 1;
	}
	return 0;
}

/* Keys that type the same on every layout. 0 when @code is none. */
static size_t fixed_key(const struct keymap_state *state, struct keymap_modes modes, unsigned code, char *out)
{
	bool shift = state->modifiers & MODIFIER_SHIFT;
	size_t count = keypad_key(state, out, code, modes);

	if (count)
		return count;
	switch (code) {
	case KEY_ESC:
		out[0] = KEYMAP_ESC;
		return 1;
	case KEY_ENTER:
		return enter(out, modes.newline);
	case KEY_BACKSPACE:
		out[0] = state->modifiers & MODIFIER_CTRL ? '\b' : KEYMAP_RUBOUT;
		return 1;
	case KEY_TAB:
		out[0] = KEYMAP_ESC;	/* back tab, terminfo's kcbt */
		out[shift] = '\t';
		return 1 + shift;
	default:
		return special_key(out, code, shift, modes);
	}
}

/* An accent waits, and a key that takes none comes: Backspace takes it back, Escape too; else it is typed, then the key. */
static size_t fixed_key_after_dead(struct keymap_state *state, unsigned code, const char *bytes, size_t count, char *out)
{
	size_t before = 0;

	if (state->dead && (code == KEY_BACKSPACE || code == KEY_ESC)) {
		state->dead = 0;
		return 0;
	}
	if (state->dead)
		before = keymap_type_dead(state, out);
	for (size_t i = 0; i < count; i++)
		out[before + i] = bytes[i];
	return before + count;
}

static size_t key_bytes(struct keymap_state *state, struct keymap_modes modes, unsigned code, char *out)
{
	char bytes[KEYMAP_OUTPUT_MAX];
	size_t count = fixed_key(state, modes, code, bytes);

	return count ? fixed_key_after_dead(state, code, bytes, count, out) : keymap_type_character(state, code, out);
}

static bool modifier_key(struct keymap_state *state, unsigned code, int value)
{
	for (unsigned i = 0; i < ARRAY_LEN(modifier_keys); i++) {
		if (modifier_keys[i].code != code)
			continue;
		if (value)
			state->modifiers |= modifier_keys[i].modifier;
		else
			state->modifiers &= ~modifier_keys[i].modifier;
		return true;
	}
	return false;
}

static enum keymap_action action_of(const struct keymap_state *state, unsigned code)
{
	bool shift = state->modifiers & MODIFIER_SHIFT, alt = state->modifiers & (MODIFIER_LEFT_ALT | MODIFIER_RIGHT_ALT);

	if (code >= KEY_F1 && code < KEY_F1 + KEYMAP_CONSOLES && alt)
		return KEYMAP_CONSOLE + (code - KEY_F1);
	if (code == KEY_PAGEUP && shift)
		return KEYMAP_SCROLL_BACK;
	if (code == KEY_PAGEDOWN && shift)
		return KEYMAP_SCROLL_FORWARD;
	if ((code == KEY_DELETE || code == KEY_KPDOT) && (state->modifiers & MODIFIER_CTRL) && alt)
		return KEYMAP_CTRL_ALT_DEL;
	return KEYMAP_NOTHING;
}

size_t keymap_key(struct keymap_state *state, struct keymap_modes modes, unsigned code, int value, char out[KEYMAP_OUTPUT_MAX],
		  enum keymap_action *action)
{
	*action = KEYMAP_NOTHING;
	if (modifier_key(state, code, value) || !value)
		return 0;
	for (unsigned i = 0; i < ARRAY_LEN(lock_keys); i++) {
		if (lock_keys[i].code != code)
			continue;
		if (value == 1) {
			state->locks ^= lock_keys[i].lock;
			*action = KEYMAP_LOCKS_CHANGED;
		}
		return 0;
	}
	*action = action_of(state, code);
	if (*action != KEYMAP_NOTHING)
		return 0;
	size_t count = key_bytes(state, modes, code, out);

	if (!count || !keymap_alt(state))
		return count;
	/* Alt puts an ESC in front. */
	for (size_t i = count; i; i--)
		out[i] = out[i - 1];
	out[0] = KEYMAP_ESC;
	return count + 1;
}
