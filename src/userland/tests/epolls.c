/* SPDX-License-Identifier: MIT */
/* epoll: epolls that watch epolls, several threads that wait, exclusive watches, limits, and that nothing is left. */
#include "epoll_kit.h"
#include "leak.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- Epolls that watch epolls ---- */

static int epoll_of(int fd, unsigned events)
{
	int epoll = new_epoll();

	add(epoll, fd, events, fd);
	return epoll;
}

static void nested(void)
{
	int event = counter(0), inner = epoll_of(event, EPOLLIN), outer = epoll_of(inner, EPOLLIN), top = epoll_of(outer, EPOLLIN | ON_EDGE);
	struct pollfd fd = { outer, POLLIN | POLLOUT, 0 };

	CHECK_EQ(ready(top), 0);
	CHECK_EQ(poll(&fd, 1, 0), 0);
	signal_it(event);
	CHECK_EQ(poll(&fd, 1, 0), 1);
	CHECK_EQ(fd.revents, POLLIN);
	CHECK_ONE(top, EPOLLIN, outer);
	CHECK_EQ(ready(top), 0);
	CHECK_ONE(outer, EPOLLIN, inner);
	CHECK_ONE(inner, EPOLLIN, event);
	/* Each event of the file is an edge at the top. */
	signal_it(event);
	CHECK_ONE(top, EPOLLIN, outer);
	drain(event);
	CHECK_EQ(poll(&fd, 1, 0), 0);
	CHECK_EQ(ready(top), 0);
	CHECK_EQ(ready(outer), 0);
	CHECK_EQ(ready(inner), 0);
	signal_it(event);
	CHECK_EQ(poll(&fd, 1, FOREVER), 1);
	/* The ends of those in between. */
	CHECK_EQ(close(inner), 0);
	CHECK_EQ(ready(outer), 0);
	CHECK_EQ(ready(top), 0);
	signal_it(event);
	CHECK_EQ(ready(top), 0);
	CHECK_EQ(close(top), 0);
	CHECK_EQ(close(outer), 0);
}

static void loops(void)
{
	int event = counter(0), chain[10], last = event, levels = 0, error = 0, a = new_epoll(), b = epoll_of(a, EPOLLIN), c = epoll_of(b, EPOLLIN);

	CHECK_ERR(control(a, EPOLL_CTL_ADD, b, EPOLLIN, 0), ELOOP);
	CHECK_ERR(control(a, EPOLL_CTL_ADD, c, EPOLLIN, 0), ELOOP);
	CHECK_ERR(control(a, EPOLL_CTL_ADD, dup(a), EPOLLIN, 0), EINVAL);
	add(c, a, EPOLLIN, 0);
	CHECK_ERR(control(c, EPOLL_CTL_ADD, a, EPOLLIN, 0), EEXIST);
	CHECK_EQ(epoll_ctl(b, EPOLL_CTL_DEL, a, NULL), 0);
	CHECK_EQ(epoll_ctl(c, EPOLL_CTL_DEL, a, NULL), 0);
	add(a, c, EPOLLIN, 0);

	/* Five levels there may be, and they work; not much more. */
	for (; levels < 10; levels++) {
		chain[levels] = new_epoll();
		if (control(chain[levels], EPOLL_CTL_ADD, last, EPOLLIN, levels) < 0) {
			error = errno;
			break;
		}
		last = chain[levels];
	}
	CHECK(levels >= 5 && levels < 8);
	CHECK(error == ELOOP || error == EINVAL);
	signal_it(event);
	for (int i = 0; i < 5; i++)
		CHECK_ONE(chain[i], EPOLLIN, i);
	/* And not from the other end either: a file below five. */
	last = new_epoll();
	for (levels = 1; levels < 10; levels++) {
		int below = new_epoll();

		error = 0;
		if (control(last, EPOLL_CTL_ADD, below, EPOLLIN, 0) < 0 || control(below, EPOLL_CTL_ADD, event, EPOLLIN, 0) < 0) {
			error = errno;
			break;
		}
		CHECK_EQ(epoll_ctl(below, EPOLL_CTL_DEL, event, NULL), 0);
		last = below;
	}
	CHECK(levels >= 4 && levels < 8);
	CHECK(error == ELOOP || error == EINVAL);
}

/* Ways from a file to the top: with n epolls on each level they would be many. */
static void too_many_ways(void)
{
	enum { WIDTH = 24 };
	int event = counter(0), first = epoll_of(event, EPOLLIN), second[WIDTH], third[WIDTH], refused = 0, error = 0;

	for (int i = 0; i < WIDTH; i++) {
		second[i] = epoll_of(first, EPOLLIN);
		third[i] = new_epoll();
	}
	for (int i = 0; i < WIDTH && !refused; i++)
		for (int j = 0; j < WIDTH && !refused; j++)
			if (control(third[i], EPOLL_CTL_ADD, second[j], EPOLLIN, 0) < 0) {
				error = errno;
				refused = i * WIDTH + j;
			}
	CHECK_EQ(error, EINVAL);
	CHECK_EQ(refused, 100);
	signal_it(event);
	CHECK_EQ(ready(third[0]), EVENTS);
}

/* ---- Several who wait ---- */

enum { THREADS = 4, LATE_MS = 5000, PING_MS = 3000, PAUSES = 400 };

struct waiters {
	int epoll[THREADS];
	volatile int up, woken;
};

struct waiter {
	struct waiters *all;
	int epoll;
};

static void *wait_once(void *argument)
{
	struct waiter *waiter = argument;
	struct epoll_event event;

	__atomic_add_fetch(&waiter->all->up, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(epoll_wait(waiter->epoll, &event, 1, FOREVER), 1);
	__atomic_add_fetch(&waiter->all->woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start(struct waiters *all, struct waiter *waiters, pthread_t *threads)
{
	for (int i = 0; i < THREADS; i++) {
		waiters[i] = (struct waiter){ all, all->epoll[i] };
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_once, &waiters[i]), 0);
	}
	while (all->up < THREADS)
		check_sleep(1);
	check_sleep(SOON_MS);
}

static int woken_after(struct waiters *all, int at_least)
{
	for (int i = 0; i < LATE_MS && all->woken < at_least; i++)
		check_sleep(1);
	check_sleep(SOON_MS);
	return all->woken;
}

/* An edge is for one of them, and as many edges as threads are for all. */
static void threads_share(void)
{
	int epoll = new_epoll(), events[THREADS];
	struct waiters all = { .epoll = { epoll, epoll, epoll, epoll } };
	struct waiter waiters[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		events[i] = counter(0);
		add(epoll, events[i], EPOLLIN | ON_EDGE, i);
	}
	start(&all, waiters, threads);
	for (int i = 0; i < THREADS; i++) {
		signal_it(events[i]);
		CHECK_EQ(woken_after(&all, i + 1), i + 1);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	/* By level all of them hear of it. */
	all.up = all.woken = 0;
	start(&all, waiters, threads);
	change(epoll, events[0], EPOLLIN, 0);
	CHECK_EQ(woken_after(&all, THREADS), THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void exclusive(void)
{
	struct waiters all = { .up = 0 };
	struct waiter waiters[THREADS];
	pthread_t threads[THREADS];
	int ends[2], epoll = new_epoll(), few;

	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0), EINVAL);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 0), EINVAL);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, new_epoll(), EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
	CHECK_ERR(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
	add(epoll, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 0);
	CHECK_ERR(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
	CHECK_ERR(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN, 0), EINVAL);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL), 0);

	for (int i = 0; i < THREADS; i++)
		all.epoll[i] = epoll_of(ends[0], EPOLLIN | EPOLLEXCLUSIVE | ON_EDGE);
	start(&all, waiters, threads);
	CHECK_EQ(write(ends[1], "a", 1), 1);
	few = woken_after(&all, 1);
	CHECK(few >= 1 && few < THREADS);
	CHECK_EQ(write(ends[1], "b", 1), 1);
	CHECK(woken_after(&all, few + 1) > few);
	/* The end is for everybody. */
	CHECK_EQ(close(ends[1]), 0);
	CHECK_EQ(woken_after(&all, THREADS), THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK(ready(all.epoll[i]) >= 0);
}

struct pings {
	int event;
	volatile unsigned taken;
	volatile int stop;
};

static void *ping(void *argument)
{
	struct pings *pings = argument;

	for (unsigned sent = 0; !pings->stop; sent++) {
		while (pings->taken != sent && !pings->stop)
			;
		for (volatile unsigned pause = sent % PAUSES; pause; pause--)
			;
		signal_it(pings->event);
	}
	return NULL;
}

/* An event that comes while the item is found not to be ready, since the last one was taken. */
static void no_event_is_lost(void)
{
	int epoll = new_epoll();
	struct pings pings = { counter(0), 0, 0 };
	long end = check_now() + PING_MS;
	pthread_t thread;

	add(epoll, pings.event, EPOLLIN, 1);
	CHECK_EQ(pthread_create(&thread, NULL, ping, &pings), 0);
	while (check_now() < end && CHECK_EQ(epoll_wait(epoll, got, EVENTS, PATIENCE_MS), 1)) {
		drain(pings.event);
		pings.taken++;
	}
	pings.stop = 1;
	pthread_join(thread, NULL);
}

static void *close_later(void *argument)
{
	int *fds = argument;

	check_sleep(SOON_MS);
	close(fds[0]);
	check_sleep(SOON_MS);
	signal_it(fds[1]);
	return NULL;
}

/* Closing a file that is waited for ends no wait, and takes nothing from it. */
static void closed_while_waiting(void)
{
	int epoll = new_epoll(), fds[2] = { counter(0), counter(0) };
	pthread_t thread;

	add(epoll, fds[0], EPOLLIN, 1);
	add(epoll, fds[1], EPOLLIN, 2);
	CHECK_EQ(pthread_create(&thread, NULL, close_later, fds), 0);
	CHECK_EQ(epoll_wait(epoll, got, EVENTS, PATIENCE_MS), 1);
	CHECK_EQ(got[0].data.u64, 2);
	pthread_join(thread, NULL);
	/* The epoll itself. */
	fds[0] = dup(epoll);
	drain(fds[1]);
	CHECK_EQ(pthread_create(&thread, NULL, close_later, fds), 0);
	CHECK_EQ(epoll_wait(fds[0], got, EVENTS, PATIENCE_MS), 1);
	pthread_join(thread, NULL);
}

/* ---- Limits ---- */

static void be_another_user(void *argument)
{
	(void)argument;
	CHECK_EQ(setgid(1000), 0);
	CHECK_EQ(setuid(1000), 0);
	epoll_of(counter(0), EPOLLIN);
}

/* As many watches as there may be; then other users still have theirs, and all come back. */
static void watch_limit(void)
{
	enum { FDS = 1000, EPOLLS = 400 };
	struct rlimit limit = { 2048, 2048 };
	int ends[2], fds[FDS], epolls[EPOLLS], count = 0, error = 0;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(pipe(ends), 0);
	for (int i = 0; i < FDS; i++)
		fds[i] = dup(ends[0]);
	for (; count < EPOLLS && !error; count++) {
		epolls[count] = new_epoll();
		for (int i = 0; i < FDS && !error; i++)
			if (control(epolls[count], EPOLL_CTL_ADD, fds[i], EPOLLIN, 0) < 0)
				error = errno;
	}
	CHECK_EQ(error, ENOSPC);
	CHECK(count > 2);
	CHECK_EQ(check_child(be_another_user, NULL), 0);
	CHECK_EQ(close(epolls[0]), 0);
	add(epolls[count - 1], ends[0], EPOLLIN, 0);
	for (int i = 0; i < FDS; i++)
		CHECK_EQ(close(fds[i]), 0);
	CHECK_EQ(close(ends[1]), 0);
	CHECK_EQ(epoll_wait(epolls[1], got, 1, 0), 1);
	CHECK_EQ(close(ends[0]), 0);
	CHECK_EQ(ready(epolls[1]), 0);
}

static void use_all(void *argument)
{
	int event = counter(1), ends[2], inner = epoll_of(event, EPOLLIN), outer = epoll_of(inner, EPOLLIN | ON_EDGE), fifo;

	(void)argument;
	CHECK_EQ(pipe(ends), 0);
	mkfifo("both", 0600);
	fifo = open("both", O_RDWR);
	add(outer, ends[0], EPOLLIN, 1);
	add(outer, ends[1], EPOLLOUT | EPOLLONESHOT, 1);
	add(outer, fifo, EPOLLIN | EPOLLOUT, 1);
	add(outer, dup(fifo), EPOLLIN | EPOLLOUT, 1);
	CHECK_EQ(ready(outer), 4);
	close(inner);
	CHECK_EQ(ready(outer), 2);
	CHECK_ERR(control(outer, EPOLL_CTL_ADD, open(".", O_RDONLY), EPOLLIN, 0), EPERM);
}

static void nothing_is_left(void)
{
	struct leak_mark mark;

	for (int i = 0; i < 20; i++) {
		if (i == 10)
			leak_mark(&mark);
		CHECK_EQ(check_child(use_all, NULL), 0);
	}
	leak_check(&mark, "epoll");
}

static const struct check_case cases[] = {
	CASE(nested), CASE(loops), CASE(too_many_ways), CASE(threads_share), CASE(exclusive), CASE(no_event_is_lost), CASE(closed_while_waiting),
	CASE(watch_limit), CASE(nothing_is_left), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("epolls", cases, argc, argv);
}
