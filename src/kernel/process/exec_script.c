/* SPDX-License-Identifier: MIT */
/* The first line of a script: `#!`, blanks, the interpreter, and everything after it as one argument. Pure. */
#include "lib/errno.h"
#include "lib/string.h"
#include "process/exec_internal.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

static char *skip_name(char *p)
{
	while (*p && !is_blank(*p))
		p++;
	return p;
}

/*
 * @line: the first @len bytes of the file, starting with "#!", in SCRIPT_LINE_MAX + 1 bytes. As on Linux a line that does not end within SCRIPT_LINE_MAX
 * bytes, or before a NUL, is all bytes but the last one, unless that would cut the interpreter's name; and the name may be empty.
 */
int script_parse(char *line, size_t len, char **interpreter, char **argument)
{
	char *last = line + SCRIPT_LINE_MAX - 1, *end, *p;

	memset(line + len, 0, SCRIPT_LINE_MAX + 1 - len);
	end = memchr(line, '\n', strlen(line));
	if (!end) {
		if (skip_name(skip_blanks(line + 2)) > last)
			return -ENOEXEC;
		end = last;
	}
	while (is_blank(end[-1]))
		end--;
	*end = '\0';
	*interpreter = skip_blanks(line + 2);
	if (*interpreter == end)
		return -ENOEXEC;
	p = skip_name(*interpreter);
	*argument = *p ? skip_blanks(p + 1) : NULL;
	*p = '\0';
	return 0;
}
