/* SPDX-License-Identifier: MIT */
/* From the bytes of a keyboard to key codes (<linux/input-event-codes.h>). Pure. */
#pragma once

#include "lib/types.h"

struct scancode_decoder {
	bool set2;		/* bytes are of scancode set 2, not translated by the controller */
	bool extended;		/* 0xe0 came */
	bool released;		/* 0xf0 came (set 2) */
	uint8_t pause_left;	/* bytes of the Pause key's long sequence still to come */
};

struct key_event { uint16_t code; bool pressed; };

/* Takes one byte; true when it completes a key that is known. */
bool scancode_decode(struct scancode_decoder *decoder, uint8_t byte, struct key_event *event);
