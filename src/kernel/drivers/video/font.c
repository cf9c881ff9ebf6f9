/* SPDX-License-Identifier: MIT */
/* Finding a character's glyph. */
#include "drivers/video/font.h"

static const uint8_t *search(const struct font *font, uint32_t character)
{
	unsigned low = 0, high = font->range_count;
	const struct font_range *range;

	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (font->ranges[middle].first <= character)
			low = middle;
		else
			high = middle;
	}
	range = &font->ranges[low];
	if (character < range->first || character - range->first >= range[1].at - range->at)
		return NULL;
	return font->glyphs + font->places[range->at + character - range->first];
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
