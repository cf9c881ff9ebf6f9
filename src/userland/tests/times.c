/* SPDX-License-Identifier: MIT */
/*
 * CPU times never go back, whoever tells them: /proc/stat, getrusage, times, /proc/PID/stat. How a time divides into the user's and the system's may be known
 * from samples only; so a long time in user mode with few of them is followed by a short one in the kernel with many, and another way round.
 */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 3, READINGS = 400, LONG_MS = 150, OFTEN_US = 500, CPU_LINES = 9, CPU_FIELDS = 4, FIGURES = 10 + CPU_LINES * CPU_FIELDS, IDLE = 3 };

static const char *const names[10] = { "ru_utime", "ru_stime", "tms_utime", "tms_stime", "stat's utime", "stat's stime", "the thread's utime",
				       "the thread's stime", "CPU clock", "uptime" };

static const char *read_file(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");

	if (!CHECK(file != NULL))
		exit(1);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

static long us(struct timeval time)
{
	return time.tv_sec * 1000000 + time.tv_usec;
}

/* The two times of /proc/.../stat, fields 14 and 15. */
static void read_stat(const char *path, long times[2])
{
	const char *at = strrchr(read_file(path), ')');

	CHECK(at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", times, times + 1) == 2);
}

/* user, nice, system and idle, of all CPUs together and of each. */
static void read_cpus(long figures[CPU_LINES * CPU_FIELDS])
{
	const char *line = read_file("/proc/stat");

	for (int i = 0; i < CPU_LINES && line && !strncmp(line, "cpu", 3); i++) {
		long *to = figures + i * CPU_FIELDS;

		CHECK_EQ(sscanf(line, "%*s %ld %ld %ld %ld", to, to + 1, to + 2, to + 3), 4);
		line = strchr(line, '\n');
		line += line != NULL;
	}
}

static void read_all(long figures[FIGURES])
{
	struct timespec clock;
	struct rusage usage;
	struct tms tms;
	double uptime;

	getrusage(RUSAGE_SELF, &usage);
	figures[0] = us(usage.ru_utime);
	figures[1] = us(usage.ru_stime);
	times(&tms);
	figures[2] = tms.tms_utime;
	figures[3] = tms.tms_stime;
	read_stat("/proc/self/stat", figures + 4);
	read_stat("/proc/thread-self/stat", figures + 6);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &clock);
	figures[8] = clock.tv_sec * 1000000000 + clock.tv_nsec;
	CHECK_EQ(sscanf(read_file("/proc/uptime"), "%lf", &uptime), 1);
	figures[9] = uptime * 100;
	read_cpus(figures + 10);
}

/* Compares what is read now with the last reading. Returns how often something went back. */
static int compare(long last[FIGURES])
{
	long now[FIGURES] = { 0 };
	int back = 0;

	read_all(now);
	for (int i = 0; i < FIGURES; i++) {
		/* Linux does not promise it of what idle CPUs have idled. */
		if (now[i] < last[i] && (i < 10 || (i - 10) % CPU_FIELDS != IDLE || !check_on_linux())) {
			if (i < 10)
				printf("%s went from %ld back to %ld\n", names[i], last[i], now[i]);
			else
				printf("/proc/stat, line %d, time %d: from %ld back to %ld\n", (i - 10) / CPU_FIELDS, (i - 10) % CPU_FIELDS, last[i], now[i]);
			back++;
		}
		last[i] = now[i];
	}
	return back;
}

static void caught(int number)
{
	(void)number;
}

/* Timer interrupts while the caller runs: every @us microseconds; 0: none but the system's. */
static void interrupt_every(long us)
{
	struct itimerval timer = { { 0, us }, { 0, us } };

	signal(SIGALRM, caught);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void compute(long ms)
{
	for (long until = check_now() + ms; check_now() < until;)
		for (volatile int i = 0; i < 100000; i++)
			;
}

static void call(long ms)
{
	for (long until = check_now() + ms; check_now() < until;)
		for (int i = 0; i < 100; i++)
			access("/no/such/place/here", F_OK);
}

/* Its CPU idles and works in turn. */
static void nap_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		struct timespec nap = { 0, 300000 };

		nanosleep(&nap, NULL);
		for (volatile int i = 0; i < 20000; i++)
			;
	}
}

static void never_back(void)
{
	long last[FIGURES] = { 0 };
	pid_t napper = check_spawn(nap_for_ever, NULL);
	int back = 0;

	for (int round = 0; round < ROUNDS; round++) {
		interrupt_every(0);
		compute(LONG_MS);
		back += compare(last);
		interrupt_every(OFTEN_US);
		for (int i = 0; i < READINGS; i++)
			back += compare(last);
		interrupt_every(0);
		call(LONG_MS);
		back += compare(last);
		interrupt_every(OFTEN_US);
		compute(LONG_MS / 3);
		back += compare(last);
	}
	interrupt_every(0);
	CHECK_EQ(back, 0);
	kill(napper, SIGKILL);
	CHECK_EQ(check_wait(napper), CHECK_KILLED + SIGKILL);
}

/* Somebody else's, too, and of its children that have ended. */
static void fork_and_wait(void *unused)
{
	(void)unused;
	for (;;) {
		pid_t child = fork();

		if (!child) {
			compute(1);
			_exit(0);
		}
		check_wait(child);
	}
}

static void of_children_never_back(void)
{
	pid_t child = check_spawn(fork_and_wait, NULL);
	long last[4] = { 0 };
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/stat", child);
	for (int i = 0; i < READINGS; i++) {
		const char *at = strrchr(read_file(path), ')');
		long now[4] = { 0 };

		CHECK(at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld", now, now + 1, now + 2, now + 3) == 4);
		for (int field = 0; field < 4; field++)
			CHECK(now[field] >= last[field]);
		memcpy(last, now, sizeof last);
		check_sleep(1);
	}
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(never_back), CASE(of_children_never_back), { NULL, NULL } };

	return check_main("times", cases, argc, argv);
}
