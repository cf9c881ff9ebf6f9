/* SPDX-License-Identifier: MIT */
/*
 * Who gets how much of a CPU. Programs that compute, "hogs", count what they do over a window of time.
 *
 * WINDOW_MS is the window's length. With EXACT set the bounds are tight: that is for machines whose clock counts instructions (ci/vm --icount), since
 * elsewhere the host decides how long a hog really runs.
 */
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOGS_MAX = 8, ANY_CPU = -1, SAMPLES_MAX = 20000, WARM_UP_MS = 150, US_PER_MS = 1000 };

struct hog {
	int policy, rt_priority, nice, cpu;
	int yields;			/* calls sched_yield now and then */
	volatile uint64_t work;
	uint64_t before;
	pid_t pid;
	volatile int seen_on;		/* realtime_goes_elsewhere: where it was when it last woke, and how late it has ever been */
	volatile long latest_us;
} __attribute__((aligned(64)));

static struct shared {
	struct hog hogs[HOGS_MAX];
	volatile int ready, go;
	long lateness_us[SAMPLES_MAX];
} *shared;

static int exact(void)
{
	return getenv("EXACT") != NULL;
}

static long window_ms(void)
{
	const char *text = getenv("WINDOW_MS");

	return text ? atol(text) : 300;
}

static int on_raeen(void)
{
	struct utsname names;

	return uname(&names) == 0 && strcmp(names.sysname, "RaeenOS") == 0;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &param), 0);	/* musl's function has no effect, on purpose */
}

/* ---- Hogs ---- */

static void hog_main(void *argument)
{
	struct hog *hog = argument;

	if (hog->cpu != ANY_CPU)
		pin(hog->cpu);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, hog->nice), 0);
	set_policy(hog->policy, hog->rt_priority);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!shared->go)
		check_sleep(1);
	for (;;) {
		for (volatile int i = 0; i < 200; i++)
			;
		hog->work++;
		if (hog->yields && hog->work % 64 == 0)
			sched_yield();
	}
}

/* Starts @count hogs at once; they run when this returns. The caller is ahead of all of them from now on. */
static void start_hogs(const struct hog *hogs, int count)
{
	set_policy(SCHED_FIFO, 99);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < count; i++) {
		shared->hogs[i] = hogs[i];
		shared->hogs[i].pid = check_spawn(hog_main, &shared->hogs[i]);
	}
	while (shared->ready < count)
		check_sleep(1);
	shared->go = 1;
	check_sleep(WARM_UP_MS);
}

static void stop_hogs(int count)
{
	/* All before the first wait: one that never gets the CPU cannot die. */
	for (int i = 0; i < count; i++)
		kill(shared->hogs[i].pid, SIGKILL);
	for (int i = 0; i < count; i++)
		CHECK_EQ(check_wait(shared->hogs[i].pid), CHECK_KILLED + SIGKILL);
}

static uint64_t cpu_time(pid_t pid)
{
	struct timespec time = { 0 };
	clockid_t clock;

	CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
	CHECK_EQ(clock_gettime(clock, &time), 0);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Lets the hogs run for the window; sets each one's share of what all did, in thousandths. @by_time: by the kernel's own account. */
static void measure(int count, int by_time, long *shares)
{
	uint64_t sum = 0, done[HOGS_MAX];

	for (int i = 0; i < count; i++)
		shared->hogs[i].before = by_time ? cpu_time(shared->hogs[i].pid) : shared->hogs[i].work;
	check_sleep(window_ms());
	for (int i = 0; i < count; i++) {
		done[i] = (by_time ? cpu_time(shared->hogs[i].pid) : shared->hogs[i].work) - shared->hogs[i].before;
		sum += done[i];
	}
	for (int i = 0; i < count; i++) {
		shares[i] = sum ? done[i] * 1000 / sum : 0;
		printf("hog %d: %ld.%ld %%\n", i, shares[i] / 10, shares[i] % 10);
	}
}

/* Whether @share is in @low to @high, thousandths; in the wider bounds without EXACT. */
static int is_between(long share, long low, long high, long wide_low, long wide_high)
{
	return exact() ? share >= low && share <= high : share >= wide_low && share <= wide_high;
}

static void run_hogs(const struct hog *hogs, int count, int by_time, long *shares)
{
	start_hogs(hogs, count);
	measure(count, by_time, shares);
	stop_hogs(count);
}

/* ---- Shares of one CPU ---- */

static void equal_hogs(void)
{
	static const struct hog hogs[2];
	long shares[2];

	run_hogs(hogs, 2, 0, shares);
	CHECK(is_between(shares[0], 480, 520, 300, 700));
}

static void nice_hogs(void)
{
	static const struct hog hogs[2] = { { .nice = 19 } }, close[2] = { { .nice = 5 } };
	long shares[2];

	run_hogs(hogs, 2, 0, shares);
	CHECK(is_between(shares[0], 3, 60, 0, 200));
	/* 1.25 to the power of 5 is 3. */
	run_hogs(close, 2, 0, shares);
	CHECK(is_between(shares[0], 200, 300, 50, 450));
}

/* The idle class gets nothing while others run, and everything when nobody does. */
static void idle_class(void)
{
	static const struct hog hogs[3] = { { .policy = SCHED_IDLE }, { .nice = 0 }, { .nice = 19 } };
	long shares[3];
	uint64_t before;

	start_hogs(hogs, 3);
	measure(3, 0, shares);
	if (on_raeen())
		CHECK_EQ(shares[0], 0);
	kill(shared->hogs[1].pid, SIGSTOP);
	kill(shared->hogs[2].pid, SIGSTOP);
	check_sleep(10);
	before = shared->hogs[0].work;
	check_sleep(100);
	CHECK(shared->hogs[0].work > before + 100);
	stop_hogs(3);
}

/* ---- Real-time ---- */

/* First in, first out: the second of one priority waits for as long as the first wants. */
static void fifo_keeps_the_cpu(void)
{
	static const struct hog hogs[2] = { { .policy = SCHED_FIFO, .rt_priority = 10 }, { .policy = SCHED_FIFO, .rt_priority = 10 } };
	static const struct hog yielding[2] = { { .policy = SCHED_FIFO, .rt_priority = 10, .yields = 1 },
						{ .policy = SCHED_FIFO, .rt_priority = 10, .yields = 1 } };
	long shares[2];

	run_hogs(hogs, 2, 0, shares);
	CHECK(shares[0] == 0 || shares[1] == 0);
	run_hogs(yielding, 2, 0, shares);
	CHECK(is_between(shares[0], 450, 550, 300, 700));
}

static void round_robin_takes_turns(void)
{
	static const struct hog hogs[3] = { { .policy = SCHED_RR, .rt_priority = 10 }, { .policy = SCHED_RR, .rt_priority = 10 },
					    { .policy = SCHED_RR, .rt_priority = 9 } };
	long shares[3];

	run_hogs(hogs, 3, 0, shares);
	CHECK(is_between(shares[0], 400, 600, 150, 850));	/* Linux's turns are 100 ms */
	CHECK_EQ(shares[2], 0);
}

/* 0 or errno. */
static int write_setting(const char *name, const char *text)
{
	char path[64];
	int fd, error;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	fd = open(path, O_WRONLY);
	error = fd < 0 || write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return error;
}

static void set_budget(const char *runtime, const char *period)
{
	CHECK_EQ(write_setting("sched_rt_runtime_us", "-1"), 0);
	CHECK_EQ(write_setting("sched_rt_period_us", period), 0);
	CHECK_EQ(write_setting("sched_rt_runtime_us", runtime), 0);
}

/* A real-time hog leaves the others a twentieth, or as much as one says, or nothing. */
static void realtime_budget(void)
{
	static const struct hog hogs[2] = { { .policy = SCHED_FIFO, .rt_priority = 10 }, { .nice = 0 } };
	long shares[2];

	set_budget("80000", "100000");
	run_hogs(hogs, 2, 0, shares);
	CHECK(is_between(shares[1], 150, 250, 50, 500));
	set_budget("-1", "1000000");
	run_hogs(hogs, 2, 0, shares);
	CHECK_EQ(shares[1], 0);
	set_budget("950000", "1000000");
}

static void realtime_settings(void)
{
	static const char *const bad[] = { "200001", "-2", "x", "99999999999999999999" };

	set_budget("200000", "200000");
	CHECK_EQ(write_setting("sched_rt_period_us", "199999"), EINVAL);
	CHECK_EQ(write_setting("sched_rt_period_us", "0"), EINVAL);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char now[16] = "";
		FILE *file;

		CHECK_EQ(write_setting("sched_rt_runtime_us", bad[i]), EINVAL);
		file = fopen("/proc/sys/kernel/sched_rt_runtime_us", "r");
		CHECK(fgets(now, sizeof(now), file) != NULL);
		CHECK_STR(now, "200000\n");
		fclose(file);
	}
	set_budget("950000", "1000000");
}

/* ---- A sleeper beside hogs ---- */

static int by_size(const void *a, const void *b)
{
	return *(const long *)a > *(const long *)b ? 1 : -1;
}

static long us_after(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000000 + (now.tv_nsec - since->tv_nsec) / 1000;
}

/* Returns by how many microseconds it slept too long. */
static long sleep_us(long us)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += us * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	return us_after(&until);
}

/* Sleeps between 1 and 7 ms at a time until the window is over. */
static void sleeper(void *argument)
{
	long end = check_now() + window_ms();
	volatile int *count = argument;
	unsigned random = 1;

	for (*count = 0; check_now() < end && *count < SAMPLES_MAX; ++*count) {
		random = random * 1103515245 + 12345;
		shared->lateness_us[*count] = sleep_us(1000 + random / 65536 % 6000);
	}
}

static void sleep_beside(const struct hog *hogs, int count)
{
	volatile int samples = 0;
	long p99;

	start_hogs(hogs, count);
	set_policy(SCHED_OTHER, 0);
	if (hogs[0].cpu != ANY_CPU)
		pin(hogs[0].cpu);
	check_sleep(50);
	sleeper((void *)&samples);
	set_policy(SCHED_FIFO, 99);
	stop_hogs(count);
	qsort(shared->lateness_us, samples, sizeof(long), by_size);
	p99 = shared->lateness_us[samples * 99 / 100];
	printf("%d sleeps: half of them late by up to %ld us, 99 %% by up to %ld, all by up to %ld\n", samples,
	       shared->lateness_us[samples / 2], p99, shared->lateness_us[samples - 1]);
	CHECK(samples > window_ms() / 20);
	/* Otherwise time goes on while the host does something else. Of a short window's few sleeps some may be later: that is judged over ten seconds. */
	if (exact() && window_ms() >= 10000)
		CHECK(p99 <= US_PER_MS);
	else if (exact())
		CHECK(shared->lateness_us[samples * 19 / 20] <= US_PER_MS);
}

static void sleeper_on_one_cpu(void)
{
	static const struct hog hogs[4];

	sleep_beside(hogs, 4);
}

static void sleeper_on_all_cpus(void)
{
	static const struct hog hogs[4] = { { .cpu = ANY_CPU }, { .cpu = ANY_CPU }, { .cpu = ANY_CPU }, { .cpu = ANY_CPU } };

	sleep_beside(hogs, 4);
}

/* ---- The length of the run queue ---- */

static void echo(void *argument)
{
	int *ends = argument;
	char byte;

	pin(0);
	set_policy(SCHED_OTHER, 0);
	while (read(ends[0], &byte, 1) == 1)
		(void)write(ends[3], &byte, 1);
}

/* Nanoseconds of a round through two pipes, with two wake-ups and two switches: the least of some batches, in none of which a quantum ended. */
static long round_trip(const int *ends)
{
	enum { BATCHES = 40, ROUNDS = 20 };
	long best = -1;

	for (int batch = 0; batch < BATCHES; batch++) {
		struct timespec start, end;
		long took;
		char byte = 0;

		clock_gettime(CLOCK_MONOTONIC, &start);
		for (int i = 0; i < ROUNDS; i++)
			CHECK(write(ends[1], &byte, 1) == 1 && read(ends[2], &byte, 1) == 1);
		clock_gettime(CLOCK_MONOTONIC, &end);
		took = ((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec) / ROUNDS;
		best = best < 0 || took < best ? took : best;
	}
	return best;
}

static void spin_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		;
}

/* Children that want to run and do not get to, until there are @wanted. */
static void start_waiting(pid_t *pids, int *count, int wanted)
{
	struct sched_param none = { 0 };

	for (; *count < wanted; ++*count) {
		pids[*count] = check_spawn(spin_for_ever, NULL);
		CHECK_EQ(syscall(SYS_sched_setscheduler, pids[*count], SCHED_IDLE, &none), 0);
	}
}

/* Wake-ups and switches cost the same beside two threads that want to run and beside a thousand. */
static void length_of_the_queue(void)
{
	int ends[4], many = exact() ? 1000 : 40, count = 0;
	long few_ns, many_ns;
	pid_t *pids = calloc(many, sizeof(*pids)), other;

	pin(0);
	CHECK(pipe(ends) == 0 && pipe(ends + 2) == 0);
	other = check_spawn(echo, ends);
	start_waiting(pids, &count, 2);
	few_ns = round_trip(ends);
	start_waiting(pids, &count, many);
	many_ns = round_trip(ends);
	printf("a round trip takes %ld ns beside 2 threads, %ld beside %d\n", few_ns, many_ns, count);
	CHECK(!exact() || many_ns <= few_ns * 105 / 100);
	kill(other, SIGKILL);
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i <= count; i++)
		CHECK_EQ(check_wait(-1), CHECK_KILLED + SIGKILL);
}

/* ---- Several CPUs ---- */

static int cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* Three on two CPUs have two thirds of one each, by the kernel's account: hosts do not run all CPUs at the same speed. */
static void three_on_two_cpus(void)
{
	struct hog hogs[3] = { 0 };
	long shares[3], slack = window_ms() < 10000 ? 50 : 0;	/* who has a CPU alone changes 20 times a second at most */
	cpu_set_t both;

	if (cpus() < 2)
		return;
	CPU_ZERO(&both);
	CPU_SET(0, &both);
	CPU_SET(1, &both);
	for (int i = 0; i < 3; i++)
		hogs[i].cpu = ANY_CPU;
	CHECK_EQ(sched_setaffinity(0, sizeof(both), &both), 0);	/* the hogs inherit it */
	run_hogs(hogs, 3, 1, shares);
	for (int i = 0; i < 3; i++)
		CHECK(is_between(shares[i], 300 - slack, 367 + slack, 150, 550));
}

/* Two that must share a CPU do not take from the one on the other. */
static void pinned_hogs(void)
{
	struct hog hogs[3] = { { .cpu = 0 }, { .cpu = 0 }, { .cpu = ANY_CPU } };
	long shares[3];

	if (cpus() < 2)
		return;
	run_hogs(hogs, 3, 1, shares);
	for (int i = 0; i < 2; i++)
		CHECK(is_between(shares[i], 235, 265, 150, 350));
}

static void wake_often(void *argument)
{
	struct hog *self = argument;

	pin(0);
	set_policy(SCHED_FIFO, 40);
	for (;;) {
		long late = sleep_us(2000);

		self->latest_us = late > self->latest_us ? late : self->latest_us;
		self->seen_on = sched_getcpu();
		self->work++;
	}
}

/* Waits until @hog has begun and ended a sleep; returns where it was then. */
static int where_it_wakes(struct hog *hog)
{
	uint64_t before = hog->work;

	while (hog->work < before + 2)
		check_sleep(1);
	return hog->seen_on;
}

/* A real-time thread whose CPU is taken by a better one meanwhile is woken on a CPU that runs what is worse. */
static void realtime_goes_elsewhere(void)
{
	struct hog hogs[HOGS_MAX] = { { .policy = SCHED_FIFO, .rt_priority = 50, .cpu = 0 } };
	int count = cpus() < HOGS_MAX - 1 ? cpus() : HOGS_MAX - 1, elsewhere = 0, late = 0;
	struct hog *waker;
	cpu_set_t all, first;

	if (cpus() < 2)
		return;
	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int i = 1; i < count; i++)
		hogs[i].cpu = i;
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	start_hogs(hogs, count);
	waker = &shared->hogs[count];
	waker->pid = check_spawn(wake_often, waker);
	for (int i = 0; i < 10; i++) {
		kill(shared->hogs[0].pid, SIGSTOP);
		CHECK_EQ(sched_setaffinity(waker->pid, sizeof(first), &first), 0);
		CHECK_EQ(where_it_wakes(waker), 0);
		CHECK_EQ(sched_setaffinity(waker->pid, sizeof(all), &all), 0);
		waker->latest_us = 0;
		kill(shared->hogs[0].pid, SIGCONT);
		elsewhere += where_it_wakes(waker) != 0;
		late += waker->latest_us > 5 * US_PER_MS;
	}
	printf("late in %d rounds of 10\n", late);
	CHECK_EQ(elsewhere, 10);
	/* So it was not the balance. Once or twice the hog goes on while it is awake. */
	CHECK(!exact() || late <= 2);
	stop_hogs(count + 1);
}

/* Hogs that are sent round the CPUs are found where they were sent. */
static void affinity_under_load(void)
{
	struct hog hogs[4] = { 0 };
	int count = cpus();

	start_hogs(hogs, 4);
	for (int round = 0; round < 40; round++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(round % count, &set);
		for (int i = 0; i < 4; i++) {
			char path[40], line[512], *at;
			FILE *file;

			CHECK_EQ(sched_setaffinity(shared->hogs[i].pid, sizeof(set), &set), 0);
			snprintf(path, sizeof(path), "/proc/%d/stat", shared->hogs[i].pid);
			file = fopen(path, "r");
			CHECK(file && fgets(line, sizeof(line), file));
			fclose(file);
			/* Field 39; the second one is the last in parentheses. */
			at = strrchr(line, ')');
			for (int field = 2; at && field < 39; field++)
				at = strchr(at + 1, ' ');
			if (CHECK(at != NULL))
				CHECK_EQ(atoi(at), round % count);
		}
		check_sleep(2);
	}
	stop_hogs(4);
}

static const struct check_case cases[] = {
	CASE(equal_hogs),
	CASE(nice_hogs),
	CASE(idle_class),
	CASE(fifo_keeps_the_cpu),
	CASE(round_robin_takes_turns),
	CASE(realtime_settings),
	CASE(realtime_budget),
	CASE(sleeper_on_one_cpu),
	CASE(sleeper_on_all_cpus),
	CASE(length_of_the_queue),
	CASE(three_on_two_cpus),
	CASE(pinned_hogs),
	CASE(realtime_goes_elsewhere),
	CASE(affinity_under_load),
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main("fairness", cases, argc, argv);
}
