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
	LEVEL_HIGH = 128,		/* 4 levels each from here on: a thread that uses its quantum sinks, one that sleeps rises */
	LEVEL_NORMAL = 132,
	LEVEL_LOW = 136,
	LEVEL_IDLE = 140,
	LEVEL_COUNT = 144,
	LEVELS_PER_CLASS = 4,
	REALTIME_WORDS = LEVEL_HIGH / 64,
	BITMAP_WORDS = REALTIME_WORDS + 1,	/* the last one has all classes that share time */
	FAIR_GOES_ON = 1,		/* fair_at: as soon as nobody is to run at once, since the turn was cut short */
	CLASS_TURN_INTERVAL = 6,	/* every so many fair turns go to a class that is not the best */
};

struct run_queue {
	struct spinlock lock;		/* guards everything here; taken with interrupts off */
	uint64_t bitmap[BITMAP_WORDS];
	struct list levels[LEVEL_COUNT];
	unsigned count;			/* ready threads */
	unsigned fair_turns;		/* how many there were */
	uint64_t fair_at;		/* TSC: when a thread that is not the best one gets its next turn; FAIR_GOES_ON */
	struct list *in_turn;		/* of the thread that got the last one, on @turn_level; only compared, as it may be gone */
	unsigned turn_level;
	bool realtime_throttled;	/* real-time threads have used their budget up (realtime.c): nobody picks them */
};

void run_queue_init(struct run_queue *queue);

/* The best level that is not empty and may be picked, LEVEL_COUNT when there is none. */
unsigned run_queue_best(const struct run_queue *queue);

/*
 * A fair turn, so that nobody starves: the level to be served instead of @best, which is in use. Mostly the lowest of @best's class, now and then one of
 * the other classes. Idle and real-time have no such turns.
 */
unsigned run_queue_fair_level(struct run_queue *queue, unsigned best);

/* Takes off whose fair turn it is: who was preempted in the last one, if that goes on and it is still there. As run_queue_take. */
struct list *run_queue_take_fair(struct run_queue *queue, unsigned best);

static inline void run_queue_push(struct run_queue *queue, struct list *link, unsigned level, bool at_front)
{
	if (at_front)
		list_push_front(&queue->levels[level], link);
	else
		list_push_back(&queue->levels[level], link);
	queue->bitmap[level / 64] |= 1ull << level % 64;
	queue->count++;
}

static inline void run_queue_remove(struct run_queue *queue, struct list *link, unsigned level)
{
	list_remove(link);
	if (list_empty(&queue->levels[level]))
		queue->bitmap[level / 64] &= ~(1ull << level % 64);
	queue->count--;
}

/* Takes the first link off @level, which is in use; its pointers are then worth nothing. */
static inline struct list *run_queue_take(struct run_queue *queue, unsigned level)
{
	struct list *head = &queue->levels[level], *link = head->next;

	head->next = link->next;
	link->next->prev = head;
	if (list_empty(head))
		queue->bitmap[level / 64] &= ~(1ull << level % 64);
	queue->count--;
	return link;
}
