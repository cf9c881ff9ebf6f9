/* SPDX-License-Identifier: MIT */
/* Bitmap fonts, generated at build time from a Debian font package (font.mk, psf2c.py). */
#pragma once

#include "lib/types.h"

struct font_character { uint16_t character, glyph; };

struct font {
	unsigned width, height;		/* pixels; width is at most 16 */
	unsigned glyph_count;
	const uint16_t *rows;		/* height values a glyph; bit width-1 is the leftmost pixel */
	const struct font_character *characters;	/* in rising order */
	unsigned character_count;
};

extern const struct font font_normal, font_large;	/* 8x16 and 16x32 */

/* The rows of a character's glyph; a substitute when the font does not have it. */
const uint16_t *font_find(const struct font *font, uint32_t character);
