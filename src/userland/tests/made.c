/* SPDX-License-Identifier: MIT */
/*
 * Files made and removed again and again, as a kernel may do it by a shortcut once the path is known: flags, attributes, descriptors, and every
 * refusal must be what they are the first time.
 */
#include "check.h"
#include <fcntl.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TIMES = 3, STRANGER = 1234, KEPT = O_ACCMODE | O_APPEND | O_NONBLOCK };

static void look_at_new(const char *name, int flags, int fd, mode_t mode)
{
	struct stat st, by_name;

	CHECK_EQ(fcntl(fd, F_GETFL) & KEPT, flags & KEPT);
	CHECK_EQ(fcntl(fd, F_GETFD), flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	CHECK(!fstat(fd, &st) && !stat(name, &by_name));
	CHECK(st.st_ino == by_name.st_ino && st.st_mode == (S_IFREG | mode) && st.st_nlink == 1 && st.st_size == 0);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK(st.st_mtim.tv_sec == st.st_ctim.tv_sec && st.st_mtim.tv_nsec == st.st_ctim.tv_nsec);
}

static void make_and_remove(const char *name, int flags)
{
	struct stat st;
	char byte;
	int fd;

	for (int i = 0; i < TIMES; i++) {
		/* Not the library's: that one sets the close-on-exec flag once more. */
		fd = syscall(SYS_open, name, O_CREAT | flags, 0666);
		CHECK(fd >= 0);
		look_at_new(name, flags, fd, 0640);
		CHECK_ERR(open(name, O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
		CHECK_EQ(write(fd, "x", 1), 1);
		CHECK_EQ(unlink(name), 0);
		CHECK_ERR(stat(name, &st), ENOENT);
		CHECK_ERR(unlink(name), ENOENT);
		CHECK(!fstat(fd, &st) && st.st_nlink == 0 && st.st_size == 1);
		if ((flags & O_ACCMODE) == O_RDWR)
			CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'x');
		else
			CHECK_ERR(pread(fd, &byte, 1, 0), EBADF);
		CHECK_EQ(close(fd), 0);
	}
}

static void with_all_flags(void)
{
	umask(027);
	make_and_remove("f", O_WRONLY | O_EXCL);
	make_and_remove("f", O_RDWR);
	make_and_remove("f", O_RDWR | O_EXCL | O_CLOEXEC | O_APPEND);
	make_and_remove("f", O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOFOLLOW);
	make_and_remove("a name that is longer than any entry has room for in itself", O_RDWR | O_EXCL);
	make_and_remove("sixteen-letters.", O_RDWR | O_EXCL);
	CHECK_EQ(umask(022), 027);
}

static void run(void *result)
{
	execl("f", "f", (char *)NULL);
	*(int *)result = errno;
}

/* As long as a file is open for writing it cannot be run, and no longer. */
static void to_be_run(void)
{
	int *result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < TIMES; i++) {
		int fd = open("f", O_CREAT | O_EXCL | O_WRONLY, 0755);

		CHECK_EQ(write(fd, "#!/bin/sh\nexit 7\n", 17), 17);
		CHECK_EQ(check_child(run, result), 0);
		CHECK_EQ(*result, ETXTBSY);
		CHECK_EQ(close(fd), 0);
		CHECK_EQ(check_child(run, result), 7);
		CHECK_EQ(unlink("f"), 0);
	}
}

static void of_other_kinds(void)
{
	struct stat st;

	for (int i = 0; i < TIMES; i++) {
		CHECK_EQ(symlink("target", "link"), 0);
		CHECK_ERR(open("link", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
		CHECK_ERR(open("link", O_CREAT | O_NOFOLLOW | O_WRONLY, 0600), ELOOP);
		CHECK_EQ(close(open("link", O_CREAT | O_WRONLY, 0600)), 0);
		CHECK_EQ(unlink("link"), 0);
		CHECK(!stat("target", &st) && S_ISREG(st.st_mode));
		CHECK_EQ(link("target", "link"), 0);
		CHECK_EQ(unlink("target"), 0);
		CHECK(!stat("link", &st) && st.st_nlink == 1);
		CHECK_EQ(unlink("link"), 0);
		CHECK_EQ(mkdir("d", 0755), 0);
		CHECK_ERR(unlink("d"), EISDIR);
		CHECK_ERR(open("d", O_CREAT | O_WRONLY, 0600), EISDIR);
		CHECK_EQ(rmdir("d"), 0);
		CHECK_ERR(open("d/", O_CREAT | O_WRONLY, 0600), EISDIR);
		CHECK_EQ(mkfifo("pipe", 0600), 0);
		CHECK_EQ(unlink("pipe"), 0);
	}
}

static void as_stranger(void *argument)
{
	int fd;

	(void)argument;
	CHECK(!setgid(STRANGER) && !setuid(STRANGER));
	for (int i = 0; i < TIMES; i++) {
		CHECK_ERR(open("closed/new", O_CREAT | O_EXCL | O_WRONLY, 0600), EACCES);
		CHECK_ERR(unlink("closed/f"), EACCES);
		CHECK_ERR(unlink("sticky/f"), EPERM);
		fd = open("sticky/new", O_CREAT | O_EXCL | O_WRONLY, 0600);
		look_at_new("sticky/new", O_WRONLY, fd, 0600);
		CHECK(!close(fd) && !unlink("sticky/new"));
	}
	CHECK_EQ(unlink("common/f"), 0);
}

static void by_others(void)
{
	struct stat st;
	int fd;

	umask(022);
	CHECK(!chmod(".", 0755) && !mkdir("closed", 0755) && !mkdir("sticky", 0755) && !mkdir("common", 0755));
	CHECK(!chmod("sticky", 01777) && !chmod("common", 0777));
	check_write_file("closed/f", "f", 0666);
	check_write_file("sticky/f", "f", 0666);
	check_write_file("common/f", "f", 0600);
	CHECK_ERR(stat("closed/new", &st), ENOENT);
	CHECK_ERR(stat("sticky/new", &st), ENOENT);
	CHECK_EQ(check_child(as_stranger, NULL), 0);
	CHECK_ERR(stat("common/f", &st), ENOENT);
	/* A directory that hands its group on. */
	CHECK(!chown("common", 0, STRANGER) && !chmod("common", 02777));
	for (int i = 0; i < TIMES; i++) {
		fd = open("common/new", O_CREAT | O_EXCL | O_WRONLY, 0600);
		CHECK(!fstat(fd, &st) && st.st_gid == STRANGER && !close(fd) && !unlink("common/new"));
	}
}

static void when_nothing_can_be_made(void)
{
	struct rlimit none = { 5, 5 };
	struct stat st;

	CHECK_EQ(mkdir("gone", 0755), 0);
	CHECK_ERR(stat("gone/f", &st), ENOENT);
	CHECK(!chdir("gone") && !rmdir("../gone"));
	for (int i = 0; i < TIMES; i++)
		CHECK_ERR(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), ENOENT);
	CHECK(!chdir("..") && !mkdir("m", 0755) && !mount("none", "m", "tmpfs", 0, ""));
	check_write_file("m/f", "f", 0600);
	CHECK_ERR(stat("m/new", &st), ENOENT);
	CHECK_EQ(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, ""), 0);
	for (int i = 0; i < TIMES; i++) {
		CHECK_ERR(open("m/new", O_CREAT | O_EXCL | O_WRONLY, 0600), EROFS);
		CHECK_ERR(unlink("m/f"), EROFS);
	}
	CHECK_EQ(umount("m"), 0);
	check_write_file("covered", "", 0600);
	check_write_file("cover", "cover", 0600);
	CHECK_EQ(mount("cover", "covered", NULL, MS_BIND, NULL), 0);
	for (int i = 0; i < TIMES; i++) {
		CHECK_ERR(unlink("covered"), EBUSY);
		CHECK(!stat("covered", &st) && st.st_size == 5);
	}
	CHECK_EQ(umount("covered"), 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (dup(0) >= 0)
		;
	CHECK_ERR(stat("new", &st), ENOENT);
	for (int i = 0; i < TIMES; i++)
		CHECK_ERR(open("new", O_CREAT | O_EXCL | O_WRONLY, 0600), EMFILE);
	CHECK_ERR(stat("new", &st), ENOENT);
}

/* Two processes make and remove the same name: each file made is removed, and every refusal is one of the two that there may be. */
static void race(void *argument)
{
	int *counts = argument, wrong = 0;

	for (int i = 0; i < 2000; i++) {
		int fd = open("same", O_CREAT | O_EXCL | O_WRONLY, 0600);

		if (fd >= 0)
			counts[0]++;
		else
			wrong += errno != EEXIST;
		if (fd >= 0)
			wrong += close(fd) != 0;
		if (!unlink("same"))
			counts[1]++;
		else
			wrong += errno != ENOENT;
	}
	CHECK_EQ(wrong, 0);
}

static void by_two_at_once(void)
{
	int *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = check_spawn(race, counts + 2);

	race(counts);
	CHECK_EQ(check_wait(child), 0);
	/* A kernel whose open finds the file gone that it has just made may make it once more, and then two are removed. */
	CHECK(counts[0] + counts[2] <= counts[1] + counts[3] + (access("same", F_OK) == 0));
	CHECK_ERR(open("same", O_WRONLY), ENOENT);
}

enum { MAKERS = 6, REMOVERS = 3 };

/* Which file each of the makers has just now, 0: none; and how many have been made. */
struct holders { volatile ino_t files[MAKERS]; int makers; volatile int made, shared; volatile long end; };

static int others_have(const struct holders *holders, int self, ino_t file)
{
	int count = 0;

	for (int i = 0; i < MAKERS; i++)
		count += i != self && holders->files[i] == file;
	return count;
}

static void make_alone(void *argument)
{
	struct holders *holders = argument;
	int self = __atomic_fetch_add(&holders->makers, 1, __ATOMIC_RELAXED);
	struct stat st;

	while (check_now() < holders->end) {
		int fd = open("alone", O_CREAT | O_EXCL | O_WRONLY, 0600);

		if (fd < 0) {
			if (errno != EEXIST)
				CHECK_ERR(fd, EEXIST);
			continue;
		}
		CHECK_EQ(fstat(fd, &st), 0);
		holders->files[self] = st.st_ino;
		__atomic_fetch_add(&holders->made, 1, __ATOMIC_RELAXED);
		for (int i = 0; i < 3; i++) {
			__atomic_fetch_add(&holders->shared, others_have(holders, self, st.st_ino), __ATOMIC_RELAXED);
			usleep(500);
		}
		holders->files[self] = 0;
		close(fd);
	}
}

static void remove_always(void *argument)
{
	struct holders *holders = argument;

	while (check_now() < holders->end)
		unlink("alone");
}

/* Whoever asked for a file that nobody else has made has one of his own, also when somebody removes it before he has got it. */
static void exclusively(void)
{
	struct holders *holders = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[MAKERS + REMOVERS];

	holders->end = check_now() + 3000;
	for (int i = 0; i < MAKERS + REMOVERS; i++)
		children[i] = check_spawn(i < MAKERS ? make_alone : remove_always, holders);
	for (int i = 0; i < MAKERS + REMOVERS; i++)
		CHECK_EQ(check_wait(children[i]), 0);
	CHECK(holders->made > 0);
	CHECK_EQ(holders->shared, 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(with_all_flags), CASE(to_be_run), CASE(of_other_kinds), CASE(by_others), CASE(when_nothing_can_be_made),
		CASE(by_two_at_once), CASE(exclusively), { NULL, NULL },
	};

	return check_main("made", cases, argc, argv);
}
