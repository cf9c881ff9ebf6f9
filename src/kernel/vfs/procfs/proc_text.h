/* SPDX-License-Identifier: MIT */
/* Text that grows as it is written: what a file of /proc holds while it is open. */
#pragma once

#include "lib/types.h"

struct proc_text {
	char *data;		/* not NUL-terminated */
	size_t len, capacity;
	bool failed;		/* memory ran out or the limit was reached: what was added since is lost */
};

enum { PROC_TEXT_MAX = 8 << 20 };

void proc_text_add(struct proc_text *text, const void *bytes, size_t len);
__attribute__((format(printf, 2, 3))) void proc_text_print(struct proc_text *text, const char *format, ...);
/* Room for @len more bytes at the end, or NULL; proc_text_commit() says how many were written there. */
char *proc_text_reserve(struct proc_text *text, size_t len);
void proc_text_commit(struct proc_text *text, size_t len);
void proc_text_clear(struct proc_text *text);	/* frees it */

/* A name as mount tables write it: space, tab, newline and backslash as \ooo. */
void proc_text_add_escaped(struct proc_text *text, const char *name);
/* A line of meminfo and smaps: "Name:   12 kB". */
#define PROC_KIB_FORMAT "%-16s%8llu kB\n"
/* "12.34" from nanoseconds. */
void proc_text_add_seconds(struct proc_text *text, uint64_t ns);
/* "0.07" from a number with 11 fraction bits (load averages), rounded to hundredths. */
void proc_text_add_load(struct proc_text *text, uint64_t load);
