/* SPDX-License-Identifier: MIT */
/*
 * profile: samples where every CPU is while a command runs.
 *
 *	profile -o FILE [-r RATE] [-s KIB] COMMAND [ARGUMENT...]
 *
 * RATE: samples a second and CPU (1000). -s: the size of each CPU's ring. FILE is for toolchain/flame-graph on the host. Exits as the command does.
 */
#include "lib/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(FILE *to)
{
	fputs("usage: profile -o FILE [-r RATE] [-s KIB] COMMAND [ARGUMENT...]\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct recording recording = { .program = "profile", .maps = true };
	const char *rate = "1000", *size = "2048";
	int option;

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	while ((option = getopt(argc, argv, "+o:r:s:")) >= 0) {
		if (option == 'o')
			recording.output = optarg;
		else if (option == 'r')
			rate = optarg;
		else if (option == 's')
			size = optarg;
		else
			optind = argc;
	}
	if (!recording.output || optind >= argc)
		return usage(stderr);
	recording.command = argv + optind;
	snprintf(recording.switch_on, sizeof recording.switch_on, "on sample rate=%.10s size=%.10s", rate, size);
	return record(&recording);
}
