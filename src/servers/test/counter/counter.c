/* SPDX-License-Identifier: MIT */
/*
 * counter-service: a service of the tests that counts each request exactly once, whenever it dies, and dies when it is told to
 * (../../proto/counter.def).
 *
 * Its port is a replaying one: what it held when it died is given to the next instance, with the same number. Its state outlives it. A change is first
 * noted, then done: the note counts from the one store of its serial on, and whoever finds it does it, again if need be.
 */
#include "lib/server.h"
#include "proto/counter_server.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64 };

struct counter_state {
	uint64_t value, repeats;
	struct {
		uint64_t request;		/* the last one of this client that was done */
		uint64_t answer;
	} clients[CLIENTS_MAX];
	struct {
		uint64_t client, request, value;
	} note;
	_Atomic uint64_t noted, done;		/* serials: noted is done or one more */
};

static struct counter_state *state;

static void die_if(bool now)
{
	if (now)
		kill(getpid(), SIGKILL);
}

/* Does what the note says; it may have been done in part. */
static void do_noted(void)
{
	state->value = state->note.value;
	state->clients[state->note.client].request = state->note.request;
	state->clients[state->note.client].answer = state->note.value;
	atomic_store(&state->done, state->noted);
}

static int on_add(struct server_call *call, const struct counter_add_request *request, struct counter_add_reply *reply)
{
	bool first = call->extra.deaths == 0;
	uint64_t number = call->extra.request;

	die_if(request->die == COUNTER_MOMENT_ALWAYS || (request->die == COUNTER_MOMENT_BEFORE && first));
	if (request->client >= CLIENTS_MAX)
		return -EINVAL;
	if (state->clients[request->client].request == number) {
		state->repeats++;
		reply->value = state->clients[request->client].answer;
		return 0;
	}
	state->note.client = request->client;
	state->note.request = number;
	state->note.value = state->value + request->amount;
	atomic_store(&state->noted, state->done + 1);
	die_if(request->die == COUNTER_MOMENT_BETWEEN && first);
	do_noted();
	die_if(request->die == COUNTER_MOMENT_AFTER && first);
	reply->value = state->value;
	return 0;
}

static int on_value(struct server_call *call, struct counter_value_reply *reply)
{
	(void)call;
	reply->value = state->value;
	reply->adds = state->done;
	reply->repeats = state->repeats;
	return 0;
}

static const struct counter_operations operations = { .add = on_add, .value = on_value };

int main(void)
{
	struct server server = { .name = "counter", .port_flags = PORT_PERSISTENT | PORT_REPLAY, .protocols = { { &counter_protocol, &operations } } };

	state = server_state(&server, sizeof *state);
	if (!state) {
		perror("counter: state");
		return 1;
	}
	if (state->noted != state->done)
		do_noted();
	return server_run(&server);
}
