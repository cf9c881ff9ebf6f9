/* SPDX-License-Identifier: MIT */
/* The calls that take a descriptor and a name: every flag alone and together, trailing slashes, `.` and `..` at the end, empty and long names. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USER = 1000, ALL_ACCESS = R_OK | W_OK | X_OK, NEITHER = 3 /* as access mode: needs both rights, and gives none */ };

/* Folder d with file f and folder e; links to each, one to nothing, one to itself; a FIFO. */
static void make_tree(void)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/e", 0755), 0);
	check_write_file("d/f", "text", 0644);
	CHECK_EQ(symlink("f", "d/to_f"), 0);
	CHECK_EQ(symlink("e", "d/to_e"), 0);
	CHECK_EQ(symlink("nothing", "d/to_nothing"), 0);
	CHECK_EQ(symlink("loop", "d/loop"), 0);
	CHECK_EQ(mkfifo("d/fifo", 0644), 0);
	CHECK_EQ(chdir("d"), 0);
}

static int become_user(void)
{
	return syscall(SYS_setgroups, 0, NULL) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER);
}

/* 0 or minus the error; what is opened is closed again. */
static int opened(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags, 0600);

	return fd < 0 ? -errno : close(fd);
}

static int opens(const char *name, int flags)
{
	return opened(AT_FDCWD, name, flags);
}

static long failed(long result)
{
	return result < 0 ? -errno : result;
}

/* ---- openat ---- */

static void places(void)
{
	int fd, flags;

	make_tree();
	CHECK_EQ(opens("f", O_PATH), 0);
	CHECK_EQ(opens("to_nothing", O_PATH), -ENOENT);
	CHECK_EQ(opens("to_nothing", O_PATH | O_NOFOLLOW), 0);
	CHECK_EQ(opens("to_nothing", O_PATH | O_CREAT), -ENOENT);
	CHECK_EQ(opens("loop", O_PATH), -ELOOP);
	CHECK_EQ(opens("loop", O_PATH | O_NOFOLLOW), 0);
	CHECK_EQ(opens("to_e", O_PATH | O_NOFOLLOW | O_DIRECTORY), -ENOTDIR);
	CHECK_EQ(opens("to_e/", O_PATH | O_NOFOLLOW), 0);
	CHECK_EQ(opens("to_f/", O_PATH | O_NOFOLLOW), -ENOTDIR);
	CHECK_EQ(opens("f", O_PATH | O_DIRECTORY), -ENOTDIR);
	CHECK_EQ(opens("new", O_PATH | O_CREAT), -ENOENT);
	CHECK_EQ(opens("f", O_PATH | O_CREAT | O_EXCL), 0);
	CHECK_EQ(opens("f", O_PATH | O_TMPFILE | O_RDWR), -ENOTDIR);
	fd = open("f", O_PATH | O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);
	flags = fcntl(fd, F_GETFL);
	CHECK_EQ(flags, O_PATH);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(read(fd, &flags, 1), EBADF);
	CHECK_ERR(syscall(SYS_fchmod, fd, 0600), EBADF);
	CHECK_ERR(ftruncate(fd, 0), EBADF);
	CHECK_ERR(fcntl(fd, F_SETFL, 0), EBADF);
	CHECK_ERR(fcntl(fd, F_GETLK, 0), EBADF);
	CHECK_ERR(lseek(fd, 0, SEEK_SET), EBADF);
	CHECK_ERR(fsync(fd), EBADF);
	CHECK_EQ(fcntl(open("e", O_PATH | O_DIRECTORY | O_NOFOLLOW), F_GETFL), O_PATH | O_DIRECTORY | O_NOFOLLOW);
	CHECK_EQ(fchdir(open("e", O_PATH)), 0);
	CHECK_ERR(fchdir(open("../f", O_PATH)), ENOTDIR);
}

static void kinds_of_files(void)
{
	make_tree();
	CHECK_EQ(opens("f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	CHECK_EQ(opens("to_f", O_RDONLY | O_NOFOLLOW), -ELOOP);
	CHECK_EQ(opens("to_e", O_RDONLY | O_NOFOLLOW), -ELOOP);
	CHECK_EQ(opens("to_e", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), -ENOTDIR);
	CHECK_EQ(opens("to_e", O_RDONLY | O_DIRECTORY), 0);
	CHECK_EQ(opens("e", O_WRONLY), -EISDIR);
	CHECK_EQ(opens("e", O_RDWR | O_DIRECTORY), -EISDIR);
	CHECK_EQ(opens("e", O_RDONLY | O_TRUNC), -EISDIR);
	CHECK_EQ(opens("f", O_RDONLY | O_TRUNC), 0);
	CHECK_EQ(opens("f", NEITHER), 0);
	CHECK_EQ(opens("e", NEITHER), -EISDIR);
	CHECK_EQ(opens("fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
	CHECK_EQ(opens("fifo", O_RDONLY | O_NONBLOCK | O_DIRECTORY), -ENOTDIR);
	CHECK_EQ(opens("/proc/self/fd/0/x", O_RDONLY), -ENOTDIR);
	CHECK_EQ(opens("/dev/null", O_RDWR | O_CREAT), 0);
	CHECK_EQ(opens("/dev/null/", O_RDWR), -ENOTDIR);
	CHECK_EQ(opened(open("f", O_RDONLY), "", O_RDONLY), -ENOENT);
	CHECK_EQ(opened(-1, "", O_RDONLY), -ENOENT);
	CHECK_EQ(opened(-1, "f", O_RDONLY), -EBADF);
	CHECK_EQ(opened(-1, "/dev/null", O_RDONLY), 0);
	CHECK_EQ(opened(open("f", O_RDONLY), ".", O_RDONLY), -ENOTDIR);
	CHECK_EQ(opened(open("e", O_PATH), "../f", O_RDONLY), 0);
	CHECK_EQ(opened(open("f", O_PATH), "x", O_RDONLY), -ENOTDIR);
	CHECK_EQ(opened(AT_FDCWD, (char *)8, O_RDONLY), -EFAULT);
}

static void made_files(void)
{
	make_tree();
	CHECK_EQ(opens("new", O_RDONLY | O_CREAT | O_DIRECTORY), -EINVAL);
	CHECK_EQ(opens("e", O_RDONLY | O_CREAT | O_DIRECTORY), -EINVAL);
	CHECK_EQ(access("new", F_OK), -1);
	CHECK_EQ(opens("e", O_RDONLY | O_CREAT), -EISDIR);
	CHECK_EQ(opens("e", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens("e/", O_RDONLY | O_CREAT), -EISDIR);
	CHECK_EQ(opens("f/", O_RDONLY | O_CREAT), -EISDIR);
	CHECK_EQ(opens("new/", O_RDONLY | O_CREAT), -EISDIR);
	CHECK_EQ(opens("new/", O_RDONLY | O_CREAT | O_EXCL), -EISDIR);
	CHECK_EQ(opens("f/", O_RDONLY | O_CREAT | O_EXCL), -EISDIR);
	CHECK_EQ(opens(".", O_RDONLY | O_CREAT), -EISDIR);
	CHECK_EQ(opens("..", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens(".", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens("/", O_RDONLY | O_CREAT), -EISDIR);
	CHECK_EQ(opens("/", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens("nowhere/new", O_RDONLY | O_CREAT), -ENOENT);
	CHECK_EQ(opens("f/new", O_RDONLY | O_CREAT), -ENOTDIR);
	CHECK_EQ(opens("loop", O_RDONLY | O_CREAT), -ELOOP);
	CHECK_EQ(opens("to_nothing", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens("to_nothing", O_RDWR | O_CREAT | O_NOFOLLOW), -ELOOP);
	CHECK_EQ(access("nothing", F_OK), -1);
	CHECK_EQ(opens("to_nothing", O_RDWR | O_CREAT), 0);
	CHECK_EQ(access("nothing", F_OK), 0);
	CHECK_EQ(opens("to_f", O_RDWR | O_CREAT | O_NOFOLLOW), -ELOOP);
	CHECK_EQ(opens("to_f/", O_RDWR | O_CREAT), -EISDIR);
	CHECK_EQ(opens("fifo", O_RDONLY | O_NONBLOCK | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens("", O_RDWR | O_CREAT), -ENOENT);
	CHECK_EQ(opens("zero", O_RDONLY | O_CREAT | O_TRUNC), 0);
}

static void unnamed_files(void)
{
	make_tree();
	CHECK_EQ(opens(".", O_TMPFILE | O_RDWR), 0);
	CHECK_EQ(opens(".", O_TMPFILE | O_RDONLY), -EINVAL);
	CHECK_EQ(opens(".", O_TMPFILE | O_RDWR | O_CREAT), -EINVAL);
	CHECK_EQ(opens(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR), -EINVAL);
	CHECK_EQ(opens("f", O_TMPFILE | O_RDWR), -ENOTDIR);
	CHECK_EQ(opens("to_e", O_TMPFILE | O_RDWR), 0);
	CHECK_EQ(opens("to_e", O_TMPFILE | O_RDWR | O_NOFOLLOW), -ENOTDIR);
	CHECK_EQ(opens("missing", O_TMPFILE | O_RDWR), -ENOENT);
	CHECK_EQ(opens(".", O_TMPFILE | NEITHER), 0);
	CHECK_EQ(opens(".", O_TMPFILE | O_WRONLY | O_EXCL | O_TRUNC), 0);
	CHECK_EQ(opens("/proc", O_TMPFILE | O_RDWR), -EOPNOTSUPP);
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(opens(".", O_TMPFILE | O_RDWR), -EACCES);
}

static void opened_by_users(void)
{
	make_tree();
	CHECK_EQ(chmod("f", 0600), 0);
	check_write_file("readable", "", 0444);
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(opens("f", O_PATH), 0);
	CHECK_EQ(opens("f", O_RDONLY), -EACCES);
	CHECK_EQ(opens("f", NEITHER), -EACCES);
	CHECK_EQ(opens("readable", O_RDONLY | O_TRUNC), -EACCES);
	CHECK_EQ(opens("readable", NEITHER), -EACCES);
	CHECK_EQ(opens("readable", O_RDONLY | O_NOATIME), -EPERM);
	CHECK_EQ(opens("readable", O_RDONLY | O_CREAT), 0);
	CHECK_EQ(opens("e", O_WRONLY), -EISDIR);
	CHECK_EQ(opens("new", O_WRONLY | O_CREAT), -EACCES);
	CHECK_EQ(opens("readable", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	CHECK_EQ(opens("new/", O_WRONLY | O_CREAT), -EISDIR);
}

/* ---- faccessat2 ---- */

static long may(int dir, const char *name, int mode, int flags)
{
	return failed(syscall(SYS_faccessat2, dir, name, mode, flags));
}

static void accesses(void)
{
	int place, pipes[2];

	make_tree();
	place = open("f", O_PATH);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(may(AT_FDCWD, "to_nothing", F_OK, 0), -ENOENT);
	CHECK_EQ(may(AT_FDCWD, "to_nothing", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(may(AT_FDCWD, "to_nothing", ALL_ACCESS, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(may(AT_FDCWD, "to_e/", X_OK, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(may(AT_FDCWD, "", F_OK, 0), -ENOENT);
	CHECK_EQ(may(AT_FDCWD, "", F_OK, AT_EMPTY_PATH), 0);
	CHECK_EQ(may(place, "", R_OK, AT_EMPTY_PATH), 0);
	CHECK_EQ(may(place, "", X_OK, AT_EMPTY_PATH | AT_EACCESS), -EACCES);
	CHECK_EQ(may(place, "x", R_OK, AT_EMPTY_PATH), -ENOTDIR);
	CHECK_EQ(may(pipes[0], "", R_OK, AT_EMPTY_PATH), 0);
	CHECK_EQ(may(-1, "", R_OK, AT_EMPTY_PATH), -EBADF);
	CHECK_EQ(may(AT_FDCWD, "f", 010, 0), -EINVAL);
	CHECK_EQ(may(AT_FDCWD, "f", -1, 0), -EINVAL);
	CHECK_EQ(may(AT_FDCWD, "f", F_OK, AT_NO_AUTOMOUNT), -EINVAL);
	CHECK_EQ(may(AT_FDCWD, "f", F_OK, AT_SYMLINK_FOLLOW), -EINVAL);
	CHECK_EQ(may(AT_FDCWD, "f/", F_OK, 0), -ENOTDIR);
	CHECK_EQ(may(AT_FDCWD, "f/.", F_OK, 0), -ENOTDIR);
	CHECK_EQ(may(AT_FDCWD, "e/.", F_OK, 0), 0);
	CHECK_EQ(may(AT_FDCWD, "loop", F_OK, 0), -ELOOP);
	CHECK_EQ(failed(syscall(SYS_faccessat, AT_FDCWD, "", F_OK, AT_EMPTY_PATH)), -ENOENT);
	CHECK_EQ(failed(syscall(SYS_access, "", F_OK)), -ENOENT);
}

/* ---- Modes, owners, times ---- */

static void modes(void)
{
	make_tree();
	CHECK_EQ(failed(syscall(SYS_fchmodat, AT_FDCWD, "", 0600, AT_EMPTY_PATH)), -ENOENT);
	CHECK_EQ(failed(syscall(SYS_fchmodat, AT_FDCWD, "to_nothing", 0600)), -ENOENT);
	CHECK_EQ(failed(syscall(SYS_fchmodat, AT_FDCWD, "f/", 0600)), -ENOTDIR);
	CHECK_EQ(failed(syscall(SYS_fchmodat, -1, "f", 0600)), -EBADF);
	CHECK_EQ(failed(syscall(SYS_fchmodat, AT_FDCWD, "f", 0177777)), 0);
	CHECK_EQ(failed(syscall(SYS_fchmodat, AT_FDCWD, ".", 0755)), 0);
	CHECK_EQ(failed(syscall(SYS_fchmodat, AT_FDCWD, "e/..", 0755)), 0);
}

static long own(int dir, const char *name, int uid, int gid, int flags)
{
	return failed(syscall(SYS_fchownat, dir, name, uid, gid, flags));
}

static void own_as_user(void *argument)
{
	struct stat info;

	(void)argument;
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(own(AT_FDCWD, "f", -1, -1, 0), 0);	/* asks for nothing */
	CHECK_EQ(own(AT_FDCWD, "f", 0, -1, 0), -EPERM);
	CHECK_EQ(own(AT_FDCWD, "mine", -1, -1, 0), 0);
	CHECK_EQ(stat("mine", &info), 0);
	CHECK_EQ(info.st_mode & 07777, 0755);	/* set-id bits go with no change at all */
	CHECK_EQ(own(AT_FDCWD, "mine", USER, USER, 0), 0);
	CHECK_EQ(own(AT_FDCWD, "mine", USER, 0, 0), -EPERM);
	CHECK_EQ(own(AT_FDCWD, "mine", 0, -1, 0), -EPERM);
}

static void owners(void)
{
	int place;

	make_tree();
	place = open("f", O_PATH);
	CHECK_EQ(own(place, "", 5, 6, AT_EMPTY_PATH), 0);
	CHECK_EQ(own(place, "", 0, 0, 0), -ENOENT);
	CHECK_EQ(own(AT_FDCWD, "", 0, 0, AT_EMPTY_PATH), 0);
	CHECK_EQ(own(-1, "", 0, 0, AT_EMPTY_PATH), -EBADF);
	CHECK_EQ(own(AT_FDCWD, "to_nothing", 1, 2, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(own(AT_FDCWD, "to_nothing", 1, 2, 0), -ENOENT);
	CHECK_EQ(own(open("to_f", O_PATH | O_NOFOLLOW), "", 7, 8, AT_EMPTY_PATH), 0);
	CHECK_EQ(own(AT_FDCWD, "f", 0, 0, AT_SYMLINK_FOLLOW), -EINVAL);
	CHECK_EQ(own(AT_FDCWD, "f", 0, 0, AT_NO_AUTOMOUNT), -EINVAL);
	CHECK_ERR(syscall(SYS_fchown, place, 0, 0), EBADF);
	check_write_file("mine", "", 0755);
	CHECK_EQ(own(AT_FDCWD, "mine", USER, USER, 0), 0);
	CHECK_EQ(chmod("mine", 06755), 0);
	CHECK_EQ(check_child(own_as_user, NULL), 0);
}

static long touch(int dir, const char *name, long access_ns, long change_ns, int flags)
{
	struct timespec times[2] = { { 1000, access_ns }, { 2000, change_ns } };

	return failed(syscall(SYS_utimensat, dir, name, times, flags));
}

static void touch_as_user(void *argument)
{
	int fd = open("writable", O_RDWR), own_fd = open("mine", O_RDONLY);

	(void)argument;
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(touch(AT_FDCWD, "f", UTIME_NOW, UTIME_NOW, 0), -EACCES);
	CHECK_EQ(touch(AT_FDCWD, "f", UTIME_OMIT, UTIME_OMIT, 0), 0);
	CHECK_EQ(touch(AT_FDCWD, "f", UTIME_NOW, UTIME_OMIT, 0), -EPERM);
	CHECK_EQ(touch(AT_FDCWD, "f", 0, 0, 0), -EPERM);
	CHECK_EQ(touch(AT_FDCWD, "writable", UTIME_NOW, UTIME_NOW, 0), 0);
	CHECK_EQ(touch(AT_FDCWD, "writable", UTIME_NOW, UTIME_OMIT, 0), -EPERM);
	CHECK_EQ(touch(AT_FDCWD, "writable", UTIME_OMIT, UTIME_NOW, 0), -EPERM);
	CHECK_EQ(touch(AT_FDCWD, "writable", 0, UTIME_NOW, 0), -EPERM);
	CHECK_EQ(failed(syscall(SYS_utimensat, AT_FDCWD, "writable", NULL, 0)), 0);
	CHECK_EQ(failed(syscall(SYS_utimensat, AT_FDCWD, "f", NULL, 0)), -EACCES);
	CHECK_EQ(touch(fd, NULL, UTIME_NOW, UTIME_NOW, 0), 0);
	CHECK_EQ(touch(fd, NULL, 5, 5, 0), -EPERM);
	CHECK_EQ(touch(own_fd, NULL, 5, UTIME_OMIT, 0), 0);
	CHECK_EQ(touch(AT_FDCWD, "missing", UTIME_OMIT, UTIME_OMIT, 0), 0);
	CHECK_EQ(touch(-1, "missing", UTIME_OMIT, UTIME_OMIT, 0), 0);
}

static void times(void)
{
	int place;

	make_tree();
	place = open("f", O_PATH);
	check_write_file("writable", "", 0666);
	check_write_file("mine", "", 0600);
	CHECK_EQ(chown("mine", USER, USER), 0);
	CHECK_EQ(touch(AT_FDCWD, "f", 0, 999999999, 0), 0);
	CHECK_EQ(touch(AT_FDCWD, "f", 0, 1000000000, 0), -EINVAL);
	CHECK_EQ(touch(AT_FDCWD, "f", -1, 0, 0), -EINVAL);
	CHECK_EQ(touch(AT_FDCWD, "f", UTIME_OMIT, -1, 0), -EINVAL);
	CHECK_EQ(touch(AT_FDCWD, "missing", 0, 0, 0), -ENOENT);
	CHECK_EQ(touch(AT_FDCWD, "to_nothing", 0, 0, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(touch(place, "", 0, 0, AT_EMPTY_PATH), 0);
	CHECK_EQ(touch(place, NULL, 0, 0, 0), -EBADF);
	CHECK_EQ(touch(place, "", 0, 0, 0), -ENOENT);
	CHECK_EQ(touch(AT_FDCWD, "", 0, 0, AT_EMPTY_PATH), 0);
	CHECK_EQ(touch(AT_FDCWD, NULL, 0, 0, 0), -EFAULT);
	CHECK_EQ(touch(open("f", O_RDONLY), NULL, 0, 0, AT_SYMLINK_NOFOLLOW), -EINVAL);
	CHECK_EQ(touch(AT_FDCWD, "f", 0, 0, AT_SYMLINK_FOLLOW), -EINVAL);
	CHECK_EQ(touch(AT_FDCWD, "f", 0, 0, AT_REMOVEDIR), -EINVAL);
	CHECK_EQ(failed(syscall(SYS_utimensat, AT_FDCWD, "f", 8, 0)), -EFAULT);
	CHECK_EQ(check_child(touch_as_user, NULL), 0);
}

/* ---- statx ---- */

static long look(int dir, const char *name, int flags, unsigned mask, struct statx *found)
{
	memset(found, 0xff, sizeof *found);
	return failed(syscall(SYS_statx, dir, name, flags, mask, found));
}

static void attributes(void)
{
	struct statx found;
	struct stat info;
	int pipes[2];

	make_tree();
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(look(AT_FDCWD, "f", 0, 0, &found), 0);
	CHECK_EQ(found.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);	/* more than was asked for, as it costs nothing */
	CHECK_EQ(look(AT_FDCWD, "f", 0, STATX_ALL, &found), 0);
	CHECK_EQ(found.stx_mask & STATX_BTIME, STATX_BTIME);
	CHECK_EQ(found.stx_attributes & ~found.stx_attributes_mask, 0);
	CHECK_EQ(found.stx_size, 4);
	CHECK_EQ(look(AT_FDCWD, "f", 0, STATX__RESERVED, &found), -EINVAL);
	CHECK_EQ(look(AT_FDCWD, "f", 0, 0x7fffffff, &found), 0);
	CHECK_EQ(look(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_SIZE, &found), 0);
	CHECK_EQ(look(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_SIZE, &found), 0);
	CHECK_EQ(look(AT_FDCWD, "f", AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, STATX_SIZE, &found), -EINVAL);
	CHECK_EQ(look(AT_FDCWD, "f", AT_NO_AUTOMOUNT, STATX_SIZE, &found), 0);
	CHECK_EQ(look(AT_FDCWD, "f", AT_REMOVEDIR, STATX_SIZE, &found), -EINVAL);
	CHECK_EQ(look(AT_FDCWD, "f", AT_SYMLINK_FOLLOW, STATX_SIZE, &found), -EINVAL);
	CHECK_EQ(look(AT_FDCWD, "to_nothing", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &found), 0);
	CHECK(S_ISLNK(found.stx_mode));
	CHECK_EQ(look(AT_FDCWD, "", AT_EMPTY_PATH, STATX_TYPE, &found), 0);
	CHECK(S_ISDIR(found.stx_mode));
	CHECK_EQ(look(AT_FDCWD, "", 0, STATX_TYPE, &found), -ENOENT);
	CHECK_EQ(look(pipes[0], "", AT_EMPTY_PATH, STATX_TYPE, &found), 0);
	CHECK(S_ISFIFO(found.stx_mode));
	CHECK_EQ(look(-1, "", AT_EMPTY_PATH, STATX_TYPE, &found), -EBADF);
	CHECK_EQ(look(open("to_f", O_PATH | O_NOFOLLOW), "", AT_EMPTY_PATH, STATX_TYPE, &found), 0);
	CHECK(S_ISLNK(found.stx_mode));
	CHECK_EQ(look(open("f", O_PATH), "x", AT_EMPTY_PATH, STATX_TYPE, &found), -ENOTDIR);
	CHECK_EQ(look(AT_FDCWD, "/", 0, STATX_TYPE, &found), 0);
	CHECK(found.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	CHECK_EQ(failed(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_ALL, 8)), -EFAULT);
	CHECK_EQ(failed(syscall(SYS_statx, AT_FDCWD, NULL, 0, STATX_ALL, &found)), -EFAULT);
	CHECK_EQ(failed(syscall(SYS_newfstatat, AT_FDCWD, "", &info, AT_EMPTY_PATH)), 0);
	CHECK_EQ(failed(syscall(SYS_newfstatat, AT_FDCWD, "f", &info, AT_REMOVEDIR)), -EINVAL);
	CHECK_EQ(failed(syscall(SYS_newfstatat, AT_FDCWD, "f", &info, AT_STATX_DONT_SYNC)), 0);
	CHECK_EQ(failed(syscall(SYS_newfstatat, AT_FDCWD, NULL, &info, AT_EMPTY_PATH)), -EFAULT);
}

/* ---- Names that are made and removed ---- */

static void links(void)
{
	int place, unnamed;

	make_tree();
	place = open("f", O_PATH);
	CHECK_EQ(failed(linkat(place, "", AT_FDCWD, "by_place", AT_EMPTY_PATH)), 0);
	CHECK_EQ(failed(linkat(open("to_f", O_PATH | O_NOFOLLOW), "", AT_FDCWD, "link2", AT_EMPTY_PATH)), 0);
	CHECK_EQ(failed(linkat(open("e", O_PATH), "", AT_FDCWD, "dir2", AT_EMPTY_PATH)), -EPERM);
	CHECK_EQ(failed(linkat(AT_FDCWD, "", AT_FDCWD, "cwd2", AT_EMPTY_PATH)), -EPERM);
	CHECK_EQ(failed(linkat(place, "", AT_FDCWD, "x", 0)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "to_nothing", AT_FDCWD, "x", AT_SYMLINK_FOLLOW)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "loop", AT_FDCWD, "x", AT_SYMLINK_FOLLOW)), -ELOOP);
	CHECK_EQ(failed(linkat(AT_FDCWD, "loop", AT_FDCWD, "loop2", 0)), 0);
	CHECK_EQ(failed(linkat(AT_FDCWD, "to_e", AT_FDCWD, "x", AT_SYMLINK_FOLLOW)), -EPERM);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "x", AT_SYMLINK_NOFOLLOW)), -EINVAL);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "x", AT_REMOVEDIR)), -EINVAL);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "new/", 0)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f/", AT_FDCWD, "new", 0)), -ENOTDIR);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "to_nothing", 0)), -EEXIST);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "e/.", 0)), -EEXIST);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "e/", 0)), -EEXIST);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "", 0)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "missing", AT_FDCWD, "f", 0)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "e", AT_FDCWD, "f", 0)), -EEXIST);
	CHECK_EQ(failed(linkat(AT_FDCWD, "/proc/self/stat", AT_FDCWD, "x", 0)), -EXDEV);
	CHECK_EQ(failed(linkat(AT_FDCWD, "/proc/self/stat", AT_FDCWD, "f", 0)), -EEXIST);
	unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK_EQ(failed(linkat(unnamed, "", AT_FDCWD, "named", AT_EMPTY_PATH)), 0);
	unnamed = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	CHECK_EQ(failed(linkat(unnamed, "", AT_FDCWD, "x", AT_EMPTY_PATH)), -ENOENT);
	unnamed = open("named", O_RDWR);
	CHECK_EQ(unlink("named"), 0);
	check_write_file("mine", "", 0600);
	CHECK_EQ(chown("mine", USER, USER), 0);
	CHECK_EQ(failed(linkat(unnamed, "", AT_FDCWD, "x", AT_EMPTY_PATH)), -ENOENT);
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(failed(linkat(place, "", AT_FDCWD, "x", AT_EMPTY_PATH)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "x", AT_EMPTY_PATH)), -ENOENT);
	CHECK_EQ(failed(linkat(AT_FDCWD, "f", AT_FDCWD, "e", 0)), -EEXIST);
	CHECK_EQ(failed(linkat(AT_FDCWD, "mine", AT_FDCWD, "x", 0)), -EACCES);
}

static void removals(void)
{
	make_tree();
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR)), -ENOTDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "f/", 0)), -ENOTDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "f/", AT_REMOVEDIR)), -ENOTDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "e", 0)), -EISDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "e/", 0)), -EISDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, ".", 0)), -EISDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "..", 0)), -EISDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "/", 0)), -EISDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, ".", AT_REMOVEDIR)), -EINVAL);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "e/.", AT_REMOVEDIR)), -EINVAL);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "..", AT_REMOVEDIR)), -ENOTEMPTY);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "e/..", AT_REMOVEDIR)), -ENOTEMPTY);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "/", AT_REMOVEDIR)), -EBUSY);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "", 0)), -ENOENT);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "to_e/", 0)), -ENOTDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "to_e/", AT_REMOVEDIR)), -ENOTDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "to_e", AT_REMOVEDIR)), -ENOTDIR);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "missing/", 0)), -ENOENT);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "f", AT_EMPTY_PATH)), -EINVAL);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR | AT_SYMLINK_NOFOLLOW)), -EINVAL);
	CHECK_EQ(failed(unlinkat(-1, "f", 0)), -EBADF);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "e/", AT_REMOVEDIR)), 0);
	CHECK_EQ(failed(unlinkat(AT_FDCWD, "loop", 0)), 0);
}

static void made_names(void)
{
	make_tree();
	CHECK_EQ(failed(mkdirat(AT_FDCWD, ".", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "..", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "/", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "e/.", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "f/", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "to_nothing", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "to_nothing/", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "new//", 07777)), 0);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "missing/.", 0700)), -ENOENT);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "", 0700)), -ENOENT);
	CHECK_EQ(failed(symlinkat("x", AT_FDCWD, "s/")), -ENOENT);
	CHECK_EQ(failed(symlinkat("x", AT_FDCWD, "e/")), -EEXIST);
	CHECK_EQ(failed(symlinkat("x", AT_FDCWD, ".")), -EEXIST);
	CHECK_EQ(failed(symlinkat("x", AT_FDCWD, "")), -ENOENT);
	CHECK_EQ(failed(symlinkat("", AT_FDCWD, "f")), -ENOENT);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "n", S_IFDIR | 0700, 0)), -EPERM);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "n", S_IFLNK | 0700, 0)), -EINVAL);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "f", S_IFDIR | 0700, 0)), -EPERM);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "n/", S_IFREG | 0700, 0)), -ENOENT);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "f/", S_IFREG | 0700, 0)), -EEXIST);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "n", 0600, 0)), 0);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "n", S_IFREG | 0600, 0)), -EEXIST);
	CHECK_EQ(become_user(), 0);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "f", 0700)), -EEXIST);
	CHECK_EQ(failed(mkdirat(AT_FDCWD, "g", 0700)), -EACCES);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "f", S_IFCHR | 0600, 0x103)), -EEXIST);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "g", S_IFCHR | 0600, 0x103)), -EACCES);
	CHECK_EQ(failed(mknodat(AT_FDCWD, "missing/g", S_IFCHR | 0600, 0x103)), -ENOENT);
}

static void renamed(void)
{
	make_tree();
	CHECK_EQ(failed(renameat(AT_FDCWD, "f", AT_FDCWD, "f/")), -ENOTDIR);
	CHECK_EQ(failed(renameat(AT_FDCWD, "f", AT_FDCWD, "new/")), -ENOTDIR);
	CHECK_EQ(failed(renameat(AT_FDCWD, "e", AT_FDCWD, "new/")), 0);
	CHECK_EQ(failed(renameat(AT_FDCWD, "new/", AT_FDCWD, "e")), 0);
	CHECK_EQ(failed(renameat(AT_FDCWD, "e/.", AT_FDCWD, "new")), -EBUSY);
	CHECK_EQ(failed(renameat(AT_FDCWD, "e", AT_FDCWD, "e/..")), -EBUSY);
	CHECK_EQ(failed(renameat(AT_FDCWD, "", AT_FDCWD, "new")), -ENOENT);
	CHECK_EQ(failed(renameat(AT_FDCWD, "f", AT_FDCWD, "")), -ENOENT);
	CHECK_EQ(failed(renameat(AT_FDCWD, "to_e/", AT_FDCWD, "new")), -ENOTDIR);
	CHECK_EQ(failed(renameat(AT_FDCWD, "to_e", AT_FDCWD, "e")), -EISDIR);
	CHECK_EQ(failed(renameat(AT_FDCWD, "e", AT_FDCWD, "to_e")), -ENOTDIR);
	CHECK_EQ(failed(renameat(AT_FDCWD, "missing", AT_FDCWD, "/proc/x")), -EXDEV);
	CHECK_EQ(failed(renameat(AT_FDCWD, "missing", AT_FDCWD, ".")), -EBUSY);
	CHECK_EQ(failed(renameat(AT_FDCWD, "missing", AT_FDCWD, "f/x")), -ENOTDIR);
	CHECK_EQ(failed(renameat(AT_FDCWD, "missing/x", AT_FDCWD, "f/x")), -ENOENT);
	CHECK_EQ(failed(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "e", 8)), -EINVAL);
	CHECK_EQ(failed(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, ".", 1)), -EEXIST);
	CHECK_EQ(failed(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "f", 1)), -EEXIST);
	CHECK_EQ(failed(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "f", 2)), 0);
	CHECK_EQ(failed(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "e/", 2)), 0);
	CHECK_EQ(failed(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "e/", 2)), -ENOTDIR);
}

static void read_links(void)
{
	char text[8];
	int place;

	make_tree();
	place = open("to_f", O_PATH | O_NOFOLLOW);
	CHECK_EQ(failed(readlinkat(place, "", text, sizeof text)), 1);
	CHECK_EQ(failed(readlinkat(open("f", O_PATH), "", text, sizeof text)), -ENOENT);
	CHECK_EQ(failed(readlinkat(AT_FDCWD, "", text, sizeof text)), -ENOENT);
	CHECK_EQ(failed(readlinkat(-1, "", text, sizeof text)), -EBADF);
	CHECK_EQ(failed(syscall(SYS_readlinkat, AT_FDCWD, "to_f", text, 0)), -EINVAL);
	CHECK_EQ(failed(syscall(SYS_readlinkat, AT_FDCWD, "to_f", text, -1)), -EINVAL);
	CHECK_EQ(failed(readlinkat(AT_FDCWD, "to_nothing", text, 3)), 3);
	CHECK_EQ(failed(readlinkat(AT_FDCWD, "to_e/", text, 3)), -EINVAL);
	CHECK_EQ(failed(readlinkat(AT_FDCWD, "f", text, 3)), -EINVAL);
	CHECK_EQ(failed(readlinkat(AT_FDCWD, "f/", text, 3)), -ENOTDIR);
	CHECK_EQ(failed(syscall(SYS_readlinkat, AT_FDCWD, "to_f", 8, 3)), -EFAULT);
	CHECK_EQ(failed(syscall(SYS_readlink, "", text, 3)), -ENOENT);
}

/* ---- Lengths ---- */

static void lengths(void)
{
	static char name[PATH_MAX + 300];
	struct stat info;

	make_tree();
	memset(name, 'n', NAME_MAX + 1);
	CHECK_EQ(opens(name, O_RDONLY), -ENAMETOOLONG);
	CHECK_EQ(opens(name, O_RDONLY | O_CREAT), -ENAMETOOLONG);
	CHECK_EQ(failed(symlink("x", name)), -ENAMETOOLONG);
	CHECK_EQ(failed(rename("f", name)), -ENAMETOOLONG);
	CHECK_EQ(failed(link("f", name)), -ENAMETOOLONG);
	name[NAME_MAX] = 0;
	CHECK_EQ(opens(name, O_RDONLY | O_CREAT), 0);
	CHECK_EQ(failed(unlink(name)), 0);
	/* Slashes count, as long as a name has to be read. */
	memset(name, '/', PATH_MAX);
	memcpy(name, "e", 1);
	name[PATH_MAX] = 0;
	CHECK_EQ(failed(stat(name, &info)), -ENAMETOOLONG);
	name[PATH_MAX - 1] = 0;
	CHECK_EQ(failed(stat(name, &info)), 0);
	/* What a link says is as long as a page at most, with the zero. */
	memset(name, 'x', PATH_MAX);
	name[PATH_MAX] = 0;
	CHECK_EQ(failed(symlink(name, "long")), -ENAMETOOLONG);
	name[PATH_MAX - 1] = 0;
	CHECK_EQ(failed(symlink(name, "long")), 0);
	CHECK_EQ(failed(stat("long", &info)), -ENAMETOOLONG);
	CHECK_EQ(failed(lstat("long", &info)), 0);
	CHECK_EQ(info.st_size, PATH_MAX - 1);
	/* A link's text and what follows it may be longer together than a name may be. */
	for (int i = 0; i < PATH_MAX - 1; i++)
		name[i] = i % 2 ? '/' : '.';
	CHECK_EQ(failed(symlink(name, "dots")), 0);
	CHECK_EQ(failed(stat("dots/e/././././.", &info)), 0);
}

/* Forty links on the way are followed, also if they come one after the other. */
static void many_links(void)
{
	char name[16], target[16], path[256] = "";
	struct stat info;

	make_tree();
	CHECK_EQ(symlink(".", "here"), 0);
	for (int i = 0; i < 40; i++)
		strcat(path, "here/");
	CHECK_EQ(failed(stat(path, &info)), 0);
	strcat(path, "to_e");
	CHECK_EQ(failed(lstat(path, &info)), 0);
	CHECK_EQ(failed(stat(path, &info)), -ELOOP);
	CHECK_EQ(opens(path, O_RDONLY | O_NOFOLLOW), -ELOOP);
	CHECK_EQ(opens(path, O_PATH | O_NOFOLLOW), 0);
	CHECK_EQ(failed(mkdir(path, 0700)), -EEXIST);
	for (int i = 0; i < 41; i++) {
		snprintf(name, sizeof name, "l%d", i);
		snprintf(target, sizeof target, i ? "l%d" : "made", i - 1);
		CHECK_EQ(symlink(target, name), 0);
	}
	CHECK_EQ(opens("l40", O_RDWR | O_CREAT), -ELOOP);
	CHECK_EQ(opens("l39", O_RDWR | O_CREAT), 0);
	CHECK_EQ(access("made", F_OK), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(places), CASE(kinds_of_files), CASE(made_files), CASE(unnamed_files), CASE(opened_by_users), CASE(accesses), CASE(modes),
		CASE(owners), CASE(times), CASE(attributes), CASE(links), CASE(removals), CASE(made_names), CASE(renamed), CASE(read_links),
		CASE(lengths), CASE(many_links), { NULL, NULL },
	};

	return check_main("at_calls", cases, argc, argv);
}
