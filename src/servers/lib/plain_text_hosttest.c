/* SPDX-License-Identifier: MIT */
/* LINK: lib/plain_text.c */
/* What is left of text for a terminal. */
#include "plain_text.h"
#include "check.h"

#include <string.h>

/* What is left of @from must be @to, also when it comes in two pieces, wherever they are divided. */
static void check(const char *from, size_t length, const char *to)
{
	for (size_t cut = 0; cut <= length; cut++) {
		struct plain_text state = { 0 };
		char text[100];
		size_t first, second;

		memcpy(text, from, length);
		first = plain_text(&state, text, cut);
		second = plain_text(&state, text + cut, length - cut);
		memmove(text + first, text + cut, second);
		text[first + second] = '\0';
		CHECK(first + second == strlen(to) && strcmp(text, to) == 0, "'%s', cut at %zu, for '%s'", text, cut, to);
	}
}

#define CHECK_TEXT(from, to) check(from, sizeof(from) - 1, to)

int main(void)
{
	CHECK_TEXT("plain\ttext\n", "plain\ttext\n");
	CHECK_TEXT("\033[2J\033]0;title\a\r\b\x7f\0.\n", "[2J]0;title.\n");
	CHECK_TEXT("Gr\303\274\303\237e \342\202\254 \360\237\230\200\n", "Gr\303\274\303\237e \342\202\254 \360\237\230\200\n");
	/* CSI as one byte, as a character of two; within one of three bytes it is none. */
	CHECK_TEXT("a\2332Jb", "a2Jb");
	CHECK_TEXT("a\302\2332Jb", "a\3022Jb");
	CHECK_TEXT("\342\200\233", "\342\200\233");
	CHECK_TEXT("\300\200\365\377x", "x");
	CHECK_TEXT("\342\033[1m\200\233y", "\342[1my");
	return check_result("plain_text");
}
