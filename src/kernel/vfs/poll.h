/* SPDX-License-Identifier: MIT */
/* Waiting for several files at once. A file's poll op calls poll_wait() for each queue that will be woken when its answer may change. */
#pragma once

#include "sync/wait.h"

struct poll_table;

void poll_register(struct poll_table *table, struct wait_queue *queue, unsigned events);

/*
 * Registers the poller with @queue, which is woken for @events only, errors and hang-ups (no-op when @table is NULL). The queue must live until the
 * file's release op was called; a file that registers has one. Does not sleep.
 */
static inline void poll_wait_for(struct poll_table *table, struct wait_queue *queue, unsigned events)
{
	if (unlikely(table))
		poll_register(table, queue, events);
}

/* The event bits, as in <linux/eventpoll.h> and <asm/poll.h>. */
enum { POLL_IN = 0x1, POLL_PRI = 0x2, POLL_OUT = 0x4, POLL_ERR = 0x8, POLL_HUP = 0x10, POLL_NVAL = 0x20, POLL_RDNORM = 0x40,
       POLL_WRNORM = 0x100, POLL_WRBAND = 0x200, POLL_RDHUP = 0x2000 };

enum { POLL_ALWAYS = POLL_ERR | POLL_HUP };
/* For poll_wait_for(): a queue for readers, and one for writers. */
enum { POLL_FOR_READERS = ~(POLL_OUT | POLL_WRNORM), POLL_FOR_WRITERS = ~(POLL_IN | POLL_RDNORM | POLL_PRI) };

static inline void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
	poll_wait_for(table, queue, ~0u);
}
