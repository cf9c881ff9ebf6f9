/* SPDX-License-Identifier: MIT */
/*
 * stress.h: the frame of the stress suite. A storm is a group of workers (threads or processes) that use one part of the
 * kernel against each other and check every result. main.c starts storms, each in a process group and a folder of its own,
 * and watches their workers' progress (watch.c); report.c and crew.c are what a storm is written with.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

enum {
	STORM_WORKERS_MAX = 64,
	STORM_CACHE_LINE = 64,
};

struct storm {
	const char *name;
	const char *what;
	/* Runs the workers until the storm ends. Called in a process of its own, the leader of the storm's process group. */
	void (*run)(unsigned workers);
	/* What the program does when a storm executes it anew, with storm_exec(); returns the exit status. May be NULL. */
	int (*child)(int argc, char **argv);
};

/* One a file; main.c lists them. */
#define STORMS(X) \
	X(spawn) X(pipes) X(futexes) X(threads) X(signals) X(shootdown) X(faults) X(affinity) \
	X(clocks) X(timers) X(descriptors) X(robust) \
	X(names) X(procs) X(polls) X(epolls) X(locks) X(execs) X(stops) X(mappings)
#define STORM_DECLARE(name) extern const struct storm name##_storm;
STORMS(STORM_DECLARE)

/* What main.c and the workers of a storm share. */
struct storm_state {
	uint64_t seed, rounds;		/* rounds: 0 is no limit; both are set before the workers start */
	_Atomic int stop;		/* the workers end at their next round */
	_Atomic unsigned workers;	/* that there are or will be; 0: not known yet */
	_Atomic int failures, notes;
	struct {
		_Atomic uint64_t count;	/* rounds begun; written by the worker */
		_Atomic uint64_t moves;	/* any progress; written by the worker and its helpers */
		_Atomic int tid;	/* 0: no such worker, or it has ended */
	} __attribute__((aligned(STORM_CACHE_LINE))) worker[STORM_WORKERS_MAX];
};

/* A worker's own; nobody else looks at it. */
struct worker {
	unsigned index;
	uint64_t random;
};

/* Fails the storm: prints one line and ends the process. The workers that are left are killed by main.c. */
#define EXPECT(condition, ...) ((condition) ? (void)0 : storm_fail(__FILE__, __LINE__, #condition, __VA_ARGS__))
noreturn void storm_fail(const char *file, int line, const char *text, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Says once in a storm that a part of it does not apply here. */
void storm_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern const struct storm *storm_current;
extern struct storm_state *storm_state;
extern const char *storm_program;	/* this program's path */

/* Begins a round: counts it as progress; false when it is time to end. */
bool storm_goes_on(struct worker *worker);
/* Progress inside a long round. */
void storm_advance(struct worker *worker);
/* The same decision for all of a crew that meets at barriers: every one of them gets the same answer. */
struct storm_meeting {
	pthread_barrier_t barrier;
	bool go_on;
};
bool storm_meet(struct worker *worker, struct storm_meeting *meeting);

uint64_t storm_random(struct worker *worker);
/* A number below @limit. */
unsigned storm_pick(struct worker *worker, unsigned limit);

/* Runs @count workers at once and waits for all; the processes must exit with 0, and orphans are reaped meanwhile. */
void storm_threads(unsigned count, void (*body)(struct worker *worker));
void storm_processes(unsigned count, void (*body)(struct worker *worker));

/* A helper of one round, a thread or a process; @body gets @argument. */
struct storm_helper {
	pthread_t thread;
	pid_t process;		/* 0: a thread */
	void (*body)(void *argument);
	void *argument;
};
void storm_help(struct storm_helper *helper, bool process, void (*body)(void *argument), void *argument);
void storm_join(struct storm_helper *helper);

/* A thread with a small stack. */
pthread_t storm_thread(void *(*body)(void *argument), void *argument);
/* fork() that cannot fail. */
pid_t storm_fork(void);
/* Waits for the child @pid; returns its wait status. */
int storm_wait(pid_t pid);
/* Executes this program anew for @storm's child function. Returns only when that fails. */
void storm_exec(const struct storm *storm, const char *first, const char *second);
/* Zeroed pages shared with processes forked later. */
void *storm_shared(size_t size);
void storm_nap(long nanoseconds);
int storm_tid(void);
uint64_t storm_now(void);	/* CLOCK_MONOTONIC in nanoseconds */

/* watch.c: prints every thread of the process group @group, and each worker's progress. */
void watch_print(pid_t group, const struct storm_state *state);
/* Removes the folder @path with all that is in it. */
void watch_remove_tree(const char *path);

#endif
