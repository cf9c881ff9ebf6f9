/* SPDX-License-Identifier: MIT */
/* Notifications between threads that wait in SYS_msg_serve: the short way, and where it ends. Native: not for Linux. */
#include "check.h"
#include "ports_kit.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORM = 30000, ROUNDS = 5000, MIXED = 5000, DEATHS = 40, CLASSES = 200, ADD = 1 };

static int receiver;	/* the other side waits at @port, with this */
static int back;	/* this side's own */

/* The notification's bits, whatever interrupts; or a negative errno. */
static int64_t wait_bits(int fd)
{
	struct result got;

	do
		got = msg_serve(fd, 0, 0);
	while (got.value == -EINTR);
	return got.value == MSG_NOTIFICATION ? (int64_t)got.token : got.value < 0 ? got.value : -EPROTO;
}

static void begin_both(void)
{
	begin(PORT_PERSISTENT);
	CHECK((back = port_create(NULL, PORT_PERSISTENT | PORT_KEEP)) >= 0);
}

static void leave(void)
{
	close(port);
	close(back);
	munmap((void *)shared, 4096);
}

/* Another process that runs @body. What was the receiver's is lost. */
static pid_t start(void (*body)(void *argument))
{
	pid_t pid;

	CHECK((receiver = port_control(port, PORT_TAKE, PORT_KEEP)) >= 0);
	pid = check_spawn(body, NULL);
	close(receiver);
	return pid;
}

/* Sends back what it got, until that is 1. */
static void echo(void *unused)
{
	int64_t bits;

	(void)unused;
	msg_buffer();
	do {
		bits = wait_bits(receiver);
		if (bits < 0 || port_notify(back, bits))
			_exit(2);
	} while (bits != 1);
}

/* Every notification arrives once, in turn, with its own bits. */
static void play(long rounds)
{
	for (long i = 2; i < rounds + 2; i++)
		if (port_notify(port, i) || wait_bits(back) != i) {
			CHECK_EQ(i, -1);
			return;
		}
}

static void storm_of(long rounds)
{
	struct port_state state;
	pid_t pid;

	begin_both();
	pid = start(echo);
	play(rounds);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(wait_bits(back), 1);
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(port_control(port, PORT_STATE, (uint64_t)&state), 0);
	CHECK_EQ(state.notified, rounds + 1);
	CHECK_EQ(state.queued + state.held, 0);
	leave();
}

/* Where it takes long, since they wake one another across CPUs, fewer. */
static void storm(void) { storm_of(sysconf(_SC_NPROCESSORS_ONLN) == 1 ? STORM : STORM / 10); }

/* Two pairs, and somebody who computes: other threads are ready at the same level, and time passes. */
static void storm_in_a_crowd(void)
{
	pid_t hog, other, pid;

	begin_both();
	hog = fork();
	if (!hog)
		for (;;)
			shared->numbers[0]++;
	other = fork();
	if (!other) {
		close(port);
		close(back);
		storm_of(ROUNDS);
		_exit(0);
	}
	pid = start(echo);
	play(ROUNDS);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(wait_bits(back), 1);
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(check_wait(other), 0);
	kill(hog, SIGKILL);
	CHECK_EQ(check_wait(hog), CHECK_KILLED + SIGKILL);
	CHECK(shared->numbers[0] > 0);
	leave();
}

/* Calls and notifications at the same port: adds, and sends bits back. */
static void add_and_echo(void *unused)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();
	struct result got = msg_serve(receiver, 0, 0);

	(void)unused;
	while (got.value >= 0 || got.value == -EINTR) {
		if (got.value == MSG_NOTIFICATION) {
			if (port_notify(back, got.token) || got.token & 1)
				_exit(0);
			got = msg_serve(receiver, 0, 0);
		} else if (got.value == -EINTR) {
			got = msg_serve(receiver, 0, 0);
		} else {
			numbers[0] += numbers[1];
			got = msg_serve(receiver, HEADER(ADD, 8), got.token);
		}
	}
	_exit(3);
}

static void ask_all_the_time(void *unused)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();

	(void)unused;
	for (long i = 0; i < MIXED; i++) {
		numbers[0] = i;
		numbers[1] = 7;
		if (msg_ask(port, HEADER(ADD, 16)).value != (int64_t)HEADER(ADD, 8) || numbers[0] != (uint64_t)i + 7)
			_exit(1);
	}
}

static void mixed_with_calls(void)
{
	pid_t server, asker;

	begin_both();
	server = start(add_and_echo);
	asker = check_spawn(ask_all_the_time, NULL);
	for (long i = 1; i <= MIXED; i++)
		if (port_notify(port, i * 2) || wait_bits(back) != i * 2) {
			CHECK_EQ(i, -1);
			break;
		}
	CHECK_EQ(check_wait(asker), 0);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(check_wait(server), 0);
	leave();
}

static void on_signal(int signal)
{
	(void)signal;
	shared->numbers[1]++;
}

/* The same while signals come to either side. */
static void signals_all_the_time(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	pid_t pid, sender;

	begin_both();
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	pid = start(echo);
	sender = fork();
	if (!sender)
		for (;;) {
			usleep(300);
			kill(pid, SIGUSR1);
		}
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 2; i++)
		play(ROUNDS);
	setitimer(ITIMER_REAL, &never, NULL);
	kill(sender, SIGKILL);
	check_wait(sender);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(wait_bits(back), 1);
	CHECK_EQ(check_wait(pid), 0);
	CHECK(shared->numbers[1] > 0);
	leave();
}

/* Runs the storm against whoever is there. */
static void notify_for_ever(void *unused)
{
	(void)unused;
	msg_buffer();
	for (long i = 2;; i++)
		if (port_notify(port, i) || wait_bits(back) < 0)
			_exit(1);
}

/* Either side is killed at any moment of a storm; what is left is usable by the next ones. */
static void death_of_either_side(void)
{
	begin_both();
	srand(1);
	for (int i = 0; i < DEATHS; i++) {
		int end = port_control(back, PORT_TAKE, PORT_KEEP), old = back;
		pid_t one, other;

		CHECK(end >= 0);
		one = start(echo);
		back = end;
		other = check_spawn(notify_for_ever, NULL);
		back = old;
		close(end);
		usleep(rand() % 3000);
		kill(i % 2 ? one : other, SIGKILL);
		usleep(rand() % 300);
		kill(i % 2 ? other : one, SIGKILL);
		CHECK(check_wait(one) >= 0);
		CHECK(check_wait(other) >= 0);
	}
	leave();
	storm_of(ROUNDS);
}

/* Exits 0 when it has lost its right, which it may only notice when it waits. */
static void wait_four_times(void *unused)
{
	int64_t last;

	(void)unused;
	msg_buffer();
	for (int i = 0; i < 3; i++)
		if (wait_bits(receiver) != 2 || port_notify(back, 2))
			_exit(1);
	/* With several CPUs it may be too late for this one. */
	last = wait_bits(receiver);
	if ((last != 2 && last != -ESTALE) || port_notify(back, 2))
		_exit(2);
	_exit(msg_serve(receiver, 0, 0).value == -ESTALE ? 0 : 3);
}

/* Who has been replaced gets what it was notified of before, and does not wait again; even where somebody else could go on at once. */
static void replaced_receiver(void)
{
	pid_t pid;
	int taken;

	begin_both();
	pid = start(wait_four_times);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(port_notify(port, 2), 0);
		CHECK_EQ(wait_bits(back), 2);
	}
	check_state(pid, 'S', 5000);
	CHECK_EQ(port_notify(port, 2), 0);
	CHECK((taken = port_control(port, PORT_TAKE, 0)) >= 0);
	CHECK_EQ(wait_bits(back), 2);
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(port_notify(port, 8), 0);
	/* What the old one was woken for, but had not received on its CPU when it was replaced, is the new one's. */
	CHECK_EQ(msg_recv(taken, 0, NULL).token & ~2ul, 8);
	close(taken);
	leave();
}

static void take_all_bits(void *unused)
{
	uint64_t all = 0;

	(void)unused;
	msg_buffer();
	while (all != 0xff) {
		int64_t bits = wait_bits(receiver);

		if (bits <= 0)
			_exit(1);
		all |= bits;
		shared->numbers[2]++;
	}
	port_notify(back, 1);
}

/* Several notifications before the receiver runs, and one without bits, which is none. */
static void bits_are_not_lost(void)
{
	for (int round = 0; round < 40; round++) {
		pid_t pid;

		begin_both();
		pid = start(take_all_bits);
		if (round % 2)
			CHECK(check_state(pid, 'S', 5000));
		CHECK_EQ(port_notify(port, 0), 0);
		for (int i = 0; i < 8; i++)
			CHECK_EQ(port_notify(port, 1 << i), 0);
		CHECK_EQ(wait_bits(back), 1);
		CHECK_EQ(check_wait(pid), 0);
		leave();
	}
}

static void ask_thrice(void *unused)
{
	uint64_t *numbers = (uint64_t *)msg_buffer();

	(void)unused;
	for (int i = 0; i < 3; i++) {
		numbers[0] = 40 + i;
		if (msg_ask(port, HEADER(ADD, 8)).value != (int64_t)HEADER(ADD, 8) || numbers[0] != 41u + i)
			_exit(1);
	}
}

/* A server may hold one call while it waits for the next by the short way, and answer both. */
static void two_calls_held(void)
{
	uint64_t *numbers, first;
	struct result one, two;
	pid_t pids[2];

	begin_both();
	numbers = (uint64_t *)msg_buffer();
	for (int i = 0; i < 2; i++)
		pids[i] = check_spawn(ask_thrice, NULL);
	for (int i = 0; i < 3; i++) {
		one = msg_serve(port, 0, 0);
		first = numbers[0];
		two = msg_serve(port, 0, 0);
		numbers[0]++;
		CHECK_EQ(msg_reply(port, HEADER(ADD, 8), two.token, NULL), 0);
		numbers[0] = first + 1;
		CHECK_EQ(msg_reply(port, HEADER(ADD, 8), one.token, NULL), 0);
	}
	for (int i = 0; i < 2; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
	leave();
}

static void mark_and_echo(void *unused)
{
	int64_t bits;

	(void)unused;
	msg_buffer();
	while ((bits = wait_bits(receiver)) > 1) {
		shared->numbers[3] = bits;
		port_notify(back, bits);
	}
	_exit(bits == 1 ? 0 : 1);
}

static void on_one_cpu(int nice)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	setpriority(PRIO_PROCESS, 0, nice);
}

/* A receiver of a better class runs before who notified it goes on, one of a worse class does not. */
static void classes_count(void)
{
	int early = 0, late = 0;
	pid_t pid;

	begin_both();
	on_one_cpu(0);
	pid = start(mark_and_echo);
	on_one_cpu(15);
	for (int i = 2; i < CLASSES + 2; i++) {
		check_state(pid, 'S', 5000);
		CHECK_EQ(port_notify(port, i), 0);
		early += shared->numbers[3] == i;
		CHECK_EQ(wait_bits(back), i);
	}
	CHECK(early > CLASSES * 9 / 10);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(check_wait(pid), 0);
	setpriority(PRIO_PROCESS, 0, 0);
	pid = start(mark_and_echo);
	setpriority(PRIO_PROCESS, pid, 15);
	for (int i = 2; i < CLASSES + 2; i++) {
		check_state(pid, 'S', 5000);
		CHECK_EQ(port_notify(port, i), 0);
		late += shared->numbers[3] != i;
		CHECK_EQ(wait_bits(back), i);
	}
	CHECK(late > CLASSES * 9 / 10);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(check_wait(pid), 0);
	leave();
}

static void nothing_to_check(void)
{
	CHECK(1);
}

static const struct check_case cases[] = {
	CASE(storm), CASE(storm_in_a_crowd), CASE(mixed_with_calls), CASE(signals_all_the_time), CASE(death_of_either_side), CASE(replaced_receiver),
	CASE(bits_are_not_lost), CASE(two_calls_held), CASE(classes_count), { NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct check_case none[] = { CASE(nothing_to_check), { NULL, NULL } };

	return check_main("notify", check_on_linux() ? none : cases, argc, argv);
}
