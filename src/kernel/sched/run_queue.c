/* SPDX-License-Identifier: MIT */
/* The bitmap and the FIFOs of a run queue. */
#include "sched/run_queue.h"

void run_queue_init(struct run_queue *queue)
{
	*queue = (struct run_queue){ .lock = SPINLOCK_INIT(LOCK_RUN_QUEUE) };
	for (unsigned i = 0; i < LEVEL_COUNT; i++)
		list_init(&queue->levels[i]);
}

unsigned run_queue_lowest_of_class(const struct run_queue *queue, unsigned best)
{
	unsigned last = best - (best - LEVEL_HIGH) % LEVELS_PER_CLASS + LEVELS_PER_CLASS - 1;

	while (!(queue->bitmap[last / 64] & 1ull << last % 64))
		last--;
	return last;
}
