/* SPDX-License-Identifier: MIT */
/* Run queue: order by level and FIFO inside a level, whom fair turns go to, and that nobody picks real-time threads without a budget. */
/* LINK: sched/run_queue.c */
#include "sched/run_queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 1200 };

struct item { struct list link; unsigned level; unsigned number; };

/* As the scheduler picks when it is nobody's fair turn. */
static struct list *take_best(struct run_queue *queue, unsigned *level)
{
	*level = run_queue_best(queue);
	return *level == LEVEL_COUNT ? NULL : run_queue_take(queue, *level);
}

static void test_order(void)
{
	struct run_queue queue;
	struct item items[3] = { { .level = LEVEL_NORMAL }, { .level = LEVEL_REALTIME + 5 }, { .level = LEVEL_IDLE } };
	unsigned level;

	run_queue_init(&queue);
	assert(!take_best(&queue, &level));
	for (int i = 0; i < 3; i++)
		run_queue_push(&queue, &items[i].link, items[i].level, false);
	assert(run_queue_best(&queue) == LEVEL_REALTIME + 5);
	assert(take_best(&queue, &level) == &items[1].link && level == LEVEL_REALTIME + 5);
	assert(take_best(&queue, &level) == &items[0].link);
	assert(take_best(&queue, &level) == &items[2].link);
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
	assert(take_best(&queue, &level) == &items[2].link);
	assert(take_best(&queue, &level) == &items[0].link);
	assert(take_best(&queue, &level) == &items[1].link);
}

/* How many of TURNS fair turns each level gets when every level of @levels has a thread. */
static void count_turns(const unsigned *levels, unsigned count, unsigned turns[LEVEL_COUNT])
{
	struct item items[LEVEL_COUNT];
	struct run_queue queue;

	run_queue_init(&queue);
	for (unsigned i = 0; i < count; i++)
		run_queue_push(&queue, &items[i].link, levels[i], false);
	for (unsigned i = 0; i < LEVEL_COUNT; i++)
		turns[i] = 0;
	for (int i = 0; i < TURNS; i++) {
		unsigned level = run_queue_fair_level(&queue, run_queue_best(&queue));

		assert(level < LEVEL_COUNT && !list_empty(&queue.levels[level]));
		turns[level]++;
	}
}

static void test_fair_turns(void)
{
	static const unsigned one_class[] = { LEVEL_NORMAL, LEVEL_NORMAL + 1, LEVEL_NORMAL + 3, LEVEL_IDLE };
	static const unsigned all[] = { LEVEL_HIGH, LEVEL_HIGH + 2, LEVEL_NORMAL + 1, LEVEL_NORMAL + 3, LEVEL_LOW, LEVEL_LOW + 2, LEVEL_IDLE };
	static const unsigned realtime[] = { LEVEL_REALTIME + 7, LEVEL_NORMAL, LEVEL_LOW };
	static const unsigned idle[] = { LEVEL_IDLE, LEVEL_IDLE + 2 };
	unsigned turns[LEVEL_COUNT];

	count_turns(one_class, ARRAY_LEN(one_class), turns);
	assert(turns[LEVEL_NORMAL + 3] == TURNS);
	count_turns(all, ARRAY_LEN(all), turns);
	assert(turns[LEVEL_HIGH + 2] == TURNS - TURNS / CLASS_TURN_INTERVAL && turns[LEVEL_IDLE] == 0);
	for (unsigned i = 2; i < 6; i++)
		assert(turns[all[i]] == TURNS / CLASS_TURN_INTERVAL / 4);
	count_turns(realtime, ARRAY_LEN(realtime), turns);
	assert(turns[LEVEL_REALTIME + 7] == TURNS);
	count_turns(idle, ARRAY_LEN(idle), turns);
	assert(turns[LEVEL_IDLE + 2] == TURNS);
}

/* Who is preempted in its turn goes on with it, if nobody has taken it away meanwhile. */
static void test_turn_goes_on(void)
{
	struct run_queue queue;
	struct item best, low, lower;

	run_queue_init(&queue);
	run_queue_push(&queue, &best.link, LEVEL_NORMAL, false);
	run_queue_push(&queue, &low.link, LEVEL_NORMAL + 1, false);
	assert(run_queue_take_fair(&queue, LEVEL_NORMAL) == &low.link && queue.in_turn == &low.link);
	run_queue_push(&queue, &low.link, LEVEL_NORMAL + 1, true);
	run_queue_push(&queue, &lower.link, LEVEL_NORMAL + 3, false);
	queue.fair_at = FAIR_GOES_ON;
	assert(run_queue_take_fair(&queue, LEVEL_NORMAL) == &low.link);
	queue.fair_at = FAIR_GOES_ON;
	assert(run_queue_take_fair(&queue, LEVEL_NORMAL) == &lower.link);
	assert(run_queue_take_fair(&queue, LEVEL_NORMAL) == &best.link && !queue.in_turn && queue.count == 0);
}

static void test_throttled(void)
{
	struct run_queue queue;
	struct item first, last, normal;
	unsigned level;

	run_queue_init(&queue);
	run_queue_push(&queue, &last.link, LEVEL_REALTIME + 98, false);
	queue.realtime_throttled = true;
	assert(run_queue_best(&queue) == LEVEL_COUNT);
	run_queue_push(&queue, &first.link, LEVEL_REALTIME, false);
	run_queue_push(&queue, &normal.link, LEVEL_NORMAL, false);
	assert(take_best(&queue, &level) == &normal.link && run_queue_best(&queue) == LEVEL_COUNT);
	queue.realtime_throttled = false;
	assert(take_best(&queue, &level) == &first.link && take_best(&queue, &level) == &last.link && level == LEVEL_REALTIME + 98);
	assert(queue.count == 0);
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
	test_fair_turns();
	test_turn_goes_on();
	test_throttled();
	test_random(1);
	return 0;
}
