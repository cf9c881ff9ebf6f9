/* SPDX-License-Identifier: MIT */
/*
 * Names that are replaced, linked, exchanged and removed by several processes at once: whatever a rename meets at its new name, nothing of what went is
 * left in the kernel's memory. The files have data, which a tmpfs keeps as long as it takes them for named. On Linux nothing is counted.
 */
#include "check.h"
#include "leak.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORKERS = 4, NAMES = 4, ROUNDS = 600, ROUNDS_ON_DISKS = 60, STORMS = 3, EXCHANGE = 2 };

static int rounds;

/* A file with data, that perhaps is there already. */
static int write_file(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0600);

	if (fd >= 0) {
		write(fd, path, strlen(path));
		close(fd);
	}
	return fd;
}

/* @body in several processes at once, some times; nothing is left when the names are gone, which @tidy sees to. */
static void storms(void (*body)(void *worker), void (*tidy)(void))
{
	static struct leak_mark mark;
	struct statfs status;

	CHECK_EQ(statfs(".", &status), 0);
	rounds = status.f_type == TMPFS_MAGIC ? ROUNDS : ROUNDS_ON_DISKS;
	for (int storm = 0; storm <= STORMS; storm++) {
		pid_t pids[WORKERS];

		for (long i = 0; i < WORKERS; i++)
			pids[i] = check_spawn(body, (void *)(WORKERS * storm + i));
		for (int i = 0; i < WORKERS; i++)
			CHECK_EQ(check_wait(pids[i]), 0);
		tidy();
		if (storm == 0)
			leak_mark(&mark);
	}
	leak_check(&mark, "the renames");
}

/* ---- One name for all ---- */

static void replace(void *worker)
{
	char own[16];

	snprintf(own, sizeof own, "own%d", (int)(long)worker);
	for (int i = 0; i < rounds; i++) {
		CHECK(write_file(own) >= 0);
		CHECK_EQ(rename(own, "target"), 0);
	}
}

static void remove_target(void)
{
	CHECK_EQ(unlink("target"), 0);
}

static void one_name(void)
{
	storms(replace, remove_target);
}

/* ---- A few names, and everything that can become of them ---- */

static void replace_directory(const char *own, unsigned which)
{
	char to[16];

	snprintf(to, sizeof to, "d/dir%u", which);
	CHECK_EQ(mkdir(own, 0700), 0);
	CHECK_EQ(rename(own, to), 0);
	if (which % 2)
		rmdir(to);
}

static void stir(void *worker)
{
	unsigned seed = (unsigned)(long)worker + 1;
	char own[16], from[16], to[16];
	struct stat status;

	snprintf(own, sizeof own, "own%u", seed);
	for (int i = 0; i < rounds; i++) {
		seed = seed * 1103515245 + 12345;
		snprintf(from, sizeof from, "d/%u", (seed >> 16) % NAMES);
		snprintf(to, sizeof to, "d/%u", (seed >> 20) % NAMES);
		switch (seed >> 24 & 7) {
		case 0: unlink(from); break;
		case 1: link(from, to); break;
		case 2: rename(from, to); break;
		case 3: syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, EXCHANGE); break;
		case 4: stat(from, &status); break;
		case 5: write_file(from); break;
		case 6: replace_directory(own, (seed >> 16) % NAMES); break;
		default:
			CHECK(write_file(own) >= 0);
			CHECK_EQ(rename(own, to), 0);
		}
	}
}

static void remove_all(void)
{
	char name[16];

	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "d/%d", i);
		unlink(name);
		snprintf(name, sizeof name, "d/dir%d", i);
		rmdir(name);
	}
	CHECK_EQ(rmdir("d"), 0);
	CHECK_EQ(mkdir("d", 0700), 0);
}

static void all_changes(void)
{
	CHECK_EQ(mkdir("d", 0700), 0);
	storms(stir, remove_all);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(one_name), CASE(all_changes), { NULL, NULL } };

	return check_main("renames", cases, argc, argv);
}
