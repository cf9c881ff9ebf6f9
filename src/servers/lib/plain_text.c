/* SPDX-License-Identifier: MIT */
/* Text that no terminal obeys (plain_text.h). */
#include "plain_text.h"

#include <stdbool.h>

/* The bytes that follow @lead in UTF-8; 0: it begins nothing. */
static unsigned char followers(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

static bool is_plain(struct plain_text *state, unsigned char byte)
{
	if (byte >= 0x80 && byte <= 0xbf) {
		if (state->left == 0)
			return false;
		state->left--;
		/* U+0080 to U+009F are controls, too. */
		return state->lead != 0xc2 || byte >= 0xa0;
	}
	state->left = byte < 0x80 ? 0 : followers(byte);
	state->lead = byte;
	return byte < 0x80 ? (byte >= ' ' && byte != 0x7f) || byte == '\t' || byte == '\n' : state->left > 0;
}

size_t plain_text(struct plain_text *state, char *text, size_t length)
{
	size_t kept = 0;

	for (size_t i = 0; i < length; i++) {
		if (is_plain(state, (unsigned char)text[i]))
			text[kept++] = text[i];
	}
	return kept;
}
