/* SPDX-License-Identifier: MIT */
/* Finding a character's glyph. */
#include "drivers/video/font.h"

static const uint8_t *search(const struct font *font, uint32_t character)
{
	unsigned low = 0, high = font->character_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct font_character *entry = &font->characters[middle];

		if (entry->character == character)
			return font->glyphs + entry->glyph;
		if (entry->character < character)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct font_rows font_find(const struct font *font, uint32_t character)
{
	static const uint32_t substitutes[] = { 0xfffd, 0x25c6, '?', ' ' };
	const uint8_t *glyph = search(font, character);
	struct font_rows rows = { 0 };

	for (unsigned i = 0; !glyph && i < ARRAY_LEN(substitutes); i++)
		glyph = search(font, substitutes[i]);
	if (!glyph)
		glyph = font->glyphs;
	for (unsigned at = 0; at < font->height; at += 8)
		rows.changes |= (uint32_t)*glyph++ << at;
	rows.next = glyph;
	return rows;
}
