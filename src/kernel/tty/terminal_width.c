/* SPDX-License-Identifier: MIT */
/* How many columns a character takes, by ranges of Unicode (combining marks; East Asian Width W and F), which programs count by too. */
#include "tty/terminal.h"

struct range { uint16_t first, last; };		/* of a plane's characters */

enum { BASIC_PLANE, SUPPLEMENTARY_PLANE, IDEOGRAPHS_PLANE, MORE_IDEOGRAPHS_PLANE, TAGS_PLANE = 14 };

static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x2064 }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff },
};

static const struct range double_width[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 }, { 0x23f3, 0x23f3 },
	{ 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f }, { 0x2693, 0x2693 }, { 0x26a1, 0x26a1 },
	{ 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 }, { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea },
	{ 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 }, { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b },
	{ 0x2728, 0x2728 }, { 0x274c, 0x274c }, { 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
	{ 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 }, { 0x2e80, 0x303e },
	{ 0x3041, 0x4dbf }, { 0x4e00, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe10, 0xfe19 },
	{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
};

/* U+1F300 and so on. */
static const struct range double_width_supplementary[] = {
	{ 0x6fe0, 0x8af2 }, { 0xb000, 0xb2fb }, { 0xf004, 0xf004 }, { 0xf0cf, 0xf0cf }, { 0xf18e, 0xf18e }, { 0xf191, 0xf19a },
	{ 0xf200, 0xf64f }, { 0xf680, 0xf6c5 }, { 0xf6cc, 0xf6cc }, { 0xf6d0, 0xf6d5 }, { 0xf6eb, 0xf6ec }, { 0xf6f4, 0xf6fc },
	{ 0xf7e0, 0xf7eb }, { 0xf90d, 0xfaff },
};

static bool in_ranges(unsigned low_half, const struct range *ranges, size_t count)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (low_half > ranges[middle].last)
			low = middle + 1;
		else if (low_half < ranges[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

unsigned terminal_character_width(uint32_t character)
{
	unsigned low_half = character & 0xffff;

	if (character < zero_width[0].first)
		return 1;
	switch (character >> 16) {
	case BASIC_PLANE:
		if (in_ranges(low_half, zero_width, ARRAY_LEN(zero_width)))
			return 0;
		return in_ranges(low_half, double_width, ARRAY_LEN(double_width)) ? 2 : 1;
	case SUPPLEMENTARY_PLANE:
		return in_ranges(low_half, double_width_supplementary, ARRAY_LEN(double_width_supplementary)) ? 2 : 1;
	case IDEOGRAPHS_PLANE:
	case MORE_IDEOGRAPHS_PLANE:
		return 2;
	default:
		return character >> 16 == TAGS_PLANE ? 0 : 1;
	}
}
