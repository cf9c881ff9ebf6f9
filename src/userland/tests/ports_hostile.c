/* SPDX-License-Identifier: MIT */
/* What programs do to ports and message buffers that nobody should: whatever it is, the kernel and others' messages are none the worse for it. Native. */
#include "check.h"
#include "ports_kit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000, ADD = 1 };

/* Both sides on one CPU, where the short way is. */
static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Adds one to the first number of each message until killed. */
static void serve_forever(void *argument)
{
	int fd = (long)argument;
	uint64_t *numbers = (uint64_t *)msg_buffer();
	struct result got = msg_serve(fd, 0, 0);

	for (;;) {
		numbers[0]++;
		shared->numbers[1] = sched_getcpu();
		got = msg_serve(fd, HEADER(ADD, 8), got.value >= 0 ? got.token : 0);
	}
}

static long add_one(int fd, uint64_t number)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();
	struct result got;

	numbers[0] = number;
	got = msg_ask(fd, HEADER(ADD, 8));
	return got.value == (int64_t)HEADER(ADD, 8) ? (long)numbers[0] : checked(got);
}

static pid_t start(void (*body)(void *))
{
	int receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	pid_t pid;

	CHECK(receiver >= 0);
	pid = check_spawn(body, (void *)(long)receiver);
	close(receiver);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
}

static void answer_one_with(void *argument)
{
	struct result got;

	msg_buffer();
	got = msg_recv((long)argument, MSG_WAIT, NULL);
	msg_reply((long)argument, HEADER(ADD, 0), got.token, NULL);
}

/* Everything but the buffer itself wants a message buffer. */
static void no_buffer(void)
{
	int fd = port_create(NULL, 0);

	CHECK(fd >= 0);
	CHECK_EQ(msg_call(fd, HEADER(1, 0), 5 * MS, NULL).value, -ENOBUFS);
	CHECK_ERR(msg_send(fd, HEADER(1, 0), 0, NULL), ENOBUFS);
	CHECK_EQ(msg_recv(fd, 0, NULL).value, -ENOBUFS);
	CHECK_ERR(msg_reply(fd, HEADER(1, 0), 1, NULL), ENOBUFS);
	CHECK_EQ(msg_reply_recv(fd, HEADER(1, 0), 0, 0, NULL).value, -ENOBUFS);
	CHECK_EQ(msg_reply_recv(fd, HEADER(1, 0), 1, 0, NULL).value, -ENOBUFS);
	CHECK_EQ(msg_ask(fd, HEADER(1, 0)).value, -ENOBUFS);
	CHECK_EQ(msg_serve(fd, HEADER(1, 0), 0).value, -ENOBUFS);
	CHECK_EQ(native(NR_msg_send_many, fd, 1, 0, 0, 0).value, -ENOBUFS);
	CHECK_EQ(native(NR_msg_recv_many, fd, 1, 0, 0, 0).value, -ENOBUFS);
}

/* A handle that goes with the message sent by it is closed, also for the short way. */
static void handle_sent_by_itself(void)
{
	struct msg_extra extra = { .handles = { 0 } };
	int fd, other;
	pid_t pid;

	begin(0);
	on_cpu(0);
	other = port_create("test.itself", PORT_KEEP);
	CHECK(other >= 0);
	fd = port_open("test.itself", PORT_SEND);
	CHECK(fd >= 0);
	pid = check_spawn(answer_one_with, (void *)(long)other);
	extra.handles[0] = fd;
	CHECK_EQ(msg_call(fd, msg_header_make(ADD, 0, 1, 0), MSG_WAIT, &extra).value, HEADER(ADD, 0));
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	/* Somebody waits in SYS_msg_serve there; the number stands for nothing. */
	pid = check_spawn(serve_forever, (void *)(long)other);
	CHECK(check_state(pid, 'S', 5000));
	CHECK_EQ(msg_ask(fd, HEADER(ADD, 8)).value, -EBADF);
	stop(pid);
}

/* The receiver's handle goes away with the answer. */
static void receiver_sent_with_the_answer(void)
{
	struct msg_extra extra = { .handles = { 0 } };
	struct result got;
	pid_t pid;
	int receiver;

	begin(PORT_PERSISTENT);
	on_cpu(0);
	receiver = port_control(port, PORT_TAKE, 0);
	pid = fork();
	if (pid == 0) {
		struct msg_extra in;

		msg_buffer();
		got = msg_call(port, HEADER(ADD, 0), MSG_WAIT, &in);
		CHECK_EQ(msg_handles(got.value), 1);
		close(in.handles[0]);
		_exit(0);
	}
	got = msg_recv(receiver, MSG_WAIT, NULL);
	extra.handles[0] = receiver;
	CHECK_EQ(msg_reply_recv(receiver, msg_header_make(ADD, 0, 1, 0), got.token, 50 * MS, &extra).value, -ETIMEDOUT);
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(msg_recv(receiver, 0, NULL).value, -EBADF);
	CHECK_EQ(msg_serve(receiver, 0, 0).value, -EBADF);
	receiver = port_control(port, PORT_TAKE, 0);
	CHECK_EQ(msg_recv(receiver, 0, NULL).value, -EAGAIN);
}

static void call_two(void *argument)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();
	long add = (long)argument;
	struct result got;

	on_cpu(0);
	/* The first makes the descriptor known. */
	for (int i = 0; i < 2; i++) {
		numbers[0] = add + i;
		got = msg_ask(port, HEADER(ADD, 8));
		CHECK_EQ(got.value, HEADER(ADD, 8));
		CHECK_EQ(numbers[0], add + i + 1000);
	}
}

/* Who waits in SYS_msg_serve with a call in its hands and gets another one has both. */
static void one_call_beside_another(void)
{
	uint64_t *numbers, tokens[2], values[2];
	struct result got;
	pid_t callers[2];
	int receiver;

	begin(0);
	on_cpu(0);
	numbers = (uint64_t *)msg_buffer();
	receiver = port_control(port, PORT_TAKE, 0);
	for (int i = 0; i < 2; i++)
		callers[i] = check_spawn(call_two, (void *)(long)(i * 100 + 1));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			got = msg_serve(receiver, 0, 0);
			CHECK_EQ(got.value, HEADER(ADD, 8));
			tokens[i] = got.token;
			values[i] = numbers[0];
		}
		for (int i = 0; i < 2; i++) {
			numbers[0] = values[i] + 1000;
			CHECK_EQ(port_control(receiver, PORT_ALIVE, tokens[i]), 0);
			CHECK_EQ(msg_reply(receiver, HEADER(ADD, 8), tokens[i], NULL), 0);
		}
	}
	CHECK_EQ(check_wait(callers[0]), 0);
	CHECK_EQ(check_wait(callers[1]), 0);
}

static void serve_then_batch(void *argument)
{
	int fd = (long)argument;
	char *buffer = msg_buffer();
	struct msg_record *record = (struct msg_record *)buffer;
	struct result got = msg_serve(fd, 0, 0);

	for (int i = 0; i < 25; i++) {
		CHECK_EQ(got.value, HEADER(ADD, 8));
		++*(uint64_t *)buffer;
		msg_reply(fd, HEADER(ADD, 8), got.token, NULL);
		got = native(NR_msg_recv_many, fd, 8, 2000 * MS, 0, 0);
		if (!CHECK_EQ(msg_type(got.value), MSG_BATCH))
			_exit(1);
		CHECK_EQ(got.token, 1);
		CHECK_EQ(record->header, HEADER(ADD, 8));
		got.token = record->token;
		*(uint64_t *)buffer = *(uint64_t *)(record + 1) + 1;
		got = msg_serve(fd, HEADER(ADD, 8), got.token);
	}
	++*(uint64_t *)buffer;
	msg_reply(fd, HEADER(ADD, 8), got.token, NULL);
}

/* A batch sleeps with something on its stack, also after SYS_msg_serve. */
static void batch_after_serve(void)
{
	pid_t pid;

	begin(0);
	on_cpu(0);
	pid = start(serve_then_batch);
	for (int i = 0; i < 51; i++) {
		long sum = add_one(port, i);

		if (!CHECK_EQ(sum, i + 1))
			break;
		sched_yield();
	}
	kill(pid, SIGKILL);
	check_wait(pid);
}

static void *take_repeatedly(void *unused)
{
	for (int i = 0; i < 300; i++) {
		int fd = port_control(port, PORT_TAKE, 0);

		if (fd >= 0 && i % 2)
			close(fd);
		else if (fd >= 0)
			dup2(fd, 100);
		if (fd >= 0)
			close(fd);
	}
	return unused;
}

/* Two that take the port over at once, and close what they got: one receiver at a time, and the last one is it. */
static void takers_race(void)
{
	pthread_t threads[3];
	struct port_state state;
	int fd;

	begin(PORT_PERSISTENT);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take_repeatedly, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	fd = port_control(port, PORT_TAKE, 0);
	CHECK(fd >= 0);
	close(100);
	CHECK_EQ(port_control(port, PORT_STATE, (uint64_t)&state), 0);
	CHECK_EQ(state.epoch, 902);
	CHECK_EQ(msg_send(port, HEADER(7, 0), 0, NULL), 0);
	CHECK_EQ(msg_recv(fd, 0, NULL).value, HEADER(7, 0));
}

static void dead_is_dead(void)
{
	int receiver;

	begin(0);
	receiver = port_control(port, PORT_TAKE, 0);
	close(receiver);
	CHECK_ERR(msg_send(port, HEADER(1, 0), 0, NULL), EPIPE);
	CHECK_ERR(port_control(port, PORT_TAKE, 0), EPIPE);
}

/* Ports in one another's queues, from inside out: their end needs no stack for each. */
static void deep_nesting(void)
{
	struct msg_extra extra = { .handles = { 0 } };
	int inner, outer, send;
	long depth;

	begin(0);
	inner = port_create(NULL, 0);
	for (depth = 0; depth < 3000; depth++) {
		outer = port_create(NULL, 0);
		CHECK(outer >= 0);
		extra.handles[0] = inner;
		if (msg_send(outer, msg_header_make(1, 0, 1, 0), 0, &extra))
			break;
		inner = outer;
	}
	CHECK(depth > 300);	/* until the sender has too many unread */
	CHECK_EQ(close(inner), 0);
	/* From outside in there is an end. */
	outer = port_create(NULL, 0);
	CHECK(outer >= 0);
	for (depth = 0; depth < 100; depth++) {
		char name[32];

		snprintf(name, sizeof(name), "test.deep.%ld", depth);
		inner = port_create(name, 0);
		send = port_open(name, PORT_SEND);
		CHECK(inner >= 0 && send >= 0);
		extra.handles[0] = inner;
		if (depth == 32) {
			CHECK_ERR(msg_send(outer, msg_header_make(1, 0, 1, 0), 0, &extra), ELOOP);
			break;
		}
		CHECK_EQ(msg_send(outer, msg_header_make(1, 0, 1, 0), 0, &extra), 0);
		if (depth)
			close(outer);
		outer = send;
	}
}

/* Duplicates are the same handle. */
static void no_circle_by_duplicates(void)
{
	struct msg_extra extra = { .handles = { 0 } }, got;
	int first, second, to_first;

	begin(0);
	first = port_create("test.first", 0);
	to_first = port_open("test.first", PORT_SEND);
	second = port_create("test.second", 0);
	CHECK(first >= 0 && to_first >= 0 && second >= 0);
	for (int i = 0; i < 2; i++) {
		extra.handles[0] = dup(first);
		CHECK_EQ(msg_send(second, msg_header_make(5, 0, 1, 0), 0, &extra), 0);
	}
	CHECK_EQ(msg_recv(second, 0, &got).value, msg_header_make(5, 0, 1, 0));
	/* It still lies there once. */
	extra.handles[0] = dup(second);
	CHECK_ERR(msg_send(to_first, msg_header_make(5, 0, 1, 0), 0, &extra), ELOOP);
	/* Nor in two queues at once. */
	extra.handles[0] = dup(first);
	CHECK_ERR(msg_send(port, msg_header_make(5, 0, 1, 0), 0, &extra), ELOOP);
	CHECK_EQ(msg_recv(second, 0, &got).value, msg_header_make(5, 0, 1, 0));
	extra.handles[0] = second;
	CHECK_EQ(msg_send(to_first, msg_header_make(5, 0, 1, 0), 0, &extra), 0);
}

/* The only handle that could give a port without receiver one again does not lie in queues. */
static void managers_in_queues(void)
{
	struct msg_extra extra = { .handles = { 0 } };
	int receiver, other, send, managed = -1;

	begin(0);
	other = port_create(NULL, 0);
	managed = port_create("test.managed", PORT_PERSISTENT);
	send = port_open("test.managed", PORT_SEND);
	CHECK(other >= 0 && managed >= 0 && send >= 0);
	receiver = port_control(managed, PORT_TAKE, 0);
	/* In its own queue, and then the receiver goes. */
	extra.handles[0] = managed;
	CHECK_EQ(msg_send(send, msg_header_make(5, 0, 1, 0), 0, &extra), 0);
	close(receiver);
	CHECK_ERR(msg_send(send, HEADER(1, 0), 0, NULL), EPIPE);
	CHECK_ERR(port_open("test.managed", PORT_SEND), ENOENT);
	/* Nobody receives: it is not sent away. */
	managed = port_create("test.managed", PORT_PERSISTENT);
	receiver = port_control(managed, PORT_TAKE, 0);
	close(receiver);
	extra.handles[0] = dup(managed);
	CHECK_ERR(msg_send(other, msg_header_make(5, 0, 1, 0), 0, &extra), EINVAL);
	CHECK(port_control(managed, PORT_TAKE, 0) >= 0);
}

static volatile int hits;
static void on_signal(int signal) { (void)signal; shared->flags[2] = ++hits; }

static void hold_and_die(void *argument)
{
	msg_buffer();
	on_cpu(0);
	for (;;) {
		struct result got = msg_serve((long)argument, 0, 0);

		if (shared->flags[0]) {
			shared->flags[1] = 1;
			pause();
		}
		((uint64_t *)msg_buffer())[0]++;
		msg_reply((long)argument, HEADER(ADD, 8), got.token, NULL);
	}
}

/* A call that is in the queue again is interrupted by signals again, and begins anew as what it was. */
static void replayed_call_and_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pid_t server, caller;

	begin(PORT_PERSISTENT | PORT_REPLAY);
	on_cpu(0);
	server = start(hold_and_die);
	caller = fork();
	if (caller == 0) {
		msg_buffer();
		sigaction(SIGUSR1, &action, NULL);
		CHECK_EQ(add_one(port, 1), 2);
		CHECK_EQ(add_one(port, 2), 3);
		shared->flags[0] = 1;
		CHECK_EQ(add_one(port, 41), 42);
		CHECK_EQ(hits, 1);
		_exit(0);
	}
	CHECK(check_await(&shared->flags[1], 5000));
	stop(server);
	shared->flags[0] = 0;
	kill(caller, SIGUSR1);
	CHECK(check_await(&shared->flags[2], 5000));
	server = start(serve_forever);
	CHECK_EQ(check_wait(caller), 0);
	stop(server);
}

static volatile int has_returned;

/* Again and again: the first may come before the call. */
static void *signal_later(void *argument)
{
	for (check_sleep(50); !has_returned; check_sleep(50))
		pthread_kill(*(pthread_t *)argument, SIGUSR1);
	return NULL;
}

/* Handles go once: a call that sent some does not begin anew after a signal. */
static void no_restart_with_handles(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t self = pthread_self(), thread;
	struct msg_extra extra = { .handles = { 0 } };
	struct result got;
	pid_t caller;

	begin(0);
	sigaction(SIGUSR1, &action, NULL);
	extra.handles[0] = open("/dev/null", O_RDONLY);
	pthread_create(&thread, NULL, signal_later, &self);
	CHECK_EQ(msg_call(port, msg_header_make(ADD, 0, 1, 0), MSG_WAIT, &extra).value, -EINTR);
	has_returned = 1;
	pthread_join(thread, NULL);
	has_returned = 0;
	/* The same for an answer. */
	caller = fork();
	if (caller == 0) {
		struct msg_extra in;

		msg_buffer();
		_exit(msg_handles(msg_call(port, HEADER(ADD, 0), MSG_WAIT, &in).value));
	}
	got = msg_recv(port, MSG_WAIT, NULL);
	extra.handles[0] = open("/dev/null", O_RDONLY);
	pthread_create(&thread, NULL, signal_later, &self);
	CHECK_EQ(msg_reply_recv(port, msg_header_make(ADD, 0, 1, 0), got.token, MSG_WAIT, &extra).value, -EINTR);
	has_returned = 1;
	pthread_join(thread, NULL);
	CHECK_EQ(check_wait(caller), 1);
}

static void *wait_without_room(void *unused)
{
	struct msg_extra extra;

	msg_buffer();
	shared->numbers[0] = msg_recv(port, 4000ll * MS, &extra).value;
	return unused;
}

static void *wait_with_room(void *unused)
{
	msg_buffer();
	shared->numbers[2] = msg_recv(port, 25000ll * MS, NULL).value;
	return unused;
}

/* Who has no room for handles leaves the message, and whoever else waits gets it. */
static void no_room_wakes_the_next(void)
{
	struct msg_extra extra = { .handles = { 0 } };
	pthread_t threads[2];
	struct rlimit limit;
	long begun;

	begin(0);
	extra.handles[0] = dup(port_create("test.x", 0));
	CHECK_EQ(pthread_create(&threads[0], NULL, wait_with_room, NULL), 0);
	check_sleep(50);
	CHECK_EQ(pthread_create(&threads[1], NULL, wait_without_room, NULL), 0);	/* woken first */
	check_sleep(50);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 3;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	begun = check_now();
	CHECK_EQ(msg_send(port, msg_header_make(5, 0, 1, 0), 0, &extra), 0);
	pthread_join(threads[1], NULL);
	pthread_join(threads[0], NULL);
	CHECK_EQ(shared->numbers[0], -EMFILE);
	CHECK_EQ(shared->numbers[2], HEADER(5, 0));
	CHECK(check_now() - begun < 20000);
}

/* A server that may only run elsewhere does not run here because it gets a message. */
static void server_keeps_its_cpu(void)
{
	cpu_set_t set;
	pid_t pid;

	begin(0);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	on_cpu(0);
	pid = start(serve_forever);
	CHECK_EQ(add_one(port, 1), 2);
	CHECK_EQ(add_one(port, 2), 3);
	for (int i = 0; i < 200; i++) {
		CPU_ZERO(&set);
		CPU_SET(i % 2, &set);
		check_state(pid, 'S', 100);
		CHECK_EQ(sched_setaffinity(pid, sizeof(set), &set), 0);
		if (!CHECK_EQ(add_one(port, i), i + 1) || !CHECK_EQ(shared->numbers[1], i % 2))
			break;
	}
	stop(pid);
}

static void poll_and_select(void)
{
	struct timeval none = { 0 };
	struct pollfd fds[1];
	fd_set readable;
	int receiver;

	begin(PORT_PERSISTENT);
	receiver = port_control(port, PORT_TAKE, 0);
	fds[0] = (struct pollfd){ .fd = receiver, .events = POLLIN | POLLOUT };
	CHECK_EQ(poll(fds, 1, 0), 1);
	CHECK_EQ(fds[0].revents, POLLOUT);
	CHECK_EQ(msg_send(port, HEADER(1, 0), 0, NULL), 0);
	CHECK_EQ(poll(fds, 1, 0), 1);
	CHECK_EQ(fds[0].revents, POLLIN | POLLOUT);
	FD_ZERO(&readable);
	FD_SET(receiver, &readable);
	CHECK_EQ(select(receiver + 1, &readable, NULL, NULL, &none), 1);
	CHECK(FD_ISSET(receiver, &readable));
	CHECK_EQ(msg_recv(receiver, 0, NULL).value, HEADER(1, 0));
	FD_SET(receiver, &readable);
	CHECK_EQ(select(receiver + 1, &readable, NULL, NULL, &none), 0);
	/* Replaced: it hears of it. */
	fds[0].events = POLLIN;
	CHECK_EQ(poll(fds, 1, 0), 0);
	CHECK(port_control(port, PORT_TAKE, 0) >= 0);
	CHECK_EQ(poll(fds, 1, 0), 1);
	CHECK_EQ(fds[0].revents, POLLHUP);
}

static void close_later(void *argument)
{
	check_sleep(50);
	close((long)argument);
}

/* Who polls a sender's handle hears of the port's end, and of the receiver's replacement. */
static void poll_wakes_at_the_end(void)
{
	struct pollfd fds;
	int receiver, send;
	pid_t pid;

	begin(0);
	receiver = port_create("test.end", PORT_KEEP);
	send = port_open("test.end", PORT_SEND);
	pid = check_spawn(close_later, (void *)(long)receiver);
	close(receiver);
	fds = (struct pollfd){ .fd = send, .events = POLLIN };
	CHECK_EQ(poll(&fds, 1, 10000), 1);
	CHECK_EQ(fds.revents, POLLHUP);
	CHECK_EQ(check_wait(pid), 0);
}

/* Sends until it is refused. How often it was not. */
static long send_all(void)
{
	long count = 0;

	msg_buffer();
	while (!msg_send(port, HEADER(1, MSG_PAYLOAD_MAX), 0, NULL))
		count++;
	CHECK_ERR(msg_send(port, HEADER(1, MSG_PAYLOAD_MAX), 0, NULL), EAGAIN);
	return count;
}

static void leave_unread(void *unused)
{
	(void)unused;
	shared->numbers[0] = send_all();
}

static void leave_unread_for_ever(void *user)
{
	struct sysinfo memory;
	long children = 0, most;

	CHECK_EQ(setuid((long)user), 0);
	CHECK_EQ(sysinfo(&memory), 0);
	most = memory.totalram * memory.mem_unit / 16 / (200 << 10);
	do
		CHECK_EQ(check_child(leave_unread, NULL), 0);
	while (shared->numbers[0] && ++children < most);
	CHECK(children > 4 && children < most);
	/* Nobody will make room for it. */
	msg_buffer();
	CHECK_ERR(msg_send(port, HEADER(1, MSG_PAYLOAD_MAX), MSG_WAIT, NULL), EAGAIN);
}

static void send_as(void *user)
{
	CHECK_EQ(setuid((long)user), 0);
	CHECK(send_all() > 20);
}

/* Who dies leaves his messages, for which his user pays, and nobody else. */
static void unread_of_the_dead(void)
{
	struct sysinfo before, after;

	begin(0);
	CHECK_EQ(sysinfo(&before), 0);
	CHECK_EQ(check_child(leave_unread_for_ever, (void *)1000), 0);
	CHECK_EQ(check_child(send_as, (void *)1001), 0);
	CHECK_EQ(check_child(send_as, (void *)0), 0);
	close(port);
	CHECK_EQ(sysinfo(&after), 0);
	CHECK(after.freeram * after.mem_unit + (4 << 20) > before.freeram * before.mem_unit);
	port = port_create(NULL, PORT_KEEP);
	CHECK_EQ(check_child(leave_unread_for_ever, (void *)1000), 0);
}

static const struct check_case cases[] = {
	CASE(no_buffer), CASE(handle_sent_by_itself), CASE(receiver_sent_with_the_answer), CASE(one_call_beside_another), CASE(batch_after_serve),
	CASE(takers_race),
	CASE(dead_is_dead), CASE(deep_nesting), CASE(no_circle_by_duplicates), CASE(managers_in_queues), CASE(replayed_call_and_signals),
	CASE(no_restart_with_handles),
	CASE(no_room_wakes_the_next), CASE(server_keeps_its_cpu), CASE(poll_and_select), CASE(poll_wakes_at_the_end), CASE(unread_of_the_dead), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("ports_hostile", cases, argc, argv);
}
