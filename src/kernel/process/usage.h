/* SPDX-License-Identifier: MIT */
/* Resource usage as getrusage and wait4 report it. */
#pragma once

#include <linux/resource.h>

struct process;

/* Of the process itself and of the children it has reaped, together (wait4). process_tree_lock held. */
void usage_of_process(struct process *process, struct rusage *usage);
