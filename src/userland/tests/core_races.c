/* SPDX-License-Identifier: MIT */
/* Core files of processes in which something else happens at the same time: other threads crash, end, come, leave the program, or all are killed. */
#include "check.h"

#include "built_with.h"
#include "core_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 12, THREADS = 6, STACK = 65536 };

static char *program;
static pthread_barrier_t together;

static void *crash(void *argument)
{
	pthread_barrier_wait(&together);
	__asm__ volatile("ud2");
	return argument;
}

static void *leave(void *argument)
{
	pthread_barrier_wait(&together);
	syscall(SYS_exit_group, 3);
	return argument;
}

static void *become_another(void *argument)
{
	pthread_barrier_wait(&together);
	execl("/proc/self/exe", program, "nothing", NULL);
	_exit(9);
	return argument;
}

static void *end(void *argument)
{
	return argument;
}

/* Threads come and go all the time. */
static void *make_others(void *argument)
{
	pthread_barrier_wait(&together);
	for (;;) {
		pthread_t thread;

		if (!pthread_create(&thread, NULL, end, NULL))
			pthread_join(thread, NULL);
	}
	return argument;
}

static void *spin(void *argument)
{
	pthread_barrier_wait(&together);
	for (;;)
		;
	return argument;
}

/* Runs @body in @count threads beside one that crashes, all let go at once. Does not return. */
static void run(void *(*body)(void *argument), unsigned count)
{
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
	pthread_attr_t attributes;
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &most);
	pthread_barrier_init(&together, NULL, count + 1);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&thread, &attributes, body, NULL))
			_exit(8);
	crash(NULL);
	_exit(7);
}

/* The wait status of a process in which @body runs in @count threads beside the crash. */
static int run_child(void *(*body)(void *argument), unsigned count)
{
	int status = -1;
	pid_t pid;

	unlink("core");
	pid = fork();
	if (!pid)
		run(body, count);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

/* How many threads the core has that was left with @status. */
static unsigned threads_of_core(int status)
{
	unsigned threads = 0;
	struct core core;

	CHECK(WIFSIGNALED(status) && WCOREDUMP(status));
	CHECK_EQ(WTERMSIG(status), SIGILL);
	if (CHECK_EQ(core_open(&core, "core"), 0)) {
		threads = core_count(&core, NT_PRSTATUS);
		CHECK_EQ(core_signal(&core), SIGILL);
		CHECK_EQ(core_count(&core, NT_SIGINFO), 1);
		core_close(&core);
	}
	return threads;
}

static void crash_at_once(void)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		CHECK_EQ(threads_of_core(run_child(crash, THREADS)), THREADS + 1);
}

static void crash_beside_spinning(void)
{
	/* They have all of the CPU while they are not stopped. */
	for (unsigned i = 0; i < ROUNDS / 3; i++)
		CHECK_EQ(threads_of_core(run_child(spin, THREADS)), THREADS + 1);
}

static void crash_beside_new_threads(void)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		CHECK(threads_of_core(run_child(make_others, 2)) >= 3);
}

/* What comes first is what happens. */
static void crash_beside_end(void *(*body)(void *argument), int code)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		int status = run_child(body, 1);

		if (WIFEXITED(status))
			CHECK_EQ(WEXITSTATUS(status), code);
		else if (WCOREDUMP(status))
			CHECK(threads_of_core(status) >= 1);
		else
			CHECK_EQ(WTERMSIG(status), SIGILL);
	}
}

static void crash_beside_exit(void)
{
	crash_beside_end(leave, 3);
}

static void crash_beside_exec(void)
{
	crash_beside_end(become_another, 0);
}

/* A kill at any moment ends it. */
static void killed_meanwhile(void)
{
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		struct timespec pause = { 0, i * 300000 };
		int status = -1;
		pid_t pid;

		unlink("core");
		pid = fork();
		if (!pid)
			run(crash, THREADS);
		nanosleep(&pause, NULL);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGILL));
	}
}

/* What nobody has touched of shared memory is not made for the file. */
static void crash_with_sparse_memory(void)
{
	enum { PAGE = 4096, PAGES = 2000, FIRST = 700 };
	unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), there[PAGES] = { 0 };
	struct core core;
	int made = 0;

	memset(memory + FIRST * PAGE, 5, PAGE);
	memset(memory + (PAGES - 1) * PAGE, 6, PAGE);
	CHECK_EQ(threads_of_core(run_child(crash, 1)), 2);
	if (!CHECK_EQ(core_open(&core, "core"), 0))
		return;
	CHECK(core_page_is(&core, memory, 0));
	CHECK(core_page_is(&core, memory + FIRST * PAGE, 5));
	CHECK(core_page_is(&core, memory + (FIRST + 1) * PAGE, 0));
	CHECK(core_page_is(&core, memory + (PAGES - 1) * PAGE, 6));
	core_close(&core);
	CHECK_EQ(mincore(memory, PAGES * PAGE, there), 0);
	for (int i = 0; i < PAGES; i++)
		made += there[i] & 1;
	if (!access("/dev/trace", F_OK))	/* Linux makes it all */
		CHECK_EQ(made, 2);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(crash_at_once), CASE(crash_beside_spinning), CASE(crash_beside_new_threads), CASE(crash_beside_exit), CASE(crash_beside_exec),
		CASE(killed_meanwhile), CASE(crash_with_sparse_memory), { NULL, NULL },
	};

	program = argv[0];
	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (!kernel_has(CORE_FILES))
		return skip_program("core_races", CORE_FILES);
	return check_main("core_races", cases, argc, argv);
}
