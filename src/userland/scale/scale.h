/* SPDX-License-Identifier: MIT */
/*
 * The frame of the scaling benchmark (main.c) and its operations (operations.c).
 *
 * Whatever fails ends the program with a message: a number of a failing call is worth nothing.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST(condition)										\
	do {											\
		if (!(condition)) {								\
			fprintf(stderr, "scale: %s:%d: %s failed: %m\n", __FILE__, __LINE__, #condition);	\
			_exit(1);								\
		}										\
	} while (0)

enum { PAGE = 4096 };

/* What a worker has of its own. */
struct worker {
	char *region, *next;		/* memory to touch, and what is not touched yet */
	int to_partner[2], from_partner[2];
	pid_t partner;
};

struct operation {
	const char *name;
	unsigned chunk;			/* how many are done between two looks at the clock: some tens of microseconds of them */
	int threads;			/* workers are threads of one process, not processes */
	void (*run)(struct worker *worker, unsigned count);	/* does it @count times: what is timed */
	void (*renew)(struct worker *worker, unsigned count);	/* makes ready for @count more: not timed; may be NULL */
	void (*begin)(struct worker *worker);	/* on the worker's CPU; may be NULL */
	void (*end)(struct worker *worker);
};

extern const struct operation operations[];
extern const unsigned operation_count;
