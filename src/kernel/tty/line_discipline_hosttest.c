/* SPDX-License-Identifier: MIT */
/* LINK: tty/line_discipline.c tty/line_output.c tty/line_edit.c */
/* The line discipline against what Linux's does: each case types keys and looks at what a program reads and what the screen gets. */
#include "tty/line_discipline.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct line_discipline line;
static char screen[65536];
static size_t screen_len, room;
static unsigned flushes;

static size_t take(struct line_discipline *unused, const char *text, size_t len)
{
	size_t taken = len < room ? len : room;

	memcpy(screen + screen_len, text, taken);
	screen_len += taken;
	room -= taken;
	assert(screen_len < sizeof(screen));
	return taken;
}

static size_t take_room(struct line_discipline *unused)
{
	return room;
}

static void flush(struct line_discipline *unused)
{
	flushes++;
}

static const struct line_ops ops = { .write = take, .write_room = take_room, .flush = flush };

static void start(void)
{
	line_init(&line, &ops);
	screen_len = 0;
	room = sizeof(screen) / 2;
	flushes = 0;
}

static void set(tcflag_t lflag_on, tcflag_t lflag_off, tcflag_t iflag_on, tcflag_t iflag_off)
{
	struct ktermios termios = line.termios;

	termios.c_lflag = (termios.c_lflag | lflag_on) & ~lflag_off;
	termios.c_iflag = (termios.c_iflag | iflag_on) & ~iflag_off;
	line_set_termios(&line, &termios);
}

static void set_output(tcflag_t on, tcflag_t off)
{
	struct ktermios termios = line.termios;

	termios.c_oflag = (termios.c_oflag | on) & ~off;
	line_set_termios(&line, &termios);
}

static void set_key(unsigned which, cc_t key)
{
	struct ktermios termios = line.termios;

	termios.c_cc[which] = key;
	line_set_termios(&line, &termios);
}

static void type(const char *keys)
{
	size_t len = strlen(keys);

	assert(line_receive(&line, keys, len) == len);
}

static void check(const char *what, const char *got, size_t len, const char *wanted, size_t wanted_len)
{
	if (len == wanted_len && memcmp(got, wanted, len) == 0)
		return;
	fprintf(stderr, "%s: got \"", what);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, got[i] >= ' ' && got[i] < 127 ? "%c" : "\\x%02x", (unsigned char)got[i]);
	fprintf(stderr, "\", wanted \"");
	for (size_t i = 0; i < wanted_len; i++)
		fprintf(stderr, wanted[i] >= ' ' && wanted[i] < 127 ? "%c" : "\\x%02x", (unsigned char)wanted[i]);
	fprintf(stderr, "\"\n");
	abort();
}

static void expect_screen(const char *what, const char *wanted)
{
	check(what, screen, screen_len, wanted, strlen(wanted));
	screen_len = 0;
}

static void expect_read_n(const char *what, size_t size, const char *wanted, size_t wanted_len)
{
	char buf[8192];
	bool end;
	size_t len = line_read(&line, buf, size, &end);

	check(what, buf, len, wanted, wanted_len);
}

static void expect_read(const char *what, const char *wanted)
{
	expect_read_n(what, 8192, wanted, strlen(wanted));
}

static void expect_eof(const char *what)
{
	char byte;
	bool end;

	assert(line_readable(&line, false));
	if (line_read(&line, &byte, 1, &end) != 0 || !end) {
		fprintf(stderr, "%s: no end of file\n", what);
		abort();
	}
}

static void test_canonical(void)
{
	start();
	type("ab");
	assert(!line_readable(&line, false));
	type("c\r");
	assert(line_readable(&line, true) && line_input_count(&line) == 4);
	expect_read("line", "abc\n");
	expect_screen("echo", "abc\r\n");
	type("one\ntwo\n");
	expect_read("first", "one\n");
	expect_read("second", "two\n");
	type("long line\n");
	expect_read_n("part", 4, "long", 4);
	expect_read("rest", " line\n");
}

static void test_erase(void)
{
	start();
	type("abx\177c\n");
	expect_read("erase", "abc\n");
	expect_screen("erase echo", "abx\b \bc\r\n");
	type("\177\177x\n");
	expect_read("nothing to erase", "x\n");
	screen_len = 0;
	type("one two\027\n");
	expect_read("word", "one \n");
	expect_screen("word echo", "one two\b \b\b \b\b \b\r\n");
	type("foo bar  \027x\n");
	expect_read("word with spaces behind", "foo x\n");
	screen_len = 0;
	type("abc\025d\n");
	expect_read("kill", "d\n");
	expect_screen("kill echo", "abc\b \b\b \b\b \bd\r\n");
	set(0, ECHOKE, 0, 0);
	type("abc\025d\n");
	expect_screen("kill echo without ECHOKE", "abc^U\r\nd\r\n");
	set(0, ECHOK, 0, 0);
	type("abc\025d\n");
	expect_screen("kill echo without ECHOK", "abc^Ud\r\n");
	set(0, ECHOE, 0, 0);
	type("ab\177\n");
	expect_screen("erase echo without ECHOE", "ab^?\r\n");
	set(ECHOPRT, 0, 0, 0);
	line_flush_input(&line);
	type("abc\177\177d\n");
	expect_screen("ECHOPRT", "abc\\cb/d\r\n");
	type("a\177\n");
	expect_screen("ECHOPRT of a whole line", "a\\a/\r\n");
	start();
	type("\001x\177\177\n");
	expect_screen("control character erased whole", "^Ax\b \b\b \b\b \b\r\n");
	start();
	type("a\303\244\177b\n");
	expect_read("UTF-8 erased whole", "ab\n");
	type("\200\177\n");
	expect_read("a fragment stays", "\200\n");
	screen_len = 0;
	type("a\303\244\177b\n");
	line_flush_input(&line);
	expect_screen("UTF-8 echo", "a\303\244\b \bb\r\n");
}

static void test_tabs(void)
{
	start();
	line_write(&line, "$ ", 2);
	type("ab\t\177c\n");
	expect_screen("tab erased to where it began", "$ ab\t\b\b\b\bc\r\n");
	type("\t\t\177\n");
	expect_screen("tab after a tab", "\t\t\b\b\b\b\b\b\b\b\r\n");
	set_output(XTABS, 0);
	line_write(&line, "abc\td", 5);
	expect_screen("XTABS", "abc     d");
	assert(line.column == 9);
}

static void test_echo_modes(void)
{
	start();
	type("\001\033\n");
	expect_screen("ECHOCTL", "^A^[\r\n");
	set(0, ECHOCTL, 0, 0);
	type("\001\n");
	expect_screen("no ECHOCTL", "\001\r\n");
	set(0, ECHO, 0, 0);
	type("secret\n");
	expect_screen("no ECHO", "");
	set(ECHONL, 0, 0, 0);
	type("secret\n");
	expect_screen("ECHONL", "\r\n");
}

static void test_end_of_file(void)
{
	start();
	type("\004");
	expect_eof("empty line");
	assert(!line_readable(&line, false));
	type("abc\004");
	expect_read("pushed", "abc");
	assert(!line_readable(&line, false));
	type("abc\004");
	expect_read_n("pushed into a buffer that it fills", 3, "abc", 3);
	assert(!line_readable(&line, false));
	type("abc\n\004");
	expect_read("line before an end", "abc\n");
	expect_eof("end after a line");
	set_key(VEOL, ';');
	type("a;b\n");
	expect_read("EOL", "a;");
	expect_read("after EOL", "b\n");
}

static void test_literal_next(void)
{
	start();
	type("a\026\004b\n");
	expect_read("LNEXT", "a\004b\n");
	expect_screen("LNEXT echo", "a^\b^Db\r\n");
	type("a\026\n\n");
	expect_read("literal newline does not end the line", "a\n\n");
	type("x\026\003\n");
	assert(!(line.events & LINE_SIGNAL_INTR));
	expect_read("literal interrupt", "x\003\n");
	start();
	type("ab\022");
	expect_screen("REPRINT", "ab^R\r\nab");
}

static void test_signals(void)
{
	start();
	type("abc\003");
	assert(line.events & LINE_SIGNAL_INTR);
	assert(flushes == 1);
	expect_screen("^C echo", "abc^C");
	type("d\n");
	expect_read("input flushed by a signal", "d\n");
	line.events = 0;
	type("\034\032");
	assert((line.events & LINE_SIGNAL_QUIT) && (line.events & LINE_SIGNAL_SUSP));
	start();
	set(NOFLSH, 0, 0, 0);
	type("abc\003d\n");
	expect_read("NOFLSH", "abcd\n");
	assert(!flushes);
	start();
	set(0, ISIG, 0, 0);
	type("\003\n");
	expect_read("no ISIG", "\003\n");
}

static void test_flow(void)
{
	start();
	type("\023");
	assert(line.stopped && line_write(&line, "x", 1) == 0 && !line_writable(&line));
	type("ab");
	expect_screen("echo waits while stopped", "");
	type("\021");
	expect_screen("and comes then", "ab");
	assert(line_write(&line, "x", 1) == 1);
	start();
	type("\023");
	set(0, 0, IXANY, 0);
	type("z");
	assert(!line.stopped);
	expect_screen("IXANY", "z");
	start();
	line_stop(&line, true);
	type("\021");
	assert(line.stopped);
	line_start(&line, true);
	assert(!line.stopped);
	start();
	set(0, 0, 0, IXON);
	type("\023\n");
	expect_read("no IXON", "\023\n");
}

static void test_input_mappings(void)
{
	start();
	set(0, 0, IGNCR, 0);
	type("a\rb\n");
	expect_read("IGNCR", "ab\n");
	start();
	set(0, 0, INLCR, ICRNL);
	type("a\n");
	assert(!line_readable(&line, false));
	start();
	set(0, 0, ISTRIP, IUTF8);
	type("\341\n");
	expect_read("ISTRIP", "a\n");
	start();
	set(0, 0, PARMRK, 0);
	type("\377\n");
	expect_read("PARMRK doubles 0xff", "\377\377\n");
	start();
	set(0, 0, PARMRK | INPCK, 0);
	line_receive_error(&line, LINE_PARITY_ERROR, 'x');
	type("\n");
	expect_read_n("PARMRK marks", 100, "\377\0x\n", 4);
	start();
	set(0, 0, BRKINT, 0);
	line_receive_error(&line, LINE_BREAK, 0);
	assert(line.events & LINE_SIGNAL_INTR);
}

static void test_output(void)
{
	start();
	assert(line_write(&line, "a\nb\rc", 5) == 5);
	expect_screen("ONLCR", "a\r\nb\rc");
	set_output(OCRNL, ONLCR);
	line_write(&line, "a\nb\rc", 5);
	expect_screen("OCRNL", "a\nb\nc");
	set_output(ONOCR, OCRNL);
	line.column = 0;
	line_write(&line, "\ra\r", 3);
	expect_screen("ONOCR", "a\r");
	set_output(0, OPOST);
	line_write(&line, "a\n\t", 3);
	expect_screen("no OPOST", "a\n\t");
	start();
	room = 3;
	assert(line_write(&line, "ab\ncd", 5) == 2);
	room = 1;
	assert(line_write(&line, "\ncd", 3) == 0);
	room = 100;
	assert(line_write(&line, "\ncd", 3) == 3);
	expect_screen("a newline is not split", "ab\r\ncd");
	start();
	room = 0;
	type("abc");
	expect_screen("no room", "");
	room = 2;
	line_output_ready(&line);
	expect_screen("some room", "ab");
	room = 10;
	assert(line_write(&line, "d", 1) == 1);
	expect_screen("echo before output", "cd");
}

static void test_raw(void)
{
	start();
	set(0, ICANON | ECHO | ISIG | IEXTEN, 0, ICRNL | IXON);
	type("a\003\r\004");
	expect_read("raw", "a\003\r\004");
	expect_screen("raw echo", "");
	set_key(VMIN, 3);
	type("ab");
	assert(line_readable(&line, false) && !line_readable(&line, true));
	type("c");
	assert(line_readable(&line, true));
	set_key(VTIME, 1);
	line_flush_input(&line);
	type("a");
	assert(line_readable(&line, true));
}

static void test_mode_switch(void)
{
	start();
	type("partial");
	assert(!line_readable(&line, false));
	set(0, ICANON, 0, 0);
	assert(line_readable(&line, false));
	expect_read("readable after ICANON goes", "partial");
	type("raw");
	set(ICANON, 0, 0, 0);
	assert(line_readable(&line, false));
	expect_read("and after it comes", "raw");
	type("x\n");
	expect_read("then lines again", "x\n");
}

static void test_full_line(void)
{
	char *big = malloc(6000);
	char *wanted = malloc(LINE_BUFFER_SIZE);
	bool end;

	memset(big, 'x', 6000);
	memset(wanted, 'x', LINE_BUFFER_SIZE);
	start();
	assert(line_receive(&line, big, 6000) == 6000);	/* a line that is too long loses its surplus */
	type("\n");
	wanted[LINE_BUFFER_SIZE - 1] = '\n';
	char *buf = malloc(8192);
	size_t len = line_read(&line, buf, 8192, &end);

	check("longest line", buf, len, wanted, LINE_BUFFER_SIZE);
	assert(end);
	start();
	assert(line_receive(&line, big, 6000) == 6000);
	type("\004");
	assert(line_read(&line, buf, 8192, &end) == LINE_BUFFER_SIZE - 1 && end);
	assert(!line_readable(&line, false));
	/* Complete lines fill the buffer: what comes waits, and an EOF behind it is not lost. */
	start();
	for (unsigned i = 0; i < LINE_BUFFER_SIZE / 2 - 1; i++)
		type("y\n");
	assert(line_receive(&line, "zz\004", 3) == 0);
	assert(line_receive(&line, "\003", 1) == 1);
	assert(line.events & LINE_SIGNAL_INTR);
	for (unsigned i = 0; i < LINE_BUFFER_SIZE / 2 - 1; i++)
		type("y\n");
	type("\n\n");
	assert(line_receive(&line, "\004", 1) == 0);
	expect_read("one line", "y\n");
	assert(line.events & LINE_INPUT_ROOM);
	assert(line_receive(&line, "\004", 1) == 1);
	for (unsigned i = 1; i < LINE_BUFFER_SIZE / 2 - 1; i++)
		expect_read("the others", "y\n");
	expect_read("an empty one", "\n");
	expect_read("and another", "\n");
	expect_eof("the end behind them");
	/* Raw input waits, too. */
	start();
	set(0, ICANON | ECHO, 0, 0);
	size_t taken = line_receive(&line, big, 6000);

	assert(taken < 6000 && taken >= LINE_BUFFER_SIZE - 2 && line_receive(&line, big, 1) == 0);
	free(big);
	free(wanted);
	free(buf);
}

static void test_throttle(void)
{
	char *big = malloc(LINE_BUFFER_SIZE);
	char buf[LINE_BUFFER_SIZE];
	bool end;

	memset(big, 'x', LINE_BUFFER_SIZE);
	start();
	set(0, ICANON | ECHO, IXOFF, 0);
	line_receive(&line, big, LINE_BUFFER_SIZE - 50);
	expect_screen("STOP sent", "\023");
	line_read(&line, buf, sizeof(buf), &end);
	expect_screen("START sent", "\021");
	free(big);
}

/* Whatever comes: no crash, bounds kept, and everything readable is read in the end. */
static void test_random(unsigned seed)
{
	char bytes[64], buf[300];
	bool end;

	srand(seed);
	start();
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = rand() % sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = rand() % 3 ? rand() % 128 : rand();
		room = rand() % 200;
		screen_len = 0;
		assert(line_receive(&line, bytes, len) <= len);
		if (rand() % 4 == 0 && line_readable(&line, false))
			line_read(&line, buf, rand() % sizeof(buf) + 1, &end);
		if (rand() % 8 == 0)
			assert(line_write(&line, bytes, len) <= len);
		if (rand() % 50 == 0) {
			struct ktermios termios = line.termios;

			termios.c_lflag = rand();
			termios.c_iflag = rand();
			termios.c_oflag = rand();
			termios.c_cc[rand() % NCCS] = rand();
			line_set_termios(&line, &termios);
		}
		assert(line.head - line.tail <= LINE_BUFFER_SIZE && line.line_head - line.tail <= line.head - line.tail);
		assert(line.echo_head - line.echo_tail <= LINE_ECHO_SIZE);
	}
}

int main(void)
{
	test_canonical();
	test_erase();
	test_tabs();
	test_echo_modes();
	test_end_of_file();
	test_literal_next();
	test_signals();
	test_flow();
	test_input_mappings();
	test_output();
	test_raw();
	test_mode_switch();
	test_full_line();
	test_throttle();
	for (unsigned seed = 1; seed <= 10; seed++)
		test_random(seed);
	return 0;
}
