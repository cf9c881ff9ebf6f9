/* SPDX-License-Identifier: MIT */
/*
 * Services that die, hang, answer too late, are killed and replaced, with the echo and the counting service of src/servers/test: what becomes of the
 * requests that they hold, and of those that wait. DEATHS=N: how often they die in a storm. Native: on Linux nothing is checked.
 */
#include "check.h"
#include "supervisor.h"
#include "proto/counter.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORM_CLIENTS = 8, STORM_DEATHS = 100, PATIENCE_MS = 20000 };

static struct service counter;

static void start_counter(void)
{
	service_make(&counter, "counter-service", PORT_PERSISTENT | PORT_REPLAY, 4096);
	service_start(&counter);
}

static int add(unsigned client, uint64_t amount, enum counter_moment die, uint64_t *value)
{
	struct counter_add_request request = { .client = client, .amount = amount, .die = die };
	struct counter_add_reply reply = { 0 };
	int error = counter_add(counter.port, &request, &reply, LONG);

	*value = reply.value;
	return error;
}

static void crashes(void)
{
	start_echo();
	CHECK_EQ(echo_fault(ECHO_FAULT_CRASH, 0), -ECONNRESET);
	CHECK_EQ(service_wait(&echo), CHECK_KILLED + SIGSEGV);
	service_start(&echo);
	CHECK_EQ(echo_bytes(9, LONG), 0);
	CHECK_EQ(echo_fault(ECHO_FAULT_LEAVE, 7), -ECONNRESET);
	CHECK_EQ(service_wait(&echo), 7);
	service_start(&echo);
	CHECK_EQ(echo_bytes(9, LONG), 0);
	stop_echo();
}

static struct port_state state_of(const struct service *service)
{
	struct port_state state = { 0 };

	CHECK_EQ(port_control(service->port, PORT_STATE, (uintptr_t)&state), 0);
	return state;
}

/* Until it has a request in its hands, and for as long as that lasts. */
static void wait_for_held(const struct service *service)
{
	for (long end = check_now() + PATIENCE_MS; state_of(service).held != 1 && check_now() < end; )
		usleep(100);
	CHECK_EQ(state_of(service).held, 1);
}

static void *wait_for_answer(void *argument)
{
	return (void *)(long)echo_fault((enum echo_fault)(long)argument, 2000);
}

/* An instance that hangs, and answers when another has taken over: the call ended, the answer is refused, the instance ends by itself. */
static void answers_too_late(void)
{
	struct service old;
	pthread_t thread;
	void *result;

	start_echo();
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_answer, (void *)ECHO_FAULT_LATE), 0);
	wait_for_held(&echo);
	old = echo;
	kill(old.pid, SIGSTOP);
	service_start(&echo);
	pthread_join(thread, &result);
	CHECK_EQ((long)result, -ECONNRESET);
	CHECK_EQ(echo_bytes(9, LONG), 0);
	kill(old.pid, SIGCONT);
	CHECK_EQ(check_wait(old.pid), 0);
	CHECK_EQ(echo_bytes(9, LONG), 0);
	stop_echo();
}

static void dies_at_once(void)
{
	service_make(&echo, "echo-service", PORT_PERSISTENT, 0);
	echo.argument = "--die";
	service_spawn(&echo);
	CHECK_EQ(service_wait(&echo), 3);
	CHECK_EQ(service_bits(&echo, 0), 0);
	CHECK_EQ(echo_bytes(1, LONG / 400), -ETIMEDOUT);
	echo.argument = NULL;
	service_start(&echo);
	CHECK_EQ(echo_bytes(1, LONG), 0);
	stop_echo();
}

/* The heartbeat comes from the loop: while a handler hangs there is none. */
static void look_at_heartbeats(const char *argument)
{
	pthread_t thread;
	int beats = 0;
	long began;

	service_make(&echo, "echo-service", PORT_PERSISTENT, 0);
	echo.argument = argument;
	echo.watchdog_ms = 300;
	service_start(&echo);
	began = check_now();
	while (check_now() - began < 2000)
		beats += service_bits(&echo, 1000) & 1;
	/* Each 100 ms; a busy machine may lose some. */
	CHECK(beats >= 4 && beats <= 25);
	CHECK_EQ(echo_bytes(1, LONG), 0);
	for (uint64_t bits = 0; !(bits & 4) && check_now() - began < 10000; )
		CHECK((bits = service_bits(&echo, 1000)) != 0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_answer, (void *)ECHO_FAULT_HANG), 0);
	wait_for_held(&echo);
	/* Those that came before, and one that was due when the request came. */
	service_bits(&echo, 300);
	service_bits(&echo, 300);
	CHECK_EQ(service_bits(&echo, 1000), 0);
	kill(echo.pid, SIGKILL);
	service_wait(&echo);
	pthread_join(thread, NULL);
}

static void heartbeats(void)
{
	look_at_heartbeats(NULL);
}

static void heartbeats_short(void)
{
	look_at_heartbeats("--short");
}

/* Counting exactly once */

static void counts_at_each_death(void)
{
	static const enum counter_moment moments[] = { COUNTER_MOMENT_BEFORE, COUNTER_MOMENT_BETWEEN, COUNTER_MOMENT_AFTER };
	struct counter_value_reply value = { 0 };
	uint64_t got;

	start_counter();
	CHECK_EQ(add(1, 10, COUNTER_MOMENT_NONE, &got), 0);
	CHECK_EQ(got, 10);
	for (int i = 0; i < 3; i++) {
		pid_t keeper = fork();

		/* A child asks; here the service is started again. */
		if (keeper == 0) {
			CHECK_EQ(add(2, 1, moments[i], &got), 0);
			CHECK_EQ(got, 11 + i);
			_exit(0);
		}
		CHECK_EQ(service_wait(&counter), CHECK_KILLED + SIGKILL);
		service_start(&counter);
		CHECK_EQ(check_wait(keeper), 0);
	}
	CHECK_EQ(counter_value(counter.port, &value, LONG), 0);
	CHECK_EQ(value.value, 13);
	CHECK_EQ(value.adds, 4);
	CHECK_EQ(value.repeats, 2);
	kill(counter.pid, SIGTERM);
	CHECK_EQ(service_wait(&counter), 0);
}

static void add_poison(void *argument)
{
	uint64_t got;

	(void)argument;
	CHECK_EQ(add(3, 1000, COUNTER_MOMENT_ALWAYS, &got), -EIO);
}

/* A request that kills whoever gets it is given out twice; only it fails. */
static void poison(void)
{
	uint64_t got;
	pid_t pid;

	start_counter();
	pid = check_spawn(add_poison, NULL);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(service_wait(&counter), CHECK_KILLED + SIGKILL);
		service_start(&counter);
	}
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(add(4, 1, COUNTER_MOMENT_NONE, &got), 0);
	CHECK_EQ(got, 1);
	kill(counter.pid, SIGTERM);
	service_wait(&counter);
}

/* How often services die in a storm: DEATHS=N, else STORM_DEATHS. */
static unsigned wanted_deaths(void)
{
	const char *text = getenv("DEATHS");

	return text ? (unsigned)atoi(text) : STORM_DEATHS;
}

/* One in eight requests kills the service with the request in its hands. */
static unsigned storm_adds(void)
{
	return wanted_deaths() * 8 / STORM_CLIENTS;
}

static atomic_long answered;		/* of all clients together */

static void *add_often(void *argument)
{
	unsigned client = (unsigned)(long)argument;
	uint64_t got, last = 0;
	long failed = 0;

	for (unsigned i = 0; i < storm_adds(); i++) {
		long before = answered, began = check_now();
		int error = add(client, 1, i % 8 == 7 ? 1 + i / 8 % 3 : COUNTER_MOMENT_NONE, &got);

		if (!CHECK_EQ(error, 0)) {
			printf("request %u of client %u: after %ld ms, while %ld others were answered\n", i, client, check_now() - began, answered - before);
			failed++;
			continue;
		}
		CHECK(got > last);
		last = got;
		answered++;
	}
	return (void *)failed;
}

/* How many of all threads' calls failed. */
static uint64_t join_all(pthread_t *threads)
{
	uint64_t failed = 0;
	void *result;

	for (int i = 0; i < STORM_CLIENTS; i++) {
		pthread_join(threads[i], &result);
		failed += (uint64_t)(long)result;
	}
	return failed;
}

static volatile int storm_over;

static void *keep_running(void *argument)
{
	long deaths = 0;

	(void)argument;
	for (;;) {
		int code = service_wait(&counter);

		if (storm_over && code == 0)
			return (void *)deaths;
		CHECK_EQ(code, CHECK_KILLED + SIGKILL);
		deaths++;
		service_spawn(&counter);
	}
}

/* Many clients, a service that dies all the time: each request counts once, none fails. */
static void storm(void)
{
	struct counter_value_reply value = { 0 };
	pthread_t threads[STORM_CLIENTS], keeper;
	uint64_t failed;
	void *deaths;

	start_counter();
	CHECK_EQ(pthread_create(&keeper, NULL, keep_running, NULL), 0);
	for (long i = 0; i < STORM_CLIENTS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_often, (void *)i), 0);
	failed = join_all(threads);
	CHECK_EQ(counter_value(counter.port, &value, LONG), 0);
	CHECK_EQ(failed, 0);
	CHECK_EQ(value.value, STORM_CLIENTS * storm_adds());
	CHECK_EQ(value.value, value.adds);
	storm_over = 1;
	CHECK_EQ(service_ask_to_stop(&counter), 0);
	pthread_join(keeper, &deaths);
	CHECK_EQ((long)deaths, storm_adds() / 8 * STORM_CLIENTS);
	/* Each with a request held, which the next one got. */
	CHECK_EQ(state_of(&counter).replayed, (long)deaths);
}

/* Killed from outside, under load */

static atomic_long resets;		/* echo calls that ended with ECONNRESET */
static _Atomic uint64_t added;		/* what the counter must have come to */

static void *echo_until_over(void *argument)
{
	(void)argument;
	while (!storm_over) {
		int error = echo_bytes(64, MSG_WAIT);

		CHECK(error == 0 || error == -ECONNRESET);
		resets += error != 0;
	}
	return NULL;
}

static void *add_until_over(void *argument)
{
	uint64_t got, last = 0;

	for (uint64_t amount = 1; !storm_over; amount = amount % 5 + 1) {
		CHECK_EQ(add((unsigned)(long)argument, amount, COUNTER_MOMENT_NONE, &got), 0);
		CHECK(got >= last + amount);
		last = got;
		added += amount;
	}
	return NULL;
}

static void set_policy(int policy, int level)
{
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &(struct sched_param){ .sched_priority = level }), 0);
}

/*
 * Stops it at a moment at which it holds a request. Stopped it cannot answer: it will die with that in its hands. Who looks for the moment must
 * interrupt the service at any: a thread of the same level on the same CPU would get its turns where the service waits for a request.
 */
static void stop_with_request(const struct service *service)
{
	int status = 0;

	set_policy(SCHED_FIFO, 1);
	for (long end = check_now() + PATIENCE_MS; check_now() < end; usleep(20)) {
		if (state_of(service).held == 0)
			continue;
		kill(service->pid, SIGSTOP);
		CHECK_EQ(waitpid(service->pid, &status, WUNTRACED), service->pid);
		CHECK(WIFSTOPPED(status));
		if (state_of(service).held == 1)
			break;
		kill(service->pid, SIGCONT);
	}
	set_policy(SCHED_OTHER, 0);
	CHECK_EQ(state_of(service).held, 1);
}

/* The first of two requests that a new instance receives may be one that the one before died with: answered now, it is not taken for poison. */
static void wait_for_two(const struct service *service, uint64_t received)
{
	for (long end = check_now() + PATIENCE_MS; state_of(service).received < received + 2 && check_now() < end; )
		usleep(100);
	CHECK(state_of(service).received >= received + 2);
}

/*
 * Nobody serves @service, and nobody will until this returns: all clients come to wait in the queue. Who was held has then learned of it, or is queued
 * again. Returns how many were held so far.
 */
static long wait_for_all_queued(const struct service *service)
{
	struct port_state state = state_of(service);

	for (long end = check_now() + PATIENCE_MS; state.queued < STORM_CLIENTS && check_now() < end; state = state_of(service))
		usleep(100);
	CHECK_EQ(state.queued, STORM_CLIENTS);
	CHECK_EQ(state.held, 0);
	return state.flags & PORT_REPLAY ? (long)state.replayed : resets;
}

/* Kills it again and again, every other time with a request held for sure, else at any moment, while clients call. All get what is promised for it. */
static void kill_often(struct service *service, void *(*client)(void *))
{
	pthread_t threads[STORM_CLIENTS];
	uint64_t received = 0;
	long held = 0;

	for (long i = 0; i < STORM_CLIENTS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, client, (void *)i), 0);
	for (unsigned i = 0; i < wanted_deaths(); i++) {
		long before = held;

		if (state_of(service).flags & PORT_REPLAY)
			wait_for_two(service, received);
		if (i % 2 == 0)
			stop_with_request(service);
		else
			usleep(100 + i * 977 % 5000);
		kill(service->pid, SIGKILL);
		CHECK_EQ(service_wait(service), CHECK_KILLED + SIGKILL);
		received = state_of(service).received;
		held = wait_for_all_queued(service);
		CHECK(held == before + 1 || (i % 2 == 1 && held == before));
		service_start(service);
	}
	storm_over = 1;
	join_all(threads);
	printf("%u deaths, %ld of them with a request held\n", wanted_deaths(), held);
	CHECK(held >= (long)(wanted_deaths() + 1) / 2);
}

/* What the echo service held ends with ECONNRESET before there is another instance, everything else is answered by that. */
static void kill_echo(const char *argument)
{
	service_make(&echo, "echo-service", PORT_PERSISTENT, 0);
	echo.argument = argument;
	service_start(&echo);
	kill_often(&echo, echo_until_over);
	CHECK_EQ(echo_bytes(1, LONG), 0);
	stop_echo();
}

static void killed(void)
{
	kill_echo(NULL);
}

static void killed_short(void)
{
	kill_echo("--short");
}

/* What the counting service held is given to the next instance; nobody notices, and each request counts once. */
static void killed_counting(void)
{
	struct counter_value_reply value = { 0 };

	start_counter();
	kill_often(&counter, add_until_over);
	CHECK_EQ(counter_value(counter.port, &value, LONG), 0);
	CHECK_EQ(value.value, added);
	kill(counter.pid, SIGTERM);
	CHECK_EQ(service_wait(&counter), 0);
}

static const struct check_case cases[] = {
	CASE(crashes), CASE(answers_too_late), CASE(dies_at_once), CASE(heartbeats), CASE(heartbeats_short), CASE(counts_at_each_death), CASE(poison),
	CASE(storm), CASE(killed), CASE(killed_short), CASE(killed_counting), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("deaths", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
