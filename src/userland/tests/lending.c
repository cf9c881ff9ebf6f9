/* SPDX-License-Identifier: MIT */
/*
 * Priority lending through calls: a high client waits for a low server, and by way of that for another, while a hog of the normal class wants the CPU. What
 * counts is the hog's share of it meanwhile. The last case is the control: the same without waiting for an answer, so that nothing is lent. Native.
 */
#include "check.h"
#include "hog_share.h"
#include "ports.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, WORK = 1, WORK_AFTER, POST, WORK_MS = 5, CALLS = 10, POSTS = 3 /* slow ones */ };
enum { HIGH = -15, LOW = 15, LITTLE = 40, MOST = 60 /* percent */ };

static struct { volatile int flags[8]; pthread_mutex_t mutex; } *shared;
static int first, second, answers;
static pid_t servers[2], low;

static void burn(int ms)
{
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000ull;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		continue;
}

static void be_hog(void *unused)
{
	(void)unused;
	for (;;)
		shared->flags[0]++;
}

/* WORK: computes, then answers; WORK_AFTER: the other way round. POST: the answer is a message of its own. The first server has it done by the second. */
static void serve(void *argument)
{
	int fd = (long)argument;
	bool chain = fd == first;
	struct result got;

	setpriority(PRIO_PROCESS, 0, LOW);
	msg_buffer();
	for (;;) {
		got = msg_recv(fd, MSG_WAIT, NULL);
		if (msg_type(got.value) == POST) {
			if (!chain)
				burn(WORK_MS);
			msg_send(chain ? second : answers, HEADER(POST, 0), 0, NULL);
			continue;
		}
		if (chain)
			msg_call(second, HEADER(msg_type(got.value), 0), MSG_WAIT, NULL);
		else if (msg_type(got.value) == WORK)
			burn(WORK_MS);
		msg_reply(fd, HEADER(WORK, 0), got.token, NULL);
		if (msg_type(got.value) == WORK_AFTER)
			burn(400);
	}
}

static void call_without_end(void *unused)
{
	(void)unused;
	setpriority(PRIO_PROCESS, 0, LOW);
	msg_buffer();
	shared->flags[1] = 1;
	for (;;)
		msg_call(first, HEADER(WORK, 0), MSG_WAIT, NULL);
}

/* Starts the servers, @client, and when they wait or have begun the hog. */
static void begin(void (*client)(void *))
{
	pthread_mutexattr_t attributes;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&shared->mutex, &attributes), 0);
	CHECK((long)msg_buffer() > 0);
	first = port_create(NULL, PORT_KEEP);
	second = port_create(NULL, PORT_KEEP);
	answers = port_create(NULL, PORT_KEEP);
	servers[0] = check_spawn(serve, (void *)(long)first);
	servers[1] = check_spawn(serve, (void *)(long)second);
	for (int i = 0; i < 2; i++)
		CHECK(check_state(servers[i], 'S', 10000));
	if (client) {
		low = check_spawn(client, NULL);
		CHECK(check_await(&shared->flags[1], 10000));
	}
	hog = check_spawn(be_hog, NULL);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, HIGH), 0);
	check_sleep(1);
}

static void end(void)
{
	pid_t pids[] = { hog, servers[0], servers[1], low };

	for (unsigned i = 0; i < sizeof(pids) / sizeof(*pids); i++)
		if (pids[i]) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
}

static void chain_is_lent(void)
{
	begin(call_without_end);
	share_of_hog();
	for (int i = 0; i < CALLS; i++)
		CHECK_EQ(msg_call(first, HEADER(WORK, 0), MSG_WAIT, NULL).value, HEADER(WORK, 0));
	check_share(0, LITTLE);
	end();
}

static void lending_ends(void)
{
	begin(NULL);
	CHECK_EQ(msg_call(first, HEADER(WORK_AFTER, 0), MSG_WAIT, NULL).value, HEADER(WORK, 0));
	/* Both compute now, at their own level. */
	share_of_hog();
	check_sleep(500);
	check_share(MOST, 100);
	/* Also when the caller gives up. */
	kill(servers[1], SIGSTOP);
	CHECK_EQ(msg_call(first, HEADER(WORK, 0), 50 * MS, NULL).value, -ETIMEDOUT);
	kill(servers[1], SIGCONT);
	msg_send(second, HEADER(WORK_AFTER, 0), 0, NULL);
	share_of_hog();
	check_sleep(500);
	check_share(MOST, 100);
	end();
}

static void call_ten_times(void *unused)
{
	(void)unused;
	setpriority(PRIO_PROCESS, 0, LOW);
	msg_buffer();
	pthread_mutex_lock(&shared->mutex);
	shared->flags[1] = 1;
	for (int i = 0; i < CALLS; i++)
		msg_call(first, HEADER(WORK, 0), MSG_WAIT, NULL);
	pthread_mutex_unlock(&shared->mutex);
}

/* The caller waits already when it gets a better level. */
static void caller_is_raised(void)
{
	begin(call_ten_times);
	share_of_hog();
	CHECK_EQ(setpriority(PRIO_PROCESS, low, HIGH), 0);
	CHECK_EQ(check_wait(low), 0);
	check_share(0, LITTLE);
	low = 0;
	end();
}

/* The same by a lock that inherits priority. */
static void caller_inherits(void)
{
	begin(call_ten_times);
	share_of_hog();
	CHECK_EQ(pthread_mutex_lock(&shared->mutex), 0);
	check_share(0, LITTLE);
	end();
}

static void control_without_lending(void)
{
	begin(call_without_end);
	share_of_hog();
	for (int i = 0; i < POSTS; i++) {
		CHECK_EQ(msg_send(first, HEADER(POST, 0), 0, NULL), 0);
		CHECK_EQ(msg_recv(answers, MSG_WAIT, NULL).value, HEADER(POST, 0));
	}
	check_share(MOST, 100);
	end();
}

static const struct check_case cases[] = {
	CASE(chain_is_lent), CASE(lending_ends), CASE(caller_is_raised), CASE(caller_inherits), CASE(control_without_lending), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("lending", cases, argc, argv);
}
