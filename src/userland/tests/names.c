/* SPDX-License-Identifier: MIT */
/* The name space: rename, link, symbolic links, folders and their listing, paths relative to descriptors. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

static ino_t inode(const char *path)
{
	struct stat info;

	return lstat(path, &info) < 0 ? 0 : info.st_ino;
}

static nlink_t links(const char *path)
{
	struct stat info;

	return lstat(path, &info) < 0 ? 0 : info.st_nlink;
}

static long rename_with(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void rename_files(void)
{
	ino_t a, b;
	int fd;
	char byte;

	check_write_file("a", "A", 0600);
	check_write_file("b", "B", 0600);
	a = inode("a");
	fd = open("b", O_RDONLY);
	CHECK_EQ(rename("a", "c"), 0);
	CHECK_EQ(inode("c"), a);
	CHECK_EQ(inode("a"), 0);
	CHECK_EQ(rename("c", "b"), 0);
	CHECK_EQ(inode("b"), a);
	/* The replaced file lives on in its descriptor. */
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(byte, 'B');
	CHECK_ERR(rename("missing", "x"), ENOENT);
	CHECK_ERR(rename("b", "no/x"), ENOENT);
	CHECK_EQ(rename("b", "b"), 0);
	CHECK_EQ(link("b", "hard"), 0);
	/* Two names of one file: nothing happens and both stay. */
	CHECK_EQ(rename("b", "hard"), 0);
	CHECK_EQ(inode("b"), a);
	CHECK_EQ(inode("hard"), a);
	check_write_file("other", "o", 0600);
	b = inode("other");
	CHECK_ERR(rename_with("b", "other", RENAME_NOREPLACE), EEXIST);
	CHECK_EQ(rename_with("b", "fresh", RENAME_NOREPLACE), 0);
	CHECK_EQ(rename_with("fresh", "other", RENAME_EXCHANGE), 0);
	CHECK_EQ(inode("fresh"), b);
	CHECK_EQ(inode("other"), a);
	CHECK_ERR(rename_with("fresh", "missing", RENAME_EXCHANGE), ENOENT);
	CHECK_ERR(rename_with("fresh", "other", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
}

static void rename_folders(void)
{
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(mkdir("d/sub", 0700), 0);
	CHECK_EQ(mkdir("empty", 0700), 0);
	CHECK_EQ(mkdir("full", 0700), 0);
	check_write_file("full/x", "", 0600);
	check_write_file("file", "", 0600);
	CHECK_ERR(rename("d", "d/sub/in"), EINVAL);
	CHECK_ERR(rename("d", "full"), ENOTEMPTY);
	CHECK_ERR(rename("d", "file"), ENOTDIR);
	CHECK_ERR(rename("file", "d"), EISDIR);
	CHECK_EQ(rename("d", "empty"), 0);
	CHECK(inode("empty/sub") != 0);
	CHECK_EQ(rename("empty/sub", "full/sub"), 0);
	/* ".." follows. */
	CHECK_EQ(inode("full/sub/.."), inode("full"));
	CHECK_EQ(links("full"), 3);
	CHECK_EQ(links("empty"), 2);
	CHECK(rename(".", "x") == -1 && errno == EBUSY);
	CHECK_ERR(rename("file/", "y"), ENOTDIR);
}

static void hard_links(void)
{
	struct stat info;

	check_write_file("a", "data", 0644);
	CHECK_EQ(link("a", "b"), 0);
	CHECK_EQ(stat("b", &info), 0);
	CHECK_EQ(info.st_nlink, 2);
	CHECK_EQ(info.st_ino, inode("a"));
	CHECK_ERR(link("a", "b"), EEXIST);
	CHECK_ERR(link("missing", "c"), ENOENT);
	CHECK_ERR(link(".", "dir"), EPERM);
	CHECK_EQ(unlink("a"), 0);
	CHECK_EQ(links("b"), 1);
	CHECK_EQ(symlink("b", "s"), 0);
	CHECK_EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0), 0);
	CHECK_EQ(lstat("s2", &info), 0);
	CHECK(S_ISLNK(info.st_mode));
	CHECK_EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "f", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(inode("f"), inode("b"));
}

static void symbolic_links(void)
{
	char text[64], name[16];
	struct stat info;

	memset(text, 0, sizeof text);
	check_write_file("file", "12345", 0600);
	CHECK_EQ(symlink("file", "s"), 0);
	CHECK_EQ(lstat("s", &info), 0);
	CHECK(S_ISLNK(info.st_mode));
	CHECK_EQ(info.st_size, 4);
	CHECK_EQ(stat("s", &info), 0);
	CHECK_EQ(info.st_size, 5);
	CHECK_EQ(readlink("s", text, sizeof text), 4);
	CHECK_STR(text, "file");
	CHECK_EQ(readlink("s", text, 2), 2);
	CHECK_ERR(readlink("file", text, 10), EINVAL);
	CHECK_ERR(symlink("x", "s"), EEXIST);
	CHECK_ERR(symlink("", "nothing"), ENOENT);
	CHECK_EQ(symlink("l2", "l1"), 0);
	CHECK_EQ(symlink("l1", "l2"), 0);
	CHECK_ERR(open("l1", O_RDONLY), ELOOP);
	CHECK_ERR(stat("l1/x", &info), ELOOP);
	CHECK_EQ(symlink("missing", "dangling"), 0);
	CHECK_ERR(stat("dangling", &info), ENOENT);
	CHECK_EQ(unlink("dangling"), 0);
	/* 40 links in a row are followed, more are not. */
	CHECK_EQ(symlink("file", "n0"), 0);
	for (int i = 1; i < 45; i++) {
		snprintf(text, sizeof text, "n%d", i - 1);
		snprintf(name, sizeof name, "n%d", i);
		CHECK_EQ(symlink(text, name), 0);
	}
	CHECK_EQ(stat("n39", &info), 0);
	CHECK_ERR(stat("n40", &info), ELOOP);
	/* A folder through a link: final slash and ".." go by the target. */
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(mkdir("d/e", 0700), 0);
	CHECK_EQ(symlink("d/e", "to_e"), 0);
	CHECK_EQ(lstat("to_e/", &info), 0);
	CHECK(S_ISDIR(info.st_mode));
	CHECK_EQ(stat("to_e/..", &info), 0);
	CHECK_EQ(info.st_ino, inode("d"));
}

static void folders(void)
{
	struct stat info;

	CHECK_EQ(mkdir("d", 0750), 0);
	CHECK_EQ(stat("d", &info), 0);
	CHECK_EQ(info.st_mode, S_IFDIR | 0750);
	CHECK_EQ(info.st_nlink, 2);
	CHECK_ERR(mkdir("d", 0700), EEXIST);
	CHECK_ERR(mkdir("none/d", 0700), ENOENT);
	CHECK_EQ(mkdir("slash/", 0700), 0);
	CHECK_EQ(mkdir("d/e", 0700), 0);
	CHECK_EQ(links("d"), 3);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(unlink("d"), EISDIR);
	CHECK_EQ(rmdir("d/e"), 0);
	CHECK_EQ(links("d"), 2);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/e"), ENOENT);
	check_write_file("f", "", 0600);
	CHECK_ERR(rmdir("f"), ENOTDIR);
	CHECK_ERR(mkdir("f/x", 0700), ENOTDIR);
	CHECK_ERR(unlink("f/"), ENOTDIR);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_ERR(rmdir("/"), EBUSY);
}

/* A process may stand in a folder that is removed: paths from it find nothing, and it can leave. */
static void removed_folder(void)
{
	char text[PATH_MAX];

	CHECK_EQ(mkdir("gone", 0700), 0);
	CHECK_EQ(chdir("gone"), 0);
	CHECK_EQ(rmdir("../gone"), 0);
	CHECK_ERR(open("file", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK_ERR(syscall(SYS_getcwd, text, sizeof text), ENOENT);
	CHECK_EQ(chdir("/"), 0);
	CHECK(getcwd(text, sizeof text) != NULL);
	CHECK_STR(text, "/");
}

static void working_folder(void)
{
	char start[PATH_MAX], text[PATH_MAX];
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	CHECK(getcwd(start, sizeof start) != NULL);
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK(getcwd(text, sizeof text) != NULL);
	CHECK(!strncmp(text, start, strlen(start)) && !strcmp(text + strlen(start), "/d"));
	CHECK_ERR(syscall(SYS_getcwd, text, 3), ERANGE);
	CHECK_EQ(rename("../d", "../moved"), 0);
	CHECK(getcwd(text, sizeof text) != NULL);
	CHECK_STR(text + strlen(start), "/moved");
	CHECK_EQ(fchdir(fd), 0);
	CHECK(getcwd(text, sizeof text) != NULL);
	CHECK_STR(text, start);
	check_write_file("f", "", 0600);
	CHECK_ERR(chdir("f"), ENOTDIR);
	CHECK_ERR(chdir("missing"), ENOENT);
	CHECK_ERR(fchdir(open("f", O_RDONLY)), ENOTDIR);
}

static void listing(void)
{
	enum { FILES = 600 };
	static char seen[FILES];
	char name[64];
	int dots = 0, wrong = 0, total = 0;
	struct dirent *entry;
	DIR *folder;

	CHECK_EQ(mkdir("many", 0700), 0);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "many/file-with-a-name-%d", i);
		if (i % 3)
			check_write_file(name, "", 0600);
		else
			CHECK_EQ(mkdir(name, 0700), 0);
	}
	/* Deleting while listing: every file appears exactly once. */
	folder = opendir("many");
	if (!CHECK(folder != NULL))
		return;
	while ((entry = readdir(folder))) {
		int number;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) {
			dots++;
			continue;
		}
		if (sscanf(entry->d_name, "file-with-a-name-%d", &number) != 1 || number < 0 || number >= FILES) {
			wrong++;
			continue;
		}
		wrong += seen[number]++;
		wrong += entry->d_type != DT_UNKNOWN && entry->d_type != (number % 3 ? DT_REG : DT_DIR);
		snprintf(name, sizeof name, "many/%.40s", entry->d_name);
		wrong += remove(name) != 0;
		total++;
	}
	CHECK_EQ(dots, 2);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(total, FILES);
	rewinddir(folder);
	for (total = 0; readdir(folder);)
		total++;
	CHECK_EQ(total, 2);
	closedir(folder);
	CHECK_EQ(rmdir("many"), 0);
}

static void listing_positions(void)
{
	char names[20][32], name[32], small[16];
	long positions[20];
	struct dirent *entry;
	DIR *folder;
	int count = 0, fd;

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "f%d", i);
		check_write_file(name, "", 0600);
	}
	folder = opendir(".");
	if (!CHECK(folder != NULL))
		return;
	for (positions[0] = telldir(folder); count < 19 && (entry = readdir(folder));) {
		snprintf(names[count++], 32, "%.31s", entry->d_name);
		positions[count] = telldir(folder);
	}
	CHECK_EQ(count, 12);
	for (int i = count - 1; i >= 0; i -= 3) {
		seekdir(folder, positions[i]);
		entry = readdir(folder);
		CHECK_STR(entry ? entry->d_name : NULL, names[i]);
	}
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_ERR(syscall(SYS_getdents64, fd, small, sizeof small), EINVAL);
	CHECK_ERR(syscall(SYS_getdents64, open("f0", O_RDONLY), small, sizeof small), ENOTDIR);
	/* The inode number of an entry is the file's. */
	rewinddir(folder);
	while ((entry = readdir(folder)))
		if (entry->d_name[0] == 'f')
			CHECK_EQ(entry->d_ino, inode(entry->d_name));
}

static void long_names(void)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 10];

	memset(name, 'n', sizeof name);
	name[NAME_MAX + 1] = '\0';
	CHECK_ERR(mkdir(name, 0700), ENAMETOOLONG);
	name[NAME_MAX] = '\0';
	CHECK_EQ(mkdir(name, 0700), 0);
	memset(path, 'p', sizeof path);
	for (int i = 100; i < PATH_MAX; i += 100)
		path[i] = '/';
	path[PATH_MAX] = '\0';
	CHECK_ERR(mkdir(path, 0700), ENAMETOOLONG);
	CHECK_ERR(access(path, F_OK), ENAMETOOLONG);
	/* Names are bytes; slashes and dots are all that is special. */
	check_write_file(".//./\xff\xfe \n*", "", 0600);
	CHECK_EQ(access("\xff\xfe \n*", F_OK), 0);
	/* A tree deeper than PATH_MAX is walked step by step. */
	for (int i = 0; i < 20; i++)
		if (!CHECK_EQ(mkdir(name, 0700) == 0 || errno == EEXIST, 1) || !CHECK_EQ(chdir(name), 0))
			return;
	check_write_file("leaf", "", 0600);
	CHECK_EQ(unlink("leaf"), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(chdir(".."), 0);
		CHECK_EQ(rmdir(name), 0);
	}
}

static void relative_to_descriptor(void)
{
	int fd, file;
	struct stat info;
	char text[16];

	CHECK_EQ(mkdir("d", 0700), 0);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(mkdirat(fd, "sub", 0700), 0);
	file = openat(fd, "sub/f", O_RDWR | O_CREAT, 0600);
	CHECK(file >= 0);
	CHECK_EQ(fstatat(fd, "sub/f", &info, 0), 0);
	CHECK_EQ(symlinkat("sub/f", fd, "s"), 0);
	CHECK_EQ(readlinkat(fd, "s", text, sizeof text), 5);
	CHECK_EQ(fstatat(fd, "s", &info, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISLNK(info.st_mode));
	CHECK_EQ(renameat(fd, "sub/f", AT_FDCWD, "f"), 0);
	CHECK_EQ(linkat(AT_FDCWD, "f", fd, "g", 0), 0);
	CHECK_EQ(faccessat(fd, "g", F_OK, 0), 0);
	CHECK_EQ(fstatat(file, "", &info, AT_EMPTY_PATH), 0);
	CHECK_EQ(info.st_nlink, 2);
	CHECK_EQ(unlinkat(fd, "g", 0), 0);
	CHECK_ERR(unlinkat(fd, "sub", 0), EISDIR);
	CHECK_EQ(unlinkat(fd, "sub", AT_REMOVEDIR), 0);
	CHECK_ERR(openat(file, "x", O_RDONLY), ENOTDIR);
	CHECK_ERR(openat(999, "x", O_RDONLY), EBADF);
	CHECK(openat(999, "/dev/null", O_RDONLY) >= 0);
	CHECK_ERR(unlinkat(fd, "s", 0x8000), EINVAL);
	CHECK_EQ(mknodat(fd, "fifo", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(fstatat(fd, "fifo", &info, 0), 0);
	CHECK(S_ISFIFO(info.st_mode));
}

enum { NAMES = 5000 };

/* Makes different names. A @factor not 0: such whose products with it are equal in their upper 16 bits, which takes a thousand tries each. */
static void make_names(char (*names)[8], uint64_t factor)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	enum { LETTERS = sizeof letters - 1 };
	static unsigned char last[65536];
	uint64_t word;

	for (int i = 0; i < LETTERS; i++)
		last[(uint16_t)(letters[i] * factor)] = letters[i];
	for (uint64_t n = 1, made = 0; made < NAMES; n++) {
		uint64_t rest = n * 2654435761u + n;
		char *name = names[made];

		memset(name, 0, 8);
		for (int i = 0; i < 6; i++, rest /= LETTERS)
			name[i] = letters[rest % LETTERS];
		memcpy(&word, name, 8);
		word |= (uint64_t)'/' << 56;
		name[6] = factor ? last[(uint16_t)-(word * factor >> 48)] : letters[n % LETTERS];
		made += name[6] != 0;
	}
}

/* The time of this thread, in us, that it takes to look for all of them. */
static long cost_of_names(char (*names)[8])
{
	struct timespec before, after;
	struct stat info;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	for (int i = 0; i < NAMES; i++)
		if (!stat(names[i], &info))
			CHECK_STR(names[i], "");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	return (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
}

/* Nobody can choose names that the kernel's table of them keeps in one chain, which it would go along for each of them with all others waiting. */
static void chosen_names(void)
{
	static char any[NAMES][8], chosen[NAMES][8];
	long usual, cost;

	make_names(any, 0);
	make_names(chosen, 0x9e3779b97f4a7c15);
	usual = cost_of_names(any);
	cost = cost_of_names(chosen);
	if (!CHECK(cost < 5 * usual + 50000))
		printf("%ld us for chosen names, %ld us for others\n", cost, usual);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(rename_files), CASE(rename_folders), CASE(hard_links), CASE(symbolic_links), CASE(folders),
		CASE(removed_folder), CASE(working_folder), CASE(listing), CASE(listing_positions), CASE(long_names),
		CASE(relative_to_descriptor), CASE(chosen_names), { NULL, NULL },
	};

	return check_main("names", cases, argc, argv);
}
