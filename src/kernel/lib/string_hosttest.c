/* SPDX-License-Identifier: MIT */
/* The kernel's memory and string functions against the host C library's, on all small sizes, offsets and overlaps. */
/* LINK: */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#define memchr kernel_memchr
#define strlen kernel_strlen
#define strnlen kernel_strnlen
#define strcmp kernel_strcmp
#define strncmp kernel_strncmp
#define strchr kernel_strchr
#define strrchr kernel_strrchr
#define string_copy kernel_string_copy
#define string_to_u64 kernel_string_to_u64
void *kernel_memcpy(void *restrict to, const void *restrict from, size_t len);
size_t kernel_strlen(const char *s);
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

enum { AREA = 64, SIZE_MAX_TESTED = 40 };

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void fill(unsigned char area[AREA])
{
	for (unsigned i = 0; i < AREA; i++)
		area[i] = i * 37 + 11;
}

/* Copies and moves of every size between every pair of places, compared byte for byte with all around them. */
static void test_copies(void)
{
	unsigned char ours[AREA], theirs[AREA], source[AREA];

	for (unsigned len = 0; len < SIZE_MAX_TESTED; len++)
		for (unsigned from = 0; from + len <= AREA; from += 3)
			for (unsigned to = 0; to + len <= AREA; to++) {
				fill(ours), fill(theirs), fill(source);
				assert(kernel_memmove(ours + to, ours + from, len) == ours + to);
				memmove(theirs + to, theirs + from, len);
				assert(memcmp(ours, theirs, AREA) == 0);
				fill(ours), fill(theirs);
				assert(kernel_memcpy(ours + to, source + from, len) == ours + to);
				memcpy(theirs + to, source + from, len);
				assert(memcmp(ours, theirs, AREA) == 0);
			}
	for (unsigned len = 0; len < SIZE_MAX_TESTED; len++)
		for (unsigned to = 0; to < 16; to++) {
			fill(ours), fill(theirs);
			assert(kernel_memset(ours + to, 0x1a5, len) == ours + to);
			memset(theirs + to, 0x1a5, len);
			assert(memcmp(ours, theirs, AREA) == 0);
		}
}

static void test_searches(void)
{
	static const char *const texts[] = { "", "a", "ab", "aab", "abc", "abd", "ab\xff", "console=ttyS0", "tty", "aaaab", "aab=ab" };
	unsigned char bytes[8] = { 1, 2, 255, 4, 0, 6, 2, 8 };

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		const char *a = texts[i];

		assert(kernel_strlen(a) == strlen(a));
		for (size_t max = 0; max < 16; max++)
			assert(kernel_strnlen(a, max) == strnlen(a, max));
		for (const char *c = "ab=\xff!"; ; c++) {	/* and its final NUL */
			assert(kernel_strchr(a, *c) == strchr(a, *c) && kernel_strrchr(a, *c) == strrchr(a, *c));
			if (!*c)
				break;
		}
		for (unsigned j = 0; j < ARRAY_LEN(texts); j++) {
			assert(sign(kernel_strcmp(a, texts[j])) == sign(strcmp(a, texts[j])));
			for (size_t max = 0; max < 16; max++)
				assert(sign(kernel_strncmp(a, texts[j], max)) == sign(strncmp(a, texts[j], max)));
			for (size_t len = 0; len <= MIN(strlen(a), strlen(texts[j])); len++)
				assert(sign(kernel_memcmp(a, texts[j], len)) == sign(memcmp(a, texts[j], len)));
		}
	}
	for (int byte = 0; byte < 256; byte++)
		for (size_t len = 0; len <= sizeof(bytes); len++)
			assert(kernel_memchr(bytes, byte | 0x100, len) == memchr(bytes, byte, len));
	assert(kernel_strnlen(NULL, 0) == 0);
}

static void test_string_copy(void)
{
	for (size_t size = 0; size < 10; size++) {
		char *buf = malloc(size ? size : 1);	/* as long as it says: the sanitizer sees a byte too many */

		assert(kernel_string_copy(buf, "kernel", size) == 6);
		if (size)
			assert(strlen(buf) == MIN(size - 1, (size_t)6) && strncmp(buf, "kernel", size - 1) == 0);
		free(buf);
	}
}

static void test_numbers(void)
{
	static const struct { const char *text; uint64_t value; } good[] = {
		{ "0", 0 }, { "00", 0 }, { "7", 7 }, { "010", 8 }, { "0x10", 16 }, { "0XfF", 255 }, { "18446744073709551615", UINT64_MAX },
		{ "0xffffffffffffffff", UINT64_MAX }, { "01777777777777777777777", UINT64_MAX },
	};
	static const char *const bad[] = { "", " ", "x", "0x", "0xg", "08", "1a", "-1", "+1", " 1", "1 ", "18446744073709551616",
					   "0x10000000000000000", "02000000000000000000000", "1\n" };
	uint64_t value;

	for (unsigned i = 0; i < ARRAY_LEN(good); i++)
		assert(kernel_string_to_u64(good[i].text, &value) && value == good[i].value);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert(!kernel_string_to_u64(bad[i], &value));
}

int main(void)
{
	test_copies();
	test_searches();
	test_string_copy();
	test_numbers();
	return 0;
}
