/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: waiting for many queues at once. struct poll_waits lives on the stack of the call that polls. */
#pragma once

#include "vfs/file.h"
#include "vfs/poll.h"

enum { POLL_INLINE_ENTRIES = 4 };

/* What a poll op registers with: that of poll and select (struct poll_waits), or of an epoll item. */
struct poll_table {
	void (*add)(struct poll_table *table, struct wait_queue *queue, unsigned events);	/* may not sleep */
	struct file *file;		/* the one whose poll op runs */
};

struct poll_waits;

struct poll_entry {
	struct waiter waiter;		/* in the file's queue */
	struct poll_waits *waits;
	struct file *file;		/* referenced: the queue lives as long */
};

struct poll_chunk;

struct poll_waits {
	struct poll_table table;
	struct wait_queue queue;	/* where the polling thread itself sleeps */
	struct waiter sleeper;
	bool out_of_memory;
	unsigned used;			/* inline entries in use */
	struct poll_entry entries[POLL_INLINE_ENTRIES];
	struct poll_chunk *chunks;	/* more entries */
};

void poll_waits_init(struct poll_waits *waits);
void poll_waits_free(struct poll_waits *waits);	/* leaves all queues; may sleep */

/* What is ready at @file; registers with @table if not NULL. */
unsigned poll_file(struct file *file, struct poll_table *table);

/* Scans the caller's files once: returns how many are ready or a negative errno. @table NULL: only look. */
typedef int poll_scan(void *context, struct poll_table *table);
/* Scans until something is ready, @deadline (monotonic ns, 0: do not wait) passes, or a signal comes (-ERESTARTNOHAND). */
int poll_loop(poll_scan *scan, void *context, uint64_t deadline);

/* The deadline for a relative time: WAIT_FOREVER if it lies beyond reach. */
uint64_t poll_deadline(uint64_t ns);
/* Reads a struct timespec (or timeval with @unit_ns 1000) of the caller into a deadline; NULL waits forever. 0, -EFAULT, -EINVAL. */
int poll_read_timeout(uaddr_t from, unsigned unit_ns, uint64_t *deadline);
/* Writes what is left until @deadline back, as Linux does; a fault there is nobody's error. */
void poll_write_timeout(uaddr_t to, unsigned unit_ns, uint64_t deadline);
/* poll_calls.c: puts the caller's temporary signal mask at @mask, unless it is NULL, into force. 0, -EINVAL, -EFAULT. */
int poll_use_mask(uaddr_t mask, size_t size);
