/* SPDX-License-Identifier: MIT */
/* LINK: drivers/video/font.c GEN/font_data.c */
/* Glyphs whose shape their character tells, and that all can be drawn. */
#include "drivers/video/font.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { HEIGHT_MAX = 16, SPACE = ' ', HORIZONTAL = 0x2500, VERTICAL = 0x2502, DOWN_AND_RIGHT = 0x250c, CROSS = 0x253c, BLOCK = 0x2588,
	REPLACEMENT = 0xfffd };

static void draw(const struct font *font, uint32_t character, unsigned picture[HEIGHT_MAX])
{
	struct font_rows rows = font_find(font, character);

	memset(picture, 0, HEIGHT_MAX * sizeof(*picture));
	for (unsigned y = 0; y < font->height; y++)
		picture[y] = font_next_row(&rows);
	assert(rows.changes == 0);
}

static void test_shapes(const struct font *font)
{
	unsigned all = (1u << font->width) - 1, last = font->height - 1, horizontal[HEIGHT_MAX], vertical[HEIGHT_MAX], other[HEIGHT_MAX];

	draw(font, SPACE, other);
	for (unsigned y = 0; y <= last; y++)
		assert(other[y] == 0);
	draw(font, BLOCK, other);
	for (unsigned y = 0; y <= last; y++)
		assert(other[y] == all);
	draw(font, HORIZONTAL, horizontal);
	draw(font, VERTICAL, vertical);
	draw(font, CROSS, other);
	for (unsigned y = 0; y <= last; y++) {
		assert(horizontal[y] == 0 || horizontal[y] == all);
		assert(vertical[y] == vertical[0] && vertical[y] != 0 && vertical[y] != all);
		assert(other[y] == (horizontal[y] | vertical[y]));
	}
	draw(font, DOWN_AND_RIGHT, other);
	for (unsigned y = 0; y <= last; y++)
		assert(!(other[y] & 1u << (font->width - 1)) && (other[y] & 1) == (horizontal[y] & 1));
	assert(other[0] == 0 && other[last] == vertical[last]);
}

/* All characters can be drawn (the address checker looks on), printable ones differ, and what is missing has a substitute. */
static void test_characters(const struct font *font)
{
	unsigned picture[HEIGHT_MAX], earlier[HEIGHT_MAX], drawn = 0;

	for (uint32_t character = 0; character < 0x10000; character++) {
		draw(font, character, picture);
		drawn += picture[font->height / 2] != 0;
	}
	assert(drawn > 0x8000);
	for (uint32_t character = '!'; character <= '~'; character++) {
		draw(font, character, picture);
		for (uint32_t other = SPACE; other < character; other++) {
			draw(font, other, earlier);
			assert(memcmp(picture, earlier, sizeof(picture)) != 0);
		}
	}
	draw(font, REPLACEMENT, earlier);
	draw(font, 0x10fffe, picture);
	assert(memcmp(picture, earlier, sizeof(picture)) == 0);
}

int main(void)
{
	assert(font_normal.width == 8 && font_normal.height == 16);
	test_shapes(&font_normal);
	test_characters(&font_normal);
	printf("font: ok\n");
	return 0;
}
