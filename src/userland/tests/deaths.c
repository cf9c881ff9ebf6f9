/* SPDX-License-Identifier: MIT */
/*
 * Services that die, hang, answer too late, are killed and replaced, with the echo and the counting service of src/servers/test: what becomes of the
 * requests that they hold, and of those that wait. Under load: deaths_load.c. Native: on Linux nothing is checked.
 */
#include "check.h"
#include "supervisor.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

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

/* Until it has a request in its hands, and for as long as that lasts. */
static void wait_for_held(const struct service *service)
{
	for (long end = check_now() + PATIENCE_MS; service_port_state(service).held != 1 && check_now() < end; )
		usleep(100);
	CHECK_EQ(service_port_state(service).held, 1);
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
	CHECK_EQ(counter_adds(1, 10, COUNTER_MOMENT_NONE, LONG, &got), 0);
	CHECK_EQ(got, 10);
	for (int i = 0; i < 3; i++) {
		pid_t keeper = fork();

		/* A child asks; here the service is started again. */
		if (keeper == 0) {
			CHECK_EQ(counter_adds(2, 1, moments[i], LONG, &got), 0);
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
	CHECK_EQ(counter_adds(3, 1000, COUNTER_MOMENT_ALWAYS, LONG, &got), -EIO);
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
	CHECK_EQ(counter_adds(4, 1, COUNTER_MOMENT_NONE, LONG, &got), 0);
	CHECK_EQ(got, 1);
	kill(counter.pid, SIGTERM);
	service_wait(&counter);
}

static const struct check_case cases[] = {
	CASE(crashes), CASE(answers_too_late), CASE(dies_at_once), CASE(heartbeats), CASE(heartbeats_short), CASE(counts_at_each_death), CASE(poison),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("deaths", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
