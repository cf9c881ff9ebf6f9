/* SPDX-License-Identifier: MIT */
/*
 * The loop of a server: receives requests, has them checked and served by the generated code of its protocols (../proto), answers, gives its
 * heartbeat, and ends in order. ../README.md shows how a service is made of it.
 *
 * One thread runs the loop, and all functions here are for that thread. The manager gives by the environment:
 *	RAEEN_PORT=FD		the service's port, with RECV
 *	RAEEN_SUPERVISOR=FD	a handle with NOTIFY: SUPERVISOR_ bits go there
 *	RAEEN_WATCHDOG_MS=N	within which a heartbeat is expected; the loop gives three in that time
 *	RAEEN_STATE=FD		memory that outlives the instance (server_state)
 * Without RAEEN_PORT the server makes the port by itself, for tests; nobody may have made one with the name then.
 */
#pragma once

#include <raeen/message.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SUPERVISOR_HEARTBEAT = 1 << 0,
	SUPERVISOR_READY = 1 << 1,
	SUPERVISOR_SERVED = 1 << 2,	/* has answered a request of its protocols without an error, since the last time */
};

enum {
	SERVER_PROTOCOLS_MAX = 4,
	SERVER_DESCRIPTORS_MAX = 16,
	SERVER_LATER = 1,		/* a handler's result: will be answered by the request's _answer() function, or server_answer() */
	SERVER_ANSWERED = 2,		/* likewise: was answered by another way, without an error */
};

struct server;

/* A message that was received, as handlers see it. Gone when the handler returns; who answers later keeps the token. */
struct server_call {
	struct server *server;
	msg_header header;
	uint64_t token;			/* 0: a notice, nobody waits */
	uint64_t badge;			/* of the handle it was sent by */
	struct msg_extra extra;		/* who sent it; its handles: a handler that keeps one makes its place -1 */
	void *payload;			/* the message buffer: any other message overwrites it. Handlers use their copy */
	/* The answer, but for the fields of the reply. */
	unsigned reply_length;
	unsigned reply_handle_count;
	int32_t reply_handles[MSG_HANDLES_MAX];	/* a handler puts the descriptors here that go to the caller */
};

/* What is generated for each protocol. @serve checks and serves one message: 0, a negative errno, SERVER_LATER or SERVER_ANSWERED. */
struct protocol {
	const char *name;
	uint16_t id, major, minor;
	unsigned reject_count;			/* ways in which a message can be malformed */
	const char *const *reject_names;
	uint64_t *rejects;			/* how many were, each way */
	int (*serve)(struct server_call *call, const void *operations);
};

/* Zero where nothing is said. Set up by the program, before server_run(). */
struct server {
	const char *name;			/* the port's too, where the server makes it */
	unsigned port_flags;			/* likewise: PORT_PERSISTENT, PORT_REPLAY */
	struct {
		const struct protocol *protocol;
		const void *operations;		/* struct NAME_operations of that protocol */
	} protocols[SERVER_PROTOCOLS_MAX];
	/*
	 * Messages of whole words, up to 248 bytes or a page, take the short way between programs: a fifth of the instructions. Who sent one, his
	 * capabilities and handles are not known then: what needs any is refused, `stop`, too. With a watchdog, SIGALRM comes for each heartbeat:
	 * calls that handlers make may end with EINTR.
	 */
	bool short_way;
	void (*notified)(struct server *server, uint64_t bits);	/* somebody notified the port; NULL: ignored */
	void (*drained)(struct server *server);	/* nothing is held any more; the last thing before server_run() returns */
	struct {
		int fd;
		short events;			/* as for poll() */
		void (*ready)(struct server *server, int fd, short events);
	} descriptors[SERVER_DESCRIPTORS_MAX];	/* to wait for beside the port; server_watch() */
	unsigned descriptor_count;
	void *context;				/* the program's own */

	/* The loop's own. */
	int port, supervisor;
	bool persistent;			/* what is queued waits for the next instance */
	bool draining;
	int64_t beat_ns;			/* between heartbeats; MSG_WAIT: none */
	int64_t beat_due_ns, started_ns;
	struct server_call call;		/* being served */
	msg_header reply;			/* an answer that goes out with the next receiving, */
	uint64_t reply_token;			/* to this call; 0: none */
	uint64_t received, answered, failed, rejected;
	uint64_t served, told_served;		/* answers that were no errors to its own protocols' requests; of which the supervisor knows */
	unsigned held;				/* calls to be answered later */
};

/*
 * Serves until SIGTERM, a `stop` request or another instance ends it; finishes what is held first: at most 20 seconds, of which the manager gives
 * five unless it is upgrading. Returns the exit status: 0, or 1 after a message on stderr when it could not begin. Takes over SIGTERM.
 */
int server_run(struct server *server);

/* The two halves, for a program with a loop of its own: server_open() returns 0 or a negative errno; then, as long as server_serve() returns 0, it is
 * called at least when server->port can be read and each server->beat_ns. It waits @timeout nanoseconds at most, serves at most one message. */
int server_open(struct server *server);
int server_serve(struct server *server, int64_t timeout);

/* Ready to serve: tells the supervisor. server_run() does. */
void server_ready(struct server *server);

/* The heartbeat, if it is time; a handler that works for long calls it between its steps. */
void server_beat(struct server *server);

/* Calls @ready in the loop whenever @events happen on @fd, until server_unwatch(). 0, or -ENOSPC. */
int server_watch(struct server *server, int fd, short events, void (*ready)(struct server *server, int fd, short events));
void server_unwatch(struct server *server, int fd);

/*
 * Answers a call that was put off. @error: 0 or a negative errno, which goes alone. The handles are gone afterwards. Returns 0, -ENOENT when the
 * caller has given up, -ESTALE when another instance has taken over.
 */
int server_answer(struct server *server, uint64_t token, int error, const void *reply, unsigned length, const int32_t *handles, unsigned handle_count);

/* Ends the loop as `stop` does. */
void server_stop(struct server *server);

/*
 * Maps @size bytes that the next instance of the service finds as this one left them: those of RAEEN_STATE, else of the file /run/NAME.state. New ones
 * are zero. Returns NULL with errno.
 */
void *server_state(struct server *server, size_t size);
