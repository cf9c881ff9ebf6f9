/* SPDX-License-Identifier: MIT */
/*
 * load-service: clients of the echo service, for tests of the service manager.
 *
 *	load-service PORT echo MILLISECONDS CLIENTS	processes that call all the time; prints "calls N failed N longest N" (µs), then each error that came
 *	load-service PORT fault NAME [ARGUMENT]		makes it misbehave (../../proto/echo.def), prints the result: 0 or an errno
 *	load-service PORT recover COUNT			lets it crash so often with a request held; prints "recoveries N median N longest N" (ns), each from
 *							that request to the first answer of the next instance
 *	load-service PORT hog MILLISECONDS		computes all the time in the best real-time class; PORT is not used
 *
 * Every other client of a load has one thread and no time-out, and its messages are such as go by the short way of messages; the others' do not.
 */
#include "proto/echo.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <raeen/message.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RECOVERIES_MAX = 1000, CLIENTS_MAX = 64, CALLS_MIN = 2, ERRNO_MAX = 4096 };
/* Bytes of a message: with their number before them whole words, as the short way wants, and not. */
enum { WHOLE_WORDS = 60, NOT_WHOLE = 65 };
static const int64_t patience_ns = 30ll * 1000000000;

static int port;
static uint64_t end_ns;

/* Of all clients. */
static struct {
	uint64_t calls, failed, longest_ns, errors[ERRNO_MAX];
} *counts;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void count(uint64_t took, int error)
{
	uint64_t longest = __atomic_load_n(&counts->longest_ns, __ATOMIC_RELAXED);

	__atomic_add_fetch(&counts->calls, 1, __ATOMIC_RELAXED);
	while (took > longest && !__atomic_compare_exchange_n(&counts->longest_ns, &longest, took, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	if (error == 0)
		return;
	__atomic_add_fetch(&counts->failed, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&counts->errors[-error % ERRNO_MAX], 1, __ATOMIC_RELAXED);
}

static void call_until_end(unsigned length, int64_t timeout)
{
	static struct echo_echo_request request;
	static struct echo_echo_reply reply;

	request.data_length = length;
	/* However late it is there on a busy machine: an instance tells its supervisor that it has answered when the next call comes. */
	for (unsigned made = 0; made < CALLS_MIN || now_ns() < end_ns; made++) {
		uint64_t began = now_ns();
		int error;

		memset(request.data, (int)began, length);
		error = echo_echo(port, &request, &reply, timeout);
		if (error == 0 && (reply.data_length != length || memcmp(reply.data, request.data, length) != 0))
			error = -EILSEQ;
		count(now_ns() - began, error);
	}
}

static void *stay(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* Returns its exit status. */
static int run_client(unsigned number)
{
	pthread_t company;

	if (number % 2 == 0) {
		call_until_end(WHOLE_WORDS, MSG_WAIT);
		return 0;
	}
	if (pthread_create(&company, NULL, stay, NULL) != 0)
		return 1;
	call_until_end(NOT_WHOLE, patience_ns);
	return 0;
}

static int load(uint64_t ms, unsigned clients)
{
	int status, result = 0;

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED || fcntl(port, F_SETFD, FD_CLOEXEC) < 0)
		return 1;
	end_ns = now_ns() + ms * 1000000;
	for (unsigned i = 0; i < clients; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(run_client(i));
		result |= pid < 0;
	}
	while (wait(&status) > 0)
		result |= status != 0;
	printf("calls %llu failed %llu longest %llu\n", (unsigned long long)counts->calls, (unsigned long long)counts->failed,
	       (unsigned long long)(counts->longest_ns / 1000));
	for (int i = 0; i < ERRNO_MAX; i++) {
		if (counts->errors[i])
			printf("%llu times %s\n", (unsigned long long)counts->errors[i], message_error_text(i));
	}
	return result;
}

static int fault(const char *name, const char *argument)
{
	static const char *const names[] = { "crash", "loop", "hang", "late", "leave", "fail" };
	struct echo_misbehave_request request = { .fault = 0 };

	while (request.fault < 6 && strcmp(names[request.fault], name) != 0)
		request.fault++;
	if (argument) {
		request.argument = (uint32_t)strtoul(argument, NULL, 10);
		request.argument_ns = request.argument * 1000000ull;
	}
	printf("%d\n", -echo_misbehave(port, &request, patience_ns));
	return 0;
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static int recover(unsigned count)
{
	struct echo_misbehave_request crash = { .fault = ECHO_FAULT_CRASH };
	static struct echo_echo_request request;
	static struct echo_echo_reply reply;
	static uint64_t took[RECOVERIES_MAX];

	for (unsigned i = 0; i < count; i++) {
		uint64_t began = now_ns();

		if (echo_misbehave(port, &crash, patience_ns) != -ECONNRESET || echo_echo(port, &request, &reply, patience_ns) != 0) {
			printf("recovery %u failed\n", i);
			return 1;
		}
		took[i] = now_ns() - began;
	}
	qsort(took, count, sizeof(took[0]), by_value);
	printf("recoveries %u median %llu longest %llu\n", count, (unsigned long long)took[count / 2], (unsigned long long)took[count - 1]);
	return 0;
}

static int hog(uint64_t ms)
{
	struct sched_param best = { .sched_priority = 99 };

	end_ns = now_ns() + ms * 1000000;
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &best) < 0) {
		perror("load-service: SCHED_FIFO");
		return 1;
	}
	while (now_ns() < end_ns)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[2], "hog") == 0)
		return hog(strtoul(argv[3], NULL, 10));
	if (argc < 4)
		return 2;
	port = message_open(argv[1], PORT_SEND, 5000000000);
	if (port < 0) {
		fprintf(stderr, "load-service: %s: %s\n", argv[1], message_error_text(port));
		return 1;
	}
	if (argc == 4 && strcmp(argv[2], "recover") == 0)
		return recover((unsigned)strtoul(argv[3], NULL, 10) % (RECOVERIES_MAX + 1));
	if (argc == 5 && strcmp(argv[2], "echo") == 0)
		return load(strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10) % (CLIENTS_MAX + 1));
	return fault(argv[3], argc > 4 ? argv[4] : NULL);
}
