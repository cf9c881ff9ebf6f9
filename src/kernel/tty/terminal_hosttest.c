/* SPDX-License-Identifier: MIT */
/* LINK: tty/terminal.c tty/terminal_parser.c tty/terminal_csi.c tty/terminal_color.c tty/terminal_width.c */
/*
 * The terminal emulator: each case writes to a small screen and compares it with a drawing of what must be there ('.' is a blank cell at the
 * end of a line, the cursor's place is given apart). Then random bytes, which must never break it. With a size as arguments it is a terminal for other
 * tests, and shows what comes on its standard input.
 */
#include "tty/terminal.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, COLUMNS = 10 };

static struct terminal *terminal;
static char reply[64];
static unsigned bells;

static void take_reply(void *context, const char *text, size_t len)
{
	snprintf(reply, sizeof(reply), "%.*s", (int)len, text);
}

static void ring(void *context)
{
	bells++;
}

static unsigned colors_set;
static uint32_t last_color;

static void take_color(void *context, unsigned index, uint32_t rgb)
{
	colors_set++;
	last_color = index << 24 | rgb;
}

static const struct terminal_ops ops = { .reply = take_reply, .bell = ring, .set_color = take_color };

static void start(void)
{
	if (terminal)
		terminal_destroy(terminal);
	terminal = terminal_create(ROWS, COLUMNS, 4, &ops, NULL);
	assert(terminal);
	terminal->grows = true;
	reply[0] = 0;
}

static void put(const char *text)
{
	terminal_write(terminal, text, strlen(text));
}

static char *write_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = c;
		return to;
	}
	if (c < 0x800) {
		*to++ = 0xc0 | c >> 6;
	} else {
		if (c < 0x10000) {
			*to++ = 0xe0 | c >> 12;
		} else {
			*to++ = 0xf0 | c >> 18;
			*to++ = 0x80 | (c >> 12 & 0x3f);
		}
		*to++ = 0x80 | (c >> 6 & 0x3f);
	}
	*to++ = 0x80 | (c & 0x3f);
	return to;
}

/* The screen as text: lines without blanks at their ends, separated by '|'. */
static const char *text_of_screen(void)
{
	static char text[ROWS * COLUMNS * 4];
	char *to = text;

	for (unsigned row = 0; row < ROWS; row++) {
		const struct cell *cells = terminal_line(terminal, row);
		unsigned end = COLUMNS;

		while (end && cells[end - 1].character == ' ')
			end--;
		for (unsigned i = 0; i < end; i++)
			to = write_utf8(to, cells[i].character);
		*to++ = row + 1 < ROWS ? '|' : 0;
	}
	return text;
}

static void screen(const char *what, const char *wanted, unsigned row, unsigned column)
{
	if (strcmp(text_of_screen(), wanted) == 0 && terminal->cursor.row == row && terminal->cursor.column == column)
		return;
	fprintf(stderr, "%s:\n  got    %s at %u,%u\n  wanted %s at %u,%u\n", what, text_of_screen(), terminal->cursor.row,
		terminal->cursor.column, wanted, row, column);
	abort();
}

/* Starts anew, writes, compares. */
static void golden(const char *what, const char *text, const char *wanted, unsigned row, unsigned column)
{
	start();
	put(text);
	screen(what, wanted, row, column);
}

static void test_text(void)
{
	golden("text", "hello", "hello||||", 0, 5);
	golden("lines", "a\r\nb\r\nc", "a|b|c||", 2, 1);
	golden("line feed keeps the column", "ab\nc", "ab|  c|||", 1, 3);
	golden("wrap is pending", "0123456789", "0123456789||||", 0, 9);
	golden("wrap", "0123456789x", "0123456789|x|||", 1, 1);
	golden("no wrap", "\033[?7l0123456789xyz", "012345678z||||", 0, 9);
	golden("no wrap is left over", "\033[?7l0123456789\033[?7hx", "012345678x||||", 0, 9);
	golden("a tab keeps a pending wrap", "0123456789\tx", "0123456789|x|||", 1, 1);
	golden("return clears a pending wrap", "0123456789\rx", "x123456789||||", 0, 1);
	golden("backspace", "abc\b\bx", "axc||||", 0, 2);
	golden("tab", "a\tb", "a       b||||", 0, 9);
	golden("tab stops at the edge", "\t\t\tx", "         x||||", 0, 9);
	golden("scroll", "1\r\n2\r\n3\r\n4\r\n5\r\n6", "2|3|4|5|6", 4, 1);
	golden("scroll by wrap", "\033[5;1H0123456789x", "|||0123456789|x", 4, 1);
	golden("UTF-8", "\303\244\342\224\200x", "\303\244\342\224\200x||||", 0, 3);
	golden("broken UTF-8", "\303x\377y", "\357\277\275x\357\277\275y||||", 0, 4);
	golden("overlong and surrogate", "\340\200\200\355\240\200", "\357\277\275\357\277\275||||", 0, 2);
	golden("combining marks take no place", "e\314\201x", "ex||||", 0, 2);
	golden("wide", "\344\270\255x", "\344\270\255 x||||", 0, 3);
	golden("wide by their looks", "\342\234\205\360\237\232\200\360\240\200\200x", "\342\234\205 \360\237\232\200 \360\240\200\200 x||||", 0, 7);
	golden("wide at the edge wraps", "012345678\344\270\255", "012345678|\344\270\255|||", 1, 2);
	golden("half a wide character goes whole", "\344\270\255\r\033[Cx", " x||||", 0, 2);
	golden("insert mode", "abc\r\033[4hxy\033[4l", "xyabc||||", 0, 2);
	golden("line drawing", "\033(0lqk\033(Bq", "\342\224\214\342\224\200\342\224\220q||||", 0, 4);
	golden("line drawing by shift out", "\016x\017x", "\342\224\202x||||", 0, 2);
	golden("repeat", "ab\033[3b", "abbbb||||", 0, 5);
	golden("nothing to repeat", "\033[3bx", "x||||", 0, 1);
}

static void test_cursor(void)
{
	golden("position", "\033[3;4Hx", "||   x||", 2, 4);
	golden("position without parameters", "abc\033[Hx", "xbc||||", 0, 1);
	golden("position is clamped", "\033[99;99Hx", "||||         x", 4, 9);
	golden("up and down", "\033[3;3H\033[Aa\033[2Bb", "|  a||   b|", 3, 4);
	golden("left and right", "abc\033[2Dx\033[Cy", "axcy||||", 0, 4);
	golden("next and previous line", "abc\033[Ex\033[Fy", "ybc|x|||", 0, 1);
	golden("column and row", "\033[5Gx\033[3dy", "    x||     y||", 2, 6);
	golden("save and restore", "ab\0337cd\033[3;3H\0338x", "abxd||||", 0, 3);
	golden("save and restore, CSI", "ab\033[scd\033[ux", "abxd||||", 0, 3);
	golden("restored in the full last column", "0123456789\0337\033[H\0338x", "0123456789|x|||", 1, 1);
	golden("restore with nothing saved", "abc\0338x", "xbc||||", 0, 1);
	golden("index at the bottom scrolls", "1\033[5;1H5\033D", "|||5|", 4, 1);
	golden("reverse index at the top scrolls", "1\033[H\033Mx", "x|1|||", 0, 1);
	golden("next line", "ab\033Ec", "ab|c|||", 1, 1);
	golden("set and clear tab stops", "\033[3g\033[4G\033H\r\tx", "   x||||", 0, 4);
	golden("back tab", "\033[10G\033[Zx\033[9G\033[Zy", "y       x||||", 0, 1);
	golden("hidden cursor", "\033[?25lx", "x||||", 0, 1);
	unsigned row, column;

	assert(!terminal_cursor_position(terminal, &row, &column));
	put("\033[?25h");
	assert(terminal_cursor_position(terminal, &row, &column) && row == 0 && column == 1);
}

static void test_editing(void)
{
	golden("erase to the end", "abcdef\033[3D\033[K", "abc||||", 0, 3);
	golden("erase to the cursor", "abcdef\033[3D\033[1K", "    ef||||", 0, 3);
	golden("erase the line", "abcdef\033[3D\033[2K", "||||", 0, 3);
	golden("erase below", "a\r\nb\r\nc\033[2;1H\033[J", "a||||", 1, 0);
	golden("erase above", "a\r\nb\r\nc\033[2;1H\033[1J", "||c||", 1, 0);
	golden("erase all", "a\r\nb\033[2J", "||||", 1, 1);
	golden("erase characters", "abcdef\r\033[C\033[2X", "a  def||||", 0, 1);
	golden("delete characters", "abcdef\r\033[C\033[2P", "adef||||", 0, 1);
	golden("insert characters", "abcdef\r\033[C\033[2@", "a  bcdef||||", 0, 1);
	golden("insert past the edge", "0123456789\r\033[20@x", "x||||", 0, 1);
	golden("insert lines", "1\r\n2\r\n3\033[2;2H\033[Lx", "1| x|2|3|", 1, 2);
	golden("delete lines", "1\r\n2\r\n3\033[1;2H\033[M", "2|3|||", 0, 1);
	golden("too many lines", "1\r\n2\r\n3\033[2;1H\033[99M", "1||||", 1, 0);
	golden("scroll up", "1\r\n2\r\n3\033[S", "2|3|||", 2, 1);
	golden("scroll down", "1\r\n2\r\n3\033[T", "|1|2|3|", 2, 1);
	golden("alignment", "\033#8", "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE", 0, 0);
	golden("reset", "abc\033[2;3r\033[4h\033c", "||||", 0, 0);
}

static void test_region(void)
{
	golden("region scrolls alone", "1\r\n2\r\n3\r\n4\r\n5\033[2;4r\033[4;1H\n", "1|3|4||5", 3, 0);
	golden("reverse in a region", "1\r\n2\r\n3\r\n4\r\n5\033[2;4r\033[2;1H\033M", "1||2|3|5", 1, 0);
	golden("below the region nothing scrolls", "1\033[1;2r\033[5;1Hx\n\ny", "1||||xy", 4, 2);
	golden("insert in a region", "1\r\n2\r\n3\r\n4\r\n5\033[2;4r\033[3;1H\033[L", "1|2||3|5", 2, 0);
	golden("insert outside does nothing", "1\r\n2\033[2;4r\033[1;1H\033[L", "1|2|||", 0, 0);
	golden("origin mode", "\033[2;4r\033[?6hx\033[9;1Hy", "|x||y|", 3, 1);
	golden("region that is none", "\033[4;2r\033[3;3Hx", "||  x||", 2, 3);
	golden("cursor stops at the margin", "\033[2;4r\033[3;1H\033[9Ax", "|x|||", 1, 1);
}

static void test_screens(void)
{
	golden("alternate screen", "abc\033[?1049hxyz", "   xyz||||", 0, 6);
	put("\033[?1049l");
	screen("and back", "abc||||", 0, 3);
	put("\033[?1049l");
	screen("and not twice", "abc||||", 0, 3);
	golden("old alternate screen", "abc\033[?47h\033[Hx\033[?47l", "abc||||", 0, 1);
	start();
	terminal->grows = false;
	put("abc\033[?1049hxyz");
	screen("without memory for another one it is cleared", "   xyz||||", 0, 6);
	put("\033[?1049l\r\nd");
	screen("and stays", "   xyz|d|||", 1, 1);
	terminal->grows = true;
	put("\033[?1049h\033[Hx\033[?1049l");
	screen("until there is some", "   xyz|d|||", 1, 1);
}

static void test_scrollback(void)
{
	golden("scroll-back", "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8", "4|5|6|7|8", 4, 1);
	terminal_scroll_view(terminal, 2);
	assert(strcmp(text_of_screen(), "2|3|4|5|6") == 0);
	terminal_scroll_view(terminal, 99);
	assert(strcmp(text_of_screen(), "1|2|3|4|5") == 0);
	unsigned row, column;

	assert(!terminal_cursor_position(terminal, &row, &column));
	terminal_scroll_view(terminal, -1);
	assert(strcmp(text_of_screen(), "2|3|4|5|6") == 0);
	put("x");
	screen("output comes back", "4|5|6|7|8x", 4, 2);
	put("\r\n9\r\na\r\nb");
	terminal_scroll_view(terminal, 99);
	assert(strcmp(text_of_screen(), "3|4|5|6|7") == 0);	/* four lines are kept */
	put("\033[3J");
	terminal_scroll_view(terminal, 99);
	assert(strcmp(text_of_screen(), "||||") == 0);
}

/* Writes the lines 'a' to 't' to a screen with room for twelve behind it. Returns how many of them it keeps, which must be the newest. */
static unsigned lines_kept(bool grows, bool provided)
{
	unsigned row, column;

	terminal_destroy(terminal);
	terminal = terminal_create(ROWS, COLUMNS, 12, &ops, NULL);
	assert(terminal);
	terminal->grows = grows;
	put("\r\n\r\n\r\n\r\n");
	for (char c = 'a'; c <= 't'; c++) {
		put((char []){ '\r', '\n', c, 0 });
		if (provided)
			terminal_provide_lines(terminal);
	}
	for (unsigned i = 0; i <= terminal->scrollback_count; i++, terminal_scroll_view(terminal, 1))
		assert(terminal->view == i && terminal_line(terminal, 0)[0].character == 'p' - i);
	assert(!terminal_cursor_position(terminal, &row, &column));
	return terminal->scrollback_count;
}

static void test_growing_scrollback(void)
{
	assert(lines_kept(false, false) == ROWS);
	assert(lines_kept(true, false) == 12);
	assert(lines_kept(false, true) == 12);
	start();
}

static void test_sequences(void)
{
	golden("split sequence", "a\033", "a||||", 0, 1);
	put("[2;");
	put("2Hb");
	screen("goes on", "a| b|||", 1, 2);
	golden("control inside a sequence", "ab\033[\r2Cx", "abx||||", 0, 3);
	golden("CAN ends a sequence", "a\033[3\030x", "ax||||", 0, 2);
	golden("ESC starts anew", "\033[3\033[2;2Hx", "| x|||", 1, 2);
	golden("OSC is swallowed", "a\033]0;title\007b\033]2;x\033\\c", "abc||||", 0, 3);
	golden("Linux palette", "a\033]P0112233b\033]Rc", "abc||||", 0, 3);
	golden("DCS is swallowed", "a\033Pq#0;1\033\\b", "ab||||", 0, 2);
	golden("unknown sequences are swallowed", "a\033[?2004h\033[>4;1m\033[1 q\033[!pb", "ab||||", 0, 2);
	golden("too many parameters", "\033[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1Hx", "x||||", 0, 1);
	golden("huge parameters", "\033[99999999999999999999;3Hx", "||||  x", 4, 3);
	golden("echoed function key", "\033[[Ax", "x||||", 0, 1);
	golden("DEL shows nothing", "a\177b", "ab||||", 0, 2);
	golden("8-bit CSI", "a\302\2332Cx", "a  x||||", 0, 4);
	start();
	colors_set = 0;
	put("\033]P81122fFz");
	assert(colors_set == 1 && last_color == 0x081122ff);
	screen("what follows a colour is text", "z||||", 0, 1);
	put("\033]Pf0z\033]R");
	assert(colors_set == 17 && last_color == 0x0fffffff);
	start();
	bells = 0;
	put("\007");
	assert(bells == 1);
}

static void test_replies(void)
{
	start();
	put("\033[c");
	assert(strcmp(reply, "\033[?6c") == 0);
	put("\033[5n");
	assert(strcmp(reply, "\033[0n") == 0);
	put("\033[3;4H\033[6n");
	assert(strcmp(reply, "\033[3;4R") == 0);
	put("\033[999;999H\033[6n");
	assert(strcmp(reply, "\033[5;10R") == 0);
}

static const struct cell *cell(unsigned row, unsigned column)
{
	return &terminal_line(terminal, row)[column];
}

static void check_colors(const char *what, unsigned column, unsigned foreground, unsigned background)
{
	struct cell_colors colors = terminal_cell_colors(terminal, cell(0, column));

	if (colors.foreground == foreground && colors.background == background)
		return;
	fprintf(stderr, "%s: %u on %u, wanted %u on %u\n", what, colors.foreground, colors.background, foreground, background);
	abort();
}

static void test_colors(void)
{
	start();
	put("a\033[31mb\033[1mc\033[0;44md\033[7me\033[0mf\033[92;103mg\r");
	check_colors("plain", 0, 7, 0);
	check_colors("red", 1, 1, 0);
	check_colors("bold red", 2, 9, 0);
	check_colors("on blue", 3, 7, 4);
	check_colors("reverse", 4, 4, 7);
	check_colors("reset", 5, 7, 0);
	check_colors("bright", 6, 10, 11);
	put("\033[0;38;5;200ma\033[48;5;17mb\033[0;38;2;255;0;0mc\033[38:2::0:255:0md\033[38:5:99me\033[39;4mf\r");
	check_colors("256", 0, 200, 0);
	check_colors("256 background", 1, 200, 17);
	check_colors("true colour", 2, 196, 0);
	check_colors("true colour with colons", 3, 46, 0);
	check_colors("256 with colons", 4, 99, 0);
	check_colors("default", 5, 7, 0);
	assert((cell(0, 5)->attributes & CELL_UNDERLINE) && !(cell(0, 4)->attributes & CELL_UNDERLINE));
	put("\033[0;42m\033[K");
	check_colors("erased in the background colour", 9, 7, 2);
	put("\033[?5h");
	check_colors("reverse screen", 9, 2, 7);
	assert(terminal_palette(16) == 0 && terminal_palette(231) == 0xffffff && terminal_palette(232) == 0x080808 &&
	       terminal_palette(255) == 0xeeeeee && terminal_palette(1) == 0xaa0000);
	start();
	put("\033[8mx\033[0;5my\033[7mz");
	check_colors("hidden", 0, 0, 0);
	check_colors("blinking", 1, 7, 8);
	check_colors("blinking in reverse", 2, 0, 15);
}

static void test_dirty(void)
{
	start();
	memset(terminal->dirty, 0, ROWS);
	put("\033[2;1Hx");
	assert(terminal->dirty[0] && terminal->dirty[1] && !terminal->dirty[2] && !terminal->dirty[4]);
	memset(terminal->dirty, 0, ROWS);
	put("y");
	assert(!terminal->dirty[0] && terminal->dirty[1]);
	put("\033[5;1H\n");
	for (unsigned i = 0; i < ROWS; i++)
		assert(terminal->dirty[i]);
}

/* Pieces of sequences, text and noise in any order. */
static size_t random_piece(char *to, size_t size)
{
	static const char finals[] = "@ABCDEFGHIJKLMPSTXZ`abcdefghlmnqrsu";
	int kind = rand() % 8;

	if (kind < 3)
		return snprintf(to, size, "\033[%s%d;%d%c", rand() % 4 ? "" : "?", rand() % 20 * (rand() % 9 ? 1 : 1000), rand() % 20,
				finals[rand() % (sizeof(finals) - 1)]);
	if (kind == 3)
		return snprintf(to, size, "\033[?%d%c", (int[]){ 1, 5, 6, 7, 25, 47, 1047, 1048, 1049 }[rand() % 9], rand() % 2 ? 'h' : 'l');
	if (kind == 4)
		return snprintf(to, size, "\033%c", "78DEMHZ=>c(0)#]P"[rand() % 16]);
	if (kind == 5)
		return snprintf(to, size, "\344\270\255wide\303\244");
	size_t len = rand() % 20;

	for (size_t i = 0; i < len; i++)
		to[i] = rand();
	return len;
}

static void test_random(unsigned seed)
{
	char piece[64];

	srand(seed);
	for (unsigned round = 0; round < 30; round++) {
		unsigned rows = 1 + rand() % 30, columns = 1 + rand() % 90;
		struct terminal *wild = terminal_create(rows, columns, rand() % 20, &ops, NULL);

		for (unsigned i = 0; i < 2000; i++) {
			wild->grows = rand() % 2;
			terminal_write(wild, piece, random_piece(piece, sizeof(piece)));
			assert(wild->cursor.row < rows && wild->cursor.column < columns);
			assert(wild->top <= wild->bottom && wild->bottom < rows);
			if (rand() % 16 == 0)
				terminal_scroll_view(wild, rand() % 40 - 20);
			const struct cell *line = terminal_line(wild, rand() % rows);

			terminal_cell_colors(wild, &line[rand() % columns]);
		}
		terminal_destroy(wild);
	}
}

/* Prints row, column and whether it is visible of the cursor; then for each row its text, and the palette indices of its cells in hexadecimal. */
static void show_input(unsigned rows, unsigned columns)
{
	char input[4096], text[TERMINAL_COLUMNS_MAX * 4], *end;
	size_t len;
	unsigned row, column;

	terminal = terminal_create(rows, columns, 0, NULL, NULL);
	assert(terminal);
	while ((len = fread(input, 1, sizeof(input), stdin)))
		terminal_write(terminal, input, len);
	bool visible = terminal_cursor_position(terminal, &row, &column);

	printf("%u %u %u\n", row, column, visible);
	for (row = 0; row < rows; row++) {
		const struct cell *cells = terminal_line(terminal, row);

		for (column = 0, end = text; column < columns; column++)
			end = write_utf8(end, cells[column].character);
		printf("%.*s\n", (int)(end - text), text);
		for (column = 0; column < columns; column++) {
			struct cell_colors colors = terminal_cell_colors(terminal, &cells[column]);

			printf("%02x%02x", colors.foreground, colors.background);
		}
		printf("\n");
	}
	terminal_destroy(terminal);
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		show_input(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	test_text();
	test_cursor();
	test_editing();
	test_region();
	test_screens();
	test_scrollback();
	test_growing_scrollback();
	test_sequences();
	test_replies();
	test_colors();
	test_dirty();
	for (unsigned seed = 1; seed <= 10; seed++)
		test_random(seed);
	terminal_destroy(terminal);
	return 0;
}
