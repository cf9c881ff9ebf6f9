/* SPDX-License-Identifier: MIT */
#include "held_locks.h"
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* Where in its file a range is locked; the byte before it is free. */
enum { START = 100, LENGTH = 50 };

enum { RECORD, OPEN_FILE, WHOLE, KINDS };

static const char *const files[KINDS] = { "locked-record", "locked-open-file", "locked-whole" };

static int lock(int fd, int command, off_t start, off_t length)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

	return fcntl(fd, command, &range);
}

void held_locks_take(void)
{
	int fds[KINDS];

	for (int i = 0; i < KINDS; i++)
		CHECK((fds[i] = open(files[i], O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0);
	CHECK_EQ(lock(fds[RECORD], F_SETLK, START, LENGTH), 0);
	CHECK_EQ(lock(fds[OPEN_FILE], F_OFD_SETLK, START, LENGTH), 0);
	CHECK_EQ(flock(fds[WHOLE], LOCK_EX | LOCK_NB), 0);
}

/* @set is refused where it conflicts, @get tells with what: a range of @owner's. */
static void check_range(const char *file, int set, int get, pid_t owner)
{
	struct flock found = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(file, O_RDWR);

	CHECK(fd >= 0);
	CHECK_ERR(lock(fd, set, START + LENGTH - 1, 10), EAGAIN);
	CHECK_EQ(lock(fd, set, START - 1, 1), 0);
	CHECK_EQ(fcntl(fd, get, &found), 0);
	CHECK_EQ(found.l_type, F_WRLCK);
	CHECK_EQ(found.l_pid, owner);
	CHECK_EQ(found.l_start, START);
	CHECK_EQ(found.l_len, LENGTH);
	close(fd);
}

static void check_all(void *argument)
{
	int fd;

	(void)argument;
	check_range(files[RECORD], F_SETLK, F_GETLK, getppid());
	check_range(files[OPEN_FILE], F_OFD_SETLK, F_OFD_GETLK, -1);
	CHECK((fd = open(files[WHOLE], O_RDWR)) >= 0);
	CHECK_ERR(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_ERR(flock(fd, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(fd);
}

void held_locks_check(void)
{
	CHECK_EQ(check_child(check_all, NULL), 0);
}
