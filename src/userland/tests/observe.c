/* SPDX-License-Identifier: MIT */
/* What /proc tells about threads and CPUs: numbers, states, times and affinity of each thread; counts of each CPU. */
#include "check.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, FIELDS = 52, PRIORITY = 7 };
/* Fields of stat, counted from 1 as in proc(5). */
enum { STATE = 3, UTIME = 14, STIME = 15, PRIORITY_FIELD = 18, NICE = 19, THREADS = 20, PROCESSOR = 39, RT_PRIORITY = 40, POLICY = 41 };

static char text[65536];

static const char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t length;

	if (!CHECK(file != NULL))
		exit(1);
	length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	return text;
}

struct stat_fields { char name[64]; char state; long values[FIELDS + 1]; };

static struct stat_fields read_stat(pid_t pid, pid_t tid)
{
	struct stat_fields result = { .state = '?' };
	char path[64], *open, *close, *word;
	int number = STATE;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	read_file(path);
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!CHECK(open && close))
		exit(1);
	*close = '\0';
	snprintf(result.name, sizeof result.name, "%s", open + 1);
	for (word = strtok(close + 1, " \n"); word && number <= FIELDS; word = strtok(NULL, " \n"), number++) {
		if (number == STATE)
			result.state = *word;
		else
			result.values[number] = strtol(word, NULL, 10);
	}
	CHECK_EQ(number, FIELDS + 1);
	return result;
}

/* The rest of the line that begins with @name in the status of @tid of this process. */
static const char *read_status(pid_t tid, const char *name)
{
	char path[64], start[64], *line, *end;

	snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
	snprintf(start, sizeof start, "\n%s:\t", name);
	read_file(path);
	line = strstr(text, start);
	if (!CHECK(line != NULL))
		exit(1);
	line += strlen(start);
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	return line;
}

static int cpu_count;	/* as it was when the program began: musl counts those that the caller may use */

static int last_cpu(void)
{
	return cpu_count - 1;
}

/* ---- A thread that does what it is told ---- */

enum order { SLEEP, BURN, END };

static struct { volatile int order, tid; int wake[2]; pthread_t thread; } worker;

static void *work(void *unused)
{
	char byte;

	worker.tid = syscall(SYS_gettid);
	for (;;) {
		if (worker.order == END)
			return unused;
		if (worker.order == SLEEP)
			CHECK_EQ(read(worker.wake[0], &byte, 1), 1);
	}
}

static void start_worker(enum order order)
{
	worker.order = order;
	CHECK_EQ(pipe(worker.wake), 0);
	CHECK_EQ(pthread_create(&worker.thread, NULL, work, NULL), 0);
	check_await(&worker.tid, PATIENCE_MS);
}

static void tell_worker(enum order order)
{
	worker.order = order;
	CHECK_EQ(write(worker.wake[1], "", 1), 1);
}

static void end_worker(void)
{
	tell_worker(END);
	CHECK_EQ(pthread_join(worker.thread, NULL), 0);
}

static void pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQ(sched_setaffinity(tid, sizeof set, &set), 0);
}

static int reaches_state(char state)
{
	for (long begun = check_now(); check_now() - begun < PATIENCE_MS; check_sleep(1))
		if (read_stat(getpid(), worker.tid).state == state)
			return 1;
	return 0;
}

/* ---- Threads ---- */

static int root_lists(pid_t number)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while (dir && (entry = readdir(dir)))
		found |= atoi(entry->d_name) == number;
	if (dir)
		closedir(dir);
	return found;
}

/* The user time in a stat. */
static long user_ticks(const char *path)
{
	char *at = strrchr(read_file(path), ')');
	long ticks = -1;

	CHECK(at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld", &ticks) == 1);
	return ticks;
}

/* A thread's number leads to its process as the thread has it, though no listing shows it; as long as the thread lives. */
static void threads_have_numbers(void)
{
	char path[64], mine[256], its[256], wanted[64];
	ssize_t length;
	int fd;

	start_worker(SLEEP);
	CHECK_EQ(prctl(PR_SET_NAME, "first"), 0);
	CHECK(root_lists(getpid()) && !root_lists(worker.tid));
	snprintf(path, sizeof path, "/proc/%d/status", worker.tid);
	snprintf(wanted, sizeof wanted, "\nTgid:\t%d\n", getpid());
	CHECK(strstr(read_file(path), wanted) != NULL);
	snprintf(wanted, sizeof wanted, "\nPid:\t%d\n", worker.tid);
	CHECK(strstr(text, wanted) != NULL);
	snprintf(path, sizeof path, "/proc/%d/comm", worker.tid);
	fd = open(path, O_WRONLY);
	CHECK_EQ(write(fd, "second", 6), 6);
	close(fd);
	CHECK_STR(read_file(path), "second\n");
	CHECK_STR(read_file("/proc/self/comm"), "first\n");
	snprintf(path, sizeof path, "/proc/%d/task/%d", worker.tid, getpid());
	CHECK_EQ(access(path, F_OK), 0);
	snprintf(path, sizeof path, "/proc/%d/fd/%d", worker.tid, worker.wake[0]);
	length = readlink(path, its, sizeof its);
	snprintf(path, sizeof path, "/proc/self/fd/%d", worker.wake[0]);
	CHECK(length > 0 && readlink(path, mine, sizeof mine) == length && memcmp(mine, its, (size_t)length) == 0);
	while (user_ticks("/proc/self/stat") < 5)
		;
	snprintf(path, sizeof path, "/proc/%d/stat", worker.tid);
	CHECK(user_ticks(path) >= 5);
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", worker.tid);
	CHECK(user_ticks(path) < 5);
	end_worker();
	snprintf(path, sizeof path, "/proc/%d", worker.tid);
	for (long begun = check_now(); access(path, F_OK) == 0 && check_now() - begun < PATIENCE_MS;)
		check_sleep(1);
	CHECK_ERR(access(path, F_OK), ENOENT);
}

static void fields_of_a_thread(void)
{
	struct sched_param parameters = { .sched_priority = PRIORITY };
	struct stat_fields mine, its;

	start_worker(SLEEP);
	pin(worker.tid, last_cpu());
	CHECK_EQ(syscall(SYS_sched_setscheduler, worker.tid, SCHED_RR, &parameters), 0);
	CHECK_EQ(pthread_setname_np(worker.thread, "one) R 2 (two"), 0);
	tell_worker(SLEEP);	/* it runs, there, and sleeps again */
	CHECK(reaches_state('S'));
	its = read_stat(getpid(), worker.tid);
	CHECK_STR(its.name, "one) R 2 (two");
	CHECK_EQ(its.values[PRIORITY_FIELD], -1 - PRIORITY);
	CHECK_EQ(its.values[NICE], 0);
	CHECK_EQ(its.values[THREADS], 2);
	CHECK_EQ(its.values[PROCESSOR], last_cpu());
	CHECK_EQ(its.values[RT_PRIORITY], PRIORITY);
	CHECK_EQ(its.values[POLICY], SCHED_RR);
	mine = read_stat(getpid(), getpid());
	CHECK_EQ(mine.state, 'R');
	CHECK_EQ(mine.values[PRIORITY_FIELD], 20);
	CHECK_EQ(mine.values[RT_PRIORITY], 0);
	CHECK_EQ(mine.values[POLICY], SCHED_OTHER);
	end_worker();
}

static void niceness_is_a_threads_own(void)
{
	struct stat_fields its;

	start_worker(SLEEP);
	CHECK_EQ(setpriority(PRIO_PROCESS, worker.tid, 5), 0);
	its = read_stat(getpid(), worker.tid);
	CHECK_EQ(its.values[PRIORITY_FIELD], 25);
	CHECK_EQ(its.values[NICE], 5);
	CHECK_EQ(read_stat(getpid(), getpid()).values[NICE], 0);
	end_worker();
}

static void times_are_a_threads_own(void)
{
	struct stat_fields its;
	long begun = check_now(), burnt;

	start_worker(BURN);
	do {
		check_sleep(300);	/* seldom: Linux may charge a whole tick each time */
		its = read_stat(getpid(), worker.tid);
	} while (its.values[UTIME] + its.values[STIME] < 30 && check_now() - begun < PATIENCE_MS);
	burnt = its.values[UTIME] + its.values[STIME];
	CHECK(burnt >= 30);
	CHECK(its.values[UTIME] > its.values[STIME]);
	CHECK_EQ(its.state, 'R');
	its = read_stat(getpid(), getpid());
	CHECK(its.values[UTIME] + its.values[STIME] < burnt);
	end_worker();
}

static void states(void)
{
	pid_t child;
	int status;

	start_worker(BURN);
	CHECK(reaches_state('R'));
	worker.order = SLEEP;
	CHECK(reaches_state('S'));
	end_worker();
	child = fork();
	if (!child) {
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(read_stat(child, child).state, 'T');
	kill(child, SIGCONT);
	CHECK(check_state(child, 'Z', PATIENCE_MS));
	CHECK_EQ(waitpid(child, &status, 0), child);
}

static void switches_are_counted(void)
{
	long before, after = 0;

	start_worker(SLEEP);
	CHECK(reaches_state('S'));
	before = strtol(read_status(worker.tid, "voluntary_ctxt_switches"), NULL, 10);
	tell_worker(SLEEP);
	for (long begun = check_now(); check_now() - begun < PATIENCE_MS; check_sleep(1)) {
		after = strtol(read_status(worker.tid, "voluntary_ctxt_switches"), NULL, 10);
		if (after > before)
			break;
	}
	CHECK_EQ(after, before + 1);
	/* Two that compute on one CPU take turns, which neither has asked for. */
	pin(0, last_cpu());
	pin(worker.tid, last_cpu());
	before = after = strtol(read_status(worker.tid, "nonvoluntary_ctxt_switches"), NULL, 10);
	tell_worker(BURN);
	for (long begun = check_now(); check_now() - begun < PATIENCE_MS && after == before;)
		after = strtol(read_status(worker.tid, "nonvoluntary_ctxt_switches"), NULL, 10);
	CHECK(after > before);
	end_worker();
}

static void affinity_as_a_list(void)
{
	char expected[64], mask[64];
	int last = last_cpu();
	cpu_set_t set;

	snprintf(expected, sizeof expected, last ? "0-%d" : "0", last);
	CHECK_STR(read_status(getpid(), "Cpus_allowed_list"), expected);
	snprintf(mask, sizeof mask, "%x", (1u << (last + 1)) - 1);
	CHECK(strstr(read_status(getpid(), "Cpus_allowed"), mask) != NULL);
	start_worker(SLEEP);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CPU_SET(last, &set);
	CHECK_EQ(sched_setaffinity(worker.tid, sizeof set, &set), 0);
	snprintf(expected, sizeof expected, !last ? "0" : last == 1 ? "0-1" : "0,%d", last);
	CHECK_STR(read_status(worker.tid, "Cpus_allowed_list"), expected);
	pin(worker.tid, last);
	snprintf(expected, sizeof expected, "%d", last);
	CHECK_STR(read_status(worker.tid, "Cpus_allowed_list"), expected);
	end_worker();
}

/* ---- CPUs ---- */

/* The ten times of "cpuN" (-1: of all). */
static int read_cpu(int cpu, long times[10])
{
	char name[16], *line;
	int count = 0;

	snprintf(name, sizeof name, cpu < 0 ? "cpu " : "cpu%d ", cpu);
	read_file("/proc/stat");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, name, strlen(name)))
			for (char *at = line + strlen(name), *end; count < 10; at = end, count++) {
				times[count] = strtol(at, &end, 10);
				if (end == at)
					break;
			}
	return count;
}

static long busy(int cpu)
{
	long times[10] = { 0 };

	CHECK_EQ(read_cpu(cpu, times), 10);
	return times[0] + times[1] + times[2];
}

static void times_of_each_cpu(void)
{
	long times[10], begun = check_now(), before, other = last_cpu() ? busy(0) : 0, sum = 0;

	for (int cpu = 0; cpu <= last_cpu(); cpu++)
		sum += busy(cpu);
	CHECK(labs(busy(-1) - sum) <= 5 * (last_cpu() + 2));
	CHECK_EQ(read_cpu(last_cpu() + 1, times), 0);
	/* Who burns on one CPU shows there. */
	pin(0, last_cpu());
	before = busy(last_cpu());
	while (busy(last_cpu()) - before < 50 && check_now() - begun < PATIENCE_MS)
		for (volatile int i = 0; i < 10000000; i++)
			;
	CHECK(busy(last_cpu()) - before >= 50);
	if (last_cpu())
		CHECK(busy(0) >= other);
}

static void interrupts_of_each_cpu(void)
{
	char *line;
	int columns = 0;
	long numbers = -1;

	read_file("/proc/interrupts");
	for (line = text; (line = strstr(line, "CPU")); line++)
		columns++;
	CHECK_EQ(columns, cpu_count);
	line = strchr(text, ':');	/* of the first interrupt */
	if (CHECK(line != NULL))
		for (numbers = 0, line++; isdigit((unsigned char)line[strspn(line, " ")]); numbers++)
			strtol(line, &line, 10);
	CHECK_EQ(numbers, columns);
}

static void running_of_all(void)
{
	unsigned running, all, more;

	CHECK_EQ(sscanf(read_file("/proc/loadavg"), "%*f %*f %*f %u/%u", &running, &all), 2);
	CHECK(running >= 1 && all >= running);
	start_worker(SLEEP);
	CHECK_EQ(sscanf(read_file("/proc/loadavg"), "%*f %*f %*f %u/%u", &running, &more), 2);
	CHECK(more > 1);
	end_worker();
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(fields_of_a_thread), CASE(threads_have_numbers), CASE(niceness_is_a_threads_own), CASE(times_are_a_threads_own), CASE(states),
		CASE(switches_are_counted), CASE(affinity_as_a_list), CASE(times_of_each_cpu), CASE(interrupts_of_each_cpu), CASE(running_of_all),
		{ NULL, NULL }
	};

	cpu_count = sysconf(_SC_NPROCESSORS_ONLN);
	return check_main("observe", cases, argc, argv);
}
