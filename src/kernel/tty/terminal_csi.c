/* SPDX-License-Identifier: MIT */
/* The control sequences ESC [ … of the terminal emulator (ECMA-48, DEC private modes, and console_codes(4)). */
#include "tty/terminal.h"
#include "lib/printf.h"
#include "lib/string.h"

void terminal_answer(struct terminal *terminal, const char *text)
{
	if (terminal->ops && terminal->ops->reply)
		terminal->ops->reply(terminal->context, text, strlen(text));
}

/* Parameter @i, where none and 0 mean @otherwise. */
static unsigned parameter(const struct terminal *terminal, unsigned i, unsigned otherwise)
{
	return i < terminal->parameter_count && terminal->parameters[i] ? terminal->parameters[i] : otherwise;
}

static void erase_display(struct terminal *terminal, unsigned what)
{
	unsigned row = terminal->cursor.row, column = terminal->cursor.column;
	unsigned first = 0, end = terminal->rows;

	if (what == 0) {
		terminal_erase(terminal, row, column, terminal->columns);
		first = row + 1;
	} else if (what == 1) {
		terminal_erase(terminal, row, 0, column + 1);
		end = row;
	} else if (what == 3) {
		terminal_clear_scrollback(terminal);
	} else if (what != 2) {
		return;
	}
	for (unsigned i = first; i < end; i++)
		terminal_erase(terminal, i, 0, terminal->columns);
}

static void erase_line(struct terminal *terminal, unsigned what)
{
	unsigned row = terminal->cursor.row, column = terminal->cursor.column;

	if (what == 0)
		terminal_erase(terminal, row, column, terminal->columns);
	else if (what == 1)
		terminal_erase(terminal, row, 0, column + 1);
	else if (what == 2)
		terminal_erase(terminal, row, 0, terminal->columns);
}

static void set_region(struct terminal *terminal)
{
	unsigned top = parameter(terminal, 0, 1), bottom = parameter(terminal, 1, terminal->rows);

	bottom = MIN(bottom, terminal->rows);
	if (top >= bottom)
		return;
	terminal->top = top - 1;
	terminal->bottom = bottom - 1;
	terminal_move_origin(terminal, 0, 0);
}

/* IL and DL act on the lines from the cursor to the end of the region, and only inside it. */
static void move_lines(struct terminal *terminal, bool insert, unsigned count)
{
	unsigned row = terminal->cursor.row;

	if (row < terminal->top || row > terminal->bottom)
		return;
	if (insert)
		terminal_scroll_down(terminal, row, terminal->bottom, count);
	else
		terminal_scroll_up(terminal, row, terminal->bottom, count, false);
}

static void report_status(struct terminal *terminal, unsigned what)
{
	char answer[32];

	if (what == 5) {
		terminal_answer(terminal, "\033[0n");
	} else if (what == 6) {
		unsigned row = terminal->cursor.row - (terminal->cursor.origin ? terminal->top : 0);

		snprintf(answer, sizeof(answer), "\033[%u;%uR", row + 1, terminal->cursor.column + 1);
		terminal_answer(terminal, answer);
	}
}

static void repeat(struct terminal *terminal, unsigned count)
{
	uint32_t character = terminal->last_character;

	if (!character)
		return;
	count = MIN(count, terminal->rows * terminal->columns);
	while (count--)
		terminal_put(terminal, character);
}

/* Mode 1049 and its parts: the alternate screen, with cursor saving (1048) and clearing (1047). */
static void alternate_screen(struct terminal *terminal, unsigned mode, bool on)
{
	if (on == terminal->alternate)
		return;
	if (mode == 1049 && on)
		terminal->saved_primary = terminal->cursor;
	terminal_use_alternate(terminal, on);
	if (on && mode != 47)
		erase_display(terminal, 2);
	if (mode == 1049 && !on) {
		terminal->cursor = terminal->saved_primary;
		terminal_move(terminal, terminal->cursor.row, terminal->cursor.column);
	}
}

static void private_mode(struct terminal *terminal, unsigned mode, bool on)
{
	switch (mode) {
	case 1:
		terminal->cursor_keys_application = on;
		break;
	case 5:
		if (terminal->reverse_screen != on) {
			terminal->reverse_screen = on;
			terminal_mark_all_dirty(terminal);
		}
		break;
	case 6:
		terminal->cursor.origin = on;
		terminal_move_origin(terminal, 0, 0);
		break;
	case 7:
		terminal->auto_wrap = on;
		terminal->cursor.wrap_pending &= on;
		break;
	case 25:
		terminal->cursor_visible = on;
		terminal->dirty[terminal->cursor.row] = true;
		break;
	case 47:
	case 1047:
	case 1049:
		alternate_screen(terminal, mode, on);
		break;
	case 1048:
		if (on)
			terminal->saved = terminal->cursor;
		else
			terminal_restore_cursor(terminal);
		break;
	default:
		break;	/* mouse reports, bracketed paste and the like are not for this screen */
	}
}

static void set_modes(struct terminal *terminal, bool on)
{
	for (unsigned i = 0; i < terminal->parameter_count; i++) {
		unsigned mode = terminal->parameters[i];

		if (terminal->private_mark == '?')
			private_mode(terminal, mode, on);
		else if (mode == 4)
			terminal->insert = on;
		else if (mode == 20)
			terminal->newline_mode = on;
	}
}

static void clear_tab_stops(struct terminal *terminal, unsigned what)
{
	if (what == 0)
		terminal->tab_stops[terminal->cursor.column] = false;
	else if (what == 3)
		memset(terminal->tab_stops, 0, sizeof(terminal->tab_stops));
}

/* Sequences with "?", ">" and the like. */
static void csi_private(struct terminal *terminal, char final)
{
	if (terminal->private_mark == '?' && (final == 'h' || final == 'l'))
		set_modes(terminal, final == 'h');
	else if (terminal->private_mark == '?' && final == 'J')
		erase_display(terminal, terminal->parameters[0]);
	else if (terminal->private_mark == '?' && final == 'K')
		erase_line(terminal, terminal->parameters[0]);
	else if (terminal->private_mark == '?' && final == 'n')
		report_status(terminal, terminal->parameters[0]);
	else if (terminal->private_mark == '?' && final == 'c') {
		/* Linux: the cursor's shape; 1 is none, 8 a block. */
		terminal->cursor_block = (terminal->parameters[0] & 0xf) == 8;
		terminal->dirty[terminal->cursor.row] = true;
	}
}

/* Sequences that move the cursor. Returns false for others. */
static bool csi_move(struct terminal *terminal, char final)
{
	int row = terminal->cursor.row, column = terminal->cursor.column;
	int count = parameter(terminal, 0, 1);
	/* Up and down stop at the region's edge when they start inside it. */
	int upper = row >= (int)terminal->top ? (int)terminal->top : 0;
	int lower = row <= (int)terminal->bottom ? (int)terminal->bottom : (int)terminal->rows - 1;

	switch (final) {
	case 'A':
		terminal_move(terminal, MAX(row - count, upper), column);
		return true;
	case 'B':
	case 'e':
		terminal_move(terminal, MIN(row + count, lower), column);
		return true;
	case 'C':
	case 'a':
		terminal_move(terminal, row, column + count);
		return true;
	case 'D':
		terminal_move(terminal, row, column - count);
		return true;
	case 'E':
		terminal_move(terminal, MIN(row + count, lower), 0);
		return true;
	case 'F':
		terminal_move(terminal, MAX(row - count, upper), 0);
		return true;
	case 'G':
	case '`':
		terminal_move(terminal, row, count - 1);
		return true;
	case 'd':
		terminal_move_origin(terminal, count - 1, column);
		return true;
	case 'H':
	case 'f':
		terminal_move_origin(terminal, count - 1, (int)parameter(terminal, 1, 1) - 1);
		return true;
	case 'I':
		terminal_tab(terminal, count);
		return true;
	case 'Z':
		terminal_tab(terminal, -count);
		return true;
	default:
		return false;
	}
}

/* Sequences that change what is on the screen. Returns false for others. */
static bool csi_edit(struct terminal *terminal, char final)
{
	unsigned count = parameter(terminal, 0, 1), column = terminal->cursor.column;

	switch (final) {
	case '@':
		terminal_insert_characters(terminal, count);
		break;
	case 'P':
		terminal_delete_characters(terminal, count);
		break;
	case 'X':
		terminal_erase(terminal, terminal->cursor.row, column, MIN(column + count, terminal->columns));
		break;
	case 'J':
		erase_display(terminal, terminal->parameters[0]);
		break;
	case 'K':
		erase_line(terminal, terminal->parameters[0]);
		break;
	case 'L':
		move_lines(terminal, true, count);
		break;
	case 'M':
		move_lines(terminal, false, count);
		break;
	case 'S':
		terminal_scroll_up(terminal, terminal->top, terminal->bottom, count, true);
		break;
	case 'T':
		terminal_scroll_down(terminal, terminal->top, terminal->bottom, count);
		break;
	case 'b':
		repeat(terminal, count);
		return true;
	default:
		return false;
	}
	terminal->cursor.wrap_pending = false;
	return true;
}

void terminal_csi(struct terminal *terminal, char final)
{
	if (terminal->intermediate)
		return;		/* DECSCUSR, soft reset: nothing that this screen has */
	if (terminal->private_mark) {
		csi_private(terminal, final);
		return;
	}
	if (csi_move(terminal, final) || csi_edit(terminal, final))
		return;
	switch (final) {
	case 'c':
		if (!terminal->parameters[0])
			terminal_answer(terminal, "\033[?6c");
		break;
	case 'g':
		clear_tab_stops(terminal, terminal->parameters[0]);
		break;
	case 'h':
	case 'l':
		set_modes(terminal, final == 'h');
		break;
	case 'm':
		terminal_select_graphics(terminal);
		break;
	case 'n':
		report_status(terminal, terminal->parameters[0]);
		break;
	case 'r':
		set_region(terminal);
		break;
	case 's':
		terminal->saved = terminal->cursor;
		break;
	case 'u':
		terminal_restore_cursor(terminal);
		break;
	default:
		break;
	}
}
