/* SPDX-License-Identifier: MIT */
/* What processes and threads are told to have used of memory: the most they had at once, and page faults; their own, and of children that have ended. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* LARGE_KIB: Linux counts in batches. PAGES: too few for a large page. SLACK: what a process has besides. */
enum { PAGE = 4096, MIB = 1 << 20, LARGE_MIB = 24, LARGE_KIB = (LARGE_MIB - 1) << 10, SLACK_KIB = 8 << 10, PAGES = 64 };

static void touch(char *at, size_t bytes)
{
	for (size_t done = 0; done < bytes; done += PAGE)
		*(volatile char *)(at + done) = 1;
}

static char *get_memory(size_t bytes)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!CHECK(at != MAP_FAILED))
		exit(1);
	return at;
}

/* Has much memory and gives it back. */
static void be_large(void)
{
	char *at = get_memory(LARGE_MIB * MIB);

	touch(at, LARGE_MIB * MIB);
	CHECK_EQ(munmap(at, LARGE_MIB * MIB), 0);
}

/* The figure of the line @name in this process's status. */
static long status_of(const char *name)
{
	char line[256], start[32];
	FILE *file = fopen("/proc/self/status", "r");
	long value = -1;

	snprintf(start, sizeof start, "%s:", name);
	while (CHECK(file != NULL) && value < 0 && fgets(line, sizeof line, file))
		if (!strncmp(line, start, strlen(start)))
			value = atol(line + strlen(start));
	if (file)
		fclose(file);
	return value;
}

static struct rusage usage_of(int who)
{
	struct rusage usage;

	CHECK_EQ(getrusage(who, &usage), 0);
	return usage;
}

/* The @number'th word of a stat file, counted from 1; after the name. */
static long stat_of(const char *path, int number)
{
	char text[1024] = "", *word;
	int file = open(path, O_RDONLY);

	CHECK(read(file, text, sizeof text - 1) > 0);
	close(file);
	word = strrchr(text, ')');
	for (word = word ? strtok(word + 1, " ") : NULL; word && number > 3; number--)
		word = strtok(NULL, " ");
	return word ? atol(word) : -1;
}

static void own_peak(void)
{
	be_large();
	CHECK(usage_of(RUSAGE_SELF).ru_maxrss >= LARGE_KIB);
	CHECK(usage_of(RUSAGE_THREAD).ru_maxrss >= LARGE_KIB);
	CHECK(status_of("VmHWM") >= LARGE_KIB);
	CHECK(status_of("VmRSS") < SLACK_KIB);
	CHECK(status_of("VmPeak") >= status_of("VmSize") + LARGE_KIB);
	/* Given back page by page, or under what stays. */
	char *at = get_memory(2 * LARGE_MIB * MIB);

	touch(at, 2 * LARGE_MIB * MIB);
	CHECK_EQ(madvise(at, 2 * LARGE_MIB * MIB, MADV_DONTNEED), 0);
	CHECK(status_of("VmHWM") >= 2 * LARGE_KIB);
	CHECK(status_of("VmRSS") < SLACK_KIB);
}

/* What a parent had is not its child's. */
static void small_child(void *unused)
{
	(void)unused;
	CHECK(usage_of(RUSAGE_SELF).ru_maxrss < SLACK_KIB);
	CHECK(status_of("VmHWM") < SLACK_KIB);
	CHECK(status_of("VmPeak") < status_of("VmSize") + SLACK_KIB);
}

static void large_child(void *unused)
{
	(void)unused;
	be_large();
}

static void parent_of_large_one(void *unused)
{
	(void)unused;
	check_child(large_child, NULL);
}

static void large_before_exec(void *unused)
{
	(void)unused;
	be_large();
	execl("/bin/true", "true", NULL);
	_exit(99);
}

static long wait_for(pid_t pid)
{
	struct rusage usage = { 0 };
	int status = -1;

	CHECK_EQ(wait4(pid, &status, 0, &usage), pid);
	CHECK_EQ(status, 0);
	return usage.ru_maxrss;
}

static void children_peak(void)
{
	be_large();
	CHECK(wait_for(check_spawn(small_child, NULL)) < SLACK_KIB);
	CHECK(usage_of(RUSAGE_CHILDREN).ru_maxrss < SLACK_KIB);
	CHECK(wait_for(check_spawn(large_child, NULL)) >= LARGE_KIB);
	CHECK(usage_of(RUSAGE_CHILDREN).ru_maxrss >= LARGE_KIB);
	wait_for(check_spawn(small_child, NULL));
	CHECK(usage_of(RUSAGE_CHILDREN).ru_maxrss >= LARGE_KIB);
}

static void grandchildren_peak(void)
{
	CHECK(wait_for(check_spawn(parent_of_large_one, NULL)) >= LARGE_KIB);
	CHECK(usage_of(RUSAGE_CHILDREN).ru_maxrss >= LARGE_KIB);
}

static void peak_before_exec(void)
{
	CHECK(wait_for(check_spawn(large_before_exec, NULL)) >= LARGE_KIB);
}

/* Of a child that stops it is told so far. */
static void stopped_childs_peak(void)
{
	pid_t pid = fork();
	struct rusage usage = { 0 };
	int status;

	if (!pid) {
		be_large();
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(wait4(pid, &status, WUNTRACED, &usage), pid);
	CHECK(WIFSTOPPED(status));
	CHECK(usage.ru_maxrss >= LARGE_KIB);
	kill(pid, SIGCONT);
	wait_for(pid);
}

/* ---- Faults ---- */

static void *fault_pages(void *unused)
{
	long before = usage_of(RUSAGE_THREAD).ru_minflt;
	char *at = get_memory(PAGES * PAGE);

	touch(at, PAGES * PAGE);
	munmap(at, PAGES * PAGE);
	CHECK(usage_of(RUSAGE_THREAD).ru_minflt >= before + PAGES);
	return unused;
}

static void faults_of_threads(void)
{
	long own = usage_of(RUSAGE_THREAD).ru_minflt, all = usage_of(RUSAGE_SELF).ru_minflt, after;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fault_pages, NULL), 0);
	pthread_join(thread, NULL);
	/* The other thread's are the process's, also when it has ended, and not this one's. */
	after = usage_of(RUSAGE_SELF).ru_minflt;
	CHECK(after >= all + PAGES);
	CHECK(usage_of(RUSAGE_THREAD).ru_minflt < own + PAGES);
	CHECK(stat_of("/proc/self/stat", 10) >= after);
	CHECK(stat_of("/proc/thread-self/stat", 10) < stat_of("/proc/self/stat", 10));
}

static void fault_child(void *unused)
{
	fault_pages(unused);
}

static void faults_of_children(void)
{
	long before = usage_of(RUSAGE_CHILDREN).ru_minflt, after;

	CHECK_EQ(stat_of("/proc/self/stat", 11), before);
	CHECK_EQ(check_child(fault_child, NULL), 0);
	after = usage_of(RUSAGE_CHILDREN).ru_minflt;
	CHECK(after >= before + PAGES);
	CHECK_EQ(stat_of("/proc/self/stat", 11), after);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(own_peak), CASE(children_peak), CASE(grandchildren_peak), CASE(peak_before_exec), CASE(stopped_childs_peak), CASE(faults_of_threads),
		CASE(faults_of_children), { NULL, NULL },
	};

	return check_main("usage", cases, argc, argv);
}
