/* SPDX-License-Identifier: MIT */
/*
 * Not a test: what the debugger's sessions (ci/tests/sessions/debugger) look into. `debugged WORK` does one kind of work; compiled without optimization,
 * so that every line and variable is where the source has it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct pair {
	const char *name;
	int number;
};

static struct pair pair = { "seven", 7 };
static int total;
static volatile sig_atomic_t released, handled;
static pthread_barrier_t met;

static int square(int number)
{
	int result = number * number;

	return result;
}

static int add_squares(int count)
{
	for (int i = 1; i <= count; i++) {
		int one = square(i);

		total += one;
	}
	return total;
}

static int recurse(int depth)
{
	return depth ? 1 + recurse(depth - 1) : pair.number;
}

static int calls(void)
{
	int squares = add_squares(5), depth;

	printf("the squares are %d\n", squares);
	depth = recurse(3);
	printf("%s makes %d\n", pair.name, depth);
	return 4;
}

/* Until a debugger sets the variable, or the signal comes. */
static void let_go(int number)
{
	released = number;
}

static void wait_a_little(void)
{
	usleep(1000);
}

static int waits(void)
{
	signal(SIGUSR1, let_go);
	puts("waiting");
	while (!released)
		wait_a_little();
	printf("released by %d\n", released);
	return 0;
}

static void *wait_too(void *argument)
{
	while (!released)
		wait_a_little();
	return argument;
}

static int waits_in_threads(void)
{
	pthread_t other;

	pthread_create(&other, NULL, wait_too, NULL);
	waits();
	return pthread_join(other, NULL);
}

static void count_signal(int number)
{
	handled += number;
}

static int signals(void)
{
	signal(SIGUSR1, count_signal);
	signal(SIGUSR2, count_signal);
	raise(SIGUSR1);
	raise(SIGUSR2);
	printf("handled %d\n", handled);
	raise(SIGTERM);
	return 0;
}

static void add(int number)
{
	total += number;
	total *= 10;
}

static void *run_thread(void *argument)
{
	const int *number = argument;

	pthread_barrier_wait(&met);
	if (*number == 2)
		add(*number);
	pthread_barrier_wait(&met);
	return NULL;
}

static int threads(void)
{
	pthread_t threads[2];
	int numbers[] = { 1, 2 };

	pthread_barrier_init(&met, NULL, 3);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_thread, &numbers[i]);
	pthread_barrier_wait(&met);
	pthread_barrier_wait(&met);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("the threads made %d\n", total);
	return 0;
}

static int child_work(void)
{
	return square(3);
}

static int forks(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(child_work());
	waitpid(child, &status, 0);
	printf("the child ended with %d\n", WEXITSTATUS(status));
	return 0;
}

static int execs(const char *program)
{
	fflush(stdout);
	execl(program, program, "calls", NULL);
	return 1;
}

static void write_to(int *where)
{
	*where = square(2);
}

static int crashes(void)
{
	write_to(NULL);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*work)(void);
	} works[] = {
		{ "calls", calls }, { "waits", waits }, { "waits-in-threads", waits_in_threads }, { "signals", signals }, { "threads", threads },
		{ "forks", forks }, { "crashes", crashes },
	};
	const char *name = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (!strcmp(name, works[i].name))
			return works[i].work();
	return strcmp(name, "execs") ? 2 : execs(argv[0]);
}
