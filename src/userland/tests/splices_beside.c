/* SPDX-License-Identifier: MIT */
/* splice where several read, write or splice at one pipe, and are killed: each byte arrives once. */
#include "built_with.h"
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };
enum { IN, OUT };	/* ends of a pipe: what is read from, what is written to */

static char buffer[PAGE];

enum { RECORD = 512, RECORDS = 3000, MOVERS = 3 };

static int source[2], sink[2];

static void write_records(void *argument)
{
	char record[RECORD];

	for (int i = 0; i < RECORDS; i++) {
		memset(record, (int)(long)argument, sizeof record);
		memcpy(record, &i, sizeof i);
		if (!CHECK_EQ(write(source[OUT], record, sizeof record), sizeof record))
			break;
	}
}

static void move_all(void *argument)
{
	ssize_t moved;

	close(source[OUT]);
	close(sink[IN]);
	srand((int)(long)argument);
	do
		moved = splice(source[IN], NULL, sink[OUT], NULL, (rand() % 20 + 1) * RECORD, 0);
	while (moved > 0);
	CHECK_EQ(moved, 0);
}

/* Each record comes whole and once, and those of one writer in order where one moves them. */
static void count_records(int movers)
{
	static char seen[3][RECORDS];
	char record[RECORD];
	int last[3] = { -1, -1, -1 }, number;
	long total = 0;

	memset(seen, 0, sizeof seen);
	for (;;) {
		size_t got = 0;
		ssize_t part = 1;

		while (got < sizeof record && (part = read(sink[IN], record + got, sizeof record - got)) > 0)
			got += part;
		if (!got)
			break;
		CHECK_EQ(got, sizeof record);
		memcpy(&number, record, sizeof number);
		if (!CHECK(record[4] >= 0 && record[4] < 3 && number >= 0 && number < RECORDS))
			break;
		for (unsigned i = 5; i < sizeof record; i++)
			if (record[i] != record[4])
				CHECK_EQ(record[i], record[4]);
		CHECK_EQ(seen[(int)record[4]][number]++, 0);
		if (movers == 1)
			CHECK(number > last[(int)record[4]]);
		last[(int)record[4]] = number;
		total++;
	}
	CHECK_EQ(total, 2 * RECORDS);
}

static void movers_of(int movers)
{
	pid_t pids[MOVERS + 2];
	int count = 0;

	CHECK_EQ(pipe(source), 0);
	CHECK_EQ(pipe(sink), 0);
	for (long i = 0; i < movers; i++)
		pids[count++] = check_spawn(move_all, (void *)(i + 1));
	for (long i = 1; i <= 2; i++)
		pids[count++] = check_spawn(write_records, (void *)i);
	close(source[OUT]);
	close(source[IN]);
	close(sink[OUT]);
	count_records(movers);
	for (int i = 0; i < count; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
	close(sink[IN]);
}

static void crowds(void)
{
	movers_of(1);
	movers_of(MOVERS);
}

/* Two that splice what is in one pipe into one file, beside one that reads: all bytes arrive once. */
static void splice_to_shared(void *argument)
{
	int file = (int)(long)argument;
	ssize_t moved;

	close(source[OUT]);
	while ((moved = splice(source[IN], NULL, file, NULL, 700, 0)) > 0)
		;
	CHECK_EQ(moved, 0);
}

static void read_rest(void *argument)
{
	long *taken = argument;
	ssize_t got;

	close(source[OUT]);
	while ((got = read(source[IN], buffer, 300)) > 0)
		*taken += got;
}

static void readers_beside(void)
{
	int one = open("one", O_RDWR | O_CREAT, 0600), two = open("two", O_RDWR | O_CREAT, 0600);
	long *taken = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stat first, second;
	pid_t pids[3];

	CHECK_EQ(pipe(source), 0);
	pids[0] = check_spawn(splice_to_shared, (void *)(long)one);
	pids[1] = check_spawn(splice_to_shared, (void *)(long)two);
	pids[2] = check_spawn(read_rest, taken);
	write_records((void *)1l);
	close(source[OUT]);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
	CHECK_EQ(fstat(one, &first), 0);
	CHECK_EQ(fstat(two, &second), 0);
	CHECK_EQ(first.st_size + second.st_size + *taken, (long)RECORD * RECORDS);
}

/* Movers are killed at any moment: what they had not moved is still there, so each byte is in one of the two pipes, or written. */
static void move_for_ever(void *argument)
{
	ssize_t moved;

	close(source[OUT]);
	close(sink[IN]);
	do
		moved = splice(source[IN], NULL, sink[OUT], NULL, 3 * RECORD, 0);
	while (moved > 0);
	*(volatile int *)argument = 1;
}

static void read_sink(void *argument)
{
	close(source[OUT]);
	close(source[IN]);
	close(sink[OUT]);
	(void)argument;
	count_records(1);
}

static void killed_movers(void)
{
	volatile int *done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t writers[2], reader, mover;

	CHECK_EQ(pipe(source), 0);
	CHECK_EQ(pipe(sink), 0);
	reader = check_spawn(read_sink, NULL);
	for (long i = 1; i <= 2; i++)
		writers[i - 1] = check_spawn(write_records, (void *)i);
	close(source[OUT]);
	for (int i = 0; !*done; i++) {
		mover = check_spawn(move_for_ever, (void *)done);
		check_sleep(i % 7 + 1);
		kill(mover, SIGKILL);
		check_wait(mover);
	}
	close(source[IN]);
	close(sink[OUT]);
	close(sink[IN]);
	CHECK_EQ(check_wait(writers[0]), 0);
	CHECK_EQ(check_wait(writers[1]), 0);
	CHECK_EQ(check_wait(reader), 0);
}

/* Local sockets, both ways. */
static void sockets(void)
{
	int pipes[2], ends[2];
	char bytes[8];
	long zero = 0;

	if (!kernel_has(UNIX_SOCKETS))
		return;
	pipe(pipes);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	write(ends[0], "hello", 5);
	CHECK_EQ(splice(ends[1], NULL, pipes[OUT], NULL, 3, 0), 3);
	CHECK_EQ(splice(ends[1], NULL, pipes[OUT], NULL, PAGE, 0), 2);
	CHECK_ERR(splice(ends[1], NULL, pipes[OUT], NULL, PAGE, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(splice(pipes[IN], NULL, ends[1], NULL, PAGE, 0), 5);
	CHECK_EQ(read(ends[0], bytes, sizeof bytes), 5);
	CHECK(!memcmp(bytes, "hello", 5));
	CHECK(splice(ends[1], &zero, pipes[OUT], NULL, 1, 0) < 0);
	close(ends[0]);
	CHECK_EQ(splice(ends[1], NULL, pipes[OUT], NULL, PAGE, 0), 0);
	signal(SIGPIPE, SIG_IGN);
	write(pipes[OUT], "x", 1);
	CHECK_ERR(splice(pipes[IN], NULL, ends[1], NULL, 1, 0), EPIPE);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	CHECK_EQ(splice(pipes[IN], NULL, ends[1], NULL, 1, 0), 1);
	CHECK_EQ(read(ends[0], bytes, sizeof bytes), 1);
	write(ends[0], "y", 1);
	CHECK_EQ(splice(ends[1], NULL, pipes[OUT], NULL, 1, 0), 1);
	CHECK_EQ(read(pipes[IN], bytes, 1), 1);
	CHECK_EQ(bytes[0], 'y');
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(crowds), CASE(readers_beside), CASE(killed_movers), CASE(sockets), { NULL, NULL } };

	return check_main("splices_beside", cases, argc, argv);
}
