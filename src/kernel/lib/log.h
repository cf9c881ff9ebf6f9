/* SPDX-License-Identifier: MIT */
/*
 * The kernel log. Lines go into a RAM ring (read by syslog(2)) and to every registered console whose level allows it.
 * May be called from any context, interrupt handlers included. A line is at most 256 bytes; no trailing newline.
 */
#pragma once

#include "lib/types.h"
#include "lib/list.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Lines of a level above this are kept in the ring only. Default LOG_INFO; `quiet` makes it LOG_WARNING. */
void log_set_console_level(unsigned level);

/*
 * A place where log lines appear. write() is called with interrupts off and the console lock held, must not sleep, and
 * gets whole lines with "\n" at their end. Consoles live forever; one registered late is given the ring's text so far.
 */
struct console {
	const char *name;	/* as in console=NAME */
	void (*write)(struct console *console, const char *text, size_t len);
	struct list link;	/* guarded by the log's console lock */
};
void console_register(struct console *console);

/* Writes text to all consoles, bypassing locks: for panics only. */
void console_write_panic(const char *text, size_t len);

/* Copies ring text from absolute position *@pos (bytes since boot) and advances it; returns the bytes copied, 0 at the end. */
size_t log_read(uint64_t *pos, char *buf, size_t size);
/* Copies the last bytes of the ring, as many as fit, and returns how many; takes no lock: for panics only. */
size_t log_tail(char *buf, size_t size);
uint64_t log_start_pos(void);	/* the oldest byte still in the ring */
uint64_t log_end_pos(void);
