/* SPDX-License-Identifier: MIT */
/* What the rest of the kernel uses of sockets. */
#pragma once

#include "lib/types.h"

struct proc_text;

void net_init(void);
uint64_t net_socket_number(void);	/* of a new socket: for stat and /proc */

/*
 * A reference to a file that has a before_put op was put, but not the last one: by what that op said, looks for sockets that nobody can reach any more. No
 * lock of the VFS is held but for file positions. May sleep.
 */
void unix_after_put(uint64_t said);

void unix_show_all(struct proc_text *text);	/* /proc/net/unix */
