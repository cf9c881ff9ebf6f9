/* SPDX-License-Identifier: MIT */
/* LINK: process/core_name.c */
#include "process/core_name.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct core_facts facts = { .pid = 12, .tid = 34, .signal = 11, .uid = 5, .gid = 6, .limit = UINT64_MAX, .time = 1700000000, .host = "a/b",
					 .program = "x" };

static void expect(const char *pattern, bool uses_pid, const char *want)
{
	char name[CORE_NAME_SIZE];

	assert(core_name_make(name, pattern, uses_pid, &facts));
	if (strcmp(name, want))
		printf("%s: %s, not %s\n", pattern, name, want);
	assert(!strcmp(name, want));
}

static void expect_program(const char *program, const char *want)
{
	struct core_facts other = facts;
	char name[CORE_NAME_SIZE];

	other.program = program;
	assert(core_name_make(name, "d/%e", false, &other) && !strcmp(name, want));
}

int main(void)
{
	char name[CORE_NAME_SIZE], pattern[CORE_PATTERN_SIZE] = "", program[100];
	struct core_facts other = facts;

	expect("core", false, "core");
	expect("core", true, "core.12");
	expect("core.%p", true, "core.12");
	expect("core.%%p", true, "core.%p.12");
	expect("%p-%P-%i-%I-%u-%g-%s", false, "12-12-34-34-5-6-11");
	expect("%c %t %d", false, "18446744073709551615 1700000000 1");
	expect("/var/%h/%e%", false, "/var/a!b/x");
	expect("a%zb", false, "ab");
	expect("", false, "");
	expect("", true, ".12");
	expect_program("..", "d/!.");
	expect_program(".", "d/!");
	expect_program("...", "d/...");
	expect_program(".x", "d/.x");
	expect_program("../../etc", "d/..!..!etc");

	memset(program, 'p', sizeof(program) - 1);
	program[sizeof(program) - 1] = '\0';
	other.program = program;
	assert(core_name_make(name, "%e%e", false, &other) && strlen(name) == 198);
	assert(!core_name_make(name, "%e%e%e", false, &other) && strlen(name) < sizeof(name));
	memset(pattern, 'q', sizeof(pattern) - 1);
	assert(core_name_make(name, pattern, true, &facts));
	return 0;
}
