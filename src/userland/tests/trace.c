/* SPDX-License-Identifier: MIT */
/* /dev/trace: what is recorded of known patterns, who may read it, overflow, several readers, samples. On Linux, which has none, nothing is checked. */
#include "check.h"
#include "ports.h"
#include "trace_records.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORDS_MAX = 200000, PAGE = 4096, ROUNDS = 5, MESSAGE_TYPE = 77 << 16 | 7 };

static struct trace_record records[RECORDS_MAX];
static size_t count;
static char head[1 << 20];

static int trace_open(void)
{
	int fd = open("/dev/trace", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void tell(int fd, const char *command)
{
	CHECK_EQ(write(fd, command, strlen(command)), strlen(command));
}

/* Reads the text before the records. */
static void read_head(int fd)
{
	size_t length = 0;
	ssize_t got;

	do {
		got = read(fd, head + length, sizeof head - length - 1);
		if (!CHECK(got > 0))
			exit(1);
		length += got;
		head[length] = '\0';
	} while (length < 5 || strcmp(head + length - 5, "\nend\n"));
}

/* Reads all there is; keeps the events in @events (bits) of thread @tid, of all for -1. */
static void read_records(int fd, int tid, unsigned events)
{
	static struct trace_record buffer[4096];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof buffer)) > 0) {
		CHECK_EQ(got % sizeof *buffer, 0);
		for (size_t i = 0; i < got / sizeof *buffer; i++)
			if ((tid < 0 || buffer[i].tid == (uint32_t)tid) && (events >> buffer[i].event & 1) && count < RECORDS_MAX)
				records[count++] = buffer[i];
	}
	CHECK_EQ(got, 0);
}

#define EVENT(event) (1u << (event))
enum { ALL_EVENTS = -1 };

static void expect_call(size_t at, int event, int number, long argument)
{
	CHECK_EQ(records[at].event, event);
	CHECK_EQ(records[at].extra, number);
	if (argument >= 0)
		CHECK_EQ(records[at].argument, argument);
}

static void calls_in_order(void)
{
	int fd = trace_open();
	pid_t parent = getppid();

	tell(fd, "on syscall");
	syscall(SYS_getppid);
	syscall(SYS_close, 9999);
	syscall(SYS_rt_sigaction, 9999, 0, 0, 8);
	tell(fd, "off");
	syscall(SYS_getpid);
	read_head(fd);
	read_records(fd, getpid(), ALL_EVENTS);
	/* Of the calls that switch, each is seen by half: "on" had entered before, and "off" returns later. */
	CHECK_EQ(count, 7);
	expect_call(0, TRACE_CALL_ENTER, SYS_getppid, -1);
	expect_call(1, TRACE_CALL_LEAVE, SYS_getppid, parent);
	expect_call(2, TRACE_CALL_ENTER, SYS_close, 9999);
	expect_call(3, TRACE_CALL_LEAVE, SYS_close, -1);
	CHECK_EQ(records[3].argument, -EBADF);
	expect_call(4, TRACE_CALL_ENTER, SYS_rt_sigaction, 9999);
	CHECK_EQ(records[5].argument, -EINVAL);
	expect_call(6, TRACE_CALL_ENTER, SYS_write, fd);
	for (size_t i = 1; i < count; i++)
		CHECK(records[i].tsc >= records[i - 1].tsc);
	CHECK(strstr(head, "raeen-trace 1\nrecord_bytes 24\n") == head);
	CHECK(strstr(head, "\nsyscall 39 getpid\n") && strstr(head, "\ngroups syscall\n"));
	close(fd);
}

static void confine(pid_t pid)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	CHECK_EQ(sched_setaffinity(pid, sizeof first, &first), 0);
}

static void pin(pid_t pid)
{
	struct sched_param parameters = { .sched_priority = 1 };

	confine(pid);
	CHECK_EQ(syscall(SYS_sched_setscheduler, pid, SCHED_FIFO, &parameters), 0);	/* musl has no function for it */
}

static void ask_and_notify(void *unused)
{
	int port = port_open("test.trace", PORT_SEND | PORT_NOTIFY);

	(void)unused;
	CHECK(port >= 0 && msg_buffer() > (char *)0);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(native(NR_msg_ask, port, HEADER(MESSAGE_TYPE, 64), 0, 0, 0).value, HEADER(0, 8));
	CHECK_EQ(port_notify(port, 5), 0);
}

static void expect_messages(size_t *at, pid_t tid, int number, uint64_t sent, uint64_t got)
{
	for (int event = TRACE_MESSAGE_ENTER; event <= TRACE_MESSAGE_LEAVE; event++, ++*at) {
		while (*at < count && records[*at].tid != (uint32_t)tid)
			++*at;
		if (!CHECK(*at < count))
			return;
		CHECK_EQ(records[*at].event, event);
		CHECK_EQ(records[*at].extra, number);
		CHECK_EQ(records[*at].argument, event == TRACE_MESSAGE_ENTER ? sent : got);
	}
}

/* Services of the system have messages of their own meanwhile. */
static size_t records_of(pid_t one, pid_t other)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += records[i].tid == (uint32_t)one || records[i].tid == (uint32_t)other;
	return found;
}

/* None goes by the short way unseen, and no other call is recorded. */
static void messages(void)
{
	int fd = trace_open(), port = port_create("test.trace", 0);
	struct result got;
	pid_t child;
	size_t at = 0;

	CHECK(port >= 0 && msg_buffer() > (char *)0);
	/* On one CPU they would take the short way, and the records stand in their order. */
	confine(0);
	tell(fd, "on message");
	child = check_spawn(ask_and_notify, NULL);
	got = native(NR_msg_serve, port, 0, 0, 0, 0);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(got.value, HEADER(MESSAGE_TYPE, 64));
		got = native(NR_msg_serve, port, HEADER(0, 8), got.token, 0, 0);
	}
	CHECK_EQ(got.value, MSG_NOTIFICATION);
	CHECK_EQ(got.token, 5);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
	tell(fd, "off");
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
	read_head(fd);
	CHECK(strstr(head, "\ngroups message\n"));
	read_records(fd, -1, EVENT(TRACE_MESSAGE_ENTER) | EVENT(TRACE_MESSAGE_LEAVE) | EVENT(TRACE_CALL_ENTER) | EVENT(TRACE_CALL_LEAVE));
	for (int i = 0; i < ROUNDS; i++)
		expect_messages(&at, child, NR_msg_ask, HEADER(MESSAGE_TYPE, 64), HEADER(0, 8));
	expect_messages(&at, child, NR_port_notify, 5, 0);
	at = 0;
	for (int i = 0; i <= ROUNDS; i++)
		expect_messages(&at, getpid(), NR_msg_serve, i ? HEADER(0, 8) : TRACE_NO_MESSAGE, i < ROUNDS ? HEADER(MESSAGE_TYPE, 64) : MSG_NOTIFICATION);
	expect_messages(&at, getpid(), NR_msg_recv, TRACE_NO_MESSAGE, -EAGAIN);
	CHECK_EQ(records_of(getpid(), child), 2 * (ROUNDS + 1) + 2 * (ROUNDS + 2));
	close(fd);
}

/* Calls that replace the register frame go another way through the tracer; the registers must survive it. */
static void frame_calls(void)
{
	int fd = trace_open(), status;
	pid_t child;

	tell(fd, "on syscall,sched");
	child = fork();
	if (!child) {
		execl("/bin/true", "true", NULL);
		_exit(9);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	tell(fd, "off");
	read_head(fd);
	read_records(fd, child, EVENT(TRACE_CALL_ENTER) | EVENT(TRACE_CALL_LEAVE) | EVENT(TRACE_NAME));
	close(fd);

	bool executed = false, named = false, ended = false;

	for (size_t i = 0; i < count; i++) {
		const struct trace_record *record = &records[i];

		if (record->event == TRACE_CALL_LEAVE && record->extra == SYS_execve)
			executed = record->argument == 0 && named;
		if (record->event == TRACE_NAME)
			named = memcmp(record, "true", 5) == 0;
		if (record->event == TRACE_CALL_ENTER && record->extra == SYS_exit_group)
			ended = executed && i == count - 1;
	}
	CHECK(ended);
}

static void faults(void)
{
	int fd = trace_open();
	char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t seen = 0;

	memset(records, 0, sizeof records);	/* its pages must not fault below */
	tell(fd, "on fault");
	for (int i = 3; i >= 0; i--)
		pages[i * PAGE + i] = 1;
	tell(fd, "off");
	read_head(fd);
	read_records(fd, getpid(), EVENT(TRACE_FAULT_ENTER) | EVENT(TRACE_FAULT_LEAVE));
	for (size_t i = 0; i + 1 < count; i++) {
		if (records[i].event != TRACE_FAULT_ENTER || records[i].argument - (uintptr_t)pages >= 4 * PAGE)
			continue;
		CHECK_EQ(records[i].argument, (uintptr_t)pages + (3 - seen) * PAGE + 3 - seen);
		CHECK_EQ(records[i].extra & 7, 6);	/* user, write, not present */
		CHECK_EQ(records[i + 1].event, TRACE_FAULT_LEAVE);
		seen++;
	}
	CHECK_EQ(seen, 4);
	close(fd);
}

static void answer(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		CHECK_EQ(write(out, &byte, 1), 1);
}

/* Two threads of one priority on one CPU that wait for each other: each round is two wake-ups and two switches, in this order. */
static void switches(void)
{
	int fd = trace_open(), there[2], back[2];
	char byte = 0;
	pid_t me = getpid(), child;

	CHECK_EQ(pipe(there) | pipe(back), 0);
	pin(0);
	child = fork();
	if (!child) {
		close(there[1]);
		answer(there[0], back[1]);
		_exit(0);
	}
	for (int i = -1; i < ROUNDS; i++) {	/* the first brings the child to its read */
		if (i == 0)
			tell(fd, "on sched");
		CHECK_EQ(write(there[1], &byte, 1), 1);
		CHECK_EQ(read(back[0], &byte, 1), 1);
		if (i < 0)
			check_state(child, 'S', 5000);
	}
	tell(fd, "off");
	close(there[1]);
	CHECK_EQ(check_wait(child), 0);
	read_head(fd);
	read_records(fd, -1, EVENT(TRACE_SWITCH) | EVENT(TRACE_WAKE));
	close(fd);

	size_t kept = 0;

	/* The interrupts that came meanwhile woke others. */
	for (size_t i = 0; i < count; i++) {
		pid_t other = records[i].tid == (uint32_t)me ? child : me;

		if (records[i].tid != (uint32_t)me && records[i].tid != (uint32_t)child)
			continue;
		if (records[i].event == TRACE_WAKE ? records[i].argument == (uint32_t)other : records[i].extra == 'S')
			records[kept++] = records[i];
	}
	CHECK_EQ(kept, 4 * ROUNDS);
	for (size_t i = 0; i < kept; i++) {
		CHECK_EQ(records[i].tid, i % 4 < 2 ? me : child);
		CHECK_EQ(records[i].event, i % 2 ? TRACE_SWITCH : TRACE_WAKE);
		CHECK_EQ(records[i].cpu, 0);
	}
}

static void threads_are_named(void)
{
	int fd = trace_open();
	bool made = false, renamed = false;
	pid_t me = getpid(), child;
	char line[64];

	tell(fd, "on sched");
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	prctl(PR_SET_NAME, "fifteen letters");
	tell(fd, "off");
	read_head(fd);
	read_records(fd, me, EVENT(TRACE_FORK) | EVENT(TRACE_NAME));
	for (size_t i = 0; i < count; i++) {
		if (records[i].event == TRACE_FORK)
			made |= records[i].argument == ((uint64_t)child << 32 | child);
		else
			renamed |= memcmp(&records[i], "fifteen letters", 16) == 0;
	}
	CHECK(made);
	CHECK(renamed);
	snprintf(line, sizeof line, "\nthread %d %d fifteen\\040letters\n", me, me);
	CHECK(strstr(head, line));
	close(fd);
}

/* A ring of 16 KiB holds 682 records, of which 64 are left to the writer. So many calls are too many for the rings of 8 CPUs together. */
static void overflow(void)
{
	enum { CALLS = 4000, KEPT = 16384 / 24 - 64 };
	int fd = trace_open();
	size_t of_cpu[64] = { 0 }, losses = 0;
	uint64_t total = 0;

	tell(fd, "on syscall size=16");
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	tell(fd, "off");
	read_head(fd);
	read_records(fd, -1, ALL_EVENTS);
	for (size_t i = 0; i < count; i++) {
		size_t *before = &of_cpu[records[i].cpu & 63];

		if (records[i].event == TRACE_LOST) {
			CHECK_EQ(*before, 0);	/* the oldest are those that are lost */
			losses++;
			total += records[i].argument;
			*before += 1ul << 32;
		} else {
			total++;
			++*before;
		}
	}
	for (int cpu = 0; cpu < 64; cpu++)
		if (of_cpu[cpu] >> 32)
			CHECK_EQ(of_cpu[cpu], (1ul << 32) + KEPT);
	CHECK(losses > 0);
	CHECK(total >= 2 * CALLS + 1);
	CHECK_EQ(read(fd, records, sizeof records), 0);
	close(fd);
}

static void two_readers(void)
{
	static char first[1 << 18], second[1 << 18];
	int owner = trace_open(), other = trace_open(), late;
	size_t length = 0;
	ssize_t got;

	CHECK_EQ(read(owner, head, sizeof head), 0);	/* nothing has been recorded since the device was opened */
	tell(owner, "on syscall");
	CHECK_ERR(write(other, "on fault", 8), EBUSY);
	CHECK_ERR(write(other, "off", 3), EBUSY);
	for (int i = 0; i < 100; i++)
		getppid();
	tell(owner, "off");
	read_head(owner);
	read_head(other);
	CHECK((got = read(owner, first, sizeof first)) > 100 * 24);
	/* In small pieces it is the same. */
	while (length < (size_t)got && (late = read(other, second + length, 100)) > 0)
		length += late;
	CHECK_EQ(length, got);
	CHECK_EQ(memcmp(first, second, got), 0);
	close(owner);
	late = trace_open();
	read_head(late);
	CHECK_EQ(read(late, second, sizeof second), got);
	CHECK_EQ(memcmp(first, second, got), 0);
	/* Who has switched it on switches it off by going. */
	tell(late, "on syscall");
	close(late);
	tell(other, "on fault");
	close(other);
}

static void refused(void)
{
	static const char *const bad[] = { "", "on", "off now", "on nothing", "on ,", "on sched size=1", "on sched size=1000000", "on sched rate=0",
					   "on sample rate=10001", "on sched size=64k", "on sched color=1", "once sched", "on sched,nothing" };
	int fd = trace_open();
	struct trace_record record;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_ERR(write(fd, bad[i], strlen(bad[i])), EINVAL);
	memset(head, 'x', 200);
	CHECK_ERR(write(fd, head, 200), EINVAL);
	CHECK_ERR(write(fd, (void *)8, 10), EFAULT);
	tell(fd, "on syscall\n");
	getppid();
	tell(fd, "off\n");
	CHECK_ERR(read(fd, (void *)8, 4096), EFAULT);
	read_head(fd);
	CHECK_ERR(read(fd, &record, 23), EINVAL);
	CHECK_ERR(read(fd, (void *)8, 4096), EFAULT);
	CHECK_EQ(read(fd, &record, 24), 24);	/* nothing was lost by that */
	CHECK_EQ(record.event, TRACE_CALL_ENTER);
	CHECK_EQ(record.extra, SYS_getppid);
	close(fd);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(open("/dev/trace", O_RDONLY), EACCES);
}

static void open_as_user(void *unused)
{
	(void)unused;
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(open("/dev/trace", O_RDONLY), EPERM);
}

static void refused_whatever_the_mode(void)
{
	struct stat status;

	CHECK_EQ(stat("/dev/trace", &status), 0);
	CHECK_EQ(status.st_mode, S_IFCHR | 0600);
	CHECK_EQ(chmod("/dev/trace", 0666), 0);
	CHECK_EQ(check_child(open_as_user, NULL), 0);
	CHECK_EQ(chmod("/dev/trace", 0600), 0);
}

static __attribute__((noinline)) unsigned long burn(unsigned long rounds)
{
	unsigned long value = 1;

	for (unsigned long i = 0; i < rounds; i++) {
		value = value * 6364136223846793005ul + 1442695040888963407ul;
		__asm__ volatile("" : "+r"(value));
	}
	return value;
}

static __attribute__((noinline)) void burn_end(void)
{
	__asm__ volatile("");
}

static void samples(void)
{
	int fd = trace_open();
	size_t in_burn = 0;
	long begun = check_now();

	tell(fd, "on sample rate=1000");
	read_head(fd);
	read_records(fd, getpid(), 0);	/* what that took does not count */
	while (count < 200 && check_now() - begun < 20000) {
		burn(100000000);
		read_records(fd, getpid(), EVENT(TRACE_SAMPLE));
	}
	tell(fd, "off");
	for (size_t i = 0; i < count; i++)
		if (!(records[i].extra & 0xff) && records[i].argument >= (uintptr_t)burn && records[i].argument < (uintptr_t)burn_end)
			in_burn++;
	CHECK(count >= 200);
	CHECK(in_burn * 10 > count * 8);
	close(fd);
}

static void switch_samples(void *unused)
{
	int fd = trace_open();

	(void)unused;
	for (;;) {
		tell(fd, "on sample");
		tell(fd, "off");
	}
}

/* Who has samples taken on all CPUs stays on those where it may run, and who says meanwhile where that is has said so. */
static void samples_and_affinity(void)
{
	pid_t child = check_spawn(switch_samples, NULL);
	int last = sysconf(_SC_NPROCESSORS_ONLN) - 1, wrong = 0;

	for (int round = 0; round < 30; round++) {
		cpu_set_t set, found;

		CPU_ZERO(&set);
		CPU_SET(round & 1 ? last : 0, &set);
		CHECK_EQ(sched_setaffinity(child, sizeof set, &set), 0);
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(sched_getaffinity(child, sizeof found, &found), 0);
			wrong += !CPU_EQUAL(&set, &found);
			sched_yield();
		}
		check_sleep(1);
	}
	CHECK_EQ(wrong, 0);
	kill(child, 9);
	CHECK_EQ(check_wait(child), CHECK_KILLED + 9);
}

/* Switching while everything that is traced goes on. */
static void storm(void *unused)
{
	char *pages = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	for (;;) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
		for (int i = 0; i < 16; i++)
			pages[i * PAGE] = 1;
		madvise(pages, 16 * PAGE, MADV_DONTNEED);
		sched_yield();
	}
}

static void switched_under_load(void)
{
	int fd = trace_open();
	long begun = check_now();
	pid_t children[2];

	for (int i = 0; i < 2; i++)
		children[i] = check_spawn(storm, NULL);
	for (int i = 0; i < 2 || (i < 12 && check_now() - begun < 4000); i++) {
		tell(fd, i % 2 ? "on sched,syscall,fault,irq,sample,message rate=5000 size=64" : "on syscall,sched size=32");
		check_sleep(5);
		tell(fd, "off");
		read_head(fd);
		count = 0;
		read_records(fd, -1, ALL_EVENTS);
		CHECK(count > 0);
		for (size_t at = 0; at < count; at++)
			CHECK(records[at].event >= TRACE_SWITCH && records[at].event <= TRACE_MESSAGE_LEAVE &&
			      records[at].event != TRACE_TEXT);
	}
	for (int i = 0; i < 2; i++) {
		kill(children[i], 9);
		CHECK_EQ(check_wait(children[i]), CHECK_KILLED + 9);
	}
	close(fd);
}

static void nothing_to_check(void)
{
	CHECK_ERR(open("/dev/trace", O_RDONLY), ENOENT);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(calls_in_order), CASE(messages), CASE(frame_calls), CASE(faults), CASE(switches), CASE(threads_are_named), CASE(overflow),
		CASE(two_readers), CASE(refused), CASE(refused_whatever_the_mode), CASE(samples), CASE(samples_and_affinity),
		CASE(switched_under_load), { NULL, NULL }
	};
	static const struct check_case none[] = { CASE(nothing_to_check), { NULL, NULL } };

	if (check_on_linux())
		return check_main("trace", none, argc, argv);
	return check_main("trace", cases, argc, argv);
}
