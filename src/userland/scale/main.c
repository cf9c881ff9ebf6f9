/* SPDX-License-Identifier: MIT */
/*
 * How throughput grows with CPUs: "scale SLICES MILLISECONDS [NAME...]" does each operation (those whose names contain a NAME) by one worker and by
 * two, pinned to a CPU each, SLICES times in turn, for so many milliseconds each.
 *
 * Each worker does a loop of plain instructions half of the time: in every second period of the time-stamp counter, which all CPUs have in
 * common, so that all workers do the one or the other together. What the machine below gives to a CPU, and when, thus
 * is the same for both, and only how they compare is of interest: operations by loops, of two workers against one.
 *
 * The machine below may also take a CPU away in the middle of something. So a piece of work that took far longer than the median counts as LONG medians.
 *
 * A slice is a line, tab-separated: name, workers, operations a second, loops a second, and, where there is a /proc/lock_stat, the waits for each
 * class of locks meanwhile, as CLASS=COUNT.
 */
#include "scale.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { WORKERS_MAX = 2, CLASSES_MAX = 100, LOOP_CHUNK = 20000, PERIOD_US = 1000, CHUNKS_MAX = 1 << 15, LONG = 4 };

struct sum { uint64_t count, ticks; };

/* The ticks each chunk took. */
struct chunks { unsigned count; uint32_t ticks[CHUNKS_MAX]; };

static struct slice {
	uint64_t begin, end;		/* ticks */
	struct { struct sum operation, loop; } workers[WORKERS_MAX];
} *slice;

static uint64_t ticks_per_us;

static inline uint64_t read_counter(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return (uint64_t)high << 32 | low;
}

static void sleep_ms(unsigned ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&time, NULL);
}

static uint64_t now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void find_frequency(void)
{
	uint64_t us = now_us(), ticks = read_counter();

	sleep_ms(100);
	ticks_per_us = (read_counter() - ticks) / (now_us() - us);
	MUST(ticks_per_us);
}

/* They may still be on their way up. */
static void await_cpus(void)
{
	for (unsigned tries = 0; sysconf(_SC_NPROCESSORS_ONLN) < WORKERS_MAX; tries++) {
		MUST(tries < 100);
		sleep_ms(100);
	}
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* ---- Workers ---- */

static void run_loop(unsigned count)
{
	for (uint64_t value = 1; count--;)
		__asm__ volatile("imulq $33, %0, %0; xorq $7, %0" : "+r"(value));
}

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static struct sum sum_up(struct chunks *chunks, unsigned size)
{
	struct sum sum = { (uint64_t)chunks->count * size, 0 };
	uint64_t cap;

	qsort(chunks->ticks, chunks->count, sizeof(chunks->ticks[0]), compare);
	cap = (uint64_t)chunks->ticks[chunks->count / 2] * LONG;
	for (unsigned i = 0; i < chunks->count; i++)
		sum.ticks += chunks->ticks[i] < cap ? chunks->ticks[i] : cap;
	return sum;
}

static void work(const struct operation *operation, unsigned number)
{
	static struct chunks memory[WORKERS_MAX][2];
	struct chunks *chunks = memory[number];
	struct worker worker = { 0 };
	uint64_t period = PERIOD_US * ticks_per_us, at;

	memset(chunks, 0, sizeof(memory[number]));	/* its pages are there from now on */

	if (operation->begin)
		operation->begin(&worker);
	while (read_counter() < slice->begin)
		;
	for (at = read_counter(); at < slice->end;) {
		int loop = at / period % 2;
		uint64_t start;

		if (!loop && operation->renew)
			operation->renew(&worker, operation->chunk);
		start = read_counter();
		if (loop)
			run_loop(LOOP_CHUNK);
		else
			operation->run(&worker, operation->chunk);
		at = read_counter();
		if (chunks[loop].count < CHUNKS_MAX)
			chunks[loop].ticks[chunks[loop].count++] = at - start < UINT32_MAX ? at - start : UINT32_MAX;
	}
	slice->workers[number].operation = sum_up(&chunks[0], operation->chunk);
	slice->workers[number].loop = sum_up(&chunks[1], 1);
	if (operation->end)
		operation->end(&worker);
}

struct start { const struct operation *operation; unsigned number, cpu; };

static void *thread_main(void *argument)
{
	struct start *start = argument;

	pin(start->cpu);
	work(start->operation, start->number);
	return NULL;
}

static void run_threads(struct start *starts, unsigned count)
{
	pthread_t threads[WORKERS_MAX];

	for (unsigned i = 0; i < count; i++)
		MUST(pthread_create(&threads[i], NULL, thread_main, &starts[i]) == 0);
	for (unsigned i = 0; i < count; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
}

static void run_processes(struct start *starts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pid_t child = fork();

		MUST(child >= 0);
		if (child)
			continue;
		thread_main(&starts[i]);
		_exit(0);
	}
	for (unsigned i = 0; i < count; i++) {
		int status;

		MUST(wait(&status) > 0 && status == 0);
	}
}

/* ---- Waits for locks ---- */

struct waits { unsigned count; struct { char name[32]; unsigned long contended; } classes[CLASSES_MAX]; };

static void read_waits(struct waits *waits)
{
	FILE *file = fopen("/proc/lock_stat", "r");
	char line[200];

	waits->count = 0;
	if (!file)
		return;
	while (fgets(line, sizeof(line), file) && waits->count < CLASSES_MAX)
		if (sscanf(line, "%31s %*s %lu", waits->classes[waits->count].name, &waits->classes[waits->count].contended) == 2)
			waits->count++;
	fclose(file);
}

static void print_waits(const struct waits *before, const struct waits *after)
{
	for (unsigned i = 0; i < before->count && i < after->count; i++)
		if (after->classes[i].contended != before->classes[i].contended)
			printf("\t%s=%lu", after->classes[i].name, after->classes[i].contended - before->classes[i].contended);
}

/* ---- Slices ---- */

static double per_second(const struct sum *sum)
{
	return sum->ticks ? (double)sum->count / sum->ticks * ticks_per_us * 1e6 : 0;	/* its turn never came */
}

static void run_slice(const struct operation *operation, unsigned workers, unsigned first_cpu, unsigned ms)
{
	static struct waits before, after;
	struct start starts[WORKERS_MAX];
	double operations = 0, loops = 0;

	for (unsigned i = 0; i < workers; i++)
		starts[i] = (struct start){ operation, i, (first_cpu + i) % WORKERS_MAX };
	read_waits(&before);
	slice->begin = read_counter() + 20000 * ticks_per_us;
	slice->end = slice->begin + (uint64_t)ms * 1000 * ticks_per_us;
	(operation->threads ? run_threads : run_processes)(starts, workers);
	read_waits(&after);
	for (unsigned i = 0; i < workers; i++) {
		operations += per_second(&slice->workers[i].operation);
		loops += per_second(&slice->workers[i].loop);
	}
	printf("%s\t%u\t%.1f\t%.1f", operation->name, workers, operations, loops);
	print_waits(&before, &after);
	printf("\n");
	fflush(stdout);
}

static int wanted(const struct operation *operation, char **names)
{
	if (!*names)
		return 1;
	for (; *names; names++)
		if (strstr(operation->name, *names))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned slices = argc > 2 ? atoi(argv[1]) : 0, ms = argc > 2 ? atoi(argv[2]) : 0;

	if (!slices || !ms) {
		fprintf(stderr, "usage: scale SLICES MILLISECONDS [NAME...]\n");
		return 2;
	}
	await_cpus();
	slice = mmap(NULL, sizeof(*slice), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(slice != MAP_FAILED);
	find_frequency();
	for (unsigned round = 0; round < slices; round++)
		for (unsigned i = 0; i < operation_count; i++) {
			if (!wanted(&operations[i], argv + 3))
				continue;
			run_slice(&operations[i], 1, round % WORKERS_MAX, ms);
			run_slice(&operations[i], WORKERS_MAX, round % WORKERS_MAX, ms);
		}
	return 0;
}
