/* SPDX-License-Identifier: MIT */
/*
 * Files on the tmpfs of /tmp.
 */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_name[] = "/tmp/bench-file";
static const char other_name[] = "/tmp/bench-other";
static const char new_name[] = "/tmp/bench-new";
static char page[PAGE];
static int file = -1;

void prepare_file(void)
{
	memset(page, 'x', sizeof(page));
	MUST((file = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	MUST(write(file, page, sizeof(page)) == PAGE);
	MUST(close(open(other_name, O_RDWR | O_CREAT | O_TRUNC, 0644)) == 0);
}

void finish_file(void)
{
	close(file);
	MUST(unlink(file_name) == 0 && unlink(other_name) == 0);
}

void run_pread_byte(unsigned count)
{
	while (count--)
		MUST(pread(file, page, 1, 0) == 1);
}

void run_pread_page(unsigned count)
{
	while (count--)
		MUST(pread(file, page, PAGE, 0) == PAGE);
}

void run_stat(unsigned count)
{
	struct stat status;

	while (count--)
		MUST(stat(file_name, &status) == 0);
}

static void open_and_close(const char *name)
{
	int opened = open(name, O_RDONLY);

	MUST(opened >= 0 && close(opened) == 0);
}

/* A kernel that remembers where the last name led gains nothing here. */
void run_stat_two(unsigned count)
{
	struct stat status;

	while (count--)
		MUST(stat(file_name, &status) == 0 && stat(other_name, &status) == 0);
}

void run_open_close_two(unsigned count)
{
	while (count--) {
		open_and_close(file_name);
		open_and_close(other_name);
	}
}

void run_open_close(unsigned count)
{
	while (count--)
		open_and_close(file_name);
}

void run_create_unlink(unsigned count)
{
	while (count--) {
		int opened = open(new_name, O_WRONLY | O_CREAT | O_EXCL, 0644);

		MUST(opened >= 0 && close(opened) == 0 && unlink(new_name) == 0);
	}
}
