/* SPDX-License-Identifier: MIT */
/* What waits in a port and what its receivers hold. All with port->lock held. */
#include "ipc/port.h"
#include "lib/panic.h"
#include "process/process.h"
#include "sched/scheduler.h"

struct message *queue_first(const struct port *port)
{
	if (!port->levels)
		return NULL;
	return list_first(&port->queue[__builtin_ctz(port->levels)], struct message, link);
}

void queue_add(struct port *port, struct message *message, bool at_front)
{
	struct list *list = &port->queue[message->level];

	message->state = MESSAGE_QUEUED;
	if (at_front)
		list_push_front(list, &message->link);
	else
		list_push_back(list, &message->link);
	port->levels |= 1u << message->level;
	atomic_store(&port->queued, port->queued + 1);
}

void queue_remove(struct port *port, struct message *message)
{
	list_remove(&message->link);
	if (list_empty(&port->queue[message->level]))
		port->levels &= ~(1u << message->level);
	message->state = MESSAGE_IDLE;
	atomic_store(&port->queued, port->queued - 1);
}

static struct list *held_list(const struct port *port, uint64_t token)
{
	return (struct list *)&port->held[token % PORT_HELD_LISTS];
}

void held_add(struct port *port, struct call *call)
{
	call->token = (uint64_t)port->epoch << EPOCH_SHIFT | ++port->last_number;
	call->message.state = MESSAGE_HELD;
	list_push_front(held_list(port, call->token), &call->message.link);
	port->held_count++;
}

void held_remove(struct port *port, struct call *call)
{
	list_remove(&call->message.link);
	call->message.state = MESSAGE_IDLE;
	port->held_count--;
}

struct call *held_find(const struct port *port, uint64_t token)
{
	struct message *message;

	list_for_each(message, held_list(port, token), link)
		if (call_of(message)->token == token)
			return call_of(message);
	return NULL;
}

void call_finish(struct call *call, long result, bool soon)
{
	call->result = result;
	call->message.state = MESSAGE_DONE;
	scheduler_wake(call->caller, &call->waiter.woken, soon);
}

struct endpoint *receiver_take(struct port *port)
{
	struct endpoint *receiver;

	if (list_empty(&port->receivers))
		return NULL;
	receiver = list_first(&port->receivers, struct endpoint, receiver_link);
	list_remove(&receiver->receiver_link);
	return receiver;
}

void port_something_came(struct port *port, bool soon)
{
	struct endpoint *receiver = receiver_take(port);

	if (receiver)
		scheduler_wake(receiver->thread, &receiver->waiter.woken, soon);
	wake_all(&port->pollers);
}
