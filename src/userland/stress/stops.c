/* SPDX-License-Identifier: MIT */
/*
 * stops: processes with several threads are stopped, continued and killed. Between the report of a stop and the SIGCONT none of
 * their threads does anything; each stop, continuation and end is reported to the parent once.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CREW = 3, STOPS = 4 };

struct shared {
	_Atomic uint64_t count[CREW];
};

static struct shared *shared;

static void *count_up(void *argument)
{
	_Atomic uint64_t *count = argument;

	/* Mostly in user mode, where only an interrupt reaches it. */
	for (;;) {
		++*count;
		if (*count % 500000 == 0)
			sched_yield();
		if (*count % 4000000 == 0)
			storm_nap(1000);
	}
	return NULL;
}

noreturn static void live(struct shared *mine)
{
	for (unsigned i = 1; i < CREW; i++)
		storm_thread(count_up, &mine->count[i]);
	count_up(&mine->count[0]);
	_exit(1);
}

static void wait_for(pid_t pid, int options, bool (*is)(int status), const char *what)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, options)) < 0 && errno == EINTR)
		;
	EXPECT(got == pid && is(status), "process %d: expected %s, got %d with %#x", pid, what, got, status);
}

static bool was_stopped(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
}

static bool was_continued(int status)
{
	return WIFCONTINUED(status);
}

static bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void stop_and_continue(struct worker *worker, pid_t pid, struct shared *seen)
{
	uint64_t before[CREW];
	int status;

	EXPECT(kill(pid, SIGSTOP) == 0, "kill");
	wait_for(pid, WUNTRACED, was_stopped, "a stop");
	for (unsigned i = 0; i < CREW; i++)
		before[i] = seen->count[i];
	for (unsigned i = storm_pick(worker, 20); i > 0; i--)
		sched_yield();
	if (storm_pick(worker, 4) == 0)
		storm_nap(500000);
	for (unsigned i = 0; i < CREW; i++)
		EXPECT(seen->count[i] == before[i], "thread %u of the stopped process %d goes on: %lu, %lu", i, pid, (unsigned long)before[i],
		       (unsigned long)seen->count[i]);
	EXPECT(waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG) == 0, "a stop was reported twice");
	EXPECT(kill(pid, SIGCONT) == 0, "kill");
	wait_for(pid, WCONTINUED, was_continued, "a continuation");
	for (unsigned i = storm_pick(worker, CREW); seen->count[i] == before[i];)
		sched_yield();
}

static void work(struct worker *worker)
{
	struct shared *mine = &shared[worker->index];

	while (storm_goes_on(worker)) {
		pid_t pid = storm_fork();

		if (!pid)
			live(mine);
		for (unsigned i = storm_pick(worker, STOPS); i > 0; i--) {
			stop_and_continue(worker, pid, mine);
			storm_advance(worker);
		}
		if (storm_pick(worker, 2)) {
			EXPECT(kill(pid, SIGSTOP) == 0, "kill");
			if (storm_pick(worker, 2))
				wait_for(pid, WUNTRACED, was_stopped, "a stop");
		}
		EXPECT(kill(pid, SIGKILL) == 0, "kill");
		wait_for(pid, 0, was_killed, "the end by SIGKILL");
	}
}

static void run(unsigned workers)
{
	shared = storm_shared(workers * sizeof *shared);
	storm_processes(workers, work);
}

const struct storm stops_storm = { "stops", "processes with threads stopped, continued and killed", run, NULL };
