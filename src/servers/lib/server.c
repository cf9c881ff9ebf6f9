/* SPDX-License-Identifier: MIT */
/* The loop of a server (server.h). An answer goes out together with the wish for the next message wherever that can be: it is one call instead of two. */
#include "server.h"
#include "server_setup.h"
#include "proto/service_server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MESSAGES_BEFORE_DESCRIPTORS = 16,	/* so that a busy port starves nobody */
	NS_PER_MS = 1000000,
};
static const int64_t DRAIN_NS = 20000000000, DRAIN_LOOK_NS = 100000000;

/* What every service answers. */

static int on_ping(struct server_call *call, const struct service_ping_request *request, struct service_ping_reply *reply)
{
	(void)call;
	reply->value = request->value;
	return 0;
}

static int on_state(struct server_call *call, struct service_state_reply *reply)
{
	struct server *server = call->server;

	snprintf(reply->name, sizeof reply->name, "%s", server->name);
	reply->phase = server->draining ? SERVICE_PHASE_DRAINING : SERVICE_PHASE_SERVING;
	reply->pid = getpid();
	reply->uptime_ns = server_now_ns() - server->started_ns;
	reply->received = server->received;
	reply->answered = server->answered;
	reply->failed = server->failed;
	reply->rejected = server->rejected;
	reply->held = server->held;
	return 0;
}

static int on_stop(struct server_call *call)
{
	server_stop(call->server);
	return 0;
}

static const struct service_operations service_operations = { .ping = on_ping, .state = on_state, .stop = on_stop };

/* Serving one message */

static int serve(struct server *server, struct server_call *call)
{
	unsigned id = msg_type(call->header) >> 16;

	for (unsigned i = 0; i < SERVER_PROTOCOLS_MAX && server->protocols[i].protocol; i++)
		if (server->protocols[i].protocol->id == id)
			return server->protocols[i].protocol->serve(call, server->protocols[i].operations);
	if (id == SERVICE_ID)
		return service_protocol.serve(call, &service_operations);
	return -ENOSYS;
}

/* Leaves the answer, if one is due, to be sent: server->reply, its payload in the message buffer, its handles in call->extra. */
static void serve_message(struct server *server, struct server_call *call)
{
	int result;

	server->received++;
	call->reply_length = call->reply_handle_count = 0;
	memset(call->reply_handles, -1, sizeof call->reply_handles);
	result = serve(server, call);
	message_close(call->extra.handles, msg_handles(call->header));
	if (result == -EBADMSG || result == -ENOSYS)
		server->rejected++;
	if (result != 0 && result != SERVER_ANSWERED)
		message_close(call->reply_handles, MSG_HANDLES_MAX);
	if (!call->token)
		return;
	if (result == SERVER_LATER) {
		server->held++;
		return;
	}
	if (result == SERVER_ANSWERED) {
		server->answered++;
		server->served++;
		return;
	}
	if (result != 0) {
		call->reply_length = call->reply_handle_count = 0;
		server->failed++;
	}
	/* An error proves nothing, and what every service answers neither. */
	server->served += result == 0 && msg_type(call->header) >> 16 != SERVICE_ID;
	memcpy(call->extra.handles, call->reply_handles, sizeof call->extra.handles);
	call->extra.grants = 0;
	server->reply = msg_header_make(result >= 0 ? 0 : -result < 4096 ? -result : EIO, call->reply_length, call->reply_handle_count, 0);
	server->reply_token = call->token;
	server->answered++;
}

static void take_notification(struct server *server, uint64_t bits)
{
	if (server_term_came())
		server_stop(server);
	bits &= ~SERVER_TERM_BIT;
	if (bits && server->notified)
		server->notified(server, bits);
}

/* What a call that receives or answers returned, where it is no message. 0: go on; else the loop ends with that. */
static int consider_error(struct server *server, int64_t error)
{
	if (server_term_came())
		server_stop(server);
	switch (error) {
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EINTR:
	case -ENOENT:		/* who asked has given up */
	case 0:
		return 0;
	case -ESTALE:		/* another instance has taken over */
		return -ESTALE;
	default:
		fprintf(stderr, "%s: cannot receive: %s\n", server->name, message_error_text((int)error));
		return (int)error;
	}
}

/* Sends the answer that waits for it, if one does. */
static int flush(struct server *server)
{
	uint64_t token = server->reply_token;

	if (!token)
		return 0;
	server->reply_token = 0;
	return consider_error(server, msg_reply(server->port, server->reply, token, &server->call.extra));
}

/* Sends the answer that waits, and receives. */
static struct msg_result receive(struct server *server, int64_t timeout)
{
	/* By the short way nobody is known: nothing of who was known before may be taken for him. */
	struct msg_extra *extra = server->short_way ? NULL : &server->call.extra;
	uint64_t token = server->reply_token;

	server->reply_token = 0;
	/* It waits without limit, which is right when the timer interrupts it. */
	if (server->short_way && !server->draining && timeout == server->beat_ns)
		return msg_serve(server->port, server->reply, token);
	if (token)
		return msg_reply_recv(server->port, server->reply, token, timeout, extra);
	return msg_recv(server->port, timeout, extra);
}

/* Sends the answer that waits, receives, and serves what came. 1: a message came; 0: none; negative: the loop ends. */
static int step(struct server *server, int64_t timeout)
{
	struct server_call *call = &server->call;
	struct msg_result result;

	/* Handles go with what the short way does not have. */
	if (server->short_way && msg_handles(server->reply) != 0) {
		int error = flush(server);

		server->reply = 0;
		if (error < 0)
			return error;
	}
	result = receive(server, timeout);
	server_beat(server);
	if (result.header < 0)
		return consider_error(server, result.header);
	if (msg_type(result.header) == MSG_NOTIFICATION) {
		take_notification(server, result.token);
		return 1;
	}
	call->header = result.header;
	call->token = result.token;
	call->badge = result.badge;
	serve_message(server, call);
	return 1;
}

/* The supervisor */

static void tell(struct server *server, uint64_t bits)
{
	if (server->served != server->told_served)
		bits |= SUPERVISOR_SERVED;
	server->told_served = server->served;
	port_notify(server->supervisor, bits);
}

void server_beat(struct server *server)
{
	int64_t now;

	if (server->supervisor < 0)
		return;
	/* The first one at once: who serves before it dies is not started in vain. */
	if (server->told_served == 0 && server->served != 0)
		tell(server, 0);
	if (server->beat_ns < 0)
		return;
	if (server->short_way) {
		if (!server_beat_came())
			return;
	} else {
		now = server_now_ns();
		if (now < server->beat_due_ns)
			return;
		server->beat_due_ns = now + server->beat_ns;
	}
	tell(server, SUPERVISOR_HEARTBEAT);
}

void server_ready(struct server *server)
{
	if (server->supervisor >= 0)
		tell(server, SUPERVISOR_READY | SUPERVISOR_HEARTBEAT);
	server->beat_due_ns = server_now_ns() + server->beat_ns;
}

/* Other descriptors */

int server_watch(struct server *server, int fd, short events, void (*ready)(struct server *server, int fd, short events))
{
	unsigned i = server->descriptor_count;

	if (i == SERVER_DESCRIPTORS_MAX)
		return -ENOSPC;
	server->descriptors[i].fd = fd;
	server->descriptors[i].events = events;
	server->descriptors[i].ready = ready;
	server->descriptor_count++;
	return 0;
}

void server_unwatch(struct server *server, int fd)
{
	for (unsigned i = 0; i < server->descriptor_count; i++)
		if (server->descriptors[i].fd == fd)
			server->descriptors[i--] = server->descriptors[--server->descriptor_count];
}

/* Waits until something can be done, and lets the program do it but for the port (@port: -1: is not waited for). */
static void wait_for_descriptors(struct server *server, int port, int64_t timeout)
{
	struct pollfd polled[SERVER_DESCRIPTORS_MAX + 1] = { { .fd = port, .events = POLLIN } };
	unsigned count = server->descriptor_count;

	for (unsigned i = 0; i < count; i++)
		polled[i + 1] = (struct pollfd){ .fd = server->descriptors[i].fd, .events = server->descriptors[i].events };
	if (poll(polled, count + 1, timeout < 0 ? -1 : (int)((timeout + NS_PER_MS - 1) / NS_PER_MS)) <= 0)
		return;
	for (unsigned k = 1; k <= count; k++) {
		/* What a function called before has taken away is not called. */
		for (unsigned i = 0; polled[k].revents && i < server->descriptor_count; i++) {
			if (server->descriptors[i].fd == polled[k].fd) {
				server->descriptors[i].ready(server, polled[k].fd, polled[k].revents);
				break;
			}
		}
	}
}

/* The loop */

int server_serve(struct server *server, int64_t timeout)
{
	int result = step(server, timeout);

	if (result >= 0)
		result = flush(server);
	if (result >= 0 && server->draining)
		return -ESHUTDOWN;
	return result < 0 ? result : 0;
}

int server_answer(struct server *server, uint64_t token, int error, const void *reply, unsigned length, const int32_t *handles, unsigned handle_count)
{
	struct msg_extra extra;

	message_extra_clear(&extra);
	if (error != 0)
		length = 0;
	if (length > MSG_PAYLOAD_MAX || handle_count > MSG_HANDLES_MAX)
		return -EMSGSIZE;
	for (unsigned i = 0; i < handle_count; i++)
		extra.handles[i] = handles[i];
	if (error != 0) {
		message_close(extra.handles, handle_count);
		handle_count = 0;
		server->failed++;
	}
	if (length != 0)
		memcpy(message_buffer(), reply, length);
	server->held--;
	server->answered++;
	server->served += error == 0;
	return (int)msg_reply(server->port, msg_header_make((unsigned)-error, length, handle_count, 0), token, &extra);
}

void server_stop(struct server *server)
{
	server->draining = true;
}

/*
 * Finishes what is held, also where the answers do not come by a descriptor: when a while has passed without one, a notification or message is taken,
 * too. One in a while only, or new calls could keep it from ever ending.
 */
static int finish_held(struct server *server, int64_t left)
{
	int64_t end = server_now_ns() + left, patience = DRAIN_LOOK_NS;
	int result = 0;

	if (server->beat_ns > 0 && server->beat_ns < patience)
		patience = server->beat_ns;
	while (result >= 0 && server->held > 0 && left > 0) {
		unsigned held = server->held;

		if (server->descriptor_count > 0)
			wait_for_descriptors(server, -1, patience);
		if (server->held == held)
			result = step(server, server->descriptor_count > 0 ? 0 : patience);
		if (result > 0)
			result = flush(server);
		server_beat(server);
		left = end - server_now_ns();
	}
	return result;
}

/* What is queued at a port that outlives this process waits for the next one; at others it is served now. */
static int drain(struct server *server)
{
	int64_t end = server_now_ns() + DRAIN_NS, left = DRAIN_NS;
	int result = flush(server);

	while (result == 0 && !server->persistent && left > 0) {
		result = step(server, 0);
		if (result == 0 && !server->reply_token)
			break;
		if (result > 0)
			result = flush(server);
		left = end - server_now_ns();
	}
	if (result == 0)
		result = finish_held(server, left);
	if (server->drained)
		server->drained(server);
	return result;
}

static int loop(struct server *server)
{
	unsigned in_a_row = 0;
	int result = 0;

	while (result >= 0 && !server->draining) {
		if (server->descriptor_count == 0) {
			result = step(server, server->beat_ns);
			continue;
		}
		result = step(server, 0);
		in_a_row = result > 0 ? in_a_row + 1 : 0;
		if (result < 0 || server->draining || (result > 0 && in_a_row % MESSAGES_BEFORE_DESCRIPTORS != 0))
			continue;
		/* What is called below may use the message buffer, where the answer lies. */
		result = flush(server);
		if (result == 0)
			wait_for_descriptors(server, server->port, in_a_row > 0 ? 0 : server->beat_ns);
		server_beat(server);
	}
	return result < 0 ? result : drain(server);
}

int server_run(struct server *server)
{
	int error = server_open(server);

	if (error < 0) {
		fprintf(stderr, "%s: cannot begin: %s\n", server->name, message_error_text(error));
		return 1;
	}
	server_ready(server);
	error = loop(server);
	return error == 0 || error == -ESTALE ? 0 : 1;
}
