/* SPDX-License-Identifier: MIT */
/* What poll, select and epoll say of each kind of descriptor in each of its states. Linux is who says so. */
#include "check.h"

#include "built_with.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ALL = 0x7fff, ALWAYS = POLLERR | POLLHUP | POLLNVAL,
	IN = POLLIN | POLLRDNORM, OUT = POLLOUT | POLLWRNORM, END = POLLRDHUP,
	SOCKET_OUT = OUT | POLLWRBAND,		/* sockets tell of more bands than other things */
	NO_EPOLL = 1 << 16,			/* of what is always ready epoll will not hear */
	BYTES = 4096,
	READERS = 1, WRITERS = 2, EXCEPTIONS = 4,
};

/* select's sets by poll's events, as Linux has them. */
static int selected(int events)
{
	return (events & (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR) ? READERS : 0) |
	       (events & (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR) ? WRITERS : 0) | (events & POLLPRI ? EXCEPTIONS : 0);
}

static int by_select(int fd)
{
	struct timeval none = { 0, 0 };
	fd_set sets[3];

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		FD_SET(fd, &sets[i]);
	}
	if (select(fd + 1, &sets[0], &sets[1], &sets[2], &none) < 0)
		return -1;
	return (FD_ISSET(fd, &sets[0]) ? READERS : 0) | (FD_ISSET(fd, &sets[1]) ? WRITERS : 0) | (FD_ISSET(fd, &sets[2]) ? EXCEPTIONS : 0);
}

/* Events, or -errno of the call that has it watched. */
static int by_epoll(int fd)
{
	struct epoll_event wanted = { .events = ALL }, got = { .events = 0 };
	int epoll = epoll_create1(0), result = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) ? -errno : 0;

	if (!result && epoll_wait(epoll, &got, 1, 0) == 1)
		result = got.events;
	close(epoll);
	return result;
}

static void say(const char *what, int fd, int want)
{
	struct pollfd all = { fd, ALL, 0 }, nothing = { fd, 0, 0 };
	int events = want & ALL, good;

	good = CHECK_EQ(poll(&all, 1, 0), events != 0);
	good &= CHECK_EQ(all.revents, events);
	good &= CHECK_EQ(poll(&nothing, 1, 0), (events & ALWAYS) != 0);
	good &= CHECK_EQ(nothing.revents, events & ALWAYS);
	good &= CHECK_EQ(by_select(fd), selected(events));
	good &= CHECK_EQ(by_epoll(fd), want & NO_EPOLL ? -EPERM : events);
	if (!good)
		fprintf(stderr, "that was: %s\n", what);
}

static void fill(int fd)
{
	static char bytes[BYTES];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, bytes, sizeof bytes) > 0)
		;
}

static void pipes(void)
{
	char bytes[BYTES];
	int ends[2], reader, writer;

	CHECK_EQ(pipe(ends), 0);
	say("an empty pipe's reader", ends[0], 0);
	say("an empty pipe's writer", ends[1], OUT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	say("a reader of a byte", ends[0], IN);
	fill(ends[1]);
	say("a full pipe's writer", ends[1], 0);
	CHECK_EQ(read(ends[0], bytes, 1), 1);
	CHECK_EQ(read(ends[0], bytes, sizeof bytes - 1), BYTES - 1);
	say("the writer when a page is free", ends[1], OUT);
	close(ends[1]);
	say("a reader of what is left", ends[0], IN | POLLHUP);
	while (read(ends[0], bytes, sizeof bytes) > 0)
		;
	say("a reader without writers", ends[0], POLLHUP);
	CHECK_EQ(pipe(ends), 0);
	close(ends[0]);
	say("a writer without readers", ends[1], OUT | POLLERR);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	say("a reader that waits for the first writer", reader, 0);
	writer = open("fifo", O_WRONLY);
	say("a reader with a writer", reader, 0);
	close(writer);
	say("a reader whose writer went", reader, POLLHUP);
	say("who opened both", open("fifo", O_RDWR), OUT);
}

/* ---- Local sockets ---- */

static int near, far;

static void connect_pair(int type)
{
	int pair[2] = { -1, -1 };

	CHECK_EQ(socketpair(AF_UNIX, type, 0, pair), 0);
	near = pair[0];
	far = pair[1];
}

/* Streams and sequenced packets end; datagrams do not. */
static void connected_sockets(int type)
{
	const int ended = IN | SOCKET_OUT | END;
	char bytes[8];

	say("a new socket", socket(AF_UNIX, type, 0), SOCKET_OUT | POLLHUP);
	connect_pair(type);
	say("one of a pair", near, SOCKET_OUT);
	CHECK_EQ(write(far, "abc", 3), 3);
	say("one with data", near, IN | SOCKET_OUT);
	shutdown(far, SHUT_WR);
	say("one with data whose peer writes no more", near, ended);
	say("who writes no more", far, SOCKET_OUT);
	CHECK_EQ(read(near, bytes, 3), 3);
	say("one whose peer writes no more", near, ended);
	shutdown(near, SHUT_WR);
	say("where both write no more", near, ended | POLLHUP);
	close(far);
	say("one whose peer is gone", near, ended | POLLHUP);
	connect_pair(type);
	shutdown(near, SHUT_RD);
	say("who reads no more", near, ended);
	say("one whose peer reads no more", far, SOCKET_OUT);
	connect_pair(type);
	shutdown(near, SHUT_RDWR);
	say("who has ended all", near, ended | POLLHUP);
	say("one whose peer has ended all", far, ended | POLLHUP);
	connect_pair(type);
	CHECK_EQ(write(near, "x", 1), 1);
	close(far);
	say("one whose peer went without reading", near, ended | POLLHUP | POLLERR);
	connect_pair(type);
	fill(near);
	say("one that is full", near, 0);
}

static void datagrams(void)
{
	say("a new socket", socket(AF_UNIX, SOCK_DGRAM, 0), SOCKET_OUT);
	connect_pair(SOCK_DGRAM);
	CHECK_EQ(write(far, "abc", 3), 3);
	say("one with data", near, IN | SOCKET_OUT);
	shutdown(far, SHUT_WR);
	say("who writes no more", far, SOCKET_OUT);
	close(far);
	say("one with data whose peer is gone", near, IN | SOCKET_OUT);
	connect_pair(SOCK_DGRAM);
	shutdown(near, SHUT_RD);
	say("who reads no more", near, IN | SOCKET_OUT | END);
	say("one whose peer reads no more", far, SOCKET_OUT);
	shutdown(near, SHUT_WR);
	say("who has ended all", near, IN | SOCKET_OUT | END | POLLHUP);
	connect_pair(SOCK_DGRAM);
	fill(near);
	say("one that is full", near, 0);
}

static void sockets(void)
{
	static const struct sockaddr_un address = { AF_UNIX, "listener" };
	int listener, client;

	if (!kernel_has(UNIX_SOCKETS))
		return;
	connected_sockets(SOCK_STREAM);
	connected_sockets(SOCK_SEQPACKET);
	datagrams();
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	say("one with a name", listener, SOCKET_OUT | POLLHUP);
	CHECK_EQ(listen(listener, 5), 0);
	say("a listener", listener, 0);
	CHECK_EQ(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
	say("a listener that has a connection", listener, IN);
	say("a client", client, SOCKET_OUT);
	close(listener);
	say("a client that nobody accepts", client, IN | SOCKET_OUT | END | POLLHUP | POLLERR);
}

/* ---- Others ---- */

static void terminals(void)
{
	struct pollfd line;
	int master, slave;

	CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	say("a master", master, OUT);
	say("a terminal", slave, OUT);
	CHECK_EQ(write(master, "abc\n", 4), 4);
	line = (struct pollfd){ slave, POLLIN, 0 };
	CHECK_EQ(poll(&line, 1, 20000), 1);
	say("a terminal with a line", slave, IN | OUT);
	line = (struct pollfd){ master, POLLIN, 0 };
	CHECK_EQ(poll(&line, 1, 20000), 1);
	say("a master with the echo", master, IN | OUT);
	close(slave);
	say("a master whose terminal is closed", master, IN | OUT | POLLHUP);
	CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	close(master);
	say("a terminal that is hung up", slave, IN | OUT | POLLHUP | POLLERR);
}

static void end_at_once(void *unused)
{
	(void)unused;
}

static void processes(void)
{
	pid_t child;
	int fd;

	say("oneself", syscall(SYS_pidfd_open, getpid(), 0), 0);
	child = check_spawn(end_at_once, NULL);
	CHECK(check_state(child, 'Z', 20000));
	fd = syscall(SYS_pidfd_open, child, 0);
	say("a zombie", fd, IN);
	CHECK_EQ(check_wait(child), 0);
	say("who is gone", fd, IN);
}

static void queues(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	mqd_t queue = mq_open("/readiness", O_RDWR | O_CREAT, 0600, &attributes);

	mq_unlink("/readiness");
	say("an empty queue", queue, OUT);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	say("a queue", queue, IN | OUT);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	say("a full queue", queue, IN);
}

static void counters(void)
{
	struct itimerspec soon = { .it_value = { 0, 1 } };
	uint64_t one = 1, most = UINT64_MAX - 2;
	int counter = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct pollfd due = { timer, POLLIN, 0 };
	sigset_t set;

	say("a counter of 0", counter, POLLOUT);
	CHECK_EQ(write(counter, &one, sizeof one), sizeof one);
	say("a counter of 1", counter, POLLIN | POLLOUT);
	CHECK_EQ(write(counter, &most, sizeof most), sizeof most);
	say("a counter that is full", counter, POLLIN);
	say("a timer that is off", timer, 0);
	CHECK_EQ(timerfd_settime(timer, 0, &soon, NULL), 0);
	CHECK_EQ(poll(&due, 1, 20000), 1);
	say("a timer that is due", timer, POLLIN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	counter = signalfd(-1, &set, 0);
	say("signals", counter, 0);
	raise(SIGUSR1);
	say("a signal", counter, POLLIN);
	say("an epoll", epoll_create1(0), 0);
	if (kernel_has(INOTIFY))
		say("changes", inotify_init1(0), 0);
}

static void always_ready(void)
{
	static const char *const names[] = { ".", "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/proc", "/proc/self/stat", "/proc/self/maps" };

	say("a file", open("file", O_RDWR | O_CREAT, 0600), IN | OUT | NO_EPOLL);
	say("a file that is only read", open("file", O_RDONLY), IN | OUT | NO_EPOLL);
	say("a file in memory", memfd_create("memory", 0), IN | OUT | NO_EPOLL);
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		say(names[i], open(names[i], O_RDONLY), IN | OUT | NO_EPOLL);
}

static void none(void)
{
	struct pollfd asked[] = { { -1, ALL, 9 }, { 4000, ALL, 9 }, { open(".", O_PATH), ALL, 9 } };

	CHECK_EQ(poll(asked, 3, 0), 2);
	CHECK_EQ(asked[0].revents, 0);
	CHECK_EQ(asked[1].revents, POLLNVAL);
	CHECK_EQ(asked[2].revents, POLLNVAL);
	CHECK_EQ(by_epoll(asked[2].fd), -EBADF);
	CHECK_EQ(by_epoll(4000), -EBADF);
	CHECK_ERR(by_select(60), EBADF);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(pipes), CASE(sockets), CASE(terminals), CASE(processes), CASE(queues), CASE(counters), CASE(always_ready), CASE(none), { NULL, NULL },
	};

	return check_main("readiness", cases, argc, argv);
}
