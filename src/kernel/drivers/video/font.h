/* SPDX-License-Identifier: MIT */
/* The bitmap font, generated at build time from a Debian font package (font.mk, psf2c.py). */
#pragma once

#include "lib/types.h"

/* Characters that follow each other: from @first on, as many as there are places from @at on before those of the next range. */
struct font_range { uint16_t first, at; };

struct font {
	unsigned width, height;		/* pixels: 8, and at most 32 */
	const uint8_t *glyphs;		/* each as font_find() and font_next_row() read it */
	const uint16_t *places;		/* of each character: where its glyph begins in glyphs */
	const struct font_range *ranges;	/* in rising order; one more, at the end, tells how many places there are */
	unsigned range_count;		/* without that */
};

/*
 * A glyph, row by row. A bit for each row, the lowest for the first, says whether it differs from the row above (the first: from a
 * blank one); only those rows are stored.
 */
struct font_rows {
	uint32_t changes;
	const uint8_t *next;
	unsigned bits;
};

extern const struct font font_normal;	/* 8x16 */

/* A character's glyph, before its first row; a substitute when the font does not have it. */
struct font_rows font_find(const struct font *font, uint32_t character);

/* The next row, of which there are font->height; bit 7 is the leftmost pixel. */
static inline unsigned font_next_row(struct font_rows *rows)
{
	if (rows->changes & 1)
		rows->bits = *rows->next++;
	rows->changes >>= 1;
	return rows->bits;
}
