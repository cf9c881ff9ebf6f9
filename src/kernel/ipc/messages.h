/* SPDX-License-Identifier: MIT */
/* Sending and receiving, for the calls in calls.c and batch.c. All may sleep; the caller holds a reference of the port by its file. */
#pragma once

#include "ipc/port.h"
#include "vfs/fd_table.h"

/* A port that a call uses, by a descriptor. */
struct port_ref {
	struct fd_ref fd;
	struct port *port;	/* NULL: see @error, and nothing is to be released */
	int error;
};

/* calls.c: with all of @rights. -EBADF, -EINVAL, -EACCES. */
struct port_ref port_borrow(int fd, uint32_t rights);
static inline void port_release_ref(struct port_ref ref) { fd_release(ref.fd); }

/* What was received, beyond what lies in the endpoint. */
struct receipt {
	msg_header header;		/* or MSG_NOTIFICATION */
	uint64_t token;			/* or the notification bits */
	unsigned file_count;
	struct file *files[MSG_HANDLES_MAX];	/* the caller's to give or put */
	int32_t slots[MSG_HANDLES_MAX];		/* reserved for them, with FILES_WITH_SLOTS */
};

/* A time-out in ns as a deadline: 0 is not one. */
uint64_t msg_deadline(int64_t timeout);

/*
 * Sends @me->call, whose header, files, grants and badge are set, and waits for the answer, which lies in @me->call. Returns its result: what the server's
 * kernel side said, -EPIPE, -ECONNRESET, -EIO, -ETIMEDOUT, -EINTR, -ERESTARTSYS, -ELOOP. The files that are still in the message are the caller's again.
 */
long msg_call_port(struct port *port, struct endpoint *me, int64_t timeout);

/*
 * The same for a call of the kernel's (kernel_call.c), without handles or time-out: of signals only one that kills ends it, -EINTR. @sent: it was sent by the
 * short way, and may have been answered.
 */
long msg_call_from_kernel(struct port *port, struct endpoint *me, bool sent);

/* Waits for the answer to @me's call, made by the short way. As above. */
long msg_finish_call(struct endpoint *me);

/* Queues or delivers a message without answer; takes @posted's files and @posted itself, also when it fails: 0, -EPIPE, -ELOOP, -EINVAL. */
int msg_post(struct port *port, struct posted *posted);

/* Puts @len bytes at the start of @me's buffer into a waiting receiver's: true if there was one. */
bool msg_deliver_at_once(struct port *port, struct endpoint *me, msg_header header, uint64_t badge);

/* What becomes of a message's files: they are left in the receipt, for the caller to put; they get reserved slots as well; it is not received. */
enum files_wanted { FILES_ONLY, FILES_WITH_SLOTS, FILES_REFUSED };

/*
 * Waits for a message or notification. 0, -EAGAIN, -ETIMEDOUT, -EINTR, -ERESTARTSYS, -ESTALE; -EMFILE, -ENOMEM and -EMSGSIZE (FILES_REFUSED) with the message
 * still in the queue.
 */
int msg_receive(struct port *port, uint32_t epoch, struct endpoint *me, int64_t timeout, enum files_wanted wanted, struct receipt *receipt);

/* Waits until there is something to receive, without receiving it. 0, or as msg_receive. */
int msg_wait(struct port *port, uint32_t epoch, struct endpoint *me, int64_t timeout);

/*
 * Answers the call @token with @header and the start of @me's buffer. The files go with the answer (@count is set 0) or stay the caller's. @soon: it is
 * about to sleep. 0, -ESTALE, -ENOENT.
 */
int msg_answer(struct port *port, uint32_t epoch, struct endpoint *me, uint64_t token, msg_header header, struct file **files, unsigned *count,
	       bool soon);

/* A message of @me's bytes at @offset, waiting for room until @timeout has passed: as posted_create, and -ETIMEDOUT, -EINTR, -ERESTARTSYS. */
int msg_make_posted(struct endpoint *me, size_t offset, msg_header header, int64_t timeout, struct posted **posted);

/* The level of the queue that a message of the caller's with @priority goes to. */
unsigned msg_level(unsigned priority);
/* @thread is the calling one or sleeps in a call. */
void msg_fill_sender(struct sender *sender, const struct thread *thread);
