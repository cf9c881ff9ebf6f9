/* SPDX-License-Identifier: MIT */
/* Every command of fcntl, on every kind of descriptor, with arguments at and beyond their limits. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USER = 1000, PAGE = 4096 };
enum { GET_RW_HINT = 1035, SET_RW_HINT, GET_FILE_RW_HINT, SET_FILE_RW_HINT, DUP_QUERY = 1027 };

static long control(int fd, int command, unsigned long argument)
{
	long result = syscall(SYS_fcntl, fd, command, argument);

	return result < 0 ? -errno : result;
}

static void descriptors(void)
{
	struct rlimit limit = { 60, 60 };
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(control(fd, F_DUPFD, 60), -EINVAL);
	CHECK_EQ(control(fd, F_DUPFD, 59), 59);
	CHECK_EQ(control(fd, F_DUPFD, 59), -EMFILE);
	CHECK_EQ(control(fd, F_DUPFD_CLOEXEC, 59), -EMFILE);
	CHECK_EQ(control(fd, F_DUPFD_CLOEXEC, ULONG_MAX), -EINVAL);
	CHECK_EQ(control(60, F_DUPFD, 0), -EBADF);
	CHECK_EQ(control(-1, F_DUPFD, 99), -EBADF);
	CHECK_EQ(control(-1, 9999, 0), -EBADF);
	CHECK_EQ(control(fd, 9999, 0), -EINVAL);
	CHECK_EQ(control(fd, -1, 0), -EINVAL);
	CHECK_EQ(control(fd, F_SETFD, ULONG_MAX), 0);
	CHECK_EQ(control(fd, F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_EQ(control(fd, F_SETFD, 0), 0);
	CHECK_EQ(control(fd, F_SETFD, 0x100000001), 0);
	CHECK_EQ(control(fd, F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQ(control(fd, DUP_QUERY, fd), -EINVAL);
}

static void place_descriptors(void)
{
	struct flock lock = { .l_type = F_RDLCK };
	int place;

	check_write_file("f", "text", 0600);
	place = open("f", O_PATH);
	CHECK_EQ(control(place, F_GETFD, 0), 0);
	CHECK_EQ(control(place, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(control(place, F_GETFL, 0), O_PATH);
	CHECK_EQ(control(control(place, F_DUPFD, 30), F_GETFL, 0), O_PATH);
	CHECK_EQ(control(place, F_SETFL, 0), -EBADF);
	CHECK_EQ(control(place, F_GETLK, (long)&lock), -EBADF);
	CHECK_EQ(control(place, F_SETLK, (long)&lock), -EBADF);
	CHECK_EQ(control(place, F_GETOWN, 0), -EBADF);
	CHECK_EQ(control(place, F_SETOWN, getpid()), -EBADF);
	CHECK_EQ(control(place, F_GETSIG, 0), -EBADF);
	CHECK_EQ(control(place, F_GETLEASE, 0), -EBADF);
	CHECK_EQ(control(place, F_NOTIFY, 0), -EBADF);
	CHECK_EQ(control(place, F_GETPIPE_SZ, 0), -EBADF);
	CHECK_EQ(control(place, F_GET_SEALS, 0), -EBADF);
	CHECK_EQ(control(place, 9999, 0), -EBADF);
}

static void flags(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), ends[2], places = O_RDWR | 0100000;	/* O_LARGEFILE */

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(control(fd, F_GETFL, 0), places);
	CHECK_EQ(control(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	CHECK_EQ(control(fd, F_GETFL, 0), places | O_APPEND | O_NONBLOCK);
	CHECK_EQ(control(fd, F_SETFL, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC | O_DIRECTORY | O_CLOEXEC | O_SYNC | O_DSYNC | O_NOFOLLOW), 0);
	CHECK_EQ(control(fd, F_GETFL, 0), places);
	CHECK_EQ(control(fd, F_SETFL, O_NOATIME), 0);
	CHECK_EQ(control(fd, F_GETFL, 0), places | O_NOATIME);
	CHECK_EQ(control(fd, F_SETFL, O_ASYNC), 0);
	CHECK_EQ(control(fd, F_GETFL, 0), places);
	CHECK_EQ(control(ends[0], F_GETFL, 0), O_RDONLY);
	CHECK_EQ(control(ends[1], F_GETFL, 0), O_WRONLY);
	CHECK_EQ(control(ends[1], F_SETFL, O_DIRECT | O_NONBLOCK), 0);
	CHECK_EQ(control(ends[1], F_GETFL, 0), O_WRONLY | O_DIRECT | O_NONBLOCK);
	CHECK_EQ(control(ends[1], F_SETFL, O_APPEND), 0);
	CHECK_EQ(control(ends[1], F_GETFL, 0), O_WRONLY | O_APPEND);
	CHECK_EQ(control(open("f", O_WRONLY | O_SYNC | O_NOCTTY | O_NOFOLLOW | O_DSYNC | O_EXCL), F_GETFL, 0),
		 O_WRONLY | O_SYNC | O_NOFOLLOW | 0100000);
	CHECK_EQ(control(open(".", O_RDONLY | O_DIRECTORY), F_GETFL, 0), O_RDONLY | O_DIRECTORY | 0100000);
	CHECK_EQ(control(open(".", O_TMPFILE | O_RDWR, 0600), F_GETFL, 0), places | O_TMPFILE);
	CHECK_EQ(control(eventfd(0, EFD_NONBLOCK), F_GETFL, 0), O_RDWR | O_NONBLOCK);
	CHECK_EQ(control(epoll_create1(0), F_GETFL, 0), O_RDWR);
	CHECK_EQ(control(memfd_create("m", 0), F_GETFL, 0), places);
	check_write_file("others", "", 0644);
	fd = open("others", O_RDONLY);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_EQ(control(fd, F_SETFL, O_NOATIME | O_APPEND), -EPERM);
	CHECK_EQ(control(fd, F_GETFL, 0), O_RDONLY | 0100000);
}

static long locked(int fd, int command, int type, int whence, long start, long length)
{
	struct flock lock = { .l_type = type, .l_whence = whence, .l_start = start, .l_len = length };

	return control(fd, command, (long)&lock);
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_pid = 1 };
	int fd, reader, ends[2];

	check_write_file("f", "0123456789", 0600);
	fd = open("f", O_RDWR);
	reader = open("f", O_RDONLY);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(lseek(fd, 5, SEEK_SET), 5);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 0), 0);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_CUR, -5, 1), 0);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_CUR, -6, 1), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_END, -10, 1), 0);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_END, -11, 1), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, -1), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, -1), 0);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, -1, 5), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, 3, 0, 0), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, -1, 0, 0), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, 3, SEEK_SET, 0, 0), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, -1, SEEK_SET, 0, 0), -EINVAL);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, LONG_MAX, 1), 0);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, LONG_MAX, 2), -EOVERFLOW);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_CUR, LONG_MAX, 0), -EOVERFLOW);
	CHECK_EQ(locked(fd, F_SETLK, F_UNLCK, SEEK_SET, 1, LONG_MAX), 0);
	CHECK_EQ(locked(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, LONG_MIN), -EINVAL);
	CHECK_EQ(locked(reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 0), -EBADF);
	CHECK_EQ(locked(reader, F_SETLK, F_RDLCK, SEEK_SET, 0, 0), 0);
	CHECK_EQ(locked(open("f", O_WRONLY), F_SETLK, F_RDLCK, SEEK_SET, 0, 0), -EBADF);
	CHECK_EQ(locked(open("f", O_WRONLY), F_GETLK, F_RDLCK, SEEK_SET, 0, 0), 0);
	CHECK_EQ(locked(fd, F_GETLK, F_UNLCK, SEEK_SET, 0, 0), -EINVAL);
	CHECK_EQ(locked(fd, F_GETLK, 7, SEEK_SET, 0, 0), -EINVAL);
	CHECK_EQ(locked(fd, F_OFD_GETLK, F_UNLCK, SEEK_SET, 0, 0), -EINVAL);
	CHECK_EQ(control(fd, F_OFD_SETLK, (long)&lock), -EINVAL);
	CHECK_EQ(control(fd, F_OFD_SETLKW, (long)&lock), -EINVAL);
	CHECK_EQ(control(fd, F_OFD_GETLK, (long)&lock), -EINVAL);
	CHECK_EQ(control(fd, F_SETLK, (long)&lock), 0);
	CHECK_EQ(control(fd, F_SETLK, 8), -EFAULT);
	CHECK_EQ(control(fd, F_GETLK, 0), -EFAULT);
	CHECK_EQ(locked(ends[0], F_SETLK, F_RDLCK, SEEK_SET, 0, 0), 0);
	CHECK_EQ(locked(ends[0], F_SETLK, F_WRLCK, SEEK_SET, 0, 0), -EBADF);
	CHECK_EQ(locked(open(".", O_RDONLY), F_SETLK, F_RDLCK, SEEK_SET, 0, 0), 0);
}

static void owners(void)
{
	struct { int type, pid; } owner = { 0, 0 };
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(control(ends[0], F_GETOWN, 0), 0);
	CHECK_EQ(control(ends[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(control(ends[0], F_GETOWN, 0), getpid());
	CHECK_EQ(control(ends[0], F_SETOWN, -getpgrp()), 0);
	CHECK_EQ(control(ends[0], F_SETOWN, 0), 0);
	CHECK_EQ(control(ends[0], F_GETOWN, 0), 0);
	CHECK_EQ(control(ends[0], F_SETOWN, INT_MIN), -EINVAL);
	CHECK_EQ(control(ends[0], F_SETOWN, INT_MAX), -ESRCH);
	CHECK_EQ(control(ends[0], F_SETOWN, -INT_MAX), -ESRCH);
	CHECK_EQ(control(ends[0], F_SETOWN, 0x100000000 | getpid()), 0);
	CHECK_EQ(control(ends[0], F_SETOWN_EX, (long)&owner), 0);
	owner.type = 3;
	CHECK_EQ(control(ends[0], F_SETOWN_EX, (long)&owner), -EINVAL);
	owner.type = -1;
	CHECK_EQ(control(ends[0], F_SETOWN_EX, (long)&owner), -EINVAL);
	owner.type = F_OWNER_PID, owner.pid = INT_MAX;
	CHECK_EQ(control(ends[0], F_SETOWN_EX, (long)&owner), -ESRCH);
	owner.pid = -1;
	CHECK_EQ(control(ends[0], F_SETOWN_EX, (long)&owner), -ESRCH);
	CHECK_EQ(control(ends[0], F_SETOWN_EX, 8), -EFAULT);
	CHECK_EQ(control(ends[0], F_GETOWN_EX, 8), -EFAULT);
	CHECK_EQ(control(ends[0], F_SETSIG, 65), -EINVAL);
	CHECK_EQ(control(ends[0], F_SETSIG, ULONG_MAX), -EINVAL);
	CHECK_EQ(control(ends[0], F_SETSIG, 64), 0);
	CHECK_EQ(control(ends[0], F_GETSIG, 0), 64);
}

static void leases(void)
{
	int fd, ends[2];

	check_write_file("f", "", 0600);
	fd = open("f", O_RDONLY);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(control(fd, F_GETLEASE, 0), F_UNLCK);
	CHECK_EQ(control(fd, F_SETLEASE, 7), -EINVAL);
	CHECK_EQ(control(fd, F_SETLEASE, F_UNLCK), -EAGAIN);
	CHECK_EQ(control(ends[0], F_SETLEASE, F_RDLCK), -EINVAL);
	CHECK_EQ(control(ends[0], F_GETLEASE, 0), F_UNLCK);
	CHECK_EQ(control(open(".", O_RDONLY), F_SETLEASE, F_RDLCK), -EINVAL);
	CHECK_EQ(control(open(".", O_RDONLY), F_GETLEASE, 0), F_UNLCK);
	CHECK_EQ(control(eventfd(0, 0), F_GETLEASE, 0), F_UNLCK);
}

static void hints(void)
{
	uint64_t hint = 99;
	int fd = open("f", O_RDWR | O_CREAT, 0600), ends[2];

	CHECK_EQ(pipe(ends), 0);
	if (control(fd, GET_RW_HINT, (long)&hint) == -EINVAL)	/* not everywhere, as on older Linuxes */
		return;
	CHECK_EQ(hint, 0);
	CHECK_EQ(control(fd, GET_RW_HINT, 8), -EFAULT);
	hint = 6;
	CHECK_EQ(control(fd, SET_RW_HINT, (long)&hint), -EINVAL);
	hint = 3;
	CHECK_EQ(control(fd, SET_RW_HINT, (long)&hint), 0);
	CHECK_EQ(control(fd, GET_FILE_RW_HINT, (long)&hint), -EINVAL);
	CHECK_EQ(control(fd, SET_FILE_RW_HINT, (long)&hint), -EINVAL);
	hint = 0;
	CHECK_EQ(control(fd, GET_RW_HINT, (long)&hint), 0);
	CHECK_EQ(hint, 3);
}

static void sizes_and_seals(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), ends[2], memory = memfd_create("m", 0), sealable = memfd_create("m", MFD_ALLOW_SEALING);

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(control(fd, F_GETPIPE_SZ, 0), -EBADF);
	CHECK_EQ(control(fd, F_SETPIPE_SZ, 4096), -EBADF);
	CHECK_EQ(control(ends[0], F_GETPIPE_SZ, 0), 65536);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, 0), PAGE);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, 1), PAGE);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, PAGE + 1), 2 * PAGE);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, 0x80000001), -EINVAL);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, -1), -EINVAL);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	CHECK_EQ(control(fd, F_GET_SEALS, 0), F_SEAL_SEAL);
	CHECK_EQ(control(ends[0], F_GET_SEALS, 0), -EINVAL);
	CHECK_EQ(control(fd, F_ADD_SEALS, F_SEAL_WRITE), -EPERM);
	CHECK_EQ(control(ends[1], F_ADD_SEALS, F_SEAL_WRITE), -EINVAL);
	CHECK_EQ(control(memory, F_GET_SEALS, 0), F_SEAL_SEAL);
	CHECK_EQ(control(memory, F_ADD_SEALS, F_SEAL_WRITE), -EPERM);
	CHECK_EQ(control(sealable, F_GET_SEALS, 0), 0);
	CHECK_EQ(control(sealable, F_ADD_SEALS, 0x20), -EINVAL);
	CHECK_EQ(control(sealable, F_ADD_SEALS, 0x100000001), -EINVAL);
	CHECK_EQ(control(sealable, F_ADD_SEALS, 0), 0);
	CHECK_EQ(control(sealable, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL), 0);
	CHECK_EQ(control(sealable, F_ADD_SEALS, 0), -EPERM);
	CHECK_EQ(control(sealable, F_GET_SEALS, 0), F_SEAL_GROW | F_SEAL_SEAL);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, 2 << 20), -EPERM);
	CHECK_EQ(control(ends[0], F_SETPIPE_SZ, 64 << 10), 65536);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(descriptors), CASE(place_descriptors), CASE(flags), CASE(locks), CASE(owners), CASE(leases), CASE(hints), CASE(sizes_and_seals),
		{ NULL, NULL },
	};

	return check_main("fcntls", cases, argc, argv);
}
