/* SPDX-License-Identifier: MIT */
/* What is measured. A worker and all it starts stay on the worker's CPU. */
#include "scale.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { REGION = 16 << 20, MESSAGE = 64, SMALL_MAPPING = 4 * PAGE };

static void run_getppid(struct worker *worker, unsigned count)
{
	(void)worker;
	while (count--)
		syscall(SYS_getppid);
}

/* ---- Memory ---- */

static void touch(char *at, size_t size)
{
	for (char *end = at + size; at < end; at += PAGE)
		*(volatile char *)at = 1;
}

static char *map(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED);
	return at;
}

static void begin_region(struct worker *worker)
{
	worker->next = worker->region = map(REGION);
	madvise(worker->region, REGION, MADV_NOHUGEPAGE);
}

static void end_region(struct worker *worker)
{
	MUST(munmap(worker->region, REGION) == 0);
}

static void renew_region(struct worker *worker, unsigned count)
{
	if (worker->next + count * PAGE <= worker->region + REGION)
		return;
	MUST(madvise(worker->region, REGION, MADV_DONTNEED) == 0);
	worker->next = worker->region;
}

static void run_fault(struct worker *worker, unsigned count)
{
	touch(worker->next, count * PAGE);
	worker->next += count * PAGE;
}

static void run_map(struct worker *worker, unsigned count)
{
	(void)worker;
	while (count--) {
		char *at = map(SMALL_MAPPING);

		touch(at, SMALL_MAPPING);
		MUST(munmap(at, SMALL_MAPPING) == 0);
	}
}

/* ---- Processes ---- */

static void run_fork(struct worker *worker, unsigned count)
{
	(void)worker;
	while (count--) {
		int status;
		pid_t child = fork();

		MUST(child >= 0);
		if (!child)
			_exit(0);
		MUST(waitpid(child, &status, 0) == child && status == 0);
	}
}

static void begin_pipe(struct worker *worker)
{
	char message[MESSAGE];

	MUST(pipe(worker->to_partner) == 0 && pipe(worker->from_partner) == 0);
	MUST((worker->partner = fork()) >= 0);
	if (worker->partner)
		return;
	while (read(worker->to_partner[0], message, MESSAGE) == MESSAGE)
		MUST(write(worker->from_partner[1], message, MESSAGE) == MESSAGE);
	_exit(1);
}

static void run_pipe(struct worker *worker, unsigned count)
{
	char message[MESSAGE] = "";

	while (count--) {
		MUST(write(worker->to_partner[1], message, MESSAGE) == MESSAGE);
		MUST(read(worker->from_partner[0], message, MESSAGE) == MESSAGE);
	}
}

static void end_pipe(struct worker *worker)
{
	MUST(kill(worker->partner, SIGKILL) == 0 && waitpid(worker->partner, NULL, 0) == worker->partner);
	for (unsigned i = 0; i < 2; i++) {
		close(worker->to_partner[i]);
		close(worker->from_partner[i]);
	}
}

/* ---- Files ---- */

/* Two names in turn, both of which all workers use. */
static void run_open(struct worker *worker, unsigned count)
{
	static const char *const names[] = { "/proc/self", "/tmp" };

	(void)worker;
	while (count--) {
		int file = open(names[count % 2], O_RDONLY | O_DIRECTORY);

		MUST(file >= 0 && close(file) == 0);
	}
}

const struct operation operations[] = {
	{ "getppid", 256, .run = run_getppid },
	{ "page fault, one space", 32, 1, run_fault, renew_region, begin_region, end_region },
	{ "page fault, two spaces", 32, 0, run_fault, renew_region, begin_region, end_region },
	{ "pipe pair", 8, 0, run_pipe, NULL, begin_pipe, end_pipe },
	{ "fork+exit+wait", 1, .run = run_fork },
	{ "mmap+munmap, one space", 4, 1, .run = run_map },
	{ "mmap+munmap, two spaces", 4, .run = run_map },
	{ "open+close", 8, .run = run_open },
};
const unsigned operation_count = sizeof(operations) / sizeof(operations[0]);
