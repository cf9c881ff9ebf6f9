/* SPDX-License-Identifier: MIT */
/* epoll: what is reported when, by level and by edge; items and the ends of files; time and signals. */
#include "epoll_kit.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>

enum { SIGNAL_SET_SIZE = 8 };

/* ---- One file ---- */

static void arguments(void)
{
	int epoll = new_epoll(), event = counter(0), ends[2];
	struct epoll_event *beyond = (struct epoll_event *)0x800000000000, *kernel = (struct epoll_event *)0xffff800000000000, one = { .events = EPOLLIN };

	CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_create, -1), EINVAL);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_EQ(fcntl(epoll, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(epoll, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(fcntl(syscall(SYS_epoll_create, 1), F_GETFD), 0);
	CHECK_EQ(pipe(ends), 0);

	CHECK_ERR(control(-1, EPOLL_CTL_ADD, event, EPOLLIN, 0), EBADF);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, -1, EPOLLIN, 0), EBADF);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, open(".", O_PATH), EPOLLIN, 0), EBADF);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN, 0), EINVAL);
	CHECK_ERR(control(event, EPOLL_CTL_ADD, ends[0], EPOLLIN, 0), EINVAL);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, open("file", O_RDWR | O_CREAT, 0600), EPOLLIN, 0), EPERM);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, open(".", O_RDONLY), EPOLLIN, 0), EPERM);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, open("/dev/null", O_RDWR), EPOLLIN, 0), EPERM);
	CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_ADD, event, NULL), EFAULT);
	CHECK_ERR(epoll_ctl(-1, EPOLL_CTL_ADD, event, beyond), EFAULT);
	CHECK_ERR(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN, 0), ENOENT);
	CHECK_ERR(control(epoll, EPOLL_CTL_DEL, event, EPOLLIN, 0), ENOENT);
	CHECK_ERR(control(epoll, 0, event, EPOLLIN, 0), EINVAL);
	CHECK_ERR(control(epoll, 4, event, EPOLLIN, 0), EINVAL);
	add(epoll, event, EPOLLIN, 0);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN, 0), EEXIST);
	CHECK_ERR(control(epoll, 4, event, EPOLLIN, 0), EINVAL);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, event, NULL), 0);
	CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_DEL, event, &one), ENOENT);

	CHECK_ERR(epoll_wait(epoll, got, 0, 0), EINVAL);
	CHECK_ERR(epoll_wait(epoll, got, -1, 0), EINVAL);
	CHECK_ERR(epoll_wait(epoll, got, INT_MAX / sizeof *got + 1, 0), EINVAL);
	CHECK_EQ(epoll_wait(epoll, got, INT_MAX / sizeof *got, 0), 0);
	CHECK_ERR(epoll_wait(epoll, kernel, 1, 0), EFAULT);
	CHECK_ERR(epoll_wait(-1, got, 1, 0), EBADF);
	CHECK_ERR(epoll_wait(event, got, 1, 0), EINVAL);
	CHECK_ERR(read(epoll, got, sizeof got), EINVAL);
	CHECK_ERR(write(epoll, got, sizeof got), EINVAL);
}

static void level(void)
{
	int epoll = new_epoll(), ends[2];

	CHECK_EQ(pipe(ends), 0);
	add(epoll, ends[0], EPOLLIN, 0x123456789abcdef0);
	CHECK_EQ(ready(epoll), 0);
	CHECK_EQ(write(ends[1], "ab", 2), 2);
	for (int i = 0; i < 3; i++)
		CHECK_ONE(epoll, EPOLLIN, 0x123456789abcdef0);
	CHECK_EQ(read(ends[0], got, 1), 1);
	CHECK_ONE(epoll, EPOLLIN, 0x123456789abcdef0);
	CHECK_EQ(read(ends[0], got, 1), 1);
	CHECK_EQ(ready(epoll), 0);
	/* What was there before it is watched counts. */
	CHECK_EQ(write(ends[1], "c", 1), 1);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL), 0);
	CHECK_EQ(ready(epoll), 0);
	add(epoll, ends[0], EPOLLIN | EPOLLRDNORM, 2);
	CHECK_ONE(epoll, EPOLLIN | EPOLLRDNORM, 2);
	change(epoll, ends[0], EPOLLPRI, 3);
	CHECK_EQ(ready(epoll), 0);
	change(epoll, ends[0], EPOLLIN, 4);
	CHECK_ONE(epoll, EPOLLIN, 4);
	/* The other end is writable until it is full. */
	add(epoll, ends[1], EPOLLOUT, 5);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL), 0);
	CHECK_ONE(epoll, EPOLLOUT, 5);
	CHECK_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], got, sizeof got) > 0 || write(ends[1], "x", 1) > 0)
		;
	CHECK_EQ(ready(epoll), 0);
	CHECK_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	drain(ends[0]);
	CHECK_ONE(epoll, EPOLLOUT, 5);
}

static void edge(void)
{
	int epoll = new_epoll(), event = counter(0), ends[2];

	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	add(epoll, ends[0], EPOLLIN | ON_EDGE, 1);
	CHECK_EQ(ready(epoll), 0);
	CHECK_EQ(write(ends[1], "a", 1), 1);
	CHECK_ONE(epoll, EPOLLIN, 1);
	CHECK_EQ(ready(epoll), 0);
	/* More bytes, with some left, are an edge. */
	CHECK_EQ(write(ends[1], "b", 1), 1);
	CHECK_ONE(epoll, EPOLLIN, 1);
	CHECK_EQ(ready(epoll), 0);
	/* So is a change of the item, but not a read. */
	CHECK_EQ(read(ends[0], got, 1), 1);
	CHECK_EQ(ready(epoll), 0);
	change(epoll, ends[0], EPOLLIN | ON_EDGE, 2);
	CHECK_ONE(epoll, EPOLLIN, 2);
	CHECK_EQ(ready(epoll), 0);
	/* An edge that is over when somebody looks is none. */
	CHECK_EQ(write(ends[1], "c", 1), 1);
	drain(ends[0]);
	CHECK_EQ(ready(epoll), 0);
	CHECK_EQ(close(ends[1]), 0);
	CHECK_ONE(epoll, EPOLLHUP, 2);
	CHECK_EQ(ready(epoll), 0);

	/* Who waits to read hears nothing of room, and the other way round. */
	add(epoll, event, EPOLLIN | ON_EDGE, 3);
	signal_it(event);
	signal_it(event);
	CHECK_ONE(epoll, EPOLLIN, 3);
	change(epoll, event, EPOLLOUT | ON_EDGE, 4);
	CHECK_ONE(epoll, EPOLLOUT, 4);
	signal_it(event);
	CHECK_EQ(ready(epoll), 0);
	drain(event);
	CHECK_ONE(epoll, EPOLLOUT, 4);
	CHECK_EQ(ready(epoll), 0);
}

static void one_shot(void)
{
	int epoll = new_epoll(), event = counter(1), ends[2];

	add(epoll, event, EPOLLIN | EPOLLONESHOT, 1);
	CHECK_ONE(epoll, EPOLLIN, 1);
	CHECK_EQ(ready(epoll), 0);
	signal_it(event);
	CHECK_EQ(ready(epoll), 0);
	change(epoll, event, EPOLLIN | EPOLLONESHOT | ON_EDGE, 2);
	CHECK_ONE(epoll, EPOLLIN, 2);
	drain(event);
	signal_it(event);
	CHECK_EQ(ready(epoll), 0);
	CHECK_ERR(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN, 0), EEXIST);
	/* After its shot it does not even hear of hang-ups. */
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], "a", 1), 1);
	add(epoll, ends[0], EPOLLIN | EPOLLONESHOT, 3);
	CHECK_ONE(epoll, EPOLLIN, 3);
	CHECK_EQ(close(ends[1]), 0);
	CHECK_EQ(ready(epoll), 0);
	change(epoll, ends[0], 0, 4);
	CHECK_ONE(epoll, EPOLLHUP, 4);
}

static void always(void)
{
	int epoll = new_epoll(), ends[2];

	CHECK_EQ(pipe(ends), 0);
	add(epoll, ends[0], 0, 1);
	CHECK_EQ(write(ends[1], "a", 1), 1);
	CHECK_EQ(ready(epoll), 0);
	CHECK_EQ(close(ends[1]), 0);
	CHECK_ONE(epoll, EPOLLHUP, 1);
	change(epoll, ends[0], EPOLLIN | EPOLLWAKEUP, 2);
	CHECK_ONE(epoll, EPOLLIN | EPOLLHUP, 2);
	CHECK_EQ(close(ends[0]), 0);
	CHECK_EQ(ready(epoll), 0);
	/* Woken for what came while it waited for something else. */
	CHECK_EQ(pipe(ends), 0);
	add(epoll, ends[1], EPOLLRDHUP, 3);
	CHECK_EQ(ready(epoll), 0);
	CHECK_EQ(close(ends[0]), 0);
	CHECK_ONE(epoll, EPOLLERR, 3);
}

/* ---- Descriptors, files, processes ---- */

static void duplicates(void)
{
	int epoll = new_epoll(), event = counter(0), second = dup(event), third;

	/* An item is a file and a number. */
	add(epoll, event, EPOLLIN, 1);
	add(epoll, second, EPOLLIN, 2);
	signal_it(event);
	CHECK_EQ(ready(epoll), 2);
	CHECK_EQ(got[0].data.u64 + got[1].data.u64, 3);
	/* Closing a descriptor takes away nothing while the file is open by another, and the item cannot be reached any more. */
	CHECK_EQ(close(event), 0);
	CHECK_EQ(ready(epoll), 2);
	CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_DEL, event, NULL), EBADF);
	third = counter(0);
	CHECK_EQ(third, event);
	CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_DEL, third, NULL), ENOENT);
	add(epoll, third, EPOLLIN, 3);
	CHECK_EQ(ready(epoll), 2);
	CHECK_EQ(close(second), 0);
	CHECK_EQ(ready(epoll), 0);
	signal_it(third);
	CHECK_ONE(epoll, EPOLLIN, 3);
	CHECK_EQ(dup2(epoll, third), third);
	CHECK_EQ(ready(third), 0);
	CHECK_EQ(ready(epoll), 0);
}

static void use_parents_epoll(void *argument)
{
	int *fds = argument, own = counter(1);

	/* The number is the child's own file here. */
	CHECK_EQ(dup2(own, fds[2]), fds[2]);
	add(fds[0], fds[2], EPOLLIN, 7);
	CHECK_EQ(ready(fds[0]), 1);
	signal_it(fds[1]);
	CHECK_EQ(ready(fds[0]), 2);
	change(fds[0], fds[1], EPOLLIN | EPOLLOUT, 9);
}

static void forked(void)
{
	int fds[3] = { new_epoll(), counter(0), counter(0) };

	add(fds[0], fds[1], EPOLLIN, 1);
	add(fds[0], fds[2], EPOLLIN, 2);
	CHECK_EQ(check_child(use_parents_epoll, fds), 0);
	/* The child's file is gone with it. What it did to others stays. */
	CHECK_ONE(fds[0], EPOLLIN | EPOLLOUT, 9);
}

static void info(void)
{
	int epoll = new_epoll(), event = counter(0x10);
	char path[64], text[512] = "", line[128];
	ssize_t len;

	add(epoll, event, EPOLLIN | ON_EDGE, 0xabc);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll);
	CHECK(read(open(path, O_RDONLY), text, sizeof text - 1) > 0);
	snprintf(line, sizeof line, "tfd: %8d events: %8x data: %16llx ", event, EPOLLIN | EPOLLERR | EPOLLHUP | ON_EDGE, 0xabcull);
	line[strlen(line) - 1] = 0;
	CHECK(strstr(text, line) != NULL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", epoll);
	len = readlink(path, text, sizeof text - 1);
	text[len < 0 ? 0 : len] = 0;
	CHECK_STR(text, "anon_inode:[eventpoll]");
}

static void terminals(void)
{
	int epoll = new_epoll(), master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), unlocked = 0, number, slave;
	char name[32];

	CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlocked), 0);
	CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	CHECK(slave >= 0);
	add(epoll, master, EPOLLIN | ON_EDGE, 1);
	add(epoll, slave, EPOLLIN | ON_EDGE, 2);
	CHECK_EQ(write(slave, "out", 3), 3);
	CHECK_EQ(epoll_wait(epoll, got, EVENTS, PATIENCE_MS), 1);
	CHECK_EQ(got[0].data.u64, 1);
	CHECK_EQ(got[0].events, EPOLLIN);
	drain(master);
	CHECK_EQ(write(master, "in\n", 3), 3);
	CHECK(epoll_wait(epoll, got, EVENTS, PATIENCE_MS) >= 1);
	check_sleep(SOON_MS);
	drain(slave);
	drain(master);
	while (ready(epoll) > 0)
		;
	/* The slave stays open, and hears that its master is gone. */
	change(epoll, slave, 0, 3);
	CHECK_EQ(close(master), 0);
	CHECK_EQ(epoll_wait(epoll, got, EVENTS, PATIENCE_MS), 1);
	CHECK_EQ(got[0].data.u64, 3);
	CHECK(got[0].events & EPOLLHUP);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, slave, NULL), 0);
	CHECK_EQ(close(slave), 0);
	CHECK_EQ(ready(epoll), 0);
}

/* ---- Many files ---- */

static void takes_turns(void)
{
	int epoll = new_epoll(), events[4];
	unsigned seen = 0;

	for (int i = 0; i < 4; i++) {
		events[i] = counter(1);
		add(epoll, events[i], EPOLLIN, i);
	}
	/* One at a time, all of them get their turn, again and again in the same order. */
	for (int i = 0; i < 12; i++) {
		CHECK_EQ(epoll_wait(epoll, got, 1, 0), 1);
		CHECK_EQ(got[0].data.u64, i % 4);
	}
	CHECK_EQ(epoll_wait(epoll, got, 3, 0), 3);
	CHECK_EQ(epoll_wait(epoll, got, 3, 0), 3);
	CHECK_EQ(got[0].data.u64, 3);
	for (int i = 0; i < 4; i++)
		drain(events[i]);
	/* What is not reported is not lost. */
	for (int i = 0; i < 4; i++) {
		change(epoll, events[i], EPOLLIN | ON_EDGE, i);
		signal_it(events[i]);
	}
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(epoll_wait(epoll, got, 1, 0), 1);
		seen |= 1u << got[0].data.u64;
	}
	CHECK_EQ(seen, 15);
	CHECK_EQ(ready(epoll), 0);
}

static void bad_memory(void)
{
	int epoll = new_epoll(), one = counter(1), two = counter(1);
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct epoll_event *at = (struct epoll_event *)(pages + 4096);

	CHECK_EQ(munmap(pages + 4096, 4096), 0);
	add(epoll, one, EPOLLIN | ON_EDGE, 1);
	add(epoll, two, EPOLLIN | EPOLLONESHOT, 2);
	CHECK_ERR(epoll_wait(epoll, at, 2, 0), EFAULT);
	/* Nothing is lost; what could be written is reported. */
	CHECK_EQ(epoll_wait(epoll, at - 1, 2, 0), 1);
	CHECK_EQ(at[-1].data.u64, 1);
	CHECK_ONE(epoll, EPOLLIN, 2);
	CHECK_EQ(ready(epoll), 0);
}

static void many(void)
{
	enum { MANY = 500 };
	int epoll = new_epoll(), events[MANY];
	struct rlimit limit = { 1024, 1024 };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < MANY; i++) {
		events[i] = counter(0);
		add(epoll, events[i], EPOLLIN, i);
	}
	CHECK_EQ(ready(epoll), 0);
	for (int i = 0; i < MANY; i += 7) {
		signal_it(events[i]);
		CHECK_ONE(epoll, EPOLLIN, i);
		drain(events[i]);
	}
	CHECK_EQ(ready(epoll), 0);
	for (int i = 0; i < MANY; i += 3)
		CHECK_EQ(close(events[i]), 0);
	for (int i = 0; i < MANY; i++)
		if (i % 3)
			CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, events[i], NULL), 0);
	CHECK_EQ(ready(epoll), 0);
}

/* ---- Time and signals ---- */

static void times(void)
{
	int epoll = new_epoll();
	struct timespec little = { 0, SOON_MS * 1000000 }, wrong = { 0, 1000000000 }, none = { 0, 0 }, negative = { -1, 0 };
	long start = check_now();

	CHECK_EQ(epoll_wait(epoll, got, EVENTS, SOON_MS), 0);
	CHECK(check_now() - start >= SOON_MS - 1);
	start = check_now();
	CHECK_EQ(syscall(SYS_epoll_pwait2, epoll, got, EVENTS, &little, NULL, 0), 0);
	CHECK(check_now() - start >= SOON_MS - 1);
	CHECK_EQ(little.tv_nsec, SOON_MS * 1000000);
	CHECK_EQ(syscall(SYS_epoll_pwait2, epoll, got, EVENTS, &none, NULL, 0), 0);
	CHECK_ERR(syscall(SYS_epoll_pwait2, epoll, got, EVENTS, &wrong, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_pwait2, epoll, got, EVENTS, &negative, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_pwait2, epoll, got, EVENTS, (void *)1, NULL, 0), EFAULT);
}

static volatile int handled;

static void handle(int number)
{
	(void)number;
	handled++;
}

static void signals(void)
{
	int epoll = new_epoll(), event = counter(1);
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	sigset_t blocked, empty, now;
	pid_t child, self = getpid();

	sigemptyset(&empty);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	/* A signal ends the wait, SA_RESTART or not. */
	child = fork();
	if (!child) {
		check_state(self, 'S', PATIENCE_MS);
		kill(self, SIGUSR1);
		_exit(0);
	}
	CHECK_ERR(epoll_wait(epoll, got, EVENTS, PATIENCE_MS), EINTR);
	CHECK_EQ(handled, 1);
	CHECK_EQ(check_wait(child), 0);

	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	raise(SIGUSR1);
	CHECK_EQ(epoll_pwait(epoll, got, EVENTS, 10, NULL), 0);
	CHECK_EQ(epoll_pwait(epoll, got, EVENTS, 10, &blocked), 0);
	CHECK_EQ(handled, 1);
	CHECK_ERR(epoll_pwait(epoll, got, EVENTS, PATIENCE_MS, &empty), EINTR);
	CHECK_EQ(handled, 2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGUSR1));
	add(epoll, event, EPOLLIN, 1);
	CHECK_EQ(epoll_pwait(epoll, got, EVENTS, PATIENCE_MS, &empty), 1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGUSR1));
	CHECK_ERR(syscall(SYS_epoll_pwait, epoll, got, EVENTS, 0, &empty, 4), EINVAL);
	CHECK_EQ(syscall(SYS_epoll_pwait, epoll, got, EVENTS, 0, NULL, 4), 1);
	CHECK_ERR(syscall(SYS_epoll_pwait, epoll, got, EVENTS, 0, (void *)1, SIGNAL_SET_SIZE), EFAULT);
}

static const struct check_case cases[] = {
	CASE(arguments), CASE(level), CASE(edge), CASE(one_shot), CASE(always), CASE(duplicates), CASE(forked), CASE(info), CASE(terminals),
	CASE(takes_turns), CASE(bad_memory), CASE(many), CASE(times), CASE(signals), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("epoll", cases, argc, argv);
}
