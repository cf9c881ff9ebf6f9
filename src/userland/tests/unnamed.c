/* SPDX-License-Identifier: MIT */
/* Files made without a name (O_TMPFILE): what they are, that they get one, and that they leave nothing. On a tmpfs of its own. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { USER = 1000 };

static void mount_own(void)
{
	CHECK_EQ(mkdir("t", 0755), 0);
	CHECK_EQ(mount("none", "t", "tmpfs", 0, "size=1m,mode=1777"), 0);
}

static int make(int flags)
{
	return open("t", O_TMPFILE | O_RDWR | flags, 0640);
}

static long links(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? -1 : (long)stat.st_nlink;
}

/* Gives what @fd is open on a name by its link in /proc. */
static int name_it(int fd, const char *name)
{
	char link[40];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static unsigned long used(void)
{
	struct statvfs stat;

	CHECK_EQ(statvfs("t", &stat), 0);
	return (stat.f_files - stat.f_ffree) * 100000 + stat.f_blocks - stat.f_bfree;
}

static void making(void)
{
	unsigned long before;
	char text[4] = "";
	struct stat stat;
	int fd, second;

	mount_own();
	before = used();
	umask(027);
	fd = make(0);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK(S_ISREG(stat.st_mode));
	CHECK_EQ(stat.st_mode & 07777, 0640);
	CHECK_EQ(stat.st_nlink, 0);
	CHECK_EQ(stat.st_size, 0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(pread(fd, text, 4, 0), 3);
	CHECK_STR(text, "abc");
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_TMPFILE | O_ACCMODE), O_TMPFILE | O_RDWR);
	second = make(0);
	CHECK_EQ(lseek(second, 0, SEEK_END), 0);
	CHECK(used() > before);
	/* Nobody sees them. */
	CHECK_EQ(rmdir("t"), -1);
	close(second);
	close(fd);
	CHECK_EQ(used(), before);
	CHECK_EQ(umount("t"), 0);
}

static void naming(void)
{
	struct stat stat, named;
	char text[4] = "";
	int fd;

	mount_own();
	fd = make(0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(name_it(fd, "t/one"), 0);
	CHECK_EQ(links(fd), 1);
	CHECK_ERR(name_it(fd, "t/one"), EEXIST);
	CHECK_ERR(name_it(fd, "other"), EXDEV);
	CHECK_EQ(name_it(fd, "t/two"), 0);
	CHECK_EQ(links(fd), 2);
	CHECK_EQ(fstat(fd, &stat) | lstat("t/one", &named), 0);
	CHECK_EQ(named.st_ino, stat.st_ino);
	close(fd);
	/* It stays. */
	fd = open("t/one", O_RDONLY);
	CHECK_EQ(read(fd, text, 4), 3);
	CHECK_STR(text, "abc");
	CHECK_EQ(unlink("t/one") | unlink("t/two"), 0);
	/* Who has lost the names gets no other. */
	CHECK_ERR(name_it(fd, "t/three"), ENOENT);
	close(fd);
	fd = make(0);
	CHECK_EQ(linkat(fd, "", AT_FDCWD, "t/four", AT_EMPTY_PATH), 0);
	CHECK_EQ(links(fd), 1);
	CHECK_EQ(unlink("t/four"), 0);
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "t/four", AT_EMPTY_PATH), ENOENT);
	close(fd);
	fd = make(O_EXCL);
	CHECK(fd >= 0);
	CHECK_ERR(name_it(fd, "t/five"), ENOENT);
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "t/five", AT_EMPTY_PATH), ENOENT);
	close(fd);
	CHECK_EQ(umount("t"), 0);
}

/* What was named while it was open is there after many others came and went. */
static void named_stays(void)
{
	char name[16], text[8] = "";
	int fd;

	mount_own();
	for (int i = 0; i < 50; i++) {
		fd = make(0);
		snprintf(name, sizeof(name), "t/%d", i);
		CHECK_EQ(write(fd, name, strlen(name)), strlen(name));
		if (i % 2)
			CHECK_EQ(name_it(fd, name), 0);
		close(fd);
	}
	for (int i = 1; i < 50; i += 2) {
		snprintf(name, sizeof(name), "t/%d", i);
		memset(text, 0, sizeof(text));
		fd = open(name, O_RDONLY);
		CHECK(fd >= 0);
		CHECK(read(fd, text, sizeof(text) - 1) > 0);
		CHECK_STR(text, name);
		close(fd);
		CHECK_EQ(unlink(name), 0);
	}
	CHECK_EQ(umount("t"), 0);
}

static void as_user(void *unused)
{
	int fd;

	(void)unused;
	CHECK_EQ(setresgid(USER, USER, USER) | setresuid(USER, USER, USER), 0);
	CHECK_ERR(open("t/closed", O_TMPFILE | O_RDWR, 0600), EACCES);
	fd = open("t", O_TMPFILE | O_WRONLY, 0400);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	/* Not a bare descriptor, but the way through /proc. */
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "t/mine", AT_EMPTY_PATH), ENOENT);
	CHECK_EQ(name_it(fd, "t/mine"), 0);
}

static void refusals(void)
{
	struct stat stat;

	mount_own();
	check_write_file("t/file", "", 0644);
	CHECK_ERR(open("t", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERR(open("t", O_TMPFILE | O_RDWR | O_CREAT, 0600), EINVAL);
	CHECK_ERR(open("t", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600), EINVAL);
	CHECK_ERR(open("t/file", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	CHECK_ERR(open("t/absent", O_TMPFILE | O_RDWR, 0600), ENOENT);
	CHECK_ERR(open("/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	CHECK_EQ(mkdir("t/closed", 0755), 0);
	CHECK_EQ(check_child(as_user, NULL), 0);
	CHECK_EQ(lstat("t/mine", &stat), 0);
	CHECK_EQ(stat.st_uid, USER);
	CHECK_EQ(stat.st_size, 1);
	CHECK_EQ(mount(NULL, "t", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERR(make(0), EROFS);
	CHECK_EQ(umount("t"), 0);
}

static const struct check_case cases[] = { CASE(making), CASE(naming), CASE(named_stays), CASE(refusals), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("unnamed", cases, argc, argv);
}
