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
	port_note_load(port);
	atomic_store(&port->queued, port->queued + 1);
}

void queue_remove(struct port *port, struct message *message)
{
	list_remove(&message->link);
	if (list_empty(&port->queue[message->level]))
		port->levels &= ~(1u << message->level);
	port_note_load(port);
	message->state = MESSAGE_IDLE;
	atomic_store(&port->queued, port->queued - 1);
}

static struct list *held_list(const struct port *port, uint64_t token)
{
	return (struct list *)&port->held[token % PORT_HELD_LISTS];
}

void held_add(struct port *port, struct call *call, struct endpoint *server)
{
	call->token = ++port->last_token;
	call->message.state = MESSAGE_HELD;
	if (server->serving == &no_endpoint) {
		call->server = server;
		server->serving = call->caller->endpoint;
	} else {
		call->server = NULL;
		list_push_front(held_list(port, call->token), &call->message.link);
	}
}

/* @call is over: whoever received it, perhaps another thread than the one that answers, can use no more what its caller granted. */
static void end_grants(struct call *call)
{
	struct endpoint *server;

	list_for_each(server, &call->message.port->servers, server_link) {
		if (server->granted_token != call->token)
			continue;
		server->granted_token = 0;
		atomic_store(&server->thread->user.grant_over, true);
		atomic_or(&server->thread->user.work, THREAD_WORK_CREDENTIALS);
	}
}

void held_remove(struct call *call)
{
	if (unlikely(call->message.grants))
		end_grants(call);
	if (call->server)
		call->server->serving = &no_endpoint;
	else
		list_remove(&call->message.link);
	call->server = NULL;
	call->message.state = MESSAGE_IDLE;
}

struct call *held_find(const struct port *port, uint64_t token)
{
	struct endpoint *server;
	struct message *message;

	list_for_each(message, held_list(port, token), link)
		if (call_of(message)->token == token)
			return call_of(message);
	list_for_each(server, &port->servers, server_link)
		if (serving_of(server) && serving_of(server)->token == token)
			return serving_of(server);
	return NULL;
}

void held_unserve_one(struct port *port, struct endpoint *server)
{
	struct call *call = serving_of(server);

	if (!call)
		return;
	server->serving = &no_endpoint;
	call->server = NULL;
	list_push_front(held_list(port, call->token), &call->message.link);
}

void held_unserve(struct port *port)
{
	struct endpoint *server;

	list_for_each(server, &port->servers, server_link)
		held_unserve_one(port, server);
}

unsigned held_count(const struct port *port)
{
	const struct endpoint *server;
	const struct list *link;
	unsigned count = 0;

	for (int i = 0; i < PORT_HELD_LISTS; i++)
		for (link = port->held[i].next; link != &port->held[i]; link = link->next)
			count++;
	list_for_each(server, &port->servers, server_link)
		count += serving_of(server) != NULL;
	return count;
}

void call_finish(struct call *call, long result, bool soon)
{
	lend_end(call->message.port, call);
	call->result = result;
	call->message.state = MESSAGE_DONE;
	scheduler_wake(call->caller, &call->waiter.woken, soon);
}

struct endpoint *receiver_take(struct port *port)
{
	struct endpoint *receiver;

	if (port_has_fast_receiver(port)) {
		receiver = port->fast_receiver;
		port->fast_receiver = port_no_receiver(port);
		return receiver;
	}
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
