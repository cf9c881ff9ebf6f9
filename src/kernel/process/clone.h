/* SPDX-License-Identifier: MIT */
/* What fork, vfork, clone and clone3 have in common. */
#pragma once

#include "lib/types.h"

struct clone_request {
	uint64_t flags;		/* CLONE_*, without the signal */
	int exit_signal;
	uint64_t stack;		/* the child's stack pointer, 0: as the parent's */
	uaddr_t parent_tid, child_tid;
	uaddr_t pidfd;		/* where CLONE_PIDFD wants the descriptor */
	uint64_t tls;
};

/* Checks the combination of flags, then makes the process or thread. Its number, or a negative errno. */
long clone_perform(const struct clone_request *request);
