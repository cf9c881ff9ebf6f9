/* SPDX-License-Identifier: MIT */
/* libraeen: see message.h. */
#include "message.h"
#include "proto/names.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_NS = 2000000, SECOND_NS = 1000000000 };

__thread void *message_buffer_of_thread;

void message_buffer_forget(void)
{
	message_buffer_of_thread = NULL;
}

static void forget_in_children(void)
{
	/* ENOMEM: then a child of fork() has to call message_buffer_forget(), as after clone(). */
	pthread_atfork(NULL, NULL, message_buffer_forget);
}

void *message_buffer_first(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	long address = msg_buffer();

	if (address < 0 && address > -4096)
		return NULL;
	pthread_once(&once, forget_in_children);
	message_buffer_of_thread = (void *)address;
	return message_buffer_of_thread;
}

void message_close(int32_t *handles, unsigned count)
{
	for (unsigned i = 0; i < count && i < MSG_HANDLES_MAX; i++) {
		if (handles[i] >= 0)
			close(handles[i]);
		handles[i] = -1;
	}
}

void message_extra_clear(struct msg_extra *extra)
{
	memset(extra, 0, sizeof *extra);
	memset(extra->handles, -1, sizeof extra->handles);
}

int message_answer(int64_t header, unsigned handles, const struct msg_extra *extra)
{
	int32_t wrong[MSG_HANDLES_MAX];
	int error = 0;

	if (header < 0)
		return (int)header;
	if (msg_type((msg_header)header) != 0)
		error = msg_type((msg_header)header) < 4096 ? -(int)msg_type((msg_header)header) : -EPROTO;
	else if (msg_handles((msg_header)header) != handles)
		error = -EPROTO;
	if (error < 0 && extra) {
		memcpy(wrong, extra->handles, sizeof wrong);
		message_close(wrong, msg_handles((msg_header)header));
	}
	return error;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

int message_open(const char *name, unsigned rights, int64_t timeout)
{
	const struct timespec pause = { .tv_nsec = RETRY_NS };
	int64_t end = timeout > 0 ? now_ns() + timeout : 0;

	for (;;) {
		long fd = port_open(name, rights);

		if (fd != -ENOENT || timeout == 0 || (timeout > 0 && now_ns() >= end))
			return (int)fd;
		nanosleep(&pause, NULL);
	}
}

int message_supervise(int32_t *port)
{
	long handle, made = port_create(NULL, 0);

	*port = -1;
	if (made < 0)
		return (int)made;
	handle = handle_dup((int)made, PORT_NOTIFY, 0);
	if (handle < 0) {
		close((int)made);
		return (int)handle;
	}
	/* Ports are closed in children unless somebody asks. */
	fcntl((int)handle, F_SETFD, 0);
	*port = (int32_t)made;
	return (int)handle;
}

uint64_t message_bits(int port, int64_t timeout)
{
	struct msg_result result = msg_recv(port, timeout, NULL);

	return result.header >= 0 && msg_type((msg_header)result.header) == MSG_NOTIFICATION ? result.token : 0;
}

const char *message_error_text(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ EAGAIN, "nothing is there" },
		{ EBADMSG, "the service says the message is malformed" },
		{ ECANCELED, "the call was cancelled" },
		{ ECONNRESET, "the service ended with the request in its hands" },
		{ EIO, "the request was given up: services died of it, or the service failed" },
		{ EPIPE, "the port is gone" },
		{ EPROTO, "the service's answer is malformed" },
		{ EPROTONOSUPPORT, "the service speaks another version" },
		{ ENOENT, "there is no such port, or who asked has given up" },
		{ ENOSPC, "the user has too many ports, or names of ports" },
		{ ENOSYS, "the service does not know the request" },
		{ EPERM, "a capability or right is missing" },
		{ ESTALE, "another instance of the service has taken over" },
		{ ETIMEDOUT, "no answer in time" },
	};

	if (error < 0)
		error = -error;
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].error == error)
			return texts[i].text;
	return strerror(error);
}

const char *message_type_name(uint32_t type)
{
	for (unsigned i = 0; i < sizeof protocol_type_names / sizeof *protocol_type_names; i++)
		if (protocol_type_names[i].type == type)
			return protocol_type_names[i].name;
	return NULL;
}
