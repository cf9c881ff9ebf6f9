/* SPDX-License-Identifier: MIT */
/* Memory and string functions. The big moves use REP string instructions of eight bytes a step. */
#include "lib/string.h"
#include "arch/x86_64/string_ops.h"
#include "debug/checks.h"

/* In brackets, the names are not the macros of string.h. */
void *(memcpy)(void *restrict to, const void *restrict from, size_t len)
{
	const void *source = from;

	check_write(to, len);
	check_read(from, len);
	copy_bytes(copy_words(to, &source, len / 8), &source, len % 8);
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	uint8_t *target = to;
	const uint8_t *source = from;

	if (target <= source || target >= source + len)
		return memcpy(to, from, len);
	while (len--)
		target[len] = source[len];
	return to;
}

void *(memset)(void *to, int byte, size_t len)
{
	check_write(to, len);
	fill_bytes(fill_words(to, (uint8_t)byte * 0x0101010101010101ull, len / 8), byte, len % 8);
	return to;
}

static inline uint64_t load_word(const uint8_t *at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len >= 8; len -= 8) {
		uint64_t first = load_word(x), second = load_word(y);

		/* The first byte counts most. */
		if (first != second)
			return __builtin_bswap64(first) < __builtin_bswap64(second) ? -1 : 1;
		x += 8;
		y += 8;
	}
	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

void *memchr(const void *s, int byte, size_t len)
{
	const uint8_t *bytes = s;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] == (uint8_t)byte)
			return (void *)(bytes + i);
	return NULL;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}

size_t strnlen(const char *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len])
		len++;
	return len;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max; max--, a++, b++)
		if (*a != *b || !*a)
			return (uint8_t)*a - (uint8_t)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

size_t string_copy(char *to, const char *from, size_t size)
{
	size_t len = strlen(from);

	if (size) {
		size_t kept = MIN(len, size - 1);

		memcpy(to, from, kept);
		to[kept] = 0;
	}
	return len;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

bool string_to_u64(const char *s, uint64_t *value)
{
	int base = 10;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (s[0] == '0' && s[1]) {
		base = 8;
		s++;
	}
	if (!*s)
		return false;
	*value = 0;
	for (; *s; s++) {
		int digit = digit_value(*s);

		if (digit >= base || __builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)digit, value))
			return false;
	}
	return true;
}
