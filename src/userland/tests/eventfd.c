/* SPDX-License-Identifier: MIT */
/* eventfd: the counter, semaphores, blocking, the largest number, waiting. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, THREADS = 4, ROUNDS = 500 };
#define MOST (UINT64_MAX - 1)

static uint64_t value;

static ssize_t put(int fd, uint64_t number)
{
	return write(fd, &number, sizeof number);
}

static ssize_t take(int fd)
{
	value = 0;
	return read(fd, &value, sizeof value);
}

static int events(int fd)
{
	struct pollfd wanted = { fd, POLLIN | POLLOUT, 0 };

	poll(&wanted, 1, 0);
	return wanted.revents;
}

/* By which readers of fdinfo know what several have open; -1: it says none. */
static int id_of(int fd)
{
	char text[256] = "", path[64], *line;
	int info;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	CHECK(read(info, text, sizeof text - 1) > 0);
	close(info);
	line = strstr(text, "\neventfd-id: ");
	return line ? atoi(line + 13) : -1;
}

static void identity(void)
{
	int fd = eventfd(0, 0), other = eventfd(0, 0);

	CHECK(id_of(fd) >= 0);
	CHECK(id_of(other) >= 0);
	CHECK(id_of(fd) != id_of(other));
	CHECK_EQ(id_of(dup(fd)), id_of(fd));
}

static void basics(void)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t both[2] = { 9, 9 };
	char text[256] = "", path[64];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERR(eventfd(0, 2), EINVAL);
	CHECK_ERR(eventfd(0, 0x40000000), EINVAL);
	CHECK_EQ(events(fd), POLLIN | POLLOUT);
	CHECK_EQ(take(fd), 8);
	CHECK_EQ(value, 3);
	CHECK_EQ(events(fd), POLLOUT);
	CHECK_ERR(take(fd), EAGAIN);
	CHECK_EQ(put(fd, 0), 8);
	CHECK_ERR(take(fd), EAGAIN);
	CHECK_EQ(put(fd, 5), 8);
	CHECK_EQ(put(fd, 6), 8);
	CHECK_ERR(read(fd, &value, 7), EINVAL);
	CHECK_ERR(write(fd, &value, 7), EINVAL);
	CHECK_ERR(read(fd, &value, 0), EINVAL);
	CHECK_EQ(read(fd, both, sizeof both), 8);
	CHECK_EQ(both[0], 11);
	CHECK_EQ(both[1], 9);
	CHECK_ERR(write(fd, (void *)1, 8), EFAULT);
	CHECK_EQ(put(fd, 0x1f), 8);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	CHECK(read(open(path, O_RDONLY), text, sizeof text - 1) > 0);
	CHECK(strstr(text, "eventfd-count:               1f\n") != NULL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	memset(text, 0, sizeof text);
	CHECK(readlink(path, text, sizeof text - 1) > 0);
	CHECK_STR(text, "anon_inode:[eventfd]");
	CHECK_EQ(fcntl(syscall(SYS_eventfd, 5), F_GETFL), O_RDWR);
	CHECK_EQ(take(eventfd(0xffffffff, 0)), 8);
	CHECK_EQ(value, 0xffffffff);
}

static void largest(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	CHECK_ERR(put(fd, UINT64_MAX), EINVAL);
	CHECK_EQ(put(fd, MOST), 8);
	CHECK_EQ(events(fd), POLLIN);
	CHECK_ERR(put(fd, 1), EAGAIN);
	CHECK_EQ(put(fd, 0), 8);
	CHECK_EQ(take(fd), 8);
	CHECK(value == MOST);
	CHECK_EQ(put(fd, MOST - 1), 8);
	CHECK_EQ(events(fd), POLLIN | POLLOUT);
	CHECK_ERR(put(fd, 2), EAGAIN);
	CHECK_EQ(put(fd, 1), 8);
}

static void semaphore(void)
{
	int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);

	CHECK_EQ(put(fd, 1), 8);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(take(fd), 8);
		CHECK_EQ(value, 1);
	}
	CHECK_ERR(take(fd), EAGAIN);
}

static void write_later(void *argument)
{
	check_state(getppid(), 'S', PATIENCE_MS);
	CHECK_EQ(put(*(int *)argument, 7), 8);
}

static void read_later(void *argument)
{
	check_state(getppid(), 'S', PATIENCE_MS);
	CHECK_EQ(take(*(int *)argument), 8);
}

static void on_alarm(int number)
{
	(void)number;
}

static void blocking(void)
{
	int fd = eventfd(0, 0);
	struct sigaction action = { .sa_handler = on_alarm };
	pid_t child = check_spawn(write_later, &fd);

	CHECK_EQ(take(fd), 8);
	CHECK_EQ(value, 7);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(put(fd, MOST), 8);
	child = check_spawn(read_later, &fd);
	CHECK_EQ(put(fd, 4), 8);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(take(fd), 8);
	CHECK_EQ(value, 4);
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	CHECK_ERR(take(fd), EINTR);
}

static void *give_many(void *argument)
{
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(put(*(int *)argument, 1), 8);
	return NULL;
}

static void *take_many(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t one = 0;

		CHECK_EQ(read(*(int *)argument, &one, sizeof one), 8);
		CHECK_EQ(one, 1);
	}
	return NULL;
}

/* As many as were given are taken, and nobody sleeps on. */
static void shared(void)
{
	int fd = eventfd(0, EFD_SEMAPHORE);
	pthread_t threads[2 * THREADS];

	for (int i = 0; i < 2 * THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, i % 2 ? give_many : take_many, &fd), 0);
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(events(fd), POLLOUT);
}

static const struct check_case cases[] = {
	CASE(basics), CASE(identity), CASE(largest), CASE(semaphore), CASE(blocking), CASE(shared), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("eventfd", cases, argc, argv);
}
