/* SPDX-License-Identifier: MIT */
/* CHECK() for the host unit tests of servers (*_hosttest.c): counts, prints what failed, and goes on. */
#ifndef SERVERS_LIB_CHECK_H
#define SERVERS_LIB_CHECK_H

#include <stdio.h>

static unsigned checks_done, checks_failed;

#define CHECK(condition, ...)                                                                                          \
	do {                                                                                                           \
		checks_done++;                                                                                         \
		if (!(condition)) {                                                                                    \
			checks_failed++;                                                                               \
			fprintf(stderr, "%s:%d: failed: %s: ", __FILE__, __LINE__, #condition);                        \
			fprintf(stderr, __VA_ARGS__);                                                                  \
			fputc('\n', stderr);                                                                           \
		}                                                                                                      \
	} while (0)

/* The exit status of main(). */
static inline int check_result(const char *name)
{
	printf("%s: %u checks, %u failed\n", name, checks_done, checks_failed);
	return checks_failed != 0;
}

#endif
