/* SPDX-License-Identifier: MIT */
/* Processes as descriptors. */
#pragma once

#include "lib/types.h"

struct process;

/* A new file on @process, which gets a reference; @flags: 0 or O_NONBLOCK. NULL when out of memory. */
struct file *pidfd_create_file(struct process *process, unsigned flags);
/* The process behind a descriptor of the caller, referenced, and whether that is non-blocking. NULL: it is none of a process. */
struct process *pidfd_get(int fd, bool *nonblocking);
