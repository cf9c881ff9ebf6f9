/* SPDX-License-Identifier: MIT */
/*
 * Scancode sets 1 and 2 (IBM PS/2 Hardware Interface Technical Reference, keyboards). Set 2 is brought to set 1 with the controller's own
 * translation table, so that there is one table of keys.
 */
#include "drivers/ps2/scancode.h"
#include <linux/input-event-codes.h>

enum { PREFIX_EXTENDED = 0xe0, PREFIX_PAUSE = 0xe1, PREFIX_RELEASE = 0xf0, RELEASE_BIT = 0x80, PAUSE_REST_SET1 = 5, PAUSE_REST_SET2 = 7,
       PLAIN_LAST = 0x58 };

static const uint8_t set2_to_set1[] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
	0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
	0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
	0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
	0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
	0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
	0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
	0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
	0xff, 0xff, 0xff, 0x41, 0x54,
};

/* Linux numbered its key codes after set 1: 0x01 to 0x53 are the same, and these are not. */
static uint16_t plain_key(uint8_t code)
{
	switch (code) {
	case 0x54:
		return KEY_SYSRQ;
	case 0x55:
		return 0;
	case 0x56:
		return KEY_102ND;
	case 0x57:
		return KEY_F11;
	case 0x58:
		return KEY_F12;
	default:
		return code <= PLAIN_LAST ? code : 0;
	}
}

static const struct { uint8_t code; uint16_t key; } extended_keys[] = {
	{ 0x10, KEY_PREVIOUSSONG }, { 0x19, KEY_NEXTSONG }, { 0x1c, KEY_KPENTER }, { 0x1d, KEY_RIGHTCTRL }, { 0x20, KEY_MUTE },
	{ 0x22, KEY_PLAYPAUSE }, { 0x24, KEY_STOPCD }, { 0x2e, KEY_VOLUMEDOWN }, { 0x30, KEY_VOLUMEUP }, { 0x35, KEY_KPSLASH },
	{ 0x37, KEY_SYSRQ }, { 0x38, KEY_RIGHTALT }, { 0x46, KEY_PAUSE }, { 0x47, KEY_HOME }, { 0x48, KEY_UP }, { 0x49, KEY_PAGEUP },
	{ 0x4b, KEY_LEFT }, { 0x4d, KEY_RIGHT }, { 0x4f, KEY_END }, { 0x50, KEY_DOWN }, { 0x51, KEY_PAGEDOWN }, { 0x52, KEY_INSERT },
	{ 0x53, KEY_DELETE }, { 0x5b, KEY_LEFTMETA }, { 0x5c, KEY_RIGHTMETA }, { 0x5d, KEY_COMPOSE }, { 0x5e, KEY_POWER },
	{ 0x5f, KEY_SLEEP }, { 0x63, KEY_WAKEUP },
};

static uint16_t extended_key(uint8_t code)
{
	/* 0x2a and 0x36 behind the prefix are shifts that the keyboard makes up; they are not keys. */
	for (unsigned i = 0; i < ARRAY_LEN(extended_keys); i++)
		if (extended_keys[i].code == code)
			return extended_keys[i].key;
	return 0;
}

bool scancode_decode(struct scancode_decoder *decoder, uint8_t byte, struct key_event *event)
{
	if (decoder->pause_left) {
		/* The Pause key sends press and release at once and cannot be held. */
		if (--decoder->pause_left)
			return false;
		*event = (struct key_event){ KEY_PAUSE, true };
		return true;
	}
	if (byte == PREFIX_PAUSE) {
		decoder->pause_left = decoder->set2 ? PAUSE_REST_SET2 : PAUSE_REST_SET1;
		return false;
	}
	if (byte == PREFIX_EXTENDED) {
		decoder->extended = true;
		return false;
	}
	if (decoder->set2 && byte == PREFIX_RELEASE) {
		decoder->released = true;
		return false;
	}
	uint8_t code = byte & ~RELEASE_BIT;
	bool pressed = !(byte & RELEASE_BIT);

	if (decoder->set2) {
		code = byte < ARRAY_LEN(set2_to_set1) ? set2_to_set1[byte] : 0xff;
		pressed = !decoder->released;
	}
	*event = (struct key_event){ decoder->extended ? extended_key(code) : plain_key(code), pressed };
	decoder->extended = decoder->released = false;
	return event->code != 0;
}
