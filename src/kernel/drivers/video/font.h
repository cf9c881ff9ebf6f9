/* SPDX-License-Identifier: MIT */
/* Bitmap fonts, generated at build time from a Debian font package (font.mk, psf2c.py). */
#pragma once

#include "lib/types.h"

struct font_character { uint16_t character, glyph; };

struct font {
	unsigned width, height;		/* pixels; width is 8 or 16 */
	unsigned glyph_count;
	const uint8_t *rows;		/* height rows of width / 8 bytes a glyph, as font_row() reads them */
	const struct font_character *characters;	/* in rising order */
	unsigned character_count;
};

extern const struct font font_normal, font_large;	/* 8x16 and 16x32 */

/* A character's glyph; a substitute when the font does not have it. */
const uint8_t *font_find(const struct font *font, uint32_t character);

/* Row @y of a glyph; bit width-1 is the leftmost pixel. */
static inline unsigned font_row(const struct font *font, const uint8_t *glyph, unsigned y)
{
	return font->width == 8 ? glyph[y] : glyph[2 * y] << 8 | glyph[2 * y + 1];
}
