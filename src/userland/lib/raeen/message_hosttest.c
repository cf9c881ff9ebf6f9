/* SPDX-License-Identifier: MIT */
/* LINK: lib/raeen/message.c */
/* What libraeen makes of answers; on a system without ports. */
#include "message.h"
#include "../../../servers/lib/check.h"
#include "proto/svc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void test_answers(void)
{
	CHECK(message_answer(-ETIMEDOUT, 0, NULL) == -ETIMEDOUT, "the kernel's error");
	CHECK(message_answer((int64_t)msg_header_make(0, 100, 0, 0), 0, NULL) == 0, "an answer");
	CHECK(message_answer((int64_t)msg_header_make(ENOSPC, 0, 0, 0), 0, NULL) == -ENOSPC, "the service's error");
	CHECK(message_answer((int64_t)msg_header_make(4095, 0, 0, 0), 0, NULL) == -4095, "the last one");
	CHECK(message_answer((int64_t)msg_header_make(4096, 0, 0, 0), 0, NULL) == -EPROTO, "no errno");
	CHECK(message_answer((int64_t)msg_header_make(MSG_TYPE_KERNEL - 1, 0, 0, 0), 0, NULL) == -EPROTO, "no errno");
}

/* Whether @fd is open. */
static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Handles that an answer should not have are closed; those that it should have are not. */
static void test_handles(void)
{
	struct msg_extra extra;
	int ends[2];

	message_extra_clear(&extra);
	CHECK(extra.handles[0] == -1 && extra.handles[MSG_HANDLES_MAX - 1] == -1 && extra.grants == 0, "cleared");
	CHECK(pipe(ends) == 0, "pipe");
	extra.handles[0] = ends[0];
	extra.handles[1] = ends[1];
	CHECK(message_answer((int64_t)msg_header_make(0, 0, 2, 0), 2, &extra) == 0, "two as expected");
	CHECK(is_open(ends[0]) && is_open(ends[1]), "they are the caller's");
	CHECK(message_answer((int64_t)msg_header_make(0, 0, 1, 0), 2, &extra) == -EPROTO, "one is missing");
	CHECK(!is_open(ends[0]) && is_open(ends[1]), "what came is closed, nothing else");
	extra.handles[0] = ends[1];
	CHECK(message_answer((int64_t)msg_header_make(EACCES, 0, 1, 0), 1, &extra) == -EACCES, "an error with a handle");
	CHECK(!is_open(ends[1]), "it is closed");
	message_close(extra.handles, MSG_HANDLES_MAX + 1);
	CHECK(extra.handles[0] == -1, "gone");
}

static void test_texts(void)
{
	CHECK(strcmp(message_error_text(-ESTALE), message_error_text(ESTALE)) == 0, "of both signs");
	CHECK(strcmp(message_error_text(EXDEV), strerror(EXDEV)) == 0, "the C library's");
	CHECK(strcmp(message_type_name(SVC_START), "svc.start") == 0, "a request");
	CHECK(strcmp(message_type_name(SVC_VERSION), "svc.version") == 0, "the version");
	CHECK(message_type_name(SVC_ID << 16 | 999) == NULL && message_type_name(0) == NULL, "no request");
}

static void test_no_ports(void)
{
	int32_t port = 0;

	CHECK(message_buffer() == NULL, "a buffer");
	CHECK(message_open("nobody", PORT_SEND, 0) == -ENOSYS, "a port");
	CHECK(message_supervise(&port) == -ENOSYS && port == -1, "supervision");
	CHECK(message_bits(-1, 0) == 0, "bits");
}

int main(void)
{
	test_answers();
	test_handles();
	test_texts();
	test_no_ports();
	return check_result("lib/raeen/message");
}
