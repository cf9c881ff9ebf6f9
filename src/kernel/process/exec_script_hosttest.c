/* SPDX-License-Identifier: MIT */
/* The `#!` line: blanks, one argument, lines that are cut or empty. */
/* LINK: process/exec_script.c */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/exec_internal.h"

/* Parses @text exactly as exec has it: in a buffer one byte longer. @interpreter NULL: refused. */
static void expect(const char *text, size_t len, const char *interpreter, const char *argument)
{
	char *line = malloc(len + 1), *got_interpreter, *got_argument;
	int error;

	memcpy(line, text, len);
	line[len] = 'X';
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
	expect_text("#!/bin/sh   ", "/bin/sh", NULL);
	expect_text("#!", NULL, NULL);
	expect_text("#!\n", NULL, NULL);
	expect_text("#!   \t \n/bin/sh\n", NULL, NULL);
	expect("#!/bin/sh\0-e\n", 13, "/bin/sh", NULL);

	/* A name that fills all that was read may have been cut. */
	memset(full, 'a', sizeof(full));
	memcpy(full, "#!/", 3);
	expect(full, sizeof(full), NULL, NULL);
	/* A cut argument is used as it is. */
	full[20] = ' ';
	full[sizeof(full) - 1] = 'z';
	{
		char argument[SCRIPT_LINE_MAX] = { 0 }, interpreter[32] = { 0 };

		memcpy(interpreter, full + 2, 18);
		memcpy(argument, full + 21, sizeof(full) - 21);
		expect(full, sizeof(full), interpreter, argument);
	}

	srand(7);
	for (int i = 0; i < 100000; i++) {
		char line[SCRIPT_LINE_MAX + 1] = "#!", *interpreter, *argument;
		size_t len = 2 + rand() % (SCRIPT_LINE_MAX - 1);

		for (size_t k = 2; k < len; k++)
			line[k] = " \t\nab/\0"[rand() % 7];
		if (!script_parse(line, len, &interpreter, &argument)) {
			assert(*interpreter && !strpbrk(interpreter, " \t\n"));
			assert(!argument || (*argument && *argument != ' ' && !strchr(argument, '\n')));
		}
	}
	return 0;
}
