/* SPDX-License-Identifier: MIT */
/* The system calls and what their arguments are, as syscalls.def has them. For one program each: the table is static. */
#ifndef CALLS_H
#define CALLS_H

#include "built_with.h"

#include <raeen/caps.h>
#include <stddef.h>

enum argument_kind {
	ARG_NUMBER, ARG_COUNT, ARG_SIZE, ARG_SET_SIZE, ARG_RESOURCE, ARG_SIGNAL, ARG_FD, ARG_EPOLL, ARG_DIR, ARG_PID, ARG_ADDRESS, ARG_PATH, ARG_POINTER,
};

enum { CALL_ARGUMENTS = 6 };

struct call {
	int number;
	const char *name;
	unsigned count;
	struct { enum argument_kind kind; const char *name; } arguments[CALL_ARGUMENTS];
	uint64_t always, depends;	/* capabilities: tested before all else; needed by what some arguments mean */
	const char *feature;		/* that the kernel may be built without, and then without the call; or NULL */
};

static const struct call calls[] = {
#include "call_table.h"
};
enum { CALLS = sizeof calls / sizeof *calls };

static inline int call_is_here(const struct call *call)
{
	return !call->feature || kernel_has(call->feature);
}

#endif
