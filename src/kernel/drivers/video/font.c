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
			return &font->rows[entry->glyph * font->height * (font->width / 8)];
		if (entry->character < character)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const uint8_t *font_find(const struct font *font, uint32_t character)
{
	static const uint32_t substitutes[] = { 0xfffd, 0x25c6, '?', ' ' };
	const uint8_t *rows = search(font, character);

	for (unsigned i = 0; !rows && i < ARRAY_LEN(substitutes); i++)
		rows = search(font, substitutes[i]);
	return rows ? rows : font->rows;
}
