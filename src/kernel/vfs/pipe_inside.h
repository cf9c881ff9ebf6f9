/* SPDX-License-Identifier: MIT */
/* Inside the pipes: what reads, writes and splices share. */
#pragma once

#include "sync/mutex.h"
#include "vfs/pipe.h"
#include "vfs/pipe_ring.h"

struct file;
struct uio;
struct user_account;

enum { PIPE_ATOMIC = 4096 /* PIPE_BUF */ };

struct pipe {
	struct mutex lock;
	struct pipe_ring ring;			/* lock */
	struct user_account *account;		/* who made it and is charged its page_count; referenced */
	bool claimed;				/* lock: a splice has the bytes at the head; others wait on read_queue until it is done with them */
	unsigned readers, writers;		/* lock; read without it by poll: open ends */
	unsigned reader_opens, writer_opens;	/* lock: how many there ever were, for FIFO opens that wait */
	unsigned users;				/* vnode->attr_lock: open files and opens under way */
	struct wait_queue read_queue;		/* waits for bytes, or for the last writer to go */
	struct wait_queue write_queue;		/* waits for room, or for the last reader to go */
	struct wait_queue open_queue;		/* FIFO opens wait for the other side */
};

/* A writer waits only when less than PIPE_ATOMIC bytes are free. pipe->lock held. */
static inline bool pipe_is_tight(const struct pipe *pipe)
{
	return pipe_ring_room(&pipe->ring) < PIPE_ATOMIC;
}

struct pipe *pipe_behind(const struct file *file);	/* NULL: it is no pipe or FIFO */
/* Does @file, which is no pipe, take part in splice(2) and sendfile(2)? Only files, devices and local sockets do. */
bool file_can_splice(const struct file *file);

/* Sleeps on @queue with pipe->lock let go, until woken once. 0 or -ERESTARTSYS; the lock is held again. */
int pipe_sleep(struct pipe *pipe, struct wait_queue *queue, enum wait_mode mode);
/*
 * Waits until there are bytes that nobody has claimed. 1; 0: there are none, and no writers; -EAGAIN: none, and not @patient; -ERESTARTSYS. A claim is waited
 * for in any case. pipe->lock held, and let go meanwhile.
 */
int pipe_wait_for_bytes(struct pipe *pipe, bool patient);
/* SIGPIPE for the caller. -EPIPE. */
ssize_t pipe_is_broken(void);

/* read(2): what is there and fits, or, if @patient, what comes first. Bytes, 0 at the end, or a negative errno. */
ssize_t pipe_get(struct pipe *pipe, struct uio *uio, bool patient);

enum pipe_put {
	PIPE_AT_ONCE = 1,	/* what has no room is left out, and -EAGAIN if nothing has any; else room is waited for */
	PIPE_WHAT_FITS = 2,	/* room is waited for only until there is some */
	PIPE_IN_PIECES = 4,	/* even if it is little enough to go in as one piece */
	PIPE_UNLESS_KILLED = 8,	/* signals that do not kill do not end the wait */
};

/* write(2), as enum pipe_put says @how. Bytes or a negative errno. */
ssize_t pipe_put(struct pipe *pipe, struct uio *uio, unsigned how);
