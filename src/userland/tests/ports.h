/* SPDX-License-Identifier: MIT */
/* Native calls on ports as tests make them: what lies behind libraeen, with nothing between. */
#pragma once

#include "check.h"

#include <raeen/ipc.h>
#include <stdint.h>
#include <string.h>

enum {
	NR_port_create = 1024, NR_port_open, NR_msg_buffer, NR_msg_call, NR_msg_send, NR_msg_recv, NR_msg_reply, NR_msg_reply_recv, NR_msg_send_many,
	NR_msg_recv_many, NR_port_notify, NR_port_control, NR_port_restrict,
	NR_cap_check = 1039, NR_cap_set = 1038,
	NR_msg_ask = 1044, NR_msg_serve,
};

/* What comes back in registers. */
struct result { int64_t value; uint64_t token, badge; };

static inline struct result native(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e;
	struct result result;

	__asm__ volatile("syscall" : "=a"(result.value), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8) : "0"(number)
			 : "rcx", "r9", "r11", "rbx", "r12", "r13", "r14", "r15", "memory");
	result.token = c;
	result.badge = r8;
	return result;
}

/* The program's errno way: -1 with errno. */
static inline long checked(struct result result)
{
	if (result.value >= 0 || result.value < -4095)
		return result.value;
	errno = -result.value;
	return -1;
}

static inline int port_create(const char *name, unsigned flags) { return checked(native(NR_port_create, (uint64_t)name, flags, 0, 0, 0)); }
static inline int port_open(const char *name, unsigned rights) { return checked(native(NR_port_open, (uint64_t)name, rights, 0, 0, 0)); }
static inline char *msg_buffer(void) { return (char *)native(NR_msg_buffer, 0, 0, 0, 0, 0).value; }
static inline long port_notify(int fd, uint64_t bits) { return checked(native(NR_port_notify, fd, bits, 0, 0, 0)); }
static inline long port_control(int fd, unsigned operation, uint64_t argument) { return checked(native(NR_port_control, fd, operation, argument, 0, 0)); }
static inline long port_restrict(const void *names, size_t size) { return checked(native(NR_port_restrict, (uint64_t)names, size, 0, 0, 0)); }

static inline struct result msg_call(int fd, msg_header header, int64_t timeout, struct msg_extra *extra)
{
	return native(NR_msg_call, fd, header, timeout, (uint64_t)extra, 0);
}
static inline long msg_send(int fd, msg_header header, int64_t timeout, struct msg_extra *extra)
{
	return checked(native(NR_msg_send, fd, header, timeout, (uint64_t)extra, 0));
}
static inline struct result msg_recv(int fd, int64_t timeout, struct msg_extra *extra)
{
	return native(NR_msg_recv, fd, timeout, (uint64_t)extra, 0, 0);
}
static inline long msg_reply(int fd, msg_header header, uint64_t token, struct msg_extra *extra)
{
	return checked(native(NR_msg_reply, fd, header, token, (uint64_t)extra, 0));
}
static inline struct result msg_reply_recv(int fd, msg_header header, uint64_t token, int64_t timeout, struct msg_extra *extra)
{
	return native(NR_msg_reply_recv, fd, header, token, timeout, (uint64_t)extra);
}
/* The two that are shorter. */
static inline struct result msg_ask(int fd, msg_header header) { return native(NR_msg_ask, fd, header, 0, 0, 0); }
static inline struct result msg_serve(int fd, msg_header header, uint64_t token) { return native(NR_msg_serve, fd, header, token, 0, 0); }

#define HEADER(type, length) msg_header_make(type, length, 0, 0)
