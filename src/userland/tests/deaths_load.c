/* SPDX-License-Identifier: MIT */
/*
 * The echo and the counting service of src/servers/test die again and again while eight processes call them all the time: what a service held when it died
 * ends at once, or is given to the next instance, as is promised for it; no call is lost, and none is done twice. Every other client has one thread and no
 * time-out, and its messages are such as go by the short way (src/kernel/adr/0017-messages.md); the others cannot take it.
 *
 * DEATHS=N: how often a service dies in a case. Native: on Linux nothing is checked.
 */
#include "check.h"
#include "supervisor.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8, DEATHS = 100, PATIENCE_MS = 20000 };

/* Bytes of an echo: with their number before them whole words, as the short way wants, and not. */
enum { WHOLE_WORDS = 60, NOT_WHOLE = 65 };

/* What the clients and who kills tell each other. */
static struct {
	atomic_bool over;
	atomic_ulong answered, failed;
	atomic_ulong resets;			/* calls that ended with ECONNRESET */
	_Atomic int64_t reset_ns;		/* when the last of them did */
	int64_t shortest_ns[CLIENTS];		/* what the shortest call of each took; set at its end */
	_Atomic uint64_t added;			/* what the counter must have come to */
} *shared;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Clients */

/* Whether nothing keeps that client from the short way. */
static bool may_be_short(unsigned number)
{
	return number % 2 == 0;
}

struct client {
	void (*work)(const struct client *client);
	unsigned number;
	int64_t timeout;
};

static void *stay(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void run_client(void *argument)
{
	const struct client *client = argument;
	pthread_t company;

	if (!may_be_short(client->number))
		CHECK_EQ(pthread_create(&company, NULL, stay, NULL), 0);
	client->work(client);
}

static void start_clients(pid_t *pids, void (*work)(const struct client *client))
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client client = { .work = work, .number = i, .timeout = may_be_short(i) ? MSG_WAIT : LONG };

		pids[i] = check_spawn(run_client, &client);
	}
}

static void wait_for_clients(const pid_t *pids)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
}

static void share(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
}

static unsigned wanted_deaths(void)
{
	const char *text = getenv("DEATHS");

	return text ? (unsigned)atoi(text) : DEATHS;
}

/* The service dies by itself */

/* One in eight requests kills the service with the request in its hands. */
static unsigned storm_adds(void)
{
	return wanted_deaths() * 8 / CLIENTS;
}

static void add_often(const struct client *client)
{
	uint64_t got, last = 0;

	for (unsigned i = 0; i < storm_adds(); i++) {
		unsigned long before = shared->answered;
		int64_t began = now_ns();
		int error = counter_adds(client->number, 1, i % 8 == 7 ? 1 + i / 8 % 3 : COUNTER_MOMENT_NONE, client->timeout, &got);

		if (!CHECK_EQ(error, 0)) {
			printf("request %u of client %u: after %lld ms, while %lu others were answered\n", i, client->number,
			       (long long)(now_ns() - began) / 1000000, shared->answered - before);
			shared->failed++;
			continue;
		}
		CHECK(got > last);
		last = got;
		shared->answered++;
	}
}

static void *keep_running(void *argument)
{
	long deaths = 0;

	(void)argument;
	for (;;) {
		int code = service_wait(&counter);

		if (shared->over && code == 0)
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
	pid_t clients[CLIENTS];
	pthread_t keeper;
	void *deaths;

	share();
	start_counter();
	start_clients(clients, add_often);
	CHECK_EQ(pthread_create(&keeper, NULL, keep_running, NULL), 0);
	wait_for_clients(clients);
	CHECK_EQ(counter_value(counter.port, &value, LONG), 0);
	CHECK_EQ(shared->failed, 0);
	CHECK_EQ(shared->answered, CLIENTS * storm_adds());
	CHECK_EQ(value.value, CLIENTS * storm_adds());
	CHECK_EQ(value.value, value.adds);
	shared->over = true;
	CHECK_EQ(service_ask_to_stop(&counter), 0);
	pthread_join(keeper, &deaths);
	CHECK_EQ((long)deaths, storm_adds() / 8 * CLIENTS);
	/* Each with a request held, which the next one got. */
	CHECK_EQ(service_port_state(&counter).replayed, (long)deaths);
}

/* The service is killed */

static void echo_until_over(const struct client *client)
{
	unsigned length = may_be_short(client->number) ? WHOLE_WORDS : NOT_WHOLE;
	int64_t shortest = INT64_MAX;

	while (!shared->over) {
		int64_t began = now_ns(), ended;
		int error = echo_bytes(length, client->timeout);

		ended = now_ns();
		CHECK(error == 0 || error == -ECONNRESET);
		if (error != 0) {
			shared->reset_ns = ended;
			shared->resets++;
		} else if (ended - began < shortest) {
			shortest = ended - began;
		}
	}
	shared->shortest_ns[client->number] = shortest;
}

static void add_until_over(const struct client *client)
{
	uint64_t got, last = 0;

	for (uint64_t amount = 1; !shared->over; amount = amount % 5 + 1) {
		CHECK_EQ(counter_adds(client->number, amount, COUNTER_MOMENT_NONE, client->timeout, &got), 0);
		CHECK(got >= last + amount);
		last = got;
		shared->added += amount;
	}
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
		if (service_port_state(service).held == 0)
			continue;
		kill(service->pid, SIGSTOP);
		CHECK_EQ(waitpid(service->pid, &status, WUNTRACED), service->pid);
		CHECK(WIFSTOPPED(status));
		if (service_port_state(service).held == 1)
			break;
		kill(service->pid, SIGCONT);
	}
	set_policy(SCHED_OTHER, 0);
	CHECK_EQ(service_port_state(service).held, 1);
}

/* The first of two requests that a new instance receives may be one that the one before died with: answered now, it is not taken for poison. */
static void wait_for_two(const struct service *service, uint64_t received)
{
	for (long end = check_now() + PATIENCE_MS; service_port_state(service).received < received + 2 && check_now() < end; )
		usleep(100);
	CHECK(service_port_state(service).received >= received + 2);
}

/*
 * Nobody serves @service, and nobody will until this returns: all clients come to wait in the queue. Who was held has then learned of it, or is queued
 * again. Returns how many were held so far.
 */
static long wait_for_all_queued(const struct service *service)
{
	struct port_state state = service_port_state(service);

	for (long end = check_now() + PATIENCE_MS; state.queued < CLIENTS && check_now() < end; state = service_port_state(service))
		usleep(100);
	CHECK_EQ(state.queued, CLIENTS);
	CHECK_EQ(state.held, 0);
	return state.flags & PORT_REPLAY ? (long)state.replayed : (long)shared->resets;
}

/* From each kill to the end of the call that was held. */
struct ends {
	int64_t *ns;
	unsigned count;
};

/* Kills it at once, and waits for what comes of that. Returns how many requests were held when it was, all times together. */
static long kill_it(struct service *service, long held_before, struct ends *ends)
{
	int64_t killed = now_ns();
	long held;

	kill(service->pid, SIGKILL);
	CHECK_EQ(service_wait(service), CHECK_KILLED + SIGKILL);
	held = wait_for_all_queued(service);
	if (held > held_before && !(service_port_state(service).flags & PORT_REPLAY))
		ends->ns[ends->count++] = shared->reset_ns - killed;
	return held;
}

static int by_value(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

/* What the shortest call took of those clients that may take the short way, or of the others. */
static int64_t shortest_of(bool which)
{
	int64_t shortest = INT64_MAX;

	for (unsigned i = 0; i < CLIENTS; i++) {
		if (may_be_short(i) == which && shared->shortest_ns[i] < shortest)
			shortest = shared->shortest_ns[i];
	}
	return shortest;
}

/* For whoever counts: times are of use where the clock is one of instructions. */
static void tell(struct ends *ends, long held)
{
	printf("%u deaths, %ld of them with a request held\n", wanted_deaths(), held);
	if (ends->count == 0)
		return;
	qsort(ends->ns, ends->count, sizeof ends->ns[0], by_value);
	printf("held calls ended: median %lld longest %lld\n", (long long)ends->ns[ends->count / 2], (long long)ends->ns[ends->count - 1]);
	printf("shortest calls: %lld, of others %lld\n", (long long)shortest_of(true), (long long)shortest_of(false));
}

/*
 * Kills it again and again, every other time with a request held for sure, else at any moment, while clients call. All get what is promised for it, before
 * there is another instance.
 */
static void kill_often(struct service *service, void (*work)(const struct client *client))
{
	struct ends ends = { .ns = calloc(wanted_deaths(), sizeof *ends.ns) };
	pid_t clients[CLIENTS];
	uint64_t received = 0;
	long held = 0;

	start_clients(clients, work);
	for (unsigned i = 0; i < wanted_deaths(); i++) {
		long before = held;

		if (service_port_state(service).flags & PORT_REPLAY)
			wait_for_two(service, received);
		if (i % 2 == 0)
			stop_with_request(service);
		else
			usleep(100 + i * 977 % 5000);
		held = kill_it(service, before, &ends);
		received = service_port_state(service).received;
		CHECK(held == before + 1 || (i % 2 == 1 && held == before));
		service_start(service);
	}
	shared->over = true;
	wait_for_clients(clients);
	tell(&ends, held);
	CHECK(held >= (long)(wanted_deaths() + 1) / 2);
}

/* What the echo service held ends with ECONNRESET before there is another instance, everything else is answered by that. */
static void kill_echo(const char *argument)
{
	share();
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

	share();
	start_counter();
	kill_often(&counter, add_until_over);
	CHECK_EQ(counter_value(counter.port, &value, LONG), 0);
	CHECK_EQ(value.value, shared->added);
	kill(counter.pid, SIGTERM);
	CHECK_EQ(service_wait(&counter), 0);
}

static const struct check_case cases[] = {
	CASE(storm), CASE(killed), CASE(killed_short), CASE(killed_counting), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("deaths_load", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
