/* SPDX-License-Identifier: MIT */
/* The system calls about capabilities, and their names. */
#ifndef CAPABILITY_H
#define CAPABILITY_H

#include <raeen/caps.h>
#include <stdbool.h>
#include <sys/types.h>

/* The sets of process @pid, 0: the caller's. 0, or -1 with errno: ESRCH, or ENOSYS on another kernel. */
int capability_get(pid_t pid, struct capability_sets *sets);
/* Sets the caller's. -1 with errno EPERM if that adds some without SYS_ADMIN. */
int capability_set(const struct capability_sets *sets);
/* Can the calling thread use all of @bits just now? */
bool capability_check(uint64_t bits);

/* The bit of capability @name, for example "FILE_READ"; 0: there is none. */
uint64_t capability_find(const char *name);

/*
 * The last call before a launcher's exec: the program, and what it starts, will have those of @bits that are permitted to the caller, and no others. The
 * caller itself keeps FILE_EXECUTE, if it has it, for that exec alone. 0, or -1 with errno.
 */
int capability_set_for_exec(uint64_t bits);

#endif
