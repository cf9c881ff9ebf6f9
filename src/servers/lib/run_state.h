/* SPDX-License-Identifier: MIT */
/* What the kernel tells about a service's process: whether it gets its share of the CPU. */
#ifndef SERVERS_LIB_RUN_STATE_H
#define SERVERS_LIB_RUN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t now_ns(void);

/* CPU time that process @pid has used; 0 when it cannot be told. */
uint64_t process_cpu_ns(pid_t pid);

/* True when some thread of process @pid waits for a CPU and none has one. */
bool process_is_ready(pid_t pid);

/* Whether it is a child of the caller's that has not been waited for. */
bool process_is_child(pid_t pid);

/* Makes @text say what @status, as of waitpid(), means: "ended with status 1", "was ended by signal 9 (Killed)". Returns it. */
const char *process_describe_end(int status, char *text, size_t size);

#endif
