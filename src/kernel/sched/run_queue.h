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

/* The lowest level in use of the class that @best, a level in use, belongs to. */
unsigned run_queue_lowest_of_class(const struct run_queue *queue, unsigned best);

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

/* The best level that is not empty, LEVEL_COUNT when all are. */
static inline unsigned run_queue_best(const struct run_queue *queue)
{
	_Static_assert(BITMAP_WORDS == 2, "two words are looked at");
	if (unlikely(queue->bitmap[0]))
		return __builtin_ctzll(queue->bitmap[0]);
	return likely(queue->bitmap[1]) ? 64 + __builtin_ctzll(queue->bitmap[1]) : LEVEL_COUNT;
}

/* Takes the next link off, whose pointers are then worth nothing; NULL when empty. *@level is where it was. */
static inline struct list *run_queue_pick(struct run_queue *queue, unsigned *level)
{
	unsigned best = run_queue_best(queue);
	struct list *head, *link;

	if (best == LEVEL_COUNT)
		return NULL;
	if (likely(best >= LEVEL_HIGH) && unlikely(++queue->picks % FAIR_PICK_INTERVAL == 0))
		best = run_queue_lowest_of_class(queue, best);
	head = &queue->levels[best];
	link = head->next;
	head->next = link->next;
	link->next->prev = head;
	if (list_empty(head))
		queue->bitmap[best / 64] &= ~(1ull << best % 64);
	queue->count--;
	*level = best;
	return link;
}
