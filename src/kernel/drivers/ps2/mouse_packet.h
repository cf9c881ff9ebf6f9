/* SPDX-License-Identifier: MIT */
/* From the bytes of a PS/2 mouse to movement. Pure. */
#pragma once

#include "lib/types.h"

struct mouse_decoder {
	bool wheel;		/* packets have 4 bytes (IntelliMouse) */
	unsigned count;
	uint8_t bytes[4];
};

struct mouse_packet {
	int dx, dy;		/* dy grows downwards */
	int wheel;		/* away from the user is positive */
	unsigned buttons;	/* enum mouse_buttons of drivers/input/input.h */
};

/* Takes one byte; true when it completes a packet. Bytes that cannot begin a packet are skipped. */
bool mouse_decode(struct mouse_decoder *decoder, uint8_t byte, struct mouse_packet *packet);
