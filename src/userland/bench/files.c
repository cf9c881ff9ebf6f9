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
static const char other_names[OTHER_FILES][32] = {
#define NAME(i) "/tmp/bench-other-" #i
	NAME(0), NAME(1), NAME(2), NAME(3), NAME(4), NAME(5), NAME(6), NAME(7), NAME(8), NAME(9), NAME(10), NAME(11), NAME(12), NAME(13), NAME(14), NAME(15)
#undef NAME
};
static const char new_name[] = "/tmp/bench-new";
static char page[PAGE];
static int file = -1;

void prepare_file(void)
{
	memset(page, 'x', sizeof(page));
	MUST((file = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	MUST(write(file, page, sizeof(page)) == PAGE);
}

void prepare_files(void)
{
	for (int i = 0; i < OTHER_FILES; i++)
		MUST(close(open(other_names[i], O_RDWR | O_CREAT | O_TRUNC, 0644)) == 0);
}

void finish_files(void)
{
	for (int i = 0; i < OTHER_FILES; i++)
		MUST(unlink(other_names[i]) == 0);
}

void finish_file(void)
{
	close(file);
	MUST(unlink(file_name) == 0);
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

/* A kernel that remembers where the last few names led gains nothing here. */
void run_stat_many(unsigned count)
{
	struct stat status;

	while (count--)
		for (int i = 0; i < OTHER_FILES; i++)
			MUST(stat(other_names[i], &status) == 0);
}

void run_open_close_many(unsigned count)
{
	while (count--)
		for (int i = 0; i < OTHER_FILES; i++)
			open_and_close(other_names[i]);
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
