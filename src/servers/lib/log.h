/* SPDX-License-Identifier: MIT */
/*
 * "manager: ..." lines on the console. One write a line, so that lines of several processes do not mix; a child may
 * log between fork and exec. Never blocks: a line that the console does not take at once is lost; the next says so.
 */
#ifndef SERVERS_LIB_LOG_H
#define SERVERS_LIB_LOG_H

#include "plain_text.h"
#include "ring.h"

#include <stddef.h>

/* Until log_open() lines go to standard error, which the kernel opened. Call after /dev is mounted. */
void log_open(void);

/* From now on lines go into @ring, too; NULL: into none. A ring has one writer: a child that logs calls this with NULL first. */
void log_keep(struct ring *ring);

/* What a service has printed: changed in place to what no terminal obeys. @state is that of its output. */
void log_output(struct plain_text *state, char *text, size_t length);

__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warning(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/*
 * From here on a line waits up to @ms for room on the console, and may so block. For processes that end or become another program before they could say
 * how many lines were lost.
 */
void log_wait_for_room(int ms);

/* Waits until the lines so far have left the machine, which may block (a held line: up to 30 s). Other log calls of the manager itself do not. */
void log_drain(void);

#endif
