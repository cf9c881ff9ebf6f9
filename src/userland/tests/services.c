/* SPDX-License-Identifier: MIT */
/*
 * Services made of the server loop (src/servers/lib/server.h), with the echo service of src/servers/test and the example: what they answer, what they
 * refuse, how they end in order. Native: on Linux nothing is checked.
 */
#include "check.h"
#include "supervisor.h"
#include "proto/counter.h"
#include "proto/echo.h"
#include "proto/example.h"
#include "proto/service.h"

#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is answered */

static void answers(void)
{
	struct service_ping_request ping = { .value = 0x1234567890abcdef };
	struct service_ping_reply pong = { 0 };
	struct service_state_reply state = { 0 };
	struct echo_note_request note = { .value = 5 };
	struct echo_notes_reply notes = { 0 };

	start_echo();
	CHECK_EQ(echo_version(echo.port, LONG), ECHO_MINOR);
	CHECK_EQ(service_version(echo.port, LONG), SERVICE_MINOR);
	for (unsigned length = 0; length <= 8000; length = length * 2 + 1)
		CHECK_EQ(echo_bytes(length, LONG), 0);
	CHECK_EQ(echo_bytes(8000, LONG), 0);
	CHECK_EQ(echo_bytes(8001, LONG), -EMSGSIZE);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(echo_note(echo.port, &note, LONG), 0);
	CHECK_EQ(echo_notes(echo.port, &notes, LONG), 0);
	CHECK_EQ(notes.count, 10);
	CHECK_EQ(notes.sum, 50);
	CHECK_EQ(echo_fault(ECHO_FAULT_FAIL, EXDEV), -EXDEV);
	CHECK_EQ(service_ping(echo.port, &ping, &pong, LONG), 0);
	CHECK_EQ(pong.value, ping.value);
	CHECK_EQ(service_state(echo.port, &state, LONG), 0);
	CHECK_STR(state.name, "echo");
	CHECK_EQ(state.pid, echo.pid);
	CHECK_EQ(state.phase, SERVICE_PHASE_SERVING);
	CHECK_EQ(state.failed, 1);
	CHECK_EQ(state.held, 0);
	CHECK(state.received == state.answered + 10 + 1);
	stop_echo();
}

/* Sends @length bytes as @type, with no function of the protocol between. Returns the service's errno, negative. */
static int raw(uint32_t type, unsigned length, struct msg_extra *extra, unsigned handles)
{
	struct msg_result result = msg_call(echo.port, msg_header_make(type, length, handles, 0), LONG, extra);

	return message_answer(result.header, 0, extra);
}

static void refusals(void)
{
	struct service_state_reply state = { 0 };
	struct msg_extra extra;
	int ends[2];
	char byte;

	start_echo();
	memset(message_buffer(), 0xff, MSG_PAYLOAD_MAX);
	CHECK_EQ(raw(ECHO_ECHO, 0, NULL, 0), -EBADMSG);
	CHECK_EQ(raw(ECHO_ECHO, 100, NULL, 0), -EBADMSG);
	CHECK_EQ(raw(ECHO_MISBEHAVE, 16, NULL, 0), -EBADMSG);
	CHECK_EQ(raw(ECHO_VERSION, 3, NULL, 0), -EBADMSG);
	CHECK_EQ(raw(ECHO_LEND, 128, NULL, 0), -EBADMSG);
	CHECK_EQ(raw(ECHO_ID << 16 | 99, 0, NULL, 0), -ENOSYS);
	CHECK_EQ(raw(COUNTER_ADD, 16, NULL, 0), -ENOSYS);
	CHECK_EQ(raw(1, 0, NULL, 0), -ENOSYS);
	/* Handles that nobody expects are closed: the pipe's other end sees its end. */
	CHECK_EQ(pipe(ends), 0);
	message_extra_clear(&extra);
	extra.handles[0] = ends[1];
	CHECK_EQ(raw(ECHO_NOTES, 0, &extra, 1), -EBADMSG);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	/* What must be lent was not. */
	strcpy(message_buffer(), "/tmp/not-lent");
	CHECK_EQ(raw(ECHO_LEND, 128, NULL, 0), -EPERM);
	CHECK_ERR(access("/tmp/not-lent", F_OK), ENOENT);
	CHECK_EQ(echo_bytes(10, LONG), 0);
	CHECK_EQ(service_state(echo.port, &state, LONG), 0);
	CHECK_EQ(state.rejected, 9);
	stop_echo();
}

static void handles(void)
{
	int first[2], second[2], out_first, out_second;
	char text[8] = "";

	start_echo();
	CHECK_EQ(pipe(first), 0);
	CHECK_EQ(pipe(second), 0);
	CHECK_EQ(echo_swap(echo.port, first[1], second[1], &out_first, &out_second, LONG), 0);
	CHECK_EQ(write(out_first, "second", 7), 7);
	CHECK_EQ(read(second[0], text, sizeof text), 7);
	CHECK_STR(text, "second");
	/* Gone for the sender, and the service has not kept any. */
	close(out_first);
	close(out_second);
	CHECK_EQ(read(first[0], text, 1), 0);
	CHECK_EQ(read(second[0], text, 1), 0);
	stop_echo();
}

static void lent(void)
{
	struct echo_lend_request request;
	char text[8] = "";
	int fd;

	start_echo();
	CHECK(getcwd(request.path, sizeof request.path - 8) != NULL);
	strcat(request.path, "/lent");
	CHECK_EQ(echo_lend(echo.port, &request, LONG), 0);
	fd = open("lent", O_RDONLY);
	CHECK_EQ(read(fd, text, sizeof text), 5);
	CHECK_STR(text, "lent\n");
	stop_echo();
}

static void *later_thread(void *argument)
{
	struct echo_later_request request = { .value = (uint64_t)argument };
	struct echo_later_reply reply = { 0 };

	CHECK_EQ(echo_later(echo.port, &request, &reply, LONG), 0);
	CHECK_EQ(reply.value, request.value);
	return NULL;
}

/* By the short way: the same, but for what needs to know who asks. */
static void short_way(void)
{
	int ends[2], first, second;

	service_make(&echo, "echo-service", PORT_PERSISTENT, 0);
	echo.argument = "--short";
	service_start(&echo);
	for (unsigned length = 0; length <= 8000; length = length * 2 + 1)
		CHECK_EQ(echo_bytes(length, length % 2 ? LONG : MSG_WAIT), 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(echo_bytes(8 * i, MSG_WAIT), 0);
	/* It looks after a descriptor meanwhile, and comes back. */
	later_thread((void *)3);
	CHECK_EQ(echo_bytes(8, MSG_WAIT), 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(echo_swap(echo.port, dup(ends[1]), ends[1], &first, &second, LONG), -EBADMSG);
	CHECK_EQ(read(ends[0], &first, 1), 0);
	CHECK_EQ(echo_lend(echo.port, &(struct echo_lend_request){ .path = "/tmp/not-lent" }, LONG), -EPERM);
	CHECK_EQ(service_stop(echo.port, LONG), -EPERM);
	stop_echo();
}

/* The one to copy from, as it is in the image: its count begins again, its port stays. */
static void example(void)
{
	struct example_greet_request request = { .name = "world" }, nobody = { .name = "" };
	struct example_greet_reply reply = { 0 };
	struct service service;

	service_make(&service, "/sbin/drivers/example", PORT_PERSISTENT, 0);
	for (int i = 0; i < 2; i++) {
		service_start(&service);
		CHECK_EQ(example_version(service.port, LONG), EXAMPLE_MINOR);
		CHECK_EQ(example_greet(service.port, &nobody, &reply, LONG), -EINVAL);
		for (unsigned count = 1; count <= 2; count++) {
			CHECK_EQ(example_greet(service.port, &request, &reply, LONG), 0);
			CHECK_STR(reply.greeting, "Good day, world.");
			CHECK_EQ(reply.count, count);
		}
		kill(service.pid, i ? SIGTERM : SIGKILL);
		CHECK_EQ(service_wait(&service), i ? 0 : CHECK_KILLED + SIGKILL);
	}
}

/* Threads, processes, registers */

static void *echo_often(void *argument)
{
	for (unsigned i = 0; i < 200; i++)
		CHECK_EQ(echo_bytes((i * 37 + (unsigned)(long)argument * 101) % 300, i % 2 ? LONG : MSG_WAIT), 0);
	return NULL;
}

static void threads_have_buffers(void)
{
	pthread_t threads[4];

	start_echo();
	for (long i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, echo_often, (void *)i), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	stop_echo();
}

static void echo_in_child(void *argument)
{
	(void)argument;
	CHECK_EQ(echo_bytes(77, LONG), 0);
}

static void children_have_buffers(void)
{
	start_echo();
	CHECK_EQ(echo_bytes(5, LONG), 0);
	CHECK_EQ(check_child(echo_in_child, NULL), 0);
	CHECK_EQ(echo_bytes(6, LONG), 0);
	stop_echo();
}

/* Values in every register, a frame pointer, and bytes below the stack pointer must outlive a call. */
static __attribute__((noinline)) uint64_t live_values(unsigned n, const uint64_t *in)
{
	uint64_t a = in[0], b = in[1] ^ a, c = in[2] + b, d = in[3] ^ c, e = in[4] + d, f = in[5] ^ e, g = in[6] + f, h = in[7] ^ g;
	uint8_t *stack = alloca(n);

	memset(stack, 0x5a, n);
	*(uint64_t *)message_buffer() = n;
	if (message_answer(msg_call(echo.port, msg_header_make(SERVICE_PING, 8, 0, 0), LONG, NULL).header, 0, NULL) != 0 ||
	    message_answer(msg_ask(echo.port, msg_header_make(SERVICE_PING, 8, 0, 0)).header, 0, NULL) != 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		if (stack[i] != 0x5a)
			return 1;
	return a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + g * 17 + h * 19;
}

static void registers(void)
{
	uint64_t in[8];

	start_echo();
	for (unsigned round = 0; round < 100; round++) {
		uint64_t running[8], want = 0;
		static const unsigned factors[8] = { 1, 3, 5, 7, 11, 13, 17, 19 };

		for (int i = 0; i < 8; i++)
			in[i] = (round + 1) * 0x9e3779b97f4a7c15ull * (unsigned)(i + 1);
		running[0] = in[0];
		for (int i = 1; i < 8; i++)
			running[i] = i % 2 ? in[i] ^ running[i - 1] : in[i] + running[i - 1];
		for (int i = 0; i < 8; i++)
			want += running[i] * factors[i];
		CHECK(live_values(round * 8 + 8, in) == want);
	}
	stop_echo();
}

/* Ending in order */

static void put_off(void)
{
	pthread_t threads[8];

	start_echo();
	for (long i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, later_thread, (void *)i), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	stop_echo();
}

static volatile int stop_calling;

static void *echo_until_stopped(void *argument)
{
	struct echo_later_request request = { .value = 1 };
	struct echo_later_reply reply;
	long failed = 0, done = 0;

	(void)argument;
	for (; !stop_calling; done++) {
		failed += echo_bytes(50, LONG) != 0;
		failed += echo_later(echo.port, &request, &reply, LONG) != 0;
	}
	CHECK(done > 0);
	return (void *)failed;
}

/* SIGTERM and `stop` under load: each instance finishes what it holds, the next one finds what is queued. Nobody notices. */
static void replaced_without_loss(void)
{
	pthread_t threads[4];
	void *failed;

	start_echo();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, echo_until_stopped, NULL), 0);
	for (int round = 0; round < 10; round++) {
		check_sleep(20);
		if (round % 2)
			CHECK_EQ(service_ask_to_stop(&echo), 0);
		else
			kill(echo.pid, SIGTERM);
		CHECK_EQ(service_wait(&echo), 0);
		service_start(&echo);
	}
	stop_calling = 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		CHECK_EQ((long)failed, 0);
	}
	stop_echo();
}

/* Programs that must start without a file system */

/* How many pages of the file at @path are in memory once all that can be had again has been given up; all of them were needed just now. */
static long stay_in_memory(const char *path, long *pages)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), drop = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	unsigned char in_memory[1024] = { 0 };
	char buffer[4096];
	struct stat status;
	long count = 0;
	void *at;

	CHECK_EQ(fstat(fd, &status), 0);
	*pages = (status.st_size + 4095) / 4096;
	at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(at != MAP_FAILED && *pages > 0 && *pages <= (long)sizeof in_memory);
	while (read(fd, buffer, sizeof buffer) > 0)
		continue;
	CHECK_EQ(write(drop, "3", 1), 1);
	CHECK_EQ(mincore(at, (size_t)status.st_size, in_memory), 0);
	for (long i = 0; i < *pages; i++)
		count += in_memory[i] & 1;
	munmap(at, (size_t)status.st_size);
	close(fd);
	close(drop);
	return count;
}

/* svc's file is sealed and never given up, as other files are; process 1 runs from such a file of the kernel's. */
static void pinned(void)
{
	int fd = open("/sbin/svc", O_RDONLY | O_CLOEXEC), writer = open("/sbin/svc", O_WRONLY | O_CLOEXEC);
	char program[64] = "";
	long pages, stay;

	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	CHECK(writer < 0 || write(writer, "x", 1) < 0);
	CHECK_ERR(truncate("/sbin/svc", 0), EPERM);
	CHECK_ERR(unlink("/sbin/svc"), EBUSY);
	CHECK_ERR(rename("/sbin/svc", "/sbin/other"), EBUSY);
	stay = stay_in_memory("/sbin/svc", &pages);
	CHECK_EQ(stay, pages);
	CHECK(stay_in_memory("/sbin/overlay", &pages) < pages);
	CHECK(readlink("/proc/1/exe", program, sizeof program - 1) > 0);
	CHECK_STR(program, "/memfd:/sbin/manager (deleted)");
	close(writer);
	close(fd);
}

static const struct check_case cases[] = {
	CASE(answers), CASE(refusals), CASE(handles), CASE(lent), CASE(example), CASE(threads_have_buffers), CASE(children_have_buffers), CASE(registers),
	CASE(put_off), CASE(short_way), CASE(replaced_without_loss), CASE(pinned), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("services", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
