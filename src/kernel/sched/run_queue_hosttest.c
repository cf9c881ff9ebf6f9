/* SPDX-License-Identifier: MIT */
/* Run queue: order by level and FIFO inside a level, constant-time pick, and that the lowest level of a class is served. */
/* LINK: sched/run_queue.c */
#include "sched/run_queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct item { struct list link; unsigned level; unsigned number; };

static void test_order(void)
{
	struct run_queue queue;
	struct item items[3] = { { .level = LEVEL_NORMAL }, { .level = LEVEL_REALTIME + 5 }, { .level = LEVEL_IDLE } };
	unsigned level;

	run_queue_init(&queue);
	assert(!run_queue_pick(&queue, &level));
	for (int i = 0; i < 3; i++)
		run_queue_push(&queue, &items[i].link, items[i].level, false);
	assert(run_queue_best(&queue) == LEVEL_REALTIME + 5);
	assert(run_queue_pick(&queue, &level) == &items[1].link && level == LEVEL_REALTIME + 5);
	assert(run_queue_pick(&queue, &level) == &items[0].link);
	assert(run_queue_pick(&queue, &level) == &items[2].link);
	assert(queue.count == 0 && run_queue_best(&queue) == LEVEL_COUNT);
}

static void test_fifo_and_front(void)
{
	struct run_queue queue;
	struct item items[3];
	unsigned level;

	run_queue_init(&queue);
	run_queue_push(&queue, &items[0].link, LEVEL_HIGH, false);
	run_queue_push(&queue, &items[1].link, LEVEL_HIGH, false);
	run_queue_push(&queue, &items[2].link, LEVEL_HIGH, true);
	assert(run_queue_pick(&queue, &level) == &items[2].link);
	assert(run_queue_pick(&queue, &level) == &items[0].link);
	assert(run_queue_pick(&queue, &level) == &items[1].link);
}

static void test_no_starvation_inside_class(void)
{
	struct run_queue queue;
	struct item hog, low;
	unsigned level, picks_until_low = 0;

	run_queue_init(&queue);
	run_queue_push(&queue, &low.link, LEVEL_NORMAL + 3, false);
	do {
		run_queue_push(&queue, &hog.link, LEVEL_NORMAL, false);
		picks_until_low++;
		assert(picks_until_low <= FAIR_PICK_INTERVAL);
		if (run_queue_pick(&queue, &level) == &low.link)
			break;
	} while (true);
	assert(level == LEVEL_NORMAL + 3);
}

/* Against a model: an array searched from the front. */
static void test_random(unsigned seed)
{
	enum { COUNT = 200 };
	static struct item items[COUNT];
	struct run_queue queue;
	unsigned queued = 0;

	srand(seed);
	run_queue_init(&queue);
	for (int i = 0; i < COUNT; i++)
		items[i].level = LEVEL_COUNT;
	for (int step = 0; step < 20000; step++) {
		struct item *item = &items[rand() % COUNT];

		if (item->level == LEVEL_COUNT) {
			item->level = rand() % LEVEL_COUNT;
			run_queue_push(&queue, &item->link, item->level, rand() % 2);
			queued++;
		} else {
			run_queue_remove(&queue, &item->link, item->level);
			item->level = LEVEL_COUNT;
			queued--;
		}
		unsigned best = LEVEL_COUNT;

		for (int i = 0; i < COUNT; i++)
			best = MIN(best, items[i].level);
		assert(run_queue_best(&queue) == best);
		assert(queue.count == queued);
	}
}

int main(void)
{
	printf("run_queue: seed 1\n");
	test_order();
	test_fifo_and_front();
	test_no_starvation_inside_class();
	test_random(1);
	return 0;
}
