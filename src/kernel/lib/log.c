/* SPDX-License-Identifier: MIT */
/* The log ring and its consoles. One lock guards both: lines of different CPUs never mix. */
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "sync/spinlock.h"

enum { RING_SIZE = 32 * 1024, LINE_MAX = 256 };

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_LOG);	/* taken with interrupts off */
static char ring[RING_SIZE];		/* guarded by log_lock, as all below */
static uint64_t ring_end;		/* bytes ever written */
static struct list consoles = LIST_INIT(consoles);
static unsigned console_level = LOG_INFO;

static void ring_append(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ring[ring_end++ % RING_SIZE] = text[i];
}

static size_t format_line(char *line, enum log_level level, const char *format, va_list args)
{
	uint64_t us = clock_monotonic_ns() / NS_PER_US;
	size_t start = snprintf(line, LINE_MAX, "<%d>[%5lu.%06lu] ", level, us / 1000000, us % 1000000);
	size_t len = start + vsnprintf(line + start, LINE_MAX - start, format, args);

	len = MIN(len, (size_t)LINE_MAX - 2);
	/* Programs choose names that appear here: they may neither begin a line of their own nor talk to the terminal. */
	for (size_t i = start; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	return len;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX];
	struct console *console;
	uint64_t flags;
	va_list args;
	size_t len;

	va_start(args, format);
	len = format_line(line, level, format, args);
	va_end(args);
	flags = spin_lock_irq(&log_lock);
	ring_append(line, len);
	if (level <= console_level)
		list_for_each(console, &consoles, link)
			console->write(console, line + 3, len - 3);	/* without the "<N>" that syslog(2) readers expect */
	spin_unlock_irq(&log_lock, flags);
}

void log_set_console_level(unsigned level)
{
	console_level = level;
}

/* What the ring holds so far goes to a new console, line by line, so that it shows the boot from its start. */
static void replay(struct console *console)
{
	uint64_t pos = ring_end > RING_SIZE ? ring_end - RING_SIZE : 0;
	char line[LINE_MAX];
	size_t len = 0;

	for (; pos < ring_end; pos++) {
		line[len++] = ring[pos % RING_SIZE];
		if (line[len - 1] != '\n' && len < LINE_MAX)
			continue;
		if (len > 3 && line[0] == '<' && line[1] - '0' <= (int)console_level)
			console->write(console, line + 3, len - 3);
		len = 0;
	}
}

void console_register(struct console *console)
{
	uint64_t flags = spin_lock_irq(&log_lock);

	replay(console);
	list_push_back(&consoles, &console->link);
	spin_unlock_irq(&log_lock, flags);
}

void console_write_panic(const char *text, size_t len)
{
	struct console *console;

	list_for_each(console, &consoles, link)
		console->write(console, text, len);
}

size_t log_read(uint64_t *pos, char *buf, size_t size)
{
	uint64_t flags = spin_lock_irq(&log_lock);
	size_t done = 0;

	if (ring_end > RING_SIZE && *pos < ring_end - RING_SIZE)
		*pos = ring_end - RING_SIZE;
	while (done < size && *pos < ring_end)
		buf[done++] = ring[(*pos)++ % RING_SIZE];
	spin_unlock_irq(&log_lock, flags);
	return done;
}

size_t log_tail(char *buf, size_t size)
{
	uint64_t end = ring_end, len = MIN(MIN(end, (uint64_t)RING_SIZE), size);

	for (uint64_t pos = end - len; pos < end; pos++)
		*buf++ = ring[pos % RING_SIZE];
	return len;
}

uint64_t log_start_pos(void)
{
	return ring_end > RING_SIZE ? ring_end - RING_SIZE : 0;
}

uint64_t log_end_pos(void)
{
	return ring_end;
}
