/* SPDX-License-Identifier: MIT */
/* Open files: flags of open, offsets, sparse files, truncation, descriptors, vectors, copies in the kernel, simple devices. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[65536];

static void open_flags(void)
{
	int fd;
	struct stat info;

	CHECK_ERR(open("new", O_RDONLY), ENOENT);
	fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0640);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_mode, S_IFREG | 0640);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_ERR(open("new", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK(open("new", O_RDWR | O_CREAT, 0600) >= 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, 5);
	CHECK(open("new", O_WRONLY | O_TRUNC) >= 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, 0);
	CHECK_ERR(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("new/x", O_RDONLY), ENOTDIR);
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_ERR(open(".", O_RDWR), EISDIR);
	CHECK(open(".", O_RDONLY | O_DIRECTORY) >= 0);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(open("none/file", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK_EQ(symlink("new", "link"), 0);
	CHECK_ERR(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK(open("link", O_RDONLY) >= 0);
	CHECK_EQ(symlink("target", "dangling"), 0);
	CHECK_ERR(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK(open("dangling", O_RDWR | O_CREAT, 0600) >= 0);
	CHECK_EQ(access("target", F_OK), 0);
}

static void access_modes(void)
{
	int reader, writer;

	check_write_file("file", "abc", 0600);
	reader = open("file", O_RDONLY);
	writer = open("file", O_WRONLY);
	CHECK_ERR(write(reader, "x", 1), EBADF);
	CHECK_ERR(read(writer, buffer, 1), EBADF);
	CHECK_ERR(ftruncate(reader, 0), EINVAL);
	CHECK_EQ(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(writer, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_ERR(read(-1, buffer, 1), EBADF);
	CHECK_ERR(read(12345, buffer, 1), EBADF);
	CHECK_ERR(close(12345), EBADF);
	CHECK_EQ(close(reader), 0);
	CHECK_ERR(close(reader), EBADF);
	CHECK_ERR(read(open(".", O_RDONLY), buffer, 1), EISDIR);
}

static void path_descriptors(void)
{
	int fd, folder;
	struct stat info;

	check_write_file("file", "abc", 0600);
	fd = open("file", O_PATH);
	CHECK(fd >= 0);
	CHECK_ERR(read(fd, buffer, 1), EBADF);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, 3);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	CHECK_EQ(symlink("file", "link"), 0);
	fd = open("link", O_PATH | O_NOFOLLOW);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK(S_ISLNK(info.st_mode));
	CHECK_EQ(mkdir("folder", 0700), 0);
	folder = open("folder", O_PATH | O_DIRECTORY);
	CHECK(openat(folder, "inside", O_CREAT | O_RDWR, 0600) >= 0);
	CHECK_EQ(access("folder/inside", F_OK), 0);
}

static void append_mode(void)
{
	int a = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600), b = open("log", O_RDWR | O_APPEND);

	CHECK_EQ(write(a, "one", 3), 3);
	CHECK_EQ(write(b, "two", 3), 3);
	CHECK_EQ(lseek(a, 0, SEEK_SET), 0);
	CHECK_EQ(write(a, "three", 5), 5);
	CHECK_EQ(pread(b, buffer, 100, 0), 11);
	CHECK(!memcmp(buffer, "onetwothree", 11));
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 11);
	CHECK_EQ(fcntl(b, F_SETFL, 0), 0);
	CHECK_EQ(lseek(b, 0, SEEK_SET), 0);
	CHECK_EQ(write(b, "ONE", 3), 3);
	CHECK_EQ(pread(b, buffer, 100, 0), 11);
	CHECK(!memcmp(buffer, "ONEtwo", 6));
}

static void offsets(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600), pipe_ends[2];

	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(lseek(fd, 2, SEEK_CUR), 5);
	CHECK_EQ(lseek(fd, -1, SEEK_END), 9);
	CHECK_EQ(read(fd, buffer, 10), 1);
	CHECK_EQ(buffer[0], '9');
	CHECK_EQ(read(fd, buffer, 10), 0);
	CHECK_ERR(lseek(fd, -11, SEEK_END), EINVAL);
	CHECK_ERR(lseek(fd, 0, 99), EINVAL);
	CHECK_EQ(pread(fd, buffer, 4, 2), 4);
	CHECK(!memcmp(buffer, "2345", 4));
	CHECK_EQ(pwrite(fd, "AB", 2, 4), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	CHECK_ERR(pread(fd, buffer, 1, -1), EINVAL);
	CHECK_EQ(pread(fd, buffer, 1, 100), 0);
	CHECK_EQ(pipe(pipe_ends), 0);
	CHECK_ERR(lseek(pipe_ends[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(lseek(pipe_ends[0], 0, 99), EINVAL);
	CHECK_ERR(lseek(open("/dev/null", O_RDONLY), 0, 99), EINVAL);
	CHECK_ERR(pread(pipe_ends[0], buffer, 1, 0), ESPIPE);
}

static void sparse(void)
{
	int fd = open("sparse", O_RDWR | O_CREAT, 0600);
	struct stat info;
	off_t far = 1L << 32;

	CHECK_EQ(pwrite(fd, "end", 3, far), 3);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, far + 3);
	CHECK(info.st_blocks * 512 < 1 << 20);
	memset(buffer, 1, sizeof buffer);
	CHECK_EQ(pread(fd, buffer, 4096, far / 2), 4096);
	for (int i = 0; i < 4096; i += 511)
		CHECK_EQ(buffer[i], 0);
	CHECK_EQ(pread(fd, buffer, 100, far), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_END), far + 3);
}

static void truncation(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	struct stat info;

	memset(buffer, 'x', sizeof buffer);
	CHECK_EQ(write(fd, buffer, 20000), 20000);
	CHECK_EQ(ftruncate(fd, 5000), 0);
	CHECK_EQ(ftruncate(fd, 9000), 0);
	CHECK_EQ(pread(fd, buffer, sizeof buffer, 0), 9000);
	CHECK_EQ(buffer[4999], 'x');
	for (int i = 5000; i < 9000; i += 101)
		CHECK_EQ(buffer[i], 0);
	CHECK_EQ(truncate("file", 3), 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, 3);
	CHECK_ERR(truncate("file", -1), EINVAL);
	CHECK_ERR(truncate("missing", 0), ENOENT);
	CHECK_ERR(truncate(".", 0), EISDIR);
	/* The offset stays where it was: the next write leaves a hole. */
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, 20001);
}

static void size_limit(void)
{
	struct rlimit limit = { 10000, 10000 };
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(write(fd, buffer, 8000), 8000);
	CHECK_EQ(write(fd, buffer, 8000), 2000);
	CHECK_ERR(write(fd, buffer, 1), EFBIG);
	CHECK_ERR(ftruncate(fd, 20000), EFBIG);
}

static void large_data(void)
{
	enum { TOTAL = 3 << 20 };
	unsigned seed = 12345, at = 0, wrong = 0;
	int fd = open("large", O_RDWR | O_CREAT, 0600);
	unsigned *words = (unsigned *)buffer;

	for (unsigned done = 0; done < TOTAL; done += sizeof buffer) {
		for (unsigned i = 0; i < sizeof buffer / 4; i++)
			words[i] = at++ * 2654435761u + seed;
		if (!CHECK_EQ(write(fd, buffer, sizeof buffer), sizeof buffer))
			return;
	}
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	at = 0;
	for (ssize_t got; (got = read(fd, buffer, 12284)) > 0;)
		for (unsigned i = 0; i < got / 4; i++)
			wrong += words[i] != at++ * 2654435761u + seed;
	CHECK_EQ(at * 4, TOTAL);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
}

static void duplicates(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600), copy, low;

	copy = dup(fd);
	CHECK(copy > fd);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(lseek(copy, 0, SEEK_CUR), 3);
	CHECK_EQ(dup2(fd, 77), 77);
	CHECK_EQ(dup2(fd, fd), fd);
	CHECK_ERR(dup2(999, 5), EBADF);
	CHECK_ERR(dup2(999, 999), EBADF);
	CHECK_ERR(dup2(fd, 1 << 20), EBADF);
	CHECK_EQ(syscall(SYS_dup3, fd, 78, O_CLOEXEC), 78);
	CHECK_EQ(fcntl(78, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(syscall(SYS_dup3, fd, fd, 0), EINVAL);
	CHECK_ERR(syscall(SYS_dup3, fd, 79, 1), EINVAL);
	CHECK_EQ(fcntl(fd, F_DUPFD, 77), 79);
	CHECK_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
	CHECK_ERR(fcntl(fd, 9999), EINVAL);
	/* The lowest free number is taken. */
	CHECK_EQ(close(copy), 0);
	low = open("/dev/null", O_RDONLY);
	CHECK_EQ(low, copy);
	/* Status flags belong to the open file, not to the number. */
	CHECK_EQ(fcntl(77, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
}

static void exhaustion(void)
{
	struct rlimit limit = { 32, 32 };
	int last = -1, fd;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	CHECK_ERR(open("/dev/null", O_RDONLY), EMFILE);
	CHECK_EQ(last, 31);
	CHECK_ERR(dup(0), EMFILE);
	CHECK_ERR(dup2(0, 32), EBADF);
	CHECK_EQ(close(20), 0);
	CHECK_EQ(open("/dev/null", O_RDONLY), 20);
}

static void vectors(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char a[4] = "", b[8] = "";
	struct iovec out[3] = { { "one", 3 }, { "", 0 }, { "three", 5 } }, in[2] = { { a, 3 }, { b, 7 } };
	struct iovec negative[2] = { { a, 1 }, { b, (size_t)-1 } };

	CHECK_EQ(writev(fd, out, 3), 8);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(readv(fd, in, 2), 8);
	CHECK_STR(a, "one");
	CHECK_STR(b, "three");
	CHECK_EQ(preadv(fd, in, 2, 5), 3);
	CHECK_EQ(pwritev(fd, out, 1, 5), 3);
	CHECK_EQ(pread(fd, b, 8, 0), 8);
	CHECK(!memcmp(b, "onethone", 8));
	CHECK_ERR(readv(fd, in, -1), EINVAL);
	CHECK_ERR(readv(fd, in, 1025), EINVAL);
	CHECK_ERR(writev(fd, negative, 2), EINVAL);
	CHECK_EQ(readv(fd, in, 0), 0);
}

static void copying(void)
{
	int in = open("in", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600), ends[2];
	off_t offset = 2;

	CHECK_EQ(write(in, "0123456789", 10), 10);
	CHECK_EQ(sendfile(out, in, &offset, 5), 5);
	CHECK_EQ(offset, 7);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	CHECK_EQ(lseek(in, 8, SEEK_SET), 8);
	CHECK_EQ(sendfile(out, in, NULL, 100), 2);
	CHECK_EQ(pread(out, buffer, 20, 0), 7);
	CHECK(!memcmp(buffer, "2345689", 7));
	CHECK_EQ(pipe(ends), 0);
	offset = 0;
	CHECK_EQ(sendfile(ends[1], in, &offset, 10), 10);
	CHECK_EQ(read(ends[0], buffer, 20), 10);
	CHECK_ERR(sendfile(out, 999, NULL, 1), EBADF);
}

static void devices(void)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
	int random = open("/dev/urandom", O_RDONLY), other = open("/dev/random", O_RDONLY);
	char a[32], b[32];
	struct stat info;

	CHECK_EQ(read(null, buffer, 10), 0);
	CHECK_EQ(write(null, buffer, 100), 100);
	memset(buffer, 1, 100);
	CHECK_EQ(read(zero, buffer, 100), 100);
	CHECK(buffer[0] == 0 && buffer[99] == 0);
	CHECK_EQ(write(zero, buffer, 100), 100);
	CHECK_ERR(write(full, buffer, 1), ENOSPC);
	CHECK_EQ(read(full, buffer, 5), 5);
	CHECK_EQ(read(random, a, 32), 32);
	CHECK_EQ(read(other, b, 32), 32);
	CHECK(memcmp(a, b, 32));
	CHECK_EQ(fstat(null, &info), 0);
	CHECK(S_ISCHR(info.st_mode));
	CHECK_EQ(info.st_rdev, (1 << 8) | 3);
	CHECK_ERR(ioctl(null, TCGETS, buffer), ENOTTY);
	CHECK_EQ(isatty(null), 0);
	CHECK_ERR(open("/dev/nonexistent", O_RDONLY), ENOENT);
	/* A descriptor by its name. */
	snprintf(a, sizeof a, "/proc/self/fd/%d", zero);
	CHECK(open(a, O_RDONLY) >= 0);
	CHECK_EQ(readlink(a, b, sizeof b), 9);
	CHECK(!memcmp(b, "/dev/zero", 9));
}

static void unlinked(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	struct stat info;

	CHECK_EQ(unlink("file"), 0);
	CHECK_ERR(open("file", O_RDONLY), ENOENT);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_nlink, 0);
	CHECK_EQ(write(fd, "still here", 10), 10);
	CHECK_EQ(pread(fd, buffer, 20, 0), 10);
	/* A new file of that name is another one. */
	check_write_file("file", "other", 0600);
	CHECK_EQ(pread(fd, buffer, 20, 0), 10);
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	pid_t child;

	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
	child = fork();
	if (child == 0) {
		CHECK(fcntl(fd, F_SETLK, &lock) == -1 && (errno == EAGAIN || errno == EACCES));
		CHECK_EQ(fcntl(fd, F_GETLK, &lock), 0);
		CHECK_EQ(lock.l_pid, getppid());
		lock.l_type = F_WRLCK;
		lock.l_start = 10;
		CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
	lock.l_type = F_UNLCK;
	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
}

static void copy_range(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
	int appending = open("out", O_WRONLY | O_APPEND), folder = open(".", O_RDONLY), elsewhere = open("/proc/self/status", O_RDONLY);
	off_t from = 2, to = 100, wrong = -5;
	char text[16] = { 0 };

	CHECK_EQ(write(in, "0123456789", 10), 10);
	CHECK_EQ(copy_file_range(in, &from, out, &to, 5, 0), 5);
	CHECK_EQ(from, 7);
	CHECK_EQ(to, 105);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	CHECK_EQ(pread(out, text, 16, 100), 5);
	CHECK_STR(text, "23456");
	CHECK_EQ(lseek(in, 3, SEEK_SET), 3);
	CHECK_EQ(copy_file_range(in, NULL, out, NULL, 1 << 20, 0), 7);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 7);
	CHECK_EQ(copy_file_range(in, NULL, out, NULL, 1, 0), 0);
	/* Within one file, if the ranges are apart. */
	from = 0, to = 10;
	CHECK_EQ(copy_file_range(in, &from, in, &to, 10, 0), 10);
	from = 0, to = 19;
	CHECK_ERR(copy_file_range(in, &from, in, &to, 20, 0), EINVAL);
	CHECK_EQ(from, 0);
	/* What is written behind the end is not copied in turn. */
	from = 15, to = 100;
	CHECK_EQ(copy_file_range(in, &from, in, &to, 50, 0), 5);
	CHECK_EQ(to, 105);
	from = 2;
	CHECK_ERR(copy_file_range(in, &from, out, NULL, SIZE_MAX, 0), EOVERFLOW);

	CHECK_EQ(pipe(ends), 0);
	CHECK_ERR(copy_file_range(in, NULL, ends[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(copy_file_range(folder, NULL, out, NULL, 1, 0), EISDIR);
	CHECK_ERR(copy_file_range(in, NULL, appending, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(appending, NULL, out, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(in, NULL, 999, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	CHECK_ERR(copy_file_range(elsewhere, NULL, out, NULL, 1, 0), EXDEV);
	CHECK_ERR(copy_file_range(in, &wrong, out, NULL, 1, 0), EINVAL);
	CHECK_ERR(copy_file_range(in, (off_t *)8, out, NULL, 1, 0), EFAULT);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(open_flags), CASE(access_modes), CASE(path_descriptors), CASE(append_mode), CASE(offsets), CASE(sparse),
		CASE(truncation), CASE(size_limit), CASE(large_data), CASE(duplicates), CASE(exhaustion), CASE(vectors),
		CASE(copying), CASE(devices), CASE(unlinked), CASE(locks), CASE(copy_range), { NULL, NULL },
	};

	return check_main("files", cases, argc, argv);
}
