/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads: making them, and two that hand something to each other. The partner of a round trip never ends
 * a timed loop early and is never waited for idle: with one CPU one of the two can always run.
 */
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 64 };

static int to_partner[2], from_partner[2];
static pid_t partner;
static uint32_t *shared;	/* 0: my turn, 1: the partner's */

static void await_child(pid_t child)
{
	int status;

	MUST(waitpid(child, &status, 0) == child && status == 0);
}

void run_fork(unsigned count)
{
	while (count--) {
		pid_t child = fork();

		MUST(child >= 0);
		if (!child)
			_exit(0);
		await_child(child);
	}
}

/* This same program, which with that argument returns from main at once. */
void run_exec(unsigned count)
{
	static char *const arguments[] = { "bench", "exit", NULL };

	while (count--) {
		pid_t child = fork();

		MUST(child >= 0);
		if (!child) {
			execve("/bench", arguments, environ);
			_exit(1);
		}
		await_child(child);
	}
}

static void end_partner(void)
{
	MUST(kill(partner, SIGKILL) == 0 && waitpid(partner, NULL, 0) == partner);
}

void prepare_pipe(void)
{
	char message[MESSAGE];

	MUST(pipe(to_partner) == 0 && pipe(from_partner) == 0);
	MUST((partner = fork()) >= 0);
	if (partner)
		return;
	while (read(to_partner[0], message, MESSAGE) == MESSAGE)
		MUST(write(from_partner[1], message, MESSAGE) == MESSAGE);
	_exit(1);
}

void run_pipe(unsigned count)
{
	char message[MESSAGE] = "";

	while (count--) {
		MUST(write(to_partner[1], message, MESSAGE) == MESSAGE);
		MUST(read(from_partner[0], message, MESSAGE) == MESSAGE);
	}
}

void finish_pipe(void)
{
	end_partner();
	for (unsigned i = 0; i < 2; i++) {
		close(to_partner[i]);
		close(from_partner[i]);
	}
}

static void prepare_sockets(int type)
{
	char message[MESSAGE];

	MUST(socketpair(AF_UNIX, type, 0, to_partner) == 0);
	MUST((partner = fork()) >= 0);
	if (partner)
		return;
	while (read(to_partner[0], message, MESSAGE) == MESSAGE)
		MUST(write(to_partner[0], message, MESSAGE) == MESSAGE);
	_exit(1);
}

void prepare_stream(void) { prepare_sockets(SOCK_STREAM); }
void prepare_packets(void) { prepare_sockets(SOCK_SEQPACKET); }

void run_sockets(unsigned count)
{
	char message[MESSAGE] = "";

	while (count--) {
		MUST(write(to_partner[1], message, MESSAGE) == MESSAGE);
		MUST(read(to_partner[1], message, MESSAGE) == MESSAGE);
	}
}

void finish_sockets(void)
{
	end_partner();
	close(to_partner[0]);
	close(to_partner[1]);
}

/* Gives the turn to the other side and sleeps until it comes back. */
static void pass_turn(uint32_t theirs, uint32_t mine)
{
	__atomic_store_n(shared, theirs, __ATOMIC_RELEASE);
	syscall(SYS_futex, shared, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) != mine)
		syscall(SYS_futex, shared, FUTEX_WAIT, theirs, NULL, NULL, 0);
}

void prepare_futex(void)
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(shared != MAP_FAILED);
	MUST((partner = fork()) >= 0);
	if (partner)
		return;
	while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) != 1)
		syscall(SYS_futex, shared, FUTEX_WAIT, 0, NULL, NULL, 0);
	for (;;)
		pass_turn(0, 1);
}

void run_futex(unsigned count)
{
	while (count--)
		pass_turn(1, 0);
}

void finish_futex(void)
{
	end_partner();
	MUST(munmap(shared, PAGE) == 0);
}

static void *thread_main(void *argument)
{
	return argument;
}

void run_thread(unsigned count)
{
	while (count--) {
		pthread_t thread;

		MUST(pthread_create(&thread, NULL, thread_main, NULL) == 0);
		MUST(pthread_join(thread, NULL) == 0);
	}
}
