/* SPDX-License-Identifier: MIT */
/* The bitmap and the FIFOs of a run queue. */
#include "sched/run_queue.h"

void run_queue_init(struct run_queue *queue)
{
	*queue = (struct run_queue){ 0 };
	for (unsigned i = 0; i < LEVEL_COUNT; i++)
		list_init(&queue->levels[i]);
}

void run_queue_push(struct run_queue *queue, struct list *link, unsigned level, bool at_front)
{
	if (at_front)
		list_push_front(&queue->levels[level], link);
	else
		list_push_back(&queue->levels[level], link);
	queue->bitmap[level / 64] |= 1ull << level % 64;
	queue->count++;
}

void run_queue_remove(struct run_queue *queue, struct list *link, unsigned level)
{
	list_remove(link);
	if (list_empty(&queue->levels[level]))
		queue->bitmap[level / 64] &= ~(1ull << level % 64);
	queue->count--;
}

unsigned run_queue_best(const struct run_queue *queue)
{
	for (unsigned word = 0; word < BITMAP_WORDS; word++)
		if (queue->bitmap[word])
			return word * 64 + __builtin_ctzll(queue->bitmap[word]);
	return LEVEL_COUNT;
}

/* The lowest level in use of the class that @best belongs to. */
static unsigned lowest_of_class(const struct run_queue *queue, unsigned best)
{
	unsigned last = best - (best - LEVEL_HIGH) % LEVELS_PER_CLASS + LEVELS_PER_CLASS - 1;

	while (!(queue->bitmap[last / 64] & 1ull << last % 64))
		last--;
	return last;
}

struct list *run_queue_pick(struct run_queue *queue, unsigned *level)
{
	unsigned best = run_queue_best(queue);
	struct list *link;

	if (best == LEVEL_COUNT)
		return NULL;
	if (best >= LEVEL_HIGH && ++queue->picks % FAIR_PICK_INTERVAL == 0)
		best = lowest_of_class(queue, best);
	link = queue->levels[best].next;
	run_queue_remove(queue, link, best);
	*level = best;
	return link;
}
