/* SPDX-License-Identifier: MIT */
/*
 * pipes: several writers and readers, threads and processes, at each pipe, blocking and with poll. Writes of at most
 * PIPE_BUF bytes are records that must come through whole, once, and in the order of their writer; a single writer sends a
 * stream of any sizes in which each byte tells its position.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SIDE = 3, RECORDS = 1500, STREAM = 200000, BATCH = 16 };

/* Divides PIPE_BUF, so that a reader never gets a part of one. */
struct record {
	uint32_t writer, number;
	uint64_t check[7];
};
_Static_assert(sizeof(struct record) == 64, "");

/* One round of one worker; shared with its helpers. */
struct exchange {
	int read_end, write_end;
	bool nonblocking;
	unsigned writers, readers;
	_Atomic uint64_t received[SIDE], sum[SIDE];	/* by writer */
	struct party {
		struct exchange *exchange;
		unsigned index;
		uint64_t random;
	} party[2 * SIDE];
};

static uint64_t mixed(uint64_t value)
{
	value = (value ^ value >> 31) * 0x7fb5d329728ea185;
	return value ^ value >> 27;
}

static void await(int fd, short events)
{
	struct pollfd wanted = { fd, events, 0 };

	EXPECT(poll(&wanted, 1, -1) == 1 || errno == EINTR, "poll");
	EXPECT(!(wanted.revents & ~(events | POLLHUP)), "poll says %#x", wanted.revents);
}

/* Writes all, whatever write() takes at a time. */
static void write_fully(struct exchange *exchange, const void *data, size_t size)
{
	while (size) {
		ssize_t done = write(exchange->write_end, data, size);

		if (done < 0) {
			EXPECT(errno == EAGAIN && exchange->nonblocking, "write");
			await(exchange->write_end, POLLOUT);
			continue;
		}
		EXPECT(done > 0 && (size > PIPE_BUF || (size_t)done == size), "a write of %zu wrote %zd", size, done);
		data = (const char *)data + done;
		size -= done;
	}
}

static void write_records(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };
	struct record batch[BATCH];
	unsigned number = 0;

	while (number < RECORDS) {
		unsigned count = 1 + storm_pick(&worker, BATCH);

		for (unsigned i = 0; i < count; i++) {
			batch[i].writer = party->index;
			batch[i].number = number++;
			for (unsigned k = 0; k < 7; k++)
				batch[i].check[k] = mixed(batch[i].number * 8 + k + ((uint64_t)party->index << 40));
		}
		write_fully(party->exchange, batch, count * sizeof *batch);
	}
}

/* Reads what there is, at most @size; 0 at the end. */
static size_t read_some(struct exchange *exchange, void *data, size_t size)
{
	ssize_t done;

	while ((done = read(exchange->read_end, data, size)) < 0) {
		EXPECT(errno == EAGAIN && exchange->nonblocking, "read");
		await(exchange->read_end, POLLIN);
	}
	return done;
}

static void take_record(struct exchange *exchange, const struct record *record, int64_t *last)
{
	EXPECT(record->writer < exchange->writers, "writer %u", record->writer);
	EXPECT(record->number > last[record->writer], "record %u of writer %u after %ld", record->number, record->writer, last[record->writer]);
	last[record->writer] = record->number;
	for (unsigned k = 0; k < 7; k++)
		EXPECT(record->check[k] == mixed(record->number * 8 + k + ((uint64_t)record->writer << 40)), "record %u of writer %u, word %u",
		       record->number, record->writer, k);
	exchange->received[record->writer]++;
	exchange->sum[record->writer] += record->number;
}

static void read_records(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };
	struct record batch[BATCH];
	int64_t last[SIDE] = { -1, -1, -1 };
	size_t got;

	while ((got = read_some(party->exchange, batch, (1 + storm_pick(&worker, BATCH)) * sizeof *batch))) {
		EXPECT(got % sizeof *batch == 0, "%zu bytes", got);
		for (unsigned i = 0; i < got / sizeof *batch; i++)
			take_record(party->exchange, &batch[i], last);
	}
}

static uint8_t byte_at(uint64_t position)
{
	return mixed(position >> 2) >> (8 * (position & 3));
}

static void write_stream(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };
	uint8_t data[12000];

	for (uint64_t position = 0; position < STREAM;) {
		size_t size = 1 + storm_pick(&worker, sizeof data);

		if (size > STREAM - position)
			size = STREAM - position;
		for (size_t i = 0; i < size; i++)
			data[i] = byte_at(position + i);
		write_fully(party->exchange, data, size);
		position += size;
	}
}

static void read_stream(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };
	uint8_t data[12000];
	uint64_t position = 0;
	size_t got;

	while ((got = read_some(party->exchange, data, 1 + storm_pick(&worker, sizeof data)))) {
		for (size_t i = 0; i < got; i++)
			EXPECT(data[i] == byte_at(position + i), "byte %lu is %#x, expected %#x", (unsigned long)(position + i), data[i],
			       byte_at(position + i));
		position += got;
	}
	party->exchange->received[0] = position;
}

static void check_exchange(struct exchange *exchange, bool stream)
{
	if (stream) {
		EXPECT(exchange->received[0] == STREAM, "%lu bytes came", (unsigned long)exchange->received[0]);
		return;
	}
	for (unsigned i = 0; i < exchange->writers; i++) {
		/* The last batch of a writer may reach past RECORDS; its numbers are without a gap. */
		uint64_t count = exchange->received[i], wanted = count * (count - 1) / 2;

		EXPECT(count >= RECORDS && count < RECORDS + BATCH && exchange->sum[i] == wanted,
		       "%lu records of writer %u, sum %lu, expected %lu", (unsigned long)count, i, (unsigned long)exchange->sum[i],
		       (unsigned long)wanted);
	}
}

/* A process has copies of both ends: it must close the one it does not use, or the reader never sees the end. */
static void read_as_process(void *argument)
{
	struct party *party = argument;

	close(party->exchange->write_end);
	(party->exchange->writers ? read_records : read_stream)(party);
}

static void do_round(struct worker *worker, struct exchange *exchange, bool stream)
{
	struct storm_helper helper[2 * SIDE];
	unsigned writers = stream ? 1 : 1 + storm_pick(worker, SIDE), readers = stream ? 1 : 1 + storm_pick(worker, SIDE);
	int ends[2];

	memset(exchange, 0, sizeof *exchange);
	exchange->nonblocking = storm_pick(worker, 3) == 0;
	EXPECT(pipe2(ends, O_CLOEXEC | (exchange->nonblocking ? O_NONBLOCK : 0)) == 0, "pipe2");
	exchange->read_end = ends[0];
	exchange->write_end = ends[1];
	exchange->writers = stream ? 0 : writers;
	for (unsigned i = 0; i < writers + readers; i++) {
		bool process = storm_pick(worker, 2), writes = i < writers;
		struct party *party = &exchange->party[i];

		*party = (struct party){ exchange, i, storm_random(worker) | 1 };
		if (writes)
			storm_help(&helper[i], process, stream ? write_stream : write_records, party);
		else
			storm_help(&helper[i], process, process ? read_as_process : stream ? read_stream : read_records, party);
	}
	for (unsigned i = 0; i < writers; i++) {
		storm_join(&helper[i]);
		storm_advance(worker);
	}
	close(ends[1]);
	for (unsigned i = writers; i < writers + readers; i++) {
		storm_join(&helper[i]);
		storm_advance(worker);
	}
	close(ends[0]);
	check_exchange(exchange, stream);
}

static void work(struct worker *worker)
{
	struct exchange *exchange = storm_shared(sizeof *exchange);

	signal(SIGPIPE, SIG_IGN);
	while (storm_goes_on(worker))
		do_round(worker, exchange, storm_pick(worker, 3) == 0);
	munmap(exchange, sizeof *exchange);
}

static void run(unsigned workers)
{
	storm_processes((workers + 1) / 2, work);
}

const struct storm pipes_storm = { "pipes", "records and streams through pipes, each byte accounted for", run, NULL };
