/* SPDX-License-Identifier: MIT */
/* LINK: lib/session.c */
/* Who is left of a session when its leader has ended, in its group and outside. */
#include "session.h"
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum kind { IN_GROUP, IN_SESSION, AWAY, KINDS };

/* A leader whose child, of that kind, outlives him. Returns the leader, in *child the other. */
static pid_t make(enum kind kind, pid_t *child)
{
	int ends[2];
	pid_t leader;

	if (pipe(ends) < 0)
		abort();
	leader = fork();
	if (leader == 0) {
		pid_t pid;

		setsid();
		pid = fork();
		if (pid == 0) {
			if (kind == IN_SESSION)
				setpgid(0, 0);
			else if (kind == AWAY)
				setsid();
			pid = getpid();
			if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
				_exit(1);
			for (;;)
				pause();
		}
		_exit(0);
	}
	if (read(ends[0], child, sizeof(*child)) != sizeof(*child))
		abort();
	close(ends[0]);
	close(ends[1]);
	waitpid(leader, NULL, 0);
	return leader;
}

static bool ends(pid_t leader, bool thorough)
{
	for (unsigned i = 0; i < 5000; i++) {
		if (!session_end(leader, thorough))
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return false;
}

int main(void)
{
	pid_t child, leader;

	/* Orphans become this process's children, as they do the manager's. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	leader = make(IN_GROUP, &child);
	CHECK(ends(leader, false) && kill(child, 0) == 0, "dead, and not reaped yet: that counts as gone");
	CHECK(waitpid(child, NULL, 0) == child && !session_end(leader, false), "gone");
	leader = make(IN_SESSION, &child);
	CHECK(!session_end(leader, false) && kill(child, 0) == 0, "not looked for");
	CHECK(session_end(leader, true) && ends(leader, true) && waitpid(child, NULL, 0) == child, "looked for");
	leader = make(AWAY, &child);
	CHECK(!session_end(leader, true) && waitpid(child, NULL, WNOHANG) == 0, "has left it");
	kill(child, SIGKILL);
	CHECK(!session_end(0, true) && !session_end(1, true), "not everybody");
	return check_result("session");
}
