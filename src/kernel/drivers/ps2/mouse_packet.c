/* SPDX-License-Identifier: MIT */
/* PS/2 mouse packets: 9-bit movement whose signs are in the first byte, and the IntelliMouse's fourth byte with the wheel. */
#include "drivers/ps2/mouse_packet.h"

enum { FIRST_BUTTONS = 7 << 0, FIRST_ALWAYS = 1 << 3, FIRST_X_SIGN = 1 << 4, FIRST_Y_SIGN = 1 << 5, FIRST_X_OVERFLOW = 1 << 6,
       FIRST_Y_OVERFLOW = 1 << 7 };

bool mouse_decode(struct mouse_decoder *decoder, uint8_t byte, struct mouse_packet *packet)
{
	if (decoder->count == 0 && !(byte & FIRST_ALWAYS))
		return false;
	decoder->bytes[decoder->count++] = byte;
	if (decoder->count < (decoder->wheel ? 4u : 3u))
		return false;
	decoder->count = 0;

	uint8_t first = decoder->bytes[0];
	int dx = decoder->bytes[1] - (first & FIRST_X_SIGN ? 256 : 0), dy = decoder->bytes[2] - (first & FIRST_Y_SIGN ? 256 : 0);
	/* The low four bits, signed; positive is towards the user. */
	int wheel = decoder->wheel ? ((decoder->bytes[3] & 0xf) ^ 8) - 8 : 0;

	*packet = (struct mouse_packet){
		.dx = first & FIRST_X_OVERFLOW ? 0 : dx, .dy = first & FIRST_Y_OVERFLOW ? 0 : -dy, .wheel = -wheel,
		.buttons = first & FIRST_BUTTONS,
	};
	return true;
}
