/* SPDX-License-Identifier: MIT */
/* Pseudo terminals: line discipline, raw mode, echo, window size, hang-up. Job control is in jobs.c. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static char text[8192];

static void open_pair(void)
{
	char name[64];

	if (!CHECK_EQ(openpty(&master, &slave, name, NULL, NULL), 0))
		_exit(1);
}

static void change(tcflag_t off, tcflag_t on)
{
	struct termios mode;

	CHECK_EQ(tcgetattr(slave, &mode), 0);
	mode.c_lflag = (mode.c_lflag & ~off) | on;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
}

static void type_text(const char *keys)
{
	CHECK_EQ(write(master, keys, strlen(keys)), strlen(keys));
}

/* Reads what is there within a moment, at most one read() per piece, and returns it as a string. */
static const char *take(int fd, int wait_ms)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	int have = 0;

	while (have < (int)sizeof text - 1 && poll(&one, 1, have ? 20 : wait_ms) == 1 && (one.revents & POLLIN)) {
		ssize_t got = read(fd, text + have, sizeof text - 1 - have);

		if (got <= 0)
			break;
		have += got;
	}
	text[have] = '\0';
	return text;
}

static void names(void)
{
	char path[64];
	int number, lock = 0, fd = open("/dev/ptmx", O_RDWR | O_NOCTTY), other;
	struct stat info;

	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, TIOCGPTN, &number), 0);
	snprintf(path, sizeof path, "/dev/pts/%d", number);
	CHECK_EQ(stat(path, &info), 0);
	CHECK(S_ISCHR(info.st_mode));
	CHECK_EQ(info.st_rdev >> 8, 136);
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EIO);		/* locked */
	CHECK_EQ(ioctl(fd, TIOCSPTLCK, &lock), 0);
	other = open(path, O_RDWR | O_NOCTTY);
	CHECK(other >= 0);
	CHECK_EQ(isatty(other), 1);
	CHECK_STR(ttyname(other), path);
	close(fd);
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), ENOENT);
	CHECK_ERR(write(other, "x", 1), EIO);
	CHECK_EQ(read(other, path, 1), 0);
}

static void defaults(void)
{
	struct termios mode;

	open_pair();
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(mode.c_iflag & (ICRNL | IXON), ICRNL | IXON);
	CHECK_EQ(mode.c_oflag & (OPOST | ONLCR), OPOST | ONLCR);
	CHECK_EQ(mode.c_lflag & (ICANON | ECHO | ECHOE | ISIG | IEXTEN), ICANON | ECHO | ECHOE | ISIG | IEXTEN);
	CHECK_EQ(mode.c_cflag & CSIZE, CS8);
	CHECK_EQ(mode.c_cc[VINTR], 3);
	CHECK_EQ(mode.c_cc[VEOF], 4);
	CHECK_EQ(mode.c_cc[VERASE], 127);
	CHECK_EQ(mode.c_cc[VSUSP], 26);
	CHECK_EQ(mode.c_cc[VMIN], 1);
	CHECK_EQ(cfgetospeed(&mode), B38400);
	cfmakeraw(&mode);
	mode.c_cc[VMIN] = 7;
	CHECK_EQ(tcsetattr(slave, TCSAFLUSH, &mode), 0);
	memset(&mode, 0, sizeof mode);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(mode.c_cc[VMIN], 7);
	CHECK_EQ(mode.c_lflag & (ICANON | ECHO), 0);
	CHECK_EQ(tcgetattr(master, &mode), 0);		/* the master shows the slave's */
	CHECK_EQ(mode.c_cc[VMIN], 7);
}

static void lines(void)
{
	char piece[16] = "";

	open_pair();
	type_text("hel");
	CHECK_STR(take(slave, 30), "");
	type_text("lo\nsecond\n");
	CHECK_EQ(read(slave, piece, sizeof piece), 6);
	CHECK(!memcmp(piece, "hello\n", 6));
	CHECK_EQ(read(slave, piece, 3), 3);
	CHECK_EQ(read(slave, piece + 3, 10), 4);
	CHECK(!memcmp(piece, "second\n", 7));
	CHECK_STR(take(master, 1000), "hello\r\nsecond\r\n");
	type_text("cr\r");
	CHECK_STR(take(slave, 1000), "cr\n");
	take(master, 1000);
	/* A program's output: newline becomes carriage return and newline. */
	CHECK_EQ(write(slave, "a\nb", 3), 3);
	CHECK_STR(take(master, 1000), "a\r\nb");
}

static void editing(void)
{
	char piece[16];

	open_pair();
	type_text("abX\x7f" "c\n");
	CHECK_STR(take(slave, 1000), "abc\n");
	CHECK_STR(take(master, 1000), "abX\b \bc\r\n");
	type_text("gone\x15kept\n");
	CHECK_STR(take(slave, 1000), "kept\n");
	take(master, 1000);
	type_text("one two\x17three\n");
	CHECK_STR(take(slave, 1000), "one three\n");
	take(master, 1000);
	type_text("lit\x16\x03\n");
	CHECK_STR(take(slave, 1000), "lit\x03\n");
	CHECK_STR(take(master, 1000), "lit^\b^C\r\n");
	/* End of file: what was typed so far, or nothing. */
	type_text("part\x04");
	CHECK_EQ(read(slave, piece, sizeof piece), 4);
	type_text("\x04");
	CHECK_EQ(read(slave, piece, sizeof piece), 0);
	type_text("\x7f\x7f" "x\n");
	CHECK_STR(take(slave, 1000), "x\n");
	CHECK_EQ(write(master, "a\0b\n", 4), 4);
	CHECK_EQ(read(slave, piece, sizeof piece), 4);
}

static void echoing(void)
{
	open_pair();
	change(ECHO, 0);
	type_text("quiet\n");
	CHECK_STR(take(slave, 1000), "quiet\n");
	CHECK_STR(take(master, 30), "");
	change(0, ECHONL);
	type_text("q\n");
	CHECK_STR(take(master, 1000), "\r\n");
	change(0, ECHO | ECHOCTL);
	take(slave, 30);
	type_text("\x01\n");
	CHECK_STR(take(master, 1000), "^A\r\n");
}

static void set_raw(int minimum, int tenths)
{
	struct termios mode;

	CHECK_EQ(tcgetattr(slave, &mode), 0);
	cfmakeraw(&mode);
	mode.c_cc[VMIN] = minimum;
	mode.c_cc[VTIME] = tenths;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
}

static void type_slowly(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++) {
		check_sleep(30);
		if (write(master, "k", 1) != 1)
			_exit(1);
	}
}

static void raw_mode(void)
{
	char piece[16] = "";
	long start;
	pid_t child;

	open_pair();
	set_raw(1, 0);
	type_text("\x03\r\x7f");
	CHECK_EQ(read(slave, piece, sizeof piece), 3);
	CHECK(!memcmp(piece, "\x03\r\x7f", 3));
	CHECK_STR(take(master, 30), "");
	CHECK_EQ(write(slave, "\n", 1), 1);
	CHECK_STR(take(master, 1000), "\n");
	set_raw(3, 0);
	child = check_spawn(type_slowly, NULL);
	CHECK_EQ(read(slave, piece, sizeof piece), 3);
	CHECK_EQ(check_wait(child), 0);
	set_raw(0, 0);
	CHECK_EQ(read(slave, piece, sizeof piece), 0);
	set_raw(0, 1);
	start = check_now();
	CHECK_EQ(read(slave, piece, sizeof piece), 0);
	CHECK(check_now() - start >= 90);
	type_text("x");
	CHECK_EQ(read(slave, piece, sizeof piece), 1);
	/* VMIN and VTIME: the time runs between keys, from the first on. */
	set_raw(5, 1);
	type_text("ab");
	start = check_now();
	CHECK_EQ(read(slave, piece, sizeof piece), 2);
	CHECK(check_now() - start >= 90);
}

static void non_blocking(void)
{
	char piece[16];
	struct pollfd one;
	int queued;

	open_pair();
	one = (struct pollfd){ .fd = slave, .events = POLLIN | POLLOUT };
	CHECK_EQ(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(read(slave, piece, sizeof piece), EAGAIN);
	CHECK_EQ(poll(&one, 1, 0), 1);
	CHECK_EQ(one.revents, POLLOUT);
	type_text("part");
	check_sleep(20);
	CHECK_ERR(read(slave, piece, sizeof piece), EAGAIN);
	type_text("\n");
	one.events = POLLIN;
	CHECK_EQ(poll(&one, 1, 2000), 1);
	CHECK_EQ(ioctl(slave, FIONREAD, &queued), 0);
	CHECK_EQ(queued, 5);
	type_text("more\n");
	check_sleep(200);
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_ERR(read(slave, piece, sizeof piece), EAGAIN);
}

static void full_output(void)
{
	long total = 0;
	ssize_t done;

	open_pair();
	CHECK_EQ(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	memset(text, 'x', sizeof text);
	while ((done = write(slave, text, 1000)) > 0 && total < 1 << 20)
		total += done;
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK(total >= 4095);
	/* Nothing of it is lost. */
	CHECK_EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	for (int idle = 0; total > 0 && idle < 5000;) {
		done = read(master, text, sizeof text);
		if (done > 0)
			total -= done;
		else
			idle++, check_sleep(2);
	}
	CHECK_EQ(total, 0);
}

static volatile int resized;

static void on_resize(int number)
{
	(void)number;
	resized++;
}

static void window_size(void)
{
	struct winsize size = { .ws_row = 33, .ws_col = 101 }, got = { 0 };
	struct sigaction action = { .sa_handler = on_resize };

	open_pair();
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
	CHECK_EQ(got.ws_row, 33);
	CHECK_EQ(got.ws_col, 101);
	CHECK_EQ(resized, 0);
	if (fork() == 0) {
		int ready = 0;

		sigaction(SIGWINCH, &action, NULL);
		setsid();
		ready = ioctl(slave, TIOCSCTTY, 0);
		size.ws_row = 50;
		CHECK_EQ(ready, 0);
		CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
		CHECK(check_await(&resized, 2000));
		CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);	/* the same size tells nobody */
		check_sleep(10);
		_exit(resized == 1 ? 0 : 1);
	}
	CHECK_EQ(check_wait(-1), 0);
}

static void hang_up(void)
{
	char byte;
	struct pollfd one;

	open_pair();
	one = (struct pollfd){ .fd = master, .events = POLLIN };
	CHECK_EQ(write(slave, "last", 4), 4);
	close(slave);
	CHECK_EQ(poll(&one, 1, 1000), 1);
	CHECK_EQ(one.revents, POLLIN | POLLHUP);
	CHECK_STR(take(master, 1000), "last");
	CHECK_ERR(read(master, &byte, 1), EIO);
	CHECK_EQ(one.revents & POLLHUP, POLLHUP);
}

static void packets_of_data(void)
{
	enum { TOTAL = 200000 };
	long sum = 0, wanted = 0;
	ssize_t got;
	pid_t child;

	open_pair();
	set_raw(1, 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < TOTAL; i++)
			text[i % 1000] = i, i % 1000 == 999 ? (void)!write(slave, text, 1000) : (void)0;
		close(master);
		close(slave);
		_exit(0);
	}
	close(slave);
	for (int i = 0; i < TOTAL; i++)
		wanted += (unsigned char)i;
	while ((got = read(master, text, sizeof text)) > 0)
		for (int i = 0; i < got; i++)
			sum += (unsigned char)text[i];
	CHECK_EQ(sum, wanted);
	CHECK_EQ(check_wait(child), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(names), CASE(defaults), CASE(lines), CASE(editing), CASE(echoing), CASE(raw_mode), CASE(non_blocking),
		CASE(full_output), CASE(window_size), CASE(hang_up), CASE(packets_of_data), { NULL, NULL },
	};

	return check_main("tty", cases, argc, argv);
}
