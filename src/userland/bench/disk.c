/* SPDX-License-Identifier: MIT */
/*
 * Files on a file system that has a disk: in the folder $BENCH_DISK; without it these rows are left out. Twice what programs wait for, and twice with
 * all that is written back afterwards.
 */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char new_name[256], log_name[256], page[PAGE];
static int folder = -1, file = -1;

/* Everything earlier is on the disk before this begins. */
void prepare_disk(void)
{
	const char *place = getenv("BENCH_DISK");

	snprintf(new_name, sizeof(new_name), "%s/bench-new", place);
	snprintf(log_name, sizeof(log_name), "%s/bench-log", place);
	memset(page, 'x', sizeof(page));
	MUST((folder = open(place, O_RDONLY | O_DIRECTORY)) >= 0);
	MUST((file = open(log_name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644)) >= 0);
	MUST(fsync(file) == 0 && syncfs(folder) == 0);
}

void finish_disk(void)
{
	MUST(close(file) == 0 && unlink(log_name) == 0 && syncfs(folder) == 0 && close(folder) == 0);
}

/* Each batch of appends begins with an empty file, and with nothing to be written. */
void empty_log(void)
{
	MUST(ftruncate(file, 0) == 0 && fsync(file) == 0);
}

void run_disk_create_unlink(unsigned count)
{
	while (count--) {
		int opened = open(new_name, O_WRONLY | O_CREAT | O_EXCL, 0644);

		MUST(opened >= 0 && close(opened) == 0 && unlink(new_name) == 0);
	}
}

void run_append(unsigned count)
{
	while (count--)
		MUST(write(file, page, PAGE) == PAGE);
}

void run_create_unlink_synced(unsigned count)
{
	while (count--) {
		run_disk_create_unlink(DISK_OPERATIONS);
		MUST(syncfs(folder) == 0);
	}
}

void run_append_synced(unsigned count)
{
	while (count--) {
		run_append(DISK_OPERATIONS);
		MUST(fsync(file) == 0);
	}
}
