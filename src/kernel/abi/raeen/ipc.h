/* SPDX-License-Identifier: MIT */
/*
 * Messages and ports, as kernel and programs agree on them. How they behave: src/kernel/ipc/README.md.
 *
 * A port is a queue of messages. Who has its RECV right receives them; who has a handle with SEND sends. Handles are descriptors. A message is a header of
 * 16 bytes, which travels in registers, and up to MSG_PAYLOAD_MAX bytes of payload, which lie in the *message buffer* of the thread that sends and come
 * to lie in that of the thread that receives: SYS_msg_buffer gives it. A reply comes where the request lay.
 */
#pragma once

#ifdef __KERNEL__
#include "lib/types.h"
#else
#include <stdint.h>
#endif

/* What a message is: the first word of its header. Made and taken apart by the functions below. */
typedef uint64_t msg_header;

enum {
	MSG_PAYLOAD_MAX = 8192,		/* bytes; the size of the message buffer */
	MSG_FAST_MAX = 128,		/* bytes, a multiple of 8, up to which the shortest way is taken at least */
	MSG_HANDLES_MAX = 8,
	MSG_PRIORITY_MAX = 31,		/* 0: ordinary; who has no real-time policy gets at most MSG_PRIORITY_SHARED */
	MSG_PRIORITY_SHARED = 15,
	PORT_NAME_MAX = 48,		/* bytes with the NUL; letters, digits, "._-" */
};

/* @type: of the protocol, below MSG_TYPE_KERNEL. @length: bytes of payload. */
static inline msg_header msg_header_make(uint32_t type, unsigned length, unsigned handles, unsigned priority)
{
	return type | (uint64_t)length << 32 | (uint64_t)handles << 48 | (uint64_t)priority << 56;
}

static inline uint32_t msg_type(msg_header header) { return (uint32_t)header; }
static inline unsigned msg_length(msg_header header) { return header >> 32 & 0xffff; }
static inline unsigned msg_handles(msg_header header) { return header >> 48 & 0xff; }
static inline unsigned msg_priority(msg_header header) { return header >> 56; }

/* Types that the kernel makes. No program can send them. */
enum {
	MSG_TYPE_KERNEL = 0x80000000,
	MSG_NOTIFICATION = MSG_TYPE_KERNEL,	/* no payload; the bits that were set stand where the token stands else */
	MSG_BATCH,				/* from SYS_msg_recv_many: the payload is a row of messages, see below */
};

/*
 * The token of a received message says which call is to be answered: once, by the receiver of the port. 0: nobody waits for an answer. It names
 * the instance (epoch) of the receiver, too, and is refused (ESTALE) once another has taken over, ENOENT when the caller has given up.
 */

/*
 * What does not fit in registers, in both directions; a pointer to it may be given with each message. Where none is, handles in a message are closed.
 * A call whose handles are gone is not made again after a signal, but returns EINTR.
 */
struct msg_extra {
	int32_t handles[MSG_HANDLES_MAX];	/* descriptors: sent ones are gone for the sender, whatever the call returns, unless it is EFAULT or EINVAL */
	uint64_t grants;			/* capabilities of the caller that the receiver may use until it answers (<raeen/caps.h>) */
	/* Filled when a message is received. */
	int32_t pid;				/* who sent it; 0: the kernel */
	uint32_t uid, gid;			/* effective */
	uint32_t deaths;			/* receivers that died with this request in their hands, or gave it up */
	uint64_t capabilities;			/* of the sender */
	uint64_t request;			/* the same number each time a request is given out again (PORT_REPLAY) */
};

/* Rights of a handle to a port. */
enum {
	PORT_SEND = 1 << 16,
	PORT_RECV = 1 << 17,		/* one handle has it; it cannot be duplicated, only moved in a message */
	PORT_NOTIFY = 1 << 18,
	PORT_DUP = 1 << 19,		/* may be duplicated, with fewer rights, by SYS_handle_dup, and sent on */
	PORT_MANAGE = 1 << 20,		/* SYS_port_control */
	PORT_RIGHTS = PORT_SEND | PORT_RECV | PORT_NOTIFY | PORT_DUP | PORT_MANAGE,
};

/*
 * SYS_port_create: a port with name @name (NULL: none), and a handle with every right. EEXIST while another has the name; EPERM if SYS_port_restrict has
 * taken it from the process, for which SYS_port_open finds nothing there (ENOENT). Who is not root with SYS_ADMIN makes only names that begin with
 * "user.UID." (EPERM), UID being the real user id in decimal, at most 64 at a time, and at most 2,048 ports with name or without (ENOSPC).
 */
enum {
	PORT_PERSISTENT = 1 << 0,	/* outlives its receiver: name, queue and clients' handles wait for the next one */
	PORT_REPLAY = 1 << 1,		/* persistent only: what a receiver held at its end is given to the next one; requests may be done twice */
	PORT_KEEP = 1 << 2,		/* the handle passes by fork and exec, unlike others */
};

/*
 * SYS_port_control, operations:
 *
 * PORT_TAKE (MANAGE; argument: flags, PORT_KEEP or 0) makes a handle with RECV, SEND and NOTIFY for a new receiver and returns it; who had RECV before
 * receives and answers no more: the epoch is a new one. Calls it held end with ECONNRESET, or with PORT_REPLAY are given out again.
 * PORT_STATE (RECV or MANAGE; argument: struct port_state *) tells about it.
 * PORT_ALIVE (RECV; argument: a token) tells whether the caller still waits: 0, -ENOENT or -ESTALE.
 * PORT_DROP (RECV; argument: a token) ends that call with EIO.
 */
enum { PORT_TAKE, PORT_STATE, PORT_ALIVE, PORT_DROP };

struct port_state {
	uint32_t epoch;			/* receivers so far */
	uint32_t flags;			/* PORT_PERSISTENT, PORT_REPLAY */
	uint32_t queued, held;		/* messages that wait; calls received and not yet answered */
	uint32_t receiver;		/* pid of who received last; 0: nobody yet */
	uint32_t reserved;
	uint64_t received, notified, replayed;	/* messages, notifications, requests given out again, since it was made */
};

/*
 * Batches. SYS_msg_send_many sends @count messages that lie one behind the other in the message buffer, each a struct msg_record followed by its payload,
 * and the next at a multiple of 8; none carries handles or waits for an answer. Returns how many were taken. SYS_msg_recv_many waits for one and takes
 * as many as there are, up to @max and what fits; one that fills the buffer comes alone, as by SYS_msg_recv. A message with handles ends the batch; when it is
 * the first it stays in the queue (EMSGSIZE) and comes by SYS_msg_recv.
 */
struct msg_record {
	msg_header header;
	uint64_t token;
};

/* Time-outs are nanoseconds; 0 does not wait (EAGAIN), MSG_WAIT waits until there is something. */
#define MSG_WAIT (-1ll)

/*
 * Registers. A call gives the kernel: rax number, rdi fd, rsi header, rdx, r10, r8, r9 the rest as syscalls.def has it. It returns: rax the header of what
 * was received or a negative errno, rdx the token or notification bits, r8 the badge of the handle it was sent by. The msg_ calls may change every
 * other register but rsp and rbp, SYS_port_notify what a call as on Linux may change, and rdx, r8 and r9.
 */

/*
 * SYS_msg_ask is SYS_msg_call without limit and extra, SYS_msg_serve is SYS_msg_reply_recv so; they are shorter, above all when the other side waits in one
 * of them. When a signal comes while SYS_msg_serve waits, or SYS_msg_reply_recv after an answer with handles, it returns EINTR: SYS_msg_recv goes on.
 */

/* SYS_handle_dup of a port's handle: the badge that messages sent by the new one carry; 0: that of the handle duplicated. */
