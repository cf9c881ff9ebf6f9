/* SPDX-License-Identifier: MIT */
/* Reading /proc. */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>

/* Reads what fits of the file @path into @text and ends it with a 0. False if there is none, or nothing in it. */
bool proc_read(const char *path, char *text, size_t size);

/* Calls @visit with @pid and each of the numbers that are names in the directory @path, in order. False with errno if it cannot be opened. */
bool proc_for_each_number(const char *path, int pid, void (*visit)(int pid, int number));

#endif
