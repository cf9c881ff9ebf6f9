/* SPDX-License-Identifier: MIT */
/* LINK: drivers/input/event_queue.c */
/* The queue of input events: whole groups only, and what an overflow leaves. */
#include "drivers/input/event_queue.h"
#include <assert.h>

static struct event_queue queue;

static bool push(unsigned type, unsigned code, int value)
{
	struct input_event event = { .type = type, .code = code, .value = value };

	return event_queue_push(&queue, &event);
}

int main(void)
{
	struct input_event event;

	assert(!event_queue_pop(&queue, &event));
	assert(!push(EV_KEY, KEY_A, 1));
	assert(!event_queue_readable(&queue));
	assert(push(EV_SYN, SYN_REPORT, 0));
	assert(event_queue_pop(&queue, &event) && event.type == EV_KEY && event.code == KEY_A);
	assert(event_queue_pop(&queue, &event) && event.type == EV_SYN);
	assert(!event_queue_pop(&queue, &event));

	for (unsigned i = 0; i < EVENT_QUEUE_SIZE / 2 + 1; i++) {
		push(EV_REL, REL_X, i);
		push(EV_SYN, SYN_REPORT, 0);
	}
	assert(event_queue_pop(&queue, &event) && event.type == EV_SYN && event.code == SYN_DROPPED);
	assert(event_queue_pop(&queue, &event) && event.type == EV_REL && event.value == EVENT_QUEUE_SIZE / 2);
	assert(event_queue_pop(&queue, &event) && event.type == EV_SYN && event.code == SYN_REPORT);
	assert(!event_queue_pop(&queue, &event));

	/* A group longer than the queue never shows half of itself. */
	for (unsigned i = 0; i < 3 * EVENT_QUEUE_SIZE; i++) {
		push(EV_REL, REL_X, i);
		while (event_queue_pop(&queue, &event))
			assert(event.type == EV_SYN && event.code == SYN_DROPPED);
	}
	push(EV_KEY, KEY_A, 1);
	event_queue_clear(&queue);
	assert(push(EV_SYN, SYN_REPORT, 0) && event_queue_pop(&queue, &event) && event.type == EV_SYN);
	return 0;
}
