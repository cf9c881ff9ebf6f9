/* SPDX-License-Identifier: MIT */
/*
 * threads: threads made, joined, detached, cancelled and killed by the process's end. Thread numbers are unique, results and
 * thread-local variables are a thread's own, and signals sent to threads that are about to end arrive or give ESRCH.
 */
#include "stress.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREW = 6, NUMBERS = 1 << 16, CALLS = 30, RAW_STACK = 8192 };

/* Of all threads that live now in this storm: by number, who has claimed it. */
static _Atomic uint32_t claims[NUMBERS];
static _Atomic uint32_t next_claim = 1;
static __thread uint64_t local_zero;
static __thread uint64_t local_set = 0x1234567890abcdef;

static void claim(uint32_t mark)
{
	uint32_t old = atomic_exchange(&claims[storm_tid() % NUMBERS], mark);

	EXPECT(old == 0, "thread number %d is in use by thread %u of the storm", storm_tid(), old);
}

static void release(uint32_t mark)
{
	uint32_t old = atomic_exchange(&claims[storm_tid() % NUMBERS], 0);

	EXPECT(old == mark, "thread number %d was taken by thread %u of the storm", storm_tid(), old);
}

static void on_signal(int signal)
{
	(void)signal;
}

struct task {
	uint32_t mark;
	unsigned pauses;
	_Atomic int tid;	/* 0 before it runs and after */
	_Atomic int begun, *started;
};

static void use_locals(uint32_t mark)
{
	uint64_t *volatile zero = &local_zero, *volatile set = &local_set;

	EXPECT(*zero == 0 && *set == 0x1234567890abcdef, "a new thread's variables are %#lx, %#lx", (long)*zero, (long)*set);
	*zero = mark;
	*set = ~(uint64_t)mark;
	for (int i = 0; i < CALLS; i++) {
		if (i % 5 == 0)
			sched_yield();
		EXPECT(*zero == mark && *set == ~(uint64_t)mark, "thread %u finds %#lx, %#lx", mark, (long)*zero, (long)*set);
	}
}

static void *live(void *argument)
{
	struct task *task = argument;
	uint32_t mark = task->mark;

	claim(mark);
	task->tid = storm_tid();
	use_locals(mark);
	for (unsigned i = 0; i < task->pauses; i++)
		sched_yield();
	task->tid = 0;
	release(mark);
	return (void *)(uintptr_t)mark;
}

static void join_all(pthread_t *threads, struct task *tasks, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		void *result = NULL;

		errno = pthread_join(threads[i], &result);
		EXPECT(errno == 0 && (uintptr_t)result == tasks[i].mark, "thread %u gave %p", tasks[i].mark, result);
	}
}

/* Signals at threads that begin and end meanwhile. */
static void signals_at_the_end(struct worker *worker)
{
	struct task tasks[CREW] = { 0 };
	pthread_t threads[CREW];

	for (unsigned i = 0; i < CREW; i++) {
		tasks[i].mark = next_claim++ | 1u << 31;
		tasks[i].pauses = storm_pick(worker, 20);
		threads[i] = storm_thread(live, &tasks[i]);
	}
	for (unsigned i = 0; i < 3 * CREW; i++) {
		int tid = tasks[storm_pick(worker, CREW)].tid;

		if (tid && syscall(SYS_tgkill, getpid(), tid, SIGUSR1) != 0)
			EXPECT(errno == ESRCH, "tgkill(%d)", tid);
	}
	join_all(threads, tasks, CREW);
}

static void *end_by_cancel(void *argument)
{
	struct task *task = argument;

	task->begun = 1;
	for (;;)
		pause();
	return NULL;
}

static void cancels(struct worker *worker)
{
	struct task task = { 0 };
	pthread_t thread = storm_thread(end_by_cancel, &task);
	void *result;

	if (storm_pick(worker, 2))
		while (!task.begun)
			sched_yield();
	EXPECT(pthread_cancel(thread) == 0, "pthread_cancel");
	errno = pthread_join(thread, &result);
	EXPECT(errno == 0 && result == PTHREAD_CANCELED, "a cancelled thread gave %p", result);
}

static void *end_detached(void *argument)
{
	_Atomic int *left = argument;

	pthread_detach(pthread_self());
	use_locals(77);
	(*left)--;
	return NULL;
}

static void detached(struct worker *worker)
{
	static __thread _Atomic int left;
	int count = 1 + storm_pick(worker, CREW);

	left = count;
	for (int i = 0; i < count; i++)
		storm_thread(end_detached, &left);
	while (left)
		sched_yield();
}

/* Below pthreads: it has its maker's thread-local variables, so it touches none. */
static int run_raw(void *argument)
{
	(*(_Atomic unsigned *)argument)++;
	return 0;
}

/* The kernel clears the word of a thread that has ended and wakes who waits for that. */
static void raw_clones(struct worker *worker)
{
	static const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	unsigned count = 1 + storm_pick(worker, CREW);
	_Atomic uint32_t words[CREW];
	_Atomic unsigned ran = 0;
	char *stacks = malloc(CREW * RAW_STACK);

	EXPECT(stacks, "malloc");
	for (unsigned i = 0; i < count; i++) {
		words[i] = ~0u;
		EXPECT(clone(run_raw, stacks + (i + 1) * RAW_STACK, flags, &ran, &words[i], NULL, &words[i]) > 0, "clone");
	}
	for (unsigned i = 0; i < count; i++) {
		uint32_t word;

		while ((word = words[i]))
			syscall(SYS_futex, &words[i], FUTEX_WAIT, word, NULL, NULL, 0);
	}
	EXPECT(ran == count, "%u of %u threads ran", ran, count);
	free(stacks);
}

static void *end_the_process(void *argument)
{
	struct task *task = argument;

	(*task->started)++;
	for (unsigned i = 0; i < task->pauses; i++)
		sched_yield();
	_exit(task->mark);
}

/* Several threads end a process at once: its status is that of one of them. */
static void ends_of_processes(struct worker *worker)
{
	struct task tasks[CREW] = { 0 };
	unsigned first = storm_pick(worker, 100), status;
	_Atomic int started = 0;
	pid_t pid = storm_fork();

	if (!pid) {
		for (unsigned i = 0; i < CREW; i++) {
			tasks[i].mark = first + i;
			tasks[i].pauses = storm_pick(worker, 10);
			tasks[i].started = &started;
			storm_thread(end_the_process, &tasks[i]);
		}
		if (storm_pick(worker, 2))
			pthread_exit(NULL);
		for (;;)
			pause();
	}
	status = storm_wait(pid);
	EXPECT((status & 0x7f) == 0 && status >> 8 >= first && status >> 8 < first + CREW, "process %d gave %#x, expected a code from %u", pid,
	       status, first);
}

static void work(struct worker *worker)
{
	while (storm_goes_on(worker)) {
		switch (storm_pick(worker, 7)) {
		case 0: cancels(worker); break;
		case 1: detached(worker); break;
		case 2: ends_of_processes(worker); break;
		case 3: raw_clones(worker); break;
		default: signals_at_the_end(worker); break;
		}
	}
}

static void run(unsigned workers)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	storm_threads(workers, work);
}

const struct storm threads_storm = { "threads", "threads made, joined, cancelled, signalled and killed", run, NULL };
