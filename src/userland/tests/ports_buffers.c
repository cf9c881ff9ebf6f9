/* SPDX-License-Identifier: MIT */
/*
 * Message buffers whose programs take them away, put something else there, fork, exec and end while others call: the kernel has its own way to the pages,
 * and nobody sees another's data. Native.
 */
#include "check.h"
#include "leak.h"
#include "ports_kit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000, ADD = 1, SERVED = 300 };

/* Adds one to each word of what comes until killed. */
static void serve(void *argument)
{
	int fd = (long)argument;
	uint64_t *numbers = (uint64_t *)msg_buffer();
	struct result got = msg_serve(fd, 0, 0);

	for (;;) {
		for (unsigned i = 0; got.value > 0 && i < msg_length(got.value) / 8; i++)
			numbers[i]++;
		got = msg_serve(fd, got.value > 0 ? (uint64_t)got.value : 0, got.value > 0 ? got.token : 0);
	}
}

static pid_t start(void)
{
	int receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	pid_t pid = check_spawn(serve, (void *)(long)receiver);

	close(receiver);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
}

/* Asks with what lies in the buffer at @numbers, if that is mapped. */
static int works(uint64_t *numbers)
{
	for (int i = 0; i < 16; i++)
		numbers[i] = i * 7;
	if (msg_ask(port, HEADER(ADD, 128)).value != (int64_t)HEADER(ADD, 128))
		return 0;
	for (int i = 0; i < 16; i++)
		if (numbers[i] != (uint64_t)i * 7 + 1)
			return 0;
	return 1;
}

static void asks_anyhow(void)
{
	CHECK_EQ(msg_ask(port, HEADER(ADD, 128)).value, HEADER(ADD, 128));
	CHECK_EQ(msg_call(port, HEADER(ADD, MSG_PAYLOAD_MAX), MSG_WAIT, NULL).value, HEADER(ADD, MSG_PAYLOAD_MAX));
	CHECK_EQ(msg_send(port, HEADER(ADD, 512), 0, NULL), 0);
}

static void unmapped(void *unused)
{
	char *buffer = msg_buffer();

	(void)unused;
	CHECK_EQ(munmap(buffer, MSG_PAYLOAD_MAX), 0);
	asks_anyhow();
	CHECK_EQ((long)msg_buffer(), (long)buffer);
}

static void half_unmapped(void *unused)
{
	char *buffer = msg_buffer();

	(void)unused;
	CHECK_EQ(munmap(buffer + 4096, 4096), 0);
	asks_anyhow();
	CHECK(works((uint64_t *)buffer));
}

static void protected(void *unused)
{
	char *buffer = msg_buffer();

	(void)unused;
	buffer[0] = 'a';
	CHECK_EQ(mprotect(buffer, MSG_PAYLOAD_MAX, PROT_READ), 0);
	asks_anyhow();
	CHECK_EQ(mprotect(buffer, MSG_PAYLOAD_MAX, PROT_NONE), 0);
	asks_anyhow();
	CHECK_EQ(mprotect(buffer, MSG_PAYLOAD_MAX, PROT_READ | PROT_WRITE), 0);
	CHECK(works((uint64_t *)buffer));
}

/* Something else of the program's lies there: no message changes it, and at the thread's end it stays. */
static void *replace_and_end(void *unused)
{
	char *buffer = msg_buffer();

	CHECK(mmap(buffer, MSG_PAYLOAD_MAX, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == buffer);
	memset(buffer, 'x', MSG_PAYLOAD_MAX);
	asks_anyhow();
	for (int i = 0; i < MSG_PAYLOAD_MAX; i++)
		if (buffer[i] != 'x') {
			CHECK_EQ(buffer[i], 'x');
			break;
		}
	(void)unused;
	return buffer;
}

static void replaced(void *unused)
{
	pthread_t thread;
	void *buffer;

	(void)unused;
	CHECK_EQ(pthread_create(&thread, NULL, replace_and_end, NULL), 0);
	CHECK_EQ(pthread_join(thread, &buffer), 0);
	CHECK_EQ(((char *)buffer)[4097], 'x');
}

static void advised(void *unused)
{
	char *buffer = msg_buffer();

	(void)unused;
	strcpy(buffer, "still there");
	CHECK_EQ(madvise(buffer, MSG_PAYLOAD_MAX, MADV_DONTNEED), 0);
	CHECK_STR(buffer, "still there");
	CHECK(works((uint64_t *)buffer));
	madvise(buffer, MSG_PAYLOAD_MAX, MADV_REMOVE);
	asks_anyhow();
	madvise(buffer, MSG_PAYLOAD_MAX, MADV_WIPEONFORK);
	asks_anyhow();
}

static void moved(void *unused)
{
	char *buffer = msg_buffer(), *now = mremap(buffer, MSG_PAYLOAD_MAX, MSG_PAYLOAD_MAX * 4, MREMAP_MAYMOVE);

	(void)unused;
	asks_anyhow();
	if (now != MAP_FAILED)
		CHECK(works((uint64_t *)now));
}

/* A child has no buffer, nor a view of its parent's; it gets its own. */
static void forked(void *unused)
{
	char *buffer = msg_buffer();
	pid_t pid;

	(void)unused;
	CHECK(works((uint64_t *)buffer));
	strcpy(buffer, "parent");
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(msg_ask(port, HEADER(ADD, 8)).value, -ENOBUFS);
		CHECK(works((uint64_t *)msg_buffer()));
		_exit(0);
	}
	CHECK_EQ(check_wait(pid), 0);
	CHECK_STR(buffer, "parent");
	CHECK(works((uint64_t *)buffer));
}

/* A child of vfork shares the memory, but is another thread. */
static void vforked(void *unused)
{
	char *buffer = msg_buffer();
	volatile long own = 0, works_there = 0;
	pid_t pid;

	(void)unused;
	strcpy(buffer, "parent");
	pid = vfork();
	if (pid == 0) {
		own = (long)msg_buffer();
		works_there = works((uint64_t *)own);
		_exit(0);
	}
	CHECK_EQ(check_wait(pid), 0);
	CHECK(own && own != (long)buffer && works_there);
	CHECK_STR(buffer, "parent");
	CHECK(works((uint64_t *)buffer));
}

static void executed(void *unused)
{
	(void)unused;
	CHECK(works((uint64_t *)msg_buffer()));
	execl("/bin/true", "true", NULL);
	_exit(1);
}

static void with_each(void (*const *bodies)(void *))
{
	static struct leak_mark mark;
	pid_t server;

	begin(PORT_PERSISTENT);
	server = start();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; bodies[i]; i++)
			CHECK_EQ(check_child(bodies[i], NULL), 0);
		if (round == 0)
			leak_mark(&mark);
	}
	leak_check(&mark, "message buffers");
	CHECK(works((uint64_t *)msg_buffer()));
	stop(server);
}

/* Each runs in a process with a buffer of its own. */
static void buffers_taken_away(void)
{
	static void (*const bodies[])(void *) = { unmapped, half_unmapped, protected, replaced, advised, moved, NULL };

	with_each(bodies);
}

static void forks_and_execs(void)
{
	static void (*const bodies[])(void *) = { forked, vforked, executed, NULL };

	with_each(bodies);
}

/* A server whose threads come and go, which forks and at last executes something else, while calls arrive: each is answered right or ends with an error. */
static void *serve_a_while(void *argument)
{
	int fd = (long)argument;
	uint64_t *numbers = (uint64_t *)msg_buffer();

	for (int i = 0; i < 20; i++) {
		struct result got = msg_recv(fd, 20 * MS, NULL);

		if (got.value < 0)
			continue;
		for (unsigned j = 0; j < msg_length(got.value) / 8; j++)
			numbers[j]++;
		msg_reply(fd, got.value, got.token, NULL);
	}
	return NULL;
}

static void restless_server(void *argument)
{
	pthread_t threads[3];

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, serve_a_while, argument);
		if (fork() == 0)
			_exit(0);
		for (int i = 0; i < 3 && round < 3; i++)
			pthread_join(threads[i], NULL);
	}
	/* With the threads in whatever they do. */
	execl("/bin/true", "true", NULL);
}

static void server_execs(void)
{
	uint64_t *numbers;
	int receiver, answered = 0;
	pid_t pid;

	begin(PORT_PERSISTENT);
	numbers = (uint64_t *)msg_buffer();
	for (int round = 0; round < 5; round++) {
		receiver = port_control(port, PORT_TAKE, PORT_KEEP);
		pid = check_spawn(restless_server, (void *)(long)receiver);
		close(receiver);
		for (int i = 0; i < SERVED; i++) {
			struct result got;

			numbers[0] = i;
			numbers[15] = i * 3;
			got = msg_call(port, HEADER(ADD, 128), 30 * MS, NULL);
			if (got.value > 0) {
				CHECK(numbers[0] == (uint64_t)i + 1 && numbers[15] == (uint64_t)i * 3 + 1);
				answered++;
			} else {
				CHECK(got.value == -ETIMEDOUT || got.value == -ECONNRESET);
				if (waitpid(pid, NULL, WNOHANG) == pid)
					break;
			}
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	CHECK(answered > 100);
}

static const struct check_case cases[] = { CASE(buffers_taken_away), CASE(forks_and_execs), CASE(server_execs), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("ports_buffers", cases, argc, argv);
}
