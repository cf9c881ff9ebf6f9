/* SPDX-License-Identifier: MIT */
/* The frame of the works, and their list; see works.h. */
#include "works.h"

#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned errors;
static bool wrong;

bool did(long result)
{
	if (result != -1)
		return true;
	if (errno != ENOSYS && errno != EAFNOSUPPORT)
		errors++;
	return false;
}

void expect(bool right, bool always, const char *what, int line)
{
	if (right || (errors && !always))
		return;
	printf("after %u errors, line %d: %s does not hold\n", errors, line, what);
	wrong = true;
}

static enum work_end end_so_far(void)
{
	return wrong ? WORK_WRONG : errors ? WORK_ERRORS : WORK_DONE;
}

void end_child(void)
{
	_exit(end_so_far());
}

void await_child(int pid)
{
	int status;

	if (!DID(waitpid(pid, &status, 0)))
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == WORK_WRONG)
		wrong = true;
	else if (status)
		errors++;
}

void in_child(void (*body)(void))
{
	int pid = fork();

	if (pid == 0) {
		body();
		end_child();
	}
	if (DID(pid))
		await_child(pid);
}

enum work_end work_run(const struct work *work)
{
	errors = 0;
	wrong = false;
	work->run();
	return end_so_far();
}

#define WORK(name) { #name, work_##name }

const struct work works[] = {
	WORK(files), WORK(many_files), WORK(names), WORK(root), WORK(data), WORK(pipes), WORK(locks), WORK(mounts), WORK(proc), WORK(devices), WORK(terminals),
	WORK(memory), WORK(shared_memory), WORK(tables), WORK(fork), WORK(exec), WORK(threads), WORK(signals), WORK(timers), WORK(sessions), WORK(users),
	WORK(events), WORK(ipc), WORK(ports), WORK(views), WORK(shell),
};
const unsigned work_count = sizeof works / sizeof *works;
