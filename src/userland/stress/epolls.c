/* SPDX-License-Identifier: MIT */
/*
 * epolls: files are watched, written, and closed by some threads while others wait for them, and for epolls that watch epolls, which come and go too. Every
 * report is of a file that was watched; what is written to a file that nobody takes away is reported, and to one of them by edge only as often as
 * it was written.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EPOLLS = 3, SLOTS = 6, WAITERS = 2, CHANGERS = 2, STEPS = 300, EVENTS = 4, MARK = 0x5a5a0000, KEPT = 99, STOP = 100, WAIT_MS = 50 };

struct arena {
	int epoll[EPOLLS];			/* each is watched by the next: the last sees all */
	int kept, stop;				/* eventfds, watched by the first by edge and by the last: never closed before the end */
	_Atomic int slot[SLOTS];		/* a descriptor to be watched, or -1 while somebody has it */
	_Atomic unsigned kept_written, kept_seen;
	struct party {
		struct arena *arena;
		unsigned index;
		uint64_t random;
	} party[WAITERS + CHANGERS];
};

static void signal_event(int fd)
{
	uint64_t one = 1;

	EXPECT(write(fd, &one, sizeof one) == sizeof one || errno == EAGAIN, "write");
}

static void drain(int fd)
{
	char bytes[256];

	(void)!read(fd, bytes, sizeof bytes);
}

static void watch(int epoll, int fd, unsigned events, unsigned data)
{
	struct epoll_event event = { .events = events, .data.u64 = MARK + data };

	EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "watching %d", fd);
}

/* A new file in a slot: an eventfd, a pipe's end whose other end may be gone, or an epoll. */
static int new_file(struct worker *worker, struct arena *arena, unsigned slot)
{
	int ends[2], inner, fd = -1;

	switch (storm_pick(worker, 3)) {
	case 0:
		fd = eventfd(storm_pick(worker, 2), EFD_NONBLOCK | EFD_CLOEXEC);
		break;
	case 1:
		EXPECT(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
		fd = ends[0];
		if (storm_pick(worker, 2))
			EXPECT(write(ends[1], "x", 1) == 1, "write");
		close(ends[1]);
		break;
	default:
		fd = epoll_create1(EPOLL_CLOEXEC);
		inner = arena->kept;
		EXPECT(fd >= 0, "epoll_create1");
		watch(fd, inner, EPOLLIN, KEPT);
		break;
	}
	EXPECT(fd >= 0, "no file for slot %u", slot);
	return fd;
}

static void change(struct worker *worker, struct arena *arena)
{
	static const unsigned how[] = { 0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT, EPOLLEXCLUSIVE };
	unsigned at = storm_pick(worker, SLOTS);
	struct epoll_event event = { .events = EPOLLIN | how[storm_pick(worker, 5)], .data.u64 = MARK + at };
	int epoll = arena->epoll[storm_pick(worker, EPOLLS)], fd = atomic_exchange(&arena->slot[at], -1), result;

	if (fd < 0)
		return;
	switch (storm_pick(worker, 5)) {
	case 0:
	case 1:
		result = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
		EXPECT(result == 0 || errno == EEXIST || errno == EINVAL || errno == ELOOP, "adding");
		break;
	case 2:
		result = epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
		EXPECT(result == 0 || errno == ENOENT || errno == EINVAL, "changing");
		break;
	case 3:
		result = epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		EXPECT(result == 0 || errno == ENOENT, "removing");
		break;
	default:
		close(fd);
		fd = new_file(worker, arena, at);
	}
	atomic_store(&arena->slot[at], fd);
}

static void changer(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };

	for (unsigned i = 0; i < STEPS; i++) {
		change(&worker, party->arena);
		if (!storm_pick(&worker, 8) && atomic_load(&party->arena->kept_seen) == atomic_load(&party->arena->kept_written)) {
			atomic_fetch_add(&party->arena->kept_written, 1);
			signal_event(party->arena->kept);
		}
	}
}

/* Takes what is reported until it is told to stop. */
static void waiter(void *argument)
{
	struct party *party = argument;
	struct arena *arena = party->arena;
	struct worker worker = { .random = party->random };

	for (bool stop = false; !stop;) {
		unsigned which = storm_pick(&worker, 4) ? 0 : storm_pick(&worker, EPOLLS);
		struct epoll_event events[EVENTS];
		struct pollfd fd = { arena->epoll[which], POLLIN, 0 };
		int count = 0;

		if (!storm_pick(&worker, 4))
			EXPECT(poll(&fd, 1, WAIT_MS) >= 0, "poll");
		else
			count = epoll_wait(arena->epoll[which], events, EVENTS, WAIT_MS);
		EXPECT(count >= 0, "epoll_wait");
		for (int i = 0; i < count; i++) {
			unsigned data = events[i].data.u64 - MARK;

			EXPECT(events[i].events & (EPOLLIN | EPOLLHUP), "slot %u reports %#x", data, events[i].events);
			EXPECT(data < SLOTS + EPOLLS || data == KEPT || data == STOP, "reported: %#llx", (unsigned long long)events[i].data.u64);
			if (data == STOP)
				stop = true;
			else if (data == KEPT && which == 0)
				atomic_store(&arena->kept_seen, atomic_load(&arena->kept_written));
			else if (data < SLOTS) {
				int taken = atomic_exchange(&arena->slot[data], -1);

				if (taken >= 0) {
					drain(taken);
					atomic_store(&arena->slot[data], taken);
				}
			}
		}
	}
}

static void prepare(struct worker *worker, struct arena *arena)
{
	memset(arena, 0, sizeof *arena);
	arena->kept = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	arena->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (int i = 0; i < EPOLLS; i++) {
		arena->epoll[i] = epoll_create1(EPOLL_CLOEXEC);
		EXPECT(arena->epoll[i] >= 0, "epoll_create1");
		if (i)
			watch(arena->epoll[i], arena->epoll[i - 1], EPOLLIN, SLOTS + i);
		watch(arena->epoll[i], arena->stop, EPOLLIN, STOP);
	}
	watch(arena->epoll[0], arena->kept, EPOLLIN | EPOLLET, KEPT);
	for (unsigned i = 0; i < SLOTS; i++)
		arena->slot[i] = new_file(worker, arena, i);
}

static void do_round(struct worker *worker)
{
	struct storm_helper helper[WAITERS + CHANGERS];
	struct arena arena;
	int fresh;

	prepare(worker, &arena);
	for (unsigned i = 0; i < WAITERS + CHANGERS; i++) {
		arena.party[i] = (struct party){ &arena, i, storm_random(worker) | 1 };
		storm_help(&helper[i], false, i < WAITERS ? waiter : changer, &arena.party[i]);
	}
	for (unsigned i = WAITERS; i < WAITERS + CHANGERS; i++)
		storm_join(&helper[i]);
	storm_advance(worker);
	/* The last edge is seen, too. */
	while (atomic_load(&arena.kept_seen) != atomic_load(&arena.kept_written))
		storm_nap(100000);
	signal_event(arena.stop);
	/* An epoll ends while it is waited for and watched. */
	fresh = epoll_create1(EPOLL_CLOEXEC);
	watch(fresh, arena.stop, EPOLLIN, STOP);
	EXPECT(dup2(fresh, arena.epoll[1]) == arena.epoll[1], "dup2");
	close(fresh);
	for (unsigned i = 0; i < WAITERS; i++)
		storm_join(&helper[i]);
	for (unsigned i = 0; i < SLOTS; i++)
		close(arena.slot[i]);
	for (int i = 0; i < EPOLLS; i++)
		close(arena.epoll[i]);
	close(arena.kept);
	close(arena.stop);
}

static void work(struct worker *worker)
{
	while (storm_goes_on(worker))
		do_round(worker);
}

static void run(unsigned workers)
{
	storm_processes((workers + 1) / 2, work);
}

const struct storm epolls_storm = { "epolls", "epoll against changes and closes of what it watches", run, NULL };
