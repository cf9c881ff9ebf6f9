/* SPDX-License-Identifier: MIT */
/* Threads and processes for a storm; see stress.h. */
#include "stress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREAD_STACK = 64 << 10, THREAD_TRIES = 500, THREAD_WAIT_US = 20000 };

struct start {
	struct worker worker;
	void (*body)(struct worker *worker);
};

int storm_tid(void)
{
	return syscall(SYS_gettid);
}

uint64_t storm_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void storm_nap(long nanoseconds)
{
	struct timespec left = { nanoseconds / 1000000000, nanoseconds % 1000000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

void *storm_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT(memory != MAP_FAILED, "%zu bytes", size);
	return memory;
}

pthread_t storm_thread(void *(*body)(void *argument), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	/* A small machine may have no room for more just now. */
	for (int tries = 0; (errno = pthread_create(&thread, &attributes, body, argument)) == EAGAIN && tries < THREAD_TRIES; tries++)
		usleep(THREAD_WAIT_US);
	EXPECT(errno == 0, "pthread_create");
	pthread_attr_destroy(&attributes);
	return thread;
}

pid_t storm_fork(void)
{
	pid_t pid = fork();

	EXPECT(pid >= 0, "fork");
	return pid;
}

int storm_wait(pid_t pid)
{
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	EXPECT(got == pid, "waitpid(%d) gave %d", pid, got);
	return status;
}

void storm_exec(const struct storm *storm, const char *first, const char *second)
{
	char *const arguments[] = { "stress", "--child", (char *)storm->name, (char *)first, (char *)second, NULL };

	execv(storm_program, arguments);
}

static void *run_worker(void *argument)
{
	struct start *start = argument;
	struct worker *worker = &start->worker;
	char name[16];

	snprintf(name, sizeof name, "%.10s-%u", storm_current->name, worker->index);
	prctl(PR_SET_NAME, name);
	storm_state->worker[worker->index].tid = storm_tid();
	start->body(worker);
	storm_state->worker[worker->index].tid = 0;
	return NULL;
}

static struct start *prepare(unsigned count, void (*body)(struct worker *worker))
{
	struct start *starts = calloc(count, sizeof *starts);

	EXPECT(starts && count <= STORM_WORKERS_MAX, "%u workers", count);
	storm_state->workers = count;
	for (unsigned i = 0; i < count; i++) {
		starts[i].body = body;
		starts[i].worker.index = i;
		starts[i].worker.random = (storm_state->seed + i + 1) * 0x9e3779b97f4a7c15 | 1;
		storm_random(&starts[i].worker);
	}
	return starts;
}

void storm_threads(unsigned count, void (*body)(struct worker *worker))
{
	struct start *starts = prepare(count, body);
	pthread_t threads[STORM_WORKERS_MAX];

	for (unsigned i = 0; i < count; i++)
		threads[i] = storm_thread(run_worker, &starts[i]);
	for (unsigned i = 0; i < count; i++) {
		errno = pthread_join(threads[i], NULL);
		EXPECT(errno == 0, "worker %u", i);
	}
	free(starts);
}

void storm_processes(unsigned count, void (*body)(struct worker *worker))
{
	struct start *starts = prepare(count, body);
	pid_t pids[STORM_WORKERS_MAX];
	unsigned left = count;
	int status;

	for (unsigned i = 0; i < count; i++) {
		pids[i] = storm_fork();
		if (!pids[i]) {
			run_worker(&starts[i]);
			_exit(0);
		}
	}
	while (left) {
		pid_t pid = waitpid(-1, &status, 0);

		EXPECT(pid > 0 || errno == EINTR, "%u workers are still missing", left);
		for (unsigned i = 0; i < count; i++)
			if (pids[i] == pid) {
				EXPECT(status == 0, "worker %u, pid %d: status %#x", i, pid, status);
				left--;
			}
	}
	free(starts);
}

static void *run_helper(void *argument)
{
	struct storm_helper *helper = argument;

	helper->body(helper->argument);
	return NULL;
}

void storm_help(struct storm_helper *helper, bool process, void (*body)(void *argument), void *argument)
{
	helper->body = body;
	helper->argument = argument;
	helper->process = 0;
	if (!process) {
		helper->thread = storm_thread(run_helper, helper);
		return;
	}
	helper->process = storm_fork();
	if (!helper->process) {
		body(argument);
		_exit(0);
	}
}

void storm_join(struct storm_helper *helper)
{
	int status;

	if (!helper->process) {
		errno = pthread_join(helper->thread, NULL);
		EXPECT(errno == 0, "pthread_join");
		return;
	}
	status = storm_wait(helper->process);
	EXPECT(status == 0, "helper %d: status %#x", helper->process, status);
}
