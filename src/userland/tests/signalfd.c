/* SPDX-License-Identifier: MIT */
/* signalfd: what is read of each kind of signal, whose signals they are, waiting, several readers, other sets. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, SIGNALS = 200, READERS = 3 };

static sigset_t set_of(int first, int second, int third)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, first);
	if (second)
		sigaddset(&set, second);
	if (third)
		sigaddset(&set, third);
	return set;
}

/* Blocks them and makes a descriptor for them. */
static int open_for(int first, int second, int third, int flags)
{
	sigset_t set = set_of(first, second, third);

	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, flags);
}

static int ready(int fd, int wait_ms)
{
	struct pollfd wanted = { fd, POLLIN | POLLOUT, 0 };

	return poll(&wanted, 1, wait_ms) ? wanted.revents : 0;
}

static struct signalfd_siginfo info;

static ssize_t take(int fd)
{
	memset(&info, 0x55, sizeof info);
	return read(fd, &info, sizeof info);
}

static void refusals(void)
{
	int fd = open_for(SIGUSR1, 0, 0, SFD_NONBLOCK | SFD_CLOEXEC), file = open("/dev/null", O_RDWR);
	sigset_t set = set_of(SIGUSR1, SIGKILL, SIGSTOP);
	char text[256] = "", path[64];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, 99, &set, 8, 0), EBADF);
	CHECK_ERR(syscall(SYS_signalfd4, file, &set, 8, 0), EINVAL);
	CHECK_ERR(read(fd, &info, sizeof info - 1), EINVAL);
	CHECK_ERR(write(fd, &info, sizeof info), EINVAL);
	CHECK_ERR(take(fd), EAGAIN);
	CHECK_EQ(syscall(SYS_signalfd4, fd, &set, 8, 0), fd);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	CHECK(read(open(path, O_RDONLY), text, sizeof text - 1) > 0);
	CHECK(strstr(text, "sigmask:\t0000000000000200\n") != NULL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	memset(text, 0, sizeof text);
	CHECK(readlink(path, text, sizeof text - 1) > 0);
	CHECK_STR(text, "anon_inode:[signalfd]");
	CHECK_EQ(fcntl(syscall(SYS_signalfd, -1, &set, 8), F_GETFL), O_RDWR);
}

static void exit_with_7(void *unused)
{
	(void)unused;
	_exit(7);
}

/* Nothing is set that this kind has not. */
static void check_rest(void)
{
	const uint8_t *bytes = (const uint8_t *)&info;
	unsigned other = 0;

	for (unsigned i = offsetof(struct signalfd_siginfo, ssi_addr) + 8; i < sizeof info; i++)
		other |= bytes[i];
	CHECK_EQ(other, 0);
}

static void kinds(void)
{
	int fd = open_for(SIGUSR1, SIGRTMIN, SIGCHLD, SFD_NONBLOCK);
	union sigval word = { .sival_ptr = (void *)0x123456789abcdef0 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = word };
	struct itimerspec soon = { { 0, 0 }, { 0, 1000000 } };
	timer_t timer;
	pid_t child;

	kill(getpid(), SIGUSR1);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(info.ssi_code, SI_USER);
	CHECK_EQ(info.ssi_pid, getpid());
	CHECK_EQ(info.ssi_uid, getuid());
	CHECK_EQ(info.ssi_ptr | info.ssi_status | info.ssi_errno | info.ssi_int, 0);
	check_rest();
	CHECK_EQ(ready(fd, 0), 0);

	sigqueue(getpid(), SIGRTMIN, word);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_signo, SIGRTMIN);
	CHECK_EQ(info.ssi_code, SI_QUEUE);
	CHECK_EQ(info.ssi_ptr, 0x123456789abcdef0);
	CHECK_EQ(info.ssi_int, (int)0x9abcdef0);
	CHECK_EQ(info.ssi_pid, getpid());
	check_rest();

	child = check_spawn(exit_with_7, NULL);
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_signo, SIGCHLD);
	CHECK_EQ(info.ssi_code, CLD_EXITED);
	CHECK_EQ(info.ssi_pid, child);
	CHECK_EQ(info.ssi_status, 7);
	check_rest();
	CHECK_EQ(check_wait(child), 7);

	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_code, SI_TIMER);
	CHECK_EQ(info.ssi_overrun, 0);
	CHECK_EQ(info.ssi_ptr, 0x123456789abcdef0);
	CHECK_EQ(info.ssi_pid | info.ssi_uid, 0);
	check_rest();
}

/* Several at a time, the first ones first, as many as have room. */
static void several(void)
{
	int fd = open_for(SIGUSR1, SIGUSR2, SIGRTMIN, SFD_NONBLOCK);
	struct signalfd_siginfo some[4];
	union sigval word = { .sival_int = 1 };

	for (word.sival_int = 1; word.sival_int <= 3; word.sival_int++)
		sigqueue(getpid(), SIGRTMIN, word);
	raise(SIGUSR2);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(read(fd, some, sizeof some), sizeof some);
	/* Those of the thread come before those of the process. */
	CHECK_EQ(some[0].ssi_signo, SIGUSR2);
	CHECK_EQ(some[0].ssi_code, SI_TKILL);
	CHECK_EQ(some[1].ssi_signo, SIGUSR1);
	CHECK_EQ(some[2].ssi_int, 1);
	CHECK_EQ(some[3].ssi_int, 2);
	CHECK_EQ(read(fd, some, sizeof some), sizeof *some);
	CHECK_EQ(some[0].ssi_int, 3);
	CHECK_ERR(read(fd, some, sizeof some), EAGAIN);
	/* What cannot be delivered is lost, as on Linux. */
	kill(getpid(), SIGUSR1);
	CHECK_ERR(read(fd, (void *)8, sizeof *some), EFAULT);
	CHECK_ERR(take(fd), EAGAIN);
}

static int shared_fd;
static volatile int waiting_tid, got;

static void *read_one(void *unused)
{
	struct signalfd_siginfo one;

	(void)unused;
	waiting_tid = (int)syscall(SYS_gettid);
	CHECK_EQ(read(shared_fd, &one, sizeof one), sizeof one);
	__atomic_add_fetch(&got, one.ssi_int, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Another thread's own signals are not to be read here. */
static void threads(void)
{
	/* Of its own, for whoever shares a descriptor that stops waiting may just not have begun to. */
	int fd = open_for(SIGUSR1, SIGUSR2, 0, SFD_NONBLOCK);
	pthread_t thread;

	shared_fd = open_for(SIGUSR1, SIGUSR2, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, read_one, NULL), 0);
	CHECK(check_await(&waiting_tid, PATIENCE_MS));
	raise(SIGUSR2);
	check_sleep(50);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_signo, SIGUSR2);
	CHECK_EQ(syscall(SYS_tkill, waiting_tid, SIGUSR1), 0);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_ERR(take(fd), EAGAIN);
	pthread_join(thread, NULL);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_EQ(close(fd), 0);
}

static void *read_many(void *unused)
{
	struct signalfd_siginfo one;

	(void)unused;
	while (read(shared_fd, &one, sizeof one) == sizeof one && one.ssi_int)
		__atomic_add_fetch(&got, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Each signal is read once. */
static void readers(void)
{
	pthread_t threads[READERS];
	union sigval word = { .sival_int = 1 };

	shared_fd = open_for(SIGRTMIN, 0, 0, 0);
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, read_many, NULL), 0);
	for (int i = 0; i < SIGNALS; i++)
		while (sigqueue(getpid(), SIGRTMIN, word) < 0)
			check_sleep(1);
	word.sival_int = 0;
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, word), 0);
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(got, SIGNALS);
	CHECK_EQ(ready(shared_fd, 0), 0);
}

static void wake_parent(void *unused)
{
	(void)unused;
	CHECK(check_state(getppid(), 'S', PATIENCE_MS));
	kill(getppid(), SIGUSR1);
}

static void in_child(void *argument)
{
	int fd = *(int *)argument;

	/* The parent's pending signal is not the child's. */
	CHECK_EQ(ready(fd, 0), 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_pid, getpid());
}

static void on_alarm(int number)
{
	(void)number;
}

static void waiting(void)
{
	int fd = open_for(SIGUSR1, 0, 0, 0), epoll = epoll_create1(0);
	struct sigaction action = { .sa_handler = on_alarm };
	struct epoll_event event = { .events = EPOLLIN };
	pid_t child = check_spawn(wake_parent, NULL);

	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_pid, child);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	child = check_spawn(wake_parent, NULL);
	CHECK_EQ(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(check_child(in_child, &fd), 0);
	CHECK_EQ(take(fd), sizeof info);
	child = check_spawn(wake_parent, NULL);
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(take(fd), sizeof info);
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	CHECK_ERR(take(fd), EINTR);
}

/* Another set for a descriptor, and signals that are ignored, unblocked or delivered instead. */
static void changes(void)
{
	int fd = open_for(SIGUSR1, SIGUSR2, SIGCHLD, SFD_NONBLOCK);
	sigset_t one = set_of(SIGUSR1, 0, 0), other = set_of(SIGUSR2, 0, 0);
	struct sigaction action = { .sa_handler = on_alarm };

	CHECK_EQ(signalfd(fd, &one, 0), fd);
	kill(getpid(), SIGUSR2);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_ERR(take(fd), EAGAIN);
	CHECK_EQ(signalfd(fd, &other, 0), fd);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(take(fd), sizeof info);
	CHECK_EQ(info.ssi_signo, SIGUSR2);
	/* A handler takes what is unblocked. */
	sigaction(SIGUSR2, &action, NULL);
	kill(getpid(), SIGUSR2);
	CHECK_EQ(ready(fd, 0), POLLIN);
	sigprocmask(SIG_UNBLOCK, &other, NULL);
	CHECK_EQ(ready(fd, 0), 0);
	/* Not blocked but not acted on either: a signal that is ignored by default, blocked, is there to be read. */
	one = set_of(SIGCHLD, 0, 0);
	CHECK_EQ(signalfd(fd, &one, 0), fd);
	kill(getpid(), SIGCHLD);
	CHECK_EQ(take(fd), sizeof info);
	signal(SIGCHLD, SIG_IGN);
	kill(getpid(), SIGCHLD);
	CHECK_EQ(take(fd), sizeof info);
	kill(getpid(), SIGCHLD);
	signal(SIGCHLD, SIG_IGN);
	CHECK_ERR(take(fd), EAGAIN);
}

static const struct check_case cases[] = {
	CASE(refusals), CASE(kinds), CASE(several), CASE(threads), CASE(readers), CASE(waiting), CASE(changes), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("signalfd", cases, argc, argv);
}
