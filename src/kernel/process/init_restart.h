/* SPDX-License-Identifier: MIT */
/* Inside process/: process 1's second life. */
#pragma once

#include "process/internal.h"

struct exec;

/* Keeps a sealed copy of the program at @path in memory from now on; panics when it cannot. At boot, with the root mounted. May sleep. */
void init_keep_program(const char *path);

/* As exec_load(), of that copy. */
int init_load_program(struct exec *exec);

/*
 * Process 1's last thread, off the thread list, calls it in place of ending the process. Returns with the new instance started and preemption off; the
 * caller's own end is all that may follow. Panics when process 1 dies too often or memory is out. May sleep.
 */
void init_restart(struct process *process);

/* init_process.c: the first thread of process 1, which blocks what is pending, at the start of @exec's program, listed but not yet started. Panics. */
struct thread *init_make_thread(struct process *process, const struct exec *exec);
