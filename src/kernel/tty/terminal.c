/* SPDX-License-Identifier: MIT */
/* The terminal emulator's grid: writing characters, moving, scrolling, erasing. Lines are moved by pointer, never copied. */
#include "tty/terminal.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { TAB_WIDTH = 8 };

static struct cell blank(const struct terminal *terminal)
{
	struct cell cell = terminal->cursor.pen;

	/* Erased places take the background colour (terminfo's bce) and nothing else. */
	cell.character = ' ';
	cell.attributes &= CELL_DEFAULT_BACKGROUND;
	cell.attributes |= CELL_DEFAULT_FOREGROUND;
	cell.foreground = DEFAULT_FOREGROUND;
	return cell;
}

static void fill(struct cell *line, unsigned from, unsigned to, struct cell cell)
{
	for (unsigned i = from; i < to; i++)
		line[i] = cell;
}

static void mark_dirty(struct terminal *terminal, unsigned top, unsigned bottom)
{
	for (unsigned row = top; row <= bottom; row++)
		terminal->dirty[row] = true;
}

void terminal_mark_all_dirty(struct terminal *terminal)
{
	mark_dirty(terminal, 0, terminal->rows - 1);
}

/* The lines are not filled yet. */
static struct cell **create_lines(unsigned count, unsigned columns)
{
	struct cell **lines = kmalloc_array(count, sizeof(*lines));

	for (unsigned i = 0; lines && i < count; i++) {
		lines[i] = kmalloc(columns * sizeof(struct cell));
		if (!lines[i]) {
			while (i--)
				kfree(lines[i]);
			kfree(lines);
			return NULL;
		}
	}
	return lines;
}

static void destroy_lines(struct cell **lines, unsigned count)
{
	for (unsigned i = 0; lines && i < count; i++)
		kfree(lines[i]);
	kfree(lines);
}

struct terminal *terminal_create(unsigned rows, unsigned columns, unsigned scrollback, const struct terminal_ops *ops, void *context)
{
	if (!rows || !columns || rows > TERMINAL_ROWS_MAX || columns > TERMINAL_COLUMNS_MAX)
		return NULL;
	struct terminal *terminal = kzalloc(sizeof(*terminal));

	if (!terminal)
		return NULL;
	terminal->rows = rows;
	terminal->columns = columns;
	terminal->scrollback_size = scrollback;
	terminal->ops = ops;
	terminal->context = context;
	terminal->lines = create_lines(rows, columns);
	terminal->dirty = kmalloc_array(rows, sizeof(bool));
	if (scrollback)
		terminal->scrollback = kmalloc_array(scrollback, sizeof(*terminal->scrollback));
	if (!terminal->lines || !terminal->dirty || (scrollback && !terminal->scrollback)) {
		terminal_destroy(terminal);
		return NULL;
	}
	terminal_reset(terminal);
	terminal_provide_lines(terminal);
	return terminal;
}

void terminal_destroy(struct terminal *terminal)
{
	destroy_lines(terminal->lines, terminal->rows);
	destroy_lines(terminal->other_lines, terminal->rows);
	destroy_lines(terminal->scrollback, terminal->scrollback_size);
	kfree(terminal->dirty);
	kfree(terminal);
}

void terminal_reset(struct terminal *terminal)
{
	terminal_use_alternate(terminal, false);
	memset(&terminal->cursor, 0, sizeof(terminal->cursor));
	terminal_reset_pen(&terminal->cursor.pen);
	/* G1 is line drawing from the start: ^N alone switches to it, as TERM=linux expects. */
	terminal->cursor.charset[1] = CHARSET_LINE_DRAWING;
	terminal->saved = terminal->saved_primary = terminal->cursor;
	terminal->top = 0;
	terminal->bottom = terminal->rows - 1;
	for (unsigned i = 0; i < TERMINAL_COLUMNS_MAX; i++)
		terminal->tab_stops[i] = i % TAB_WIDTH == 0;
	terminal->last_character = 0;
	terminal->auto_wrap = true;
	terminal->cursor_visible = true;
	terminal->insert = terminal->newline_mode = terminal->cursor_block = terminal->reverse_screen = false;
	terminal->cursor_keys_application = terminal->keypad_application = false;
	terminal->state = PARSE_GROUND;
	terminal->utf8_left = 0;
	terminal->view = 0;
	for (unsigned row = 0; row < terminal->rows; row++)
		terminal_erase(terminal, row, 0, terminal->columns);
}

static struct cell *create_line(const struct terminal *terminal)
{
	return kmalloc(terminal->columns * sizeof(struct cell));
}

void terminal_provide_lines(struct terminal *terminal)
{
	unsigned count = MIN(terminal->rows, terminal->scrollback_size - terminal->scrollback_count);

	for (unsigned i = 0; i < count; i++) {
		struct cell **slot = &terminal->scrollback[(terminal->scrollback_next + i) % terminal->scrollback_size];

		if (!*slot && !(*slot = create_line(terminal)))
			return;
	}
}

/* A line for the screen in exchange for one that leaves the top of the primary one and is kept. It is filled when it comes to the screen. */
static struct cell *exchange_scrollback(struct terminal *terminal, struct cell *line)
{
	struct cell **slot = &terminal->scrollback[terminal->scrollback_next], *fresh = *slot;

	if (!fresh && terminal->grows)
		fresh = create_line(terminal);
	if (!fresh && terminal->scrollback_count) {
		unsigned oldest = terminal->scrollback_next + terminal->scrollback_size - terminal->scrollback_count--;

		fresh = terminal->scrollback[oldest % terminal->scrollback_size];
		terminal->scrollback[oldest % terminal->scrollback_size] = NULL;
	}
	if (!fresh)
		return line;
	*slot = line;
	terminal->scrollback_next = (terminal->scrollback_next + 1) % terminal->scrollback_size;
	if (terminal->scrollback_count < terminal->scrollback_size)
		terminal->scrollback_count++;
	return fresh;
}

void terminal_scroll_up(struct terminal *terminal, unsigned top, unsigned bottom, unsigned count, bool keep)
{
	struct cell cell = blank(terminal);

	keep &= top == 0 && !terminal->alternate && terminal->scrollback_size;
	count = MIN(count, bottom - top + 1);
	for (unsigned i = 0; i < count; i++) {
		struct cell *line = terminal->lines[top];

		if (keep)
			line = exchange_scrollback(terminal, line);
		memmove(&terminal->lines[top], &terminal->lines[top + 1], (bottom - top) * sizeof(struct cell *));
		terminal->lines[bottom] = line;
		fill(line, 0, terminal->columns, cell);
	}
	mark_dirty(terminal, top, bottom);
}

void terminal_scroll_down(struct terminal *terminal, unsigned top, unsigned bottom, unsigned count)
{
	struct cell cell = blank(terminal);

	count = MIN(count, bottom - top + 1);
	for (unsigned i = 0; i < count; i++) {
		struct cell *line = terminal->lines[bottom];

		memmove(&terminal->lines[top + 1], &terminal->lines[top], (bottom - top) * sizeof(struct cell *));
		terminal->lines[top] = line;
		fill(line, 0, terminal->columns, cell);
	}
	mark_dirty(terminal, top, bottom);
}

/* Half of a wide character must not stay behind when the other half is overwritten. */
static void split_wide(struct terminal *terminal, struct cell *line, unsigned column)
{
	if (column < terminal->columns && (line[column].attributes & CELL_WIDE_RIGHT)) {
		if (column)
			line[column - 1].character = ' ';
		line[column].character = ' ';
		line[column].attributes &= ~CELL_WIDE_RIGHT;
	}
}

void terminal_erase(struct terminal *terminal, unsigned row, unsigned from, unsigned to)
{
	struct cell *line = terminal->lines[row];

	split_wide(terminal, line, from);
	split_wide(terminal, line, to);
	fill(line, from, to, blank(terminal));
	terminal->dirty[row] = true;
}

void terminal_insert_characters(struct terminal *terminal, unsigned count)
{
	struct cell *line = terminal->lines[terminal->cursor.row];
	unsigned column = terminal->cursor.column;

	count = MIN(count, terminal->columns - column);
	split_wide(terminal, line, column);
	memmove(&line[column + count], &line[column], (terminal->columns - column - count) * sizeof(*line));
	terminal_erase(terminal, terminal->cursor.row, column, column + count);
}

void terminal_delete_characters(struct terminal *terminal, unsigned count)
{
	struct cell *line = terminal->lines[terminal->cursor.row];
	unsigned column = terminal->cursor.column;

	count = MIN(count, terminal->columns - column);
	split_wide(terminal, line, column);
	split_wide(terminal, line, column + count);
	memmove(&line[column], &line[column + count], (terminal->columns - column - count) * sizeof(*line));
	terminal_erase(terminal, terminal->cursor.row, terminal->columns - count, terminal->columns);
}

void terminal_move(struct terminal *terminal, int row, int column)
{
	terminal->dirty[terminal->cursor.row] = true;
	terminal->cursor.row = MAX(0, MIN(row, (int)terminal->rows - 1));
	terminal->cursor.column = MAX(0, MIN(column, (int)terminal->columns - 1));
	terminal->cursor.wrap_pending = false;
	terminal->dirty[terminal->cursor.row] = true;
}

void terminal_move_origin(struct terminal *terminal, int row, int column)
{
	if (terminal->cursor.origin)
		row = MIN(row + (int)terminal->top, (int)terminal->bottom);
	terminal_move(terminal, row, column);
}

void terminal_restore_cursor(struct terminal *terminal)
{
	terminal->dirty[terminal->cursor.row] = true;
	terminal->cursor = terminal->saved;
	terminal->dirty[terminal->cursor.row] = true;
}

void terminal_line_feed(struct terminal *terminal)
{
	unsigned row = terminal->cursor.row;

	if (row == terminal->bottom)
		terminal_scroll_up(terminal, terminal->top, terminal->bottom, 1, true);
	else
		terminal_move(terminal, row + 1, terminal->cursor.column);
	terminal->cursor.wrap_pending = false;
}

void terminal_reverse_line_feed(struct terminal *terminal)
{
	unsigned row = terminal->cursor.row;

	if (row == terminal->top)
		terminal_scroll_down(terminal, terminal->top, terminal->bottom, 1);
	else
		terminal_move(terminal, (int)row - 1, terminal->cursor.column);
	terminal->cursor.wrap_pending = false;
}

void terminal_tab(struct terminal *terminal, int count)
{
	int step = count < 0 ? -1 : 1, column = terminal->cursor.column;
	bool wrap_pending = terminal->cursor.wrap_pending && step > 0;

	for (; count; count -= step) {
		do
			column += step;
		while (column > 0 && column < (int)terminal->columns - 1 && !terminal->tab_stops[column]);
		if (column <= 0 || column >= (int)terminal->columns - 1)
			break;
	}
	terminal_move(terminal, terminal->cursor.row, column);
	/* A tab from the full last column overwrites nothing there. */
	terminal->cursor.wrap_pending = wrap_pending;
}

void terminal_put(struct terminal *terminal, uint32_t character)
{
	struct terminal_cursor *cursor = &terminal->cursor;
	unsigned width = terminal_character_width(character);

	if (!width)
		return;		/* combining characters have no cell of their own, and the font nothing to combine */
	if (width > terminal->columns)
		return;
	bool at_edge = cursor->wrap_pending || cursor->column + width > terminal->columns;

	if (at_edge && terminal->auto_wrap) {
		terminal_move(terminal, cursor->row, 0);
		terminal_line_feed(terminal);
	} else if (at_edge) {
		cursor->column = terminal->columns - width;
	}
	if (terminal->insert)
		terminal_insert_characters(terminal, width);
	struct cell *line = terminal->lines[cursor->row];
	struct cell cell = cursor->pen;

	split_wide(terminal, line, cursor->column);
	split_wide(terminal, line, cursor->column + width);
	cell.character = character;
	line[cursor->column] = cell;
	if (width == 2) {
		cell.character = ' ';
		cell.attributes |= CELL_WIDE_RIGHT;
		line[cursor->column + 1] = cell;
	}
	terminal->dirty[cursor->row] = true;
	terminal->last_character = character;
	if (cursor->column + width >= terminal->columns) {
		cursor->column = terminal->columns - 1;
		cursor->wrap_pending = terminal->auto_wrap;
	} else {
		cursor->column += width;
		cursor->wrap_pending = false;
	}
}

/* The alternate screen's lines, blank: false where they are not to be had. */
static bool provide_alternate(struct terminal *terminal)
{
	if (terminal->other_lines)
		return true;
	if (terminal->grows)
		terminal->other_lines = create_lines(terminal->rows, terminal->columns);
	for (unsigned row = 0; terminal->other_lines && row < terminal->rows; row++)
		fill(terminal->other_lines[row], 0, terminal->columns, blank(terminal));
	return terminal->other_lines;
}

void terminal_use_alternate(struct terminal *terminal, bool alternate)
{
	struct cell **lines = terminal->lines;

	if (alternate == terminal->alternate || !provide_alternate(terminal))
		return;
	terminal->alternate = alternate;
	terminal->lines = terminal->other_lines;
	terminal->other_lines = lines;
	terminal->view = 0;
	terminal_mark_all_dirty(terminal);
}

void terminal_clear_scrollback(struct terminal *terminal)
{
	terminal->scrollback_count = 0;
	terminal->view = 0;
	terminal_mark_all_dirty(terminal);
}

const struct cell *terminal_line(const struct terminal *terminal, unsigned row)
{
	if (row >= terminal->view)
		return terminal->lines[row - terminal->view];
	/* view - row lines before the screen's first one, which is scrollback_next - 1 and so on backwards. */
	unsigned back = terminal->view - row;

	return terminal->scrollback[(terminal->scrollback_next + terminal->scrollback_size - back) % terminal->scrollback_size];
}

void terminal_scroll_view(struct terminal *terminal, int lines)
{
	int view = (int)terminal->view + lines;

	if (terminal->alternate)
		return;
	view = MAX(0, MIN(view, (int)terminal->scrollback_count));
	if (view == (int)terminal->view)
		return;
	terminal->view = view;
	terminal_mark_all_dirty(terminal);
}

bool terminal_cursor_position(const struct terminal *terminal, unsigned *row, unsigned *column)
{
	*row = terminal->cursor.row + terminal->view;
	*column = terminal->cursor.column;
	return terminal->cursor_visible && *row < terminal->rows;
}
