/* SPDX-License-Identifier: MIT */
/* Descriptors that fork does not pass on, what /proc tells about descriptors, and native handles, which Linux has none of. */
#include "check.h"
#include "leak.h"
#include "raeen/handles.h"
#include "raeen/ipc.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* ---- Native handles ---- */

enum { SYS_PORT_CREATE = 1024, SYS_HANDLE_DUP = 1040, SYS_SHMEM_CREATE, SYS_SHMEM_MAP, SYS_HANDLE_INFO, PAGE = 4096 };

static long dup_handle(int fd, unsigned rights)
{
	return syscall(SYS_HANDLE_DUP, fd, rights, 0ul);
}

static void *map(int fd, size_t offset, size_t len, unsigned prot)
{
	return (void *)syscall(SYS_SHMEM_MAP, fd, 0ul, offset, len, prot, 0u);
}

static struct handle_info info_of(int fd)
{
	struct handle_info answer = { 77, 77, 77 };

	CHECK_EQ(syscall(SYS_HANDLE_INFO, fd, &answer), 0);
	return answer;
}

static void shared_memory(void)
{
	int fd = syscall(SYS_SHMEM_CREATE, 3 * PAGE - 5, 0u), other;
	char wanted[64], *memory, *second, *place;
	struct handle_info first;
	struct stat status;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC | FD_CLOFORK);
	first = info_of(fd);
	CHECK_EQ(first.kind, HANDLE_SHMEM);
	CHECK_EQ(first.rights, HANDLE_READ | HANDLE_WRITE | HANDLE_MAP | HANDLE_DUP);
	snprintf(wanted, sizeof wanted, "kind:\tshmem\nobject:\t%llu\n", (unsigned long long)first.object);
	CHECK(strstr(read_info(getpid(), fd), wanted));
	CHECK(strstr(info, "rights:\tREAD WRITE MAP DUP\n"));
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_size, 3 * PAGE);
	other = syscall(SYS_SHMEM_CREATE, 1ul, 0u);
	CHECK(info_of(other).object != first.object);

	memory = map(fd, 0, 3 * PAGE, PROT_READ | PROT_WRITE);
	CHECK(memory != MAP_FAILED);
	CHECK_EQ(memory[3 * PAGE - 1], 0);
	strcpy(memory + PAGE, "shared");
	second = map(fd, PAGE, PAGE, PROT_READ);
	CHECK_STR(second, "shared");
	CHECK_EQ(close(fd), 0);
	CHECK_STR(second, "shared");
	/* A child has the mapping, not the handle. */
	pid_t pid = fork();

	if (!pid) {
		CHECK_ERR(fcntl(other, F_GETFD), EBADF);
		strcpy(memory + PAGE, "by the child");
		_exit(0);
	}
	CHECK_EQ(check_wait(pid), 0);
	CHECK_STR(second, "by the child");
	place = (char *)syscall(SYS_SHMEM_MAP, other, memory, 0ul, (size_t)PAGE, PROT_READ, MAP_FIXED | MAP_POPULATE);
	CHECK(place == memory);
	CHECK_EQ(memory[0], 0);
	CHECK_ERR(syscall(SYS_SHMEM_MAP, other, memory, 0ul, (size_t)PAGE, PROT_READ, MAP_FIXED_NOREPLACE), EEXIST);
}

static void rights_shrink(void)
{
	int full = syscall(SYS_SHMEM_CREATE, 2ul * PAGE, 0u), reader, no_map, writer;
	char *memory, *view;

	memory = map(full, 0, PAGE, PROT_READ | PROT_WRITE);
	strcpy(memory, "text");
	reader = dup_handle(full, HANDLE_READ | HANDLE_MAP | HANDLE_DUP);
	CHECK(reader >= 0);
	CHECK_EQ(fcntl(reader, F_GETFD), FD_CLOEXEC | FD_CLOFORK);
	CHECK_EQ(info_of(reader).rights, HANDLE_READ | HANDLE_MAP | HANDLE_DUP);
	CHECK_EQ(info_of(reader).object, info_of(full).object);
	CHECK_EQ(info_of(full).rights, HANDLE_READ | HANDLE_WRITE | HANDLE_MAP | HANDLE_DUP);
	view = map(reader, 0, PAGE, PROT_READ);
	CHECK_STR(view, "text");
	CHECK_ERR((long)map(reader, 0, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_ERR((long)map(reader, 0, PAGE, PROT_WRITE), EACCES);
	CHECK_ERR(mprotect(view, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_ERR((long)map(full, 0, PAGE, PROT_READ | PROT_EXEC), EACCES);
	CHECK_ERR(mprotect(memory, PAGE, PROT_READ | PROT_EXEC), EACCES);
	/* None comes back. */
	CHECK_ERR(dup_handle(reader, HANDLE_READ | HANDLE_WRITE | HANDLE_MAP), EPERM);
	CHECK_ERR(dup_handle(full, 1u << 31), EPERM);
	CHECK_ERR(dup_handle(full, HANDLE_PLACE | HANDLE_READ), EPERM);
	no_map = dup_handle(reader, HANDLE_READ);
	CHECK_ERR((long)map(no_map, 0, PAGE, PROT_READ), EACCES);
	CHECK_ERR((long)map(no_map, 0, PAGE, PROT_NONE), EACCES);
	CHECK_ERR(dup_handle(no_map, HANDLE_READ), EPERM);	/* that takes DUP */
	CHECK(strstr(read_info(getpid(), no_map), "rights:\tREAD\n"));
	writer = dup_handle(full, HANDLE_WRITE | HANDLE_MAP);
	CHECK_ERR((long)map(writer, 0, PAGE, PROT_WRITE), EACCES);	/* what is written can be read */
	CHECK_EQ(fcntl(dup(reader), F_GETFD), 0);
	CHECK_EQ(info_of(dup(reader)).rights, HANDLE_READ | HANDLE_MAP | HANDLE_DUP);
}

static void refused(void)
{
	int fd = syscall(SYS_SHMEM_CREATE, 2ul * PAGE, 0u), null = open("/dev/null", O_RDWR);
	struct rlimit limit = { 0, 0 };

	CHECK_ERR(syscall(SYS_SHMEM_CREATE, 0ul, 0u), EINVAL);
	CHECK_ERR(syscall(SYS_SHMEM_CREATE, 1ul, 1u), EINVAL);
	CHECK_ERR(syscall(SYS_SHMEM_CREATE, ~0ul, 0u), ENOMEM);
	CHECK_ERR(syscall(SYS_SHMEM_CREATE, 1ul << 46, 0u), ENOMEM);
	CHECK_ERR((long)map(fd, 0, 0, PROT_READ), EINVAL);
	CHECK_ERR((long)map(fd, 1, PAGE, PROT_READ), EINVAL);
	CHECK_ERR((long)map(fd, 0, 5, PROT_READ), EINVAL);
	CHECK_ERR((long)map(fd, 0, 3 * PAGE, PROT_READ), EINVAL);
	CHECK_ERR((long)map(fd, 2 * PAGE, PAGE, PROT_READ), EINVAL);
	CHECK_ERR((long)map(fd, PAGE, -(size_t)PAGE, PROT_READ), EINVAL);
	CHECK_ERR((long)map(fd, 0, PAGE, 8), EINVAL);
	CHECK_ERR(syscall(SYS_SHMEM_MAP, fd, 0ul, 0ul, (size_t)PAGE, PROT_READ, MAP_PRIVATE), EINVAL);
	CHECK_ERR(syscall(SYS_SHMEM_MAP, fd, 5ul, 0ul, (size_t)PAGE, PROT_READ, MAP_FIXED), EINVAL);
	CHECK_ERR((long)map(null, 0, PAGE, PROT_READ), EINVAL);
	CHECK_ERR((long)map(99, 0, PAGE, PROT_READ), EBADF);
	CHECK_ERR(ftruncate(fd, PAGE), EINVAL);
	CHECK_ERR(write(fd, "x", 1), EINVAL);
	CHECK_ERR(read(fd, info, 1), EINVAL);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	CHECK_ERR(dup_handle(fd, 0), EINVAL);
	CHECK_ERR(dup_handle(null, HANDLE_READ), EINVAL);
	CHECK_ERR(dup_handle(99, HANDLE_READ), EBADF);
	CHECK_ERR(syscall(SYS_HANDLE_DUP, fd, HANDLE_READ, 1ul), EINVAL);
	CHECK_ERR(syscall(SYS_HANDLE_INFO, fd, 8), EFAULT);
	CHECK_ERR(syscall(SYS_HANDLE_INFO, 99, info), EBADF);
	CHECK_EQ(info_of(null).kind, HANDLE_FILE);
	CHECK_EQ(info_of(null).rights, HANDLE_READ | HANDLE_WRITE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_ERR(syscall(SYS_SHMEM_CREATE, 1ul, 0u), EMFILE);
	CHECK_ERR(dup_handle(fd, HANDLE_READ), EMFILE);
}

/* Ports, as far as they are handles. */
static void ports(void)
{
	int all = syscall(SYS_PORT_CREATE, 0ul, 0u), kept = syscall(SYS_PORT_CREATE, 0ul, PORT_KEEP), send, other, file;
	char link[64], path[64];

	CHECK_EQ(fcntl(all, F_GETFD), FD_CLOEXEC | FD_CLOFORK);
	CHECK_EQ(fcntl(kept, F_GETFD), 0);
	CHECK_EQ(info_of(all).kind, HANDLE_PORT);
	CHECK_EQ(info_of(all).rights, PORT_RIGHTS);
	CHECK(info_of(all).object != info_of(kept).object);
	CHECK(strstr(read_info(getpid(), all), "kind:\tport\n"));
	CHECK(strstr(info, "rights:\tSEND RECV NOTIFY DUP MANAGE\n"));
	snprintf(path, sizeof path, "/proc/self/fd/%d", all);
	CHECK_EQ(readlink(path, link, sizeof link), strlen("port:[unnamed]"));
	send = dup_handle(all, PORT_SEND | PORT_DUP);
	CHECK_EQ(fcntl(send, F_GETFD), FD_CLOEXEC | FD_CLOFORK);
	CHECK_EQ(info_of(send).object, info_of(all).object);
	CHECK_EQ(info_of(send).rights, PORT_SEND | PORT_DUP);
	CHECK_ERR(dup_handle(send, PORT_SEND | PORT_NOTIFY), EPERM);
	CHECK_ERR(dup_handle(all, PORT_RECV), EPERM);	/* there is one only */
	CHECK_ERR(dup_handle(all, PORT_RIGHTS), EPERM);
	/* Badges come from who receives or manages. */
	CHECK_ERR(syscall(SYS_HANDLE_DUP, send, PORT_SEND, 5ul), EPERM);
	other = syscall(SYS_HANDLE_DUP, all, PORT_SEND | PORT_DUP, 5ul);
	CHECK(other >= 0);
	CHECK_ERR(syscall(SYS_HANDLE_DUP, other, PORT_SEND, 6ul), EPERM);
	CHECK(dup_handle(other, PORT_SEND) >= 0);
	CHECK_ERR(dup_handle(dup_handle(all, PORT_SEND), PORT_SEND), EPERM);
	file = syscall(SYS_PORT_CREATE, "handles.test", 0u);
	CHECK(file >= 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	CHECK_EQ(readlink(path, link, sizeof link), strlen("port:[handles.test]"));
}

/* Whatever way it goes, all memory comes back. */
static void nothing_stays(void)
{
	struct leak_mark mark;

	CHECK_EQ(check_child((void (*)(void *))rights_shrink, NULL), 0);
	CHECK_EQ(check_child((void (*)(void *))ports, NULL), 0);
	leak_mark(&mark);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(check_child((void (*)(void *))shared_memory, NULL), 0);
		CHECK_EQ(check_child((void (*)(void *))rights_shrink, NULL), 0);
		CHECK_EQ(check_child((void (*)(void *))refused, NULL), 0);
		CHECK_EQ(check_child((void (*)(void *))ports, NULL), 0);
	}
	leak_check(&mark, "handles");
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
		CASE(info_of_files), CASE(not_inherited), CASE(shared_table_keeps_them), CASE(flag_follows_the_number), CASE(shared_memory),
		CASE(rights_shrink), CASE(refused), CASE(ports), CASE(nothing_stays), { NULL, NULL }
	};
	static const struct check_case on_linux[] = { CASE(info_of_files), CASE(linux_ignores_the_flag), { NULL, NULL } };

	if (check_on_linux())
		return check_main("handles", on_linux, argc, argv);
	return check_main("handles", cases, argc, argv);
}
