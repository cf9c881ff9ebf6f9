/* SPDX-License-Identifier: MIT */
/*
 * What a kernel may answer by a shortcut must be what it answers the long way: reads of cached pages, stat and open of known names, remembered paths.
 * Everything is done several times, so that both ways are gone, and at the borders between them.
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, TIMES = 3, STRANGER = 1234 };

/* Two pages of which the second is not there. */
static char *page_before_hole(void)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	CHECK_EQ(munmap(map + PAGE, PAGE), 0);
	return map;
}

static char byte_at(off_t pos)
{
	return 'a' + (pos * 7 + pos / PAGE) % 26;
}

static int make_file(const char *name, size_t size)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
	char *data = malloc(size);

	for (size_t i = 0; i < size; i++)
		data[i] = byte_at(i);
	CHECK_EQ(write(fd, data, size), size);
	free(data);
	return fd;
}

static int right_bytes(const char *buf, ssize_t len, off_t pos)
{
	for (ssize_t i = 0; i < len; i++)
		if (buf[i] != byte_at(pos + i))
			return 0;
	return 1;
}

static void reads_at_every_border(void)
{
	enum { SIZE = 3 * PAGE + 100 };
	static const off_t borders[] = { 0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE - 1, 3 * PAGE, SIZE - 1, SIZE, SIZE + 1, 4 * PAGE, 1l << 40 };
	static const size_t lengths[] = { 0, 1, 2, 7, 8, 9, 99, 100, 101, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 5 * PAGE };
	static char buf[5 * PAGE + 1];
	int fd = make_file("f", SIZE);

	for (unsigned i = 0; i < sizeof(borders) / sizeof(*borders); i++)
		for (unsigned j = 0; j < sizeof(lengths) / sizeof(*lengths); j++) {
			off_t pos = borders[i];
			ssize_t left = pos < SIZE ? SIZE - pos : 0, want = left < (ssize_t)lengths[j] ? left : (ssize_t)lengths[j];

			memset(buf, '#', sizeof(buf));
			CHECK_EQ(pread(fd, buf, lengths[j], pos), want);
			CHECK(right_bytes(buf, want, pos) && buf[want] == '#');
			CHECK_EQ(lseek(fd, pos, SEEK_SET), pos);
			memset(buf, '#', sizeof(buf));
			CHECK_EQ(read(fd, buf, lengths[j]), want);
			CHECK(right_bytes(buf, want, pos) && buf[want] == '#');
			CHECK_EQ(lseek(fd, 0, SEEK_CUR), pos + want);
		}
	CHECK_ERR(pread(fd, buf, 1, -1), EINVAL);
	CHECK_ERR(pread(fd, buf, PAGE, -PAGE), EINVAL);
	CHECK_ERR(pread(fd, buf, 1, (off_t)1 << 63), EINVAL);
	CHECK_ERR(pread(-1, buf, 1, 0), EBADF);
	CHECK_ERR(pread(1 << 20, buf, 1, 0), EBADF);
	CHECK_ERR(read(fd + 1, buf, 1), EBADF);
	close(fd);
	fd = open("f", O_WRONLY);
	CHECK_ERR(pread(fd, buf, 1, 0), EBADF);
	CHECK_ERR(read(fd, buf, 1), EBADF);
}

static void reads_into_bad_memory(void)
{
	int fd = make_file("f", 2 * PAGE);
	char *map = page_before_hole(), *fresh;

	for (int i = 0; i < TIMES; i++) {
		CHECK_EQ(pread(fd, map + PAGE - 40, 100, 10), 40);
		CHECK(right_bytes(map + PAGE - 40, 40, 10));
		CHECK_EQ(lseek(fd, 10, SEEK_SET), 10);
		CHECK_EQ(read(fd, map + PAGE - 41, 100), 41);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 51);
		CHECK_ERR(pread(fd, map + PAGE, 1, 0), EFAULT);
		CHECK_ERR(read(fd, map + PAGE, 100), EFAULT);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 51);
		CHECK_ERR(pread(fd, (void *)8, 1, 0), EFAULT);
		CHECK_ERR(pread(fd, (void *)0x7ffffffff000, 1, 0), EFAULT);
		CHECK_ERR(pread(fd, (void *)0x8000000000000000, 1, 0), EFAULT);
		CHECK_ERR(pread(fd, (void *)-8l, 4, 0), EFAULT);
		/* Memory that is there only when it is touched. */
		fresh = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK_EQ(pread(fd, fresh + PAGE - 50, 100, 5), 100);
		CHECK(right_bytes(fresh + PAGE - 50, 100, 5));
		CHECK_EQ(mprotect(fresh, PAGE, PROT_READ), 0);
		CHECK_ERR(pread(fd, fresh, 1, 0), EFAULT);
		CHECK_EQ(mprotect(fresh, PAGE, PROT_NONE), 0);
		CHECK_ERR(pread(fd, fresh, 1, 0), EFAULT);
		CHECK_EQ(munmap(fresh, 2 * PAGE), 0);
	}
}

static void read_into_shared(void *argument)
{
	char *buf = argument;
	int fd = open("f", O_RDONLY);

	for (int i = 0; i < TIMES; i++)
		CHECK_EQ(pread(fd, buf, 10, i * 100), 10);
	CHECK(right_bytes(buf, 10, (TIMES - 1) * 100));
}

/* A page that parent and child share until one writes: the read is that write. */
static void reads_after_a_fork(void)
{
	int fd = make_file("f", PAGE);
	char *buf = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(buf, '#', PAGE);
	CHECK_EQ(check_child(read_into_shared, buf), 0);
	CHECK(buf[0] == '#' && buf[9] == '#');
	CHECK_EQ(pread(fd, buf, 10, 0), 10);
	CHECK(right_bytes(buf, 10, 0));
}

static void holes_and_ends(void)
{
	static char buf[3 * PAGE], zeroes[PAGE];
	int fd = open("f", O_CREAT | O_RDWR, 0644), copy;

	CHECK_EQ(read(fd, buf, 1), 0);
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQ(pwrite(fd, "x", 1, 2 * PAGE), 1);
	for (int i = 0; i < TIMES; i++) {
		memset(buf, '#', sizeof(buf));
		CHECK_EQ(pread(fd, buf, PAGE, PAGE - 10), PAGE);
		CHECK_EQ(memcmp(buf, zeroes, PAGE), 0);
		CHECK_EQ(pread(fd, buf, 2, 2 * PAGE), 2);
		CHECK(buf[0] == 'x' && !buf[1]);
	}
	CHECK_EQ(ftruncate(fd, 2 * PAGE + 1), 0);
	CHECK_EQ(pread(fd, buf, PAGE, 2 * PAGE), 1);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(pread(fd, buf, PAGE, 2 * PAGE), 0);
	CHECK_EQ(pwrite(fd, "abc", 3, 2 * PAGE + 1), 3);
	CHECK_EQ(pread(fd, buf, PAGE, 2 * PAGE), 4);
	CHECK(!memcmp(buf, "\0abc", 4));
	/* One position for both descriptors. */
	copy = dup(fd);
	lseek(fd, 2 * PAGE, SEEK_SET);
	CHECK_EQ(read(copy, buf, 2), 2);
	CHECK_EQ(read(fd, buf, 100), 2);
	CHECK_EQ(buf[0], 'b');
	CHECK_EQ(read(copy, buf, 100), 0);
}

static void truncate_again_and_again(void *argument)
{
	char x[100];

	(void)argument;
	memset(x, 'x', sizeof(x));
	for (int i = 0; i < 3000; i++) {
		int fd = open("f", O_WRONLY);

		if (ftruncate(fd, 0) || pwrite(fd, x, sizeof(x), 0) != sizeof(x))
			_exit(1);
		close(fd);
	}
}

static void reads_beside_truncation(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644), status;
	pid_t child = check_spawn(truncate_again_and_again, NULL);
	long wrong = 0;
	char buf[200];

	while (waitpid(child, &status, WNOHANG) == 0) {
		ssize_t len = pread(fd, buf, sizeof(buf), 0);

		wrong += len < 0 || len > 100;
		for (ssize_t i = 0; i < len; i++)
			wrong += buf[i] != 'x' && buf[i] != 0;
	}
	CHECK_EQ(wrong, 0);
	CHECK_EQ(status, 0);
}

/* stat, open and unlink of every length of name, whole words and not, where the string ends with a page. */
static void names_of_every_length(void)
{
	char *end = page_before_hole() + PAGE, long_name[300];
	struct stat st;

	for (int len = 1; len <= 255; len++) {
		char *name = end - len - 1;
		int fd;

		memset(name, 'n', len);
		name[len - 1] = 'm';
		name[len] = 0;
		for (int i = 0; i < 2; i++)
			CHECK_ERR(stat(name, &st), ENOENT);
		CHECK_ERR(open(name, O_RDONLY), ENOENT);
		fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		CHECK_EQ(close(fd), 0);
		for (int i = 0; i < 2; i++)
			CHECK(stat(name, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
		fd = open(name, O_RDONLY);
		CHECK(fd >= 0 && close(fd) == 0);
		/* The same but for the last byte, and one byte less. */
		memcpy(long_name, name, len + 1);
		long_name[len - 1] = 'o';
		CHECK_ERR(stat(long_name, &st), ENOENT);
		long_name[len - 1] = 0;
		CHECK_ERR(stat(long_name, &st), ENOENT);
		CHECK_EQ(unlink(name), 0);
		CHECK_ERR(stat(name, &st), ENOENT);
		CHECK_ERR(unlink(name), ENOENT);
	}
	memset(long_name, 'n', 256);
	long_name[256] = 0;
	CHECK_ERR(stat(long_name, &st), ENAMETOOLONG);
	CHECK_ERR(open(long_name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	CHECK_ERR(unlink(long_name), ENAMETOOLONG);
}

/* Paths around the kernel's own limits, and strings that never end. */
static void lengths_of_paths(void)
{
	static const int lengths[] = { 8, 15, 16, 17, 247, 248, 249, 254, 255, 256, 257, 258, 263, 264, 265, 1000, 4093, 4094, 4095 };
	char *map = page_before_hole(), path[5000];
	struct stat st;

	check_write_file("f", "x", 0644);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		for (int slashes = 0; slashes < 2; slashes++) {
			int len = lengths[i], fd;

			/* "././/f" or "./////f". */
			for (int at = 0; at < len - 1; at++)
				path[at] = at && (at % 2 || slashes || at == len - 2) ? '/' : '.';
			path[len - 1] = 'f';
			path[len] = 0;
			for (int twice = 0; twice < 2; twice++)
				CHECK(stat(path, &st) == 0 && st.st_size == 1);
			fd = open(path, O_RDONLY);
			CHECK(fd >= 0 && close(fd) == 0);
			CHECK_ERR(open(path, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
		}
	memset(path, '/', sizeof(path));
	path[4096] = 0;
	CHECK_ERR(stat(path, &st), ENAMETOOLONG);
	CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
	CHECK_ERR(stat("", &st), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_EQ(stat("/", &st), 0);
	CHECK_EQ(stat("//", &st), 0);
	CHECK_ERR(stat("f/", &st), ENOTDIR);
	CHECK_ERR(stat("f/f", &st), ENOTDIR);
	CHECK_ERR(unlink("f/"), ENOTDIR);
	for (int len = 1; len < 20; len++) {
		memset(map + PAGE - len, 'f', len);
		CHECK_ERR(stat(map + PAGE - len, &st), EFAULT);
		CHECK_ERR(open(map + PAGE - len, O_RDONLY), EFAULT);
		CHECK_ERR(unlink(map + PAGE - len), EFAULT);
	}
	CHECK_ERR(stat((char *)1, &st), EFAULT);
	CHECK_ERR(stat((char *)-8l, &st), EFAULT);
	CHECK_ERR(stat((char *)0x7fffffffeff8, &st), EFAULT);
	for (int i = 0; i < TIMES; i++) {
		/* The C library would copy the answer itself. */
		CHECK_ERR(syscall(SYS_stat, "f", map + PAGE - 100), EFAULT);
		CHECK_ERR(syscall(SYS_stat, "f", -8l), EFAULT);
		CHECK_ERR(syscall(SYS_fstat, open("f", O_RDONLY), map + PAGE - 8), EFAULT);
		CHECK_EQ(syscall(SYS_stat, "f", map + PAGE - sizeof(st)), 0);
	}
}

static ino_t node_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

/* A path looked up again after each way in which it can come to lead elsewhere. */
static void remembered_paths(void)
{
	struct stat st;
	ino_t a, b;

	check_write_file("a", "a", 0644);
	check_write_file("b", "bb", 0644);
	a = node_of("a");
	b = node_of("b");
	CHECK(a && b && a != b);
	CHECK_EQ(node_of("b"), b);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK_EQ(node_of("b"), a);
	CHECK_EQ(node_of("a"), 0);
	CHECK_EQ(unlink("b"), 0);
	CHECK_EQ(node_of("b"), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	CHECK(stat("b", &st) == 0 && S_ISDIR(st.st_mode));
	CHECK_EQ(rmdir("b"), 0);
	CHECK_ERR(stat("b", &st), ENOENT);
	check_write_file("target", "target", 0644);
	CHECK_EQ(symlink("target", "b"), 0);
	CHECK(stat("b", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 6);
	CHECK(lstat("b", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK_ERR(open("b", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERR(open("b", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_EQ(close(open("b", O_CREAT | O_RDWR, 0600)), 0);
	CHECK_EQ(unlink("target"), 0);
	CHECK_ERR(stat("b", &st), ENOENT);
	CHECK_EQ(close(open("b", O_CREAT | O_RDWR, 0600)), 0);
	CHECK(stat("target", &st) == 0 && st.st_size == 0);
	/* The same name in another directory. */
	CHECK(!mkdir("one", 0755) && !mkdir("two", 0755));
	check_write_file("one/f", "1", 0644);
	check_write_file("two/f", "22", 0644);
	CHECK(!chdir("one") && !stat("f", &st) && st.st_size == 1);
	CHECK(!chdir("../two") && !stat("f", &st) && st.st_size == 2);
	CHECK(!chdir("..") && !stat("one/f", &st) && st.st_size == 1);
	CHECK(!rename("one", "three") && !rename("two", "one"));
	CHECK(!stat("one/f", &st) && st.st_size == 2);
	/* A directory that is gone, and one that is no longer empty. */
	CHECK_EQ(unlink("one/f"), 0);
	CHECK_ERR(stat("one/f", &st), ENOENT);
	CHECK_EQ(rmdir("one"), 0);
	CHECK_ERR(open("one/f", O_CREAT | O_RDWR, 0600), ENOENT);
	CHECK_ERR(stat("one/f", &st), ENOENT);
	CHECK(!mkdir("one", 0755) && close(open("one/f", O_CREAT | O_RDWR, 0600)) == 0);
	CHECK_ERR(rmdir("one"), ENOTEMPTY);
}

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : st.st_size;
}

/* A kernel may remember by where a name lies: many at different places, others at the same ones, and such that begin alike. */
static void remembered_places(void)
{
	enum { NAMES = 9, ROOM = 16 };
	static _Alignas(1024) char places[NAMES][ROOM], place[2 * ROOM];
	static const char *const alike[] = { "n/345678", "n/3456789", "n/345678a", "n/34567", "n/3456", "n/345678" };

	CHECK_EQ(mkdir("n", 0755), 0);
	for (int i = 0; i < NAMES; i++) {
		snprintf(places[i], ROOM, "n/%d", i);
		check_write_file(places[i], "123456789" + NAMES - i, 0644);
	}
	for (int move = 0; move < NAMES; move++) {
		for (int i = 0; i < TIMES * NAMES; i++)
			CHECK_EQ(size_of(places[i % NAMES]), (i + move) % NAMES);
		CHECK_EQ(rename(places[0], "n/out"), 0);
		CHECK_EQ(size_of(places[0]), -1);
		for (int i = 1; i < NAMES; i++)
			CHECK_EQ(rename(places[i], places[i - 1]), 0);
		CHECK_EQ(rename("n/out", places[NAMES - 1]), 0);
	}
	for (int move = 0; move < NAMES; move++)
		for (int i = 0; i < NAMES; i++) {
			places[i][2] = '0' + (i + move) % NAMES;
			CHECK_EQ(size_of(places[i]), (i + move) % NAMES);
		}
	for (unsigned i = 0; i < sizeof(alike) / sizeof(*alike) - 1; i++)
		check_write_file(alike[i], "123456789" + i, 0644);
	for (unsigned i = 0; i < TIMES * sizeof(alike) / sizeof(*alike); i++) {
		unsigned k = i % (sizeof(alike) / sizeof(*alike));

		strcpy(place, alike[k]);
		CHECK_EQ(size_of(place), k == 5 ? 9 : 9 - k);
	}
	/* Words of eight bytes that differ, before others that do not. */
	for (int i = 0; i < 2; i++) {
		snprintf(place, sizeof(place), "n/34567%c", 'x' + i);
		CHECK_EQ(mkdir(place, 0755), 0);
		strcat(place, "/name");
		check_write_file(place, "12" + i, 0644);
	}
	for (int i = 0; i < 2 * TIMES; i++) {
		place[7] = 'x' + i % 2;
		CHECK_EQ(size_of(place), 2 - i % 2);
	}
}

static void become_stranger(void)
{
	CHECK(!setgid(STRANGER) && !setuid(STRANGER));
}

static void look_as_stranger(void *argument)
{
	struct stat st;

	(void)argument;
	become_stranger();
	for (int i = 0; i < TIMES; i++) {
		CHECK_ERR(stat("closed/f", &st), EACCES);
		CHECK_ERR(open("closed/f", O_RDONLY), EACCES);
		CHECK_ERR(unlink("closed/f"), EACCES);
		CHECK_EQ(stat("open/f", &st), 0);
		CHECK_ERR(open("open/f", O_RDONLY), EACCES);
		CHECK_ERR(open("open/new", O_CREAT | O_RDWR, 0600), EACCES);
		CHECK_ERR(unlink("open/f"), EACCES);
	}
}

static void look_while_it_closes(void *argument)
{
	int *phase = argument;
	struct stat st;

	become_stranger();
	CHECK_EQ(stat("turning/f", &st), 0);
	CHECK_EQ(stat("turning/f", &st), 0);
	phase[0] = 1;
	check_await(&phase[1], 10000);
	CHECK_ERR(stat("turning/f", &st), EACCES);
	phase[0] = 0;
	phase[2] = 1;
	check_await(&phase[3], 10000);
	CHECK_EQ(stat("turning/f", &st), 0);
}

/* What root has looked up is no permission for others, and a permission taken away is gone. */
static void remembered_permissions(void)
{
	int *phase = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stat st;
	pid_t child;
	int turning;

	CHECK(!chmod(".", 0755) && !mkdir("closed", 0700) && !mkdir("open", 0755) && !mkdir("turning", 0755));
	check_write_file("closed/f", "f", 0644);
	check_write_file("open/f", "f", 0600);
	check_write_file("turning/f", "f", 0644);
	CHECK_EQ(stat("closed/f", &st), 0);
	CHECK_EQ(stat("open/f", &st), 0);
	CHECK_EQ(check_child(look_as_stranger, NULL), 0);
	/* By descriptors, so that the path is not walked here, and stays the last one that was. */
	turning = open("turning", O_RDONLY);
	child = check_spawn(look_while_it_closes, phase);
	CHECK(check_await(&phase[0], 10000));
	CHECK_EQ(fchmod(turning, 0700), 0);
	phase[1] = 1;
	CHECK(check_await(&phase[2], 10000));
	CHECK_EQ(fchmod(turning, 0755), 0);
	phase[3] = 1;
	CHECK_EQ(check_wait(child), 0);
}

static void mount_over_known(void *argument)
{
	struct stat st;

	(void)argument;
	CHECK_EQ(unshare(CLONE_NEWNS) && errno != EINVAL && errno != ENOSYS && errno != EPERM, 0);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	CHECK_EQ(stat("m/f", &st), 0);
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	CHECK_ERR(stat("m/f", &st), ENOENT);
	check_write_file("m/f", "four", 0644);
	CHECK(stat("m/f", &st) == 0 && st.st_size == 4);
	CHECK_ERR(unlink("m"), EISDIR);
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_EQ(umount("m"), 0);
	CHECK(stat("m/f", &st) == 0 && st.st_size == 1);
}

static void remembered_mounts(void)
{
	CHECK_EQ(mkdir("m", 0755), 0);
	check_write_file("m/f", "f", 0644);
	CHECK_EQ(check_child(mount_over_known, NULL), 0);
}

/* Every change of what stat tells is told by the next one. */
static void status_follows_changes(void)
{
	struct timespec times[2] = { { 1000, 5 }, { 2000, 6 } };
	int fd = make_file("f", 10);
	struct stat st;
	char *map;

	for (int i = 0; i < TIMES; i++) {
		CHECK(!stat("f", &st) && st.st_size == 10 && (st.st_mode & 07777) == 0644 && st.st_nlink == 1);
		CHECK(!chmod("f", 0600) && !stat("f", &st) && (st.st_mode & 07777) == 0600);
		CHECK(!fchmod(fd, 0640) && !fstat(fd, &st) && (st.st_mode & 07777) == 0640);
		CHECK(!chown("f", 7, 8) && !stat("f", &st) && st.st_uid == 7 && st.st_gid == 8);
		CHECK(!link("f", "g") && !fstat(fd, &st) && st.st_nlink == 2);
		CHECK(!unlink("g") && !stat("f", &st) && st.st_nlink == 1);
		CHECK(!utimensat(AT_FDCWD, "f", times, 0) && !stat("f", &st));
		CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 6);
		CHECK(pwrite(fd, "x", 1, 10) == 1 && !stat("f", &st) && st.st_size == 11 && st.st_mtim.tv_sec > 2000);
		CHECK(!ftruncate(fd, 5000) && !fstat(fd, &st) && st.st_size == 5000);
		CHECK(!truncate("f", 10) && !stat("f", &st) && st.st_size == 10);
		CHECK(!chmod("f", 0644) && !fstat(fd, &st) && (st.st_mode & 07777) == 0644);
	}
	/* Blocks that come by a mapping. */
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 4; i++)
		map[i * PAGE] = 'x';
	CHECK_EQ(msync(map, 4 * PAGE, MS_SYNC), 0);
	CHECK(!fstat(fd, &st) && st.st_blocks >= 4 * PAGE / 512);
	CHECK(!mkdir("d", 0755) && !stat("d", &st) && st.st_nlink == 2);
	CHECK(!mkdir("d/e", 0755) && !stat("d", &st) && st.st_nlink == 3);
	CHECK(!rmdir("d/e") && !stat("d", &st) && st.st_nlink == 2);
}

static void descriptors_from_open(void)
{
	struct rlimit old, none = { 6, 6 };
	int first, fds[3];

	check_write_file("f", "f", 0644);
	first = open("f", O_RDONLY);
	close(first);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(fds[i] = open("f", O_RDONLY), first + i);
	close(fds[1]);
	CHECK_EQ(open("f", O_RDONLY | O_CLOEXEC), fds[1]);
	CHECK_EQ(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fds[0], F_GETFD), 0);
	close(fds[1]);
	CHECK_EQ(open("f", O_RDONLY | O_NONBLOCK), fds[1]);
	CHECK_EQ(fcntl(fds[1], F_GETFD), 0);
	CHECK_EQ(fcntl(fds[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND), O_NONBLOCK);
	CHECK_ERR(write(fds[0], "x", 1), EBADF);
	/* Beyond the first word of the table's bits. */
	CHECK_EQ(dup2(fds[0], 70), 70);
	for (int fd = fds[2] + 1; fd < 130; fd++)
		if (fd != 70)
			CHECK_EQ(open("f", O_RDONLY), fd);
	close(64);
	close(65);
	CHECK_EQ(open("f", O_RDONLY), 64);
	CHECK_EQ(open("f", O_RDONLY), 65);
	CHECK_EQ(open("f", O_RDONLY), 130);
	for (int fd = first; fd <= 130; fd++)
		CHECK_EQ(close(fd), 0);
	CHECK_ERR(close(130), EBADF);
	getrlimit(RLIMIT_NOFILE, &old);
	none.rlim_max = old.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (open("f", O_RDONLY) >= 0)
		;
	CHECK_ERR(open("f", O_RDONLY), EMFILE);
	CHECK_EQ(close(5), 0);
	CHECK_EQ(open("f", O_RDONLY), 5);
}

static void *open_and_close(void *argument)
{
	long *wrong = argument;
	char byte;

	for (int i = 0; i < 2000; i++) {
		int fd = open("f", O_RDONLY);

		if (fd < 0 || pread(fd, &byte, 1, 0) != 1 || byte != 'f' || close(fd))
			(*wrong)++;
	}
	return NULL;
}

static void threads_share_descriptors(void)
{
	long wrong[3] = { 0 };
	pthread_t threads[2];

	check_write_file("f", "f", 0644);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, open_and_close, &wrong[i]), 0);
	open_and_close(&wrong[2]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(wrong[0] + wrong[1] + wrong[2], 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(reads_at_every_border), CASE(reads_into_bad_memory), CASE(reads_after_a_fork), CASE(holes_and_ends),
		CASE(reads_beside_truncation), CASE(names_of_every_length), CASE(lengths_of_paths), CASE(remembered_paths), CASE(remembered_places),
		CASE(remembered_permissions), CASE(remembered_mounts), CASE(status_follows_changes), CASE(descriptors_from_open),
		CASE(threads_share_descriptors), { NULL, NULL },
	};

	return check_main("shortcuts", cases, argc, argv);
}
