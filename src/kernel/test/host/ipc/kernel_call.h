/* SPDX-License-Identifier: MIT */
/* For host tests of what servers ask of the kernel: the side of ipc/kernel_call.h that their system calls use, without processes. */
#pragma once

#include "abi/raeen/ipc.h"
#include "lib/types.h"

struct port;
struct kernel_call_server { struct port *port; };

int kernel_call_server_borrow(int fd, struct kernel_call_server *server);
void kernel_call_server_release(const struct kernel_call_server *server);
struct kernel_call_asked { uint32_t type; uint64_t first; };
int kernel_call_check(const struct kernel_call_server *server, uint64_t token, bool final, const void *answer, unsigned length,
		      struct kernel_call_asked *asked);
