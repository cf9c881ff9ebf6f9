/* SPDX-License-Identifier: MIT */
/* Locks on files (fcntl, open-file, flock), and the calls on descriptors and files that the other programs leave out. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANDATORY = 32, READERS_MAY = 64 };	/* LOCK_MAND and LOCK_READ, which musl does not name */

static int lock(int fd, int command, int type, off_t start, off_t len)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, command, &lock);
}

/* Who holds what stands in the way of a write lock there: type, start and length in one number, or -1. */
static long holder(int fd, off_t start, off_t len, pid_t *pid)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	if (fcntl(fd, F_GETLK, &lock))
		return -1;
	*pid = lock.l_type == F_UNLCK ? 0 : lock.l_pid;
	return lock.l_type == F_UNLCK ? 0 : lock.l_type * 1000000 + lock.l_start * 1000 + lock.l_len;
}

static void see_locks(void *argument)
{
	(void)argument;
	int fd = open("f", O_RDWR);
	pid_t pid = -1;

	CHECK_EQ(holder(fd, 0, 0, &pid), F_WRLCK * 1000000 + 10 * 1000 + 5);
	CHECK_EQ(pid, getppid());
	CHECK_EQ(holder(fd, 15, 5, &pid), F_RDLCK * 1000000 + 15 * 1000 + 5);
	CHECK_EQ(holder(fd, 0, 10, &pid), 0);
	CHECK_EQ(holder(fd, 25, 0, &pid), 0);
	CHECK_ERR(lock(fd, F_SETLK, F_WRLCK, 12, 1), EAGAIN);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 12, 1), EAGAIN);
	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 16, 1), 0);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 30, 0), 0);
}

static void see_last_byte(void *unused)
{
	struct flock asked = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)unused;
	CHECK_EQ(fcntl(open("f", O_RDWR), F_GETLK, &asked), 0);
	CHECK_EQ(asked.l_start, INT64_MAX - 1);
	CHECK_EQ(asked.l_len, 0);
}

static void record_locks_split_and_show(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644), other;

	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 10, 15), 0);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 10, 5), 0);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 20, 5), 0);
	CHECK_EQ(check_child(see_locks, NULL), 0);
	/* Closing any descriptor of the file drops the process's locks on it. */
	other = open("f", O_RDONLY);
	CHECK_EQ(close(other), 0);
	pid_t child = fork();

	if (!child) {
		pid_t pid;

		_exit(holder(open("f", O_RDWR), 0, 0, &pid) != 0);
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_ERR(lock(open("f", O_RDONLY), F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERR(lock(fd, F_SETLK, 77, 0, 1), EINVAL);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, INT64_MAX, 2), EOVERFLOW);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 3, -4), EINVAL);
	/* What is asked for is looked at before the range. */
	CHECK_ERR(lock(fd, F_GETLK, F_UNLCK, INT64_MAX, 2), EINVAL);
	/* There is no byte behind the last one. */
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, INT64_MAX - 1, 2), 0);
	CHECK_EQ(check_child(see_last_byte, NULL), 0);
}

static void nothing(int signal)
{
	(void)signal;
}

static void hold_then_exit(void *argument)
{
	int *pipes = argument, fd = open("f", O_RDWR);
	char byte;

	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
	write(pipes[1], "x", 1);
	read(pipes[2], &byte, 1);
	check_state(getppid(), 'S', 20000);
}

static void waiting_for_a_lock(void)
{
	struct sigaction action = { .sa_handler = nothing };
	int fd = open("f", O_CREAT | O_RDWR, 0644), pipes[4];
	char byte;
	pid_t child;

	pipe(pipes);
	pipe(pipes + 2);
	child = check_spawn(hold_then_exit, pipes);
	CHECK_EQ(read(pipes[0], &byte, 1), 1);
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 50000);	/* again and again: the first may come before it waits */
	CHECK_ERR(lock(fd, F_SETLKW, F_WRLCK, 0, 0), EINTR);
	ualarm(0, 0);
	write(pipes[3], "x", 1);
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, 0, 0), 0);
	CHECK_EQ(check_wait(child), 0);
}

static volatile int *asks;

static void take_second_then_first(void *argument)
{
	int *pipes = argument, fd = open("f", O_RDWR);
	char byte;

	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 1, 1), 0);
	write(pipes[1], "x", 1);
	read(pipes[2], &byte, 1);
	*asks = 1;
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, 0, 1), 0);
}

static void deadlock_is_noticed(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644), pipes[4];
	pid_t child;
	char byte;

	pipe(pipes);
	pipe(pipes + 2);
	asks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
	child = check_spawn(take_second_then_first, pipes);
	read(pipes[0], &byte, 1);
	write(pipes[3], "x", 1);
	CHECK(check_await(asks, 20000) && check_state(child, 'S', 20000));
	CHECK_ERR(lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 0, 1), 0);
	CHECK_EQ(check_wait(child), 0);
}

static void open_file_locks(void)
{
	struct flock probe = { .l_type = F_WRLCK };
	int a = open("f", O_CREAT | O_RDWR, 0644), b = open("f", O_RDWR), c = dup(a);

	CHECK_EQ(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
	CHECK_ERR(lock(b, F_OFD_SETLK, F_WRLCK, 5, 10), EAGAIN);
	CHECK_EQ(lock(c, F_OFD_SETLK, F_WRLCK, 5, 10), 0);
	CHECK_EQ(fcntl(b, F_OFD_GETLK, &probe), 0);
	CHECK_EQ(probe.l_type, F_WRLCK);
	CHECK_EQ(probe.l_pid, -1);
	CHECK_EQ(probe.l_len, 15);
	/* A process lock and an open-file lock are strangers to each other. */
	CHECK_ERR(lock(a, F_SETLK, F_WRLCK, 0, 1), EAGAIN);
	close(a);
	CHECK_ERR(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
	close(c);
	CHECK_EQ(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1), 0);
	probe.l_pid = 7;
	CHECK_ERR(fcntl(b, F_OFD_SETLK, &probe), EINVAL);
}

static void whole_file_locks(void)
{
	int a = open("f", O_CREAT | O_RDWR, 0644), b = open("f", O_RDONLY), c = dup(a);

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_ERR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(b, LOCK_UN), 0);
	CHECK_EQ(flock(c, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(lock(a, F_SETLK, F_WRLCK, 0, 0), 0);
	close(a);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(c);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_EX), EINVAL);
	CHECK_ERR(flock(999, LOCK_SH), EBADF);
	/* Mandatory ones: nobody has them, nor asks what for. */
	CHECK_EQ(flock(999, MANDATORY | READERS_MAY), 0);
}

static void close_ranges(void)
{
	int base = dup(0), i;

	for (i = 0; i < 100; i++)
		dup2(0, base + i);
	CHECK_EQ(syscall(SYS_close_range, base + 10, base + 19, 0), 0);
	CHECK_ERR(fcntl(base + 10, F_GETFD), EBADF);
	CHECK_ERR(fcntl(base + 19, F_GETFD), EBADF);
	CHECK_EQ(fcntl(base + 20, F_GETFD), 0);
	CHECK_EQ(syscall(SYS_close_range, base + 20, ~0u, 4), 0);
	CHECK_EQ(fcntl(base + 20, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(base + 9, F_GETFD), 0);
	CHECK_EQ(dup(0), base + 10);
	CHECK_ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_close_range, 0, 4, 64), EINVAL);
	CHECK_EQ(fcntl(0, F_DUPFD, base + 500), base + 500);
	CHECK_EQ(fcntl(0, F_DUPFD_CLOEXEC, base + 500), base + 501);
	CHECK_EQ(fcntl(base + 501, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(syscall(SYS_close_range, base, ~0u, 0), 0);
}

static void pipe_sizes(void)
{
	static char data[65536], back[65536];
	int fds[2], size;

	pipe2(fds, O_NONBLOCK);
	CHECK_EQ(fcntl(fds[0], F_GETPIPE_SZ), 65536);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7;
	CHECK_EQ(write(fds[1], data, 5000), 5000);
	CHECK_EQ(read(fds[0], back, 3000), 3000);
	CHECK_EQ(fcntl(fds[1], F_SETPIPE_SZ, 8192), 8192);
	CHECK_EQ(ioctl(fds[0], FIONREAD, &size), 0);
	CHECK_EQ(size, 2000);
	CHECK_EQ(fcntl(fds[1], F_SETPIPE_SZ, 100000), 131072);
	CHECK_EQ(write(fds[1], data + 5000, 50000), 50000);
	CHECK_ERR(fcntl(fds[1], F_SETPIPE_SZ, 16384), EBUSY);
	CHECK_EQ(read(fds[0], back + 3000, 60000), 52000);
	CHECK_EQ(memcmp(data, back, 55000), 0);
	CHECK_ERR(fcntl(0, F_GETPIPE_SZ), EBADF);
	CHECK_ERR(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(pread(fds[0], back, 1, 0), ESPIPE);
}

static void space_and_advice(void)
{
	struct stat st;
	char byte = 'x', text[10];
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	CHECK_EQ(fallocate(fd, 0, 100, 5000), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 5100);
	CHECK_EQ(st.st_blocks >= 8, 1);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000), 0);
	fstat(fd, &st);
	CHECK_EQ(st.st_size, 5100);
	CHECK_ERR(fallocate(fd, 0, -1, 10), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(open("f", O_RDONLY), 0, 0, 10), EBADF);
	CHECK_EQ(pwrite(fd, &byte, 1, 5099), 1);
	CHECK_EQ(pread(fd, text, 10, 5095), 5);
	CHECK_EQ(text[4], 'x');
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), 0);
	CHECK_EQ(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL), EINVAL);
	CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
	CHECK_EQ(readahead(fd, 0, 100000), 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
	CHECK_EQ(syncfs(fd), 0);
	sync();
}

static void owners_and_leases(void)
{
	int fds[2], fd = open("f", O_CREAT | O_RDWR, 0644);

	pipe(fds);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_EQ(fcntl(fds[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), getpid());
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK_EQ(fcntl(fds[0], F_GETLEASE), F_UNLCK);
	CHECK_EQ(fcntl(open(".", O_RDONLY), F_GETLEASE), F_UNLCK);
	CHECK_ERR(fcntl(fds[0], F_SETLEASE, F_RDLCK), EINVAL);
	CHECK_ERR(fcntl(fd, 12345), EINVAL);
	CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE), O_APPEND | O_NONBLOCK | O_RDWR);
}

static void inherited_groups(void)
{
	struct stat st;
	int fd;

	if (geteuid())
		return;
	umask(0);
	mkdir("d", 0755);
	CHECK_EQ(chown("d", 5, 77), 0);
	CHECK_EQ(chmod("d", 02755), 0);
	CHECK_EQ(mkdir("d/sub", 0700), 0);
	CHECK_EQ(stat("d/sub", &st), 0);
	CHECK_EQ(st.st_gid, 77);
	CHECK_EQ(st.st_mode & 07777, 02700);
	close(open("d/file", O_CREAT | O_WRONLY, 0644));
	CHECK_EQ(stat("d/file", &st), 0);
	CHECK_EQ(st.st_gid, 77);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(chmod("d/file", 06755), 0);
	CHECK_EQ(chown("d/file", 3, 3), 0);
	CHECK_EQ(stat("d/file", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0755);
	chmod("d/file", 06777);
	if (!fork()) {
		setgid(9);
		setuid(9);
		fd = open("d/file", O_WRONLY);
		_exit(write(fd, "x", 1) != 1);
	}
	CHECK_EQ(check_wait(-1), 0);
	CHECK_EQ(stat("d/file", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0777);
}

static void sticky_directories(void)
{
	if (geteuid())
		return;
	umask(0);
	mkdir("s", 01777);
	chmod("s", 01777);
	close(open("s/root", O_CREAT | O_WRONLY, 0666));
	chmod(".", 0755);
	if (!fork()) {
		setgid(9);
		setuid(9);
		CHECK_ERR(unlink("s/root"), EPERM);
		CHECK_ERR(rename("s/root", "s/other"), EPERM);
		close(open("s/mine", O_CREAT | O_WRONLY, 0666));
		CHECK_ERR(rename("s/mine", "s/root"), EPERM);
		CHECK_EQ(rename("s/mine", "s/mine2"), 0);
		CHECK_EQ(unlink("s/mine2"), 0);
		CHECK_ERR(open("s/root", O_RDONLY | O_NOATIME), EPERM);
		CHECK_ERR(chmod("s/root", 0600), EPERM);
		CHECK_ERR(chown("s/root", 9, 9), EPERM);
		CHECK_ERR(truncate("s", 0), EISDIR);
		_exit(0);
	}
	CHECK_EQ(check_wait(-1), 0);
}

static void open_errors(void)
{
	mkdir("d", 0755);
	symlink("loop", "loop");
	symlink("target", "dangling");
	check_write_file("file", "text", 0644);
	CHECK_ERR(open("d", O_WRONLY), EISDIR);
	CHECK_ERR(open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("new/", O_WRONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("file/", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("loop", O_RDONLY), ELOOP);
	CHECK_ERR(open("dangling", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERR(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_EQ(open("dangling", O_WRONLY | O_CREAT, 0644) >= 0, 1);
	CHECK_EQ(access("target", F_OK), 0);
	CHECK_ERR(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(openat(open("file", O_RDONLY), "x", O_RDONLY), ENOTDIR);
	CHECK_ERR(openat(999, "x", O_RDONLY), EBADF);
	CHECK_ERR(ftruncate(open("file", O_RDONLY), 0), EINVAL);
	CHECK_ERR(read(open("d", O_RDONLY), &(char){ 0 }, 1), EISDIR);
	CHECK_ERR(write(open("file", O_RDONLY), "x", 1), EBADF);
	CHECK_ERR(read(open("file", O_PATH), &(char){ 0 }, 1), EBADF);
	CHECK_ERR(fsync(open("file", O_PATH)), EBADF);
}

static void sendfile_moves_data(void)
{
	static char data[100000], back[100000];
	int in = open("in", O_CREAT | O_RDWR, 0644), out = open("out", O_CREAT | O_RDWR, 0644);
	off_t at = 500;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 13;
	write(in, data, sizeof(data));
	CHECK_EQ(sendfile(out, in, &at, 1 << 20), sizeof(data) - 500);
	CHECK_EQ(at, sizeof(data));
	CHECK_EQ(lseek(in, 0, SEEK_CUR), sizeof(data));
	CHECK_EQ(pread(out, back, sizeof(back), 0), sizeof(data) - 500);
	CHECK_EQ(memcmp(back, data + 500, sizeof(data) - 500), 0);
	lseek(in, 10, SEEK_SET);
	CHECK_EQ(sendfile(out, in, NULL, 100), 100);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 110);
	CHECK_ERR(sendfile(in, 999, NULL, 1), EBADF);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(record_locks_split_and_show), CASE(waiting_for_a_lock), CASE(deadlock_is_noticed), CASE(open_file_locks),
		CASE(whole_file_locks), CASE(close_ranges), CASE(pipe_sizes), CASE(space_and_advice), CASE(owners_and_leases),
		CASE(inherited_groups), CASE(sticky_directories), CASE(open_errors), CASE(sendfile_moves_data), { NULL, NULL },
	};

	return check_main("locks", cases, argc, argv);
}
