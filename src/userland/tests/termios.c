/* SPDX-License-Identifier: MIT */
/*
 * The line discipline, flag by flag and key by key: each row sets a pseudo terminal's settings, types, and compares what a program reads and what
 * is shown. A pty has no breaks and no bytes with errors: what IGNBRK, BRKINT, IGNPAR and INPCK do with those is in line_discipline_hosttest.c.
 */
#include "pty_kit.h"

#include <poll.h>
#include <signal.h>

enum { KEYS_MAX = 2 };

#define KEY(which, key) { (which) + 1, key }

struct row {
	const char *name;
	tcflag_t i_on, i_off, o_on, o_off, l_on, l_off;
	struct { int which_plus_1; cc_t key; } keys[KEYS_MAX];
	struct bytes prompt;		/* written by the program before all else */
	struct bytes typed, then;	/* then: when all that the first does is done */
	struct bytes written;		/* written by the program at the end */
	struct bytes read;		/* each read's bytes and a | */
	struct bytes shown;
	unsigned signals;		/* 1 << number */
};

static volatile unsigned came;

static void on_signal(int number)
{
	came |= 1u << number;
}

static void apply(const struct row *row)
{
	struct termios mode;

	CHECK_EQ(tcgetattr(slave, &mode), 0);
	mode.c_iflag = (mode.c_iflag & ~row->i_off) | row->i_on;
	mode.c_oflag = (mode.c_oflag & ~row->o_off) | row->o_on;
	mode.c_lflag = (mode.c_lflag & ~row->l_off) | row->l_on;
	for (int i = 0; i < KEYS_MAX; i++)
		if (row->keys[i].which_plus_1)
			mode.c_cc[row->keys[i].which_plus_1 - 1] = row->keys[i].key;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
}

static void put(int fd, struct bytes bytes)
{
	if (bytes.len)
		CHECK_EQ(write(fd, bytes.at, bytes.len), bytes.len);
}

static void compare(const struct row *row, const char *what, const struct seen *got, struct bytes wanted)
{
	static struct seen expected;
	char text[64];

	snprintf(text, sizeof text, "%s: what is %s", row->name, what);
	check_string(got->text, seen_text(&expected, wanted.at, wanted.len), text, __FILE__, __LINE__);
}

static void run_row(void *argument)
{
	static struct seen read, shown;
	const struct row *row = argument;
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	sigaction(SIGTSTP, &action, NULL);
	CHECK(setsid() > 0);
	pty_open_pair();
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	apply(row);
	put(slave, row->prompt);
	put(master, row->typed);
	pty_take(slave, &read, "|");
	pty_take(master, &shown, "");
	put(master, row->then);
	pty_take(slave, &read, "|");
	put(slave, row->written);
	pty_take(master, &shown, "");
	compare(row, "read", &read, row->read);
	compare(row, "shown", &shown, row->shown);
	if (came != row->signals) {
		char text[64];

		snprintf(text, sizeof text, "%s: signals", row->name);
		check_equal(came, row->signals, text, __FILE__, __LINE__);
	}
}

#define RUN_ROWS(rows) do { for (size_t i = 0; i < sizeof(rows) / sizeof(rows)[0]; i++) \
	CHECK_EQ(check_child(run_row, (void *)&(rows)[i]), 0); } while (0)

static void input_flags(void)
{
	static const struct row rows[] = {
		{ "as it begins", .typed = BYTES("ab\ncd\n"), .read = BYTES("ab\n|cd\n|"), .shown = BYTES("ab\r\ncd\r\n") },
		{ "ICRNL", .typed = BYTES("a\rb\n"), .read = BYTES("a\n|b\n|"), .shown = BYTES("a\r\nb\r\n") },
		{ "no ICRNL", .i_off = ICRNL, .typed = BYTES("a\rb\n"), .read = BYTES("a\rb\n|"), .shown = BYTES("a^Mb\r\n") },
		{ "IGNCR", .i_on = IGNCR, .typed = BYTES("a\rb\n"), .read = BYTES("ab\n|"), .shown = BYTES("ab\r\n") },
		{ "INLCR", .i_on = INLCR, .i_off = ICRNL, .typed = BYTES("a\nb\x04"), .read = BYTES("a\rb|"), .shown = BYTES("a^Mb") },
		{ "INLCR and ICRNL", .i_on = INLCR, .typed = BYTES("a\n\r"), .read = BYTES("a\r\n|"), .shown = BYTES("a^M\r\n") },
		{ "ISTRIP", .i_on = ISTRIP, .typed = BYTES("\xe1\xe2\n"), .read = BYTES("ab\n|"), .shown = BYTES("ab\r\n") },
		{ "ISTRIP of a key", .i_on = ISTRIP, .typed = BYTES("\x83"), .shown = BYTES("^C"), .signals = 1 << SIGINT },
		{ "ISTRIP of what erases", .i_on = ISTRIP, .typed = BYTES("ab\xff\n"), .read = BYTES("a\n|"), .shown = BYTES("ab\b \b\r\n") },
		{ "ISTRIP of a literal", .i_on = ISTRIP, .typed = BYTES("\x16\x83\n"), .read = BYTES("\x03\n|"), .shown = BYTES("^\b^C\r\n") },
		{ "no ISTRIP", .typed = BYTES("\x83\n"), .read = BYTES("\x83\n|"), .shown = BYTES("\x83\r\n") },
		{ "IUCLC", .i_on = IUCLC, .typed = BYTES("aB\xc0\xd7Z\n"), .read = BYTES("ab\xe0\xd7z\n|"), .shown = BYTES("ab\xe0\xd7z\r\n") },
		{ "IUCLC without IEXTEN", .i_on = IUCLC, .l_off = IEXTEN, .typed = BYTES("aB\n"), .read = BYTES("aB\n|"), .shown = BYTES("aB\r\n") },
		{ "PARMRK", .i_on = PARMRK, .typed = BYTES("\xff\n"), .read = BYTES("\xff\xff\n|"), .shown = BYTES("\xff\r\n") },
		{ "PARMRK of a literal", .i_on = PARMRK, .typed = BYTES("\x16\xff\n"), .read = BYTES("\xff\xff\n|"), .shown = BYTES("^\b\xff\r\n") },
		{ "PARMRK of an end of line", .i_on = PARMRK, .keys = { KEY(VEOL, 0xff) }, .typed = BYTES("a\xff"),
		  .read = BYTES("a\xff\xff|"), .shown = BYTES("a\xff") },
		{ "PARMRK and ISTRIP", .i_on = PARMRK | ISTRIP, .keys = { KEY(VERASE, 0) }, .typed = BYTES("\xff\n"), .read = BYTES("\x7f\n|"),
		  .shown = BYTES("^?\r\n") },
		{ "no PARMRK", .typed = BYTES("\xff\n"), .read = BYTES("\xff\n|"), .shown = BYTES("\xff\r\n") },
		{ "errors that no byte has", .i_on = IGNBRK | IGNPAR | INPCK | BRKINT, .typed = BYTES("a\0\xff\n"), .read = BYTES("a\0\xff\n|"),
		  .shown = BYTES("a^@\xff\r\n") },
		{ "IUTF8", .i_on = IUTF8, .typed = BYTES("\xc3\xa4\x7f""b\n"), .read = BYTES("b\n|"), .shown = BYTES("\xc3\xa4\b \bb\r\n") },
		{ "no IUTF8", .typed = BYTES("\xc3\xa4\x7f""b\n"), .read = BYTES("\xc3""b\n|"), .shown = BYTES("\xc3\xa4\b \bb\r\n") },
		{ "IUTF8: a word", .i_on = IUTF8, .typed = BYTES("a \xc3\xa4\xe2\x82\xac\x17\n"), .read = BYTES("a \n|"),
		  .shown = BYTES("a \xc3\xa4\xe2\x82\xac\b \b\b \b\r\n") },
		{ "IUTF8: a fragment stays", .i_on = IUTF8, .typed = BYTES("\x80\x7f\n"), .read = BYTES("\x80\n|"), .shown = BYTES("\x80\r\n") },
		{ "IUTF8: columns", .i_on = IUTF8, .o_on = XTABS, .written = BYTES("\xc3\xa4\tx"), .shown = BYTES("\xc3\xa4       x") },
		{ "no IUTF8: columns", .o_on = XTABS, .written = BYTES("\xc3\xa4\tx"), .shown = BYTES("\xc3\xa4      x") },
	};

	RUN_ROWS(rows);
}

static void flow_keys(void)
{
	static const struct row rows[] = {
		{ "IXON", .typed = BYTES("\x13"), .then = BYTES("b\n"), .read = BYTES("b\n|") },
		{ "IXON: and on", .typed = BYTES("\x13""b\n"), .then = BYTES("\x11"), .read = BYTES("b\n|"), .shown = BYTES("b\r\n") },
		{ "IXON: START alone", .typed = BYTES("\x11\n"), .read = BYTES("\n|"), .shown = BYTES("\r\n") },
		{ "no IXON", .i_off = IXON, .typed = BYTES("\x13\x11\n"), .read = BYTES("\x13\x11\n|"), .shown = BYTES("^S^Q\r\n") },
		{ "IXANY", .i_on = IXANY, .typed = BYTES("\x13"), .then = BYTES("z\n"), .read = BYTES("z\n|"), .shown = BYTES("z\r\n") },
		{ "IXANY without IXON", .i_on = IXANY, .i_off = IXON, .typed = BYTES("\x13z\n"), .read = BYTES("\x13z\n|"), .shown = BYTES("^Sz\r\n") },
		{ "IXON: other keys", .keys = { KEY(VSTOP, 's'), KEY(VSTART, 'q') }, .typed = BYTES("s"), .then = BYTES("bq\n"), .read = BYTES("b\n|"),
		  .shown = BYTES("b\r\n") },
		{ "IXON: one key for both", .keys = { KEY(VSTART, 0x13) }, .typed = BYTES("\x13"), .then = BYTES("b\n"), .read = BYTES("b\n|"),
		  .shown = BYTES("b\r\n") },
		{ "IXON: no keys", .keys = { KEY(VSTOP, 0), KEY(VSTART, 0) }, .typed = BYTES("\0\x13\n"), .read = BYTES("\0\x13\n|"),
		  .shown = BYTES("^@^S\r\n") },
		{ "a signal starts", .typed = BYTES("\x13"), .then = BYTES("\x03x\n"), .read = BYTES("x\n|"),
		  .shown = BYTES("^Cx\r\n"), .signals = 1 << SIGINT },
		{ "editing does not start", .typed = BYTES("\x13"), .then = BYTES("a\x7f\n"), .read = BYTES("\n|") },
		{ "a literal STOP", .typed = BYTES("\x16\x13\n"), .read = BYTES("\x13\n|"), .shown = BYTES("^\b^S\r\n") },
	};

	RUN_ROWS(rows);
}

static void signal_keys(void)
{
	static const struct row rows[] = {
		{ "INTR", .typed = BYTES("x"), .then = BYTES("\x03y\n"), .read = BYTES("y\n|"), .shown = BYTES("x^Cy\r\n"), .signals = 1 << SIGINT },
		{ "QUIT", .typed = BYTES("x"), .then = BYTES("\x1cy\n"), .read = BYTES("y\n|"), .shown = BYTES("x^\\y\r\n"), .signals = 1 << SIGQUIT },
		{ "SUSP", .typed = BYTES("x"), .then = BYTES("\x1ay\n"), .read = BYTES("y\n|"), .shown = BYTES("x^Zy\r\n"), .signals = 1 << SIGTSTP },
		{ "NOFLSH", .l_on = NOFLSH, .typed = BYTES("x"), .then = BYTES("\x03\x1c\x1ay\n"), .read = BYTES("xy\n|"), .shown = BYTES("x^C^\\^Zy\r\n"),
		  .signals = 1 << SIGINT | 1 << SIGQUIT | 1 << SIGTSTP },
		{ "no ISIG", .l_off = ISIG, .typed = BYTES("\x03\x1c\x1a\n"), .read = BYTES("\x03\x1c\x1a\n|"), .shown = BYTES("^C^\\^Z\r\n") },
		{ "ISIG without ICANON", .l_off = ICANON, .typed = BYTES("x"), .then = BYTES("\x03y"), .read = BYTES("x|y|"), .shown = BYTES("x^Cy"),
		  .signals = 1 << SIGINT },
		{ "ISIG without ECHO", .l_off = ECHO, .typed = BYTES("\x03"), .signals = 1 << SIGINT },
		{ "ISIG without ECHOCTL", .l_off = ECHOCTL, .typed = BYTES("\x03"), .shown = BYTES("\x03"), .signals = 1 << SIGINT },
		{ "ISIG without IEXTEN", .l_off = IEXTEN, .typed = BYTES("\x1a"), .shown = BYTES("^Z"), .signals = 1 << SIGTSTP },
		{ "another INTR", .keys = { KEY(VINTR, 'x') }, .typed = BYTES("x"), .then = BYTES("\x03\n"), .read = BYTES("\x03\n|"),
		  .shown = BYTES("x^C\r\n"),
		  .signals = 1 << SIGINT },
		{ "INTR before what maps", .keys = { KEY(VINTR, '\r') }, .typed = BYTES("\r"), .shown = BYTES("^M"), .signals = 1 << SIGINT },
		{ "no INTR", .keys = { KEY(VINTR, 0) }, .typed = BYTES("\0\x03\n"), .read = BYTES("\0\x03\n|"), .shown = BYTES("^@^C\r\n") },
		{ "one key for INTR and QUIT", .keys = { KEY(VQUIT, 3) }, .typed = BYTES("\x03"), .shown = BYTES("^C"), .signals = 1 << SIGINT },
	};

	RUN_ROWS(rows);
}

static void echo_flags(void)
{
	static const struct row rows[] = {
		{ "no ECHO", .l_off = ECHO, .typed = BYTES("ab\x7f\x01\n"), .read = BYTES("a\x01\n|") },
		{ "ECHONL", .l_on = ECHONL, .l_off = ECHO, .typed = BYTES("ab\n"), .read = BYTES("ab\n|"), .shown = BYTES("\r\n") },
		{ "ECHONL without ICANON", .l_on = ECHONL, .l_off = ECHO | ICANON, .typed = BYTES("ab\n"), .read = BYTES("ab\n|") },
		{ "ECHOCTL", .typed = BYTES("\x01\x1b\t\x16\x7f\n"), .read = BYTES("\x01\x1b\t\x7f\n|"), .shown = BYTES("^A^[\t^\b^?\r\n") },
		{ "no ECHOCTL", .l_off = ECHOCTL, .typed = BYTES("\x01\x1b\x16\x7f\n"), .read = BYTES("\x01\x1b\x7f\n|"), .shown = BYTES("\x01\x1b\x7f\r\n") },
		{ "ECHOE", .typed = BYTES("ab\x7f\x7f\x7f" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("ab\b \b\b \bc\r\n") },
		{ "ECHOE of a control character", .typed = BYTES("x\x01\x7f\n"), .read = BYTES("x\n|"), .shown = BYTES("x^A\b \b\b \b\r\n") },
		{ "ECHOE without ECHOCTL", .l_off = ECHOCTL, .typed = BYTES("x\x01\x7f\n"), .read = BYTES("x\n|"), .shown = BYTES("x\x01\r\n") },
		{ "no ECHOE", .l_off = ECHOE, .typed = BYTES("ab\x7f\n"), .read = BYTES("a\n|"), .shown = BYTES("ab^?\r\n") },
		{ "no ECHOE: a word", .l_off = ECHOE, .typed = BYTES("a b\x17\n"), .read = BYTES("a \n|"), .shown = BYTES("a b\b \b\r\n") },
		{ "ECHOKE", .typed = BYTES("ab\x15" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("ab\b \b\b \bc\r\n") },
		{ "no ECHOKE", .l_off = ECHOKE, .typed = BYTES("ab\x15" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("ab^U\r\nc\r\n") },
		{ "ECHOKE without ECHOE", .l_off = ECHOE, .typed = BYTES("ab\x15" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("ab^U\r\nc\r\n") },
		{ "ECHOKE without ECHOK", .l_off = ECHOK, .typed = BYTES("ab\x15" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("ab^Uc\r\n") },
		{ "neither ECHOK nor ECHOKE", .l_off = ECHOK | ECHOKE, .typed = BYTES("ab\x15" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("ab^Uc\r\n") },
		{ "KILL without ECHO", .l_off = ECHO, .typed = BYTES("ab\x15" "c\n"), .read = BYTES("c\n|") },
		{ "KILL of nothing", .l_off = ECHOKE, .typed = BYTES("\x15" "c\n"), .read = BYTES("c\n|"), .shown = BYTES("c\r\n") },
		{ "ECHOPRT", .l_on = ECHOPRT, .typed = BYTES("abc\x7f\x7f" "d\n"), .read = BYTES("ad\n|"), .shown = BYTES("abc\\cb/d\r\n") },
		{ "ECHOPRT of all", .l_on = ECHOPRT, .typed = BYTES("a\x7f\n"), .read = BYTES("\n|"), .shown = BYTES("a\\a/\r\n") },
		{ "ECHOPRT: KILL", .l_on = ECHOPRT, .typed = BYTES("ab\x15\n"), .read = BYTES("\n|"), .shown = BYTES("ab\\ba/\r\n") },
		{ "ECHOPRT: a word", .l_on = ECHOPRT, .typed = BYTES("a bc\x17z\n"), .read = BYTES("a z\n|"), .shown = BYTES("a bc\\cb/z\r\n") },
		{ "ECHOPRT: a control character", .l_on = ECHOPRT, .typed = BYTES("a\x01\x7f\x7f\n"), .read = BYTES("\n|"), .shown = BYTES("a^A\\^Aa/\r\n") },
		{ "ECHOPRT: a literal ends it", .l_on = ECHOPRT, .typed = BYTES("ab\x7f\x16\x01\n"), .read = BYTES("a\x01\n|"),
		  .shown = BYTES("ab\\b/^\b^A\r\n") },
		{ "ECHOPRT: reprinting ends it", .l_on = ECHOPRT, .typed = BYTES("ab\x7f\x12\n"), .read = BYTES("a\n|"), .shown = BYTES("ab\\b/^R\r\na\r\n") },
		{ "ECHOPRT and IUTF8", .l_on = ECHOPRT, .i_on = IUTF8, .typed = BYTES("x\xc3\xa4\x7fy\n"), .read = BYTES("xy\n|"),
		  .shown = BYTES("x\xc3\xa4\\\xc3\xa4/y\r\n") },
		{ "the echo is output", .o_on = OLCUC | XTABS, .typed = BYTES("ab\tc\n"), .read = BYTES("ab\tc\n|"), .shown = BYTES("AB      C\r\n") },
		{ "the echo without OPOST", .o_off = OPOST, .typed = BYTES("a\r"), .read = BYTES("a\n|"), .shown = BYTES("a\n") },
		{ "a tab erased", .prompt = BYTES("$ "), .typed = BYTES("ab\t\x7f" "c\n"), .read = BYTES("abc\n|"), .shown = BYTES("$ ab\t\b\b\b\bc\r\n") },
		{ "a tab behind a tab erased", .typed = BYTES("\ta\t\x7f" "c\n"), .read = BYTES("\tac\n|"), .shown = BYTES("\ta\t\b\b\b\b\b\b\bc\r\n") },
		{ "a tab behind control characters erased", .typed = BYTES("\x01\x02\t\x7f\n"), .read = BYTES("\x01\x02\n|"),
		  .shown = BYTES("^A^B\t\b\b\b\b\r\n") },
		{ "a tab behind UTF-8 erased", .i_on = IUTF8, .typed = BYTES("\xc3\xa4\t\x7f\n"), .read = BYTES("\xc3\xa4\n|"),
		  .shown = BYTES("\xc3\xa4\t\b\b\b\b\b\b\b\r\n") },
		{ "ECHO without ICANON", .l_off = ICANON, .typed = BYTES("a\n\x7f\x04\t"), .read = BYTES("a\n\x7f\x04\t|"), .shown = BYTES("a^J^?^D\t") },
		{ "ECHO without ICANON: ICRNL", .l_off = ICANON, .typed = BYTES("a\r"), .read = BYTES("a\n|"), .shown = BYTES("a\r\n") },
		{ "ECHO without ICANON: INLCR", .l_off = ICANON, .i_on = INLCR, .typed = BYTES("a\n"), .read = BYTES("a\r|"), .shown = BYTES("a^M") },
		{ "ECHO without ICANON: IGNCR", .l_off = ICANON, .i_on = IGNCR, .typed = BYTES("a\rb"), .read = BYTES("ab|"), .shown = BYTES("ab") },
		{ "ECHO without ICANON and ECHOCTL", .l_off = ICANON | ECHOCTL, .typed = BYTES("a\nb"), .read = BYTES("a\nb|"), .shown = BYTES("a\r\nb") },
	};

	RUN_ROWS(rows);
}

static void line_keys(void)
{
	static const struct row rows[] = {
		{ "EOF", .typed = BYTES("ab\x04\x04" "c\n\x04"), .read = BYTES("ab||c\n||"), .shown = BYTES("abc\r\n") },
		{ "another EOF", .keys = { KEY(VEOF, 'x') }, .typed = BYTES("a\x04x"), .read = BYTES("a\x04|"), .shown = BYTES("a^D") },
		{ "no EOF", .keys = { KEY(VEOF, 0) }, .typed = BYTES("a\0\x04\n"), .read = BYTES("a\0\x04\n|"), .shown = BYTES("a^@^D\r\n") },
		{ "EOL", .keys = { KEY(VEOL, ';') }, .typed = BYTES("a;b\n"), .read = BYTES("a;|b\n|"), .shown = BYTES("a;b\r\n") },
		{ "EOL2", .keys = { KEY(VEOL2, 1) }, .typed = BYTES("a\x01" "b\n"), .read = BYTES("a\x01|b\n|"), .shown = BYTES("a^Ab\r\n") },
		{ "EOL without IEXTEN", .keys = { KEY(VEOL, ';') }, .l_off = IEXTEN, .typed = BYTES("a;"), .read = BYTES("a;|"), .shown = BYTES("a;") },
		{ "EOL2 without IEXTEN", .keys = { KEY(VEOL2, ';') }, .l_off = IEXTEN, .typed = BYTES("a;\n"), .read = BYTES("a;\n|"),
		  .shown = BYTES("a;\r\n") },
		{ "EOL as EOF", .keys = { KEY(VEOL, 4) }, .typed = BYTES("a\x04"), .read = BYTES("a|"), .shown = BYTES("a") },
		{ "EOL that is mapped to", .keys = { KEY(VEOL, '\r') }, .i_on = INLCR, .i_off = ICRNL, .typed = BYTES("a\n"), .read = BYTES("a\r|"),
		  .shown = BYTES("a^M") },
		{ "another ERASE", .keys = { KEY(VERASE, '#') }, .typed = BYTES("ab#\x7f\n"), .read = BYTES("a\x7f\n|"), .shown = BYTES("ab\b \b^?\r\n") },
		{ "another ERASE without ECHOE", .keys = { KEY(VERASE, '#') }, .l_off = ECHOE, .typed = BYTES("ab#\n"), .read = BYTES("a\n|"),
		  .shown = BYTES("ab#\r\n") },
		{ "no ERASE", .keys = { KEY(VERASE, 0) }, .typed = BYTES("ab\0\x7f\n"), .read = BYTES("ab\0\x7f\n|"), .shown = BYTES("ab^@^?\r\n") },
		{ "ERASE stops at the line", .typed = BYTES("ab\n\x7f\x7f" "c\n"), .read = BYTES("ab\n|c\n|"), .shown = BYTES("ab\r\nc\r\n") },
		{ "ERASE stops at an end of file", .typed = BYTES("ab\x04\x7f" "c\n"), .read = BYTES("ab|c\n|"), .shown = BYTES("abc\r\n") },
		{ "another KILL", .keys = { KEY(VKILL, '@') }, .typed = BYTES("ab@\x15\n"), .read = BYTES("\x15\n|"), .shown = BYTES("ab\b \b\b \b^U\r\n") },
		{ "no KILL", .keys = { KEY(VKILL, 0) }, .typed = BYTES("ab\x15\n"), .read = BYTES("ab\x15\n|"), .shown = BYTES("ab^U\r\n") },
		{ "WERASE", .typed = BYTES("one two  \x17x\n"), .read = BYTES("one x\n|"), .shown = BYTES("one two  \b \b\b \b\b \b\b \b\b \bx\r\n") },
		{ "WERASE of signs", .typed = BYTES("a-_1+\x17\n"), .read = BYTES("a-\n|"), .shown = BYTES("a-_1+\b \b\b \b\b \b\r\n") },
		{ "WERASE of all", .typed = BYTES("+-\x17\n"), .read = BYTES("\n|"), .shown = BYTES("+-\b \b\b \b\r\n") },
		{ "another WERASE", .keys = { KEY(VWERASE, '!') }, .typed = BYTES("a b!\n"), .read = BYTES("a \n|"), .shown = BYTES("a b\b \b\r\n") },
		{ "LNEXT", .typed = BYTES("a\x16\x03\x16\x7f\x16\x04\n"), .read = BYTES("a\x03\x7f\x04\n|"), .shown = BYTES("a^\b^C^\b^?^\b^D\r\n") },
		{ "LNEXT of a newline", .typed = BYTES("\x16\n\n"), .read = BYTES("\n\n|"), .shown = BYTES("^\b^J\r\n") },
		{ "LNEXT of a return", .typed = BYTES("\x16\r\n"), .read = BYTES("\r\n|"), .shown = BYTES("^\b^M\r\n") },
		{ "LNEXT of itself", .typed = BYTES("\x16\x16\n"), .read = BYTES("\x16\n|"), .shown = BYTES("^\b^V\r\n") },
		{ "LNEXT without ECHOCTL", .l_off = ECHOCTL, .typed = BYTES("\x16\x03\n"), .read = BYTES("\x03\n|"), .shown = BYTES("\x03\r\n") },
		{ "LNEXT without ECHO", .l_off = ECHO, .typed = BYTES("\x16\x03\n"), .read = BYTES("\x03\n|") },
		{ "LNEXT without ICANON", .l_off = ICANON, .typed = BYTES("\x16\x01"), .read = BYTES("\x16\x01|"), .shown = BYTES("^V^A") },
		{ "another LNEXT", .keys = { KEY(VLNEXT, '!') }, .typed = BYTES("!\x03\n"), .read = BYTES("\x03\n|"), .shown = BYTES("^\b^C\r\n") },
		{ "REPRINT", .typed = BYTES("a\tb\x12" "c\n"), .read = BYTES("a\tbc\n|"), .shown = BYTES("a\tb^R\r\na\tbc\r\n") },
		{ "REPRINT of nothing", .typed = BYTES("\x12\n"), .read = BYTES("\n|"), .shown = BYTES("^R\r\n\r\n") },
		{ "REPRINT without ECHO", .l_off = ECHO, .typed = BYTES("a\x12\n"), .read = BYTES("a\x12\n|") },
		{ "another REPRINT", .keys = { KEY(VREPRINT, '!') }, .typed = BYTES("a!\n"), .read = BYTES("a\n|"), .shown = BYTES("a!\r\na\r\n") },
		{ "DISCARD", .typed = BYTES("a\x0f\n"), .read = BYTES("a\x0f\n|"), .shown = BYTES("a^O\r\n") },
		{ "no IEXTEN", .l_off = IEXTEN, .typed = BYTES("\x16\x17\x12\n"), .read = BYTES("\x16\x17\x12\n|"), .shown = BYTES("^V^W^R\r\n") },
	};

	RUN_ROWS(rows);
}

static void output_flags(void)
{
	static const struct row rows[] = {
		{ "ONLCR", .written = BYTES("a\nb\rc"), .shown = BYTES("a\r\nb\rc") },
		{ "no ONLCR", .o_off = ONLCR, .written = BYTES("a\nb\n"), .shown = BYTES("a\nb\n") },
		{ "no OPOST", .o_on = OLCUC | OCRNL | ONOCR | ONLRET | XTABS, .o_off = OPOST, .written = BYTES("\ra\n\tb\r"), .shown = BYTES("\ra\n\tb\r") },
		{ "OLCUC", .o_on = OLCUC, .written = BYTES("aZ{\xdf\xe4\xf7\xff\n"), .shown = BYTES("AZ{\xbf\xc4\xf7\xdf\r\n") },
		{ "OCRNL", .o_on = OCRNL, .written = BYTES("a\rb\n"), .shown = BYTES("a\nb\r\n") },
		{ "OCRNL and ONOCR", .o_on = OCRNL | ONOCR, .written = BYTES("\ra\rb"), .shown = BYTES("a\nb") },
		{ "ONOCR", .o_on = ONOCR, .written = BYTES("\ra\r\rb\b\r"), .shown = BYTES("a\rb\b") },
		{ "ONOCR behind a newline", .o_on = ONOCR, .written = BYTES("a\n\r"), .shown = BYTES("a\r\n") },
		{ "ONOCR behind a newline alone", .o_on = ONOCR, .o_off = ONLCR, .written = BYTES("a\n\r"), .shown = BYTES("a\n\r") },
		{ "ONLRET", .o_on = ONOCR | ONLRET, .o_off = ONLCR, .written = BYTES("a\n\r"), .shown = BYTES("a\n") },
		{ "ONLRET and ONLCR", .o_on = ONLRET, .written = BYTES("a\n"), .shown = BYTES("a\r\n") },
		{ "ONLRET and OCRNL", .o_on = ONLRET | OCRNL | XTABS, .written = BYTES("a\r\tb"), .shown = BYTES("a\n        b") },
		{ "OCRNL keeps the column", .o_on = OCRNL | XTABS, .written = BYTES("a\r\tb"), .shown = BYTES("a\n       b") },
		{ "XTABS", .o_on = XTABS, .written = BYTES("abc\td\t\te"), .shown = BYTES("abc     d               e") },
		{ "XTABS behind what has no column", .o_on = XTABS, .written = BYTES("\x01\x1b\tx"), .shown = BYTES("\x01\x1b        x") },
		{ "XTABS behind a backspace", .o_on = XTABS, .written = BYTES("\b\bab\b\tx"), .shown = BYTES("\b\bab\b       x") },
		{ "TAB0", .written = BYTES("abc\td"), .shown = BYTES("abc\td") },
		{ "the delays of printers", .o_on = NLDLY | CRDLY | BSDLY | VTDLY | FFDLY | OFILL | OFDEL, .written = BYTES("a\n\r\b\v\f"),
		  .shown = BYTES("a\r\n\r\b\v\f") },
	};

	RUN_ROWS(rows);
}

static void extproc(void)
{
	static const struct row rows[] = {
		{ "EXTPROC", .l_on = EXTPROC, .typed = BYTES("ab\x7f\x03\r\n\x04\x13"), .read = BYTES("ab\x7f\x03\r\n\x04\x13|") },
		{ "EXTPROC without ICANON", .l_on = EXTPROC, .l_off = ICANON, .typed = BYTES("a\x16\r\x03"), .read = BYTES("a\x16\r\x03|") },
		{ "EXTPROC and ISTRIP", .l_on = EXTPROC, .i_on = ISTRIP | PARMRK, .typed = BYTES("\xe1\xff"), .read = BYTES("a\x7f|") },
		{ "EXTPROC and PARMRK", .l_on = EXTPROC, .i_on = PARMRK, .typed = BYTES("\xff"), .read = BYTES("\xff|") },
		{ "EXTPROC writes as ever", .l_on = EXTPROC, .written = BYTES("a\n"), .shown = BYTES("a\r\n") },
	};

	RUN_ROWS(rows);
	/* A read that waits takes what comes, whatever VMIN says. */
	char byte[8];

	pty_open_pair();
	pty_set(LFLAG, EXTPROC, 0);
	fcntl(slave, F_SETFL, 0);
	pty_type("ab");
	CHECK_EQ(read(slave, byte, sizeof byte), 2);
}

static void await_input(void)
{
	CHECK_EQ(poll(&(struct pollfd){ .fd = slave, .events = POLLIN }, 1, -1), 1);
}

static void switching(void)
{
	pty_open_pair();
	pty_type("partial");
	CHECK_STR(pty_reads(), "");
	pty_set(LFLAG, 0, ICANON);
	CHECK_STR(pty_reads(), "partial|");
	pty_type("raw");
	await_input();
	pty_set(LFLAG, ICANON, 0);
	CHECK_STR(pty_reads(), "raw|");
	pty_type("x\n");
	CHECK_STR(pty_reads(), "x\\x0a|");
	/* A NUL that was the last of what was typed before ICANON is an end of file. */
	pty_set(LFLAG, 0, ICANON);
	CHECK_EQ(write(master, "ab\0", 3), 3);
	await_input();
	pty_set(LFLAG, ICANON, 0);
	CHECK_STR(pty_reads(), "ab|");
	CHECK_EQ(write(master, "c\x04", 2), 2);
	CHECK_STR(pty_reads(), "c|");
	/* LNEXT is forgotten. */
	pty_type("\x16");
	CHECK_STR(pty_reads(), "");
	pty_set(LFLAG, 0, ICANON);
	pty_set(LFLAG, ICANON, 0);
	pty_type("z\x7f\n");
	CHECK_STR(pty_reads(), "\\x0a|");
	/* Stopped by a key that means nothing any more. */
	pty_shown();
	pty_type("\x13");
	CHECK_STR(pty_reads(), "");
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	pty_set(IFLAG, 0, IXON);
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_STR(pty_shown(), "x");
}

static void flushing_settings(void)
{
	struct termios mode;

	pty_open_pair();
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	pty_type("ab");
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(tcsetattr(slave, TCSADRAIN, &mode), 0);
	pty_type("c\n");
	CHECK_STR(pty_reads(), "abc\\x0a|");
	pty_type("ab");
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(tcsetattr(slave, TCSAFLUSH, &mode), 0);
	pty_type("c\n");
	CHECK_STR(pty_reads(), "c\\x0a|");
	CHECK_EQ(tcsetattr(master, TCSAFLUSH, &mode), 0);
	/* What cannot be set on a pty. */
	mode.c_cflag = (mode.c_cflag & ~(CSIZE | CREAD)) | CS7 | PARENB | CSTOPB;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(mode.c_cflag & (CSIZE | CREAD | PARENB | CSTOPB), CS8 | CREAD | CSTOPB);
}

static int readable(void)
{
	return poll(&(struct pollfd){ .fd = slave, .events = POLLIN }, 1, 0);
}

static void minimum_and_time(void)
{
	char byte[8];

	pty_open_pair();
	/* Neither: what is there. */
	pty_set_raw(0, 0);
	CHECK_EQ(read(slave, byte, sizeof byte), 0);
	pty_type("abc");
	CHECK_EQ(read(slave, byte, 2), 2);
	CHECK_EQ(read(slave, byte, sizeof byte), 1);
	/* A minimum: poll knows it, a read that must not wait does not. */
	pty_set_raw(3, 0);
	CHECK_ERR(read(slave, byte, sizeof byte), EAGAIN);
	pty_type("ab");
	CHECK_EQ(readable(), 0);
	CHECK_EQ(read(slave, byte, sizeof byte), 2);
	pty_type("abc");
	CHECK_EQ(readable(), 1);
	CHECK_EQ(read(slave, byte, 2), 2);
	CHECK_EQ(readable(), 0);
	CHECK_EQ(read(slave, byte, sizeof byte), 1);
	/* Both: poll does not count. */
	pty_set_raw(3, 1);
	pty_type("a");
	CHECK_EQ(readable(), 1);
	CHECK_EQ(read(slave, byte, sizeof byte), 1);
	CHECK_ERR(read(slave, byte, sizeof byte), EAGAIN);
	/* A time alone. */
	pty_set_raw(0, 1);
	CHECK_EQ(readable(), 0);
	CHECK_ERR(read(slave, byte, sizeof byte), EAGAIN);
	/* The same with reads that wait. */
	fcntl(slave, F_SETFL, 0);
	CHECK_EQ(read(slave, byte, sizeof byte), 0);
	pty_type("ab");
	CHECK_EQ(read(slave, byte, sizeof byte), 2);
	pty_set_raw(5, 1);
	pty_type("abc");
	CHECK_EQ(read(slave, byte, 2), 2);
	CHECK_EQ(read(slave, byte, sizeof byte), 1);
}

static void read_four(void *unused)
{
	char byte[8];

	(void)unused;
	CHECK_EQ(read(slave, byte, sizeof byte), 4);
}

/* A read for four waits through one and three; the time of one that has begun does not run before the first byte. */
static void waiting_for_the_minimum(void)
{
	pid_t child;
	char byte[8];

	pty_open_pair();
	pty_set_raw(4, 0);
	fcntl(slave, F_SETFL, 0);
	child = check_spawn(read_four, NULL);
	CHECK(check_state(child, 'S', 10000));
	pty_type("a");
	pty_type("bc");
	CHECK(check_state(child, 'S', 10000));
	pty_type("d");
	CHECK_EQ(check_wait(child), 0);
	pty_set_raw(4, 1);
	child = check_spawn(read_four, NULL);
	check_sleep(300);
	CHECK(check_state(child, 'S', 10000));
	pty_type("abcd");
	CHECK_EQ(check_wait(child), 0);
	pty_type("ab");
	CHECK_EQ(read(slave, byte, sizeof byte), 2);
}

/* More than there is room for: a line keeps its beginning and its end, and no bell rings; raw input waits. */
static void full_buffer(void)
{
	static char big[6000], got[8192];
	ssize_t len = 0;

	memset(big, 'x', sizeof big);
	pty_open_pair();
	pty_set(LFLAG, 0, ECHO);
	pty_set(IFLAG, IMAXBEL, 0);
	CHECK_EQ(write(master, big, 3000), 3000);
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(write(master, big, 3000), 3000);
	CHECK_STR(pty_reads(), "");
	pty_type("\n");
	CHECK_EQ(read(slave, got, sizeof got), 4096);
	CHECK_EQ(got[4094], 'x');
	CHECK_EQ(got[4095], '\n');
	CHECK_STR(pty_reads(), "");
	CHECK_STR(pty_shown(), "");
	/* IXOFF is for devices at the other end of a line. */
	pty_set_raw(1, 0);
	pty_set(IFLAG, IXOFF | IMAXBEL, 0);
	CHECK_EQ(write(master, big, 3000), 3000);
	await_input();
	CHECK(write(master, big, 3000) > 0);
	check_sleep(20);
	CHECK_STR(pty_shown(), "");
	while ((len = read(slave, got, sizeof got)) > 0)
		;
	CHECK_STR(pty_shown(), "");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(input_flags), CASE(flow_keys), CASE(signal_keys), CASE(echo_flags), CASE(line_keys), CASE(output_flags), CASE(extproc),
		CASE(switching), CASE(flushing_settings), CASE(minimum_and_time), CASE(waiting_for_the_minimum), CASE(full_buffer), { NULL, NULL },
	};

	return check_main("termios", cases, argc, argv);
}
