/* SPDX-License-Identifier: MIT */
/*
 * Calls that the kernel makes for the calling thread to a service: what a file system in a server is asked. They are messages like any other, so they
 * lend their caller's priority, are given out again when the service dies (PORT_REPLAY), and can be served by the usual loop; as sender the service sees
 * pid 0 with every capability. Their types are those that programs cannot send (MSG_TYPE_KERNEL).
 */
#pragma once

#include "abi/raeen/ipc.h"
#include "lib/types.h"
#include "vfs/fd_table.h"

struct kernel_call;
struct port;

/* The persistent, replaying port of that name, if the caller may open it, with a reference: else NULL and -ENOENT or -EINVAL in *error. */
struct port *kernel_call_port(const char *name, int *error);
void kernel_call_port_put(struct port *port);

/* Room for a message and its answer. NULL when out of memory. */
struct kernel_call *kernel_call_begin(void);
void kernel_call_end(struct kernel_call *call);

/* The MSG_PAYLOAD_MAX bytes that are sent, and where the answer comes; nobody else can touch them but during kernel_call(). */
void *kernel_call_payload(struct kernel_call *call);

/*
 * Sends the first @length bytes as a message of @type and waits for the answer: its length, or the negative errno with which the service refused, or -EIO
 * when it gave none, or -EINTR when the calling thread was killed meanwhile (the service's own EINTR is EIO): it may do what it was asked all the same. Any
 * thread, also one of the kernel's own. Sleeps; no lock is held.
 */
long kernel_call(struct kernel_call *call, struct port *port, uint32_t type, unsigned length);

/* ---- The other side: what the server does in a system call of its own ---- */

/* Who receives, as his handle shows. */
struct kernel_call_server {
	struct fd_ref fd;
	struct port *port;		/* while the handle is borrowed */
	uint32_t epoch;
};

/* Borrows the handle @fd: 0, -EBADF (it is not one with RECV), -ESTALE (another instance has taken over). To be released, when 0. */
int kernel_call_server_borrow(int fd, struct kernel_call_server *server);
void kernel_call_server_release(const struct kernel_call_server *server);

/*
 * Is @server still the port's receiver, and, unless @token is 0, the kernel's call @token in its hands? If so, and @final, that call ends with @length bytes
 * at @answer: both at one instant. 0, -ESTALE, -ENOENT (whoever asked has given up, or it is no call of the kernel's). Does not sleep, takes the port's lock.
 * *@asked: what that call asks.
 */
struct kernel_call_asked {
	uint32_t type;		/* 0: there is no call */
	uint64_t first;		/* the first word of its bytes, if it has one */
};
int kernel_call_check(const struct kernel_call_server *server, uint64_t token, bool final, const void *answer, unsigned length,
		      struct kernel_call_asked *asked);
