/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs: blocking, non-blocking, atomic writes, ends that close, and waiting with poll, ppoll, select. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 18];

static void basics(void)
{
	int ends[2], bad[2];
	struct stat info;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], "hello", 5), 5);
	CHECK_EQ(ioctl(ends[0], FIONREAD, buffer), 0);
	CHECK_EQ(*(int *)buffer, 5);
	CHECK_EQ(read(ends[0], buffer, 2), 2);
	CHECK_EQ(read(ends[0], buffer + 2, 100), 3);
	CHECK(!memcmp(buffer, "hello", 5));
	CHECK_ERR(read(ends[1], buffer, 1), EBADF);
	CHECK_ERR(write(ends[0], buffer, 1), EBADF);
	CHECK_EQ(fstat(ends[0], &info), 0);
	CHECK(S_ISFIFO(info.st_mode));
	CHECK_EQ(close(ends[1]), 0);
	CHECK_EQ(read(ends[0], buffer, 1), 0);
	CHECK_ERR(pipe2(bad, 1), EINVAL);
	CHECK_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(ends[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(write(ends[1], "", 0), 0);
	CHECK_ERR(read(ends[0], buffer, 1), EAGAIN);
}

static void capacity(void)
{
	int ends[2];
	long total = 0;
	ssize_t done;

	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	CHECK_EQ(fcntl(ends[1], F_GETPIPE_SZ), 65536);
	while ((done = write(ends[1], buffer, 4096)) > 0)
		total += done;
	CHECK_ERR(write(ends[1], buffer, 1), EAGAIN);
	CHECK_EQ(total, 65536);
	/* Up to PIPE_BUF all or nothing; more takes what fits. */
	CHECK_EQ(read(ends[0], buffer, 4096), 4096);
	CHECK_EQ(write(ends[1], buffer, 3000), 3000);
	CHECK_ERR(write(ends[1], buffer, 3000), EAGAIN);
	while (read(ends[0], buffer, sizeof buffer) > 0)
		;
	CHECK_EQ(write(ends[1], buffer, 100000), 65536);
}

struct stream {
	int fd;
	unsigned seed;
};

static void write_stream(void *argument)
{
	struct stream *stream = argument;
	unsigned state = stream->seed;

	srand(stream->seed);
	for (int left = 500000; left;) {
		int part = rand() % 9000 + 1;

		part = part > left ? left : part;
		for (int i = 0; i < part; i++)
			buffer[i] = (state = state * 1664525 + 1013904223) >> 24;
		for (int at = 0; at < part;) {
			ssize_t done = write(stream->fd, buffer + at, part - at);

			if (done <= 0)
				_exit(1);
			at += done;
		}
		left -= part;
	}
}

static void blocking_stream(void)
{
	int ends[2];
	struct stream stream = { 0, 4711 };
	unsigned state = stream.seed, wrong = 0;
	long total = 0;
	ssize_t got;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	stream.fd = ends[1];
	child = check_spawn(write_stream, &stream);
	close(ends[1]);
	while ((got = read(ends[0], buffer, 7001)) > 0) {
		total += got;
		for (int i = 0; i < got; i++)
			wrong += (unsigned char)buffer[i] != (state = state * 1664525 + 1013904223) >> 24;
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(total, 500000);
	CHECK_EQ(wrong, 0);
}

struct exchange { int in, out; };

static void answer(void *argument)
{
	struct exchange *exchange = argument;

	while (read(exchange->in, buffer, 1) == 1)
		if (write(exchange->out, buffer, 1) != 1)
			_exit(1);
}

/* Each small write wakes the reader that sleeps, although no end is closed and more does not come. */
static void ping_pong(void)
{
	int to_child[2], to_parent[2];
	struct exchange exchange;
	struct pollfd answered;
	pid_t child;

	CHECK_EQ(pipe2(to_child, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(to_parent, O_CLOEXEC), 0);
	exchange = (struct exchange){ to_child[0], to_parent[1] };
	child = fork();
	if (child == 0) {
		close(to_child[1]);
		answer(&exchange);
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		CHECK(check_state(child, 'S', 5000));
		CHECK_EQ(write(to_child[1], "x", 1), 1);
		answered = (struct pollfd){ .fd = to_parent[0], .events = POLLIN };
		if (!CHECK_EQ(poll(&answered, 1, 5000), 1))
			break;
		CHECK_EQ(read(to_parent[0], buffer, 1), 1);
	}
	close(to_child[1]);
	CHECK_EQ(check_wait(child), 0);
}

static void write_records(void *argument)
{
	char record[1000];
	int *fd = argument;

	memset(record, getpid() & 0xff, sizeof record);
	for (int i = 0; i < 200; i++)
		if (write(*fd, record, sizeof record) != sizeof record)
			_exit(1);
}

/* Several writers of records below PIPE_BUF: each record stays whole. */
static void atomic_records(void)
{
	int ends[2], mixed = 0, total = 0;
	char record[1000];
	pid_t children[4];

	CHECK_EQ(pipe(ends), 0);
	for (int i = 0; i < 4; i++)
		children[i] = check_spawn(write_records, &ends[1]);
	close(ends[1]);
	for (;;) {
		int have = 0;
		ssize_t got = 0;

		while (have < 1000 && (got = read(ends[0], record + have, 1000 - have)) > 0)
			have += got;
		if (have != 1000)
			break;
		total++;
		for (int i = 1; i < 1000; i++)
			mixed += record[i] != record[0];
	}
	CHECK_EQ(total, 800);
	CHECK_EQ(mixed, 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(check_wait(children[i]), 0);
}

enum { FULL = 65536, FILLINGS = 3000 };

/* Writes all the time, and so waits for room most of it. */
static void fill_on(void *argument)
{
	static char data[5000];
	size_t left = (size_t)FILLINGS * FULL;

	while (left > 0) {
		size_t size = left < sizeof(data) ? left : sizeof(data);

		if (write(*(int *)argument, data, size) != (ssize_t)size)
			_exit(1);
		left -= size;
	}
	_exit(0);
}

/* The pipe gets full while the memory of who reads comes: the writer hears of the room that the read makes then. */
static void filled_while_memory_comes(void)
{
	int ends[2];
	pid_t child;
	size_t total = 0;
	ssize_t got = 1;

	CHECK_EQ(pipe(ends), 0);
	child = check_spawn(fill_on, &ends[1]);
	close(ends[1]);
	while (got > 0) {
		char *pages = mmap(NULL, FULL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		got = read(ends[0], pages, FULL);
		total += got > 0 ? got : 0;
		munmap(pages, FULL);
	}
	CHECK_EQ(total, (size_t)FILLINGS * FULL);
	CHECK_EQ(check_wait(child), 0);
}

enum { SMALL = 64, SMALL_COUNT = 8, PAGE = 4096, SMALL_TOTAL = 20000 };

/* Into memory of which the second page is not there yet. */
static void read_small(void *argument)
{
	int fd = *(int *)argument, mixed = 0;
	ssize_t got = 1;

	while (got > 0) {
		char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *records = pages + PAGE - 40;

		*pages = 1;
		got = read(fd, records, SMALL * SMALL_COUNT);
		mixed += got < 0 || got % SMALL;
		for (ssize_t i = 0; i < got; i++)
			mixed += records[i] != records[i / SMALL * SMALL];
		munmap(pages, 2 * PAGE);
	}
	_exit(mixed != 0);
}

/* Several readers, one of which has to wait for its memory: what each gets was in a row in the pipe. */
static void reads_in_a_row(void)
{
	pid_t children[3];
	char record[SMALL];
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			close(ends[1]);
			read_small(&ends[0]);
		}
	}
	for (int i = 0; i < SMALL_TOTAL; i++) {
		memset(record, i, sizeof record);
		if (write(ends[1], record, sizeof record) != sizeof record)
			CHECK(!"a record is written as a whole");
	}
	close(ends[1]);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_wait(children[i]), 0);
}

static void reader_gone(void *argument)
{
	close(((int *)argument)[0]);
	for (;;)
		if (write(((int *)argument)[1], buffer, 4096) < 0)
			_exit(errno);
}

static void closed_reader(void)
{
	int ends[2];
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = check_spawn(reader_gone, ends);
	check_sleep(30);
	/* It waits in a full pipe; closing the last reader ends that. */
	close(ends[0]);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(ends[1], "x", 1), EPIPE);
}

static void fifos(void)
{
	int reader, writer;
	pid_t child;
	char byte;

	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_ERR(mkfifo("fifo", 0600), EEXIST);
	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(reader >= 0);
	CHECK_EQ(read(reader, &byte, 1), 0);
	writer = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(writer >= 0);
	CHECK_ERR(read(reader, &byte, 1), EAGAIN);
	CHECK_EQ(write(writer, "a", 1), 1);
	CHECK_EQ(read(reader, &byte, 1), 1);
	close(reader);
	close(writer);
	/* A blocking open waits for the other side. */
	child = fork();
	if (child == 0) {
		check_sleep(30);
		writer = open("fifo", O_WRONLY);
		_exit(write(writer, "b", 1) == 1 ? 0 : 1);
	}
	reader = open("fifo", O_RDONLY);
	CHECK_EQ(read(reader, &byte, 1), 1);
	CHECK_EQ(byte, 'b');
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(read(reader, &byte, 1), 0);
}

static int revents(int fd, int events)
{
	struct pollfd one = { .fd = fd, .events = events };
	int ready = poll(&one, 1, 0);

	return ready < 0 ? -errno : one.revents;
}

static void poll_states(void)
{
	int ends[2], file = open("file", O_RDWR | O_CREAT, 0600);
	struct pollfd none = { .fd = -1, .events = POLLIN, .revents = 77 };

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(revents(ends[0], POLLIN), 0);
	CHECK_EQ(revents(ends[1], POLLIN | POLLOUT), POLLOUT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(revents(ends[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	close(ends[1]);
	CHECK_EQ(revents(ends[0], POLLIN), POLLIN | POLLHUP);
	CHECK_EQ(read(ends[0], buffer, 1), 1);
	CHECK_EQ(revents(ends[0], POLLIN), POLLHUP);
	CHECK_EQ(pipe(ends), 0);
	close(ends[0]);
	CHECK_EQ(revents(ends[1], POLLOUT), POLLOUT | POLLERR);
	CHECK_EQ(revents(file, POLLIN | POLLOUT), POLLIN | POLLOUT);
	CHECK_EQ(revents(999, POLLIN), POLLNVAL);
	CHECK_EQ(poll(&none, 1, 0), 0);
	CHECK_EQ(none.revents, 0);
	CHECK_ERR(poll((void *)8, 1, 0), EFAULT);
}

static void poll_wakes(void)
{
	int ends[2], other[2];
	struct pollfd both[2];
	long start = check_now();
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(other), 0);
	both[0] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	both[1] = (struct pollfd){ .fd = other[0], .events = POLLIN };
	CHECK_EQ(poll(both, 2, 30), 0);
	CHECK(check_now() - start >= 29);
	CHECK_EQ(poll(NULL, 0, 10), 0);
	child = fork();
	if (child == 0) {
		check_sleep(30);
		_exit(write(other[1], "x", 1) != 1);
	}
	start = check_now();
	CHECK_EQ(poll(both, 2, 20000), 1);
	CHECK(check_now() - start < 10000);	/* woken, not found when the time was up */
	CHECK_EQ(both[0].revents, 0);
	CHECK_EQ(both[1].revents, POLLIN);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(read(other[0], buffer, 1), 1);
	child = fork();
	if (child == 0) {
		close(other[0]);
		check_sleep(30);
		_exit(0);
	}
	close(other[1]);
	both[1].revents = 0;
	CHECK_EQ(poll(both, 2, 20000), 1);
	CHECK_EQ(both[1].revents, POLLHUP);
	CHECK_EQ(check_wait(child), 0);
}

static volatile int alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void send_alarm(void *unused)
{
	(void)unused;
	check_signal_parent(SIGALRM);
}

/* ppoll opens the mask for the wait only: no signal is lost between test and wait. */
static void poll_signals(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct timespec limit = { 20, 0 }, brief = { 0, 20000000 };
	sigset_t block, open_mask;
	int ends[2];
	struct pollfd one;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	one = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&open_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGALRM);
	CHECK_EQ(alarms, 0);
	one.revents = POLLIN | POLLOUT;
	CHECK_ERR(ppoll(&one, 1, &limit, &open_mask), EINTR);
	CHECK_EQ(one.revents, 0);
	CHECK_EQ(alarms, 1);
	CHECK_EQ(ppoll(&one, 1, &brief, &open_mask), 0);
	raise(SIGALRM);
	CHECK_EQ(ppoll(&one, 1, &brief, NULL), 0);
	CHECK_EQ(alarms, 1);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	CHECK_EQ(alarms, 2);
	child = check_spawn(send_alarm, NULL);
	CHECK_ERR(poll(&one, 1, 20000), EINTR);	/* never restarted */
	check_wait(child);
}

static void selecting(void)
{
	int ends[2];
	fd_set readers, writers;
	struct timeval limit = { 0, 20000 }, none = { 0, 0 };
	struct timespec brief = { 0, 1000000 };

	CHECK_EQ(pipe(ends), 0);
	FD_ZERO(&readers);
	FD_ZERO(&writers);
	FD_SET(ends[0], &readers);
	CHECK_EQ(select(ends[0] + 1, &readers, NULL, NULL, &limit), 0);
	CHECK(!FD_ISSET(ends[0], &readers));
	FD_SET(ends[0], &readers);
	FD_SET(ends[1], &writers);
	CHECK_EQ(select(ends[1] + 1, &readers, &writers, NULL, &none), 1);
	CHECK(FD_ISSET(ends[1], &writers) && !FD_ISSET(ends[0], &readers));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	FD_SET(ends[0], &readers);
	CHECK_EQ(select(ends[1] + 1, &readers, &writers, NULL, NULL), 2);
	CHECK_EQ(pselect(ends[1] + 1, &readers, NULL, NULL, &brief, NULL), 1);
	FD_ZERO(&readers);
	FD_SET(50, &readers);
	CHECK_ERR(select(51, &readers, NULL, NULL, &none), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, &none), EINVAL);
	CHECK_EQ(select(0, NULL, NULL, NULL, &limit), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(basics), CASE(capacity), CASE(blocking_stream), CASE(ping_pong), CASE(atomic_records), CASE(reads_in_a_row),
		CASE(filled_while_memory_comes), CASE(closed_reader), CASE(fifos),
		CASE(poll_states), CASE(poll_wakes), CASE(poll_signals), CASE(selecting), { NULL, NULL },
	};

	return check_main("pipes", cases, argc, argv);
}
