/* SPDX-License-Identifier: MIT */
/*
 * The terminal emulator's input: UTF-8 decoding, control characters, and the states of escape sequences. Control characters inside a sequence act
 * and the sequence goes on, ESC starts a new one, CAN and SUB end it (DEC STD 070).
 */
#include "tty/terminal.h"
#include "lib/string.h"

enum { REPLACEMENT = 0xfffd, PARAMETER_MAX = 9999, PALETTE_BITS = 28, BASE_COLORS = 16 };
enum { BEL = 7, BS = 8, HT = 9, LF = 10, VT = 11, FF = 12, CR = 13, SO = 14, SI = 15, CAN = 24, SUB = 26, ESC = 27, DEL = 127,
       CSI_8BIT = 0x9b };

/* DEC special graphics, '`' to '~'; 'o', 'p', 'r' and 's' are lines at several heights, for which fonts have little. */
static const uint16_t line_drawing[] = {
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x00af,
	0x2500, 0x2500, 0x2500, '_', 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static uint32_t translate(const struct terminal *terminal, uint32_t character)
{
	switch (terminal->cursor.charset[terminal->cursor.shift]) {
	case CHARSET_LINE_DRAWING:
		if (character >= '`' && character <= '~')
			return line_drawing[character - '`'];
		return character == '_' ? ' ' : character;
	case CHARSET_UK:
		return character == '#' ? 0xa3 : character;
	default:
		return character;
	}
}

static void control(struct terminal *terminal, uint8_t c)
{
	switch (c) {
	case BEL:
		if (terminal->ops && terminal->ops->bell)
			terminal->ops->bell(terminal->context);
		break;
	case BS:
		terminal_move(terminal, terminal->cursor.row, (int)terminal->cursor.column - 1);
		break;
	case HT:
		terminal_tab(terminal, 1);
		break;
	case LF:
	case VT:
	case FF:
		terminal_line_feed(terminal);
		if (terminal->newline_mode)
			terminal_move(terminal, terminal->cursor.row, 0);
		break;
	case CR:
		terminal_move(terminal, terminal->cursor.row, 0);
		break;
	case SO:
	case SI:
		terminal->cursor.shift = c == SO;
		break;
	default:
		break;
	}
}

static void begin_csi(struct terminal *terminal)
{
	memset(terminal->parameters, 0, sizeof(terminal->parameters));
	memset(terminal->sub_parameter, 0, sizeof(terminal->sub_parameter));
	terminal->parameter_count = 1;
	terminal->private_mark = terminal->intermediate = 0;
	terminal->state = PARSE_CSI;
}

static void screen_alignment(struct terminal *terminal)
{
	struct cell cell = { .character = 'E' };

	terminal_reset_pen(&cell);
	cell.character = 'E';
	for (unsigned row = 0; row < terminal->rows; row++)
		for (unsigned column = 0; column < terminal->columns; column++)
			terminal->lines[row][column] = cell;
	terminal_move(terminal, 0, 0);
	terminal_mark_all_dirty(terminal);
}

/* A sequence ESC INTERMEDIATE c: character sets, and the screen alignment pattern. */
static void escape_intermediate(struct terminal *terminal, char c)
{
	unsigned set = terminal->intermediate == ')';

	terminal->state = PARSE_GROUND;
	switch (terminal->intermediate) {
	case '(':
	case ')':
		terminal->cursor.charset[set] = c == '0' ? CHARSET_LINE_DRAWING : c == 'A' ? CHARSET_UK : CHARSET_ASCII;
		break;
	case '#':
		if (c == '8')
			screen_alignment(terminal);
		break;
	default:
		break;	/* ESC % G and the like: it is UTF-8 always */
	}
}

static void escape(struct terminal *terminal, char c)
{
	terminal->state = PARSE_GROUND;
	switch (c) {
	case '[':
		begin_csi(terminal);
		break;
	case ']':
		terminal->state = PARSE_OSC;
		break;
	case 'P':	/* DCS, SOS, PM, APC: strings for nobody here */
	case 'X':
	case '^':
	case '_':
		terminal->state = PARSE_STRING;
		break;
	case '(':
	case ')':
	case '*':
	case '+':
	case '#':
	case '%':
	case ' ':
		terminal->intermediate = c;
		terminal->state = PARSE_ESCAPE_INTERMEDIATE;
		break;
	case '7':
		terminal->saved = terminal->cursor;
		break;
	case '8':
		terminal_restore_cursor(terminal);
		break;
	case 'D':
		terminal_line_feed(terminal);
		break;
	case 'E':
		terminal_move(terminal, terminal->cursor.row, 0);
		terminal_line_feed(terminal);
		break;
	case 'M':
		terminal_reverse_line_feed(terminal);
		break;
	case 'H':
		terminal->tab_stops[terminal->cursor.column] = true;
		break;
	case 'Z':
		terminal_answer(terminal, "\033[?6c");
		break;
	case '=':
	case '>':
		terminal->keypad_application = c == '=';
		break;
	case 'c':
		terminal_reset(terminal);
		break;
	default:
		break;
	}
}

static void csi(struct terminal *terminal, uint8_t c)
{
	unsigned last = terminal->parameter_count - 1;

	if (c >= '0' && c <= '9') {
		terminal->parameters[last] = MIN(terminal->parameters[last] * 10 + c - '0', (unsigned)PARAMETER_MAX);
	} else if (c == ';' || c == ':') {
		if (terminal->parameter_count == TERMINAL_PARAMETERS)
			terminal->state = PARSE_CSI_IGNORE;
		else
			terminal->sub_parameter[terminal->parameter_count++] = c == ':';
	} else if (c >= '<' && c <= '?') {
		terminal->private_mark = c;
	} else if (c >= ' ' && c <= '/') {
		terminal->intermediate = c;
	} else if (c == '[' && !last && !terminal->parameters[0] && !terminal->private_mark) {
		terminal->state = PARSE_CSI_LINUX_KEY;	/* a function key of TERM=linux, echoed: ESC [ [ A */
	} else if (c >= '@' && c <= '~') {
		terminal->state = PARSE_GROUND;
		terminal_csi(terminal, c);
	} else {
		terminal->state = PARSE_CSI_IGNORE;
	}
}

static void set_color(struct terminal *terminal, unsigned index, uint32_t rgb)
{
	if (terminal->ops && terminal->ops->set_color)
		terminal->ops->set_color(terminal->context, index, rgb);
}

/* OSC ends with BEL or ESC \. Linux's own two have no end at all: "P" and 7 digits sets a colour, "R" resets them. */
static void osc(struct terminal *terminal, uint8_t c)
{
	if (c == 'P') {
		terminal->palette_digits = 1;
		terminal->state = PARSE_OSC_PALETTE;
	} else if (c == 'R') {
		for (unsigned i = 0; i < BASE_COLORS; i++)
			set_color(terminal, i, terminal_palette(i));
		terminal->state = PARSE_GROUND;
	} else {
		terminal->state = c == BEL ? PARSE_GROUND : PARSE_STRING;
	}
}

/* The index's digit, then two each for red, green and blue. */
static void palette_digit(struct terminal *terminal, uint8_t c)
{
	unsigned letter = (c | 0x20) - 'a', digit = c >= '0' && c <= '9' ? c - '0' : letter < 6 ? letter + 10 : BASE_COLORS;
	uint32_t digits = terminal->palette_digits << 4 | digit;

	terminal->palette_digits = digits;
	if (digit == BASE_COLORS || digits >> PALETTE_BITS)
		terminal->state = PARSE_GROUND;
	if (digit != BASE_COLORS && digits >> PALETTE_BITS)
		set_color(terminal, digits >> 24 & 0xf, digits & 0xffffff);
}

static void print(struct terminal *terminal, uint32_t character)
{
	if (character == CSI_8BIT)
		begin_csi(terminal);
	else if (character >= 0xa0 || (character >= ' ' && character < DEL))
		terminal_put(terminal, character < DEL ? translate(terminal, character) : character);
}

/* A byte that belongs to text. What is not UTF-8 shows as one replacement character a fault. */
static void decode(struct terminal *terminal, uint8_t c)
{
	if (terminal->utf8_left) {
		if ((c & 0xc0) == 0x80) {
			uint32_t character = terminal->utf8_character = terminal->utf8_character << 6 | (c & 0x3f);

			if (--terminal->utf8_left)
				return;
			bool bad = character < terminal->utf8_minimum || character > 0x10ffff || (character >= 0xd800 && character < 0xe000);

			print(terminal, bad ? (uint32_t)REPLACEMENT : character);
			return;
		}
		terminal->utf8_left = 0;
		print(terminal, REPLACEMENT);
	}
	if (c < 0x80) {
		print(terminal, c);
	} else if (c >= 0xc2 && c < 0xe0) {
		terminal->utf8_left = 1;
		terminal->utf8_character = c & 0x1f;
		terminal->utf8_minimum = 0x80;
	} else if (c >= 0xe0 && c < 0xf0) {
		terminal->utf8_left = 2;
		terminal->utf8_character = c & 0x0f;
		terminal->utf8_minimum = 0x800;
	} else if (c >= 0xf0 && c < 0xf5) {
		terminal->utf8_left = 3;
		terminal->utf8_character = c & 0x07;
		terminal->utf8_minimum = 0x10000;
	} else {
		print(terminal, REPLACEMENT);
	}
}

static void sequence(struct terminal *terminal, uint8_t c)
{
	switch (terminal->state) {
	case PARSE_GROUND:
		decode(terminal, c);
		break;
	case PARSE_ESCAPE:
		escape(terminal, c);
		break;
	case PARSE_ESCAPE_INTERMEDIATE:
		escape_intermediate(terminal, c);
		break;
	case PARSE_CSI:
		csi(terminal, c);
		break;
	case PARSE_CSI_IGNORE:
		if (c >= '@' && c <= '~')
			terminal->state = PARSE_GROUND;
		break;
	case PARSE_CSI_LINUX_KEY:
		terminal->state = PARSE_GROUND;
		break;
	case PARSE_OSC:
		osc(terminal, c);
		break;
	case PARSE_OSC_PALETTE:
		palette_digit(terminal, c);
		break;
	case PARSE_STRING:
	case PARSE_STRING_ESCAPE:
		break;
	}
}

/* Inside OSC, DCS and the like only their ends count. */
static bool in_string(const struct terminal *terminal)
{
	return terminal->state == PARSE_STRING || terminal->state == PARSE_STRING_ESCAPE;
}

static void string_byte(struct terminal *terminal, uint8_t c)
{
	if (c == CAN || c == SUB || c == BEL) {
		terminal->state = PARSE_GROUND;
	} else if (c == ESC) {
		terminal->state = PARSE_STRING_ESCAPE;
	} else if (terminal->state == PARSE_STRING_ESCAPE) {
		terminal->state = PARSE_GROUND;
		if (c != '\\')
			escape(terminal, c);
	}
}

void terminal_write(struct terminal *terminal, const char *text, size_t len)
{
	if (terminal->view) {
		/* New output shows itself. */
		terminal->view = 0;
		terminal_mark_all_dirty(terminal);
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t c = text[i];

		if (in_string(terminal)) {
			string_byte(terminal, c);
		} else if (c == ESC || c == CAN || c == SUB) {
			terminal->utf8_left = 0;
			terminal->state = c == ESC ? PARSE_ESCAPE : PARSE_GROUND;
		} else if (c < ' ' && !(c == BEL && terminal->state == PARSE_OSC)) {
			if (terminal->utf8_left)
				decode(terminal, 0);	/* a truncated character ends here */
			control(terminal, c);
		} else if (c != DEL) {
			sequence(terminal, c);
		}
	}
}
