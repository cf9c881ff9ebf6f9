/* SPDX-License-Identifier: MIT */
/*
 * Priority lending: the threads that serve a port run at the level of the best caller that waits there, queued or held; and if one of them waits for
 * an answer itself, so do those that serve that port, and so on.
 *
 * What a call lends is its caller's own level, or what its caller was lent by the port that it serves, one step further from where that comes from; after
 * STEPS_MAX steps it is lent no more. So what goes round in a circle ends as soon as nobody outside lends it, and chains are as long as that. The calls
 * of a port are kept in order, and nothing is done for more than SERVERS_MAX of those who serve it.
 *
 * Under a port's lock only its own servers change. Those who wait elsewhere are marked; lend_pass_on() goes on to where they wait, with one port locked at a
 * time: a chain may lead back to where it began.
 */
#include "ipc/port.h"
#include "process/process.h"
#include "sched/scheduler.h"

enum { STEPS_MAX = 8, SERVERS_MAX = 32 };

/* Ports with marked servers: referenced; struct port.stale_link. Guarded by endpoints_lock. */
static struct list stale_ports = LIST_INIT(stale_ports);

/* A level and how many steps away it comes from, as one number: the better one is less. */
static unsigned key_of(unsigned level, unsigned steps) { return level << 8 | steps; }

static struct call *call_of_node(struct rb_node *node)
{
	return node ? rb_entry(node, struct call, node) : NULL;
}

/* What a call of @endpoint's thread lends. */
static unsigned key_of_caller(const struct endpoint *endpoint)
{
	const struct thread *thread = endpoint->thread;
	unsigned own = MIN(sched_own_level(thread), (unsigned)atomic_load_relaxed(&thread->lent_by[LENT_BY_LOCKS]));
	unsigned lent = atomic_load(&endpoint->lent);

	return lent >> 8 < own && (lent & 0xff) < STEPS_MAX ? lent + 1 : key_of(own, 1);
}

static void insert(struct port *port, struct call *call)
{
	struct rb_node **place = &port->callers.root, *parent = NULL;

	call->lends = key_of_caller(call->caller->endpoint);
	while (*place) {
		parent = *place;
		place = call->lends < call_of_node(parent)->lends ? &parent->left : &parent->right;
	}
	rb_insert(&port->callers, &call->node, parent, place, NULL);
}

static unsigned best_of(const struct port *port)
{
	const struct call *first = call_of_node(rb_first(&port->callers));

	return first ? first->lends : LENT_NOTHING;
}

static void lend_to(struct port *port, struct endpoint *server, unsigned lent)
{
	unsigned before = server->lent;

	if (before == lent)
		return;
	atomic_store(&server->lent, lent);
	if (lent >> 8 != before >> 8)
		sched_lend(server->thread, LENT_BY_CALLS, lent >> 8);
	server->stale = true;
	atomic_store(&port->has_stale, true);
}

void lend_update(struct port *port)
{
	unsigned best = best_of(port), left = SERVERS_MAX;
	struct endpoint *server;

	if (best == port->lent)
		return;
	port->lent = best;
	if (best != LENT_NOTHING && port_has_fast_receiver(port)) {
		list_push_back(&port->receivers, &port->fast_receiver->receiver_link);
		port->fast_receiver = &busy_endpoint;
	}
	port_note_load(port);
	list_for_each(server, &port->servers, server_link) {
		if (server->dismissed)
			continue;
		if (!left--)
			return;
		lend_to(port, server, best);
	}
}

/* Does who serves @port need what @lends says? */
static bool is_needed(const struct port *port, unsigned lends)
{
	unsigned left = SERVERS_MAX;
	struct endpoint *server;

	if (port->lent != LENT_NOTHING)
		return true;
	list_for_each(server, &port->servers, server_link) {
		if (atomic_load_relaxed(&server->thread->priority) > lends >> 8)
			return true;
		if (!--left)
			break;
	}
	return false;
}

void lend_begin(struct port *port, struct call *call)
{
	insert(port, call);
	if (unlikely(is_needed(port, call->lends)))
		lend_update(port);
}

void lend_again(struct port *port, struct call *call)
{
	if (!call->lends)
		insert(port, call);
}

void lend_end(struct port *port, struct call *call)
{
	if (call->lends)
		rb_remove(&port->callers, &call->node, NULL);
	call->lends = 0;
}

void lend_join(struct port *port, struct endpoint *server)
{
	unsigned before = 0;
	struct list *link;

	for (link = port->servers.next; link != &port->servers && before < SERVERS_MAX; link = link->next)
		before += !list_entry(link, struct endpoint, server_link)->dismissed;
	list_push_back(&port->servers, &server->server_link);
	if (port->lent != LENT_NOTHING) {
		if (before < SERVERS_MAX)
			lend_to(port, server, port->lent);
	} else if (best_of(port) >> 8 < server->thread->priority) {
		lend_update(port);
	}
}

void lend_dismiss(struct port *port)
{
	struct endpoint *server;

	/* They leave the list when what they were lent has been taken back from those for whom they wait. */
	list_for_each(server, &port->servers, server_link) {
		lend_to(port, server, LENT_NOTHING);
		server->dismissed = server->stale = true;
		atomic_store(&port->has_stale, true);
	}
}

/* ---- Who waits elsewhere. endpoints_lock held, no port's ---- */

static void mark(struct port *port)
{
	if (list_empty(&port->stale_link)) {
		port_get(port);
		list_push_back(&stale_ports, &port->stale_link);
	}
}

/* A marked server of @port, marked no more; it stays while endpoints_lock is held. NULL: there is none. */
static struct endpoint *take_stale(struct port *port)
{
	unsigned left = SERVERS_MAX;
	struct endpoint *server, *found = NULL;

	spin_lock_nested(&port->lock);
	list_for_each(server, &port->servers, server_link) {
		if (server->stale) {
			server->stale = false;
			if (server->dismissed)
				list_remove(&server->server_link);
			found = server;
			break;
		}
		if (!left--)
			break;
	}
	if (!found)
		atomic_store(&port->has_stale, false);
	spin_unlock_nested(&port->lock);
	return found;
}

/* If the thread of @server waits for an answer, also to a call of the kernel's (kernel_call.c), its call lends what it has now. */
static void renew(struct endpoint *server)
{
	struct endpoint *endpoint = server->thread->endpoint;
	struct call *call = &endpoint->call;
	struct port *port = atomic_load(&call->message.port);

	if (port == &no_port)
		return;
	if (endpoint != server)
		atomic_store(&endpoint->lent, atomic_load(&server->lent));
	/* Even if nobody waits there any more: who frees a port waits for endpoints_lock first. */
	spin_lock_nested(&port->lock);
	if (atomic_load(&call->message.port) == port && call_waits(call) && call->lends != key_of_caller(endpoint)) {
		/* The short way knows nothing of this. */
		if (call->message.state == MESSAGE_HELD_SHORT)
			call->message.state = MESSAGE_HELD;
		lend_end(port, call);
		lend_begin(port, call);
		if (port->has_stale)
			mark(port);
	}
	spin_unlock_nested(&port->lock);
}

/* Until nobody is marked. In between others may have the lock, and interrupts come, if that was so before. */
static void go_on(uint64_t flags)
{
	while (!list_empty(&stale_ports)) {
		struct port *port = list_first(&stale_ports, struct port, stale_link);
		struct endpoint *server = take_stale(port);

		if (server)
			renew(server);
		else
			list_remove(&port->stale_link);
		spin_unlock_irq(&endpoints_lock, flags);
		if (!server)
			port_put(port);
		flags = spin_lock_irq(&endpoints_lock);
	}
	spin_unlock_irq(&endpoints_lock, flags);
}

void lend_pass_on(struct port *port)
{
	uint64_t flags = spin_lock_irq(&endpoints_lock);

	mark(port);
	go_on(flags);
}

void ipc_level_changed(struct thread *thread)
{
	uint64_t flags;

	if (likely(thread->endpoint == &no_endpoint))
		return;
	flags = spin_lock_irq(&endpoints_lock);
	if (thread->endpoint != &no_endpoint)
		renew(thread->endpoint);
	go_on(flags);
}
