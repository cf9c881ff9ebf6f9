/* SPDX-License-Identifier: MIT */
/*
 * execs: a process full of busy and waiting threads is replaced by a new image, from any of its threads, perhaps from several at
 * once: the new one has the process's number, one thread, and nothing of the old ones but what exec keeps.
 */
#include "stress.h"

#include <dirent.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREW = 5, GOOD = 42 };

struct life {
	int pipe_end;
	uint64_t random;
	_Atomic int word, started;
	unsigned executing;	/* threads that call exec */
};

/* The new image: argv[0] is the number of the process that called exec. Exits with GOOD, or the number of what is wrong. */
static int child(int argc, char **argv)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	sigset_t mask, pending;
	int tasks = 0;

	if (argc != 1 || atoi(argv[0]) != getpid() || storm_tid() != getpid())
		return 1;
	while (folder && (entry = readdir(folder)))
		tasks += isdigit((unsigned char)entry->d_name[0]) != 0;
	if (tasks != 1)
		return 2;
	/* The mask is that of the thread that called exec; a pending signal of the process stays pending. */
	sigemptyset(&mask);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	if (!sigismember(&mask, SIGUSR2) || sigismember(&mask, SIGUSR1))
		return 3;
	sigpending(&pending);
	return sigismember(&pending, SIGUSR2) ? GOOD : 4;
}

static void *end_at_once(void *argument)
{
	return argument;
}

static void *be_busy(void *argument)
{
	struct life *life = argument;
	struct worker worker = { .random = life->random };
	char byte;

	life->started++;
	switch (storm_pick(&worker, 5)) {
	case 0:
		for (;;)
			life->random++;
	case 1:
		for (;;)
			syscall(SYS_futex, &life->word, FUTEX_WAIT, 0, NULL, NULL, 0);
	case 2:
		for (;;)
			if (read(life->pipe_end, &byte, 1) == 0)
				pause();
	case 3:
		for (;;) {
			void *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			*(volatile char *)memory = 1;
			munmap(memory, 65536);
		}
	default:
		for (;;)
			pthread_join(storm_thread(end_at_once, NULL), NULL);
	}
	return NULL;
}

static void *execute(void *argument)
{
	char number[16];

	(void)argument;
	snprintf(number, sizeof number, "%d", getpid());
	storm_exec(&execs_storm, number, NULL);
	storm_fail(__FILE__, __LINE__, "execv", "from thread %d", storm_tid());
}

noreturn static void live(struct worker *worker)
{
	static struct life life;
	int ends[2];
	sigset_t set;
	unsigned crew = 1 + storm_pick(worker, CREW), executing = 1 + storm_pick(worker, 2);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	EXPECT(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
	life.pipe_end = ends[0];
	for (unsigned i = 0; i < crew; i++) {
		life.random = storm_random(worker) | 1;
		storm_thread(be_busy, &life);
	}
	while (life.started < (int)crew && storm_pick(worker, 4))
		storm_nap(10000);
	for (unsigned i = 0; i < executing; i++)
		if (i || storm_pick(worker, 2))
			storm_thread(execute, NULL);
	if (storm_pick(worker, 2))
		execute(NULL);
	storm_thread(execute, NULL);
	for (;;)
		pause();
}

static void work(struct worker *worker)
{
	while (storm_goes_on(worker)) {
		pid_t pid = storm_fork();
		int status;

		if (!pid)
			live(worker);
		storm_random(worker);
		status = storm_wait(pid);
		EXPECT(status == GOOD << 8, "process %d ended with %#x", pid, status);
	}
}

static void run(unsigned workers)
{
	storm_processes((workers + 1) / 2, work);
}

const struct storm execs_storm = { "execs", "exec from threads of busy processes", run, child };
