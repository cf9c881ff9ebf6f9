/* SPDX-License-Identifier: MIT */
/* What a kind of screen does for the console: framebuffer.c and text_mode.c. */
#pragma once

#include "tty/terminal.h"

struct boot_framebuffer;

/* A cell as it is to be drawn: no attribute is left to interpret but these. */
struct drawn_cell {
	uint32_t character;
	uint8_t foreground, background;	/* palette indices */
	uint8_t flags;			/* enum drawn_flags */
	uint8_t palette;	/* counts the palettes that there were: a cell of an earlier one is drawn anew */
};
enum drawn_flags { DRAWN_UNDERLINE = 1 << 0, DRAWN_STRIKE = 1 << 1, DRAWN_CURSOR = 1 << 2, DRAWN_CURSOR_BLOCK = 1 << 3 };

struct video_backend {
	const char *name;
	/* Maps the screen, finds out rows, columns and pixels (0: none), and makes all of it black. False when it cannot be used. */
	bool (*init)(const struct boot_framebuffer *info);
	void (*draw)(unsigned row, unsigned column, const struct drawn_cell *cell);
	void (*set_color)(unsigned index, uint32_t rgb);	/* NULL: the palette is fixed */
};

struct video_geometry { unsigned rows, columns, x_pixels, y_pixels; };
extern struct video_geometry video_geometry;	/* set by init() */

extern const struct video_backend framebuffer_backend, text_backend;

/*
 * The text screen as the BIOS left it, for when the boot loader names none, as GRUB does when the video card has no VBE. False when there is
 * none. Only for machines that a BIOS has started.
 */
bool text_mode_find(struct boot_framebuffer *found);
