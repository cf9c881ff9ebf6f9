/* SPDX-License-Identifier: MIT */
/* The kernel's vsnprintf against the host C library's: every conversion with every flag, width, precision and length, and all buffer sizes. */
/* LINK: */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define vsnprintf kernel_vsnprintf
#define snprintf kernel_snprintf
int kernel_snprintf(char *buf, size_t size, const char *format, ...);
#include "lib/printf.c"
#undef vsnprintf
#undef snprintf

/* The formats are made at run time, which is the point. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

enum { BUFFER = 128 };

#define COMPARE(format, ...) do {                                                                                     \
	char ours_[BUFFER], theirs_[BUFFER];                                                                          \
	int ours_len_ = kernel_snprintf(ours_, BUFFER, format, __VA_ARGS__), theirs_len_ = snprintf(theirs_, BUFFER, format, __VA_ARGS__); \
	if (ours_len_ != theirs_len_ || strcmp(ours_, theirs_) != 0) {                                                \
		fprintf(stderr, "format \"%s\": ours \"%s\" (%d), the host's \"%s\" (%d)\n", format, ours_, ours_len_, theirs_, theirs_len_); \
		abort();                                                                                              \
	}                                                                                                             \
} while (0)

static const char *const widths[] = { "", "1", "7", "25" };
static const char *const precisions[] = { "", ".", ".0", ".1", ".5", ".24" };

/* Flags from the low five bits of @bits. */
static void make_format(char *format, unsigned bits, const char *width, const char *precision, const char *end)
{
	*format++ = '%';
	for (unsigned i = 0; i < 5; i++)
		if (bits >> i & 1)
			*format++ = "-0+ #"[i];
	sprintf(format, "%s%s%s", width, precision, end);
}

static void compare_value(const char *length, const char *format, uint64_t value)
{
	if (!*length || *length == 'h')
		COMPARE(format, (int)value);	/* hh and h take an int that is cut to size */
	else
		COMPARE(format, (long)value);
}

static void test_numbers(void)
{
	static const uint64_t values[] = { 0, 1, 7, 8, 9, 10, 127, 128, 255, 256, 32767, 32768, 65535, 65536, INT_MAX, (uint64_t)INT_MIN, UINT_MAX,
					   LONG_MAX, (uint64_t)LONG_MIN, ULONG_MAX, 0x123456789abcdef };
	static const char *const lengths[] = { "", "hh", "h", "l", "ll", "z", "j", "t" };
	char format[32], end[8];

	for (const char *conversion = "diuxXo"; *conversion; conversion++)
		for (unsigned l = 0; l < ARRAY_LEN(lengths); l++)
			for (unsigned flags = 0; flags < 32; flags++)
				for (unsigned w = 0; w < ARRAY_LEN(widths); w++)
					for (unsigned p = 0; p < ARRAY_LEN(precisions); p++) {
						/* C leaves # undefined for decimal numbers. */
						if (flags & 16 && strchr("diu", *conversion))
							continue;
						sprintf(end, "%s%c", lengths[l], *conversion);
						make_format(format, flags, widths[w], precisions[p], end);
						for (unsigned v = 0; v < ARRAY_LEN(values); v++)
							compare_value(lengths[l], format, values[v]);
					}
}

static void test_text(void)
{
	static const char unterminated[3] = { 'a', 'b', 'c' };
	char format[32];

	for (unsigned flags = 0; flags < 2; flags++)
		for (unsigned w = 0; w < ARRAY_LEN(widths); w++) {
			for (unsigned p = 0; p < ARRAY_LEN(precisions); p++) {
				make_format(format, flags, widths[w], precisions[p], "s");
				COMPARE(format, "");
				COMPARE(format, "kernel");
			}
			make_format(format, flags, widths[w], "", "c");
			COMPARE(format, 'x');
			make_format(format, flags, widths[w], "", "p");
			COMPARE(format, (void *)format);
		}
	COMPARE("%.3s|", unterminated);	/* may not read past the precision */
	COMPARE("%.*s|%*d|%*d|%-*d|%.*d", 2, "abc", 6, 42, -6, 42, 6, 42, -3, 42);
	COMPARE("100%% of %s: %d%%", "it", 5);
	COMPARE("%c%c", 0, 'x');
}

/* Never a byte more than the size, always a NUL, and the length of the whole text as the result. */
static void test_sizes(void)
{
	for (size_t size = 0; size < 32; size++) {
		char *buf = malloc(size ? size : 1), theirs[32];
		int len = kernel_snprintf(size ? buf : NULL, size, "%s-%#x-%05d", "panic", 0xbeef, -42);

		assert(len == 18);
		if (size) {
			assert(snprintf(theirs, size, "%s-%#x-%05d", "panic", 0xbeef, -42) == 18);
			assert(strcmp(buf, theirs) == 0);
		}
		free(buf);
	}
}

static void test_own_rules(void)
{
	char buf[BUFFER];

	kernel_snprintf(buf, sizeof(buf), "%s %p", (char *)NULL, NULL);
	assert(strcmp(buf, "(null) 0x0") == 0);
	assert(kernel_snprintf(buf, sizeof(buf), "ends with %") == 10);	/* a lone % at the end is dropped, not read past */
}

int main(void)
{
	test_numbers();
	test_text();
	test_sizes();
	test_own_rules();
	return 0;
}
