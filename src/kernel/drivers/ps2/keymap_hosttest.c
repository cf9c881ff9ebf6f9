/* SPDX-License-Identifier: MIT */
/* LINK: drivers/ps2/keymap.c drivers/ps2/keymap_character.c GEN/keymaps.c drivers/ps2/scancode.c drivers/ps2/mouse_packet.c */
/* From scancodes to typed bytes, and mouse packets. */
#include "drivers/ps2/keymap.h"
#include "drivers/ps2/mouse_packet.h"
#include "drivers/ps2/scancode.h"
#include <assert.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct keymap_state state;
static struct keymap_modes modes;
static enum keymap_action action;

static void reset(void)
{
	state = (struct keymap_state){ .map = keymaps[0] };
	modes = (struct keymap_modes){ .newline = false };
}

static void press(unsigned code, const char *wanted, size_t len)
{
	char out[KEYMAP_OUTPUT_MAX];
	size_t count = keymap_key(&state, modes, code, 1, out, &action);

	if (count != len || memcmp(out, wanted, len) != 0) {
		fprintf(stderr, "key %u typed %zu bytes \"%.*s\", wanted \"%.*s\"\n", code, count, (int)count, out, (int)len, wanted);
		abort();
	}
	enum keymap_action pressed = action;

	assert(keymap_key(&state, modes, code, 0, out, &action) == 0);
	action = pressed;
}

static void key(unsigned code, const char *wanted)
{
	press(code, wanted, strlen(wanted));
}

static void hold(unsigned code)
{
	char out[KEYMAP_OUTPUT_MAX];

	assert(keymap_key(&state, modes, code, 1, out, &action) == 0);
}

static void test_characters(void)
{
	reset();
	key(KEY_A, "a");
	key(KEY_1, "1");
	key(KEY_ENTER, "\r");
	key(KEY_BACKSPACE, "\177");
	key(KEY_TAB, "\t");
	key(KEY_ESC, "\033");
	hold(KEY_LEFTSHIFT);
	key(KEY_A, "A");
	key(KEY_1, "!");
	key(KEY_TAB, "\033\t");
	reset();
	hold(KEY_RIGHTSHIFT);
	hold(KEY_LEFTSHIFT);
	char out[KEYMAP_OUTPUT_MAX];

	keymap_key(&state, modes, KEY_LEFTSHIFT, 0, out, &action);
	key(KEY_SLASH, "?");	/* the other shift is still down */
	reset();
	key(KEY_CAPSLOCK, "");
	assert(action == KEYMAP_LOCKS_CHANGED && state.locks == LOCK_CAPS);
	key(KEY_A, "A");
	key(KEY_1, "1");
	hold(KEY_LEFTSHIFT);
	key(KEY_A, "a");
	reset();
	modes.newline = true;
	key(KEY_ENTER, "\r\n");
}

static void test_control(void)
{
	reset();
	hold(KEY_LEFTCTRL);
	key(KEY_C, "\003");
	key(KEY_LEFTBRACE, "\033");
	key(KEY_BACKSLASH, "\034");
	key(KEY_RIGHTBRACE, "\035");
	key(KEY_6, "\036");
	key(KEY_SLASH, "\037");
	key(KEY_8, "\177");
	press(KEY_SPACE, "", 1);
	press(KEY_2, "", 1);
	key(KEY_1, "");
	hold(KEY_LEFTSHIFT);
	key(KEY_C, "\003");
	reset();
	hold(KEY_LEFTALT);
	key(KEY_X, "\033x");
	key(KEY_BACKSPACE, "\033\177");
	hold(KEY_RIGHTCTRL);
	key(KEY_X, "\033\030");
	key(KEY_DELETE, "");
	assert(action == KEYMAP_CTRL_ALT_DEL);
	key(KEY_F1, "");
	assert(action == KEYMAP_CONSOLE);
	key(KEY_F4, "");
	assert(action == KEYMAP_CONSOLE + 3);
	reset();
	hold(KEY_LEFTALT);
	key(KEY_F2, "");
	assert(action == KEYMAP_CONSOLE + 1);
	key(KEY_F5, "\033\033[[E");
	assert(action == KEYMAP_NOTHING);
}

static void test_sequences(void)
{
	reset();
	key(KEY_UP, "\033[A");
	key(KEY_LEFT, "\033[D");
	key(KEY_HOME, "\033[1~");
	key(KEY_DELETE, "\033[3~");
	key(KEY_PAGEDOWN, "\033[6~");
	key(KEY_F1, "\033[[A");
	key(KEY_F5, "\033[[E");
	key(KEY_F6, "\033[17~");
	key(KEY_F12, "\033[24~");
	hold(KEY_LEFTSHIFT);
	key(KEY_F1, "\033[25~");
	key(KEY_PAGEUP, "");
	assert(action == KEYMAP_SCROLL_BACK);
	reset();
	modes.cursor_keys_application = true;
	key(KEY_UP, "\033OA");
	key(KEY_HOME, "\033[1~");
	hold(KEY_LEFTALT);
	key(KEY_RIGHT, "\033\033OC");
}

static void test_keypad(void)
{
	reset();
	key(KEY_KP8, "\033[A");
	key(KEY_KP0, "\033[2~");
	key(KEY_KPPLUS, "+");
	key(KEY_KPENTER, "\r");
	key(KEY_NUMLOCK, "");
	key(KEY_KP8, "8");
	key(KEY_KPDOT, ".");
	modes.keypad_application = true;
	key(KEY_KP8, "\033Ox");
	key(KEY_KPENTER, "\033OM");
}

static void use(const char *layout)
{
	reset();
	state.map = keymap_find(layout);
	assert(state.map);
}

static void release(unsigned code)
{
	char out[KEYMAP_OUTPUT_MAX];

	assert(keymap_key(&state, modes, code, 0, out, &action) == 0);
}

static void test_german(void)
{
	use("de");
	key(KEY_Y, "z");
	key(KEY_MINUS, "ß");
	key(KEY_KPDOT, "\033[3~");
	key(KEY_NUMLOCK, "");
	key(KEY_KPDOT, ",");
	hold(KEY_RIGHTALT);
	key(KEY_Q, "@");
	key(KEY_E, "€");
	key(KEY_102ND, "|");
	key(KEY_MINUS, "\\");
	release(KEY_RIGHTALT);
	hold(KEY_LEFTALT);
	key(KEY_Q, "\033q");
	key(KEY_APOSTROPHE, "\033ä");
	release(KEY_LEFTALT);
	hold(KEY_LEFTCTRL);
	key(KEY_Y, "\032");
	key(KEY_8, "\033");
	key(KEY_9, "\035");
	key(KEY_GRAVE, "\036");	/* the dead ^ */
	key(KEY_APOSTROPHE, "");
	release(KEY_LEFTCTRL);
	key(KEY_CAPSLOCK, "");
	key(KEY_APOSTROPHE, "Ä");
	key(KEY_MINUS, "ẞ");
	key(KEY_1, "1");
	hold(KEY_LEFTSHIFT);
	key(KEY_APOSTROPHE, "ä");
	key(KEY_1, "!");
}

static void test_french(void)
{
	use("fr");
	key(KEY_Q, "a");
	key(KEY_2, "é");
	key(KEY_KPDOT, "\033[3~");
	hold(KEY_LEFTSHIFT);
	key(KEY_2, "2");
	release(KEY_LEFTSHIFT);
	hold(KEY_RIGHTALT);
	key(KEY_0, "@");
	key(KEY_4, "{");
	key(KEY_E, "€");
	key(KEY_RIGHTBRACE, "¤");
	release(KEY_RIGHTALT);
	hold(KEY_RIGHTCTRL);
	key(KEY_Q, "\001");
	key(KEY_A, "\021");
	key(KEY_SEMICOLON, "\r");
	release(KEY_RIGHTCTRL);
	key(KEY_CAPSLOCK, "");
	key(KEY_2, "É");
	key(KEY_1, "&");
	key(KEY_SEMICOLON, "M");
}

/* Accents wait for their letter. */
static void test_dead_keys(void)
{
	use("de");
	key(KEY_EQUAL, "");
	key(KEY_E, "é");
	key(KEY_E, "e");
	key(KEY_GRAVE, "");
	hold(KEY_LEFTSHIFT);
	key(KEY_A, "Â");
	key(KEY_EQUAL, "");
	release(KEY_LEFTSHIFT);
	key(KEY_SPACE, "`");
	key(KEY_GRAVE, "");
	key(KEY_GRAVE, "^");
	key(KEY_EQUAL, "");
	key(KEY_X, "´x");
	key(KEY_EQUAL, "");
	key(KEY_GRAVE, "´");	/* then the ^ waits */
	key(KEY_O, "ô");
	key(KEY_GRAVE, "");
	key(KEY_BACKSPACE, "");
	key(KEY_O, "o");
	key(KEY_GRAVE, "");
	key(KEY_UP, "^\033[A");
	key(KEY_GRAVE, "");
	hold(KEY_LEFTALT);
	key(KEY_F12, "\033^\033[24~");
	use("fr");
	key(KEY_LEFTBRACE, "");
	key(KEY_I, "î");
	hold(KEY_LEFTSHIFT);
	key(KEY_LEFTBRACE, "");
	key(KEY_E, "Ë");
	key(KEY_LEFTBRACE, "");
	key(KEY_SPACE, "¨");
	release(KEY_LEFTSHIFT);
	key(KEY_CAPSLOCK, "");
	key(KEY_LEFTBRACE, "");
	key(KEY_U, "Û");
	key(KEY_LEFTBRACE, "");
	hold(KEY_LEFTCTRL);
	key(KEY_C, "^\003");
}

static const unsigned level_keys[KEYMAP_LEVELS][2] = {
	{ 0, 0 }, { KEY_LEFTSHIFT, 0 }, { KEY_RIGHTALT, 0 }, { KEY_LEFTSHIFT, KEY_RIGHTALT },
};

/* For ci/tests/test_keymap.py: a line for each key, level and state of Caps Lock: what it types, or "dead" and its sign. */
static void dump_layout(const char *layout)
{
	for (unsigned i = 0; i < KEYMAP_KEYS * KEYMAP_LEVELS * 2; i++) {
		unsigned code = KEYMAP_FIRST_KEY + i / (KEYMAP_LEVELS * 2), level = i / 2 % KEYMAP_LEVELS, caps = i % 2;
		char out[KEYMAP_OUTPUT_MAX];

		use(layout);
		if (!state.map->keys[code - KEYMAP_FIRST_KEY][0])
			continue;
		for (unsigned j = 0; j < 2; j++)
			if (level_keys[level][j])
				hold(level_keys[level][j]);
		state.locks = caps ? LOCK_CAPS : 0;
		size_t count = keymap_key(&state, modes, code, 1, out, &action);
		const char *dead = state.dead ? "dead" : "";

		state.modifiers = 0;
		if (state.dead)
			count = keymap_key(&state, modes, KEY_SPACE, 1, out, &action);
		printf("%u %u %u %s%.*s\n", code, level, caps, dead, (int)count, out);
	}
}

/* For the same: what keys with the same meaning on all layouts send, alone and with Shift, in hexadecimal. */
static void dump_keys(void)
{
	for (unsigned i = 0; i < 2 * KEY_COMPOSE; i++) {
		char out[KEYMAP_OUTPUT_MAX];

		reset();
		if (i & 1)
			hold(KEY_LEFTSHIFT);
		size_t count = keymap_key(&state, modes, i / 2, 1, out, &action);

		printf("%u %u ", i / 2, i & 1);
		for (size_t j = 0; j < count; j++)
			printf("%02x", out[j]);
		printf("\n");
	}
}

static unsigned decode(struct scancode_decoder *decoder, const char *bytes, size_t len, bool *pressed)
{
	struct key_event event;
	unsigned code = 0;

	for (size_t i = 0; i < len; i++) {
		if (scancode_decode(decoder, bytes[i], &event)) {
			assert(i == len - 1);
			code = event.code;
			*pressed = event.pressed;
		}
	}
	return code;
}

static void test_scancodes(void)
{
	struct scancode_decoder one = { .set2 = false }, two = { .set2 = true };
	bool pressed;

	assert(decode(&one, "\x1e", 1, &pressed) == KEY_A && pressed);
	assert(decode(&one, "\x9e", 1, &pressed) == KEY_A && !pressed);
	assert(decode(&one, "\xe0\x48", 2, &pressed) == KEY_UP && pressed);
	assert(decode(&one, "\xe0\xc8", 2, &pressed) == KEY_UP && !pressed);
	assert(decode(&one, "\xe0\x2a", 2, &pressed) == 0);
	assert(decode(&one, "\x57", 1, &pressed) == KEY_F11);
	assert(decode(&one, "\xe1\x1d\x45\xe1\x9d\xc5", 6, &pressed) == KEY_PAUSE && pressed);
	assert(decode(&one, "\x1e", 1, &pressed) == KEY_A);
	assert(decode(&two, "\x1c", 1, &pressed) == KEY_A && pressed);
	assert(decode(&two, "\xf0\x1c", 2, &pressed) == KEY_A && !pressed);
	assert(decode(&two, "\xe0\x75", 2, &pressed) == KEY_UP && pressed);
	assert(decode(&two, "\xe0\xf0\x75", 3, &pressed) == KEY_UP && !pressed);
	assert(decode(&two, "\x83", 1, &pressed) == KEY_F7);
	assert(decode(&two, "\x01", 1, &pressed) == KEY_F9);
	assert(decode(&two, "\x5a", 1, &pressed) == KEY_ENTER);
	assert(decode(&two, "\xe1\x14\x77\xe1\xf0\x14\xf0\x77", 8, &pressed) == KEY_PAUSE);
	assert(decode(&two, "\x1c", 1, &pressed) == KEY_A);
	for (unsigned i = 0; i < 100000; i++) {
		struct key_event event;

		if (scancode_decode(i & 1 ? &one : &two, rand(), &event))
			assert(event.code && event.code < KEY_CNT);
	}
}

static void test_mouse(void)
{
	struct mouse_decoder plain = { .wheel = false }, wheel = { .wheel = true };
	struct mouse_packet packet;

	assert(!mouse_decode(&plain, 0x00, &packet));	/* cannot begin a packet */
	assert(!mouse_decode(&plain, 0x09, &packet) && !mouse_decode(&plain, 5, &packet) && mouse_decode(&plain, 3, &packet));
	assert(packet.dx == 5 && packet.dy == -3 && packet.buttons == 1 && packet.wheel == 0);
	assert(!mouse_decode(&plain, 0x38, &packet) && !mouse_decode(&plain, 0xff, &packet) && mouse_decode(&plain, 0xfe, &packet));
	assert(packet.dx == -1 && packet.dy == 2);
	assert(!mouse_decode(&wheel, 0x08, &packet) && !mouse_decode(&wheel, 0, &packet) && !mouse_decode(&wheel, 0, &packet));
	assert(mouse_decode(&wheel, 0x0f, &packet) && packet.wheel == 1);
	assert(!mouse_decode(&wheel, 0x48, &packet) && !mouse_decode(&wheel, 9, &packet) && !mouse_decode(&wheel, 0, &packet));
	assert(mouse_decode(&wheel, 0x01, &packet) && packet.wheel == -1 && packet.dx == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		if (strcmp(argv[1], "keys") == 0)
			dump_keys();
		else
			dump_layout(argv[1]);
		return 0;
	}
	test_characters();
	test_control();
	test_sequences();
	test_keypad();
	test_german();
	test_french();
	test_dead_keys();
	test_scancodes();
	test_mouse();
	return 0;
}
