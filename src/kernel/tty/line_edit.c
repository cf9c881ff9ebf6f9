/* SPDX-License-Identifier: MIT */
/* Erasing and reprinting in canonical mode, with the echo that shows it. */
#include "tty/line_edit.h"

enum { TAB_WIDTH = 8, INDEX_MASK = LINE_BUFFER_SIZE - 1 };

static uint8_t at(const struct line_discipline *line, unsigned position)
{
	return line->buffer[position & INDEX_MASK];
}

static bool echoes(const struct line_discipline *line)
{
	return LINE_FLAG(line, c_lflag, ECHO);
}

void line_edit_finish_erasing(struct line_discipline *line)
{
	if (!line->erasing)
		return;
	line_echo_raw(line, '/');
	line->erasing = false;
}

/* How many columns the echo of @c took (tabs apart). */
static unsigned echo_width(const struct line_discipline *line, uint8_t c)
{
	if (line_is_control(c))
		return LINE_FLAG(line, c_lflag, ECHOCTL) ? 2 : 0;
	return line_is_continuation(line, c) ? 0 : 1;
}

/* Moves the cursor back over the tab that was at line->head. */
static void erase_tab(struct line_discipline *line)
{
	unsigned position = line->head, before = 0;
	bool after_tab = false;

	while (position != line->line_head) {
		uint8_t c = at(line, --position);

		if (c == '\t') {
			after_tab = true;
			break;
		}
		before += echo_width(line, c);
	}
	/* An earlier tab ended on a multiple of TAB_WIDTH; otherwise the line's first column counts. */
	if (!after_tab)
		before += line->line_column;
	for (unsigned width = TAB_WIDTH - before % TAB_WIDTH; width; width--)
		line_echo_raw(line, '\b');
}

static void rub_out(struct line_discipline *line)
{
	line_echo_raw(line, '\b');
	line_echo_raw(line, ' ');
	line_echo_raw(line, '\b');
}

/* Shows that the character [line->head, +@len) is gone. */
static void echo_erased(struct line_discipline *line, unsigned len, enum line_erase what)
{
	uint8_t c = at(line, line->head);

	if (LINE_FLAG(line, c_lflag, ECHOPRT)) {
		if (!line->erasing) {
			line_echo_raw(line, '\\');
			line->erasing = true;
		}
		line_echo_char(line, c);
		for (unsigned i = 1; i < len; i++)
			line_echo_raw(line, at(line, line->head + i));
	} else if (what == LINE_ERASE_CHARACTER && !LINE_FLAG(line, c_lflag, ECHOE)) {
		line_echo_char(line, line->termios.c_cc[VERASE]);
	} else if (c == '\t') {
		erase_tab(line);
	} else {
		for (unsigned width = echo_width(line, c); width; width--)
			rub_out(line);
	}
}

/* The bytes of the last character (UTF-8); 0 when only a fragment of one is left. */
static unsigned last_character_length(const struct line_discipline *line)
{
	unsigned position = line->head;

	do
		position--;
	while (line_is_continuation(line, at(line, position)) && position != line->line_head);
	return line_is_continuation(line, at(line, position)) ? 0 : line->head - position;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || line_is_upper(c) || line_is_lower(c) || c == '_';
}

void line_edit_erase(struct line_discipline *line, enum line_erase what)
{
	tcflag_t visual = ECHOK | ECHOKE | ECHOE;
	bool in_word = false;

	if (line->head == line->line_head)
		return;
	if (what == LINE_ERASE_ALL && (!echoes(line) || (line->termios.c_lflag & visual) != visual)) {
		line->head = line->line_head;
		if (!echoes(line))
			return;
		line_edit_finish_erasing(line);
		line_echo_char(line, line->termios.c_cc[VKILL]);
		if (LINE_FLAG(line, c_lflag, ECHOK))
			line_echo_raw(line, '\n');
		return;
	}
	while (line->head != line->line_head) {
		unsigned len = last_character_length(line);

		if (!len)
			break;
		if (what == LINE_ERASE_WORD) {
			if (is_word(at(line, line->head - len)))
				in_word = true;
			else if (in_word)
				break;
		}
		line->head -= len;
		if (echoes(line))
			echo_erased(line, len, what);
		if (what == LINE_ERASE_CHARACTER)
			break;
	}
	if (line->head == line->line_head && echoes(line))
		line_edit_finish_erasing(line);
}

void line_edit_reprint(struct line_discipline *line, char key)
{
	line_edit_finish_erasing(line);
	line_echo_char(line, key);
	line_echo_raw(line, '\n');
	line->line_column = line->column;
	for (unsigned i = line->line_head; i != line->head; i++)
		line_echo_char(line, at(line, i));
}
