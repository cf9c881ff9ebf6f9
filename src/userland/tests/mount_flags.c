/* SPDX-License-Identifier: MIT */
/* Each flag of mount and umount2, alone and with others: what it does, what the kernel tells of it, what is refused; and the options of tmpfs. */
#include "check.h"
#include "private_mounts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

enum { USER = 1000, PAGE = 4096 };

static long failed(long result)
{
	return result < 0 ? -errno : result;
}

static long mounted(const char *from, const char *at, const char *type, unsigned long flags, const char *data)
{
	return failed(mount(from, at, type, flags, data));
}

static long unmounted(const char *at, int flags)
{
	return failed(umount2(at, flags));
}

/* ---- Unmounting ---- */

static void expiring(void)
{
	int fd;

	leave_to_trees();
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(unmounted("b", MNT_EXPIRE | MNT_FORCE), -EINVAL);
	CHECK_EQ(unmounted("b", MNT_EXPIRE | MNT_DETACH), -EINVAL);
	CHECK_EQ(unmounted("a/d", MNT_EXPIRE), -EINVAL);
	CHECK_EQ(unmounted("missing", MNT_EXPIRE), -ENOENT);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EAGAIN);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), 0);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EINVAL);
	/* In use it is not even marked. */
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	fd = open("b", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EBUSY);
	close(fd);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EAGAIN);
	fd = open("b", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EBUSY);
	close(fd);
	CHECK_EQ(unmounted("b", 0), 0);
	/* What has mounts on it is in use. */
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mkdir("b/in", 0755), 0);
	CHECK_EQ(mounted("none", "b/in", "tmpfs", 0, NULL), 0);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EBUSY);
	CHECK_EQ(unmounted("b", MNT_DETACH), 0);
	/* A bind mount alike. */
	CHECK_EQ(mounted("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), -EAGAIN);
	CHECK_EQ(unmounted("b", MNT_EXPIRE), 0);
}

static void unmounting(void)
{
	int fd;

	leave_to_trees();
	CHECK_EQ(symlink("b", "link"), 0);
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(unmounted("b", 16), -EINVAL);
	CHECK_EQ(unmounted("b", -1), -EINVAL);
	CHECK_EQ(unmounted("link", UMOUNT_NOFOLLOW), -EINVAL);
	CHECK_EQ(unmounted("link", 0), 0);
	CHECK_EQ(unmounted("b", UMOUNT_NOFOLLOW), -EINVAL);
	CHECK_EQ(unmounted("b", 0), -EINVAL);
	CHECK_EQ(unmounted("a/f", 0), -EINVAL);
	CHECK_EQ(unmounted("missing", 0), -ENOENT);
	CHECK_EQ(unmounted("a/f/x", 0), -ENOTDIR);
	CHECK_EQ(unmounted("", 0), -ENOENT);
	CHECK_EQ(unmounted((char *)8, 0), -EFAULT);
	/* Force does not take what is in use. */
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	fd = open("b", O_RDONLY);
	CHECK_EQ(unmounted("b", 0), -EBUSY);
	CHECK_EQ(unmounted("b", MNT_FORCE), -EBUSY);
	CHECK_EQ(unmounted("b", MNT_FORCE | MNT_DETACH), 0);
	CHECK_EQ(unmounted("b", MNT_DETACH), -EINVAL);
	close(fd);
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(unmounted("b", MNT_FORCE), 0);
	/* By a descriptor of its root, too. */
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	fd = open("b", O_PATH);
	CHECK_EQ(fchdir(fd), 0);
	CHECK_EQ(unmounted(".", 0), -EBUSY);
	CHECK_EQ(unmounted(".", MNT_DETACH | UMOUNT_NOFOLLOW), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_EQ(unmounted("/proc", 0), -EPERM);
	CHECK_EQ(unmounted("/proc", MNT_EXPIRE), -EPERM);
	CHECK_EQ(mounted("none", "/proc", "tmpfs", 0, NULL), -EPERM);
}

/* ---- What a mount keeps ---- */

/* The flags that statvfs tells of what is mounted at b. */
static long flags_of(const char *path)
{
	struct statvfs info;

	return statvfs(path, &info) ? -errno : (long)(info.f_flag & ~0x20ul);	/* ST_VALID */
}

enum { RDONLY = 1, NOSUID = 2, NODEV = 4, NOEXEC = 8, NOATIME = 0x400, NODIRATIME = 0x800, RELATIME = 0x1000 };

/* Remounts the bind mount b with @flags; what statvfs says then, or minus the error. */
static long bound(unsigned long flags)
{
	long error = mounted(NULL, "b", NULL, MS_REMOUNT | MS_BIND | flags, NULL);

	return error ? error : flags_of("b");
}

static void flags_of_mounts(void)
{
	leave_to_trees();
	CHECK_EQ(mounted("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(flags_of("b"), RELATIME);
	CHECK_EQ(bound(MS_RDONLY), RDONLY | RELATIME);
	CHECK_EQ(bound(MS_NOSUID), NOSUID | RELATIME);
	CHECK_EQ(bound(MS_NODEV), NODEV | RELATIME);
	CHECK_EQ(bound(MS_NOEXEC), NOEXEC | RELATIME);
	CHECK_EQ(bound(MS_NODEV | MS_NOSUID | MS_NOEXEC), NODEV | NOSUID | NOEXEC | RELATIME);
	CHECK_EQ(bound(MS_NOATIME), NOATIME);
	CHECK_EQ(bound(0), NOATIME);		/* of times nothing was said */
	CHECK_EQ(bound(MS_NODIRATIME), NODIRATIME | RELATIME);
	CHECK_EQ(bound(MS_NODIRATIME | MS_NOATIME), NODIRATIME | NOATIME);
	CHECK_EQ(bound(MS_STRICTATIME), 0);
	CHECK_EQ(bound(MS_RDONLY), RDONLY);
	CHECK_EQ(bound(MS_RELATIME), RELATIME);
	CHECK_EQ(bound(MS_STRICTATIME | MS_NOATIME), 0);
	CHECK_EQ(bound(MS_NOATIME | MS_RELATIME), NOATIME);
	CHECK_EQ(bound(MS_STRICTATIME | MS_NODIRATIME), NODIRATIME);
	CHECK_EQ(bound(MS_SILENT | MS_MANDLOCK), NODIRATIME);
	CHECK_EQ(flags_of("a"), RELATIME);
	/* A copy has them all. */
	CHECK_EQ(bound(MS_NOEXEC | MS_NOATIME), NOEXEC | NOATIME);
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_EQ(mounted("b", "c", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(flags_of("c"), NOEXEC | NOATIME);
	/* A new one is what the call says. */
	CHECK_EQ(mounted("none", "c", "tmpfs", MS_NOSUID | MS_NODEV | MS_STRICTATIME, NULL), 0);
	CHECK_EQ(flags_of("c"), NOSUID | NODEV);
	CHECK_EQ(mounted(NULL, "c", NULL, MS_REMOUNT | MS_NOEXEC, NULL), 0);
	CHECK_EQ(flags_of("c"), NOEXEC);
	CHECK_EQ(mounted(NULL, "c", NULL, MS_REMOUNT | MS_RDONLY | MS_NODIRATIME, NULL), 0);
	CHECK_EQ(flags_of("c"), RDONLY | NODIRATIME | RELATIME);
	CHECK_EQ(mounted(NULL, "c/x", NULL, MS_REMOUNT, NULL), -ENOENT);
	CHECK_EQ(mounted(NULL, "a/d", NULL, MS_REMOUNT, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "a/d", NULL, MS_REMOUNT | MS_BIND, NULL), -EINVAL);
}

/* ---- Which of several ---- */

static void kinds(void)
{
	leave_to_trees();
	check_write_file("file", "", 0644);
	CHECK_EQ(symlink("a", "link"), 0);
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_EQ(mounted("none", "b", "unheard-of", 0, NULL), -ENODEV);
	CHECK_EQ(mounted("none", "b", "", 0, NULL), -ENODEV);
	CHECK_EQ(mounted("none", "b", NULL, 0, NULL), -EINVAL);
	CHECK_EQ(mounted("none", "missing", "tmpfs", 0, NULL), -ENOENT);
	CHECK_EQ(mounted("none", "", "tmpfs", 0, NULL), -ENOENT);
	CHECK_EQ(mounted("none", "file", "tmpfs", 0, NULL), -ENOTDIR);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_BIND, NULL), -EINVAL);
	CHECK_EQ(mounted("", "b", NULL, MS_BIND, NULL), -EINVAL);
	CHECK_EQ(mounted("missing", "b", NULL, MS_BIND, NULL), -ENOENT);
	CHECK_EQ(mounted("file", "b", NULL, MS_BIND, NULL), -ENOTDIR);
	CHECK_EQ(mounted("a", "file", NULL, MS_BIND, NULL), -ENOTDIR);
	CHECK_EQ(mounted("link", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(size_of("b/f"), 1);
	CHECK_EQ(mounted("b", "c", NULL, MS_BIND | MS_MOVE, NULL), 0);		/* binding comes first */
	CHECK_EQ(size_of("b/f") + size_of("c/f"), 2);
	CHECK_EQ(unmounted("c", 0), 0);
	CHECK_EQ(mounted("none", "c", NULL, MS_MOVE, NULL), -ENOENT);
	CHECK_EQ(mounted(NULL, "c", NULL, MS_MOVE, NULL), -EINVAL);
	CHECK_EQ(mounted("a", "c", NULL, MS_MOVE, NULL), -EINVAL);
	CHECK_EQ(mounted("b", "file", NULL, MS_MOVE, NULL), -EINVAL);
	CHECK_EQ(mounted("b", "b", NULL, MS_MOVE, NULL), -ELOOP);
	CHECK_EQ(mounted("/", "c", NULL, MS_MOVE, NULL), -EINVAL);
	CHECK_EQ(mounted("b", "c", NULL, MS_MOVE | MS_REC | MS_SILENT, NULL), 0);
	CHECK_EQ(size_of("c/f"), 1);
	CHECK_EQ(mounted("none", "b", "tmpfs", MS_REC | MS_SILENT | 0xc0ed0000, NULL), 0);	/* the number that flags had to begin with once */
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, (char *)8), -EFAULT);
	CHECK_EQ(mounted((char *)8, "b", "tmpfs", 0, NULL), -EFAULT);
	CHECK_EQ(mounted("none", "b", (char *)8, 0, NULL), -EFAULT);
	CHECK_EQ(mounted("none", (char *)8, "tmpfs", 0, NULL), -EFAULT);
}

/* Whether the line of @path in mountinfo has the word @word. */
static int is_told(const char *path, const char *word)
{
	static char text[1 << 16];
	char here[256], end[512];
	char *line;
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	ssize_t len = read(fd, text, sizeof text - 1);

	close(fd);
	text[len < 0 ? 0 : len] = 0;
	snprintf(end, sizeof end, "%s/%s ", getcwd(here, sizeof here), path);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, end) && strstr(line, word))
			return 1;
	return 0;
}

static void propagation(void)
{
	leave_to_trees();
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_PRIVATE, NULL), 0);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_PRIVATE | MS_REC | MS_SILENT, NULL), 0);
	CHECK_EQ(mounted("x", "b", "y", MS_PRIVATE, "z"), 0);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_SLAVE, NULL), 0);
	CHECK_EQ(is_told("b", "master:"), 0);
	CHECK_EQ(is_told("b", "shared:"), 0);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_PRIVATE | MS_SLAVE, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_SHARED | MS_UNBINDABLE, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_PRIVATE | MS_RDONLY, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_PRIVATE | MS_NOSUID, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "a", NULL, MS_SHARED, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "missing", NULL, MS_SHARED, NULL), -ENOENT);
	CHECK_EQ(mkdir("c", 0755), 0);
	if (mounted(NULL, "b", NULL, MS_UNBINDABLE, NULL))	/* not everywhere */
		return;
	CHECK_EQ(mounted("b", "c", NULL, MS_BIND, NULL), -EINVAL);
	CHECK_EQ(mounted(NULL, "b", NULL, MS_PRIVATE, NULL), 0);
	CHECK_EQ(mounted("b", "c", NULL, MS_BIND, NULL), 0);
}

/* ---- Options of tmpfs ---- */

/* Mounts with @options, asks, and takes the mount away. 0 or a negative errno. */
static long ask_mounted(const char *options, struct statfs *info, struct stat *root)
{
	long error = mounted("none", "b", "tmpfs", 0, options);

	if (error)
		return error;
	error = statfs("b", info) || stat("b", root) ? -errno : 0;
	CHECK_EQ(unmounted("b", 0), 0);
	return error;
}

static long blocks(const char *options)
{
	struct statfs info;
	struct stat root;

	return ask_mounted(options, &info, &root) ?: (long)info.f_blocks;
}

static long nodes(const char *options)
{
	struct statfs info;
	struct stat root;

	return ask_mounted(options, &info, &root) ?: (long)info.f_files;
}

static long mode_with(const char *options)
{
	struct statfs info;
	struct stat root;

	return ask_mounted(options, &info, &root) ?: (long)(root.st_mode & 07777);
}

static void sizes(void)
{
	long half;

	leave_to_trees();
	half = blocks(NULL);
	CHECK_EQ(blocks("size=1"), 1);
	CHECK_EQ(blocks("size=4096"), 1);
	CHECK_EQ(blocks("size=4097"), 2);
	CHECK_EQ(blocks("size=1k"), 1);
	CHECK_EQ(blocks("size=1K"), 1);
	CHECK_EQ(blocks("size=1m"), 256);
	CHECK_EQ(blocks("size=1M"), 256);
	CHECK_EQ(blocks("size=1g"), 262144);
	CHECK_EQ(blocks("size=1t"), 268435456);
	CHECK_EQ(blocks("size=1p"), 274877906944);
	CHECK_EQ(blocks("size=1e"), 281474976710656);
	CHECK_EQ(blocks("size=0x1000"), 1);
	CHECK_EQ(blocks("size=0x2k"), 2 * 1024 / PAGE + 1);
	CHECK_EQ(blocks("size=010000"), 1);
	CHECK(labs(blocks("size=50%") - half) <= 1);
	CHECK(blocks("size=100%") >= 2 * half - 1);
	CHECK(blocks("size=200%") >= 4 * half - 2);
	CHECK_EQ(blocks("size=1b"), -EINVAL);
	CHECK_EQ(blocks("size=1kk"), -EINVAL);
	CHECK(blocks("size=1k%") >= 20 * half);
	CHECK_EQ(blocks("size=1%k"), -EINVAL);
	CHECK_EQ(blocks("size=%"), 0);
	CHECK_EQ(blocks("size=k"), 0);
	CHECK_EQ(blocks("size="), -EINVAL);
	CHECK_EQ(blocks("size"), -EINVAL);
	CHECK_EQ(blocks("size=x"), -EINVAL);
	CHECK_EQ(blocks("size=-1"), -EINVAL);
	CHECK_EQ(blocks("size= 1"), -EINVAL);
	CHECK_EQ(blocks("size=18446744073709551615"), 0);
	CHECK_EQ(blocks("size=18446744073709547520"), (1l << 52) - 1);
	CHECK_EQ(blocks("size=9223372036854775807"), 1l << 51);
	CHECK_EQ(blocks("size=18446744073709551616"), 0);
	CHECK_EQ(blocks("size=16e"), 0);
	CHECK_EQ(blocks("size=0"), 0);
	CHECK_EQ(blocks("size=1m,size=2m"), 512);
	CHECK_EQ(blocks("nr_blocks=7"), 7);
	CHECK_EQ(blocks("nr_blocks=1k"), 1024);
	CHECK_EQ(blocks("nr_blocks=0"), 0);
	CHECK_EQ(blocks("nr_blocks=1%"), -EINVAL);
	CHECK_EQ(blocks("nr_blocks=7,size=1m"), 256);
	CHECK_EQ(blocks("nr_blocks=0xffffffffffffffff"), -EINVAL);
	CHECK_EQ(nodes("nr_inodes=9"), 9);
	CHECK_EQ(nodes("nr_inodes=1k"), 1024);
	CHECK(nodes("nr_inodes=0") >= 0);
	CHECK_EQ(nodes("nr_inodes=1%"), -EINVAL);
	CHECK_EQ(nodes("nr_inodes=x"), -EINVAL);
}

static void other_options(void)
{
	leave_to_trees();
	CHECK_EQ(mode_with(""), 01777);
	CHECK_EQ(mode_with("mode=700"), 0700);
	CHECK_EQ(mode_with("mode=0755"), 0755);
	CHECK_EQ(mode_with("mode=17777"), 07777);
	CHECK_EQ(mode_with("mode=8"), -EINVAL);
	CHECK_EQ(mode_with("mode="), -EINVAL);
	CHECK_EQ(mode_with("mode"), -EINVAL);
	CHECK_EQ(mode_with("mode=7x"), -EINVAL);
	CHECK_EQ(mode_with("uid=5,gid=6"), 01777);
	CHECK_EQ(mode_with("uid=4294967295"), -EINVAL);
	CHECK_EQ(mode_with("uid=-1"), -EINVAL);
	CHECK_EQ(mode_with("uid=x"), -EINVAL);
	CHECK_EQ(mode_with("gid="), -EINVAL);
	CHECK_EQ(mode_with("uid=0x10"), 01777);
	CHECK_EQ(mode_with("unheard"), -EINVAL);
	CHECK_EQ(mode_with("unheard=of"), -EINVAL);
	CHECK_EQ(mode_with(",,mode=700,,"), 0700);
	CHECK_EQ(mode_with("mode=700,mode=711"), 0711);
	CHECK_EQ(mode_with("Mode=700"), -EINVAL);
	CHECK_EQ(mode_with("mode =700"), -EINVAL);
	CHECK_EQ(mode_with("mode=700 "), -EINVAL);
}

static long renewed(const char *options)
{
	struct statfs info;
	long error = mounted(NULL, "b", NULL, MS_REMOUNT, options);

	return error ? error : statfs("b", &info) ? -errno : (long)info.f_blocks;
}

static void changed_options(void)
{
	static char pages[4 * PAGE];
	int fd;

	leave_to_trees();
	CHECK_EQ(mounted("none", "b", "tmpfs", 0, "size=10m,nr_inodes=10"), 0);
	fd = open("b/f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(write(fd, pages, sizeof pages), sizeof pages);
	CHECK_EQ(renewed(NULL), 2560);
	CHECK_EQ(renewed("size=20m"), 5120);
	CHECK_EQ(renewed("size=4k"), -EINVAL);
	CHECK_EQ(renewed("size=16k"), 4);
	CHECK_EQ(renewed("size=0"), 0);
	CHECK_EQ(renewed("size=10m"), -EINVAL);
	CHECK_EQ(renewed("nr_inodes=1"), -EINVAL);
	CHECK_EQ(renewed("nr_inodes=2"), 0);
	CHECK_EQ(renewed("nr_inodes=0"), 0);
	CHECK_EQ(renewed("nr_inodes=100"), -EINVAL);
	CHECK_EQ(renewed("unheard"), -EINVAL);
	CHECK_EQ(renewed("mode=700"), 0);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(expiring), CASE(unmounting), CASE(flags_of_mounts), CASE(kinds), CASE(propagation), CASE(sizes), CASE(other_options),
		CASE(changed_options), { NULL, NULL },
	};

	return check_main("mount_flags", cases, argc, argv);
}
