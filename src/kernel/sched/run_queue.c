/* SPDX-License-Identifier: MIT */
/* The bitmap and the FIFOs of a run queue. */
#include "sched/run_queue.h"

void run_queue_init(struct run_queue *queue)
{
	*queue = (struct run_queue){ .lock = SPINLOCK_INIT(LOCK_RUN_QUEUE) };
	for (unsigned i = 0; i < LEVEL_COUNT; i++)
		list_init(&queue->levels[i]);
}

unsigned run_queue_best(const struct run_queue *queue)
{
	for (unsigned word = queue->realtime_throttled ? REALTIME_WORDS : 0; word < BITMAP_WORDS; word++)
		if (queue->bitmap[word])
			return word * 64 + __builtin_ctzll(queue->bitmap[word]);
	return LEVEL_COUNT;
}

/* The levels in use of the class that begins at @base, as bits from 0 on. */
static unsigned class_bits(const struct run_queue *queue, unsigned base)
{
	return queue->bitmap[REALTIME_WORDS] >> (base - LEVEL_HIGH) & ((1u << LEVELS_PER_CLASS) - 1);
}

/* The class below @best whose turn it is, of those that have threads; its first level, or 0. */
static unsigned other_class(const struct run_queue *queue, unsigned best, unsigned turn)
{
	unsigned first = best + LEVELS_PER_CLASS, count = (LEVEL_IDLE - MIN(first, (unsigned)LEVEL_IDLE)) / LEVELS_PER_CLASS;

	for (unsigned i = 0; i < count; i++) {
		unsigned base = first + (turn + i) % count * LEVELS_PER_CLASS;

		if (class_bits(queue, base))
			return base;
	}
	return 0;
}

unsigned run_queue_fair_level(struct run_queue *queue, unsigned best)
{
	unsigned turn = ++queue->fair_turns / CLASS_TURN_INTERVAL, base, bits;

	if (best < LEVEL_HIGH)
		return best;
	base = best - (best - LEVEL_HIGH) % LEVELS_PER_CLASS;
	if (queue->fair_turns % CLASS_TURN_INTERVAL == 0) {
		unsigned other = other_class(queue, base, turn);

		/* Its best and its lowest thread in turn. */
		if (other && turn / 2 % 2)
			return other + __builtin_ctz(class_bits(queue, other));
		base = other ? other : base;
	}
	bits = class_bits(queue, base);
	return base + 31 - __builtin_clz(bits);
}

struct list *run_queue_take_fair(struct run_queue *queue, unsigned best)
{
	unsigned level = queue->turn_level;

	if (queue->fair_at != FAIR_GOES_ON || queue->levels[level].next != queue->in_turn)
		level = run_queue_fair_level(queue, best);
	queue->turn_level = level;
	queue->in_turn = level == best ? NULL : queue->levels[level].next;
	return run_queue_take(queue, level);
}
