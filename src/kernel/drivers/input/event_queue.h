/* SPDX-License-Identifier: MIT */
/*
 * A reader's queue of input events: bounded, and never with half of a group. When it overflows everything unread is dropped and a SYN_DROPPED
 * tells the reader to ask for the state anew. Pure; the device's lock guards it.
 */
#pragma once

#include "drivers/input/input.h"

enum { EVENT_QUEUE_SIZE = 128 };

struct event_queue {
	unsigned head, tail;	/* free-running */
	unsigned complete;	/* events before it belong to whole groups */
	struct input_event events[EVENT_QUEUE_SIZE];
};

/* Returns true when a group became readable. */
bool event_queue_push(struct event_queue *queue, const struct input_event *event);
bool event_queue_pop(struct event_queue *queue, struct input_event *event);
void event_queue_clear(struct event_queue *queue);
static inline bool event_queue_readable(const struct event_queue *queue)
{
	return queue->complete != queue->tail;
}
