/* SPDX-License-Identifier: MIT */
/* timerfd: the clocks, one time and periods, what a read and a setting tell, waiting, the clock's being set. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, LONG_MS = 10000, PATIENCE_MS = 20000 };

static uint64_t value;

static ssize_t take(int fd)
{
	value = 0;
	return read(fd, &value, sizeof value);
}

static struct itimerspec setting(long ms, long interval_ms)
{
	return (struct itimerspec){ { interval_ms / 1000, interval_ms % 1000 * MS }, { ms / 1000, ms % 1000 * MS } };
}

static int set(int fd, long ms, long interval_ms)
{
	struct itimerspec wanted = setting(ms, interval_ms);

	return timerfd_settime(fd, 0, &wanted, NULL);
}

static long milliseconds(struct timespec time)
{
	return time.tv_sec * 1000 + time.tv_nsec / MS;
}

static int ready(int fd, int wait_ms)
{
	struct pollfd wanted = { fd, POLLIN | POLLOUT, 0 };

	return poll(&wanted, 1, wait_ms) ? wanted.revents : 0;
}

static void refusals(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), file = open("/dev/null", O_RDWR);
	struct itimerspec some = setting(1, 0), wrong = some;
	char buffer[8];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC_RAW, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC_COARSE, 0), EINVAL);
	CHECK_ERR(timerfd_create(-1, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERR(take(fd), EAGAIN);
	CHECK_ERR(read(fd, buffer, 7), EINVAL);
	CHECK_ERR(write(fd, buffer, 8), EINVAL);
	CHECK_ERR(pread(fd, buffer, 8, 0), ESPIPE);
	CHECK_ERR(timerfd_settime(fd, 4, &some, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(file, 0, &some, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(-1, 0, &some, NULL), EBADF);
	CHECK_ERR(timerfd_gettime(file, &some), EINVAL);
	CHECK_ERR(timerfd_gettime(-1, &some), EBADF);
	CHECK_ERR(syscall(SYS_timerfd_settime, fd, 0, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_timerfd_gettime, fd, 8), EFAULT);
	wrong.it_value.tv_nsec = 1000 * MS;
	CHECK_ERR(timerfd_settime(fd, 0, &wrong, NULL), EINVAL);
	wrong = some;
	wrong.it_interval.tv_sec = -1;
	CHECK_ERR(timerfd_settime(fd, 0, &wrong, NULL), EINVAL);
	CHECK_EQ(ready(fd, 0), 0);
}

static void once(void)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (unsigned i = 0; i < 3; i++) {
		int fd = timerfd_create(clocks[i], 0);
		struct itimerspec wanted = setting(30, 0), left;
		long start = check_now();

		CHECK_EQ(timerfd_settime(fd, 0, &wanted, NULL), 0);
		CHECK_EQ(take(fd), 8);
		CHECK_EQ(value, 1);
		CHECK(check_now() - start >= 29);
		CHECK_EQ(timerfd_gettime(fd, &left), 0);
		CHECK_EQ(left.it_value.tv_sec | left.it_value.tv_nsec | left.it_interval.tv_sec | left.it_interval.tv_nsec, 0);
		/* Time that has passed already; poll sees it, a read takes it. */
		wanted.it_value = (struct timespec){ 0, 1 };
		CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &wanted, NULL), 0);
		CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
		CHECK_EQ(take(fd), 8);
		CHECK_EQ(ready(fd, 0), 0);
		/* Absolute time to come. */
		clock_gettime(clocks[i], &wanted.it_value);
		wanted.it_value.tv_sec += 100;
		CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &wanted, NULL), 0);
		CHECK_EQ(timerfd_gettime(fd, &left), 0);
		CHECK(left.it_value.tv_sec >= 60 && left.it_value.tv_sec <= 100);
		CHECK_EQ(set(fd, 0, 0), 0);
		CHECK_EQ(timerfd_gettime(fd, &left), 0);
		CHECK_EQ(left.it_value.tv_sec | left.it_value.tv_nsec, 0);
		close(fd);
	}
}

static void periods(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec old, wanted = setting(LONG_MS, 0);
	long start = check_now(), passed;
	uint64_t sum = 0;

	CHECK_EQ(set(fd, 5, 10), 0);
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	check_sleep(100);
	CHECK_EQ(take(fd), 8);
	CHECK(value >= 9);
	sum = value;
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	CHECK_EQ(take(fd), 8);
	sum += value;
	passed = check_now() - start;
	CHECK((long)sum <= (passed - 5) / 10 + 2);
	/* Reading the setting counts, too, and does not take what has expired. */
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	check_sleep(30);
	CHECK_EQ(timerfd_gettime(fd, &old), 0);
	CHECK_EQ(milliseconds(old.it_interval), 10);
	CHECK(milliseconds(old.it_value) <= 10);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(take(fd), 8);
	CHECK(value >= 3);
	/* A new setting forgets what has expired, and tells the old one. */
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN);
	CHECK_EQ(timerfd_settime(fd, 0, &wanted, &old), 0);
	CHECK_EQ(milliseconds(old.it_interval), 10);
	CHECK(milliseconds(old.it_value) <= 10);
	CHECK_ERR(take(fd), EAGAIN);
	CHECK_EQ(set(fd, 0, 0), 0);
}

static void on_alarm(int number)
{
	(void)number;
}

static void take_in_child(void *argument)
{
	CHECK_EQ(take(*(int *)argument), 8);
	CHECK_EQ(value, 1);
}

static void waiting(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), epoll = epoll_create1(0);
	struct sigaction action = { .sa_handler = on_alarm };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = 7 };
	pid_t child = check_spawn(take_in_child, &fd);

	/* Who waits already is woken by a later setting. */
	CHECK(check_state(child, 'S', PATIENCE_MS));
	CHECK_EQ(set(fd, 10, 0), 0);
	CHECK_EQ(check_wait(child), 0);
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	CHECK_ERR(take(fd), EINTR);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(set(fd, 10, 0), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
	CHECK_EQ(event.events, EPOLLIN);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	CHECK_EQ(take(fd), 8);
	/* Closed while it runs. */
	CHECK_EQ(set(fd, 1, 1), 0);
	close(fd);
	check_sleep(20);
}

static void information(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	char text[512] = "", path[64];
	struct itimerspec wanted = { { 3, 4 }, { 0, 1 } };

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wanted, NULL), 0);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	CHECK(read(open(path, O_RDONLY), text, sizeof text - 1) > 0);
	CHECK(strstr(text, "clockid: 0\nticks: ") != NULL);
	CHECK(strstr(text, "settime flags: 03\nit_value: (") != NULL);
	CHECK(strstr(text, "it_interval: (3, 4)\n") != NULL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	memset(text, 0, sizeof text);
	CHECK(readlink(path, text, sizeof text - 1) > 0);
	CHECK_STR(text, "anon_inode:[timerfd]");
}

static void shift_clock(long seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += seconds;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
}

static void read_canceled(void *argument)
{
	CHECK_ERR(take(*(int *)argument), ECANCELED);
}

static void clock_set(void)
{
	int told = timerfd_create(CLOCK_REALTIME, 0), moved = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	int relative = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct itimerspec wanted = { { 0, 0 }, { 0, 0 } };
	pid_t child;

	clock_gettime(CLOCK_REALTIME, &wanted.it_value);
	wanted.it_value.tv_sec += 1000;
	CHECK_EQ(timerfd_settime(told, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wanted, NULL), 0);
	CHECK_EQ(timerfd_settime(moved, TFD_TIMER_ABSTIME, &wanted, NULL), 0);
	CHECK_EQ(set(relative, 1000000, 0), 0);
	child = check_spawn(read_canceled, &told);
	CHECK(check_state(child, 'S', PATIENCE_MS));
	shift_clock(500);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(ready(told, 0), 0);
	CHECK_EQ(ready(moved, 0), 0);
	/* Its time comes earlier with the clock. */
	shift_clock(2000);
	CHECK_EQ(ready(moved, PATIENCE_MS), POLLIN);
	CHECK_EQ(take(moved), 8);
	CHECK_EQ(ready(relative, 0), 0);
	CHECK_EQ(ready(told, PATIENCE_MS), POLLIN);
	CHECK_ERR(take(told), ECANCELED);
	/* A setting tells it, too, and holds nevertheless. */
	CHECK_EQ(timerfd_settime(told, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wanted, NULL), 0);
	shift_clock(-2500);
	wanted.it_value.tv_sec += 100;
	CHECK_ERR(timerfd_settime(told, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wanted, NULL), ECANCELED);
	CHECK_EQ(timerfd_gettime(told, &wanted), 0);
	CHECK(wanted.it_value.tv_sec > 800);
	CHECK_EQ(ready(told, 0), 0);
}

static const struct check_case cases[] = {
	CASE(refusals), CASE(once), CASE(periods), CASE(waiting), CASE(information), CASE(clock_set), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("timerfd", cases, argc, argv);
}
