/* SPDX-License-Identifier: MIT */
/*
 * spawn: fork, vfork, exec, exit and kill from many processes at once. Each worker keeps some children outstanding and
 * waits for them in any order; every wait status must be the one that the child was made for.
 */
#include "stress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTSTANDING = 5 };

struct child {
	pid_t pid;
	int status;	/* that wait must give */
};

static const int deadly[] = { SIGKILL, SIGTERM, SIGUSR1, SIGHUP, SIGPIPE };

static int exit_with_argument(int argc, char **argv)
{
	return argc == 1 ? atoi(argv[0]) : 255;
}

noreturn static void exec_and_exit(int code)
{
	char text[8];

	snprintf(text, sizeof text, "%d", code);
	storm_exec(&spawn_storm, text, NULL);
	storm_fail(__FILE__, __LINE__, "execv", "%s", storm_program);
}

/* Hands on what its own child gave. */
noreturn static void have_a_child(int code)
{
	pid_t pid = storm_fork();
	int status;

	if (!pid)
		_exit(code);
	status = storm_wait(pid);
	EXPECT(status == code << 8, "grandchild %d: status %#x, expected code %d", pid, status, code);
	_exit(code);
}

/* The orphan goes to the storm's leader, which waits for it. */
noreturn static void leave_an_orphan(int code)
{
	if (!storm_fork()) {
		storm_nap(100000);
		_exit(3);
	}
	_exit(code);
}

static pid_t vfork_and_exit(int code, bool exec)
{
	char text[8];
	volatile int exit_code = exec ? 254 : code;
	pid_t pid;

	snprintf(text, sizeof text, "%d", code);
	pid = vfork();
	if (!pid) {
		if (exec)
			storm_exec(&spawn_storm, text, NULL);
		_exit(exit_code);
	}
	EXPECT(pid > 0, "vfork");
	return pid;
}

static void make(struct worker *worker, struct child *child)
{
	unsigned kind = storm_pick(worker, 8), code = storm_pick(worker, 200);
	int signal = deadly[storm_pick(worker, sizeof deadly / sizeof *deadly)];

	child->status = code << 8;
	if (kind < 2) {
		child->pid = vfork_and_exit(code, kind);
		return;
	}
	child->pid = storm_fork();
	if (!child->pid) {
		switch (kind) {
		case 2: exec_and_exit(code);
		case 3: have_a_child(code);
		case 4: leave_an_orphan(code);
		case 5:
			kill(getpid(), signal);
			_exit(253);
		case 6:
			for (;;)
				pause();
		default: _exit(code);
		}
	}
	if (kind == 5)
		child->status = signal;
	if (kind == 6) {
		child->status = signal;
		EXPECT(kill(child->pid, signal) == 0, "child %d", child->pid);
	}
}

static void check(const struct child *child, int status)
{
	EXPECT((status & ~0x80) == child->status, "child %d: wait status %#x, expected %#x", child->pid, status, child->status);
}

/* By number, or whichever comes first. */
static void take_one(struct worker *worker, struct child *children, unsigned count)
{
	unsigned at = storm_pick(worker, count);
	int status;
	pid_t pid;

	if (storm_pick(worker, 2)) {
		check(&children[at], storm_wait(children[at].pid));
	} else {
		pid = waitpid(-1, &status, 0);
		for (at = 0; at < count && children[at].pid != pid; at++)
			;
		EXPECT(at < count, "waitpid gave %d, which is no child", pid);
		check(&children[at], status);
	}
	children[at] = children[count - 1];
}

static void work(struct worker *worker)
{
	struct child children[OUTSTANDING];
	unsigned count = 0;
	int status;

	while (storm_goes_on(worker)) {
		if (count < OUTSTANDING && storm_pick(worker, 3)) {
			make(worker, &children[count]);
			for (unsigned i = 0; i < count; i++)
				EXPECT(children[i].pid != children[count].pid, "two children have number %d", children[i].pid);
			count++;
		} else if (count) {
			take_one(worker, children, count--);
		}
	}
	while (count)
		take_one(worker, children, count--);
	EXPECT(waitpid(-1, &status, 0) == -1 && errno == ECHILD, "more children than were made");
}

static void run(unsigned workers)
{
	storm_processes(workers, work);
}

const struct storm spawn_storm = { "spawn", "fork, vfork, exec, exit and kill; every wait status", run, exit_with_argument };
