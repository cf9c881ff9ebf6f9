/* SPDX-License-Identifier: MIT */
/* Resource limits: what process 1 starts with, and how they reach the memory manager. */
#pragma once

enum { NOFILE_CEILING = 1048576 };	/* descriptors that a process can have */

struct process;
struct address_space;

void limits_init(struct process *process);
/* Copies the memory limits of @process into @as. */
void limits_apply(struct process *process, struct address_space *as);
