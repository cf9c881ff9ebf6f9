/* SPDX-License-Identifier: MIT */
/* The `#!` line: blanks, one argument, lines that are cut or empty. */
/* LINK: process/exec_script.c */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/exec_internal.h"

/* Parses @text as exec has it: in a buffer of one byte more than a line can have. @interpreter NULL: refused. */
static void expect(const char *text, size_t len, const char *interpreter, const char *argument)
{
	char *line = malloc(SCRIPT_LINE_MAX + 1), *got_interpreter, *got_argument;
	int error;

	memset(line, 'X', SCRIPT_LINE_MAX + 1);
	memcpy(line, text, len);
	error = script_parse(line, len, &got_interpreter, &got_argument);
	if (!interpreter) {
		assert(error == -ENOEXEC);
	} else {
		assert(!error && strcmp(got_interpreter, interpreter) == 0);
		assert(argument ? got_argument && strcmp(got_argument, argument) == 0 : !got_argument);
	}
	free(line);
}

static void expect_text(const char *text, const char *interpreter, const char *argument)
{
	expect(text, strlen(text), interpreter, argument);
}

int main(void)
{
	char full[SCRIPT_LINE_MAX];

	expect_text("#!/bin/sh\necho", "/bin/sh", NULL);
	expect_text("#! /bin/sh -e\n", "/bin/sh", "-e");
	expect_text("#!\t/bin/awk  -f  x y \t\n", "/bin/awk", "-f  x y");
	expect_text("#!/bin/sh", "/bin/sh", NULL);
	expect_text("#!/bin/sh   ", "/bin/sh", "");
	/* An empty name is refused later: it is that of a directory. */
	expect_text("#!", "", NULL);
	expect("#!\0/bin/sh\n", 11, "", NULL);
	expect_text("#!\n", NULL, NULL);
	expect_text("#!   \t \n/bin/sh\n", NULL, NULL);
	expect("#!/bin/sh\0-e\n", 13, "/bin/sh", NULL);
	/* Before a NUL no line ends; so blanks before it belong to the argument. */
	expect("#!/bin/sh x \0 y\n", 16, "/bin/sh", "x ");
	expect("#!/bin/sh \0 y\n", 14, "/bin/sh", "");

	/* A name that fills all that was read may have been cut. */
	memset(full, 'a', sizeof(full));
	memcpy(full, "#!/", 3);
	expect(full, sizeof(full), NULL, NULL);
	/* Unless a blank is the last byte. */
	full[sizeof(full) - 1] = ' ';
	{
		char name[SCRIPT_LINE_MAX] = { 0 };

		memcpy(name, full + 2, sizeof(full) - 3);
		expect(full, sizeof(full), name, NULL);
	}
	/* A cut argument is used as it is, without the last byte. */
	full[20] = ' ';
	full[sizeof(full) - 1] = 'z';
	{
		char argument[SCRIPT_LINE_MAX] = { 0 }, interpreter[32] = { 0 };

		memcpy(interpreter, full + 2, 18);
		memcpy(argument, full + 21, sizeof(full) - 22);
		expect(full, sizeof(full), interpreter, argument);
	}

	srand(7);
	for (int i = 0; i < 100000; i++) {
		char line[SCRIPT_LINE_MAX + 1] = "#!", *interpreter, *argument;
		size_t len = 2 + rand() % (SCRIPT_LINE_MAX - 1);

		for (size_t k = 2; k < len; k++)
			line[k] = " \t\nab/\0"[rand() % 7];
		if (!script_parse(line, len, &interpreter, &argument)) {
			assert(!strpbrk(interpreter, " \t\n"));
			assert(!argument || (*argument != ' ' && !strchr(argument, '\n')));
		}
	}
	return 0;
}
