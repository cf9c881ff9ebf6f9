/* SPDX-License-Identifier: MIT */
/* The bounded queue of input events; see event_queue.h. */
#include "drivers/input/event_queue.h"

static void append(struct event_queue *queue, const struct input_event *event)
{
	queue->events[queue->head++ % EVENT_QUEUE_SIZE] = *event;
}

bool event_queue_push(struct event_queue *queue, const struct input_event *event)
{
	if (queue->head - queue->tail == EVENT_QUEUE_SIZE) {
		struct input_event dropped = *event;

		dropped.type = EV_SYN;
		dropped.code = SYN_DROPPED;
		dropped.value = 0;
		queue->tail = queue->head;
		append(queue, &dropped);
		queue->complete = queue->tail;
	}
	append(queue, event);
	if (event->type != EV_SYN || event->code != SYN_REPORT)
		return false;
	queue->complete = queue->head;
	return true;
}

bool event_queue_pop(struct event_queue *queue, struct input_event *event)
{
	if (!event_queue_readable(queue))
		return false;
	*event = queue->events[queue->tail++ % EVENT_QUEUE_SIZE];
	return true;
}

void event_queue_clear(struct event_queue *queue)
{
	queue->tail = queue->complete = queue->head;
}
