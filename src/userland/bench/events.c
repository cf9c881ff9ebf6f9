/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many descriptors at once: an epoll watches the reading ends of pipes, and one of them has something to be read, which nobody reads. What a
 * call costs is then the same each time, and should not depend on how many are watched.
 */
#include "bench.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WATCHED = 500, READY = WATCHED / 2, EVENTS = 64, OTHER_FILES_OPEN = 16 };

static int pipes[WATCHED][2], epoll = -1;

/* Each pipe takes two descriptors. */
static void allow_files(void)
{
	struct rlimit files;

	MUST(getrlimit(RLIMIT_NOFILE, &files) == 0);
	if (files.rlim_cur < 2 * WATCHED + OTHER_FILES_OPEN)
		files.rlim_cur = 2 * WATCHED + OTHER_FILES_OPEN;
	MUST(setrlimit(RLIMIT_NOFILE, &files) == 0);
}

void prepare_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	allow_files();
	MUST((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
	for (unsigned i = 0; i < WATCHED; i++) {
		event.data.u32 = i;
		MUST(pipe(pipes[i]) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[i][0], &event) == 0);
	}
	MUST(write(pipes[READY][1], "x", 1) == 1);
}

void run_epoll(unsigned count)
{
	struct epoll_event events[EVENTS];

	while (count--)
		MUST(epoll_wait(epoll, events, EVENTS, -1) == 1 && events[0].data.u32 == READY);
}

void finish_epoll(void)
{
	for (unsigned i = 0; i < WATCHED; i++)
		MUST(close(pipes[i][0]) == 0 && close(pipes[i][1]) == 0);
	MUST(close(epoll) == 0);
}
