/* SPDX-License-Identifier: MIT */
/* What a wait4 or waitid asks for, and what it finds. */
#pragma once

#include <linux/resource.h>

#include "lib/types.h"

struct process;

struct wait_request {
	int type, id;		/* P_ALL, P_PID, P_PGID, P_PIDFD */
	const struct process *process;	/* P_PIDFD: referenced */
	int options;		/* WEXITED … */
};

/* What a child had to tell. */
struct wait_event {
	int pid;
	uint32_t uid;
	int code;		/* CLD_* */
	int status;		/* as wait4 gives it */
	struct rusage usage;
};
