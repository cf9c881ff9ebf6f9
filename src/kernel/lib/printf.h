/* SPDX-License-Identifier: MIT */
/* Formatted output into a buffer: the integer, string, char and pointer conversions of C99 (no floating point). */
#pragma once

#include "lib/types.h"

#ifdef HOST_TEST
#include <stdio.h>
#else
/* As in C99: write at most @size bytes including the NUL, return the length the whole text would have had. */
int vsnprintf(char *buf, size_t size, const char *format, va_list args);
int snprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
#endif
