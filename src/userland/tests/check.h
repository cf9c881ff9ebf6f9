/* SPDX-License-Identifier: MIT */
/*
 * check.h: the frame of every in-guest test program. A program is a table of cases; each runs in a child process of its
 * own with a time limit, in an empty folder, so that a case that crashes or hangs is one failure and not the end.
 * Checks may also be made in children of a case: the counters are shared memory.
 *
 *	PROGRAM			run all cases
 *	PROGRAM CASE...		run only those
 *
 * CASE_LIMIT_MS in the environment is the time limit for a case.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <sys/types.h>

struct check_case {
	const char *name;
	void (*run)(void);
};

#define CASE(function) { #function, function }

/* Each evaluates to whether the check held; errno is cleared before the expression and shown when it fails. */
#define CHECK(expr) (errno = 0, check_true(!!(expr), #expr, __FILE__, __LINE__))
#define CHECK_EQ(expr, want) (errno = 0, check_equal((long)(expr), (long)(want), #expr " == " #want, __FILE__, __LINE__))
#define CHECK_ERR(expr, want) (errno = 0, check_error((long)(expr), want, #expr " fails with " #want, __FILE__, __LINE__))
#define CHECK_STR(expr, want) (errno = 0, check_string(expr, want, #expr, __FILE__, __LINE__))

int check_true(int holds, const char *text, const char *file, int line);
int check_equal(long got, long want, const char *text, const char *file, int line);
int check_error(long result, int want, const char *text, const char *file, int line);
int check_string(const char *got, const char *want, const char *text, const char *file, int line);

/* Runs the cases, prints "ok NAME: N checks" or the failures; returns what main() returns. */
int check_main(const char *name, const struct check_case *cases, int argc, char **argv);

/* Forks a child that runs @body(@argument) and then exits 0; returns its pid (0 never). A failing fork ends the case. */
pid_t check_spawn(void (*body)(void *argument), void *argument);
/* Waits for @pid (-1: any child); returns its exit code, 1000 + the signal that killed it, or -1 when waitpid fails. */
int check_wait(pid_t pid);
/* Both together. */
int check_child(void (*body)(void *argument), void *argument);

enum { CHECK_KILLED = 1000 };		/* check_wait() adds the signal's number */

/* Sleeps @ms milliseconds, however often signals interrupt. */
void check_sleep(int ms);
/* Monotonic milliseconds. */
long check_now(void);
/* Is this the Linux guest? */
int check_on_linux(void);
/* Removes what is at @path, with all that is below. */
void check_remove(const char *path);
/* Writes @text to the file @path with @mode, ending the case when that fails. */
void check_write_file(const char *path, const char *text, int mode);
/* Waits up to @ms for *@flag to become non-zero; returns it. */
int check_await(volatile int *flag, int ms);
/* Whether process @pid is in state @state ('S', 'T', 'Z' ...) of /proc/PID/stat within @ms milliseconds. */
int check_state(pid_t pid, char state, int ms);
/* Sends @number to the parent as soon as it sleeps, however late that is: who sends it after a while may find it still on its way to the call that waits. */
void check_signal_parent(int number);

#endif
