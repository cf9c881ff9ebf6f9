/* SPDX-License-Identifier: MIT */
/* See supervisor.h. */
#include "check.h"
#include "supervisor.h"
#include "proto/service.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct service echo, counter;

enum { READY_MS = 20000, NS_PER_MS = 1000000 };

static void need(long result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "supervisor: %s: %s\n", what, message_error_text((int)result));
	CHECK(!"the supervisor can work");
	_exit(1);
}

void service_make(struct service *service, const char *program, unsigned port_flags, size_t state_size)
{
	*service = (struct service){ .program = program, .state = -1 };
	/* Who only receives needs the buffer, too. */
	need(message_buffer() ? 0 : -ENOMEM, "message_buffer");
	service->port = (int)port_create(NULL, port_flags);
	need(service->port, "port_create");
	/* Processes of the test may use it; services have their own. */
	fcntl(service->port, F_SETFD, FD_CLOEXEC);
	if (state_size) {
		service->state = (int)shmem_create(state_size, 0);
		need(service->state, "shmem_create");
		fcntl(service->state, F_SETFD, FD_CLOEXEC);
	}
	service->alarm = -1;
}

/* A new port for each instance, so that nothing of the last one is taken for its own. Returns a handle with NOTIFY only, which reaches the child. */
static int make_alarm(struct service *service)
{
	int notify;

	if (service->alarm >= 0)
		close(service->alarm);
	notify = message_supervise(&service->alarm);
	need(notify, "message_supervise");
	return notify;
}

static void give(const char *variable, int number)
{
	char text[16];

	snprintf(text, sizeof text, "%d", number);
	setenv(variable, text, 1);
}

static void run(const struct service *service, int port, int notify)
{
	char path[256], *argv[] = { path, (char *)service->argument, NULL };
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);

	path[length < 0 ? 0 : length] = 0;
	dirname(path);
	strcat(path, "/");
	if (service->program[0] == '/')
		path[0] = 0;
	strcat(path, service->program);
	give("RAEEN_PORT", port);
	give("RAEEN_SUPERVISOR", notify);
	if (service->watchdog_ms)
		give("RAEEN_WATCHDOG_MS", (int)service->watchdog_ms);
	if (service->state >= 0) {
		fcntl(service->state, F_SETFD, 0);
		give("RAEEN_STATE", service->state);
	}
	execv(path, argv);
	perror(path);
	_exit(127);
}

pid_t service_spawn(struct service *service)
{
	int notify = make_alarm(service);
	int port = (int)port_control(service->port, PORT_TAKE, PORT_KEEP);

	need(port, "PORT_TAKE");
	service->pid = fork();
	if (service->pid == 0)
		run(service, port, notify);
	need(service->pid < 0 ? -errno : 0, "fork");
	close(port);
	close(notify);
	return service->pid;
}

pid_t service_start(struct service *service)
{
	long end = check_now() + READY_MS;

	service_spawn(service);
	/* SUPERVISOR_READY */
	while (!(service_bits(service, 1000) & 2)) {
		CHECK(check_now() < end);
		if (check_now() >= end)
			_exit(1);
	}
	return service->pid;
}

uint64_t service_bits(struct service *service, int ms)
{
	return message_bits(service->alarm, (int64_t)ms * NS_PER_MS);
}

int service_wait(struct service *service)
{
	int code = check_wait(service->pid);

	service->pid = 0;
	return code;
}

int service_ask_to_stop(struct service *service)
{
	return service_stop(service->port, LONG);
}

void start_echo(void)
{
	service_make(&echo, "echo-service", PORT_PERSISTENT, 0);
	service_start(&echo);
}

void stop_echo(void)
{
	kill(echo.pid, SIGTERM);
	CHECK_EQ(service_wait(&echo), 0);
}

int echo_bytes(unsigned length, int64_t timeout)
{
	static __thread struct echo_echo_request request;
	static __thread struct echo_echo_reply reply;
	int error;

	request.data_length = length;
	for (unsigned i = 0; i < length && i < sizeof request.data; i++)
		request.data[i] = (uint8_t)(i * 7 + length);
	error = echo_echo(echo.port, &request, &reply, timeout);
	if (error == 0) {
		CHECK_EQ(reply.data_length, length);
		CHECK(memcmp(reply.data, request.data, length) == 0);
	}
	return error;
}

int echo_fault(enum echo_fault fault, unsigned argument)
{
	struct echo_misbehave_request request = { .fault = fault, .argument = argument, .argument_ns = fault == ECHO_FAULT_LATE ? argument * 1000000ull : 0 };

	return echo_misbehave(echo.port, &request, LONG);
}

void start_counter(void)
{
	service_make(&counter, "counter-service", PORT_PERSISTENT | PORT_REPLAY, 4096);
	service_start(&counter);
}

int counter_adds(unsigned client, uint64_t amount, enum counter_moment die, int64_t timeout, uint64_t *value)
{
	struct counter_add_request request = { .client = client, .amount = amount, .die = die };
	struct counter_add_reply reply = { 0 };
	int error = counter_add(counter.port, &request, &reply, timeout);

	*value = reply.value;
	return error;
}

struct port_state service_port_state(const struct service *service)
{
	struct port_state state = { 0 };

	CHECK_EQ(port_control(service->port, PORT_STATE, (uintptr_t)&state), 0);
	return state;
}

int supervisor_works(void)
{
	return msg_buffer() != -ENOSYS;
}

static void nothing(void)
{
	CHECK(1);
}

const struct check_case supervisor_no_cases[] = { CASE(nothing), { NULL, NULL } };
