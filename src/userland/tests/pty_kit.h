/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals for tests that wait for nothing. Both ends are non-blocking, and a read that finds nothing to take has everything written
 * before handled first (on Linux by the worker that it waits for): when it says EAGAIN, all that a byte does is done.
 */
#ifndef PTY_KIT_H
#define PTY_KIT_H

#include "check.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

struct bytes {
	const char *at;
	size_t len;
};

#define BYTES(text) { text, sizeof(text) - 1 }

enum { PTY_TEXT = 16384 };

/* What came; a string in which what is not printable is written as \xHH. */
struct seen {
	char text[PTY_TEXT * 4];
	size_t len;
};

static int master, slave;

static inline void pty_open_pair(void)
{
	if (!CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0))
		_exit(1);
	fcntl(master, F_SETFL, O_NONBLOCK);
	fcntl(slave, F_SETFL, O_NONBLOCK);
}

static inline void seen_add(struct seen *seen, const char *at, size_t len)
{
	for (size_t i = 0; i < len && seen->len < sizeof(seen->text) - 5; i++) {
		unsigned char c = at[i];

		seen->len += sprintf(seen->text + seen->len, c >= ' ' && c < 127 && c != '\\' ? "%c" : "\\x%02x", c);
	}
	seen->text[seen->len] = '\0';
}

static inline const char *seen_text(struct seen *seen, const char *at, size_t len)
{
	seen->len = 0;
	seen_add(seen, at, len);
	return seen->text;
}

/* Adds all that can be read, and @mark behind what each read gave, so that an end of file is a mark behind nothing. */
static inline void pty_take(int fd, struct seen *seen, const char *mark)
{
	static char text[PTY_TEXT];
	ssize_t got;

	while ((got = read(fd, text, sizeof text)) >= 0) {
		seen_add(seen, text, got);
		seen_add(seen, mark, strlen(mark));
	}
	if (errno != EAGAIN) {
		char told[16];

		seen_add(seen, told, snprintf(told, sizeof told, "errno %d", errno));
	}
}

/* What the master's, or the slave's, reads give now. */
static inline const char *pty_shown(void)
{
	static struct seen seen;

	seen_text(&seen, "", 0);
	pty_take(master, &seen, "");
	return seen.text;
}

static inline const char *pty_reads(void)
{
	static struct seen seen;

	seen_text(&seen, "", 0);
	pty_take(slave, &seen, "|");
	return seen.text;
}

static inline void pty_type(const char *keys)
{
	CHECK_EQ(write(master, keys, strlen(keys)), strlen(keys));
}

enum field { IFLAG, OFLAG, LFLAG };

static inline void pty_set(enum field field, tcflag_t on, tcflag_t off)
{
	struct termios mode;

	CHECK_EQ(tcgetattr(slave, &mode), 0);
	tcflag_t *flags = field == IFLAG ? &mode.c_iflag : field == OFLAG ? &mode.c_oflag : &mode.c_lflag;

	*flags = (*flags & ~off) | on;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
}

static inline void pty_set_key(int which, cc_t key)
{
	struct termios mode;

	CHECK_EQ(tcgetattr(slave, &mode), 0);
	mode.c_cc[which] = key;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
}

static inline void pty_set_raw(int minimum, int tenths)
{
	struct termios mode;

	CHECK_EQ(tcgetattr(slave, &mode), 0);
	cfmakeraw(&mode);
	mode.c_cc[VMIN] = minimum;
	mode.c_cc[VTIME] = tenths;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
}

#endif
