/* SPDX-License-Identifier: MIT */
/* What a file has besides data: modes, owners, times, sizes; permission checks as an ordinary user; stat calls. */
#include "check.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static struct stat info;

static mode_t mode_of(const char *path)
{
	return lstat(path, &info) < 0 ? 0 : info.st_mode;
}

static void modes(void)
{
	check_write_file("f", "", 0644);
	CHECK_EQ(chmod("f", 04751), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 04751);
	CHECK_EQ(fchmod(open("f", O_RDONLY), 0600), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0600);
	CHECK_EQ(fchmodat(AT_FDCWD, "f", 0444, 0), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0444);
	CHECK_ERR(chmod("missing", 0600), ENOENT);
	CHECK_EQ(umask(077), 022);
	CHECK_EQ(close(open("u", O_CREAT | O_WRONLY, 0666)), 0);
	CHECK_EQ(mode_of("u"), S_IFREG | 0600);
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(mode_of("d"), S_IFDIR | 0700);
	CHECK_EQ(umask(022), 077);
	/* chmod goes through a link, to its target. */
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(chmod("s", 0640), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0640);
}

static void owners(void)
{
	check_write_file("f", "", 06755);
	CHECK_EQ(chown("f", 1000, 1001), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0755);		/* a change of owner takes set-id bits away */
	CHECK_EQ(info.st_uid, 1000);
	CHECK_EQ(info.st_gid, 1001);
	CHECK_EQ(chown("f", -1, 5), 0);
	mode_of("f");
	CHECK_EQ(info.st_uid, 1000);
	CHECK_EQ(info.st_gid, 5);
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(lchown("s", 7, 8), 0);
	mode_of("s");
	CHECK_EQ(info.st_uid, 7);
	mode_of("f");
	CHECK_EQ(info.st_uid, 1000);
	CHECK_EQ(fchown(open("f", O_RDONLY), 0, 0), 0);
	/* A set-group-id folder hands its group down. */
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chown("d", 0, 1234), 0);
	CHECK_EQ(chmod("d", 02755), 0);
	check_write_file("d/f", "", 0644);
	mode_of("d/f");
	CHECK_EQ(info.st_gid, 1234);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	CHECK_EQ(mode_of("d/sub"), S_IFDIR | 02755);
}

static void become_user(void)
{
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(setresgid(1000, 1000, 1000), 0);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
}

/* A change of owner that leaves owner and group as they are takes set-id bits away, which is for the owner. */
static void owners_as_before(void)
{
	check_write_file("others", "", 06755);
	check_write_file("plain", "", 0644);
	check_write_file("mine", "", 0644);
	CHECK_EQ(chown("mine", 1000, 1000), 0);
	CHECK_EQ(chmod("mine", 06755), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chmod("d", 02755), 0);
	become_user();
	CHECK_ERR(chown("others", -1, -1), EPERM);
	CHECK_ERR(fchown(open("others", O_RDONLY), -1, -1), EPERM);
	CHECK_ERR(chown("others", -1, 1000), EPERM);
	CHECK_EQ(mode_of("others"), S_IFREG | 06755);
	CHECK_EQ(chown("plain", -1, -1), 0);
	CHECK_ERR(chown("plain", 0, -1), EPERM);
	CHECK_ERR(chown("plain", -1, 0), EPERM);
	CHECK_EQ(chown("d", -1, -1), 0);
	CHECK_EQ(mode_of("d"), S_IFDIR | 02755);
	CHECK_EQ(chown("mine", -1, -1), 0);
	CHECK_EQ(mode_of("mine"), S_IFREG | 0755);
	CHECK_EQ(chown("mine", 1000, 1000), 0);
	CHECK_ERR(chown("mine", 1001, -1), EPERM);
	CHECK_ERR(chown("mine", -1, 1001), EPERM);
}

static void user_permissions(void)
{
	check_write_file("secret", "s", 0600);
	check_write_file("group", "g", 0640);
	check_write_file("others", "o", 0604);
	check_write_file("mine", "m", 0400);
	CHECK_EQ(chown("group", 0, 1000), 0);
	CHECK_EQ(chown("others", 0, 1000), 0);
	CHECK_EQ(chown("mine", 1000, 1000), 0);
	CHECK_EQ(mkdir("closed", 0700), 0);
	check_write_file("closed/f", "", 0666);
	CHECK_EQ(mkdir("listed", 0744), 0);
	check_write_file("listed/f", "", 0666);
	CHECK_EQ(mkdir("passed", 0711), 0);
	check_write_file("passed/f", "", 0666);
	become_user();
	CHECK_ERR(open("secret", O_RDONLY), EACCES);
	CHECK(open("group", O_RDONLY) >= 0);
	CHECK_ERR(open("group", O_WRONLY), EACCES);
	CHECK_ERR(open("others", O_RDONLY), EACCES);	/* the group's bits count, not the others' */
	CHECK(open("mine", O_RDONLY) >= 0);
	CHECK_ERR(open("mine", O_WRONLY), EACCES);
	CHECK_EQ(chmod("mine", 0600), 0);
	CHECK(open("mine", O_RDWR) >= 0);
	CHECK_ERR(chmod("secret", 0666), EPERM);
	CHECK_ERR(chown("mine", 0, 0), EPERM);
	CHECK_EQ(chown("mine", -1, 1000), 0);
	CHECK_ERR(open("closed/f", O_RDONLY), EACCES);
	CHECK_ERR(stat("closed/f", &info), EACCES);
	CHECK(open("listed", O_RDONLY | O_DIRECTORY) >= 0);
	CHECK_ERR(open("listed/f", O_RDONLY), EACCES);
	CHECK(open("passed/f", O_RDWR) >= 0);
	CHECK_ERR(open("passed", O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_ERR(open("passed/new", O_RDWR | O_CREAT, 0600), EACCES);
	CHECK_ERR(unlink("passed/f"), EACCES);
	CHECK_ERR(rename("passed/f", "f"), EACCES);
	CHECK_ERR(mkdir("/newroot", 0700), EACCES);
	CHECK_ERR(truncate("secret", 0), EACCES);
	CHECK_ERR(mknod("device", S_IFCHR | 0600, 0x103), EPERM);
}

/* Others' files get further names only from who may read and write them, and if they give no rights. */
static void links_to_others(void)
{
	check_write_file("secret", "", 0644);
	check_write_file("unread", "", 0602);
	check_write_file("open", "", 0666);
	check_write_file("set_uid", "", 04666);
	check_write_file("set_gid", "", 02676);
	check_write_file("not_set_gid", "", 02666);
	check_write_file("mine", "", 0);
	CHECK_EQ(chown("mine", 1000, 1000), 0);
	CHECK_EQ(chmod("mine", 04711), 0);
	CHECK_EQ(mkfifo("pipe", 0666), 0);
	CHECK_EQ(chmod("pipe", 0666), 0);
	CHECK_EQ(symlink("open", "link"), 0);
	CHECK_EQ(link("secret", "roots"), 0);
	CHECK_EQ(link("pipe", "roots_pipe"), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("to", 0777), 0);
	CHECK_EQ(chmod("to", 0777), 0);
	become_user();
	CHECK_ERR(link("secret", "to/f"), EPERM);
	CHECK_ERR(link("unread", "to/f"), EPERM);
	CHECK_ERR(link("set_uid", "to/f"), EPERM);
	CHECK_ERR(link("set_gid", "to/f"), EPERM);
	CHECK_ERR(link("pipe", "to/f"), EPERM);
	CHECK_ERR(link("link", "to/f"), EPERM);
	CHECK_ERR(link("d", "to/f"), EPERM);
	CHECK_ERR(link("secret", "d/f"), EPERM);
	CHECK_ERR(link("secret", "open"), EEXIST);
	CHECK_ERR(link("open", "d/f"), EACCES);
	CHECK_EQ(link("open", "to/open"), 0);
	CHECK_EQ(link("not_set_gid", "to/not_set_gid"), 0);
	CHECK_EQ(link("mine", "to/mine"), 0);
}

/* In a sticky folder that all may write to, a link at the end of a path is followed if it is the follower's or of the folder's owner. */
static void links_in_shared_folders(void)
{
	check_write_file("f", "", 0644);
	CHECK_EQ(mkdir("shared", 0777), 0);
	CHECK_EQ(mkdir("theirs", 0777), 0);
	CHECK_EQ(symlink("../f", "shared/roots"), 0);
	CHECK_EQ(symlink("../f", "shared/mine"), 0);
	CHECK_EQ(lchown("shared/mine", 1000, 1000), 0);
	CHECK_EQ(symlink("../f", "shared/theirs"), 0);
	CHECK_EQ(lchown("shared/theirs", 1001, 1001), 0);
	CHECK_EQ(symlink("..", "shared/up"), 0);
	CHECK_EQ(lchown("shared/up", 1001, 1001), 0);
	CHECK_EQ(symlink("shared/theirs", "to_theirs"), 0);
	CHECK_EQ(symlink("../f", "theirs/theirs"), 0);
	CHECK_EQ(lchown("theirs/theirs", 1001, 1001), 0);
	CHECK_EQ(chmod("shared", 0777), 0);
	CHECK_EQ(chown("theirs", 1001, 1001), 0);
	CHECK_EQ(chmod("theirs", 01777), 0);
	CHECK_EQ(stat("shared/theirs", &info), 0);
	CHECK_EQ(chmod("shared", 01775), 0);
	CHECK_EQ(stat("shared/theirs", &info), 0);
	CHECK_EQ(chmod("shared", 01777), 0);
	CHECK_ERR(stat("shared/theirs", &info), EACCES);
	CHECK_ERR(stat("shared/mine", &info), EACCES);
	become_user();
	CHECK_EQ(stat("shared/roots", &info), 0);
	CHECK_EQ(stat("shared/mine", &info), 0);
	CHECK_ERR(stat("shared/theirs", &info), EACCES);
	CHECK_ERR(open("shared/theirs", O_RDWR | O_CREAT, 0600), EACCES);
	CHECK_ERR(stat("to_theirs", &info), EACCES);
	CHECK_EQ(lstat("shared/theirs", &info), 0);
	CHECK_EQ(stat("theirs/theirs", &info), 0);
	CHECK_EQ(stat("shared/up/f", &info), 0);		/* not the end */
	CHECK_ERR(stat("shared/up", &info), EACCES);
	CHECK_ERR(stat("shared/up/", &info), EACCES);
}

static void sticky_folder(void)
{
	CHECK_EQ(mkdir("shared", 0777), 0);
	CHECK_EQ(chmod("shared", 01777), 0);
	check_write_file("shared/roots", "", 0666);
	CHECK_EQ(link("shared/roots", "shared/second"), 0);
	CHECK_EQ(mkdir("closed", 0755), 0);
	check_write_file("closed/f", "", 0644);
	become_user();
	check_write_file("shared/mine", "", 0600);
	CHECK_ERR(unlink("shared/roots"), EPERM);
	CHECK_ERR(rename("shared/roots", "shared/x"), EPERM);
	CHECK_ERR(rename("shared/mine", "shared/roots"), EPERM);
	/* Nothing is to be done for two names of one file, and nothing is asked. */
	CHECK_EQ(rename("shared/roots", "shared/roots"), 0);
	CHECK_EQ(rename("shared/roots", "shared/second"), 0);
	CHECK_ERR(rename("shared/roots", "shared/roots/"), ENOTDIR);
	CHECK_EQ(rename("closed/f", "closed/f"), 0);
	CHECK_EQ(access("shared/roots", F_OK), 0);
	CHECK_EQ(access("shared/second", F_OK), 0);
	CHECK_EQ(unlink("shared/mine"), 0);
}

static void access_checks(void)
{
	check_write_file("f", "", 0640);
	check_write_file("x", "", 0755);
	CHECK_EQ(access("f", R_OK | W_OK), 0);
	CHECK_ERR(access("f", X_OK), EACCES);		/* even for root, without any x bit */
	CHECK_EQ(access("x", X_OK), 0);
	CHECK_ERR(access("f", 8), EINVAL);
	CHECK_ERR(access("missing", F_OK), ENOENT);
	CHECK_EQ(setresgid(1000, 1000, 1000), 0);
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	/* access() goes by the real user, AT_EACCESS by the effective one. */
	CHECK_EQ(setresuid(1000, 0, 0), 0);
	CHECK_ERR(access("f", R_OK), EACCES);
	CHECK_EQ(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS), 0);
	CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0), EACCES);
	CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 1), EINVAL);
}

static void times(void)
{
	struct timespec set[2] = { { 1000000000, 123456789 }, { 1500000000, 1 } }, omit[2] = { { 0, UTIME_OMIT }, { 5, 0 } };
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } }, bad[2] = { { 0, 2000000000 }, { 0, 0 } };
	time_t start = time(NULL);

	check_write_file("f", "x", 0644);
	CHECK_EQ(stat("f", &info), 0);
	CHECK(info.st_mtime >= start - 1 && info.st_mtime <= time(NULL) + 1);
	CHECK_EQ(utimensat(AT_FDCWD, "f", set, 0), 0);
	CHECK_EQ(stat("f", &info), 0);
	CHECK_EQ(info.st_atim.tv_sec, 1000000000);
	CHECK_EQ(info.st_atim.tv_nsec, 123456789);
	CHECK_EQ(info.st_mtim.tv_sec, 1500000000);
	CHECK_EQ(info.st_mtim.tv_nsec, 1);
	CHECK(info.st_ctime >= start - 1);
	CHECK_EQ(utimensat(AT_FDCWD, "f", omit, 0), 0);
	CHECK_EQ(stat("f", &info), 0);
	CHECK_EQ(info.st_atime, 1000000000);
	CHECK_EQ(info.st_mtime, 5);
	CHECK_EQ(utimensat(AT_FDCWD, "f", now, 0), 0);
	CHECK_EQ(stat("f", &info), 0);
	CHECK(info.st_atime >= start - 1);
	CHECK_EQ(info.st_mtime, 5);
	CHECK_ERR(utimensat(AT_FDCWD, "f", bad, 0), EINVAL);
	CHECK_EQ(futimens(open("f", O_RDONLY), set), 0);
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(utimensat(AT_FDCWD, "s", omit, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(lstat("s", &info), 0);
	CHECK_EQ(info.st_mtime, 5);
	CHECK_EQ(stat("f", &info), 0);
	CHECK_EQ(info.st_mtime, 1500000000);
	CHECK_EQ(utimes("f", NULL), 0);
	CHECK_EQ(stat("f", &info), 0);
	CHECK(info.st_mtime >= start - 1);
}

/* Which operation changes which time of a file and of its folder. */
static void time_changes(void)
{
	struct timespec past[2] = { { 100, 0 }, { 100, 0 } };
	int fd;
	char byte;

	CHECK_EQ(mkdir("d", 0755), 0);
	fd = open("d/f", O_RDWR | O_CREAT, 0644);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(utimensat(AT_FDCWD, "d", past, 0), 0);
	CHECK_EQ(futimens(fd, past), 0);
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_mtime, 100);
	CHECK_EQ(stat("d", &info), 0);
	CHECK_EQ(info.st_mtime, 100);
	CHECK_EQ(write(fd, "d", 1), 1);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK(info.st_mtime > 100);
	CHECK_EQ(stat("d", &info), 0);
	CHECK_EQ(info.st_mtime, 100);
	CHECK_EQ(futimens(fd, past), 0);
	CHECK_EQ(ftruncate(fd, 1), 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK(info.st_mtime > 100);
	CHECK_EQ(unlink("d/f"), 0);
	CHECK_EQ(stat("d", &info), 0);
	CHECK(info.st_mtime > 100);
}

/* What stat() tells of a change it tells again when nothing of the file has stayed in memory. */
static void times_stay(void)
{
	struct stat before, after;
	int fd = open("stays", O_RDWR | O_CREAT, 0644), drop = open("/proc/sys/vm/drop_caches", O_WRONLY);

	CHECK_EQ(write(fd, "text", 4), 4);
	CHECK_EQ(fchmod(fd, 0600), 0);
	CHECK_EQ(write(fd, "text", 4), 4);
	CHECK_EQ(ftruncate(fd, 6), 0);
	CHECK_EQ(pread(fd, &before, 4, 0), 4);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fstat(fd, &before), 0);
	close(fd);
	sync();
	/* Who may not do this has still asked the same twice. */
	if (drop >= 0 && write(drop, "3", 1) == 1)
		check_sleep(50);
	close(drop);
	CHECK_EQ(stat("stays", &after), 0);
	CHECK_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	CHECK_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
	CHECK_EQ(after.st_atim.tv_nsec, before.st_atim.tv_nsec);
	CHECK_EQ(after.st_size, 6);
}

/* Has the file been changed? Makes its mtime the past again. */
static int was_changed(int fd)
{
	static const struct timespec past[2] = { { 100, 0 }, { 100, 0 } };
	int changed;

	CHECK_EQ(fstat(fd, &info), 0);
	changed = info.st_mtime > 100;
	if (changed)
		CHECK(info.st_ctim.tv_sec == info.st_mtim.tv_sec && info.st_ctim.tv_nsec == info.st_mtim.tv_nsec);
	CHECK_EQ(futimens(fd, past), 0);
	check_sleep(30);
	return changed;
}

/* A store to a shared mapping is a change; a load, or a store to a private one, is none. */
static void stores(int fd)
{
	enum { PAGES = 6, PAGE = 4096 };
	char *shared, *private;
	int pipes[2];

	CHECK_EQ(ftruncate(fd, PAGES * PAGE), 0);
	CHECK_EQ(pwrite(fd, "first", 5, PAGE), 5);
	was_changed(fd);
	shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	private[0] = 1;
	CHECK_EQ(private[PAGE], 'f');
	private[PAGE] = 1;
	CHECK_EQ(was_changed(fd), 0);
	shared[0] = 1;					/* a page that was not there */
	CHECK_EQ(was_changed(fd), 1);
	shared[PAGE] = 'F';				/* one that write() has changed */
	CHECK_EQ(was_changed(fd), 1);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(write(pipes[1], "kernel", 6), 6);
	CHECK_EQ(read(pipes[0], shared + 4 * PAGE, 6), 6);	/* a store by the kernel, on behalf */
	CHECK_EQ(was_changed(fd), 1);
	CHECK_EQ(shared[5 * PAGE], 0);
	CHECK_EQ(was_changed(fd), 0);
	CHECK_EQ(munmap(shared, PAGES * PAGE), 0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	shared[0] = 1;
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK(info.st_mtime > 100);
	CHECK_EQ(msync(shared, PAGE, MS_SYNC), 0);
	CHECK_EQ(was_changed(fd), 1);
}

static void times_of_stores(void)
{
	struct stat before;
	int fd = open("mapped", O_RDWR | O_CREAT, 0644), drop = open("/proc/sys/vm/drop_caches", O_WRONLY);

	stores(fd);
	stores(memfd_create("mapped", 0));
	*(char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 3 * 4096) = 1;
	CHECK_EQ(fstat(fd, &before), 0);
	CHECK(before.st_mtime > 100);
	close(fd);
	sync();
	if (drop >= 0 && write(drop, "3", 1) == 1)
		check_sleep(50);
	CHECK_EQ(stat("mapped", &info), 0);
	CHECK_EQ(info.st_mtim.tv_sec, before.st_mtim.tv_sec);
	CHECK_EQ(info.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static void stat_fields(void)
{
	struct statx extended;
	struct statfs system;

	check_write_file("f", "12345", 0640);
	CHECK_EQ(stat("f", &info), 0);
	CHECK(info.st_dev != 0 && info.st_ino != 0);
	CHECK_EQ(info.st_nlink, 1);
	CHECK_EQ(info.st_size, 5);
	CHECK(info.st_blksize >= 512);
	memset(&extended, 0xff, sizeof extended);
	CHECK_EQ(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &extended), 0);
	CHECK_EQ(extended.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	CHECK_EQ(extended.stx_size, 5);
	CHECK_EQ(extended.stx_mode, S_IFREG | 0640);
	CHECK_EQ(extended.stx_ino, info.st_ino);
	CHECK_EQ(extended.stx_mtime.tv_sec, info.st_mtim.tv_sec);
	CHECK_EQ(extended.stx_mtime.tv_nsec, info.st_mtim.tv_nsec);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "missing", 0, STATX_BASIC_STATS, &extended), ENOENT);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0x10000000, STATX_BASIC_STATS, &extended), EINVAL);
	CHECK_EQ(statfs("/tmp", &system), 0);
	CHECK_EQ(system.f_type, 0x01021994);	/* tmpfs */
	CHECK(system.f_bsize >= 512 && system.f_blocks > 0 && system.f_bfree <= system.f_blocks);
	CHECK_EQ(system.f_namelen, 255);
	CHECK_EQ(fstatfs(open("f", O_RDONLY), &system), 0);
	CHECK_EQ(statfs("/proc", &system), 0);
	CHECK_EQ(system.f_type, 0x9fa0);
	CHECK_ERR(statfs("missing", &system), ENOENT);
}

/* On file systems without attributes in the class "user", such as tmpfs. */
static void extended(void)
{
	char name[300] = "user.", value[8];
	int fd;

	memset(name + 5, 'n', 255 - 5);
	check_write_file("f", "", 0644);
	CHECK_EQ(symlink("missing", "dangling"), 0);
	fd = open("f", O_RDWR);
	CHECK_ERR(getxattr("f", "user.x", value, sizeof value), EOPNOTSUPP);
	CHECK_ERR(getxattr("f", name, value, sizeof value), EOPNOTSUPP);
	CHECK_ERR(lgetxattr("f", "unheard.of", NULL, 0), EOPNOTSUPP);
	CHECK_ERR(fgetxattr(fd, "user.x", value, sizeof value), EOPNOTSUPP);
	CHECK_ERR(setxattr("f", "user.x", "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(fsetxattr(fd, "user.x", "v", 1, XATTR_CREATE), EOPNOTSUPP);
	CHECK_ERR(removexattr("f", "user.x"), EOPNOTSUPP);
	CHECK_EQ(listxattr("f", value, sizeof value), 0);
	CHECK_EQ(llistxattr("dangling", NULL, 0), 0);
	CHECK_EQ(flistxattr(fd, NULL, 0), 0);

	CHECK_ERR(getxattr("missing", "user.x", value, sizeof value), ENOENT);
	CHECK_ERR(listxattr("dangling", value, sizeof value), ENOENT);
	CHECK_ERR(getxattr("f", "", value, sizeof value), ERANGE);
	name[255] = 'n';
	CHECK_ERR(getxattr("f", name, value, sizeof value), ERANGE);
	CHECK_ERR(getxattr("f", (char *)8, value, sizeof value), EFAULT);
	CHECK_ERR(setxattr("f", "user.x", "v", 1, 8), EINVAL);
	CHECK_ERR(setxattr("f", "user.x", "v", 65537, 0), E2BIG);
	CHECK_ERR(fgetxattr(-1, "user.x", value, sizeof value), EBADF);
	CHECK_ERR(fgetxattr(open("f", O_PATH), "user.x", value, sizeof value), EBADF);
}

static void not_sockets(void)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	int fd = open("/dev/null", O_RDWR), type;

	CHECK_ERR(getpeername(fd, (void *)&address, &size), ENOTSOCK);
	CHECK_ERR(getsockname(fd, (void *)&address, &size), ENOTSOCK);
	CHECK_ERR(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), ENOTSOCK);
	CHECK_ERR(getpeername(-1, (void *)&address, &size), EBADF);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(modes), CASE(owners), CASE(owners_as_before), CASE(user_permissions), CASE(links_to_others),
		CASE(links_in_shared_folders), CASE(sticky_folder), CASE(access_checks), CASE(times), CASE(time_changes),
		CASE(times_stay), CASE(times_of_stores), CASE(stat_fields), CASE(extended), CASE(not_sockets), { NULL, NULL },
	};

	return check_main("attributes", cases, argc, argv);
}
