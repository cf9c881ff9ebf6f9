/* SPDX-License-Identifier: MIT */
/* The log lines of the service manager (log.h). */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int console = STDERR_FILENO;
static unsigned lost_lines;
static int patience_ms;		/* for a console that has no room */
static struct ring *kept;

void log_open(void)
{
	/* An open of its own: O_NONBLOCK on the shared standard error would reach the services too. */
	int fd = open("/dev/console", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		console = fd;
	else
		log_warning("cannot open /dev/console: %s; the log stays on standard error", strerror(errno));
}

void log_keep(struct ring *ring)
{
	kept = ring;
}

void log_wait_for_room(int ms)
{
	patience_ms = ms;
}

void log_drain(void)
{
	tcdrain(console);
}

static void put(const char *text, size_t length)
{
	if (patience_ms > 0)
		poll(&(struct pollfd){ .fd = console, .events = POLLOUT }, 1, patience_ms);
	if (write(console, text, length) < 0)
		lost_lines++;
}

void log_output(struct plain_text *state, char *text, size_t length)
{
	length = plain_text(state, text, length);
	if (length > 0)
		put(text, length);
}

static void put_lost(void)
{
	char text[64];
	unsigned lost = lost_lines;

	if (lost == 0)
		return;
	lost_lines = 0;
	put(text, (size_t)snprintf(text, sizeof(text), "manager: %u log lines were lost\n", lost));
	if (lost_lines)
		lost_lines += lost - 1;
}

/* @colour: an SGR parameter, or NULL. The words "manager: ..." stay in one piece for those who search a log. */
static void put_line(const char *colour, const char *format, va_list arguments)
{
	int saved_errno = errno;
	char message[480], line[512];
	int length;

	vsnprintf(message, sizeof(message), format, arguments);
	put_lost();
	length = snprintf(line, sizeof(line), "manager: %s\n", message);
	if (kept)
		ring_put(kept, line + strlen("manager: "), (size_t)length - strlen("manager: "));
	if (colour && isatty(console))
		length = snprintf(line, sizeof(line), "\033[%smmanager: %s\033[0m\n", colour, message);
	put(line, (size_t)length);
	errno = saved_errno;
}

#define DEFINE_LOG(name, colour)                                                                                       \
	void name(const char *format, ...)                                                                             \
	{                                                                                                              \
		va_list arguments;                                                                                     \
		va_start(arguments, format);                                                                           \
		put_line(colour, format, arguments);                                                                   \
		va_end(arguments);                                                                                     \
	}

DEFINE_LOG(log_info, NULL)
DEFINE_LOG(log_warning, "33")
DEFINE_LOG(log_error, "1;31")
