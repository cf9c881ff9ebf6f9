/* SPDX-License-Identifier: MIT */
/* Resource limits: what process 1 starts with, and how they reach the memory manager. */
#pragma once

enum { NOFILE_CEILING = 1048576 };	/* descriptors that a process can have */

struct process;
struct address_space;

void limits_init(struct process *process);
/* Copies the memory limits of @process into @as, whose lock is held for writing, or which nobody else has. */
void limits_apply(struct process *process, struct address_space *as);
