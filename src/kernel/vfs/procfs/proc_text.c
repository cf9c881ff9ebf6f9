/* SPDX-License-Identifier: MIT */
/* Growing text and the few formats that /proc needs beyond printf's. Pure but for the heap. */
#include "vfs/procfs/proc_text.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { FIRST_CAPACITY = 1024, LOAD_SHIFT = 11 };

char *proc_text_reserve(struct proc_text *text, size_t len)
{
	size_t capacity = MAX(text->capacity, (size_t)FIRST_CAPACITY);
	char *grown;

	if (text->failed || len > PROC_TEXT_MAX - text->len) {
		text->failed = true;
		return NULL;
	}
	if (text->len + len <= text->capacity)
		return text->data + text->len;
	while (capacity < text->len + len)
		capacity *= 2;
	grown = kmalloc(capacity);
	if (!grown) {
		text->failed = true;
		return NULL;
	}
	if (text->len)
		memcpy(grown, text->data, text->len);
	kfree(text->data);
	text->data = grown;
	text->capacity = capacity;
	return grown + text->len;
}

void proc_text_commit(struct proc_text *text, size_t len)
{
	text->len += len;
}

void proc_text_add(struct proc_text *text, const void *bytes, size_t len)
{
	char *room = proc_text_reserve(text, len);

	if (room) {
		memcpy(room, bytes, len);
		text->len += len;
	}
}

void proc_text_print(struct proc_text *text, const char *format, ...)
{
	enum { GUESS = 128 };
	char *room = proc_text_reserve(text, GUESS);
	va_list args;
	int len;

	if (!room)
		return;
	va_start(args, format);
	len = vsnprintf(room, GUESS, format, args);
	va_end(args);
	if (len >= GUESS) {
		room = proc_text_reserve(text, len + 1);
		if (!room)
			return;
		va_start(args, format);
		vsnprintf(room, len + 1, format, args);
		va_end(args);
	}
	text->len += len;
}

void proc_text_clear(struct proc_text *text)
{
	kfree(text->data);
	*text = (struct proc_text){ NULL };
}

void proc_text_add_escaped(struct proc_text *text, const char *name)
{
	for (; *name; name++) {
		if (strchr(" \t\n\\", *name))
			proc_text_print(text, "\\%03o", (unsigned)*name);
		else
			proc_text_add(text, name, 1);
	}
}

void proc_text_add_seconds(struct proc_text *text, uint64_t ns)
{
	proc_text_print(text, "%llu.%02llu", (unsigned long long)(ns / 1000000000), (unsigned long long)(ns / 10000000 % 100));
}

void proc_text_add_load(struct proc_text *text, uint64_t load)
{
	uint64_t hundredths = (load * 100 + (1 << (LOAD_SHIFT - 1))) >> LOAD_SHIFT;

	proc_text_print(text, "%llu.%02llu", (unsigned long long)(hundredths / 100), (unsigned long long)(hundredths % 100));
}
