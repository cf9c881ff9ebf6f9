/* SPDX-License-Identifier: MIT */
/* Text of other programs for a terminal, which must not obey it. Pure. */
#ifndef SERVERS_LIB_PLAIN_TEXT_H
#define SERVERS_LIB_PLAIN_TEXT_H

#include <stddef.h>

/* Where a character of several bytes is cut off between two pieces of a text. All zero at first. */
struct plain_text {
	unsigned char lead, left;
};

/*
 * Takes out of @text, in place, all characters by which a terminal is controlled, but tabs and ends of lines, and bytes that are no UTF-8. Returns the new
 * length. Nothing else is taken out: of an escape sequence its letters are left.
 */
size_t plain_text(struct plain_text *state, char *text, size_t length);

#endif
