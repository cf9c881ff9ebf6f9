/* SPDX-License-Identifier: MIT */
/* Ports that an epoll watches: messages, calls and notifications by level and by edge, the end and the replacement of receivers. Native: not for Linux. */
#include "check.h"
#include "epoll_kit.h"
#include "leak.h"
#include "ports_kit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { MS = 1000000, PORT = 7, OTHER, ROUNDS = 200 };

static int watcher;

static void begin_to_watch(unsigned flags)
{
	begin(flags);
	watcher = new_epoll();
}

static void post(unsigned type)
{
	CHECK_EQ(msg_send(port, HEADER(type, 0), 0, NULL), 0);
}

static unsigned take(int receiver)
{
	struct result result = msg_recv(receiver, 0, NULL);

	return result.value < 0 ? 0 : msg_type(result.value);
}

static void by_level(void)
{
	int event = counter(0);

	begin_to_watch(0);
	add(watcher, port, EPOLLIN, PORT);
	add(watcher, event, EPOLLIN, OTHER);
	CHECK_EQ(ready(watcher), 0);
	post(1);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	post(2);
	CHECK_EQ(take(port), 1);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	signal_it(event);
	CHECK_EQ(ready(watcher), 2);
	CHECK_EQ(take(port), 2);
	CHECK_ONE(watcher, EPOLLIN, OTHER);
	drain(event);
	CHECK_EQ(ready(watcher), 0);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	CHECK_EQ(take(port), MSG_NOTIFICATION);
	CHECK_EQ(ready(watcher), 0);
	/* One can always send. */
	change(watcher, port, EPOLLIN | EPOLLOUT, PORT);
	CHECK_ONE(watcher, EPOLLOUT, PORT);
	post(3);
	CHECK_ONE(watcher, EPOLLIN | EPOLLOUT, PORT);
	CHECK_EQ(control(watcher, EPOLL_CTL_DEL, port, 0, 0), 0);
	CHECK_EQ(ready(watcher), 0);
	add(watcher, port, EPOLLIN | EPOLLONESHOT, PORT);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	CHECK_EQ(ready(watcher), 0);
}

/* Whatever comes is told once. */
static void by_edge(void)
{
	begin_to_watch(0);
	post(1);
	add(watcher, port, EPOLLIN | ON_EDGE, PORT);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	CHECK_EQ(ready(watcher), 0);
	post(2);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	CHECK_EQ(take(port), 1);
	CHECK_EQ(ready(watcher), 0);
	CHECK_EQ(take(port), 2);
	CHECK_EQ(take(port), 0);
	CHECK_EQ(ready(watcher), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(port_notify(port, 1), 0);
		CHECK_ONE(watcher, EPOLLIN, PORT);
		CHECK_EQ(ready(watcher), 0);
		CHECK_EQ(take(port), MSG_NOTIFICATION);
	}
	/* Came and went before anybody looked. */
	post(3);
	CHECK_EQ(take(port), 3);
	CHECK_EQ(ready(watcher), 0);
}

/* Sends in each way in turn, as soon as what came before has been taken. */
static void send_each_way(void *argument)
{
	int taken = (int)(long)argument;
	uint64_t count;

	msg_buffer();
	for (int i = 0; i < ROUNDS; i++) {
		switch (i % 4) {
		case 0:
			post(1);
			break;
		case 1:
			CHECK_EQ(port_notify(port, 4), 0);
			break;
		case 2:
			CHECK_EQ(msg_call(port, HEADER(2, 0), MSG_WAIT, NULL).value, HEADER(2, 0));
			break;
		case 3:
			CHECK_EQ(msg_ask(port, HEADER(2, 0)).value, HEADER(2, 0));
		}
		CHECK_EQ(read(taken, &count, sizeof(count)), sizeof(count));
	}
}

/* Nothing that comes is missed by who sleeps, or is about to. */
static void wake(unsigned how)
{
	int taken = eventfd(0, 0);
	pid_t pid;

	begin_to_watch(0);
	add(watcher, port, EPOLLIN | how, PORT);
	pid = check_spawn(send_each_way, (void *)(long)taken);
	for (int i = 0; i < ROUNDS; i++) {
		struct result result;

		if (!CHECK_EQ(epoll_wait(watcher, got, EVENTS, PATIENCE_MS), 1))
			break;
		result = msg_recv(port, 0, NULL);
		CHECK(result.value >= 0);
		if (result.value == (int64_t)HEADER(2, 0))
			CHECK_EQ(msg_reply(port, HEADER(2, 0), result.token, NULL), 0);
		signal_it(taken);
	}
	CHECK_EQ(check_wait(pid), 0);
}

static void wakes_by_level(void)
{
	wake(0);
}

static void wakes_by_edge(void)
{
	wake(ON_EDGE);
}

static void close_later(void *argument)
{
	check_sleep(50);
	close((int)(long)argument);
}

/* Who watches a sender's handle hears of the port's end, also asleep; who watches a receiver's, that another has taken over. */
static void ends(void)
{
	int receiver, send, next;
	pid_t pid;

	begin_to_watch(PORT_PERSISTENT);
	receiver = port_create("test.watched", PORT_KEEP);
	send = port_open("test.watched", PORT_SEND);
	CHECK(receiver >= 0 && send >= 0);
	add(watcher, send, EPOLLIN | ON_EDGE, PORT);
	pid = check_spawn(close_later, (void *)(long)receiver);
	close(receiver);
	CHECK_EQ(epoll_wait(watcher, got, EVENTS, PATIENCE_MS), 1);
	CHECK_EQ(got[0].events, EPOLLHUP);
	CHECK_EQ(ready(watcher), 0);
	CHECK_EQ(check_wait(pid), 0);
	change(watcher, send, EPOLLIN, PORT);
	CHECK_ONE(watcher, EPOLLHUP, PORT);
	close(send);
	CHECK_EQ(ready(watcher), 0);

	receiver = port_control(port, PORT_TAKE, 0);
	add(watcher, receiver, EPOLLIN, PORT);
	CHECK_EQ(ready(watcher), 0);
	next = port_control(port, PORT_TAKE, 0);
	add(watcher, next, EPOLLIN, OTHER);
	CHECK_ONE(watcher, EPOLLHUP, PORT);
	close(receiver);
	CHECK_EQ(ready(watcher), 0);
	post(1);
	CHECK_ONE(watcher, EPOLLIN, OTHER);
}

static int made;

static void die_with_request(void *argument)
{
	struct epoll_event event;

	(void)argument;
	msg_buffer();
	made = port_control(port, PORT_TAKE, 0);
	CHECK_EQ(control(watcher, EPOLL_CTL_ADD, made, EPOLLIN, PORT), 0);
	CHECK_EQ(epoll_wait(watcher, &event, 1, PATIENCE_MS), 1);
	CHECK(msg_recv(made, 0, NULL).value >= 0);
	kill(getpid(), SIGKILL);
}

/* A receiver dies with a request; the next one's epoll tells of that, given out again. */
static void given_out_again(void)
{
	pid_t server, client;
	int receiver;

	begin_to_watch(PORT_PERSISTENT | PORT_REPLAY);
	server = check_spawn(die_with_request, NULL);
	client = fork();
	if (client == 0) {
		msg_buffer();
		CHECK_EQ(msg_call(port, HEADER(5, 0), MSG_WAIT, NULL).value, HEADER(6, 0));
		_exit(0);
	}
	CHECK_EQ(check_wait(server), CHECK_KILLED + SIGKILL);
	receiver = port_control(port, PORT_TAKE, 0);
	add(watcher, receiver, EPOLLIN | ON_EDGE, OTHER);
	CHECK_EQ(epoll_wait(watcher, got, EVENTS, PATIENCE_MS), 1);
	CHECK_EQ(got[0].events, EPOLLIN);
	if (CHECK_EQ(got[0].data.u64, OTHER)) {
		struct result result = msg_recv(receiver, 0, NULL);

		CHECK_EQ(msg_type(result.value), 5);
		CHECK_EQ(msg_reply(receiver, HEADER(6, 0), result.token, NULL), 0);
	}
	CHECK_EQ(check_wait(client), 0);
}

/* An epoll that lies in the queue of the port that it watches, in another epoll's set besides, ends with it. */
static void lies_in_what_it_watches(void)
{
	int outer = new_epoll();
	struct msg_extra extra = { .grants = 0 };

	begin_to_watch(0);
	add(watcher, port, EPOLLIN, PORT);
	add(outer, watcher, EPOLLIN, OTHER);
	extra.handles[0] = dup(watcher);
	CHECK_EQ(msg_send(port, msg_header_make(1, 0, 1, 0), 0, &extra), 0);
	CHECK_ONE(watcher, EPOLLIN, PORT);
	CHECK_ONE(outer, EPOLLIN, OTHER);
	close(watcher);
	CHECK_ONE(outer, EPOLLIN, OTHER);
	close(port);
	CHECK_EQ(ready(outer), 0);
	close(outer);
	munmap((void *)shared, 4096);
}

static void leaves_nothing(void)
{
	static struct leak_mark mark;

	lies_in_what_it_watches();
	leak_mark(&mark);
	for (int i = 0; i < 20; i++)
		lies_in_what_it_watches();
	leak_check(&mark, "epolls in ports");
}

static const struct check_case cases[] = {
	CASE(by_level), CASE(by_edge), CASE(wakes_by_level), CASE(wakes_by_edge), CASE(ends), CASE(given_out_again), CASE(leaves_nothing), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("ports_epoll", cases, argc, argv);
}
