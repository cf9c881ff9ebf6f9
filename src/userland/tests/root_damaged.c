/* SPDX-License-Identifier: MIT */
/*
 * Uses all that is in PLACE, a folder of a file system with damaged files and folders in it: reads it twice, after which the kernel may not have more
 * objects than after the first time, then changes and removes it. Every error is allowed that says something about a file system; what is not: that
 * something does not end, or that a further program does not run. Prints how many operations were refused.
 */
#include "check.h"
#include "leak.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 5, ENTRIES_MAX = 300, BLOCK = 4096, BLOCKS_READ = 80, PATH_SIZE = 1024 };

static unsigned done, refused;

/* Counts an operation that has returned @result. */
static void count(long result)
{
	done++;
	if (result >= 0)
		return;
	refused++;
	CHECK(errno != ENOSYS && errno != EINTR && errno != EFAULT && errno != EBADF);
}

/* Calls @visit for all entries of the folder @path, which need not be one. */
static void each(const char *path, int depth, void (*visit)(const char *path, int depth))
{
	DIR *folder = depth < DEPTH_MAX ? opendir(path) : NULL;
	char (*names)[256];
	int found = 0;

	if (!folder)
		return;
	names = calloc(ENTRIES_MAX, sizeof *names);
	errno = 0;
	for (struct dirent *entry; found < ENTRIES_MAX && (entry = readdir(folder));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			strcpy(names[found++], entry->d_name);
	count(errno ? -1 : 0);
	closedir(folder);
	for (int i = 0; i < found; i++) {
		char below[PATH_SIZE];

		if (snprintf(below, sizeof below, "%s/%s", path, names[i]) < PATH_SIZE)
			visit(below, depth + 1);
	}
	free(names);
}

static void look_at(const char *path, int depth)
{
	char bytes[BLOCK];
	struct stat info;
	int fd;

	count(lstat(path, &info));
	count(readlink(path, bytes, sizeof bytes) < 0 && errno != EINVAL ? -1 : 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	count(fd < 0 && errno == ELOOP ? 0 : fd);
	if (fd >= 0) {
		for (int i = 0; i < BLOCKS_READ; i++) {
			ssize_t got = read(fd, bytes, sizeof bytes);

			count(got < 0 && errno != EISDIR ? -1 : 0);
			if (got <= 0)
				break;
		}
		count(fstat(fd, &info));
		close(fd);
	}
	each(path, depth, look_at);
}

static void write_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	struct stat info;

	if (fd < 0)
		return;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
		count(pwrite(fd, "some", 4, 0));
		count(pwrite(fd, "more", 4, info.st_size > 1 << 30 ? 1 << 20 : info.st_size));
		count(pwrite(fd, "far", 3, 5 << 20));
		count(fsync(fd));
		count(ftruncate(fd, BLOCK + 5));
	}
	close(fd);
}

static void change(const char *path, int depth)
{
	char other[PATH_SIZE + 8];
	struct stat info;
	int fd;

	count(chmod(path, 0700));
	count(utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW));
	write_to(path);
	snprintf(other, sizeof other, "%s/new", path);
	fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	count(fd < 0 && errno == ENOTDIR ? 0 : fd);
	close(fd);
	each(path, depth, change);
	snprintf(other, sizeof other, "%s.2", path);
	count(link(path, other) < 0 && errno != EPERM ? -1 : 0);
	unlink(other);
	count(rename(path, other));
	if (lstat(other, &info) == 0 && S_ISDIR(info.st_mode))
		count(rmdir(other));
	else
		count(unlink(other));
}

static void run_shell(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "echo alive > /root/alive && test \"$(cat /root/alive | cat)\" = alive && rm /root/alive", (char *)NULL);
	_exit(99);
}

static const char *place(void)
{
	const char *given = getenv("PLACE");

	return given ? given : ".";
}

static void reading(void)
{
	static struct leak_mark mark;

	CHECK_EQ(check_child(run_shell, NULL), 0);
	each(place(), 0, look_at);
	leak_mark(&mark);
	each(place(), 0, look_at);
	CHECK_EQ(check_child(run_shell, NULL), 0);
	leak_check(&mark, "reading it again");
	printf("reading: %u of %u refused\n", refused, done);
}

static void changing(void)
{
	struct statfs figures;

	done = refused = 0;
	each(place(), 0, change);
	sync();
	CHECK_EQ(statfs(place(), &figures), 0);
	CHECK_EQ(check_child(run_shell, NULL), 0);
	printf("changing: %u of %u refused\n", refused, done);
}

static const struct check_case cases[] = {
	CASE(reading),
	CASE(changing),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_damaged", cases, argc, argv);
}
