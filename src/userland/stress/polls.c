/* SPDX-License-Identifier: MIT */
/*
 * polls: many wait for many pipes at once, by poll, select and epoll, all for the same tokens. Each token is taken once, and none is
 * left lying while all wait for one.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

enum { PIPES = 4, TAKERS = 4, GIVERS = 2, TOKENS = 400 };

struct market {
	int read_end[PIPES], write_end[PIPES];
	_Atomic unsigned taken[GIVERS * TOKENS];	/* how often, by token */
	struct party {
		struct market *market;
		unsigned index;
		uint64_t random;
	} party[TAKERS + GIVERS];
};

/* Takes one token; false at the end of all. */
static bool take(struct market *market, unsigned at)
{
	uint16_t token = 0;
	ssize_t got = read(market->read_end[at], &token, sizeof token);

	if (got < 0) {
		EXPECT(errno == EAGAIN, "read");
		return true;
	}
	if (got == 0)
		return false;
	EXPECT(got == sizeof token && token < GIVERS * TOKENS, "%zd bytes, token %u", got, token);
	market->taken[token]++;
	return true;
}

/* Each waits for any of the pipes and returns those that are ready, as bits. */
static unsigned wait_by_poll(struct market *market)
{
	struct pollfd wanted[PIPES];
	unsigned ready = 0;

	for (int i = 0; i < PIPES; i++)
		wanted[i] = (struct pollfd){ market->read_end[i], POLLIN, 0 };
	EXPECT(poll(wanted, PIPES, -1) > 0, "poll");
	for (int i = 0; i < PIPES; i++)
		if (wanted[i].revents) {
			EXPECT(!(wanted[i].revents & ~(POLLIN | POLLHUP)), "poll says %#x", wanted[i].revents);
			ready |= 1u << i;
		}
	return ready;
}

static unsigned wait_by_select(struct market *market)
{
	unsigned ready = 0;
	int last = 0;
	fd_set set;

	FD_ZERO(&set);
	for (int i = 0; i < PIPES; i++) {
		FD_SET(market->read_end[i], &set);
		last = market->read_end[i] > last ? market->read_end[i] : last;
	}
	EXPECT(select(last + 1, &set, NULL, NULL, NULL) > 0, "select");
	for (int i = 0; i < PIPES; i++)
		ready |= (unsigned)!!FD_ISSET(market->read_end[i], &set) << i;
	return ready;
}

static unsigned wait_by_epoll(struct market *market, int epoll)
{
	struct epoll_event events[PIPES];
	unsigned ready = 0;
	int count = epoll_wait(epoll, events, PIPES, -1);

	(void)market;
	EXPECT(count > 0, "epoll_wait gave %d", count);
	for (int i = 0; i < count; i++)
		ready |= 1u << events[i].data.u32;
	return ready;
}

static int make_epoll(struct market *market)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT(epoll >= 0, "epoll_create1");
	for (int i = 0; i < PIPES; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, market->read_end[i], &event) == 0, "epoll_ctl");
	}
	return epoll;
}

static void taker(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };
	int epoll = party->index % 2 ? -1 : make_epoll(party->market);
	unsigned ended = 0;

	while (ended != (1u << PIPES) - 1) {
		unsigned way = storm_pick(&worker, epoll < 0 ? 2 : 3), ready;

		ready = way == 0 ? wait_by_poll(party->market) : way == 1 ? wait_by_select(party->market) : wait_by_epoll(party->market, epoll);
		EXPECT(ready, "woken for nothing");
		for (unsigned i = 0; i < PIPES; i++)
			if (ready >> i & 1 && !take(party->market, i))
				ended |= 1u << i;
	}
	if (epoll >= 0)
		close(epoll);
}

static void giver(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };

	for (unsigned i = 0; i < TOKENS; i++) {
		uint16_t token = (party->index - TAKERS) * TOKENS + i;

		EXPECT(write(party->market->write_end[storm_pick(&worker, PIPES)], &token, sizeof token) == sizeof token, "write");
		/* Half of the time nothing more comes until this one is taken: only its own write can have woken somebody. */
		if (storm_pick(&worker, 2))
			while (!party->market->taken[token])
				storm_nap(20000);
	}
}

/* Takers are threads: a process of its own would keep the writing ends open. */
static void do_round(struct worker *worker, struct market *market)
{
	struct storm_helper helper[TAKERS + GIVERS];
	int ends[2];

	memset(market, 0, sizeof *market);
	for (int i = 0; i < PIPES; i++) {
		EXPECT(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0, "pipe2");
		market->read_end[i] = ends[0];
		market->write_end[i] = ends[1];
	}
	for (unsigned i = 0; i < TAKERS + GIVERS; i++) {
		market->party[i] = (struct party){ market, i, storm_random(worker) | 1 };
		storm_help(&helper[i], i >= TAKERS && storm_pick(worker, 2), i < TAKERS ? taker : giver, &market->party[i]);
	}
	for (unsigned i = TAKERS; i < TAKERS + GIVERS; i++)
		storm_join(&helper[i]);
	storm_advance(worker);
	/* The close would wake whom a write has not. */
	for (unsigned i = 0; i < GIVERS * TOKENS; i++)
		while (!market->taken[i])
			storm_nap(20000);
	for (int i = 0; i < PIPES; i++)
		close(market->write_end[i]);
	for (unsigned i = 0; i < TAKERS; i++)
		storm_join(&helper[i]);
	for (int i = 0; i < PIPES; i++)
		close(market->read_end[i]);
	for (unsigned i = 0; i < GIVERS * TOKENS; i++)
		EXPECT(market->taken[i] == 1, "token %u was taken %u times", i, market->taken[i]);
}

static void work(struct worker *worker)
{
	struct market *market = storm_shared(sizeof *market);

	while (storm_goes_on(worker))
		do_round(worker, market);
	munmap(market, sizeof *market);
}

static void run(unsigned workers)
{
	storm_processes((workers + 1) / 2, work);
}

const struct storm polls_storm = { "polls", "many that wait for many pipes; each token taken once", run, NULL };
