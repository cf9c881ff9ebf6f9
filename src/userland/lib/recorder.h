/* SPDX-License-Identifier: MIT */
/* Runs a command while the kernel records, and keeps the records in a file (format: src/kernel/abi/trace_records.h). */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdbool.h>

struct recording {
	const char *program;		/* our name, for messages */
	const char *output;		/* the file */
	char *const *command;
	char switch_on[96];		/* what /dev/trace is told */
	bool maps;			/* add the executable mappings of sampled processes */
};

/* Returns the command's exit status, 128 + a signal's number, or 1 after a message. */
int record(const struct recording *recording);

#endif
