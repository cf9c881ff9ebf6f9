/* SPDX-License-Identifier: MIT */
/* From a pattern to the name of a core file; see core_name.h. */
#include "process/core_name.h"
#include "lib/printf.h"
#include "lib/string.h"

struct name { char *text; size_t len; bool too_long; };

static void add(struct name *name, const char *text, size_t len)
{
	if (len >= CORE_NAME_SIZE - name->len) {
		name->too_long = true;
		return;
	}
	memcpy(name->text + name->len, text, len);
	name->len += len;
	name->text[name->len] = '\0';
}

static void add_number(struct name *name, uint64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);

	add(name, digits, len);
}

/* What programs choose never leads to another folder. */
static void add_escaped(struct name *name, const char *text)
{
	size_t start = name->len;

	add(name, text, strlen(text));
	for (size_t i = start; i < name->len; i++)
		if (name->text[i] == '/' || (i == start && name->text[i] == '.' && (!text[1] || (text[1] == '.' && !text[2]))))
			name->text[i] = '!';
}

static void add_fact(struct name *name, char specifier, const struct core_facts *facts)
{
	switch (specifier) {
	case '%':
		add(name, "%", 1);
		break;
	case 'p':
	case 'P':
		add_number(name, facts->pid);
		break;
	case 'i':
	case 'I':
		add_number(name, facts->tid);
		break;
	case 'u':
		add_number(name, facts->uid);
		break;
	case 'g':
		add_number(name, facts->gid);
		break;
	case 's':
		add_number(name, facts->signal);
		break;
	case 't':
		add_number(name, facts->time);
		break;
	case 'c':
		add_number(name, facts->limit);
		break;
	case 'd':
		add(name, "1", 1);	/* others leave none */
		break;
	case 'h':
		add_escaped(name, facts->host);
		break;
	case 'e':
		add_escaped(name, facts->program);
		break;
	}
}

bool core_name_make(char text[CORE_NAME_SIZE], const char *pattern, bool uses_pid, const struct core_facts *facts)
{
	struct name name = { .text = text };

	text[0] = '\0';
	for (; *pattern; pattern++) {
		if (*pattern != '%') {
			add(&name, pattern, 1);
			continue;
		}
		/* A single one at the end is dropped. */
		if (!*++pattern)
			break;
		uses_pid &= *pattern != 'p';
		add_fact(&name, *pattern, facts);
	}
	if (uses_pid) {
		add(&name, ".", 1);
		add_number(&name, facts->pid);
	}
	return !name.too_long;
}
