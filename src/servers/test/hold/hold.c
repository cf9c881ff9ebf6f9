/* SPDX-License-Identifier: MIT */
/*
 * hold-service: a service of the tests that holds requests until it gets a notice, without a descriptor to wait for, and one whose children outlive it.
 *
 *	hold-service [group|session]	serves ../../proto/echo.def: `later` is answered by the next `note`. With a word it has a child, in its group or
 *					only in its session, that changes its state all the time; prints "alone" or "SHARED" when it begins
 *	hold-service later PORT VALUE	a client: prints the answer, or the errno
 *	hold-service note PORT		another one
 *	hold-service storm PORT MS	eight threads that ask the service manager, whose PORT is "manager", for its list; prints how many answers came
 */
#include "lib/server.h"
#include "proto/echo.h"
#include "proto/echo_server.h"
#include "proto/svc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MAX = 16, STATE_BYTES = 4096, MS = 1000000, THREADS = 8 };

static struct {
	uint64_t token, value;
} held[HELD_MAX];
static unsigned held_count;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * MS }, NULL);
}

static int on_echo(struct server_call *call, const struct echo_echo_request *request, struct echo_echo_reply *reply)
{
	(void)call;
	memcpy(reply->data, request->data, request->data_length);
	reply->data_length = request->data_length;
	return 0;
}

static int on_later(struct server_call *call, const struct echo_later_request *request, struct echo_later_reply *reply)
{
	(void)reply;
	if (held_count == HELD_MAX)
		return -EBUSY;
	held[held_count].token = call->token;
	held[held_count++].value = request->value;
	return SERVER_LATER;
}

static int on_note(struct server_call *call, const struct echo_note_request *request)
{
	(void)request;
	while (held_count > 0) {
		struct echo_later_reply reply = { .value = held[--held_count].value };

		echo_later_answer(call->server, held[held_count].token, &reply);
	}
	return 0;
}

static const struct echo_operations operations = { .echo = on_echo, .later = on_later, .note = on_note };

/* Says whether somebody changes what is to be this instance's alone, and begins to. */
static void share_state(struct server *server, bool in_group)
{
	volatile uint64_t *state = server_state(server, STATE_BYTES);
	uint64_t before;

	if (!state) {
		perror("hold: state");
		return;
	}
	before = *state;
	pause_ms(50);
	printf("%s %d\n", *state == before ? "alone" : "SHARED", (int)getpid());
	fflush(stdout);
	if (fork() != 0)
		return;
	if (!in_group)
		setpgid(0, 0);
	for (;;) {
		++*state;
		pause_ms(1);
	}
}

static int storm_port;
static int64_t storm_end_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll * MS + now.tv_nsec;
}

/* Returns the number of answers as a pointer. */
static void *storm_thread(void *unused)
{
	static __thread struct svc_list_reply reply;
	struct svc_list_request request = { .index = 0 };
	uintptr_t answers = 0;

	(void)unused;
	while (now_ns() < storm_end_ns)
		answers += svc_list(storm_port, &request, &reply, MSG_WAIT) == 0;
	return (void *)answers;
}

static int storm(int port, int64_t ms)
{
	pthread_t threads[THREADS];
	uintptr_t all = 0;

	storm_port = port;
	storm_end_ns = now_ns() + ms * MS;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, storm_thread, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		void *answers = NULL;

		pthread_join(threads[i], &answers);
		all += (uintptr_t)answers;
	}
	printf("answers %llu\n", (unsigned long long)all);
	return 0;
}

static int ask(const char *what, int port, uint64_t value)
{
	struct echo_later_request request = { .value = value };
	struct echo_later_reply reply;
	int error;

	if (strcmp(what, "note") == 0) {
		struct echo_note_request note = { .value = value };

		return echo_note(port, &note, MSG_WAIT) < 0;
	}
	if (strcmp(what, "storm") == 0)
		return storm(port, (int64_t)value);
	error = echo_later(port, &request, &reply, 60000ll * MS);
	printf("later %lld\n", error < 0 ? (long long)error : (long long)reply.value);
	return 0;
}

int main(int argc, char **argv)
{
	struct server server = { .name = "hold", .port_flags = PORT_PERSISTENT, .protocols = { { &echo_protocol, &operations } } };

	if (argc > 2) {
		int port = message_open(argv[2], PORT_SEND, 5000ll * MS);

		if (port < 0)
			fprintf(stderr, "hold-service: %s: %s\n", argv[2], message_error_text(port));
		return port < 0 ? 1 : ask(argv[1], port, argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
	}
	if (argc == 2)
		share_state(&server, strcmp(argv[1], "group") == 0);
	return server_run(&server);
}
