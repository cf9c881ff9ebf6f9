/* SPDX-License-Identifier: MIT */
/* O_ASYNC: signals when a pipe, a socket or a terminal can be read or written; who gets them, and what they say. */
#include "built_with.h"
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif

enum { SIGNAL = 40, PATIENCE_S = 20 };
enum { BAND_IN = POLLIN | POLLRDNORM, BAND_OUT = POLLOUT | POLLWRNORM | POLLWRBAND };

static sigset_t set_of(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return set;
}

static void block(int number)
{
	sigset_t set = set_of(number);

	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The next signal @number, or -1 when none has come after @seconds. */
static int take(int number, siginfo_t *info, int seconds)
{
	struct timespec timeout = { seconds, 0 };
	sigset_t set = set_of(number);

	memset(info, 0, sizeof(*info));
	return sigtimedwait(&set, info, &timeout);
}

/* One that says @code and @band of @fd. */
static void expect(int fd, int code, int band)
{
	siginfo_t info;

	CHECK_EQ(take(SIGNAL, &info, PATIENCE_S), SIGNAL);
	CHECK_EQ(info.si_fd, fd);
	CHECK_EQ(info.si_code, code);
	CHECK_EQ(info.si_band, band);
}

static void watch(int fd, int owner)
{
	CHECK_EQ(fcntl(fd, F_SETOWN, owner), 0);
	CHECK_EQ(fcntl(fd, F_SETSIG, SIGNAL), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC), 0);
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
}

static void expect_none(void)
{
	siginfo_t info;

	CHECK_ERR(take(SIGNAL, &info, 0), EAGAIN);
}

static void readers(void)
{
	int fds[2], control[2];

	block(SIGNAL);
	pipe(fds);
	pipe(control);
	watch(fds[0], getpid());
	watch(control[0], getpid());
	CHECK_EQ(fcntl(fds[0], F_GETSIG), SIGNAL);
	write(fds[1], "1", 1);
	expect(fds[0], POLL_IN, BAND_IN);
	/* What is there already does not keep the next from being told. */
	write(fds[1], "2", 1);
	expect(fds[0], POLL_IN, BAND_IN);
	CHECK_EQ(fcntl(fds[0], F_SETFL, 0), 0);
	CHECK_EQ(fcntl(fds[0], F_GETFL) & O_ASYNC, 0);
	write(fds[1], "3", 1);
	write(control[1], "4", 1);
	expect(control[0], POLL_IN, BAND_IN);
	expect_none();
	/* On again, by a copy of the descriptor. */
	watch(dup(fds[0]), getpid());
	close(fds[1]);
	CHECK_EQ(take(SIGNAL, &(siginfo_t){ 0 }, PATIENCE_S), SIGNAL);
	expect_none();
}

static void writers(void)
{
	char page[4096] = { 0 };
	int fds[2];

	block(SIGNAL);
	pipe(fds);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	while (write(fds[1], page, sizeof(page)) > 0)
		;
	watch(fds[1], getpid());
	while (read(fds[0], page, sizeof(page)) > 0)
		;
	expect(fds[1], POLL_OUT, BAND_OUT);
}

static volatile sig_atomic_t handled, handled_code;

static void handle(int number, siginfo_t *info, void *context)
{
	(void)context;
	handled = number;
	handled_code = info->si_code;
}

/* Without F_SETSIG: SIGIO, which tells nothing. */
static void plain(void)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
	sigset_t blocked = set_of(SIGIO), none;
	int fds[2], on = 1;

	sigemptyset(&none);
	sigaction(SIGIO, &action, NULL);
	block(SIGIO);
	pipe(fds);
	CHECK_EQ(fcntl(fds[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(ioctl(fds[0], FIOASYNC, &on), 0);
	CHECK(fcntl(fds[0], F_GETFL) & O_ASYNC);
	write(fds[1], "1", 1);
	while (!handled)
		sigsuspend(&none);
	CHECK_EQ(handled, SIGIO);
	CHECK_EQ(handled_code, SI_KERNEL);
	handled = 0;
	on = 0;
	CHECK_EQ(ioctl(fds[0], FIOASYNC, &on), 0);
	write(fds[1], "2", 1);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	CHECK_EQ(handled, 0);
}

static void sockets(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int fds[2];

	if (!kernel_has(UNIX_SOCKETS))
		return;
	block(SIGNAL);
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!CHECK_EQ(socketpair(AF_UNIX, types[i], 0, fds), 0))
			return;
		watch(fds[0], getpid());
		write(fds[1], "1", 1);
		expect(fds[0], POLL_IN, BAND_IN);
		write(fds[1], "2", 1);
		expect(fds[0], POLL_IN, BAND_IN);
		CHECK_EQ(fcntl(fds[0], F_SETOWN, 0), 0);
		write(fds[1], "3", 1);
		expect_none();
		close(fds[0]);
		close(fds[1]);
	}
}

static void terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios settings;

	block(SIGNAL);
	CHECK_EQ(grantpt(master) || unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK_EQ(tcgetattr(slave, &settings), 0);
	cfmakeraw(&settings);
	CHECK_EQ(tcsetattr(slave, TCSANOW, &settings), 0);
	/* Who asks is told, unless somebody else is named. */
	CHECK_EQ(fcntl(slave, F_SETSIG, SIGNAL), 0);
	CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC), 0);
	write(master, "1", 1);
	expect(slave, POLL_IN, BAND_IN);
	watch(master, getpid());
	write(slave, "2", 1);
	expect(master, POLL_IN, BAND_IN);
}

/* A terminal that has a group in the foreground tells that, unless somebody was named before. */
static void told_of_own_terminal(void *unused)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, named;
	siginfo_t info;

	(void)unused;
	CHECK_EQ(grantpt(master) || unlockpt(master), 0);
	CHECK(setsid() > 0);
	block(SIGIO);
	block(SIGNAL);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK_EQ(fcntl(slave, F_GETOWN), 0);
	CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC), 0);
	CHECK_EQ(fcntl(slave, F_GETOWN), getpid());
	CHECK_EQ(fcntl(master, F_SETFL, O_RDWR | O_ASYNC), 0);
	CHECK_EQ(fcntl(master, F_GETOWN), getpid());
	CHECK_EQ(fcntl(master, F_SETFL, O_RDWR), 0);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	/* That it is set already does not change whom. */
	CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC), 0);
	CHECK_EQ(fcntl(slave, F_GETOWN), getpid());
	slave = open("/dev/tty", O_RDWR);
	CHECK_EQ(fcntl(slave, F_GETOWN), 0);
	CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC), 0);
	CHECK_EQ(fcntl(slave, F_GETOWN), -getpgrp());
	write(master, "1\n", 2);
	CHECK_EQ(take(SIGIO, &info, PATIENCE_S), SIGIO);
	CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR), 0);
	CHECK_EQ(fcntl(slave, F_GETOWN), -getpgrp());
	named = open("/dev/tty", O_RDWR);
	CHECK_EQ(fcntl(named, F_SETOWN, getppid()), 0);
	CHECK_EQ(fcntl(named, F_SETFL, O_RDWR | O_ASYNC), 0);
	CHECK_EQ(fcntl(named, F_GETOWN), getppid());
	CHECK_EQ(fcntl(named, F_SETFL, O_RDWR), 0);
}

static void own_terminals(void)
{
	CHECK_EQ(check_child(told_of_own_terminal, NULL), 0);
}

static pid_t thread_id;

static void *threads_body(void *arg)
{
	siginfo_t info;

	(void)arg;
	__atomic_store_n(&thread_id, gettid(), __ATOMIC_SEQ_CST);
	CHECK_EQ(take(SIGNAL, &info, PATIENCE_S), SIGNAL);
	return NULL;
}

static void threads(void)
{
	struct f_owner_ex owner = { F_OWNER_TID, 0 }, got;
	pthread_t thread;
	sigset_t pending;
	int fds[2];

	block(SIGNAL);
	pipe(fds);
	watch(fds[0], getpid());
	CHECK_EQ(pthread_create(&thread, NULL, threads_body, NULL), 0);
	while (!(owner.pid = __atomic_load_n(&thread_id, __ATOMIC_SEQ_CST)))
		check_sleep(1);
	CHECK_EQ(fcntl(fds[0], F_SETOWN_EX, &owner), 0);
	CHECK_EQ(fcntl(fds[0], F_GETOWN_EX, &got), 0);
	CHECK_EQ(got.type, F_OWNER_TID);
	CHECK_EQ(got.pid, owner.pid);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), owner.pid);
	write(fds[1], "1", 1);
	pthread_join(thread, NULL);
	sigpending(&pending);
	CHECK_EQ(sigismember(&pending, SIGNAL), 0);
	/* It has gone: nobody is told. */
	write(fds[1], "2", 1);
	expect_none();
}

static void owners(void)
{
	struct f_owner_ex owner = { 99, getpid() };
	int fds[2], on = 1, file = open("f", O_CREAT | O_RDWR, 0600);

	pipe(fds);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_ERR(fcntl(fds[0], F_SETOWN_EX, &owner), EINVAL);
	CHECK_ERR(fcntl(fds[0], F_SETSIG, 65), EINVAL);
	owner.type = F_OWNER_PGRP;
	owner.pid = getpgrp();
	CHECK_EQ(fcntl(fds[0], F_SETOWN_EX, &owner), 0);
	CHECK_EQ(fcntl(fds[0], F_SETOWN, 0), 0);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	/* Files never tell: it is taken for asked, or refused. */
	CHECK_EQ(fcntl(file, F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(file, F_GETOWN), getpid());
	CHECK_EQ(fcntl(file, F_SETFL, O_ASYNC | O_APPEND), 0);
	CHECK_EQ(fcntl(file, F_GETFL) & (O_ASYNC | O_APPEND), O_APPEND);
	CHECK_ERR(ioctl(file, FIOASYNC, &on), ENOTTY);
	CHECK_ERR(ioctl(fds[0], FIOASYNC, NULL), EFAULT);
}

static void waiting(void *ready)
{
	siginfo_t info;

	setpgid(0, 0);
	write(*(int *)ready, "r", 1);
	CHECK_EQ(take(SIGNAL, &info, PATIENCE_S), SIGNAL);
	CHECK_EQ(info.si_code, POLL_IN);
}

static void groups(void)
{
	int fds[2], ready[2];
	char byte;
	pid_t child;

	block(SIGNAL);
	pipe(fds);
	pipe(ready);
	child = check_spawn(waiting, &ready[1]);
	read(ready[0], &byte, 1);
	watch(fds[0], -child);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), -child);
	write(fds[1], "1", 1);
	CHECK_EQ(check_wait(child), 0);
	expect_none();
}

/* Names its parent, who is root, and has it told. */
static void as_user(void *arg)
{
	int fds[2];

	(void)arg;
	pipe(fds);
	setgid(1000);
	setuid(1000);
	watch(fds[0], getppid());
	write(fds[1], "1", 1);
	/* Itself it may tell, which comes after that. */
	watch(fds[0], getpid());
	write(fds[1], "2", 1);
	expect(fds[0], POLL_IN, BAND_IN);
}

static void others(void)
{
	if (geteuid())
		return;
	block(SIGNAL);
	CHECK_EQ(check_child(as_user, NULL), 0);
	expect_none();
}

/* Both ways to be told of the same file, which goes with either there; and none after the end. */
static void ends(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fds[2], epoll = epoll_create1(0);

	block(SIGNAL);
	for (int i = 0; i < 200; i++) {
		pipe(fds);
		if (i & 1)
			CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), 0);
		watch(fds[0], getpid());
		if (i & 2)
			CHECK_EQ(epoll_ctl(epoll, i & 1 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fds[0], &event), 0);
		write(fds[1], "1", 1);
		expect(fds[0], POLL_IN, BAND_IN);
		CHECK_EQ(epoll_wait(epoll, &event, 1, 0), (i & 3) != 0);
		event.events = EPOLLIN;
		close(fds[i >> 2 & 1]);
		close(fds[!(i >> 2 & 1)]);
		while (take(SIGNAL, &(siginfo_t){ 0 }, 0) > 0)
			;
	}
	expect_none();
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(readers), CASE(writers), CASE(plain), CASE(sockets), CASE(terminals), CASE(own_terminals), CASE(threads), CASE(owners), CASE(groups),
		CASE(others), CASE(ends), { NULL, NULL },
	};

	return check_main("async", cases, argc, argv);
}
