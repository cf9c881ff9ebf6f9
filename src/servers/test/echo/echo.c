/* SPDX-License-Identifier: MIT */
/*
 * echo-service: a service of the tests. It answers with what it gets, and misbehaves when it is told to (../../proto/echo.def).
 *
 *	echo-service [--die] [--short]
 *
 * --die: ends before it is ready, with status 3. --short: by the short way (server.h).
 */
#include "lib/server.h"
#include "proto/echo_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LATER_MAX = 64, DIE_STATUS = 3 };

static struct {
	uint64_t token, value;
} put_off[LATER_MAX];
static unsigned put_off_count;
static int wake[2];		/* a pipe: its reading end is ready as soon as something was put off */
static uint64_t note_count, note_sum;

static int on_echo(struct server_call *call, const struct echo_echo_request *request, struct echo_echo_reply *reply)
{
	(void)call;
	memcpy(reply->data, request->data, request->data_length);
	reply->data_length = request->data_length;
	return 0;
}

static int on_misbehave(struct server_call *call, const struct echo_misbehave_request *request)
{
	volatile int *nowhere = NULL;
	struct timespec pause = { .tv_sec = (time_t)(request->argument_ns / 1000000000), .tv_nsec = (long)(request->argument_ns % 1000000000) };

	(void)call;
	switch ((enum echo_fault)request->fault) {
	case ECHO_FAULT_CRASH:
		return *nowhere;
	case ECHO_FAULT_LOOP:
		for (;;)
			__asm__ volatile("pause");
	case ECHO_FAULT_HANG:
		for (;;)
			pause.tv_sec = 1000, nanosleep(&pause, NULL);
	case ECHO_FAULT_LATE:
		nanosleep(&pause, NULL);
		return 0;
	case ECHO_FAULT_LEAVE:
		_exit((int)request->argument);
	case ECHO_FAULT_FAIL:
		return request->argument < 4096 ? -(int)request->argument : -EINVAL;
	}
	return -EINVAL;
}

static int on_swap(struct server_call *call)
{
	call->reply_handles[ECHO_SWAP_OUT_FIRST] = call->extra.handles[ECHO_SWAP_IN_SECOND];
	call->reply_handles[ECHO_SWAP_OUT_SECOND] = call->extra.handles[ECHO_SWAP_IN_FIRST];
	call->extra.handles[0] = call->extra.handles[1] = -1;
	return 0;
}

static int on_lend(struct server_call *call, const struct echo_lend_request *request)
{
	static const char text[] = "lent\n";
	int fd = open(request->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), error = 0;

	(void)call;
	if (fd < 0)
		return -errno;
	if (write(fd, text, sizeof text - 1) != sizeof text - 1)
		error = -EIO;
	close(fd);
	return error;
}

/* From the loop, when it looks after its descriptors. */
static void answer_put_off(struct server *server, int fd, short events)
{
	(void)events;
	for (; put_off_count > 0; put_off_count--) {
		struct echo_later_reply reply = { .value = put_off[put_off_count - 1].value };
		char byte;

		if (read(fd, &byte, 1) == 1)
			echo_later_answer(server, put_off[put_off_count - 1].token, &reply);
	}
	server_unwatch(server, fd);
}

static int on_later(struct server_call *call, const struct echo_later_request *request, struct echo_later_reply *reply)
{
	(void)reply;
	if (put_off_count == LATER_MAX)
		return -EBUSY;
	if (put_off_count == 0 && server_watch(call->server, wake[0], POLLIN, answer_put_off) < 0)
		return -EBUSY;
	if (write(wake[1], "", 1) != 1)
		return -EIO;
	put_off[put_off_count].token = call->token;
	put_off[put_off_count].value = request->value;
	put_off_count++;
	return SERVER_LATER;
}

static int on_note(struct server_call *call, const struct echo_note_request *request)
{
	(void)call;
	note_count++;
	note_sum += request->value;
	return 0;
}

static int on_notes(struct server_call *call, struct echo_notes_reply *reply)
{
	(void)call;
	reply->count = note_count;
	reply->sum = note_sum;
	return 0;
}

static const struct echo_operations operations = {
	.echo = on_echo, .misbehave = on_misbehave, .swap = on_swap, .lend = on_lend, .later = on_later, .note = on_note, .notes = on_notes,
};

int main(int argc, char **argv)
{
	struct server server = { .name = "echo", .port_flags = PORT_PERSISTENT, .protocols = { { &echo_protocol, &operations } } };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--die") == 0)
			return DIE_STATUS;
		server.short_way |= strcmp(argv[i], "--short") == 0;
	}
	if (pipe(wake) < 0) {
		perror("echo: pipe");
		return 1;
	}
	return server_run(&server);
}
