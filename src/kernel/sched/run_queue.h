/* SPDX-License-Identifier: MIT */
/*
 * A CPU's run queue: one FIFO a level and a bitmap of the levels that are not empty, so that picking costs the same at any length.
 * The pure part of the scheduler: no clocks, no switching, no locking of its own.
 */
#pragma once

#include "lib/list.h"
#include "sync/spinlock.h"

struct thread;

enum {
	LEVEL_REALTIME = 0,		/* 99 levels: SCHED_FIFO and SCHED_RR, priority 99 first */
	LEVEL_HIGH = 100,		/* 4 levels each from here on: a thread that uses its quantum sinks, one that sleeps rises */
	LEVEL_NORMAL = 104,
	LEVEL_LOW = 108,
	LEVEL_IDLE = 112,
	LEVEL_COUNT = 116,
	LEVELS_PER_CLASS = 4,
	BITMAP_WORDS = (LEVEL_COUNT + 63) / 64,
	FAIR_PICK_INTERVAL = 8,		/* every so many picks the lowest level of the best class is served, so that nothing in it starves */
};

struct run_queue {
	struct spinlock lock;		/* guards everything here; taken with interrupts off */
	uint64_t bitmap[BITMAP_WORDS];
	struct list levels[LEVEL_COUNT];
	unsigned count;			/* ready threads */
	unsigned picks;
};

void run_queue_init(struct run_queue *queue);
void run_queue_push(struct run_queue *queue, struct list *link, unsigned level, bool at_front);
void run_queue_remove(struct run_queue *queue, struct list *link, unsigned level);

/* Takes the next link off; NULL when empty. *@level is where it was. */
struct list *run_queue_pick(struct run_queue *queue, unsigned *level);

/* The best level that is not empty, LEVEL_COUNT when all are. */
unsigned run_queue_best(const struct run_queue *queue);
