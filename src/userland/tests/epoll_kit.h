/* SPDX-License-Identifier: MIT */
/* What the tests of epoll do all the time. For one program each: the functions are static. */
#ifndef EPOLL_KIT_H
#define EPOLL_KIT_H

#include "check.h"

#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 16, FOREVER = -1, SOON_MS = 100, PATIENCE_MS = 20000 };

#define ON_EDGE ((unsigned)EPOLLET)

static struct epoll_event got[EVENTS];

static inline int new_epoll(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	CHECK(epoll >= 0);
	return epoll;
}

static inline int counter(unsigned value)
{
	return eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC);
}

static inline int control(int epoll, int op, int fd, unsigned events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(epoll, op, fd, &event);
}

static inline void add(int epoll, int fd, unsigned events, uint64_t data)
{
	CHECK_EQ(control(epoll, EPOLL_CTL_ADD, fd, events, data), 0);
}

static inline void change(int epoll, int fd, unsigned events, uint64_t data)
{
	CHECK_EQ(control(epoll, EPOLL_CTL_MOD, fd, events, data), 0);
}

/* How many are ready now; they are in got[]. */
static inline int ready(int epoll)
{
	memset(got, 0xee, sizeof got);
	return epoll_wait(epoll, got, EVENTS, 0);
}

static inline void signal_it(int fd)
{
	uint64_t one = 1;

	CHECK_EQ(write(fd, &one, sizeof one), sizeof one);
}

static inline void drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof bytes) > 0)
		;
}

#define CHECK_ONE(epoll, wanted_events, wanted_data) \
	(CHECK_EQ(ready(epoll), 1), CHECK_EQ(got[0].events, wanted_events), CHECK_EQ(got[0].data.u64, wanted_data))

#endif
