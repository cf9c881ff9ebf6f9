/* SPDX-License-Identifier: MIT */
/* The frame of the in-guest test programs; see check.h. */
#include "check.h"
#include "group_threads.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CASE_LIMIT_MS = 40000 };

struct counters {
	int checks;
	int failures;
};

static struct counters *counters;
static const char *program_name, *case_name = "start";

/* One write(2), so that lines of several processes do not mix. */
static void report(const char *text, const char *file, int line, const char *detail)
{
	char message[1024];
	const char *base = strrchr(file, '/');
	int length = snprintf(message, sizeof message, "FAIL %s.%s (%s:%d): %s: %s\n", program_name, case_name,
			      base ? base + 1 : file, line, text, detail);

	if (length >= (int)sizeof message)
		length = sizeof message - 1;
	__atomic_add_fetch(&counters->failures, 1, __ATOMIC_RELAXED);
	if (write(STDOUT_FILENO, message, length) != length)
		_exit(99);
}

static void count(void)
{
	__atomic_add_fetch(&counters->checks, 1, __ATOMIC_RELAXED);
}

int check_true(int holds, const char *text, const char *file, int line)
{
	char detail[128];

	snprintf(detail, sizeof detail, "is false (errno %d, %s)", errno, strerror(errno));
	count();
	if (!holds)
		report(text, file, line, detail);
	return holds;
}

int check_equal(long got, long want, const char *text, const char *file, int line)
{
	char detail[192];

	count();
	if (got == want)
		return 1;
	snprintf(detail, sizeof detail, "got %ld (%#lx), expected %ld (%#lx) (errno %d, %s)", got, got, want, want, errno,
		 strerror(errno));
	report(text, file, line, detail);
	return 0;
}

int check_error(long result, int want, const char *text, const char *file, int line)
{
	int number = errno;
	char detail[192];

	count();
	if (result == -1 && number == want)
		return 1;
	snprintf(detail, sizeof detail, "got %ld with errno %d (%s), expected -1 with %d (%s)", result, number,
		 strerror(number), want, strerror(want));
	report(text, file, line, detail);
	return 0;
}

int check_string(const char *got, const char *want, const char *text, const char *file, int line)
{
	char detail[512];

	count();
	if (got && !strcmp(got, want))
		return 1;
	snprintf(detail, sizeof detail, "got \"%.200s\", expected \"%.200s\"", got ? got : "(null)", want);
	report(text, file, line, detail);
	return 0;
}

void check_sleep(int ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int check_on_linux(void)
{
	struct utsname name;

	return uname(&name) == 0 && !strstr(name.release, "-raeen");
}

long check_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

pid_t check_spawn(void (*body)(void *argument), void *argument)
{
	pid_t pid = fork();

	if (pid < 0) {
		check_true(0, "fork()", __FILE__, __LINE__);
		_exit(1);
	}
	if (pid == 0) {
		body(argument);
		_exit(0);
	}
	return pid;
}

int check_wait(pid_t pid)
{
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (got <= 0)
		return -1;
	return WIFSIGNALED(status) ? CHECK_KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

int check_child(void (*body)(void *argument), void *argument)
{
	return check_wait(check_spawn(body, argument));
}

void check_write_file(const char *path, const char *text, int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != length || fchmod(fd, mode) < 0 || close(fd) < 0) {
		check_true(0, path, __FILE__, __LINE__);
		_exit(1);
	}
}

int check_await(volatile int *flag, int ms)
{
	for (long end = check_now() + ms; !*flag && check_now() < end;)
		check_sleep(2);
	return *flag;
}

static char process_state(pid_t pid)
{
	char path[64], text[512];
	int fd;
	ssize_t length;
	char *at;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof text - 1);
	close(fd);
	text[length < 0 ? 0 : length] = '\0';
	at = strrchr(text, ')');
	return at && at[1] ? at[2] : 0;
}

int check_state(pid_t pid, char state, int ms)
{
	for (long end = check_now() + ms; process_state(pid) != state;) {
		if (check_now() >= end)
			return 0;
		check_sleep(2);
	}
	return 1;
}

void check_signal_parent(int number)
{
	check_state(getppid(), 'S', 20000);
	kill(getppid(), number);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	remove(path);
	return 0;
}

void check_remove(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void run_in_child(const struct check_case *test, const char *folder)
{
	setpgid(0, 0);
	umask(022);
	if (chdir(folder) < 0) {
		check_true(0, "chdir to the case's folder", __FILE__, __LINE__);
		_exit(1);
	}
	test->run();
	_exit(0);
}

static void run_case(const struct check_case *test)
{
	char folder[256], text[64];
	const char *base = getenv("TMPDIR");
	const char *limit = getenv("CASE_LIMIT_MS");
	long end = check_now() + (limit ? atol(limit) : CASE_LIMIT_MS);
	int status = 0;
	pid_t pid, got;

	case_name = test->name;
	snprintf(folder, sizeof folder, "%s/%s.XXXXXX", base ? base : "/tmp", program_name);
	if (!mkdtemp(folder) || chmod(folder, 0777) < 0) {
		check_true(0, folder, __FILE__, __LINE__);
		return;
	}
	pid = fork();
	if (pid == 0)
		run_in_child(test, folder);
	if (pid < 0) {
		check_true(0, "fork()", __FILE__, __LINE__);
		return;
	}
	while ((got = waitpid(pid, &status, WNOHANG)) == 0 && check_now() < end)
		check_sleep(2);
	if (got == 0) {
		report("the case", test->name, 0, "did not end in time");
		group_threads_print(pid);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	} else if (got < 0 || status != 0) {
		snprintf(text, sizeof text, "ended with wait status %#x", status);
		report("the case", test->name, 0, text);
	}
	kill(-pid, SIGKILL);
	check_remove(folder);
}

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(name, argv[i]))
			return 1;
	return argc < 2;
}

int check_main(const char *name, const struct check_case *cases, int argc, char **argv)
{
	static struct counters own;
	void *shared = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	program_name = name;
	counters = shared == MAP_FAILED ? &own : shared;
	setvbuf(stdout, NULL, _IONBF, 0);
	/* busybox sh -c hands SIGQUIT on ignored, on Linux too. */
	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	CHECK(shared != MAP_FAILED);
	for (; cases->name; cases++)
		if (wanted(cases->name, argc, argv))
			run_case(cases);
	if (counters->failures) {
		printf("FAILED %s: %d of %d checks\n", name, counters->failures, counters->checks);
		return 1;
	}
	printf("ok %s: %d checks\n", name, counters->checks);
	return 0;
}
