/* SPDX-License-Identifier: MIT */
/* Limits of memory that is mapped and locked, of signals that a user has waiting, of the time that a real-time thread runs on without sleeping, of files. */
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, USER = 4711, LOCKED_PAGES = 16, SIGNALS = 8, ON_FAULT = 1, MCL_ONFAULT_ = 4, MS = 1000000 };
enum { PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS, SHARED = MAP_SHARED | MAP_ANONYMOUS, WRITABLE = PROT_READ | PROT_WRITE };

static void limit(int which, rlim_t soft, rlim_t hard)
{
	struct rlimit both = { soft, hard };

	CHECK_EQ(setrlimit(which, &both), 0);
}

static char *map(size_t len, int prot, int flags)
{
	/* Not the library's, which tells some errors otherwise. */
	return (char *)syscall(SYS_mmap, NULL, len, prot, flags, -1, 0);
}

#define MAPS(len, prot, flags) CHECK(map(len, prot, flags) != MAP_FAILED)
#define MAPS_NOT(len, prot, flags, error) CHECK_ERR(map(len, prot, flags), error)

/* ---- RLIMIT_DATA ---- */

/* What counts is private memory that can be written to, however it came. */
static void data(void)
{
	char *at, *second, *whole;

	limit(RLIMIT_DATA, 16 * MIB, 16 * MIB);
	MAPS_NOT(20 * MIB, WRITABLE, PRIVATE, ENOMEM);
	MAPS_NOT(20 * MIB, PROT_WRITE, PRIVATE | MAP_NORESERVE, ENOMEM);
	MAPS(20 * MIB, WRITABLE, SHARED);
	MAPS(20 * MIB, PROT_NONE, PRIVATE);
	MAPS(20 * MIB, WRITABLE, PRIVATE | MAP_GROWSDOWN);
	at = map(20 * MIB, PROT_READ, PRIVATE);
	CHECK(at != MAP_FAILED);
	CHECK_ERR(mprotect(at, 20 * MIB, WRITABLE), ENOMEM);
	CHECK_EQ(mprotect(at, 10 * MIB, WRITABLE), 0);
	MAPS_NOT(10 * MIB, WRITABLE, PRIVATE, ENOMEM);
	/* What is replaced makes room. */
	second = mmap(at, 10 * MIB, WRITABLE, PRIVATE | MAP_FIXED, -1, 0);
	CHECK(second == at);
	CHECK_EQ(mprotect(at, 20 * MIB, PROT_READ), 0);
	whole = map(10 * MIB, WRITABLE, PRIVATE);
	CHECK(whole != MAP_FAILED);
	CHECK(mremap(whole, 10 * MIB, 20 * MIB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
	whole = mremap(whole, 10 * MIB, 11 * MIB, MREMAP_MAYMOVE);
	CHECK(whole != MAP_FAILED);
	CHECK_EQ(munmap(whole, 11 * MIB), 0);
	MAPS(10 * MIB, WRITABLE, PRIVATE);
}

static void data_and_brk(void)
{
	uintptr_t end = syscall(SYS_brk, 0);

	limit(RLIMIT_DATA, 16 * MIB, 16 * MIB);
	CHECK_EQ(syscall(SYS_brk, end + 20 * MIB), end);
	CHECK_EQ(syscall(SYS_brk, end + 8 * MIB), end + 8 * MIB);
	MAPS_NOT(12 * MIB, WRITABLE, PRIVATE, ENOMEM);
	CHECK_EQ(syscall(SYS_brk, end), end);
	MAPS(12 * MIB, WRITABLE, PRIVATE);
	CHECK_EQ(syscall(SYS_brk, end + 8 * MIB), end);
}

/* A limit that was lifted is no limit. */
static void data_lifted(void)
{
	limit(RLIMIT_DATA, 16 * MIB, RLIM_INFINITY);
	MAPS_NOT(20 * MIB, WRITABLE, PRIVATE, ENOMEM);
	limit(RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY);
	MAPS(20 * MIB, WRITABLE, PRIVATE);
}

/* ---- RLIMIT_MEMLOCK ---- */

static void as_user(rlim_t locked_pages)
{
	limit(RLIMIT_MEMLOCK, locked_pages * PAGE, locked_pages * PAGE);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
}

/* What is locked already counts once. */
static void locked_again(void)
{
	char *at = map(32 * PAGE, WRITABLE, PRIVATE);

	as_user(LOCKED_PAGES);
	CHECK_EQ(mlock(at, 10 * PAGE), 0);
	CHECK_EQ(mlock(at, 10 * PAGE), 0);
	CHECK_EQ(mlock(at + 4 * PAGE, 12 * PAGE), 0);
	CHECK_EQ(mlock(at, 16 * PAGE), 0);
	CHECK_ERR(mlock(at, 17 * PAGE), ENOMEM);
	CHECK_ERR(mlock(at + 16 * PAGE, PAGE), ENOMEM);
	CHECK_EQ(munlock(at, 2 * PAGE), 0);
	CHECK_EQ(mlock(at + 16 * PAGE, 2 * PAGE), 0);
	CHECK_ERR(mlock(at, PAGE), ENOMEM);
	CHECK_ERR(mlockall(MCL_CURRENT), ENOMEM);
	MAPS_NOT(PAGE, WRITABLE, PRIVATE | MAP_LOCKED, EAGAIN);
	CHECK_EQ(munlockall(), 0);
	MAPS(PAGE, WRITABLE, PRIVATE | MAP_LOCKED);
}

static void locked_and_moved(void)
{
	char *at = map(4 * PAGE, WRITABLE, PRIVATE);

	as_user(LOCKED_PAGES);
	CHECK_EQ(mlock(at, 4 * PAGE), 0);
	CHECK(mremap(at, 4 * PAGE, 20 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EAGAIN);
	at = mremap(at, 4 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	CHECK(at != MAP_FAILED);
	CHECK_EQ(munlock(at, PAGE), 0);
	CHECK_EQ(mlock(at, PAGE), 0);
}

static void future_is_limited(void)
{
	uintptr_t end = syscall(SYS_brk, 0);
	char *at;

	as_user(LOCKED_PAGES);
	CHECK_EQ(mlockall(MCL_FUTURE), 0);
	MAPS_NOT(20 * PAGE, WRITABLE, PRIVATE, EAGAIN);
	MAPS_NOT(20 * PAGE, PROT_READ, SHARED, EAGAIN);
	at = map(8 * PAGE, WRITABLE, PRIVATE);
	CHECK(at != MAP_FAILED);
	MAPS_NOT(9 * PAGE, WRITABLE, PRIVATE, EAGAIN);
	CHECK_EQ(syscall(SYS_brk, end + 10 * PAGE), end);
	CHECK_EQ(syscall(SYS_brk, end + 4 * PAGE), end + 4 * PAGE);
	MAPS_NOT(8 * PAGE, WRITABLE, PRIVATE, EAGAIN);
	CHECK_EQ(munmap(at, 8 * PAGE), 0);
	MAPS(8 * PAGE, WRITABLE, PRIVATE);
	/* Without it everything goes. */
	CHECK_EQ(munlockall(), 0);
	MAPS(20 * PAGE, WRITABLE, PRIVATE);
}

static void none_locked(void)
{
	char *at = map(PAGE, WRITABLE, PRIVATE);

	as_user(0);
	CHECK_ERR(mlock(at, PAGE), EPERM);
	CHECK_ERR(mlockall(MCL_FUTURE), EPERM);
	MAPS_NOT(PAGE, WRITABLE, PRIVATE | MAP_LOCKED, EPERM);
	CHECK_EQ(munlock(at, PAGE), 0);
}

static int present(char *at, int pages)
{
	unsigned char there[64];
	int sum = 0;

	CHECK_EQ(mincore(at, pages * PAGE, there), 0);
	for (int i = 0; i < pages; i++)
		sum += there[i] & 1;
	return sum;
}

/* mlockall with MCL_ONFAULT: what is touched stays, nothing is touched for that. */
static void on_fault(void)
{
	char *at;

	CHECK_EQ(mlockall(MCL_FUTURE | MCL_ONFAULT_), 0);
	at = map(8 * PAGE, WRITABLE, PRIVATE);
	CHECK_EQ(present(at, 8), 0);
	at[0] = 1;
	CHECK_EQ(present(at, 8), 1);
	at = mremap(at, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	CHECK(at != MAP_FAILED);
	CHECK_EQ(present(at, 16), 1);
	CHECK_EQ(mlock(at, 16 * PAGE), 0);
	CHECK_EQ(present(at, 16), 16);
	CHECK_EQ(mlockall(MCL_FUTURE), 0);
	at = map(8 * PAGE, WRITABLE, PRIVATE);
	CHECK_EQ(present(at, 8), 8);
	CHECK_EQ(munlockall(), 0);
	at = map(8 * PAGE, WRITABLE, PRIVATE);
	CHECK_EQ(present(at, 8), 0);
	CHECK_EQ(syscall(SYS_mlock2, at, 8 * PAGE, ON_FAULT), 0);
	CHECK_EQ(present(at, 8), 0);
	at = mremap(at, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	CHECK_EQ(present(at, 16), 0);
	CHECK_EQ(mlockall(MCL_CURRENT | MCL_ONFAULT_), 0);
	CHECK_EQ(present(at, 16), 0);
	CHECK_EQ(mlockall(MCL_CURRENT), 0);
	CHECK_EQ(present(at, 16), 16);
}

/* ---- RLIMIT_SIGPENDING ---- */

/* How many of @count signals this process can send itself, which blocks them. */
static int send_self(int count)
{
	int sent = 0;

	while (sent < count && sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = sent }) == 0)
		sent++;
	return sent;
}

static void send_and_wait(void *pipes)
{
	int *to = pipes;
	char end;

	CHECK_EQ(send_self(5), 5);
	CHECK_EQ(write(to[1], "", 1), 1);
	CHECK_EQ(read(to[2], &end, 1), 0);
}

static int take_one(const sigset_t *set)
{
	struct timespec none = { 0, 0 };

	return sigtimedwait(set, NULL, &none);
}

/* Processes of a user share it; what is received, or ends with its process, makes room. */
static void pending(void)
{
	int pipes[4];
	sigset_t set;
	pid_t child;
	char byte;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	limit(RLIMIT_SIGPENDING, SIGNALS, SIGNALS);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_EQ(pipe(pipes) | pipe(pipes + 2), 0);
	child = fork();
	if (!child) {
		close(pipes[3]);
		send_and_wait(pipes);
		_exit(0);
	}
	CHECK_EQ(read(pipes[0], &byte, 1), 1);
	CHECK_EQ(send_self(SIGNALS), SIGNALS - 5);
	CHECK_ERR(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ 0 }), EAGAIN);
	/* A plain kill comes anyway. */
	CHECK_EQ(kill(getpid(), SIGRTMIN + 2), 0);
	CHECK_EQ(take_one(&set), SIGRTMIN + 2);
	CHECK_EQ(send_self(SIGNALS), 1);
	close(pipes[3]);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(send_self(SIGNALS), 5);
	for (int i = 0; i < SIGNALS; i++)
		CHECK_EQ(take_one(&set), SIGRTMIN + 2);
	CHECK_EQ(send_self(SIGNALS + 1), SIGNALS);
	/* What is to be ignored waits no more. */
	signal(SIGRTMIN + 2, SIG_IGN);
	signal(SIGRTMIN + 2, SIG_DFL);
	CHECK_EQ(send_self(SIGNALS + 1), SIGNALS);
}

static timer_t make_timer(int how)
{
	struct sigevent event = { .sigev_notify = how, .sigev_signo = SIGRTMIN + 2 };
	timer_t timer;

	return timer_create(CLOCK_MONOTONIC, &event, &timer) ? (timer_t)-1 : timer;
}

static void one_is_left(void *left)
{
	CHECK_EQ(send_self(SIGNALS), *(int *)left);
	CHECK_ERR(make_timer(SIGEV_SIGNAL), EAGAIN);
}

/* A timer counts as long as it is there, so that its signal can always come. */
static void timers_pending(void)
{
	struct itimerspec at_once = { .it_value = { 0, 1 } };
	struct timespec patience = { 20, 0 };
	timer_t timers[SIGNALS];
	int left = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	limit(RLIMIT_SIGPENDING, SIGNALS, SIGNALS);
	CHECK_EQ(setresuid(USER + 1, USER + 1, USER + 1), 0);
	for (int i = 0; i < SIGNALS; i++)
		CHECK((timers[i] = make_timer(i % 2 ? SIGEV_SIGNAL : SIGEV_NONE)) != (timer_t)-1);
	CHECK_ERR(make_timer(SIGEV_SIGNAL), EAGAIN);
	CHECK_EQ(check_child(one_is_left, &left), 0);
	for (int i = 0; i < SIGNALS; i++)
		CHECK_EQ(timer_settime(timers[i], 0, &at_once, NULL), 0);
	for (int i = 0; i < SIGNALS / 2; i++)
		CHECK_EQ(sigtimedwait(&set, NULL, &patience), SIGRTMIN + 2);
	CHECK_EQ(check_child(one_is_left, &left), 0);
	for (left = 1; left <= 2; left++) {
		CHECK_EQ(timer_delete(timers[left]), 0);
		CHECK_EQ(check_child(one_is_left, &left), 0);
	}
	CHECK_EQ(send_self(SIGNALS), 2);
	CHECK_ERR(make_timer(SIGEV_NONE), EAGAIN);
	CHECK_EQ(take_one(&set), SIGRTMIN + 2);
	CHECK(make_timer(SIGEV_NONE) != (timer_t)-1);
}

/* ---- RLIMIT_RTTIME ---- */

static volatile int *warned;

static void warn(int number)
{
	(void)number;
	++*warned;
}

static long used_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / MS;
}

static void run_for(long ms)
{
	long end = used_ms() + ms;

	while (used_ms() < end)
		;
}

static void realtime(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_OTHER ? 0 : 1 };

	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &param), 0);
}

static void run_on(void *unused)
{
	(void)unused;
	for (;;)
		;
}

static void run_on_in_child(void *unused)
{
	(void)unused;
	realtime(SCHED_RR);
	limit(RLIMIT_RTTIME, 100000, 400000);
	signal(SIGXCPU, warn);
	/* A child has the limit, too, and its own time. */
	CHECK_EQ(check_child(run_on, NULL), CHECK_KILLED + SIGKILL);
	CHECK(*warned >= 1);
}

static void run_warned(void *unused)
{
	(void)unused;
	realtime(SCHED_FIFO);
	limit(RLIMIT_RTTIME, 100000, 100000000);
	for (;;)
		sched_yield();
}

/* Who sleeps in between begins anew. */
static void run_and_sleep(void *unused)
{
	struct timespec brief = { 0, 100000 };

	(void)unused;
	realtime(SCHED_FIFO);
	limit(RLIMIT_RTTIME, 3000000, 3000000);
	while (used_ms() < 4000) {
		run_for(1);
		nanosleep(&brief, NULL);
	}
}

static void run_ordinary(void *unused)
{
	(void)unused;
	limit(RLIMIT_RTTIME, 100000, 400000);
	run_for(1000);
}

static void realtime_time(void)
{
	warned = mmap(NULL, PAGE, WRITABLE, SHARED, -1, 0);
	CHECK_EQ(check_child(run_on_in_child, NULL), 0);
	CHECK_EQ(check_child(run_warned, NULL), CHECK_KILLED + SIGXCPU);
	CHECK_EQ(check_child(run_and_sleep, NULL), 0);
	CHECK_EQ(check_child(run_ordinary, NULL), 0);
}

/* ---- RLIMIT_FSIZE ---- */

static volatile sig_atomic_t refusals;

static void count_refusal(int number)
{
	refusals += number == SIGXFSZ;
}

/* Every way to make a file too large is refused with a signal, unless it can be done in part. */
static void file_size(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), full = open("full", O_RDWR | O_CREAT, 0600);
	loff_t from = 0, to = 8;

	CHECK_EQ(write(full, "0123456789abcdef", 16), 16);
	signal(SIGXFSZ, count_refusal);
	limit(RLIMIT_FSIZE, 10, RLIM_INFINITY);
	CHECK_EQ(write(fd, "0123456789ab", 12), 10);
	CHECK_EQ(copy_file_range(full, &from, fd, &to, 8, 0), 2);
	CHECK_EQ(refusals, 0);
	CHECK_ERR(write(fd, "c", 1), EFBIG);
	CHECK_EQ(refusals, 1);
	CHECK_ERR(ftruncate(fd, 11), EFBIG);
	CHECK_EQ(refusals, 2);
	CHECK_ERR(fallocate(fd, 0, 0, 11), EFBIG);
	CHECK_EQ(refusals, 3);
	CHECK_ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 5, 6), EFBIG);
	CHECK_EQ(refusals, 4);
	/* What is there already may be longer. */
	CHECK_EQ(fallocate(full, 0, 4, 12), 0);
	CHECK_EQ(ftruncate(full, 14), 0);
	CHECK_EQ(refusals, 4);
	CHECK_ERR(syscall(SYS_setrlimit, 99, 8), EFAULT);
	CHECK_ERR(syscall(SYS_setrlimit, 99, (struct rlimit[]){ { 1, 1 } }), EINVAL);
}

static const struct check_case cases[] = {
	CASE(data), CASE(data_and_brk), CASE(data_lifted), CASE(locked_again), CASE(locked_and_moved), CASE(future_is_limited), CASE(none_locked),
	CASE(on_fault), CASE(pending), CASE(timers_pending), CASE(realtime_time), CASE(file_size), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("rlimits", cases, argc, argv);
}
