/* SPDX-License-Identifier: MIT */
/* Descriptors that fork does not pass on, what /proc tells about descriptors, and native handles, which Linux has none of. */
#include "check.h"
#include "raeen/handles.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGH = 700 };	/* beyond the first arrays of a table */

static char info[4096];

static const char *read_info(pid_t pid, int fd)
{
	char path[64];
	ssize_t length;
	int file;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	length = read(file, info, sizeof info - 1);
	info[length < 0 ? 0 : length] = '\0';
	close(file);
	return info;
}

static void info_of_files(void)
{
	int fd;

	check_write_file("file", "0123456789", 0600);
	fd = open("file", O_RDWR | O_APPEND);
	CHECK_EQ(lseek(fd, 7, SEEK_SET), 7);
	CHECK(strstr(read_info(getpid(), fd), "pos:\t7\n"));
	CHECK(strstr(info, "flags:\t0102002\n"));
	CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	CHECK(strstr(read_info(getpid(), fd), "flags:\t02102002\n"));
	CHECK(strstr(info, "ino:\t"));
	CHECK(!strstr(info, "kind:") && !strstr(info, "rights:"));
	/* The flag is the descriptor's, not the file's. */
	CHECK_EQ(dup2(fd, 50), 50);
	CHECK(strstr(read_info(getpid(), 50), "flags:\t0102002\n"));
	close(fd);
	CHECK_STR(read_info(getpid(), fd), "");
}

/* ---- Close on fork ---- */

static void has_only(void *argument)
{
	const int *fds = argument;

	CHECK_EQ(fcntl(fds[0], F_GETFD), 0);
	CHECK_ERR(fcntl(fds[1], F_GETFD), EBADF);
	CHECK_ERR(fcntl(HIGH, F_GETFD), EBADF);
	CHECK_EQ(fcntl(HIGH + 1, F_GETFD), FD_CLOEXEC);
	/* The numbers are free. */
	CHECK_EQ(dup(fds[0]), fds[1]);
	CHECK_EQ(fcntl(fds[1], F_GETFD), 0);
	CHECK(!strstr(read_info(getpid(), HIGH), "pos"));
}

static void not_inherited(void)
{
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(dup2(fds[1], HIGH), HIGH);
	CHECK_EQ(fcntl(fds[1], F_SETFD, FD_CLOFORK), 0);
	CHECK_EQ(fcntl(fds[1], F_GETFD), FD_CLOFORK);
	CHECK_EQ(fcntl(HIGH, F_SETFD, FD_CLOFORK | FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(HIGH, F_GETFD), FD_CLOFORK | FD_CLOEXEC);
	CHECK_EQ(fcntl(fds[0], F_DUPFD_CLOEXEC, HIGH + 1), HIGH + 1);
	CHECK(strstr(read_info(getpid(), fds[1]), "clofork:\t1\n"));
	CHECK_EQ(check_child(has_only, fds), 0);
	CHECK_EQ(fcntl(fds[1], F_GETFD), FD_CLOFORK);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	/* Other ways to fork. */
	CHECK_EQ(fcntl(fds[1], F_SETFD, 0), 0);
	CHECK(!strstr(read_info(getpid(), fds[1]), "clofork"));
	CHECK_EQ(fcntl(fds[1], F_SETFD, FD_CLOFORK), 0);
	pid_t pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		CHECK_ERR(fcntl(fds[1], F_GETFD), EBADF);
		_exit(0);
	}
	CHECK_EQ(check_wait(pid), 0);
	pid = vfork();
	if (!pid)
		_exit(fcntl(fds[1], F_GETFD) < 0 && errno == EBADF ? 0 : 1);
	CHECK_EQ(check_wait(pid), 0);
}

/* A table that two processes share is no copy. */
static void shared_table_keeps_them(void)
{
	int fds[2];
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(fcntl(fds[1], F_SETFD, FD_CLOFORK), 0);
	pid = syscall(SYS_clone, SIGCHLD | CLONE_FILES, 0, 0, 0, 0);
	if (!pid)
		_exit(fcntl(fds[1], F_GETFD) == FD_CLOFORK ? 0 : 1);
	CHECK_EQ(check_wait(pid), 0);
	/* Nor is leaving a shared table a fork: neither by close_range nor by exec. */
	pid = syscall(SYS_clone, SIGCHLD | CLONE_FILES, 0, 0, 0, 0);
	if (!pid) {
		CHECK_EQ(syscall(SYS_close_range, HIGH, ~0u, 2 /* CLOSE_RANGE_UNSHARE */), 0);
		CHECK_EQ(fcntl(fds[1], F_GETFD), FD_CLOFORK);
		_exit(0);
	}
	CHECK_EQ(check_wait(pid), 0);
	pid = syscall(SYS_clone, SIGCHLD | CLONE_FILES, 0, 0, 0, 0);
	if (!pid) {
		char command[64];

		snprintf(command, sizeof command, "echo >&%d", fds[1]);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	CHECK_EQ(check_wait(pid), 0);
	CHECK_EQ(read(fds[0], info, sizeof info), 1);
}

/* What changes numbers changes or clears the flag. */
static void flag_follows_the_number(void)
{
	int fds[2], copy;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(fcntl(fds[1], F_SETFD, FD_CLOFORK), 0);
	copy = dup(fds[1]);
	CHECK_EQ(fcntl(copy, F_GETFD), 0);
	CHECK_EQ(dup2(fds[0], fds[1]), fds[1]);
	CHECK_EQ(fcntl(fds[1], F_GETFD), 0);
	CHECK_EQ(fcntl(copy, F_SETFD, FD_CLOFORK), 0);
	CHECK_EQ(ioctl(copy, FIOCLEX), 0);
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOFORK | FD_CLOEXEC);
	CHECK_EQ(ioctl(copy, FIONCLEX), 0);
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOFORK);
	CHECK_EQ(syscall(SYS_close_range, copy, copy, 4 /* CLOSE_RANGE_CLOEXEC */), 0);
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOFORK | FD_CLOEXEC);
	CHECK_EQ(close(copy), 0);
	CHECK_EQ(open("/dev/null", O_RDONLY), copy);
	CHECK_EQ(fcntl(copy, F_GETFD), 0);
	/* Growing the table keeps it. */
	CHECK_EQ(fcntl(copy, F_SETFD, FD_CLOFORK), 0);
	CHECK_EQ(dup2(fds[0], HIGH), HIGH);
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOFORK);
	CHECK_EQ(fcntl(HIGH, F_GETFD), 0);
}

/* As fcntl answers where nobody knows the flag. */
static void linux_ignores_the_flag(void)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOFORK), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(info_of_files), CASE(not_inherited), CASE(shared_table_keeps_them), CASE(flag_follows_the_number), { NULL, NULL }
	};
	static const struct check_case on_linux[] = { CASE(info_of_files), CASE(linux_ignores_the_flag), { NULL, NULL } };
	struct utsname name;

	if (uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0)
		return check_main("handles", on_linux, argc, argv);
	return check_main("handles", cases, argc, argv);
}
