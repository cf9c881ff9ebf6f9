/* SPDX-License-Identifier: MIT */
/* A program for tcc with much of the C library and of the kernel in it: files, processes, threads, signals, memory, floating point, time. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int checks, failed;

static void check(int holds, const char *what)
{
	checks++;
	if (holds)
		return;
	failed++;
	printf("FAILED %s (errno %d)\n", what, errno);
}

static int compare(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

static long total(int count, ...)
{
	va_list values;
	long sum = 0;

	va_start(values, count);
	while (count--)
		sum += va_arg(values, long);
	va_end(values);
	return sum;
}

static void language(int count, char **words)
{
	struct { unsigned a : 3, b : 7; long long c : 40; } bits = { 7, 100, -5 };
	int sorted[1000], n = sizeof(sorted) / sizeof(sorted[0]);
	char text[80];
	jmp_buf place;
	volatile int jumps = 0;

	check(count == 3 && !strcmp(words[2], "two words"), "arguments");
	for (int i = 0; i < n; i++)
		sorted[i] = i * 7919 % n;
	qsort(sorted, (size_t)n, sizeof(sorted[0]), compare);
	check(sorted[0] == 0 && sorted[999] == 999, "qsort");
	check(total(3, 1L, 20L, 300L) == 321, "variable arguments");
	check(bits.a == 7 && bits.b == 100 && bits.c == -5, "bit fields");
	snprintf(text, sizeof(text), "%5.2f|%-6s|%#x|%lld|%Lg", 3.14159, "ab", 255, -1LL << 40, 1.5L);
	check(!strcmp(text, " 3.14|ab    |0xff|-1099511627776|1.5"), "printf");
	if (setjmp(place) < 3) {
		jumps++;
		longjmp(place, jumps);
	}
	check(jumps == 3, "longjmp");
	check(fabs(sin(1.0) * sin(1.0) + cos(1.0) * cos(1.0) - 1.0) < 1e-15 && sqrt(2.0) > 1.4142, "mathematics");
	check((unsigned long long)1e19 == 10000000000000000000ULL && (float)0xFFFFFFFFFFFFFFFFULL > 1.8e19f, "conversions");
}

static void files(void)
{
	struct stat status;
	char line[32], *map;
	int file;
	FILE *stream = fopen("tcc-file", "w+");

	check(stream != NULL, "fopen");
	for (int i = 0; i < 10000; i++)
		fprintf(stream, "line %d\n", i);
	fflush(stream);
	check(!fstat(fileno(stream), &status) && status.st_size == 98890, "size");
	check(!fseek(stream, 98880, SEEK_SET) && fgets(line, sizeof(line), stream) && !strcmp(line, "line 9999\n"), "seek");
	fclose(stream);
	file = open("tcc-file", O_RDWR);
	map = mmap(NULL, 98890, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	check(map != MAP_FAILED && !memcmp(map + 7, "line 1\n", 7), "mmap");
	memcpy(map, "LINE", 4);
	check(pread(file, line, 6, 0) == 6 && !memcmp(line, "LINE 0", 6), "shared");
	munmap(map, 98890);
	close(file);
	check(!unlink("tcc-file") && open("tcc-file", O_RDONLY) < 0 && errno == ENOENT, "unlink");
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static void processes(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	char byte;
	int ends[2], status;
	pid_t child;

	check(!pipe(ends), "pipe");
	child = fork();
	if (child == 0) {
		write(ends[1], "x", 1);
		_exit(17);
	}
	check(read(ends[0], &byte, 1) == 1 && byte == 'x', "from the child");
	check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 17, "exit status");
	check(!sigaction(SIGUSR1, &action, NULL) && !raise(SIGUSR1) && !kill(getpid(), SIGUSR1) && signals == 2, "signals");
	child = fork();
	if (child == 0)
		*(volatile int *)8 = 1;
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "fault");
	check(system("exit 3") == 3 << 8, "system");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *count_up(void *argument)
{
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return argument;
}

static void threads(void)
{
	pthread_t ids[4];
	void *result;
	int joined = 0;

	for (long i = 0; i < 4; i++)
		check(!pthread_create(&ids[i], NULL, count_up, (void *)i), "pthread_create");
	for (long i = 0; i < 4; i++)
		joined += !pthread_join(ids[i], &result) && result == (void *)i;
	check(joined == 4 && counter == 40000, "threads");
}

static void memory_and_time(void)
{
	struct timespec before, after, pause = { 0, 20000000 };
	char *block = malloc(1 << 20);

	memset(block, 5, 1 << 20);
	block = realloc(block, 8 << 20);
	check(block && block[0] == 5 && block[(1 << 20) - 1] == 5, "realloc");
	free(block);
	clock_gettime(CLOCK_MONOTONIC, &before);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &after);
	check((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 20000000, "nanosleep");
}

int main(int count, char **words)
{
	language(count, words);
	files();
	processes();
	threads();
	memory_and_time();
	if (!failed)
		printf("program: %d checks passed\n", checks);
	return failed != 0;
}
