/* SPDX-License-Identifier: MIT */
/*
 * "manager: ..." lines on the console. One write a line, so that lines of several processes do not mix; a child may
 * log between fork and exec. Never blocks: a line that the console does not take at once is lost; the next says so.
 */
#ifndef MANAGER_LOG_H
#define MANAGER_LOG_H

/* Until log_open() lines go to standard error, which the kernel opened. Call after /dev is mounted. */
void log_open(void);

__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warning(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/* Waits until the lines so far have left the machine: the only log call that may block (a held line: up to 30 s). */
void log_drain(void);

#endif
