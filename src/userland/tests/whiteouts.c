/* SPDX-License-Identifier: MIT */
/* renameat2 with RENAME_WHITEOUT: what is left at the old name, by whom, over what, and where there is no room for it. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USER = 1000, NOREPLACE = 1, EXCHANGE = 2, WHITEOUT = 4 };

static void make_tree(void)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(mkdir("e", 0755), 0);
	check_write_file("f", "text", 0644);
	CHECK_EQ(symlink("nothing", "to_nothing"), 0);
	CHECK_EQ(mkfifo("fifo", 0644), 0);
}

static int become_user(void)
{
	return syscall(SYS_setgroups, 0, NULL) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER);
}

static long failed(long result)
{
	return result < 0 ? -errno : result;
}

static long opens(const char *name, int flags)
{
	int fd = open(name, flags, 0600);

	return fd < 0 ? -errno : close(fd);
}

static long change(const char *from, const char *to, unsigned flags)
{
	return failed(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
}

/* Is @name what stands for no file in overlays, of user @uid? */
static int is_whiteout(const char *name, unsigned uid)
{
	struct stat info;

	return !lstat(name, &info) && info.st_mode == S_IFCHR && !info.st_rdev && info.st_nlink == 1 && !info.st_size && info.st_uid == uid;
}

static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void leave_as_user(void *argument)
{
	(void)argument;
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(change("all/f", "all/g", WHITEOUT), 0);
	CHECK(is_whiteout("all/f", USER));
	CHECK_EQ(opens("all/f", O_RDONLY), -EACCES);
	CHECK_EQ(failed(mknod("all/null", S_IFCHR | 0600, 0)), 0);
	CHECK_EQ(failed(mknod("all/disk", S_IFBLK | 0600, 0)), -EPERM);
	CHECK_EQ(failed(mknod("all/zero", S_IFCHR | 0600, 0x105)), -EPERM);
	CHECK_EQ(change("f", "g", WHITEOUT), -EACCES);
}

static void left_behind(void)
{
	char name[NAME_MAX + 1] = { 0 }, other[NAME_MAX + 1] = { 0 };
	struct stat before, after;
	int fd;

	memset(name, 'n', NAME_MAX);
	memset(other, 'o', NAME_MAX);
	make_tree();
	CHECK_EQ(change("f", "g", WHITEOUT | EXCHANGE), -EINVAL);
	CHECK_EQ(change("f", "g", WHITEOUT | EXCHANGE | NOREPLACE), -EINVAL);
	CHECK_EQ(change("missing", "g", WHITEOUT), -ENOENT);
	CHECK_EQ(change("f", "/proc/g", WHITEOUT), -EXDEV);
	CHECK_EQ(change("f", "e", WHITEOUT), -EISDIR);
	CHECK_EQ(change("e", "e/x", WHITEOUT), -EINVAL);
	CHECK_EQ(entries("."), 6);
	CHECK_EQ(stat("f", &before), 0);
	CHECK_EQ(change("f", "g", WHITEOUT), 0);
	CHECK(is_whiteout("f", 0));
	CHECK(!stat("g", &after) && after.st_ino == before.st_ino && after.st_nlink == 1);
	CHECK_EQ(opens("f", O_PATH), 0);
	CHECK_EQ(opens("f", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(entries("."), 7);
	/* A whiteout may be renamed, replaced and replace. */
	CHECK_EQ(change("f", "w", WHITEOUT), 0);
	CHECK(is_whiteout("f", 0) && is_whiteout("w", 0));
	CHECK_EQ(change("g", "f", WHITEOUT), 0);
	CHECK(is_whiteout("g", 0));
	CHECK(!stat("f", &after) && after.st_ino == before.st_ino);
	CHECK_EQ(change("f", "w", WHITEOUT | NOREPLACE), -EEXIST);
	CHECK_EQ(change("f", "v", WHITEOUT | NOREPLACE), 0);
	CHECK(is_whiteout("f", 0));
	/* Two names of one file: nothing happens. */
	CHECK_EQ(link("v", "v2"), 0);
	CHECK_EQ(change("v", "v2", WHITEOUT), 0);
	CHECK(!lstat("v", &after) && after.st_ino == before.st_ino && after.st_nlink == 2);
	CHECK_EQ(change("v", "v", WHITEOUT), 0);
	/* Directories, links and names of any length; into another directory. */
	CHECK_EQ(stat(".", &before), 0);
	CHECK_EQ(change("e", "v3", WHITEOUT), 0);
	CHECK(is_whiteout("e", 0));
	CHECK(!stat(".", &after) && after.st_nlink == before.st_nlink);
	CHECK_EQ(change("to_nothing", "v3/link", WHITEOUT), 0);
	CHECK(is_whiteout("to_nothing", 0));
	CHECK_EQ(change("v", name, WHITEOUT), 0);
	CHECK_EQ(change(name, other, WHITEOUT), 0);
	CHECK(is_whiteout(name, 0) && is_whiteout("v", 0));
	CHECK_EQ(change(other, "v", WHITEOUT), 0);
	CHECK(is_whiteout(other, 0));
	CHECK_EQ(unlink(other), 0);
	CHECK_EQ(change("fifo", "v3", WHITEOUT), -EISDIR);
	CHECK_EQ(change("v3", "v4", WHITEOUT), 0);
	CHECK_EQ(unlink("v3"), 0);
	CHECK_EQ(failed(rmdir("v4")), -ENOTEMPTY);
	/* An open file goes with its name, and what it was replaced by is another. */
	fd = open("v", O_RDONLY);
	CHECK_EQ(fstat(fd, &before), 0);
	CHECK_EQ(change("v", "moved", WHITEOUT), 0);
	CHECK(!fstat(fd, &after) && after.st_nlink == before.st_nlink);
	CHECK_EQ(unlink("v"), 0);
}

static void users(void)
{
	make_tree();
	CHECK_EQ(mkdir("all", 0777), 0);
	CHECK_EQ(chmod("all", 0777), 0);
	check_write_file("all/f", "", 0644);
	CHECK_EQ(check_child(leave_as_user, NULL), 0);
}

/* None is left over, also where there are only so many files. */
static void few_files(void)
{
	CHECK_EQ(mkdir("t", 0755), 0);
	CHECK_EQ(mount("none", "t", "tmpfs", 0, "nr_inodes=4"), 0);
	check_write_file("t/f", "", 0644);
	check_write_file("t/g", "", 0644);
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(change("t/f", "t/g", WHITEOUT | NOREPLACE), -EEXIST);
		CHECK_EQ(change("t/f", "t/h", WHITEOUT), 0);
		CHECK_EQ(change("t/h", "t/f", 0), 0);
	}
	CHECK_EQ(mkdir("t/d", 0755), 0);
	CHECK_EQ(change("t/f", "t/h", WHITEOUT), -ENOSPC);
	CHECK_EQ(access("t/f", F_OK), 0);
	CHECK_EQ(rmdir("t/d"), 0);
	CHECK_EQ(change("t/f", "t/h", WHITEOUT), 0);
	CHECK_EQ(opens("t/f", O_RDONLY), -ENXIO);
	CHECK_EQ(umount("t"), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(left_behind), CASE(users), CASE(few_files), { NULL, NULL } };

	return check_main("whiteouts", cases, argc, argv);
}
