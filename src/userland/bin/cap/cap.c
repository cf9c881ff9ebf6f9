/* SPDX-License-Identifier: MIT */
/*
 * cap: which capabilities there are (src/kernel/security/README.md) and who has them.
 *
 *	cap				of this process
 *	cap PID				of another one
 *	cap drop NAME... -- PROGRAM...	runs PROGRAM without these
 *
 * A line for each: its name, whether the process can use it, whether the next program that it runs begins with it, and what it is for.
 */
#include "lib/capability.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

static int usage(FILE *to)
{
	fputs("usage: cap [PID]\n       cap drop NAME... -- PROGRAM [ARGUMENT...]\n", to);
	return to == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

static int list(pid_t pid)
{
	struct capability_sets sets;

	if (capability_get(pid, &sets) < 0) {
		if (pid)
			fprintf(stderr, "cap: process %d: %s\n", pid, strerror(errno));
		else
			fprintf(stderr, "cap: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	printf("%-13s %-5s %-5s %s\n", "NAME", "NOW", "NEXT", "FOR");
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		const struct capability_name *one = &capability_names[i];

		printf("%-13s %-5s %-5s %s\n", one->name, sets.effective & one->bit ? "yes" : "-", sets.permitted & one->bit ? "yes" : "-",
		       one->meaning);
	}
	return EXIT_SUCCESS;
}

static int drop(char **words)
{
	uint64_t dropped = 0, bit;

	for (; *words && strcmp(*words, "--") != 0; words++) {
		bit = capability_find(*words);
		if (!bit) {
			fprintf(stderr, "cap: '%s': expected the name of a capability; \"cap\" lists them\n", *words);
			return EXIT_USAGE;
		}
		dropped |= bit;
	}
	if (!*words || !words[1] || !dropped)
		return usage(stderr);
	if (capability_set_for_exec(CAPABILITIES_ALL & ~dropped) < 0) {
		fprintf(stderr, "cap: cannot drop capabilities: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	execvp(words[1], &words[1]);
	fprintf(stderr, "cap: %s: %s\n", words[1], strerror(errno));
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

int main(int argc, char **argv)
{
	char *end;
	long pid;

	if (argc == 1)
		return list(0);
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "drop") == 0)
		return drop(&argv[2]);
	pid = strtol(argv[1], &end, 10);
	return argc != 2 || *end || end == argv[1] || pid <= 0 || pid > INT32_MAX ? usage(stderr) : list((pid_t)pid);
}
