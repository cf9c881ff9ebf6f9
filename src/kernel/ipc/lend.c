/* SPDX-License-Identifier: MIT */
/*
 * Priority lending: the threads that serve a port run at the level of the best caller that waits there, queued or held; and if one of them waits for
 * an answer itself, so do those that serve that port, and so on. All with port->lock held.
 */
#include "ipc/port.h"
#include "process/process.h"
#include "sched/scheduler.h"

enum { CHAIN_MAX = 8, TRIES = 512 };

static unsigned best_in(const struct list *list, unsigned best)
{
	struct message *message;

	list_for_each(message, list, link)
		if (message->is_call)
			best = MIN(best, (unsigned)atomic_load_relaxed(&call_of(message)->caller->priority));
	return best;
}

static unsigned best_caller(const struct port *port)
{
	unsigned best = LEVEL_COUNT;
	struct endpoint *server;

	for (uint32_t levels = port->levels; levels; levels &= levels - 1)
		best = best_in(&port->queue[__builtin_ctz(levels)], best);
	for (int i = 0; i < PORT_HELD_LISTS; i++)
		best = best_in(&port->held[i], best);
	list_for_each(server, &port->servers, server_link)
		if (serving_of(server))
			best = MIN(best, (unsigned)atomic_load_relaxed(&server->serving->thread->priority));
	return best;
}

static void update(struct port *port, unsigned depth);

/* @server, whose level has changed, may wait for an answer at a port itself. That is only tried for, because ports have no order. */
static void pass_on(struct endpoint *server, unsigned depth)
{
	for (int tries = 0; tries < TRIES; tries++) {
		struct port *port = atomic_load(&server->call.message.port);

		if (!port || depth == CHAIN_MAX || atomic_load_relaxed(&server->call.message.state) == MESSAGE_IDLE)
			return;
		/* Ports are never freed for good, so the lock is one, whatever port that is by now. */
		if (!spin_try(&port->lock)) {
			cpu_relax();
			continue;
		}
		if (atomic_load(&server->call.message.port) == port && server->call.message.state != MESSAGE_IDLE)
			update(port, depth + 1);
		spin_release(&port->lock);
		return;
	}
}

static void update(struct port *port, unsigned depth)
{
	unsigned best = best_caller(port);
	struct endpoint *server;

	if (best == port->lent)
		return;
	port->lent = best;
	if (best != LEVEL_COUNT && port_has_fast_receiver(port)) {
		list_push_back(&port->receivers, &port->fast_receiver->receiver_link);
		port->fast_receiver = &busy_endpoint;
	}
	port_note_load(port);
	list_for_each(server, &port->servers, server_link) {
		sched_lend(server->thread, LENT_BY_CALLS, best);
		pass_on(server, depth);
	}
}

void lend_update(struct port *port)
{
	update(port, 0);
}

void lend_for(struct port *port, const struct call *call)
{
	struct endpoint *server;

	list_for_each(server, &port->servers, server_link)
		if (unlikely(atomic_load_relaxed(&server->thread->priority) > call->caller->priority)) {
			lend_update(port);
			return;
		}
}

void lend_dismiss(struct port *port)
{
	while (!list_empty(&port->servers)) {
		struct endpoint *server = list_first(&port->servers, struct endpoint, server_link);

		list_remove(&server->server_link);
		sched_lend(server->thread, LENT_BY_CALLS, LEVEL_COUNT);
		pass_on(server, 0);
	}
}

void ipc_level_changed(struct thread *thread)
{
	uint64_t flags;

	if (likely(thread->endpoint == &no_endpoint))
		return;
	flags = spin_lock_irq(&endpoints_lock);
	if (thread->endpoint != &no_endpoint)
		pass_on(thread->endpoint, 0);
	spin_unlock_irq(&endpoints_lock, flags);
}
