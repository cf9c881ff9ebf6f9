/* SPDX-License-Identifier: MIT */
/*
 * A terminal emulator: takes what programs write (UTF-8 and the control sequences of TERM=linux, a superset of the VT102's) and keeps the
 * grid of cells that a screen shows. Pure: no locks, no drawing, no allocation after terminal_create() but where the owner allows it. The owner
 * (drivers/video) serialises calls and draws the lines that are marked dirty.
 */
#pragma once

#include "lib/types.h"

enum cell_attribute {
	CELL_BOLD = 1 << 0, CELL_DIM = 1 << 1, CELL_ITALIC = 1 << 2, CELL_UNDERLINE = 1 << 3, CELL_BLINK = 1 << 4,
	CELL_REVERSE = 1 << 5, CELL_HIDDEN = 1 << 6, CELL_STRIKE = 1 << 7,
	CELL_DEFAULT_FOREGROUND = 1 << 8, CELL_DEFAULT_BACKGROUND = 1 << 9,
	CELL_WIDE_RIGHT = 1 << 10,	/* the right half of a character two columns wide */
};

/* Colours are indices into a palette of 256 as xterm has it (terminal_palette). */
struct cell {
	uint32_t character;	/* Unicode; ' ' where nothing is */
	uint8_t foreground, background;
	uint16_t attributes;	/* enum cell_attribute */
};

enum { TERMINAL_PARAMETERS = 16, TERMINAL_COLUMNS_MAX = 512, TERMINAL_ROWS_MAX = 256, TERMINAL_SCROLLBACK = 500,
       DEFAULT_FOREGROUND = 7, DEFAULT_BACKGROUND = 0 };

struct terminal_ops {
	/* The terminal answers a request; the bytes go to the program as input. May be NULL. */
	void (*reply)(void *context, const char *text, size_t len);
	void (*bell)(void *context);	/* may be NULL */
	/* The colour of a palette index below 16 is 0xRRGGBB from now on. May be NULL. */
	void (*set_color)(void *context, unsigned index, uint32_t rgb);
};

struct terminal_cursor {
	unsigned row, column;
	struct cell pen;	/* colours and attributes of what is written next */
	bool wrap_pending;	/* the last column was filled: the next character goes to a new line */
	bool origin;		/* DECOM: rows count from the scroll region's top */
	uint8_t charset[2];	/* G0 and G1: enum terminal_charset */
	uint8_t shift;		/* which of them is in use */
};

enum terminal_charset { CHARSET_ASCII, CHARSET_LINE_DRAWING, CHARSET_UK };

enum parser_state { PARSE_GROUND, PARSE_ESCAPE, PARSE_ESCAPE_INTERMEDIATE, PARSE_CSI, PARSE_CSI_IGNORE, PARSE_CSI_LINUX_KEY,
		    PARSE_OSC, PARSE_OSC_PALETTE, PARSE_STRING, PARSE_STRING_ESCAPE };

struct terminal {
	unsigned rows, columns;
	const struct terminal_ops *ops;
	void *context;

	struct cell **lines;		/* the screen shown: rows pointers into the set below; scrolling moves pointers */
	struct cell **other_lines;	/* the other of primary and alternate screen; NULL until the alternate one is first used */
	bool alternate;
	struct cell **scrollback;	/* ring of lines that left the top of the primary screen */
	unsigned scrollback_size, scrollback_count, scrollback_next;	/* slots that keep no line may have none, or one to be used */
	/*
	 * The owner's: lines may be allocated now. Without one for the scroll-back the oldest kept is used anew; without an alternate screen it stays the
	 * primary.
	 */
	bool grows;
	unsigned view;			/* how many lines back the viewer looks; 0: the present */
	bool *dirty;			/* rows entries: changed since the owner cleared it */

	struct terminal_cursor cursor, saved, saved_primary;
	unsigned top, bottom;		/* scroll region, both inclusive */
	bool tab_stops[TERMINAL_COLUMNS_MAX];
	uint32_t last_character;	/* for REP; 0: none */

	/* Modes. */
	bool auto_wrap, insert, newline_mode, cursor_visible, cursor_block, reverse_screen;
	bool cursor_keys_application, keypad_application;

	/* Parser. */
	enum parser_state state;
	unsigned parameters[TERMINAL_PARAMETERS];
	bool sub_parameter[TERMINAL_PARAMETERS];	/* it followed a colon */
	unsigned parameter_count;
	char private_mark, intermediate;
	uint32_t palette_digits;	/* of Linux's sequence, behind a 1 */
	uint32_t utf8_character;
	unsigned utf8_left;
	uint32_t utf8_minimum;		/* smaller ones would be overlong */
};

/* NULL when out of memory or the size is out of bounds. @scrollback: the most lines kept; memory for them is allocated when they come (grows). */
struct terminal *terminal_create(unsigned rows, unsigned columns, unsigned scrollback, const struct terminal_ops *ops, void *context);
void terminal_destroy(struct terminal *terminal);

void terminal_write(struct terminal *terminal, const char *text, size_t len);
/* Allocates lines so that a screenful can scroll away where nothing may be allocated. */
void terminal_provide_lines(struct terminal *terminal);

/* The line at @row as the viewer sees it (scroll-back considered). */
const struct cell *terminal_line(const struct terminal *terminal, unsigned row);
/* Moves the view by @lines, positive into the past. */
void terminal_scroll_view(struct terminal *terminal, int lines);
/* Where to draw the cursor; false when it is hidden or out of view. */
bool terminal_cursor_position(const struct terminal *terminal, unsigned *row, unsigned *column);
void terminal_mark_all_dirty(struct terminal *terminal);

/* The colours that a cell is drawn in, with bold, reverse and the like applied. */
struct cell_colors { uint8_t foreground, background; };
struct cell_colors terminal_cell_colors(const struct terminal *terminal, const struct cell *cell);
/* 0xRRGGBB of a palette index. */
uint32_t terminal_palette(uint8_t index);

/* Columns that a character takes: 0 (combining), 1 or 2. */
unsigned terminal_character_width(uint32_t character);

/* --- between the terminal_*.c files --- */

/* terminal.c: the grid */
void terminal_reset(struct terminal *terminal);
void terminal_put(struct terminal *terminal, uint32_t character);
void terminal_move(struct terminal *terminal, int row, int column);		/* clamped to the screen */
void terminal_move_origin(struct terminal *terminal, int row, int column);	/* as CUP: relative to the region in origin mode */
void terminal_restore_cursor(struct terminal *terminal);			/* to what is in saved */
void terminal_line_feed(struct terminal *terminal);
void terminal_reverse_line_feed(struct terminal *terminal);
/* @keep: what leaves the top of the screen goes to the scroll-back. */
void terminal_scroll_up(struct terminal *terminal, unsigned top, unsigned bottom, unsigned count, bool keep);
void terminal_scroll_down(struct terminal *terminal, unsigned top, unsigned bottom, unsigned count);
void terminal_erase(struct terminal *terminal, unsigned row, unsigned from, unsigned to);	/* columns [from, to) */
void terminal_insert_characters(struct terminal *terminal, unsigned count);
void terminal_delete_characters(struct terminal *terminal, unsigned count);
void terminal_tab(struct terminal *terminal, int count);			/* negative: backwards */
void terminal_use_alternate(struct terminal *terminal, bool alternate);
void terminal_clear_scrollback(struct terminal *terminal);

/* terminal_csi.c */
void terminal_csi(struct terminal *terminal, char final);
void terminal_answer(struct terminal *terminal, const char *text);

/* terminal_color.c */
void terminal_select_graphics(struct terminal *terminal);
void terminal_reset_pen(struct cell *pen);
