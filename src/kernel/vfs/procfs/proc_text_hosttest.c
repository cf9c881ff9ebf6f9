/* SPDX-License-Identifier: MIT */
/* Host test of /proc's growing text and its number formats. */
/* LINK: vfs/procfs/proc_text.c */
#include <assert.h>
#include <string.h>

#include "vfs/procfs/proc_text.h"

static bool text_is(struct proc_text *text, const char *expected)
{
	bool same = !text->failed && text->len == strlen(expected) && memcmp(text->data, expected, text->len) == 0;

	proc_text_clear(text);
	return same;
}

int main(void)
{
	struct proc_text text = { 0 };
	char long_word[5000];

	proc_text_add_seconds(&text, 0);
	assert(text_is(&text, "0.00"));
	proc_text_add_seconds(&text, 12345999999999ull);
	assert(text_is(&text, "12345.99"));
	proc_text_add_seconds(&text, 1050000000);
	assert(text_is(&text, "1.05"));

	proc_text_add_load(&text, 0);
	assert(text_is(&text, "0.00"));
	proc_text_add_load(&text, 2048);
	assert(text_is(&text, "1.00"));
	proc_text_add_load(&text, 2047);	/* rounds up into the whole part */
	assert(text_is(&text, "1.00"));
	proc_text_add_load(&text, 143);
	assert(text_is(&text, "0.07"));

	proc_text_add_escaped(&text, "/mnt/a b\tc\\d\n");
	assert(text_is(&text, "/mnt/a\\040b\\011c\\134d\\012"));

	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = 0;
	proc_text_print(&text, "%s", long_word);
	assert(text_is(&text, long_word));
	for (unsigned i = 0; i < 3000; i++)
		proc_text_print(&text, "%u,", i % 10);
	assert(text.len == 6000 && memcmp(text.data + 5990, "5,6,7,8,9,", 10) == 0);
	proc_text_clear(&text);

	/* At the limit the text says so instead of growing. */
	while (!text.failed)
		proc_text_add(&text, long_word, 4999);
	assert(text.len <= PROC_TEXT_MAX);
	proc_text_add(&text, "x", 1);
	assert(text.failed && text.len <= PROC_TEXT_MAX);
	proc_text_clear(&text);
	assert(!text.failed && !text.data);
	return 0;
}
