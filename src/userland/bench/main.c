/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: "bench" runs all operations, "bench NAME..." those whose names contain a NAME, "bench exit" does
 * nothing (run_exec starts that), "bench around COMMAND ARGUMENT..." runs any program between two marks.
 *
 * A line a row goes to standard output when all are done, tab-separated: name, then ticks of an operation in the
 * median batch, the fastest and the slowest, then batches, operations in each, and ticks of all batches.
 */
#include "bench.h"

#include "../../../ci/plugin/decode.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM_UP_BATCHES = 2, MAX_BATCHES = 64 };

/* A batch is, where it can be, shorter than a period of the timer interrupt (4 ms on Linux: four million ticks). */
static const struct operation operations[] = {
	{ "getppid", run_getppid, 1000, 21 },
	{ "clock_gettime", run_clock, 1000, 21 },
	{ "clock_gettime, the vDSO's symbol", run_vdso_clock, 1000, 21, .prepare = find_vdso_clock },
	{ "pread 1 B cached", run_pread_byte, 500, 21, .prepare = prepare_file, .finish = finish_file },
	{ "pread 4 KiB cached", run_pread_page, 500, 21, .prepare = prepare_file, .finish = finish_file },
	{ "stat", run_stat, 200, 21, .prepare = prepare_file, .finish = finish_file },
	{ "stat, 16 names in turn", run_stat_many, 20, 21, OTHER_FILES, .prepare = prepare_files, .finish = finish_files },
	{ "open+close", run_open_close, 200, 21, .prepare = prepare_file, .finish = finish_file },
	{ "open+close, 16 names in turn", run_open_close_many, 20, 21, OTHER_FILES, .prepare = prepare_files, .finish = finish_files },
	{ "create+unlink on tmpfs", run_create_unlink, 50, 21 },
	{ "create+unlink on ext2", run_disk_create_unlink, 50, 21, 0, prepare_disk, finish_disk, .disk = 1 },
	{ "append 4 KiB on ext2", run_append, DISK_OPERATIONS, 21, 0, prepare_disk, finish_disk, empty_log, .disk = 1 },
	{ "create+unlink on ext2, 64 and syncfs", run_create_unlink_synced, 1, 21, DISK_OPERATIONS, prepare_disk, finish_disk, .disk = 1 },
	{ "append 4 KiB on ext2, 64 and fsync", run_append_synced, 1, 21, DISK_OPERATIONS, prepare_disk, finish_disk, empty_log, .disk = 1 },
	{ "mmap+munmap 16 KiB untouched", run_map_untouched, 100, 21 },
	{ "mmap+munmap 16 KiB touched", run_map_touched, 50, 21 },
	{ "anonymous fault", run_fault, 1, 21, FAULT_PAGES, .before = before_fault, .after = after_fault },
	{ "mapped file, read, a page", run_mapped_file, 2, 21, FILE_PAGES, prepare_mapped_file, finish_mapped_file },
	{ "signal to self, handled", run_signal, 200, 21, .prepare = prepare_signal },
	{ "pipe 64 B round trip", run_pipe, 100, 21, .prepare = prepare_pipe, .finish = finish_pipe },
	{ "unix stream 64 B round trip", run_sockets, 100, 21, .prepare = prepare_stream, .finish = finish_sockets, .sockets = 1 },
	{ "unix seqpacket 64 B round trip", run_sockets, 100, 21, .prepare = prepare_packets, .finish = finish_sockets, .sockets = 1 },
	{ "futex round trip", run_futex, 100, 21, .prepare = prepare_futex, .finish = finish_futex },
	{ "pthread create+join", run_thread, 20, 21 },
	{ "fork+exit+wait, 280 pages", run_fork, 10, 21, .prepare = prepare_small_parent, .finish = finish_parent },
	{ "fork+exec+wait", run_exec, 5, 21, .prepare = prepare_small_parent, .finish = finish_parent },
	{ "fork+exit+wait, 256 MiB", run_fork, 1, 5, .prepare = prepare_big_parent, .finish = finish_parent },
	{ "epoll_wait over 500 descriptors", run_epoll, 200, 21, .prepare = prepare_epoll, .finish = finish_epoll },
	/* Last: a process with a message buffer forks in a longer way. */
	{ "message 64 B, call+reply", run_message_64, 500, 21, .prepare = prepare_message_64, .finish = finish_message, .native = 1 },
	{ "message 128 B, call+reply", run_message_128, 500, 21, .prepare = prepare_message_128, .finish = finish_message, .native = 1 },
	{ "message 4 KiB, empty reply", run_message_page, 500, 21, .prepare = prepare_message_page, .finish = finish_message, .native = 1 },
	{ "notify+wake", run_notify, 200, 21, 2, .prepare = prepare_notify, .finish = finish_notify, .native = 1 },
	{ "null native call", run_native, 1000, 21, .native = 1 },
};

struct result {
	uint64_t batches[MAX_BATCHES];	/* ticks, sorted */
};

static inline uint64_t read_counter(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return (uint64_t)high << 32 | low;
}

/* A NOP that the counting plugin (ci/plugin) looks for, and that means nothing to anyone else. */
#define MARK(what) __asm__ volatile("nopl %c0(%%rax,%%rax,1)" :: "i"(MARK_MAGIC + (what)) : "memory")

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static uint64_t run_batch(const struct operation *operation)
{
	uint64_t start, end;

	if (operation->before)
		operation->before();
	MARK(MARK_START);
	start = read_counter();
	operation->run(operation->count);
	end = read_counter();
	MARK(MARK_STOP);
	if (operation->after)
		operation->after();
	return end - start;
}

static void measure(const struct operation *operation, struct result *result)
{
	if (operation->prepare)
		operation->prepare();
	for (unsigned i = 0; i < WARM_UP_BATCHES; i++)
		run_batch(operation);
	MARK(MARK_RESET);
	for (unsigned i = 0; i < operation->batches; i++)
		result->batches[i] = run_batch(operation);
	MARK(MARK_REPORT);
	if (operation->finish)
		operation->finish();
	qsort(result->batches, operation->batches, sizeof(result->batches[0]), compare);
}

static void print(const struct operation *operation, const struct result *result)
{
	unsigned units = operation->count * (operation->divisor ? operation->divisor : 1);
	const uint64_t *batches = result->batches;
	uint64_t sum = 0;

	for (unsigned i = 0; i < operation->batches; i++)
		sum += batches[i];
	printf("%s\t%.2f\t%.2f\t%.2f\t%u\t%u\t%llu\n", operation->name, (double)batches[operation->batches / 2] / units,
	       (double)batches[0] / units, (double)batches[operation->batches - 1] / units, operation->batches, units,
	       (unsigned long long)sum);
}

/* The kernel may be built without them. */
static int have_local_sockets(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 0;
	close(pair[0]);
	close(pair[1]);
	return 1;
}

static int wanted(const struct operation *operation, char **names)
{
	static struct utsname system;

	uname(&system);
	if ((operation->native && !strstr(system.release, "-raeen")) || (operation->disk && !getenv("BENCH_DISK")) ||
	    (operation->sockets && !have_local_sockets()))
		return 0;
	if (!*names)
		return 1;
	for (; *names; names++)
		if (strstr(operation->name, *names))
			return 1;
	return 0;
}

/* For what waits for devices, where the plugin's count means something and time does not. */
static int run_around(char **command)
{
	int status;

	MARK(MARK_RESET);
	MARK(MARK_START);
	pid_t child = fork();

	if (!child) {
		execvp(command[0], command);
		_exit(127);
	}
	MUST(child > 0 && waitpid(child, &status, 0) == child);
	MARK(MARK_STOP);
	MARK(MARK_REPORT);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

int main(int argc, char **argv)
{
	enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };
	static struct result results[OPERATIONS];

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	if (argc > 2 && !strcmp(argv[1], "around"))
		return run_around(argv + 2);
	for (unsigned i = 0; i < OPERATIONS; i++)
		if (wanted(&operations[i], argv + 1))
			measure(&operations[i], &results[i]);
	for (unsigned i = 0; i < OPERATIONS; i++)
		if (wanted(&operations[i], argv + 1))
			print(&operations[i], &results[i]);
	return 0;
}
