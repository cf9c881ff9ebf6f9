/* SPDX-License-Identifier: MIT */
/* Files that are not on a disk: limits of tmpfs, listing while names change, the memory devices, /proc as its readers use it, /dev/kmsg. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static sigjmp_buf after_signal;

static void jump(int number)
{
	siglongjmp(after_signal, number);
}

/* A tmpfs of 16 pages and 8 inodes at ./small. */
static void mount_small(void)
{
	CHECK_EQ(mkdir("small", 0755), 0);
	CHECK_EQ(mount("none", "small", "tmpfs", 0, "size=64k,nr_inodes=8,mode=750"), 0);
}

static unsigned long blocks_free(void)
{
	struct statvfs info;

	CHECK_EQ(statvfs("small", &info), 0);
	return info.f_bfree;
}

static unsigned long inodes_used(void)
{
	struct statvfs info;

	CHECK_EQ(statvfs("small", &info), 0);
	return info.f_files - info.f_ffree;
}

static void tmpfs_space(void)
{
	static char block[PAGE];
	struct stat info;
	int fd, written = 0;

	mount_small();
	CHECK_EQ(stat("small", &info), 0);
	CHECK_EQ(info.st_mode, S_IFDIR | 0750);
	CHECK_EQ(blocks_free(), 16);
	fd = open("small/file", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	while (written < 32 && write(fd, block, PAGE) == PAGE)
		written++;
	CHECK_EQ(written, 16);
	CHECK_ERR(write(fd, block, PAGE), ENOSPC);
	CHECK_EQ(pwrite(fd, "x", 1, 100), 1);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_blocks, 16 * PAGE / 512);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(blocks_free(), 14);
	CHECK_EQ(unlink("small/file"), 0);
	CHECK_EQ(blocks_free(), 14);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(blocks_free(), 16);
	CHECK_EQ(umount("small"), 0);
}

static void tmpfs_space_by_mapping(void)
{
	volatile int pages = 0;
	char *map;
	int fd, number;

	mount_small();
	fd = open("small/file", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(ftruncate(fd, 64 * PAGE), 0);
	CHECK_EQ(blocks_free(), 16);
	map = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	signal(SIGBUS, jump);
	number = sigsetjmp(after_signal, 1);
	if (!number)
		for (; pages < 64; pages++)
			map[pages * PAGE] = 1;
	CHECK_EQ(number, SIGBUS);
	CHECK_EQ(pages, 16);
	CHECK_EQ(blocks_free(), 0);
	CHECK_EQ(munmap(map, 64 * PAGE), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("small/file"), 0);
	CHECK_EQ(blocks_free(), 16);
	CHECK_EQ(umount("small"), 0);
}

static int remount(const char *options)
{
	return mount("none", "small", NULL, MS_REMOUNT, options);
}

/* The limits change, but not to less than there is. */
static void tmpfs_remount(void)
{
	static char blocks[20 * PAGE];
	int fd;

	mount_small();
	fd = open("small/file", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(write(fd, blocks, 8 * PAGE), 8 * PAGE);
	CHECK_ERR(remount("size=16k"), EINVAL);
	CHECK_ERR(remount("nr_inodes=1"), EINVAL);
	CHECK_ERR(remount("size=1m,colour=red"), EINVAL);
	CHECK_EQ(blocks_free(), 8);
	CHECK_EQ(remount("size=32k"), 0);
	CHECK_EQ(blocks_free(), 0);
	CHECK_ERR(write(fd, blocks, PAGE), ENOSPC);
	CHECK_EQ(remount("size=128k,nr_inodes=2"), 0);
	CHECK_EQ(blocks_free(), 24);
	CHECK_EQ(write(fd, blocks, 20 * PAGE), 20 * PAGE);
	CHECK_ERR(mkdir("small/more", 0700), ENOSPC);
	CHECK_EQ(remount(NULL), 0);
	CHECK_EQ(blocks_free(), 4);
	CHECK_EQ(remount("nr_inodes=3"), 0);
	CHECK_EQ(mkdir("small/more", 0700), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(umount("small"), 0);
}

static void tmpfs_inodes(void)
{
	mount_small();
	CHECK_EQ(inodes_used(), 1);
	/* What a rename replaces is gone, whatever it was. */
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(close(open("small/a", O_CREAT | O_WRONLY, 0600)), 0);
		CHECK_EQ(rename("small/a", "small/file"), 0);
		CHECK_EQ(mkdir("small/a", 0700), 0);
		CHECK_EQ(rename("small/a", "small/directory"), 0);
		CHECK_EQ(symlink("x", "small/a"), 0);
		CHECK_EQ(rename("small/a", "small/link"), 0);
		CHECK_EQ(mkfifo("small/a", 0600), 0);
		CHECK_EQ(rename("small/a", "small/pipe"), 0);
	}
	CHECK_EQ(inodes_used(), 5);
	for (int i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "small/%d", i);
		CHECK_EQ(mkdir(name, 0700), 0);
	}
	CHECK_ERR(mkdir("small/more", 0700), ENOSPC);
	CHECK_ERR(open("small/more", O_CREAT | O_WRONLY, 0600), ENOSPC);
	CHECK_EQ(umount("small"), 0);
	CHECK_ERR(mount("none", "small", "tmpfs", 0, "size=much"), EINVAL);
}

/* Each further name of a file takes an inode, and gives it back. */
static void tmpfs_links(void)
{
	char name[32];
	int fd;

	mount_small();
	CHECK_EQ(close(open("small/file", O_CREAT | O_WRONLY, 0600)), 0);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "small/%d", i);
		CHECK_EQ(link("small/file", name), 0);
	}
	CHECK_EQ(inodes_used(), 8);
	CHECK_ERR(link("small/file", "small/more"), ENOSPC);
	CHECK_ERR(link("small/file", "small/0"), EEXIST);
	CHECK_ERR(mkdir("small/more", 0700), ENOSPC);
	CHECK_ERR(remount("nr_inodes=7"), EINVAL);
	CHECK_EQ(unlink("small/file"), 0);
	CHECK_EQ(inodes_used(), 7);
	CHECK_EQ(rename("small/0", "small/1"), 0);		/* of one file: nothing changes */
	CHECK_EQ(inodes_used(), 7);
	CHECK_EQ(close(open("small/other", O_CREAT | O_WRONLY, 0600)), 0);
	CHECK_EQ(rename("small/other", "small/0"), 0);
	CHECK_EQ(inodes_used(), 7);
	CHECK_EQ(rename("small/1", "small/0"), 0);
	CHECK_EQ(inodes_used(), 6);
	CHECK_EQ(unlink("small/0"), 0);
	for (int i = 2; i < 6; i++) {
		snprintf(name, sizeof(name), "small/%d", i);
		CHECK_EQ(unlink(name), 0);
	}
	CHECK_EQ(inodes_used(), 1);

	/* What was made without a name gets its first for nothing. */
	fd = open("small", O_TMPFILE | O_RDWR, 0600);
	CHECK_EQ(inodes_used(), 2);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_EQ(linkat(AT_FDCWD, name, AT_FDCWD, "small/a", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(inodes_used(), 2);
	CHECK_EQ(link("small/a", "small/b"), 0);
	CHECK_EQ(inodes_used(), 3);
	CHECK_EQ(unlink("small/a"), 0);
	CHECK_EQ(unlink("small/b"), 0);
	CHECK_EQ(inodes_used(), 2);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(inodes_used(), 1);
	CHECK_EQ(umount("small"), 0);
}

/* So does the target of a symlink with a page, unless it is short. */
static void tmpfs_targets(void)
{
	static char block[PAGE], target[PAGE];
	int fd;

	mount_small();
	memset(target, 't', 127);
	CHECK_EQ(symlink(target, "small/short"), 0);
	CHECK_EQ(blocks_free(), 16);
	memset(target, 't', PAGE - 1);
	CHECK_EQ(symlink(target, "small/long"), 0);
	CHECK_EQ(blocks_free(), 15);
	target[128] = 0;
	CHECK_EQ(symlink(target, "small/longer than short"), 0);
	CHECK_EQ(blocks_free(), 14);
	CHECK_ERR(symlink(target, "small/long"), EEXIST);
	CHECK_ERR(symlink(target, "small/missing/long"), ENOENT);
	CHECK_EQ(blocks_free(), 14);
	fd = open("small/file", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 14; i++)
		CHECK_EQ(write(fd, block, PAGE), PAGE);
	CHECK_ERR(symlink(target, "small/more"), ENOSPC);
	CHECK_EQ(symlink("file", "small/more"), 0);
	CHECK_EQ(unlink("small/long"), 0);
	CHECK_EQ(blocks_free(), 1);
	CHECK_EQ(rename("small/short", "small/longer than short"), 0);
	CHECK_EQ(blocks_free(), 2);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(umount("small"), 0);
}

/* What stays in a directory is listed exactly once, though others come and go. */
static void listing_while_changing(void)
{
	static char seen[400];
	struct dirent *entry;
	char name[32];
	DIR *dir;
	int step = 0;

	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(close(open(name, O_CREAT | O_WRONLY, 0600)), 0);
	}
	dir = opendir(".");
	CHECK(dir != NULL);
	while (dir && (entry = readdir(dir)) && step < 5000) {
		int number = entry->d_name[0] == 'f' ? atoi(entry->d_name + 1) : 1000;

		if (number < 400)
			seen[number]++;
		snprintf(name, sizeof(name), "f%d", step * 7 % 400 / 2 * 2);	/* even ones go */
		unlink(name);
		snprintf(name, sizeof(name), "new%d", step++);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	closedir(dir);
	for (int i = 0; i < 400; i++) {
		CHECK(seen[i] <= 1);
		if (i % 2)
			CHECK_EQ(seen[i], 1);
	}
}

static void share_child(void *map)
{
	((char *)map)[1] = 7;
}

static void memory_devices(void)
{
	int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR), full = open("/dev/full", O_RDWR);
	static char bytes[5000], same[5000];
	struct stat info;
	char *map;

	CHECK(zero >= 0 && null >= 0 && full >= 0);
	CHECK_EQ(fstat(null, &info), 0);
	CHECK(S_ISCHR(info.st_mode) && info.st_rdev == 0x103);
	memset(bytes, 1, sizeof(bytes));
	CHECK_EQ(read(zero, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK(memcmp(bytes, same, sizeof(bytes)) == 0);
	CHECK_EQ(write(zero, bytes, 10), 10);
	CHECK_EQ(read(null, bytes, 10), 0);
	CHECK_EQ(write(null, bytes, 10), 10);
	CHECK_EQ(read(full, bytes, 10), 10);
	CHECK_ERR(write(full, bytes, 10), ENOSPC);
	CHECK_EQ(lseek(zero, 1000, SEEK_SET), 0);
	CHECK_ERR(read(zero, (void *)8, 100), EFAULT);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, null, 0) == MAP_FAILED ? -1 : 0, ENODEV);

	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
	CHECK(map != MAP_FAILED && map[1] == 0 && map[PAGE] == 0);
	CHECK_EQ(check_child(share_child, map), 0);
	CHECK_EQ(map[1], 7);
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, PAGE);
	CHECK(map != MAP_FAILED && map[1] == 0);
	CHECK_EQ(check_child(share_child, map), 0);
	CHECK_EQ(map[1], 0);
}

static void random_devices(void)
{
	unsigned char one[64], two[64];
	int fd = open("/dev/urandom", O_RDWR);

	CHECK(fd >= 0);
	CHECK_EQ(read(fd, one, sizeof(one)), sizeof(one));
	CHECK_EQ(read(open("/dev/random", O_RDONLY), two, sizeof(two)), sizeof(two));
	CHECK(memcmp(one, two, sizeof(one)) != 0);
	CHECK_EQ(write(fd, one, sizeof(one)), sizeof(one));
	CHECK_ERR(read(fd, (void *)8, 100), EFAULT);
}

static void sleep_forever(void *unused)
{
	(void)unused;
	pause();
}

/* Files opened for one process never show another. */
static void proc_and_its_process(void)
{
	pid_t pid = check_spawn(sleep_forever, NULL);
	char path[64], text[512];
	int file, dir;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	file = openat(dir, "stat", O_RDONLY);
	CHECK(dir >= 0 && file >= 0);
	CHECK_EQ(read(file, text, 10), 10);
	CHECK_EQ(read(file, text, 10), 10);
	CHECK(check_state(pid, 'S', 5000));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK(check_state(pid, 'Z', 5000));
	memset(text, 0, sizeof(text));
	CHECK(pread(file, text, sizeof(text) - 1, 0) > 0);
	CHECK(strstr(text, ") Z ") != NULL);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	CHECK_ERR(pread(file, text, sizeof(text), 0), ESRCH);
	CHECK(openat(dir, "stat", O_RDONLY) < 0);
	CHECK(access(path, F_OK) < 0);
}

static void proc_descriptors(void)
{
	char path[64], text[256], expected[256];
	struct stat one, two;
	int fd, ends[2];
	ssize_t len;

	check_write_file("file", "contents", 0600);
	fd = open("file", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(getcwd(expected, sizeof(expected) - 5) != NULL);
	strcat(expected, "/file");
	len = readlink(path, text, sizeof(text) - 1);
	CHECK(len > 0);
	text[len > 0 ? len : 0] = 0;
	CHECK_STR(text, expected);
	CHECK_EQ(lstat(path, &one), 0);
	CHECK_EQ(one.st_mode & 0700, 0500);
	/* It leads to the file itself, even when that has no name any more. */
	CHECK_EQ(unlink("file"), 0);
	CHECK_EQ(stat(path, &one), 0);
	CHECK_EQ(fstat(fd, &two), 0);
	CHECK_EQ(one.st_ino, two.st_ino);
	CHECK_EQ(read(open(path, O_RDONLY), text, sizeof(text)), 8);

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], "piped", 5), 5);
	CHECK_EQ(close(ends[1]), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, text, sizeof(text)), 5);
	CHECK_EQ(read(fd, text, sizeof(text)), 0);
	CHECK_ERR(open("/proc/self/fd/900", O_RDONLY), ENOENT);
}

/* What has no path is found by its descriptor, too, but not opened a second time. */
static void proc_descriptors_without_a_path(void)
{
	int fds[3];
	char *arguments[] = { "nothing", NULL }, path[64];
	struct stat one, two;

	fds[0] = eventfd(0, 0);
	fds[1] = epoll_create1(0);
	fds[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(fds[i] >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		CHECK_EQ(stat(path, &one), 0);
		CHECK_EQ(fstat(fds[i], &two), 0);
		CHECK_EQ(one.st_mode, two.st_mode);
		CHECK_EQ(one.st_mode & S_IFMT, i == 2 ? S_IFSOCK : 0);
		CHECK_EQ(one.st_ino, two.st_ino);
		CHECK_EQ(one.st_dev, two.st_dev);
		CHECK_ERR(open(path, O_RDONLY), ENXIO);
		CHECK_ERR(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), ENXIO);
		CHECK_ERR(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
		CHECK_ERR(truncate(path, 0), EINVAL);
		/* Linux's have one mode together, which any program of root may have changed. */
		CHECK(execve(path, arguments, arguments + 1) == -1 && (errno == EACCES || errno == ENXIO));
		CHECK_ERR(chdir(path), ENOTDIR);
		CHECK(open(path, O_PATH) >= 0);
	}
}

/* As top reads: the file stays open, seeking to its start gives new figures; a text read byte by byte is of one moment. */
static void proc_read_again(void)
{
	char whole[4096], again[4096];
	int fd = open("/proc/stat", O_RDONLY), other = open("/proc/self/statm", O_RDONLY);
	ssize_t len;

	CHECK(read(fd, whole, sizeof(whole)) > 100);
	CHECK_EQ(strncmp(whole, "cpu  ", 5), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(read(fd, again, sizeof(again)) > 100);
	len = read(other, whole, sizeof(whole));
	CHECK(len > 10);
	CHECK_EQ(lseek(other, 0, SEEK_SET), 0);
	for (ssize_t i = 0; i < len; i++)
		CHECK_EQ(read(other, again + i, 1), 1);
	CHECK_EQ(read(other, again, 1), 0);
	CHECK(write(open("/proc/self/statm", O_WRONLY), "1", 1) < 0);
}

/* A command line and environment longer than a page come whole. */
static void proc_long_texts(void)
{
	static char big[20000], text[40000];
	pid_t pid;
	char path[64];
	int fd;
	ssize_t len = 0, got;

	memset(big, 'a', sizeof(big) - 1);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "read x < /dev/zero", big, (char *)NULL);
		_exit(127);
	}
	CHECK(check_state(pid, 'R', 5000));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	for (int tries = 0; tries < 500 && strcmp(text, "sh"); tries++) {
		len = 0;
		fd = open(path, O_RDONLY);
		while ((got = read(fd, text + len, sizeof(text) - len)) > 0)
			len += got;
		close(fd);
		check_sleep(10);
	}
	CHECK_EQ(len, 3 + 3 + 19 + sizeof(big));
	CHECK_EQ(memcmp(text, "sh\0-c\0read x < /dev/zero\0aaaa", 29), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
}

/* The figure in kB of the line @name in what /proc/self/smaps (or @pid's) says of the mapping that begins at @address; -1: there is none. */
static long usage_of(pid_t pid, const void *address, const char *name)
{
	char path[64], start[32], *at, *line;
	static char text[262144];
	ssize_t len = 0, got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	fd = open(path, O_RDONLY);
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	close(fd);
	text[len] = 0;
	snprintf(start, sizeof(start), "%lx-", (unsigned long)address);
	at = strstr(text, start);
	line = at ? strstr(at, name) : NULL;
	return CHECK(line != NULL) ? strtol(line + strlen(name), NULL, 10) : -1;
}

/* Pages that no other process maps, and then a child; pages of a file; those that were never touched. */
static void memory_of_mappings(void)
{
	enum { PAGES = 16 };
	size_t size = PAGES * PAGE;
	char *room = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *own = room + PAGE, *mapped;
	pid_t pid;
	int fd;

	CHECK_EQ(mprotect(own, size, PROT_READ | PROT_WRITE), 0);
	memset(own, 1, 8 * PAGE);
	CHECK_EQ(usage_of(getpid(), own, "\nSize:"), 64);
	CHECK_EQ(usage_of(getpid(), own, "\nRss:"), 32);
	CHECK_EQ(usage_of(getpid(), own, "\nPss:"), 32);
	CHECK_EQ(usage_of(getpid(), own, "\nPrivate_Dirty:"), 32);
	CHECK_EQ(usage_of(getpid(), own, "\nShared_Dirty:"), 0);
	CHECK_EQ(usage_of(getpid(), own, "\nAnonymous:"), 32);
	CHECK_EQ(usage_of(getpid(), own, "\nSwap:"), 0);
	CHECK_EQ(usage_of(getpid(), room, "\nRss:"), 0);
	pid = check_spawn(sleep_forever, NULL);
	CHECK(check_state(pid, 'S', 5000));
	CHECK_EQ(usage_of(getpid(), own, "\nRss:"), 32);
	CHECK_EQ(usage_of(getpid(), own, "\nPss:"), 16);
	CHECK_EQ(usage_of(getpid(), own, "\nPrivate_Dirty:"), 0);
	CHECK_EQ(usage_of(pid, own, "\nShared_Dirty:"), 32);
	/* What is written to is copied. */
	own[0] = 2;
	CHECK_EQ(usage_of(getpid(), own, "\nPrivate_Dirty:"), 4);
	CHECK_EQ(usage_of(getpid(), own, "\nShared_Dirty:"), 28);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	CHECK_EQ(usage_of(getpid(), own, "\nPrivate_Dirty:"), 32);

	fd = open("file", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(ftruncate(fd, size), 0);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK_EQ(pwrite(fd, "x", 1, i * PAGE), 1);
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	CHECK(mapped != MAP_FAILED);
	CHECK_EQ(usage_of(getpid(), mapped, "\nRss:"), 64);
	CHECK_EQ(usage_of(getpid(), mapped, "\nShared_Clean:") + usage_of(getpid(), mapped, "\nShared_Dirty:"), 0);
	mapped[PAGE] = 1;
	CHECK(usage_of(getpid(), mapped, "\nAnonymous:") >= 4);
}

static int open_stat(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return open(path, O_RDONLY);
}

/* Where the stack is, by the text of @fd from @from on. */
static unsigned long stack_start_in(int fd, off_t from)
{
	char text[1024] = "", *word;
	unsigned field = 2;

	CHECK(pread(fd, text, sizeof(text) - 1, from) > 0);
	word = strrchr(text, ')');
	while (word && field++ < 28)
		word = strchr(word + 1, ' ');
	return CHECK(word != NULL) ? strtoul(word, NULL, 10) : 0;
}

/* As pmap asks: nothing for who may not see the mappings. */
static unsigned long stack_start(pid_t pid)
{
	int fd = open_stat(pid);
	unsigned long at = stack_start_in(fd, 0);

	close(fd);
	return at;
}

static void look_as_a_user(void *unused)
{
	int fd = open_stat(getppid());

	(void)unused;
	CHECK(stack_start_in(fd, 0) != 0);
	CHECK_EQ(setuid(1000), 0);
	CHECK_EQ(stack_start(getppid()), 0);
	/* Nor in what was made for somebody else. */
	CHECK_EQ(stack_start_in(fd, 1), 0);
}

static void where_the_stack_begins(void)
{
	unsigned long at = stack_start(getpid()), start = 0, end = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[stack]"))
			CHECK_EQ(sscanf(line, "%lx-%lx", &start, &end), 2);
	CHECK(at >= start && at < end);
	CHECK(at > (unsigned long)line);
	CHECK_EQ(check_child(look_as_a_user, NULL), 0);
}

/* The figures without which vmstat does not start. */
static void figures_of_memory(void)
{
	unsigned long total = 0, free = 0, file = 0, pages = 0;
	char name[64], line[256];
	FILE *stream = fopen("/proc/meminfo", "r");

	while (fscanf(stream, "%63s %lu%*[^\n]", name, &file) == 2)
		if (!strcmp(name, "MemTotal:"))
			total = file;
	fclose(stream);
	file = 0;
	stream = fopen("/proc/vmstat", "r");
	if (!CHECK(stream != NULL))
		return;
	while (fgets(line, sizeof(line), stream)) {
		CHECK_EQ(sscanf(line, "%63s %lu", name, &pages), 2);
		free = strcmp(name, "nr_free_pages") ? free : pages;
		file = strcmp(name, "nr_file_pages") ? file : pages;
	}
	fclose(stream);
	CHECK(free > total / 64 && file > 0 && (free + file) * (PAGE / 1024) <= total);
	CHECK(open("/proc/diskstats", O_RDONLY) >= 0);
	CHECK(open("/proc/partitions", O_RDONLY) >= 0);
}

static void poke_log(void *unused)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	(void)unused;
	check_sleep(150);
	CHECK_EQ(write(fd, "<6>virtual: a line\n", 19), 19);
}

static void kernel_log(void)
{
	struct pollfd poller = { open("/dev/kmsg", O_RDONLY | O_NONBLOCK), POLLIN, 0 };
	char record[8192];
	long end = check_now() + 10000;
	ssize_t len;
	pid_t pid;
	int found = 0;

	CHECK(poller.fd >= 0);
	CHECK_EQ(lseek(poller.fd, 0, SEEK_END), 0);
	CHECK_ERR(read(poller.fd, record, sizeof(record)), EAGAIN);
	pid = check_spawn(poke_log, NULL);
	while (!found && check_now() < end && poll(&poller, 1, 10000) == 1) {
		len = read(poller.fd, record, sizeof(record) - 1);
		if (len < 0 && (errno == EAGAIN || errno == EPIPE))
			continue;
		CHECK(len > 0);
		record[len > 0 ? len : 0] = 0;
		found = strstr(record, ";virtual: a line\n") != NULL;
	}
	CHECK(found);
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(lseek(poller.fd, 0, SEEK_SET), 0);
	CHECK_ERR(read(poller.fd, record, 4), EINVAL);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(tmpfs_space), CASE(tmpfs_space_by_mapping), CASE(tmpfs_remount), CASE(tmpfs_inodes), CASE(tmpfs_links), CASE(tmpfs_targets),
		CASE(listing_while_changing), CASE(memory_devices), CASE(random_devices),
		CASE(proc_and_its_process), CASE(proc_descriptors), CASE(proc_read_again), CASE(proc_long_texts), CASE(kernel_log),
		CASE(proc_descriptors_without_a_path), CASE(memory_of_mappings), CASE(where_the_stack_begins), CASE(figures_of_memory), { NULL, NULL },
	};

	return check_main("virtual", cases, argc, argv);
}
