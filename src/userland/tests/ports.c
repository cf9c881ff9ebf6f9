/* SPDX-License-Identifier: MIT */
/* Ports: calls, answers, messages, notifications, handles in messages, names, the end and the return of receivers. Native: not for Linux. */
#include "check.h"
#include "ports_kit.h"

#include <raeen/caps.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000, ADD = 1, STOP, HOLD, CRASH, BIG };

/* Serves @fd: ADD adds the two numbers, HOLD never answers, CRASH dies with the call in its hands. */
static void serve(int fd)
{
	char *buffer = msg_buffer();
	struct result got = msg_recv(fd, MSG_WAIT, NULL);

	while (got.value >= 0) {
		uint64_t *numbers = (uint64_t *)buffer;

		switch (msg_type(got.value)) {
		case ADD:
			numbers[0] += numbers[1];
			break;
		case BIG:
			for (int i = 0; i < MSG_PAYLOAD_MAX / 8; i++)
				numbers[i]++;
			got = msg_reply_recv(fd, HEADER(BIG, MSG_PAYLOAD_MAX), got.token, MSG_WAIT, NULL);
			continue;
		case HOLD:
			shared->flags[0] = 1;
			got = msg_recv(fd, MSG_WAIT, NULL);
			continue;
		case CRASH:
			kill(getpid(), SIGKILL);
			return;
		case STOP:
			msg_reply(fd, HEADER(STOP, 0), got.token, NULL);
			return;
		}
		got = msg_reply_recv(fd, HEADER(ADD, 8), got.token, MSG_WAIT, NULL);
	}
}

static void serve_port(void *argument)
{
	serve((long)argument);
}

static long add(int fd, uint64_t a, uint64_t b)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();
	struct result got;

	numbers[0] = a;
	numbers[1] = b;
	got = msg_call(fd, HEADER(ADD, 16), MSG_WAIT, NULL);
	return got.value == (int64_t)HEADER(ADD, 8) ? (long)numbers[0] : checked(got);
}

/* Another process serves the port; the caller's RECV is lost. */
static pid_t start_server(void)
{
	int receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	pid_t pid;

	CHECK(receiver >= 0);
	pid = check_spawn(serve_port, (void *)(long)receiver);
	close(receiver);
	return pid;
}

static void stop_server(pid_t pid)
{
	CHECK_EQ(msg_call(port, HEADER(STOP, 0), MSG_WAIT, NULL).value, HEADER(STOP, 0));
	CHECK_EQ(check_wait(pid), 0);
}

static void call_and_answer(void)
{
	pid_t pid;

	begin(0);
	pid = start_server();
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(add(port, i, 5), i + 5);
	stop_server(pid);
	/* The port ended with its receiver. */
	CHECK_ERR(add(port, 1, 2), EPIPE);
}

static void big_payload(void)
{
	uint64_t *numbers;
	pid_t pid;

	begin(0);
	pid = start_server();
	numbers = (uint64_t *)msg_buffer();
	for (int i = 0; i < MSG_PAYLOAD_MAX / 8; i++)
		numbers[i] = i * 3;
	CHECK_EQ(msg_call(port, HEADER(BIG, MSG_PAYLOAD_MAX), MSG_WAIT, NULL).value, HEADER(BIG, MSG_PAYLOAD_MAX));
	for (int i = 0; i < MSG_PAYLOAD_MAX / 8; i++)
		if (numbers[i] != (uint64_t)i * 3 + 1) {
			CHECK_EQ(numbers[i], i * 3 + 1);
			break;
		}
	stop_server(pid);
}

static void bad_arguments(void)
{
	int file = open("/dev/null", O_RDWR);

	CHECK_EQ(native(NR_msg_call, 0, 0, -1, 0, 0).value, -EINVAL);	/* the terminal is no port */
	begin(0);
	CHECK_EQ(msg_call(999, HEADER(1, 0), -1, NULL).value, -EBADF);
	CHECK_EQ(msg_call(file, HEADER(1, 0), -1, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, HEADER(1, MSG_PAYLOAD_MAX + 1), -1, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, HEADER(MSG_NOTIFICATION, 0), -1, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, HEADER(1, 0), 0, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, msg_header_make(1, 0, 1, 0), -1, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, msg_header_make(1, 0, 9, 0), -1, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, msg_header_make(1, 0, 0, 32), -1, NULL).value, -EINVAL);
	CHECK_EQ(msg_call(port, msg_header_make(1, 0, 1, 0), -1, (void *)8).value, -EFAULT);
	CHECK_ERR(port_create("bad name", 0), EINVAL);
	CHECK_ERR(port_create("", 0), EINVAL);
	CHECK_ERR(port_create("0123456789012345678901234567890123456789012345678", 0), EINVAL);
	CHECK_ERR(port_create(NULL, PORT_REPLAY), EINVAL);
	CHECK_ERR(port_create(NULL, 1 << 20), EINVAL);
	CHECK_ERR(port_open("nobody.has.it", PORT_SEND), ENOENT);
	CHECK_ERR(port_open("x", PORT_RECV), EINVAL);
	CHECK_ERR(port_control(port, 99, 0), EINVAL);
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
	CHECK_EQ(msg_recv(port, 5 * MS, NULL).value, -ETIMEDOUT);
	CHECK_EQ(msg_call(port, HEADER(1, 0), 5 * MS, NULL).value, -ETIMEDOUT);
	CHECK_ERR(msg_reply(port, HEADER(1, 0), 1, NULL), ESTALE);
	CHECK_ERR(msg_reply(port, HEADER(1, 0), 1ull << 48 | 77, NULL), ENOENT);
	CHECK_EQ(read(port, &file, 1), -1);
}

static void messages_without_answer(void)
{
	char *buffer;
	struct result got;
	int sent;

	begin(0);
	buffer = msg_buffer();
	for (int i = 0; i < 100; i++) {
		strcpy(buffer, "hello");
		buffer[5] = '0' + i % 10;
		CHECK_EQ(msg_send(port, HEADER(7, 6), 0, NULL), 0);
	}
	memset(buffer, 0, 64);
	for (int i = 0; i < 100; i++) {
		got = msg_recv(port, 0, NULL);
		CHECK_EQ(got.value, HEADER(7, 6));
		CHECK_EQ(got.token, 0);
		CHECK_EQ(buffer[5], '0' + i % 10);
	}
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
	/* The queue is bounded for the sender. */
	for (sent = 0; sent < 10000 && msg_send(port, HEADER(7, 1024), 0, NULL) == 0; sent++)
		continue;
	CHECK_ERR(msg_send(port, HEADER(7, 1024), 0, NULL), EAGAIN);
	CHECK(sent > 50 && sent < 1000);
	CHECK_ERR(msg_send(port, HEADER(7, 1024), 5 * MS, NULL), ETIMEDOUT);
	CHECK_EQ(msg_recv(port, 0, NULL).value, HEADER(7, 1024));
	CHECK_EQ(msg_send(port, HEADER(7, 1024), 0, NULL), 0);
}

static void urgent_first(void)
{
	static const int order[] = { 9, 3, 3, 1, 0 };

	begin(0);
	*msg_buffer() = 'x';
	CHECK_EQ(msg_send(port, msg_header_make(10, 1, 0, 3), 0, NULL), 0);
	CHECK_EQ(msg_send(port, msg_header_make(11, 1, 0, 0), 0, NULL), 0);
	CHECK_EQ(msg_send(port, msg_header_make(12, 1, 0, 9), 0, NULL), 0);
	CHECK_EQ(msg_send(port, msg_header_make(13, 1, 0, 1), 0, NULL), 0);
	CHECK_EQ(msg_send(port, msg_header_make(14, 1, 0, 3), 0, NULL), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(msg_priority(msg_recv(port, 0, NULL).value), order[i]);
}

static void notifications(void)
{
	struct pollfd fds;
	struct result got;

	begin(0);
	fds = (struct pollfd){ .fd = port, .events = POLLIN };
	CHECK_EQ(poll(&fds, 1, 0), 0);
	CHECK_EQ(port_notify(port, 4), 0);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(poll(&fds, 1, 0), 1);
	CHECK_EQ(fds.revents, POLLIN);
	got = msg_recv(port, 0, NULL);
	CHECK_EQ(msg_type(got.value), MSG_NOTIFICATION);
	CHECK_EQ(got.token, 5);
	CHECK_EQ(poll(&fds, 1, 0), 0);
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
}

static void notify_later(void *unused)
{
	(void)unused;
	check_sleep(30);
	port_notify(port, 1 << 7);
}

static void notification_wakes(void)
{
	struct pollfd fds;
	pid_t pid;

	begin(0);
	pid = check_spawn(notify_later, NULL);
	CHECK_EQ(msg_recv(port, MSG_WAIT, NULL).token, 1 << 7);
	CHECK_EQ(check_wait(pid), 0);
	pid = check_spawn(notify_later, NULL);
	fds = (struct pollfd){ .fd = port, .events = POLLIN };
	CHECK_EQ(poll(&fds, 1, -1), 1);
	CHECK_EQ(check_wait(pid), 0);
}

static void handles_travel(void)
{
	struct msg_extra extra = { .handles = { 0 } }, got_extra;
	int pipe_fds[2], other;
	struct result got;
	char text[8] = "";

	begin(0);
	CHECK_EQ(pipe(pipe_fds), 0);
	other = pipe_fds[1];
	extra.handles[0] = pipe_fds[1];
	CHECK_EQ(msg_send(port, msg_header_make(5, 0, 1, 0), 0, &extra), 0);
	CHECK_EQ(write(other, "x", 1), -1);	/* it is gone */
	/* Who has no room leaves the message where it is. */
	got = msg_recv(port, 0, &got_extra);
	CHECK_EQ(got.value, msg_header_make(5, 0, 1, 0));
	CHECK_EQ(got_extra.pid, getpid());
	CHECK(got_extra.handles[0] >= 0);
	CHECK_EQ(got_extra.handles[1], -1);
	CHECK_EQ(fcntl(got_extra.handles[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_EQ(write(got_extra.handles[0], "abc", 3), 3);
	CHECK_EQ(read(pipe_fds[0], text, 8), 3);
	CHECK_STR(text, "abc");
	/* Without an extra they are closed. */
	extra.handles[0] = got_extra.handles[0];
	CHECK_EQ(msg_send(port, msg_header_make(5, 0, 1, 0), 0, &extra), 0);
	got = msg_recv(port, 0, NULL);
	CHECK_EQ(got.value, HEADER(5, 0));
	CHECK_EQ(read(pipe_fds[0], text, 8), 0);
	/* One that is bad: nothing is taken. */
	extra.handles[0] = pipe_fds[0];
	extra.handles[1] = 999;
	CHECK_ERR(msg_send(port, msg_header_make(5, 0, 2, 0), 0, &extra), EBADF);
	extra.handles[1] = pipe_fds[0];
	CHECK_ERR(msg_send(port, msg_header_make(5, 0, 2, 0), 0, &extra), EINVAL);
	CHECK(fcntl(pipe_fds[0], F_GETFD) >= 0);
}

static void slots_are_reserved_first(void)
{
	struct msg_extra extra = { .handles = { 0 } }, got;
	struct rlimit limit;
	int file = open("/dev/null", O_RDWR), last;

	begin(0);
	extra.handles[0] = dup(file);
	extra.handles[1] = dup(file);
	CHECK_EQ(msg_send(port, msg_header_make(5, 0, 2, 0), 0, &extra), 0);
	/* Room for one more only. */
	last = dup(file);
	close(last);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = last + 1;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(msg_recv(port, 0, &got).value, -EMFILE);
	CHECK_EQ(dup(file), last);	/* nothing was kept */
	close(last);
	limit.rlim_cur = last + 2;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(msg_recv(port, 0, &got).value, msg_header_make(5, 0, 2, 0));
}

static void no_port_in_itself(void)
{
	struct msg_extra extra = { .handles = { 0 } }, got;
	int second, third, send;

	begin(0);
	send = dup(port);
	/* dup shares the handle: moving one of them still moves the receiver's right into its own port. */
	extra.handles[0] = send;
	CHECK_ERR(msg_send(port, msg_header_make(5, 0, 1, 0), 0, &extra), ELOOP);
	/* In a circle of three. */
	second = port_create("test.second", 0);
	third = port_create("test.third", 0);
	CHECK(second >= 0 && third >= 0);
	extra.handles[0] = second;
	CHECK_EQ(msg_send(third, msg_header_make(5, 0, 1, 0), 0, &extra), 0);	/* second in third */
	send = port_open("test.second", PORT_SEND);
	CHECK(send >= 0);
	extra.handles[0] = third;
	CHECK_ERR(msg_send(send, msg_header_make(5, 0, 1, 0), 0, &extra), ELOOP);	/* third in second */
	/* With third closed by that, its queue went, and second with it. */
	CHECK_ERR(msg_send(send, HEADER(1, 0), 0, NULL), EPIPE);
	CHECK_ERR(port_open("test.third", PORT_SEND), ENOENT);
	CHECK_EQ(msg_recv(port, 0, &got).value, -EAGAIN);
}

static void held_calls_end_with_the_receiver(void)
{
	pid_t pid;

	begin(PORT_PERSISTENT);
	pid = start_server();
	CHECK_EQ(msg_call(port, HEADER(CRASH, 0), MSG_WAIT, NULL).value, -ECONNRESET);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	/* The next one serves the same port and handles. */
	CHECK_EQ(msg_send(port, HEADER(ADD, 16), 0, NULL), 0);	/* waits in the queue */
	pid = start_server();
	CHECK_EQ(add(port, 40, 2), 42);
	stop_server(pid);
}

static void serve_second_time(void *argument)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();
	struct msg_extra extra;
	struct result got = msg_recv((long)argument, MSG_WAIT, &extra);

	CHECK_EQ(got.token, 0);
	got = msg_recv((long)argument, MSG_WAIT, &extra);
	shared->numbers[shared->flags[1]++] = extra.request;
	if (extra.deaths == 0)
		kill(getpid(), SIGKILL);
	CHECK_EQ(extra.deaths, 1);
	numbers[0] += numbers[1];
	CHECK_EQ(msg_reply((long)argument, HEADER(ADD, 8), got.token, NULL), 0);
}

static void held_calls_are_given_again(void)
{
	pid_t first, second, caller = -1;
	int receiver;

	begin(PORT_PERSISTENT | PORT_REPLAY);
	CHECK_EQ(msg_send(port, HEADER(1, 0), 0, NULL), 0);
	receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	first = check_spawn(serve_second_time, (void *)(long)receiver);
	close(receiver);
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		_exit(add(port, 20, 22));
	}
	CHECK_EQ(check_wait(first), CHECK_KILLED + SIGKILL);
	CHECK_EQ(msg_send(port, msg_header_make(1, 0, 0, 9), 0, NULL), 0);
	receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	second = check_spawn(serve_second_time, (void *)(long)receiver);
	close(receiver);
	CHECK_EQ(check_wait(second), 0);
	CHECK_EQ(check_wait(caller), 42);
	CHECK_EQ(shared->flags[1], 2);
	CHECK_EQ(shared->numbers[0], shared->numbers[1]);
}

static void poisoned_call_ends(void)
{
	pid_t pid, caller;

	begin(PORT_PERSISTENT | PORT_REPLAY);
	pid = start_server();
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		_exit(-msg_call(port, HEADER(CRASH, 0), MSG_WAIT, NULL).value);
	}
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	pid = start_server();
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	CHECK_EQ(check_wait(caller), EIO);
	pid = start_server();
	CHECK_EQ(add(port, 1, 2), 3);
	stop_server(pid);
}

static void late_answer_is_refused(void)
{
	struct port_state state;
	pid_t caller, pid;
	struct result got;
	int old;

	begin(PORT_PERSISTENT | PORT_REPLAY);
	old = port_control(port, PORT_TAKE, 0);
	CHECK(old >= 0);
	CHECK_EQ(msg_recv(port, 0, NULL).value, -ESTALE);
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		_exit(add(port, 5, 6));
	}
	got = msg_recv(old, MSG_WAIT, NULL);
	CHECK_EQ(got.value, HEADER(ADD, 16));
	CHECK_EQ(port_control(old, PORT_ALIVE, got.token), 0);
	CHECK_EQ(port_control(port, PORT_STATE, (uint64_t)&state), 0);
	CHECK_EQ(state.held, 1);
	CHECK_EQ(state.epoch, 2);
	CHECK_EQ(state.receiver, getpid());
	pid = start_server();
	CHECK_ERR(msg_reply(old, HEADER(ADD, 8), got.token, NULL), ESTALE);
	CHECK_EQ(msg_recv(old, MSG_WAIT, NULL).value, -ESTALE);
	CHECK_EQ(check_wait(caller), 11);
	stop_server(pid);
}

static void callers_give_up(void)
{
	struct result got;
	pid_t caller;

	begin(0);
	/* Held, then the time is over. */
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		_exit(-msg_call(port, HEADER(ADD, 16), 50 * MS, NULL).value);
	}
	got = msg_recv(port, MSG_WAIT, NULL);
	CHECK_EQ(got.value, HEADER(ADD, 16));
	CHECK_EQ(check_wait(caller), ETIMEDOUT);
	CHECK_ERR(msg_reply(port, HEADER(ADD, 8), got.token, NULL), ENOENT);
	/* Held, then killed. */
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		_exit(-msg_call(port, HEADER(ADD, 16), MSG_WAIT, NULL).value);
	}
	got = msg_recv(port, MSG_WAIT, NULL);
	kill(caller, SIGKILL);
	CHECK_EQ(check_wait(caller), CHECK_KILLED + SIGKILL);
	CHECK_ERR(port_control(port, PORT_ALIVE, got.token), ENOENT);
	CHECK_ERR(msg_reply(port, HEADER(ADD, 8), got.token, NULL), ENOENT);
	/* Queued, then killed. */
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		_exit(-msg_call(port, HEADER(ADD, 16), MSG_WAIT, NULL).value);
	}
	CHECK(check_state(caller, 'S', 5000));
	kill(caller, SIGKILL);
	CHECK_EQ(check_wait(caller), CHECK_KILLED + SIGKILL);
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
}

static void on_signal(int signal)
{
	(void)signal;
	shared->flags[2]++;
}

/* A handler interrupts a call that nobody has received yet, and never one that is being served. */
static void signals_and_calls(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct result got;
	pid_t caller;

	begin(0);
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		sigaction(SIGUSR1, &action, NULL);
		shared->flags[3] = 1;
		if (msg_call(port, HEADER(ADD, 16), MSG_WAIT, NULL).value != -EINTR)
			_exit(1);
		shared->flags[3] = 2;
		_exit(msg_call(port, HEADER(ADD, 16), MSG_WAIT, NULL).value == (int64_t)HEADER(ADD, 0) ? 0 : 2);
	}
	while (shared->flags[3] != 1)
		check_sleep(1);
	CHECK(check_state(caller, 'S', 5000));
	kill(caller, SIGUSR1);
	while (shared->flags[3] != 2)
		check_sleep(1);
	got = msg_recv(port, MSG_WAIT, NULL);
	kill(caller, SIGUSR1);
	check_sleep(30);
	CHECK_EQ(port_control(port, PORT_ALIVE, got.token), 0);
	CHECK_EQ(msg_reply(port, HEADER(ADD, 0), got.token, NULL), 0);
	CHECK_EQ(check_wait(caller), 0);
	CHECK_EQ(shared->flags[2], 2);
}

static void names_and_profiles(void)
{
	static const char list[] = "test.a\0test.b*", wider[] = "test.*";
	int a, b, c;

	begin(0);
	a = port_create("test.a", 0);
	b = port_create("test.bb", 0);
	c = port_create("test.c", 0);
	CHECK(a >= 0 && b >= 0 && c >= 0);
	CHECK_ERR(port_create("test.a", 0), EEXIST);
	CHECK_EQ(port_restrict(list, sizeof(list)), 0);
	CHECK(port_open("test.a", PORT_SEND) >= 0);
	CHECK(port_open("test.bb", PORT_SEND) >= 0);
	CHECK_ERR(port_open("test.c", PORT_SEND), ENOENT);
	/* Nor may it take the names of others, there or not. */
	CHECK_ERR(port_create("test.c", 0), EPERM);
	CHECK_ERR(port_create("test.free", 0), EPERM);
	CHECK_ERR(port_create("test", PORT_PERSISTENT), EPERM);
	CHECK_ERR(port_create("test.bb", 0), EEXIST);
	CHECK(port_create("test.bc", 0) >= 0);
	CHECK(port_create(NULL, 0) >= 0);
	CHECK_ERR(port_restrict(wider, sizeof(wider)), EPERM);
	CHECK_ERR(port_restrict("bad name", 9), EINVAL);
	CHECK_ERR(port_restrict("no-nul", 6), EINVAL);
	CHECK_EQ(port_restrict("test.a", 7), 0);
	CHECK_ERR(port_open("test.bb", PORT_SEND), ENOENT);
	close(a);
	CHECK_ERR(port_open("test.a", PORT_SEND), ENOENT);
	CHECK_EQ(port_restrict(NULL, 0), 0);
	CHECK_ERR(port_create("test.a", 0), EPERM);
}

static void batches(void)
{
	char *buffer;
	struct msg_record *record;
	struct result got;
	size_t at = 0;

	begin(0);
	buffer = msg_buffer();
	for (int i = 0; i < 10; i++) {
		record = (struct msg_record *)(buffer + at);
		*record = (struct msg_record){ .header = HEADER(100 + i, 5) };
		memcpy(record + 1, "data", 5);
		((char *)(record + 1))[0] = 'a' + i;
		at = (at + sizeof(*record) + 5 + 7) & ~7ul;
	}
	CHECK_EQ(native(NR_msg_send_many, port, 10, 0, 0, 0).value, 10);
	memset(buffer, 0, MSG_PAYLOAD_MAX);
	got = native(NR_msg_recv_many, port, 4, 0, 0, 0);
	CHECK_EQ(msg_type(got.value), MSG_BATCH);
	CHECK_EQ(got.token, 4);
	CHECK_EQ(((struct msg_record *)buffer)->header, HEADER(100, 5));
	CHECK_STR(buffer + 16, "aata");
	got = native(NR_msg_recv_many, port, 100, 0, 0, 0);
	CHECK_EQ(got.token, 6);
	CHECK_EQ(((struct msg_record *)(buffer + 24))->header, HEADER(105, 5));
	CHECK_EQ(native(NR_msg_recv_many, port, 4, 0, 0, 0).value, -EAGAIN);
	/* A record that does not fit ends it. */
	memset(buffer, 0, MSG_PAYLOAD_MAX);
	*(struct msg_record *)buffer = (struct msg_record){ .header = HEADER(1, 0) };
	*(struct msg_record *)(buffer + 16) = (struct msg_record){ .header = HEADER(1, MSG_PAYLOAD_MAX) };
	CHECK_EQ(native(NR_msg_send_many, port, 2, 0, 0, 0).value, 1);
	CHECK_EQ(native(NR_msg_send_many, port, 0, 0, 0, 0).value, 0);
}

/* What the server can use: before, while it serves the call, and after. */
static void serve_granted(void *argument)
{
	struct msg_extra extra;
	struct result got;

	msg_buffer();
	CHECK_EQ(native(NR_cap_set, (uint64_t)&(uint64_t[2]){ CAPABILITY_IPC_RECV, CAPABILITY_IPC_RECV }, 0, 0, 0, 0).value, 0);
	got = msg_recv((long)argument, MSG_WAIT, &extra);
	CHECK_EQ(extra.grants, CAPABILITY_SYS_REBOOT);
	CHECK(extra.capabilities & CAPABILITY_FILE_WRITE);
	CHECK_EQ(native(NR_cap_check, CAPABILITY_SYS_REBOOT, 0, 0, 0, 0).value, 0);
	CHECK_EQ(native(NR_cap_check, CAPABILITY_FILE_READ, 0, 0, 0, 0).value, -EPERM);
	CHECK_EQ(msg_reply((long)argument, HEADER(1, 0), got.token, NULL), 0);
	CHECK_EQ(native(NR_cap_check, CAPABILITY_SYS_REBOOT, 0, 0, 0, 0).value, -EPERM);
	/* Without an extra nobody tells it, and it gets nothing. */
	got = msg_recv((long)argument, MSG_WAIT, NULL);
	CHECK_EQ(native(NR_cap_check, CAPABILITY_SYS_REBOOT, 0, 0, 0, 0).value, -EPERM);
	CHECK_EQ(msg_reply((long)argument, HEADER(1, 0), got.token, NULL), 0);
	/* A new message ends what came with the one before. */
	got = msg_recv((long)argument, MSG_WAIT, &extra);
	CHECK_EQ(native(NR_cap_check, CAPABILITY_SYS_REBOOT, 0, 0, 0, 0).value, 0);
	CHECK_EQ(msg_recv((long)argument, 0, NULL).value, -EAGAIN);
	CHECK_EQ(native(NR_cap_check, CAPABILITY_SYS_REBOOT, 0, 0, 0, 0).value, -EPERM);
	CHECK_EQ(msg_reply((long)argument, HEADER(1, 0), got.token, NULL), 0);
}

static void grants_hold_for_a_call(void)
{
	struct msg_extra extra = { .grants = CAPABILITY_SYS_REBOOT };
	int receiver;
	pid_t pid;

	begin(0);
	receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	pid = check_spawn(serve_granted, (void *)(long)receiver);
	close(receiver);
	for (int i = 0; i < 3; i++) {
		extra.grants = CAPABILITY_SYS_REBOOT;	/* the answer has come where it was */
		CHECK_EQ(msg_call(port, HEADER(1, 0), MSG_WAIT, &extra).value, HEADER(1, 0));
	}
	CHECK_EQ(check_wait(pid), 0);
	/* Nobody gives what he has not. */
	CHECK_EQ(native(NR_cap_set, (uint64_t)&(uint64_t[2]){ CAPABILITY_IPC_SEND, CAPABILITY_IPC_SEND }, 0, 0, 0, 0).value, 0);
	extra.grants = CAPABILITY_SYS_REBOOT;
	CHECK_EQ(msg_call(port, HEADER(1, 0), MSG_WAIT, &extra).value, -EPERM);
}

static void handles_stay_at_home(void)
{
	char command[64];
	int kept;

	begin(0);
	kept = port;
	port = port_create(NULL, 0);
	CHECK_EQ(fcntl(port, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	snprintf(command, sizeof(command), "test ! -h /proc/self/fd/%d -a -h /proc/self/fd/%d", port, kept);
	CHECK_EQ(system(command), 0);
}

static void *call_in_thread(void *argument)
{
	msg_buffer();
	for (int i = 0; i < 200; i++)
		if (add(port, i, (long)argument) != i + (long)argument)
			return (void *)1;
	return NULL;
}

static void many_threads(void)
{
	pthread_t threads[8];
	pid_t pid;
	void *result;

	begin(0);
	pid = start_server();
	for (long i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, call_in_thread, (void *)i), 0);
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK(!result);
	}
	stop_server(pid);
}

static const struct check_case cases[] = {
	CASE(call_and_answer), CASE(big_payload), CASE(bad_arguments), CASE(messages_without_answer), CASE(urgent_first), CASE(notifications),
	CASE(notification_wakes), CASE(handles_travel), CASE(slots_are_reserved_first), CASE(no_port_in_itself), CASE(held_calls_end_with_the_receiver),
	CASE(held_calls_are_given_again), CASE(poisoned_call_ends), CASE(late_answer_is_refused), CASE(callers_give_up), CASE(signals_and_calls),
	CASE(names_and_profiles), CASE(batches), CASE(grants_hold_for_a_call), CASE(handles_stay_at_home), CASE(many_threads), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("ports", cases, argc, argv);
}
