/* SPDX-License-Identifier: MIT */
/* Clocks of CPU time: what a process or a thread has used. */
#pragma once

#include "lib/types.h"

struct cpu_clock {
	struct process *process;	/* a reference; NULL: it is a thread's clock */
	struct thread *thread;		/* a reference; NULL: it is a process's, or none at all */
	bool user_only;
};

/* Does @id name one, of somebody or nobody? */
bool cpu_clock_is(int id);

/* The clock that @id names, a process's or one of the caller's threads': 0, or -EINVAL. It stands still when who it is about has ended. */
int cpu_clock_get(struct cpu_clock *clock, int id);
void cpu_clock_put(const struct cpu_clock *clock);

/* Nanoseconds. _locked: of a thread, or of a process whose signal_lock is held. */
uint64_t cpu_clock_read(const struct cpu_clock *clock);
uint64_t cpu_clock_read_locked(const struct cpu_clock *clock);

/* After how long (ns) to look at such a clock again that has @left to go: nobody tells when it gets there. */
uint64_t cpu_clock_pause(uint64_t left);
