/* SPDX-License-Identifier: MIT */
/* fork, vfork, the wait family, zombies and orphans. Exec has a program of its own (exec.c). */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void exit_with(void *code)
{
	_exit((long)code);
}

static void stop_here(void *unused)
{
	(void)unused;
	raise(SIGSTOP);
	check_sleep(1500);	/* a process that has ended is no longer one that has continued */
	_exit(5);
}

static void sleep_long(void *unused)
{
	(void)unused;
	check_sleep(30000);
}

static void fork_basics(void)
{
	pid_t self = getpid();
	int ends[2], value = 1;
	pid_t told[2] = { 0, 0 }, child;

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		pid_t mine[2] = { getpid(), getppid() };

		value = 2;
		_exit(write(ends[1], mine, sizeof mine) == sizeof mine ? 0 : 1);
	}
	CHECK(child > 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(read(ends[0], told, sizeof told), sizeof told);
	CHECK_EQ(told[0], child);
	CHECK_EQ(told[1], self);
	CHECK_EQ(value, 1);
}

static void exit_codes(void)
{
	static const int codes[] = { 0, 1, 77, 127, 128, 255 };

	for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
		CHECK_EQ(check_child(exit_with, (void *)(long)codes[i]), codes[i]);
	CHECK_EQ(check_child(exit_with, (void *)256L), 0);
	CHECK_EQ(check_child(exit_with, (void *)-1L), 255);
}

static void shared_offset(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char text[8] = "";

	CHECK_EQ(write(fd, "abcdef", 6), 6);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	if (fork() == 0)
		_exit(read(fd, text, 3) == 3 ? 0 : 1);
	CHECK(wait(NULL) > 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
}

static void vfork_waits(void)
{
	volatile int value = 0;
	pid_t child = vfork();

	if (child == 0) {
		value = 42;
		_exit(3);
	}
	CHECK(child > 0);
	CHECK_EQ(value, 42);
	CHECK_EQ(check_wait(child), 3);
}

static void many_children(void)
{
	enum { CHILDREN = 60 };
	int seen[CHILDREN] = { 0 }, status, total = 0;

	for (long i = 0; i < CHILDREN; i++)
		check_spawn(exit_with, (void *)i);
	while (wait(&status) > 0) {
		total++;
		if (CHECK(WIFEXITED(status) && WEXITSTATUS(status) < CHILDREN))
			seen[WEXITSTATUS(status)]++;
	}
	CHECK_ERR(wait(&status), ECHILD);
	CHECK_EQ(total, CHILDREN);
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(seen[i], 1);
}

static void wait_selects(void)
{
	pid_t a = check_spawn(exit_with, (void *)1L), b = check_spawn(exit_with, (void *)2L), c;
	int status;

	CHECK_EQ(check_wait(b), 2);
	CHECK_EQ(check_wait(a), 1);
	CHECK_ERR(waitpid(a, &status, 0), ECHILD);
	CHECK_ERR(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERR(waitpid(getppid(), &status, 0), ECHILD);
	CHECK_ERR(waitpid(-1, &status, 0x40), EINVAL);
	c = check_spawn(sleep_long, NULL);
	CHECK_EQ(waitpid(c, &status, WNOHANG), 0);
	CHECK_EQ(waitpid(0, &status, WNOHANG), 0);
	CHECK_EQ(setpgid(c, c), 0);
	CHECK_ERR(waitpid(0, &status, WNOHANG), ECHILD);
	CHECK_EQ(waitpid(-c, &status, WNOHANG), 0);
	CHECK_EQ(kill(c, SIGTERM), 0);
	CHECK_EQ(waitpid(-c, &status, 0), c);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void wait_stopped(void)
{
	pid_t child = check_spawn(stop_here, NULL);
	int status = 0;

	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
	CHECK(check_state(child, 'T', 1000));
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(check_wait(child), 5);
	/* SIGKILL ends a stopped process without SIGCONT. */
	child = check_spawn(stop_here, NULL);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static void waitid_information(void)
{
	pid_t child = check_spawn(exit_with, (void *)9L);
	siginfo_t info;

	memset(&info, 0, sizeof info);
	CHECK_EQ(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 9);
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	/* It is written to even when nothing was looked at. */
	info.si_pid = info.si_signo = 1;
	CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_EQ(info.si_pid | info.si_signo, 0);
	CHECK_ERR(waitid(77, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PGID, -1, &info, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PID, 0, (void *)8, WEXITED), EFAULT);
	child = check_spawn(sleep_long, NULL);
	info.si_pid = 1;
	CHECK_EQ(waitid(P_PID, child, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitid(P_PID, child, &info, WSTOPPED), 0);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(waitid(P_PGID, getpgrp(), &info, WCONTINUED), 0);
	CHECK_EQ(info.si_code, CLD_CONTINUED);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0);
	/* Who is dead will not stop. */
	CHECK_ERR(waitid(P_PID, child, &info, WSTOPPED | WNOHANG), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED), ECHILD);
	CHECK_EQ(waitid(P_PID, child, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
}

static void burn_cpu(void *unused)
{
	(void)unused;
	for (long end = check_now() + 60; check_now() < end;)
		;
}

static void wait4_usage(void)
{
	struct rusage usage;
	int status = -1;
	pid_t child = check_spawn(burn_cpu, NULL);

	memset(&usage, 0, sizeof usage);
	CHECK_EQ(wait4(child, &status, 0, &usage), child);
	CHECK_EQ(status, 0);
	CHECK(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000
	      + usage.ru_stime.tv_usec > 1000);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
	CHECK(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000
	      + usage.ru_stime.tv_usec > 1000);
}

static void zombies(void)
{
	pid_t child = check_spawn(exit_with, (void *)4L);

	CHECK(check_state(child, 'Z', 2000));
	CHECK_EQ(kill(child, 0), 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(check_wait(child), 4);
	CHECK_ERR(kill(child, 0), ESRCH);
}

static void ignored_children(void)
{
	signal(SIGCHLD, SIG_IGN);
	check_spawn(exit_with, (void *)1L);
	CHECK_ERR(wait(NULL), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	CHECK_EQ(check_child(exit_with, (void *)2L), 2);
}

/* Makes a grandchild whose parent is gone; it reports its parents through the pipe. */
static void make_orphan(void *pipe_end)
{
	if (fork() == 0) {
		pid_t parent, before = getppid();

		for (int i = 0; i < 500 && getppid() == before; i++)
			check_sleep(2);
		parent = getppid();
		_exit(write((int)(long)pipe_end, &parent, sizeof parent) == sizeof parent ? 0 : 1);
	}
	check_sleep(10);
}

static void orphans(void)
{
	int ends[2], status;
	pid_t parent = 0;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(check_child(make_orphan, (void *)(long)ends[1]), 0);
	CHECK_EQ(read(ends[0], &parent, sizeof parent), sizeof parent);
	CHECK_EQ(parent, 1);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(check_child(make_orphan, (void *)(long)ends[1]), 0);
	CHECK_EQ(read(ends[0], &parent, sizeof parent), sizeof parent);
	CHECK_EQ(parent, getpid());
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
}

static void parent_death(void)
{
	int ends[2];
	char byte;
	pid_t middle;

	CHECK_EQ(pipe(ends), 0);
	middle = fork();
	if (middle == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (write(ends[1], "r", 1) == 1)
				sleep_long(NULL);
			_exit(1);
		}
		close(ends[1]);
		if (read(ends[0], &byte, 1) == 1)
			_exit(0);
		_exit(1);
	}
	close(ends[1]);
	CHECK_EQ(check_wait(middle), 0);
	/* The pipe ends when the grandchild that held it is dead. */
	CHECK_EQ(read(ends[0], &byte, 1), 0);
}

static int clone_child(void *argument)
{
	*(int *)argument = 7;
	return 11;
}

static void clone_flags(void)
{
	static char stack[32768] __attribute__((aligned(16)));
	int value = 0, status = 0;
	pid_t child = clone(clone_child, stack + sizeof stack, SIGCHLD, &value);

	CHECK(child > 0);
	CHECK_EQ(check_wait(child), 11);
	CHECK_EQ(value, 0);
	child = clone(clone_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
	CHECK_EQ(check_wait(child), 11);
	CHECK_EQ(value, 7);
	/* Without an exit signal a child is invisible to a plain wait. */
	child = clone(clone_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &value);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
	CHECK_EQ(waitpid(child, NULL, __WALL), child);
	/* No signal has this number, and none tells of the end. */
	child = syscall(SYS_clone, 200, 0, 0, 0, 0);
	if (child == 0)
		_exit(5);
	CHECK_EQ(waitpid(child, &status, __WCLONE), child);
	CHECK_EQ(WEXITSTATUS(status), 5);
	CHECK_ERR(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

/* The call alone: the library's function blocks signals around it. */
static pid_t bare_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* What is sent to the whole group without end, and ignored, keeps nobody from forking, with more threads or one. */
static void fork_among_signals(int signal)
{
	enum { FORKS = 300 };
	pid_t sender = fork(), pid;
	int made = 0;

	if (sender == 0)
		for (;;)
			kill(0, signal);
	CHECK(sender > 0);
	do {
		pid = bare_fork();
		if (pid == 0)
			_exit(0);
		if (CHECK(pid > 0))
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
	} while (pid > 0 && ++made < FORKS);
	kill(sender, SIGKILL);
	CHECK_EQ(waitpid(sender, NULL, 0), sender);
}

static void *sleep_beside(void *unused)
{
	pause();
	return unused;
}

static void signals_to_the_group(void)
{
	pthread_t other;

	signal(SIGUSR1, SIG_IGN);
	fork_among_signals(SIGUSR1);
	CHECK_EQ(pthread_create(&other, NULL, sleep_beside, NULL), 0);
	fork_among_signals(SIGWINCH);
}

static struct { volatile int round, sent; volatile long from, until; } *shared;
static volatile sig_atomic_t heard;

static void hear(int signal)
{
	(void)signal;
	heard++;
}

static void spin(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i++)
		;
}

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000l + now.tv_nsec;
}

/* Who sends one signal a round, at any time before, in or after the parent's fork. */
static pid_t start_sender(unsigned delay)
{
	pid_t pid;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (pid)
		return pid;
	signal(SIGUSR1, SIG_IGN);
	for (int round = 1;; round++) {
		while (shared->round < round)
			sched_yield();
		spin(random() % delay);
		shared->from = now_ns();
		kill(0, SIGUSR1);
		shared->until = now_ns();
		shared->sent = round;
	}
}

static void end_sender(pid_t sender)
{
	kill(sender, SIGKILL);
	CHECK_EQ(waitpid(sender, NULL, 0), sender);
}

/* Whatever is caught, parent and child have heard: before the fork both in one, or each. */
static void signal_in_a_fork(void)
{
	enum { ROUNDS = 300, DELAY = 3000 };
	pid_t sender = start_sender(DELAY), pid;
	int status = 0;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = hear, .sa_flags = SA_RESTART }, NULL);
	for (int round = 1; round <= ROUNDS && !status; round++) {
		heard = 0;
		shared->round = round;
		spin(random() % DELAY);
		pid = bare_fork();
		while (shared->sent < round)
			sched_yield();
		sched_yield();
		if (pid == 0)
			_exit(heard != 1);
		CHECK_EQ(heard, 1);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	end_sender(sender);
}

/* Forks take a while. */
static void block_and_map(void)
{
	enum { PIECES = 4000, PAGE = 4096 };
	char *at = mmap(NULL, 2UL * PIECES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigset_t set;

	for (int i = 0; i < PIECES; i++)
		CHECK_EQ(mprotect(at + 2L * i * PAGE, PAGE, PROT_READ), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* What is blocked waits in the parent, and in the child that is being made. (Now and then it comes before the kernel has begun, or when the child is there.) */
static void blocked_in_a_fork(void)
{
	enum { ROUNDS = 300, SEEN = 10, FEW = 4, DELAY = 300000 };
	pid_t sender = start_sender(DELAY);
	int seen = 0, waiting = 0, status;
	sigset_t set;

	signal(SIGUSR1, hear);
	block_and_map();
	for (int round = 1; round <= ROUNDS && seen < SEEN; round++) {
		long from = now_ns(), until;
		pid_t pid;

		shared->round = round;
		pid = bare_fork();
		until = now_ns();
		sigpending(&set);
		if (pid == 0)
			_exit(sigismember(&set, SIGUSR1));
		while (shared->sent < round)
			sched_yield();
		if (!CHECK(pid > 0) || !CHECK_EQ(waitpid(pid, &status, 0), pid))
			break;
		if (shared->from > from && shared->until < until) {
			seen++;
			waiting += WEXITSTATUS(status);
		}
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		CHECK_EQ(sigwaitinfo(&set, NULL), SIGUSR1);
	}
	CHECK(seen < FEW || 2 * waiting >= seen);
	end_sender(sender);
}

static volatile int other_tid, other_may_go;

static void *be_another(void *unused)
{
	other_tid = syscall(SYS_gettid);
	while (!other_may_go)
		check_sleep(1);
	return unused;
}

/* Calls that want a process take the number of any of its threads, unless they change what it is. */
static void numbers_of_threads(void)
{
	struct rlimit limit;
	pthread_t other;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQ(pthread_create(&other, NULL, be_another, NULL), 0);
	CHECK(check_await(&other_tid, 20000));
	CHECK(other_tid != getpid());
	CHECK_EQ(getpgid(other_tid), getpgrp());
	CHECK_EQ(getsid(other_tid), getsid(0));
	CHECK_ERR(setpgid(other_tid, 0), EINVAL);
	CHECK_ERR(setpgid(0, other_tid), EPERM);
	CHECK_ERR(setpgid(-1, 0), EINVAL);
	CHECK_EQ(kill(other_tid, 0), 0);
	CHECK_ERR(unshare(CLONE_THREAD), EINVAL);
	CHECK_ERR(unshare(CLONE_SIGHAND), EINVAL);
	CHECK_ERR(unshare(CLONE_VM), EINVAL);
	CHECK_EQ(prlimit(other_tid, RLIMIT_NOFILE, NULL, &limit), 0);
	CHECK_ERR(syscall(SYS_prlimit64, other_tid, 99, NULL, &limit), EINVAL);
	CHECK_ERR(syscall(SYS_prlimit64, -1, 99, NULL, &limit), ESRCH);
	CHECK_ERR(syscall(SYS_pidfd_open, other_tid, 0), EINVAL);
	CHECK_ERR(waitpid(other_tid, NULL, 0), ECHILD);
	CHECK_EQ(kill(other_tid, SIGUSR1), 0);
	other_may_go = 1;
	CHECK_EQ(pthread_join(other, NULL), 0);
	/* What was sent to it is the whole process's. */
	CHECK_EQ(sigtimedwait(&set, NULL, &(struct timespec){ 0 }), SIGUSR1);
	/* Joined is who has said that it ends. */
	while (getpgid(other_tid) >= 0)
		check_sleep(1);
	CHECK_ERR(getpgid(other_tid), ESRCH);
	CHECK_ERR(kill(other_tid, 0), ESRCH);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(fork_basics), CASE(exit_codes), CASE(shared_offset), CASE(vfork_waits), CASE(many_children),
		CASE(wait_selects), CASE(wait_stopped), CASE(waitid_information), CASE(wait4_usage), CASE(zombies),
		CASE(ignored_children), CASE(orphans), CASE(parent_death), CASE(clone_flags), CASE(signals_to_the_group),
		CASE(signal_in_a_fork), CASE(blocked_in_a_fork),
		CASE(numbers_of_threads), { NULL, NULL },
	};

	return check_main("process", cases, argc, argv);
}
