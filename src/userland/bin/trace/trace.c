/* SPDX-License-Identifier: MIT */
/*
 * trace: records what the kernel does while a command runs.
 *
 *	trace -o FILE [-e GROUP,GROUP...] [-s KIB] COMMAND [ARGUMENT...]
 *
 * Groups: sched, syscall, fault, irq, message (all by default). -s: the size of each CPU's ring. FILE is for toolchain/trace-timeline on the host. Exits as the
 * command does.
 */
#include "lib/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(FILE *to)
{
	fputs("usage: trace -o FILE [-e sched,syscall,fault,irq,message] [-s KIB] COMMAND [ARGUMENT...]\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct recording recording = { .program = "trace" };
	const char *groups = "sched,syscall,fault,irq,message", *size = "2048";
	int option;

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	while ((option = getopt(argc, argv, "+o:e:s:")) >= 0) {
		if (option == 'o')
			recording.output = optarg;
		else if (option == 'e')
			groups = optarg;
		else if (option == 's')
			size = optarg;
		else
			optind = argc;
	}
	if (!recording.output || optind >= argc)
		return usage(stderr);
	recording.command = argv + optind;
	snprintf(recording.switch_on, sizeof recording.switch_on, "on %.48s size=%.10s", groups, size);
	return record(&recording);
}
