/* SPDX-License-Identifier: MIT */
/*
 * Lent priority ends when nobody lends it any more: also where servers wait for each other, for themselves, or are replaced. Programs that serve are of
 * the low class, who lends is of the high one, and what counts is the share of a hog of the normal class. And crowds of callers. Native.
 */
#include "check.h"
#include "hog_share.h"
#include "ports.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, WORK = 1, HIGH = -15, LOW = 15, LITTLE = 50, MOST = 70 /* percent */, CHAIN = 12, CROWD = 200, PROCESSES = 20 };

static struct { volatile int ready, hogged; } *shared;
static int ports[CHAIN + 1];
static pid_t processes[PROCESSES];
static unsigned process_count;

static void begin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK((long)msg_buffer() > 0);
	for (int i = 0; i <= CHAIN; i++)
		ports[i] = port_create(NULL, PORT_KEEP);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, HIGH), 0);
}

/* Starts a process of the low class and waits until it has set @ready. */
static void start(void (*body)(void *), long argument)
{
	shared->ready = 0;
	processes[process_count++] = check_spawn(body, (void *)argument);
	CHECK(check_await(&shared->ready, 10000));
}

static void become_server(int port)
{
	msg_buffer();
	CHECK_EQ(msg_recv(port, 0, NULL).value, -EAGAIN);
	setpriority(PRIO_PROCESS, 0, LOW);
}

static void say_ready(void)
{
	shared->ready = 1;
}

static void be_hog(void *unused)
{
	(void)unused;
	say_ready();
	for (;;)
		shared->hogged++;
}

static void start_hog(void)
{
	start(be_hog, 0);
	hog = processes[process_count - 1];
	check_sleep(1);
}

static void end(void)
{
	/* The hog, too, before the others need the CPU to end. */
	for (unsigned i = 0; i < process_count; i++)
		kill(processes[i], SIGKILL);
	for (unsigned i = 0; i < process_count; i++)
		waitpid(processes[i], NULL, 0);
}

/* Calls the first port, which nobody answers: what is lent must show while the call waits, and not afterwards. */
static void call_and_give_up(long error)
{
	share_of_hog();
	CHECK_EQ(msg_call(ports[0], HEADER(WORK, 0), 300 * MS, NULL).value, error);
	check_share(0, LITTLE);
	check_sleep(500);
	check_share(MOST, 100);
}

/* Serves port number @index and computes without end, when a hog is there to compete with. */
static void compute(void *index)
{
	become_server(ports[(long)index]);
	say_ready();
	while (!shared->hogged)
		check_sleep(5);
	for (;;)
		continue;
}

/* Serves port number @index, waits for a call, and while it holds that for an answer at the next port. */
static void wait_at_next(void *index)
{
	int port = ports[(long)index], next = ports[(long)index + 1];

	become_server(port);
	say_ready();
	msg_recv(port, MSG_WAIT, NULL);
	msg_call(next, HEADER(WORK, 0), MSG_WAIT, NULL);
}

/* Serves the second port and waits at the first. */
static void wait_at_first(void *unused)
{
	(void)unused;
	become_server(ports[1]);
	say_ready();
	msg_call(ports[0], HEADER(WORK, 0), MSG_WAIT, NULL);
}

static void circle_does_not_feed_itself(void)
{
	begin();
	start(compute, 0);
	start(wait_at_next, 0);
	start(wait_at_first, 0);
	check_sleep(20);
	start_hog();
	call_and_give_up(-ETIMEDOUT);
	end();
}

static void wait_at_own(void *unused)
{
	(void)unused;
	become_server(ports[0]);
	say_ready();
	msg_call(ports[0], HEADER(WORK, 0), MSG_WAIT, NULL);
}

static void own_port_does_not_feed_itself(void)
{
	begin();
	start(compute, 0);
	start(wait_at_own, 0);
	check_sleep(20);
	start_hog();
	call_and_give_up(-ETIMEDOUT);
	end();
}

/* As far as it is lent, it is taken back. */
static void chain_ends(void)
{
	begin();
	for (int i = 0; i < 6; i++)
		start(wait_at_next, i);
	start(compute, 6);
	start_hog();
	call_and_give_up(-ETIMEDOUT);
	end();
}

/* Calls that go on and on end somewhere. */
static void too_long_chain_is_not_lent(void)
{
	begin();
	for (int i = 0; i < CHAIN; i++)
		start(wait_at_next, i);
	start(compute, CHAIN);
	start_hog();
	share_of_hog();
	CHECK_EQ(msg_call(ports[0], HEADER(WORK, 0), 500 * MS, NULL).value, -ETIMEDOUT);
	check_share(MOST, 100);
	end();
}

static void replace_receiver(void *unused)
{
	(void)unused;
	say_ready();
	check_sleep(300);
	CHECK(port_control(ports[0], PORT_TAKE, 0) >= 0);
}

static void replaced_server_lends_no_more(void)
{
	begin();
	start(wait_at_next, 0);
	start(compute, 1);
	start_hog();
	start(replace_receiver, 0);
	share_of_hog();
	CHECK_EQ(msg_call(ports[0], HEADER(WORK, 0), MSG_WAIT, NULL).value, -ECONNRESET);
	check_share(0, LITTLE);
	check_sleep(500);
	check_share(MOST, 100);
	end();
}

/* It has never received there before: what waits there already is lent to it, too. */
static void serve_late(void *unused)
{
	uint64_t until;
	struct result got;

	(void)unused;
	msg_buffer();
	setpriority(PRIO_PROCESS, 0, LOW);
	say_ready();
	check_sleep(50);
	got = msg_recv(ports[0], MSG_WAIT, NULL);
	until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + 200 * MS;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		continue;
	msg_reply(ports[0], HEADER(WORK, 0), got.token, NULL);
}

static void first_server_is_lent_to(void)
{
	begin();
	start(serve_late, 0);
	start_hog();
	CHECK_EQ(msg_call(ports[0], HEADER(WORK, 0), 4000ll * MS, NULL).value, HEADER(WORK, 0));
	end();
}

static void *call_once(void *unused)
{
	(void)unused;
	msg_buffer();
	CHECK_EQ(msg_call(ports[0], HEADER(WORK, 0), MSG_WAIT, NULL).value, HEADER(WORK, 0));
	return NULL;
}

static void call_in_crowd(void *unused)
{
	pthread_t threads[CROWD];
	pthread_attr_t attributes;

	(void)unused;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(pthread_create(&threads[i], &attributes, call_once, NULL), 0);
	say_ready();
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
}

/* Many wait; the best of them counts, wherever it came, until it has its answer. */
static void best_of_many(void)
{
	struct result got;

	begin();
	for (int i = 0; i < 3; i++)
		start(call_in_crowd, 0);
	while ((got = msg_recv(ports[0], 200 * MS, NULL)).value == (int64_t)HEADER(WORK, 0))
		CHECK_EQ(msg_reply(ports[0], HEADER(WORK, 0), got.token, NULL), 0);
	CHECK_EQ(got.value, -ETIMEDOUT);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_wait(processes[i]), 0);
}

static void *call_with_number(void *number)
{
	*(long *)msg_buffer() = (long)number;
	CHECK_EQ(msg_call(ports[0], HEADER(WORK, sizeof(long)), MSG_WAIT, NULL).value, HEADER(WORK, 0));
	return NULL;
}

/* Calls that a lost receiver held come again in the order in which it received them, however many. */
static void crowd_is_given_again(void)
{
	struct { pthread_t thread; long number; } callers[CROWD];
	pthread_attr_t attributes;
	unsigned wrong = 0;
	int port;

	begin();
	ports[0] = port_create(NULL, PORT_PERSISTENT | PORT_REPLAY);
	port = port_control(ports[0], PORT_TAKE, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	for (long i = 0; i < CROWD; i++)
		CHECK_EQ(pthread_create(&callers[i].thread, &attributes, call_with_number, (void *)(i * 7919 % 1009)), 0);
	for (int i = 0; i < CROWD; i++) {
		CHECK_EQ(msg_recv(port, 10000ll * MS, NULL).value, HEADER(WORK, sizeof(long)));
		callers[i].number = *(long *)msg_buffer();
	}
	port = port_control(ports[0], PORT_TAKE, 0);
	for (int i = 0; i < CROWD; i++) {
		struct result got = msg_recv(port, 0, NULL);

		wrong += got.value != (int64_t)HEADER(WORK, sizeof(long)) || *(long *)msg_buffer() != callers[i].number;
		CHECK_EQ(msg_reply(port, HEADER(WORK, 0), got.token, NULL), 0);
	}
	CHECK_EQ(wrong, 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(callers[i].thread, NULL);
}

static const struct check_case cases[] = {
	CASE(circle_does_not_feed_itself), CASE(own_port_does_not_feed_itself), CASE(chain_ends), CASE(too_long_chain_is_not_lent),
	CASE(replaced_server_lends_no_more), CASE(first_server_is_lent_to), CASE(best_of_many), CASE(crowd_is_given_again), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("ports_lend", cases, argc, argv);
}
