/* SPDX-License-Identifier: MIT */
/* A child that does what may take for ever (bounded.h). */
#include "bounded.h"
#include "run_state.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 2 };

int bounded_run(int (*work)(void *argument), void *argument, unsigned ms)
{
	const uint64_t end_ns = now_ns() + ms * 1000000ull;
	int status;
	pid_t pid = fork(), ended;

	if (pid == 0)
		_exit(-work(argument) & 0xff);
	if (pid < 0)
		return -errno;
	for (;;) {
		ended = waitpid(pid, &status, WNOHANG);
		if (ended == pid)
			return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
		if (ended < 0)
			return -errno;
		/* Its end is somebody else's, should it not end at once either. */
		if (now_ns() >= end_ns) {
			kill(pid, SIGKILL);
			return -ETIMEDOUT;
		}
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000L }, NULL);
	}
}
