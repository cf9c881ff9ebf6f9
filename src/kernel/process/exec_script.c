/* SPDX-License-Identifier: MIT */
/* The first line of a script: `#!`, blanks, the interpreter, and everything after it as one argument. Pure. */
#include "lib/errno.h"
#include "lib/string.h"
#include "process/exec_internal.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * @line: the first @len bytes of the file, starting with "#!", with room for a NUL at line[len]. A line that does not end within
 * SCRIPT_LINE_MAX bytes is cut there, unless that would cut the interpreter's name.
 */
int script_parse(char *line, size_t len, char **interpreter, char **argument)
{
	char *end = memchr(line, '\n', len), *nul, *p = line + 2;
	bool whole = end;

	if (!end)
		end = line + len;
	nul = memchr(line, '\0', end - line);
	if (nul) {
		end = nul;
		whole = true;
	}
	/* A file shorter than the buffer ends by itself. */
	whole |= len < SCRIPT_LINE_MAX;
	while (end > p && is_blank(end[-1]))
		end--;
	*end = '\0';
	while (is_blank(*p))
		p++;
	if (!*p)
		return -ENOEXEC;
	*interpreter = p;
	while (*p && !is_blank(*p))
		p++;
	if (!*p && !whole)
		return -ENOEXEC;	/* the name may go on beyond what was read */
	*argument = NULL;
	if (!*p)
		return 0;
	*p++ = '\0';
	while (is_blank(*p))
		p++;
	if (*p)
		*argument = p;
	return 0;
}
