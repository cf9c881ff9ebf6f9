/* SPDX-License-Identifier: MIT */
/* Colours and attributes of the terminal emulator: SGR, the palette, and what a cell finally looks like. */
#include "tty/terminal.h"

/* The 16 colours of the Linux console's palette (VGA), in ANSI order. */
static const uint32_t base_colors[16] = {
	0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
	0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

enum { CUBE_FIRST = 16, GREY_FIRST = 232, BRIGHT = 8 };

/* The six levels of xterm's 6×6×6 cube. */
static unsigned cube_level(unsigned step)
{
	return step ? 55 + 40 * step : 0;
}

uint32_t terminal_palette(uint8_t index)
{
	if (index < CUBE_FIRST)
		return base_colors[index];
	if (index >= GREY_FIRST) {
		uint32_t grey = 8 + 10 * (index - GREY_FIRST);

		return grey << 16 | grey << 8 | grey;
	}
	unsigned cube = index - CUBE_FIRST;

	return cube_level(cube / 36) << 16 | cube_level(cube / 6 % 6) << 8 | cube_level(cube % 6);
}

/* The nearest of the six levels to a component of 0 to 255. */
static unsigned nearest_step(unsigned value)
{
	if (value < 48)
		return 0;
	return value < 115 ? 1 : (value - 35) / 40;
}

static unsigned distance(uint32_t color, unsigned red, unsigned green, unsigned blue)
{
	int dr = (int)(color >> 16 & 0xff) - (int)red, dg = (int)(color >> 8 & 0xff) - (int)green, db = (int)(color & 0xff) - (int)blue;

	return dr * dr + dg * dg + db * db;
}

/* True colour becomes the nearer of the cube's and the grey ramp's best entry. */
static uint8_t nearest_color(unsigned red, unsigned green, unsigned blue)
{
	red = MIN(red, 255u);
	green = MIN(green, 255u);
	blue = MIN(blue, 255u);
	unsigned average = (red + green + blue) / 3;
	unsigned cube = CUBE_FIRST + 36 * nearest_step(red) + 6 * nearest_step(green) + nearest_step(blue);
	unsigned grey = GREY_FIRST + (average < 8 ? 0 : MIN((average - 3) / 10, 23u));

	return distance(terminal_palette(grey), red, green, blue) < distance(terminal_palette(cube), red, green, blue) ? grey : cube;
}

void terminal_reset_pen(struct cell *pen)
{
	*pen = (struct cell){
		.character = ' ', .foreground = DEFAULT_FOREGROUND, .background = DEFAULT_BACKGROUND,
		.attributes = CELL_DEFAULT_FOREGROUND | CELL_DEFAULT_BACKGROUND,
	};
}

static void set_foreground(struct cell *pen, uint8_t color)
{
	pen->foreground = color;
	pen->attributes &= ~CELL_DEFAULT_FOREGROUND;
}

static void set_background(struct cell *pen, uint8_t color)
{
	pen->background = color;
	pen->attributes &= ~CELL_DEFAULT_BACKGROUND;
}

/*
 * 38 and 48: "5;N" or "2;R;G;B", or with colons "5:N", "2:R:G:B", "2:SPACE:R:G:B". Returns the index of the last parameter used; *color is
 * -1 if they name none.
 */
static unsigned extended_color(const struct terminal *terminal, unsigned i, int *color)
{
	const unsigned *parameters = terminal->parameters;
	unsigned count = terminal->parameter_count, end = i + 1;

	*color = -1;
	while (end < count && terminal->sub_parameter[end])
		end++;
	if (end > i + 1) {
		unsigned colons = end - i - 1, first = i + 2 + (colons > 4);	/* more than 4: a colour space comes first */

		if (parameters[i + 1] == 5 && colons >= 2)
			*color = (uint8_t)parameters[i + 2];
		else if (parameters[i + 1] == 2 && colons >= 4)
			*color = nearest_color(parameters[first], parameters[first + 1], parameters[first + 2]);
		return end - 1;
	}
	if (i + 2 < count && parameters[i + 1] == 5) {
		*color = (uint8_t)parameters[i + 2];
		return i + 2;
	}
	if (i + 4 < count && parameters[i + 1] == 2) {
		*color = nearest_color(parameters[i + 2], parameters[i + 3], parameters[i + 4]);
		return i + 4;
	}
	return count;
}

/* 1 to 9 turn an attribute on, 21 to 29 off. Returns false for other numbers. */
static bool select_attribute(struct cell *pen, unsigned number)
{
	static const uint16_t on[10] = {
		[1] = CELL_BOLD, [2] = CELL_DIM, [3] = CELL_ITALIC, [4] = CELL_UNDERLINE, [5] = CELL_BLINK, [6] = CELL_BLINK,
		[7] = CELL_REVERSE, [8] = CELL_HIDDEN, [9] = CELL_STRIKE,
	};

	if (number >= 1 && number <= 9) {
		pen->attributes |= on[number];
		return true;
	}
	if (number == 21) {
		pen->attributes |= CELL_UNDERLINE;	/* double underline */
		return true;
	}
	if (number >= 22 && number <= 29) {
		pen->attributes &= ~(number == 22 ? CELL_BOLD | CELL_DIM : on[number - 20]);
		return true;
	}
	return false;
}

void terminal_select_graphics(struct terminal *terminal)
{
	struct cell *pen = &terminal->cursor.pen;

	for (unsigned i = 0; i < terminal->parameter_count; i++) {
		unsigned number = terminal->parameters[i];
		int color;

		if (number == 0) {
			terminal_reset_pen(pen);
		} else if (number == 4 && i + 1 < terminal->parameter_count && terminal->sub_parameter[i + 1]) {
			/* 4:N is a style of underline, 4:0 none. */
			select_attribute(pen, terminal->parameters[++i] ? 4 : 24);
		} else if (select_attribute(pen, number)) {
			continue;
		} else if (number == 38 || number == 48) {
			i = extended_color(terminal, i, &color);
			if (color >= 0 && number == 38)
				set_foreground(pen, color);
			else if (color >= 0)
				set_background(pen, color);
		} else if (number == 39) {
			pen->foreground = DEFAULT_FOREGROUND;
			pen->attributes |= CELL_DEFAULT_FOREGROUND;
		} else if (number == 49) {
			pen->background = DEFAULT_BACKGROUND;
			pen->attributes |= CELL_DEFAULT_BACKGROUND;
		} else if (number >= 30 && number <= 37) {
			set_foreground(pen, number - 30);
		} else if (number >= 40 && number <= 47) {
			set_background(pen, number - 40);
		} else if (number >= 90 && number <= 97) {
			set_foreground(pen, number - 90 + BRIGHT);
		} else if (number >= 100 && number <= 107) {
			set_background(pen, number - 100 + BRIGHT);
		}
	}
}

struct cell_colors terminal_cell_colors(const struct terminal *terminal, const struct cell *cell)
{
	struct cell_colors colors = { cell->foreground, cell->background };

	if ((cell->attributes & CELL_BOLD) && colors.foreground < BRIGHT)
		colors.foreground += BRIGHT;
	if (cell->attributes & CELL_DIM)
		colors.foreground = BRIGHT;	/* dark grey */
	if (!(cell->attributes & CELL_REVERSE) != !terminal->reverse_screen)
		colors = (struct cell_colors){ colors.background, colors.foreground };
	if ((cell->attributes & CELL_BLINK) && colors.background < BRIGHT)
		colors.background += BRIGHT;	/* what should blink stands out, as on Linux's framebuffer */
	if (cell->attributes & CELL_HIDDEN)
		colors.foreground = colors.background;
	return colors;
}
