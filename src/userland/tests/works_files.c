/* SPDX-License-Identifier: MIT */
/* Works about files; see works.h. */
#include "works.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

enum { PAGE = 4096, BYTES = 5 * PAGE + 100 };

static char pattern[BYTES], found[BYTES];

static void make_pattern(void)
{
	for (int i = 0; i < BYTES; i++)
		pattern[i] = i * 7 + i / PAGE;
	memset(found, 0, sizeof found);
}

/* Whether of the pattern's first @wrote bytes, which were written, those among the @read first ones of the file came back. */
static bool is_pattern(long wrote, long read)
{
	long both = wrote < read ? wrote : read;

	return both <= 0 || !memcmp(found, pattern, both);
}

/* Fewer bytes than wanted are as good as an error: who asks again gets it. */
static bool did_all(long moved, long wanted)
{
	if (moved >= 0 && moved < wanted)
		errno = ENOMEM;
	return did(moved < wanted ? -1 : 0);
}

/* Writes the pattern to a file, and reads it again from where it lies then. What was written without an error must be there, whatever fails. */
static void use_file(const char *name, int flags)
{
	struct stat info;
	long wrote, came;
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | flags, 0644);

	make_pattern();
	if (!DID(fd))
		return;
	wrote = write(fd, pattern, BYTES);
	did_all(wrote, BYTES);
	DID(pwrite(fd, "x", 1, 100 * PAGE));
	DID(fsync(fd));
	if (DID(fstat(fd, &info)))
		EXPECT(info.st_size == 100 * PAGE + 1);
	came = pread(fd, found, BYTES, 0);
	did_all(came, BYTES);
	KEPT(is_pattern(wrote, came));
	DID(ftruncate(fd, PAGE + 10));
	DID(close(fd));
	fd = open(name, O_RDONLY);
	if (!DID(fd))
		return;
	came = read(fd, found, BYTES);
	did_all(came, PAGE + 10);
	KEPT(is_pattern(wrote, came));
	DID(lseek(fd, 0, SEEK_END));
	DID(close(fd));
}

void work_files(void)
{
	use_file("plain", 0);
	use_file("again", O_NOFOLLOW);
	DID(rename("plain", "again"));
	DID(unlink("again"));
}

/* More descriptors than a table begins with, and files than one directory's first table of names. */
void work_many_files(void)
{
	enum { FILES = 150 };
	int fds[FILES];
	char name[32];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "f%d", i);
		fds[i] = open(name, O_RDWR | O_CREAT, 0600);
		if (DID(fds[i]))
			DID(write(fds[i], name, sizeof name));
	}
	for (int i = 0; i < FILES; i++) {
		char text[32] = "";

		snprintf(name, sizeof name, "f%d", i);
		if (fds[i] >= 0 && DID(pread(fds[i], text, sizeof text, 0)))
			EXPECT(!strcmp(text, name));
		KEPT(!text[0] || !strcmp(text, name));
		if (fds[i] >= 0)
			close(fds[i]);
		DID(unlink(name));
	}
}

static int count_names(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	if (!DID(dir ? 0 : -1))
		return 0;
	while (errno = 0, readdir(dir))
		count++;
	DID(errno ? -1 : 0);
	closedir(dir);
	return count;
}

static void use_links(void)
{
	char target[600], text[600] = "";

	memset(target, 'd', sizeof target);
	for (unsigned i = 200; i < sizeof target; i += 200)
		target[i] = '/';
	target[sizeof target - 1] = 0;
	DID(symlink(target, "long"));
	DID(symlink("a/b", "short"));
	DID(symlink("short", "twice"));
	if (DID(readlink("long", text, sizeof text - 1)))
		EXPECT(!strcmp(text, target));
	DID(access("twice/c", F_OK));
	DID(link("a/b/c", "hard"));
	DID(unlink("hard"));
	DID(unlink("long"));
	DID(unlink("short"));
	DID(unlink("twice"));
}

void work_names(void)
{
	char path[1024] = "", *cwd;
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };
	int fd;

	DID(mkdir("a", 0755));
	DID(mkdir("a/b", 0755));
	fd = open("a/b/c", O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (DID(fd))
		close(fd);
	use_links();
	for (int i = 0; i < 100; i++)
		strcat(path, "./a/../");
	strcat(path, "a/b/c");
	DID(access(path, F_OK));
	DID(chmod("a/b/c", 0600));
	DID(chown("a/b/c", 1, 1));
	DID(utimensat(AT_FDCWD, "a/b/c", times, 0));
	DID(chdir("a/b"));
	cwd = getcwd(NULL, 0);
	if (DID(cwd ? 0 : -1))
		EXPECT(strstr(cwd, "/a/b") != NULL);
	free(cwd);
	DID(chdir("../.."));
	EXPECT(count_names("a") == 3);
	DID(rename("a/b", "b-with-a-name-that-is-longer-than-a-directory-entry-keeps-in-itself"));
	DID(rename("b-with-a-name-that-is-longer-than-a-directory-entry-keeps-in-itself", "a/b"));
	DID(mknod("fifo", S_IFIFO | 0600, 0));
	DID(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	DID(unlink("fifo"));
	DID(unlink("null"));
	DID(unlink("a/b/c"));
	DID(rmdir("a/b"));
	DID(rmdir("a"));
}

/* The same on the disk, by its server. */
void work_root(void)
{
	struct statvfs info;
	char here[256];

	if (!DID(getcwd(here, sizeof here) ? 0 : -1))
		return;
	mkdir("/root/works", 0700);
	if (!DID(chdir("/root/works")))
		return;
	use_file("plain", 0);
	DID(link("plain", "other"));
	DID(rename("plain", "renamed"));
	DID(symlink("renamed", "link"));
	DID(mkdir("folder", 0700));
	DID(statvfs(".", &info));
	EXPECT(count_names(".") == 6);
	sync();
	DID(unlink("link"));
	DID(unlink("renamed"));
	DID(unlink("other"));
	DID(rmdir("folder"));
	DID(chdir(here));
	rmdir("/root/works");
}

static void use_vectors(int fd)
{
	enum { PARTS = 60 };
	struct iovec parts[PARTS], here = { found, BYTES }, there = { pattern, BYTES };

	for (int i = 0; i < PARTS; i++)
		parts[i] = (struct iovec){ pattern + i * 300, 300 };
	if (did_all(pwritev(fd, parts, PARTS, 0), PARTS * 300) && did_all(preadv(fd, &here, 1, 0), PARTS * 300))
		EXPECT(!memcmp(found, pattern, PARTS * 300));
	if (did_all(process_vm_readv(getpid(), &here, 1, &there, 1, 0), BYTES))
		EXPECT(!memcmp(found, pattern, BYTES));
}

void work_data(void)
{
	int from = open("from", O_RDWR | O_CREAT, 0600), to = open("to", O_RDWR | O_CREAT, 0600), ends[2];
	off_t at = 0;

	make_pattern();
	if (DID(from) && DID(to)) {
		use_vectors(from);
		DID(sendfile(to, from, &at, BYTES));
		at = 0;
		DID(copy_file_range(from, &at, to, NULL, BYTES, 0));
		DID(fallocate(to, 0, 0, 200 * PAGE));
	}
	if (DID(pipe2(ends, O_NONBLOCK))) {
		at = 0;
		DID(splice(from, &at, ends[1], NULL, 2 * PAGE, 0));
		DID(splice(ends[0], NULL, to, NULL, 2 * PAGE, SPLICE_F_NONBLOCK));
		close(ends[0]);
		close(ends[1]);
	}
	close(from);
	close(to);
	DID(unlink("from"));
	DID(unlink("to"));
}

static void watch_many(int fd)
{
	enum { WATCHED = 200 };
	struct pollfd watched[WATCHED];
	fd_set set;

	for (int i = 0; i < WATCHED; i++)
		watched[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	DID(poll(watched, WATCHED, 0));
	FD_ZERO(&set);
	FD_SET(fd, &set);
	DID(select(1000, &set, NULL, NULL, &(struct timeval){ 0, 0 }));
}

void work_pipes(void)
{
	int ends[2], others[2];
	long size, wrote;

	make_pattern();
	if (!DID(pipe2(ends, O_NONBLOCK)))
		return;
	watch_many(ends[0]);
	wrote = write(ends[1], pattern, BYTES);
	size = wrote > 0 ? read(ends[0], found, BYTES) : 0;
	if (did_all(wrote, BYTES))
		did_all(size, wrote);
	KEPT(size <= 0 || (size <= wrote && !memcmp(found, pattern, size)));
	DID(fcntl(ends[1], F_SETPIPE_SZ, 1 << 18));
	DID(write(ends[1], pattern, PAGE));
	if (DID(pipe2(others, O_NONBLOCK))) {
		struct iovec part = { pattern, 2 * PAGE };

		DID(tee(ends[0], others[1], PAGE, SPLICE_F_NONBLOCK));
		DID(vmsplice(others[1], &part, 1, SPLICE_F_NONBLOCK));
		close(others[0]);
		close(others[1]);
	}
	close(ends[0]);
	close(ends[1]);
	if (DID(mkfifo("fifo", 0600))) {
		int fd = open("fifo", O_RDWR | O_NONBLOCK);

		if (DID(fd))
			close(fd);
		DID(unlink("fifo"));
	}
}

void work_locks(void)
{
	int fd = open("locked", O_RDWR | O_CREAT, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 100 };

	if (!DID(fd))
		return;
	DID(fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 40, .l_len = 10 };
	DID(fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 60 };
	DID(fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 200, .l_len = 10 };
	DID(fcntl(fd, F_OFD_SETLK, &lock));
	DID(flock(fd, LOCK_EX | LOCK_NB));
	DID(close(fd));
	DID(unlink("locked"));
}

static void use_mounts(void)
{
	struct statvfs info;

	if (!DID(unshare(CLONE_NEWNS)) || !DID(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		return;
	DID(mkdir("m", 0755));
	DID(mkdir("n", 0755));
	if (!DID(mount("none", "m", "tmpfs", 0, "mode=755,size=1m")))
		return;
	DID(mkdir("m/d", 0755));
	use_file("m/f", 0);
	DID(mount("m/d", "n", NULL, MS_BIND, NULL));
	DID(mount("none", "m/d", "proc", 0, NULL));
	DID(statvfs("m", &info));
	DID(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT(count_names("m/d") > 5);
	DID(umount("m/d"));
	DID(umount("n"));
	DID(mkdir("p", 0755));
	if (DID(mount("none", "p", "devpts", 0, NULL)))
		DID(umount("p"));
	DID(umount2("m", MNT_DETACH));
}

void work_mounts(void)
{
	in_child(use_mounts);
	rmdir("p");
	rmdir("n");
	rmdir("m");
}

static void read_all(const char *path)
{
	static char text[PAGE];
	int fd = open(path, O_RDONLY);
	long len;

	if (!DID(fd))
		return;
	while (DID(len = read(fd, text, sizeof text)) && len)
		;
	close(fd);
}

void work_proc(void)
{
	static const char *const files[] = {
		"self/maps", "self/smaps", "self/status", "self/stat", "self/statm", "self/cmdline", "self/environ", "self/limits", "self/mountinfo",
		"self/mounts", "self/comm", "self/fdinfo/0", "meminfo", "slabinfo", "stat", "uptime", "loadavg",
		"interrupts", "cpuinfo", "version", "filesystems", "ports", "served", "vmstat", "sys/kernel/hostname", "sysvipc/shm", "disks/ram0/control",
	};
	char path[64], text[256];

	for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "/proc/%s", files[i]);
		if (access(path, F_OK) == 0)
			read_all(path);
	}
	DID(readlink("/proc/self/exe", text, sizeof text));
	DID(readlink("/proc/self/cwd", text, sizeof text));
	DID(readlink("/proc/self/fd/1", text, sizeof text));
	EXPECT(count_names("/proc/self/fd") >= 5);
	EXPECT(count_names("/proc") > 10);
}

void work_devices(void)
{
	enum { READ_ALL = 3 };
	static const char *const devices[] = { "null", "zero", "random", "kmsg", "tty1", "trace", "input/event0", "input/event1", "input/mice", "ttyS0" };
	char path[64], text[PAGE];

	DID(klogctl(READ_ALL, text, sizeof text));
	for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++) {
		int fd;

		snprintf(path, sizeof path, "/dev/%s", devices[i]);
		if (access(path, F_OK))
			continue;
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		if (!DID(fd))
			continue;
		watch_many(fd);
		close(fd);
	}
}

static void use_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), terminal;
	struct termios settings;
	struct winsize size = { 30, 100, 0, 0 };
	char text[64] = "", name[64];

	if (!DID(master))
		return;
	signal(SIGHUP, SIG_IGN);	/* from the terminal's end */
	DID(setsid());
	DID(grantpt(master));
	DID(unlockpt(master));
	if (DID((errno = ptsname_r(master, name, sizeof name)) ? -1 : 0) && DID(terminal = open(name, O_RDWR | O_NONBLOCK))) {
		DID(ioctl(terminal, TIOCSCTTY, 0));
		DID(ioctl(terminal, TIOCSWINSZ, &size));
		DID(write(master, "line\n", 5));
		DID(poll(&(struct pollfd){ .fd = terminal, .events = POLLIN }, 1, 1000));
		if (DID(read(terminal, text, sizeof text)))
			EXPECT(!strncmp(text, "line\n", 5));
		if (DID(tcgetattr(terminal, &settings))) {
			cfmakeraw(&settings);
			DID(tcsetattr(terminal, TCSANOW, &settings));
		}
		DID(write(terminal, "back", 4));
		DID(poll(&(struct pollfd){ .fd = master, .events = POLLIN }, 1, 1000));
		DID(read(master, text, sizeof text));
		close(terminal);
	}
	close(master);
}

void work_terminals(void)
{
	in_child(use_terminal);
}
