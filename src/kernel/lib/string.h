/* SPDX-License-Identifier: MIT */
/* The part of the C library's <string.h> that the kernel uses, with the same contracts, and a few safe additions. */
#pragma once

#include "lib/types.h"

#ifdef HOST_TEST
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *s, int byte, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Freestanding code gets the compiler's own for short and constant lengths only where it asks. */
#define memcpy(to, from, len) __builtin_memcpy(to, from, len)
#define memset(to, byte, len) __builtin_memset(to, byte, len)
#endif

/* Copies @from into @to of @size bytes, always ends it with a NUL; returns strlen(from), so >= size means it was cut. */
size_t string_copy(char *to, const char *from, size_t size);

/* Parses an unsigned number (decimal, 0x hex, 0 octal). Returns false unless all of @s is a number that fits. */
bool string_to_u64(const char *s, uint64_t *value);
