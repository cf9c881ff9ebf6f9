/* SPDX-License-Identifier: MIT */
/* What the threads of a group of processes do: printed of a test that does not end. */
#pragma once

#include <sys/types.h>

/* Prints a line for each thread of the processes whose group is @group, 200 at most: its state, times, and where in the kernel it is. */
void group_threads_print(pid_t group);
