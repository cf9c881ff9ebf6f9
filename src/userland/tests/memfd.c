/* SPDX-License-Identifier: MIT */
/* memfd_create: files without a name, their seals, mappings of them, running them. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE };

static char text[8192];

static int make(unsigned flags, off_t size)
{
	int fd = memfd_create("test", flags);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, size), 0);
	return fd;
}

static const char *link_of(const char *path)
{
	ssize_t length = readlink(path, text, sizeof text - 1);

	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static int open_again(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static void creation(void)
{
	char name[400], path[64], wanted[600];
	struct stat info;
	int fd = memfd_create("some name", 0);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & ~0100000, O_RDWR);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_mode, S_IFREG | 0777);
	CHECK_EQ(info.st_nlink, 0);
	CHECK_EQ(info.st_size, 0);
	CHECK_EQ(info.st_uid, geteuid());
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	CHECK_STR(link_of(path), "/memfd:some name (deleted)");
	CHECK_EQ(fcntl(memfd_create("", MFD_CLOEXEC), F_GETFD), FD_CLOEXEC);

	/* The name is no path, and may be up to 249 bytes long. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("a/../b", 0));
	CHECK_STR(link_of(path), "/memfd:a/../b (deleted)");
	memset(name, 'n', sizeof name);
	name[249] = '\0';
	snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create(name, 0));
	snprintf(wanted, sizeof wanted, "/memfd:%s (deleted)", name);
	CHECK_STR(link_of(path), wanted);
	name[249] = 'n';
	name[250] = '\0';
	CHECK_ERR(memfd_create(name, 0), EINVAL);
	CHECK_ERR(memfd_create((char *)8, 0), EFAULT);
	CHECK_ERR(memfd_create("x", 8), EINVAL);	/* MFD_NOEXEC_SEAL and MFD_EXEC are of later kernels */
	CHECK_ERR(memfd_create("x", 16), EINVAL);
	CHECK_ERR(memfd_create("x", 0x80000000u), EINVAL);
	CHECK_ERR(memfd_create((char *)8, 0x100), EINVAL);
	/* Each is a file of its own. */
	CHECK_EQ(fchmod(fd, 0640), 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_mode, S_IFREG | 0640);
	CHECK_EQ(fstat(memfd_create("some name", 0), &info), 0);
	CHECK_EQ(info.st_mode, S_IFREG | 0777);
}

static void contents(void)
{
	int fd = make(0, 0), other;
	char *map;

	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(pread(fd, text, 10, 1), 4);
	CHECK_EQ(memcmp(text, "ello", 4), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 5);
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQ(fsync(fd), 0);
	other = open_again(fd, O_RDONLY);
	CHECK(other >= 0);
	CHECK_EQ(lseek(other, 0, SEEK_CUR), 0);
	CHECK_ERR(write(other, "x", 1), EBADF);
	CHECK_EQ(pread(other, text, sizeof text, 2), sizeof text);
	CHECK_EQ(memcmp(text, "llo\0\0", 5), 0);
	CHECK_EQ(pread(other, text, 1, 3 * PAGE), 0);
	map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_STR(map, "hello");
	strcpy(map + PAGE, "second page");
	CHECK_EQ(pread(other, text, 12, PAGE), 12);
	CHECK_STR(text, "second page");
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, other, 0), EACCES);
	char *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, other, 0);

	CHECK(copy != MAP_FAILED);
	copy[0] = 'j';
	CHECK_STR(map, "hello");
	CHECK_STR(copy, "jello");
	CHECK_EQ(pwrite(fd, "H", 1, 0), 1);
	CHECK_STR(map, "Hello");
	/* It lives as long as it is mapped. */
	close(fd);
	close(other);
	CHECK_STR(map + PAGE, "second page");
	sprintf(text, "grep -c '/memfd:test (deleted)$' /proc/%d/maps > count", getpid());
	CHECK_EQ(system(text), 0);
}

static void truncated_under_a_mapping(void)
{
	int fd = make(MFD_ALLOW_SEALING, 2 * PAGE);
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t pid;

	map[PAGE] = 1;
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	pid = fork();
	if (!pid) {
		map[PAGE] = 2;
		_exit(0);
	}
	CHECK_EQ(check_wait(pid), CHECK_KILLED + 7 /* SIGBUS */);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(map[PAGE], 0);
	/* Sealed against shrinking it is safe to read. */
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_ERR(ftruncate(fd, PAGE), EPERM);
	CHECK_EQ(map[PAGE], 0);
}

/* ---- Seals ---- */

static void which_seals(void)
{
	int fd = memfd_create("s", 0), null, file;

	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0), EPERM);
	fd = memfd_create("s", MFD_ALLOW_SEALING);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, 0), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0x40), EINVAL);
	CHECK_ERR(syscall(SYS_fcntl, fd, F_ADD_SEALS, 1ul << 32), EINVAL);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	CHECK_EQ(fcntl(open_again(fd, O_RDONLY), F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	CHECK_ERR(fcntl(open_again(fd, O_RDONLY), F_ADD_SEALS, F_SEAL_SEAL), EPERM);
	CHECK_ERR(fcntl(open_again(fd, O_RDONLY), F_ADD_SEALS, 0x40), EPERM);
	CHECK_EQ(fcntl(open_again(fd, O_WRONLY), F_ADD_SEALS, F_SEAL_SEAL), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	null = open("/dev/null", O_RDWR);
	CHECK_ERR(fcntl(null, F_GET_SEALS), EINVAL);
	CHECK_ERR(fcntl(null, F_ADD_SEALS, F_SEAL_SEAL), EINVAL);
	CHECK_ERR(fcntl(open("/dev/null", O_RDONLY), F_ADD_SEALS, F_SEAL_SEAL), EPERM);
	CHECK_ERR(fcntl(open("/proc/self/stat", O_RDONLY), F_GET_SEALS), EINVAL);
	CHECK_ERR(fcntl(open_again(fd, O_PATH), F_GET_SEALS), EBADF);
	CHECK_ERR(fcntl(99, F_GET_SEALS), EBADF);
	/* A file of tmpfs that has a name cannot be sealed. */
	file = open("file", O_RDWR | O_CREAT, 0600);
	if (fcntl(file, F_GET_SEALS) >= 0) {
		CHECK_EQ(fcntl(file, F_GET_SEALS), F_SEAL_SEAL);
		CHECK_ERR(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	} else {
		CHECK_ERR(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), EINVAL);
	}
}

static void sizes(void)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE + 100);

	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_ERR(ftruncate(fd, PAGE + 99), EPERM);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_ERR(open_again(fd, O_RDWR | O_TRUNC), EPERM);
	sprintf(text, "/proc/self/fd/%d", fd);
	CHECK_ERR(truncate(text, 10), EPERM);
	CHECK_EQ(ftruncate(fd, PAGE + 100), 0);
	CHECK_EQ(ftruncate(fd, PAGE + 200), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_ERR(ftruncate(fd, PAGE + 201), EPERM);
	CHECK_EQ(ftruncate(fd, PAGE + 200), 0);
	CHECK_ERR(pwrite(fd, text, 1, PAGE + 200), EPERM);
	CHECK_EQ(pwrite(fd, text, 200, PAGE), 200);
	CHECK_EQ(pwrite(fd, text, PAGE, 100), PAGE);
	CHECK_ERR(pwrite(fd, text, 201, PAGE), EPERM);
	/* What is refused is refused by pages. */
	CHECK_EQ(pwrite(fd, text, sizeof text, 0), PAGE);
	CHECK_EQ(pwrite(fd, text, PAGE + 101, 100), PAGE - 100);
	CHECK_EQ(pwrite(fd, text, 0, 3 * PAGE), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	CHECK_ERR(write(fd, text, 1), EPERM);
	CHECK_EQ(lseek(fd, 0, SEEK_END), PAGE + 200);
	CHECK_ERR(posix_fallocate(fd, 0, PAGE + 201) ? (errno = posix_fallocate(fd, 0, PAGE + 201), -1) : 0, EPERM);
	CHECK_EQ(posix_fallocate(fd, 0, PAGE), 0);
	CHECK_ERR(syscall(SYS_fallocate, fd, 1 /* KEEP_SIZE */, 0, 3 * PAGE), EPERM);

	/* Growing alone is forbidden: shrinking is for good. */
	fd = make(MFD_ALLOW_SEALING, 2 * PAGE);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(ftruncate(fd, 10), 0);
	CHECK_ERR(ftruncate(fd, 11), EPERM);
	CHECK_EQ(close(open_again(fd, O_RDWR | O_TRUNC)), 0);
	CHECK_ERR(write(fd, "x", 1), EPERM);
}

static void no_writes(void)
{
	int fd = make(MFD_ALLOW_SEALING, 2 * PAGE), reader;
	char *map;

	CHECK_EQ(write(fd, "data", 5), 5);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 10 * PAGE), EPERM);
	CHECK_EQ(pwrite(fd, "x", 0, 0), 0);
	CHECK_ERR(pwrite(open_again(fd, O_WRONLY), "x", 1, 0), EPERM);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_ERR(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	map[0] = 'D';
	CHECK_EQ(pread(fd, text, 5, 0), 5);
	CHECK_STR(text, "data");
	reader = open_again(fd, O_RDONLY);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
	CHECK(map != MAP_FAILED);
	CHECK_STR(map, "data");
	CHECK_ERR(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_EQ(ftruncate(fd, PAGE), 0);	/* the size is no matter of this seal */
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

static void busy_while_mapped(void)
{
	int fd = make(MFD_ALLOW_SEALING, 2 * PAGE), reader = open_again(fd, O_RDONLY);
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *moved;
	pid_t pid;
	int fds[2];

	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), EBUSY);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(mprotect(map, 2 * PAGE, PROT_READ), 0);	/* it could be made writable again */
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(munmap(map, PAGE), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	moved = mremap(map + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	/* Another process's mapping counts, too. */
	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		close(fds[1]);
		read(fds[0], text, 1);
		_exit(0);
	}
	close(fds[0]);
	CHECK_EQ(munmap(moved, 2 * PAGE), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	close(fds[1]);
	CHECK_EQ(check_wait(pid), 0);
	/* Those through which nobody can write do not. */
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0) != MAP_FAILED);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW);
	/* A refused mapping leaves nothing behind. */
	fd = make(MFD_ALLOW_SEALING, PAGE);
	CHECK_ERR((long)mmap((void *)PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 1), EINVAL);
	CHECK_ERR((long)mmap(NULL, 1ul << 62, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), ENOMEM);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

static void no_future_writes(void)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE);
	char *old = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *map;

	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	strcpy(old, "by the old mapping");
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_STR(map, "by the old mapping");
	CHECK_ERR(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_EQ(mprotect(old, PAGE, PROT_READ), 0);
	CHECK_EQ(mprotect(old, PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

/* ---- A seal against writes holds from the moment it is set, whatever others are doing ---- */

struct race { int fd; atomic_int stop, mapped; };

static void *map_and_write(void *argument)
{
	struct race *race = argument;

	while (!race->stop) {
		volatile uint64_t *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, race->fd, 0);

		if (map == MAP_FAILED) {
			sched_yield();
			continue;
		}
		race->mapped++;
		for (int i = 0; i < 50; i++)
			map[0]++;
		munmap((void *)map, PAGE);
	}
	return NULL;
}

static void sealed_in_a_race(void)
{
	for (int round = 0; round < 20; round++) {
		struct race race = { .fd = make(MFD_ALLOW_SEALING, PAGE) };
		uint64_t first, last;
		pthread_t thread;

		pthread_create(&thread, NULL, map_and_write, &race);
		while (!race.mapped)
			sched_yield();
		while (fcntl(race.fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY)
			;
		pread(race.fd, &first, sizeof first, 0);
		for (int i = 0; i < 20; i++)
			sched_yield();
		pread(race.fd, &last, sizeof last, 0);
		race.stop = 1;
		pthread_join(thread, NULL);
		if (first != last || fcntl(race.fd, F_GET_SEALS) != F_SEAL_WRITE) {
			CHECK_EQ(first, last);
			CHECK_EQ(fcntl(race.fd, F_GET_SEALS), F_SEAL_WRITE);
		}
		close(race.fd);
	}
	CHECK(1);
}

/* ---- Running one ---- */

/* A copy of this program, which `answer` makes answer at once. */
static int make_program(unsigned flags)
{
	int fd = memfd_create("program", flags), self = open("/proc/self/exe", O_RDONLY);
	ssize_t length;

	while ((length = read(self, text, sizeof text)) > 0)
		CHECK_EQ(write(fd, text, length), length);
	close(self);
	return fd;
}

static char *const answer[] = { "memfd", "--answer", NULL };
static char *const none[] = { NULL };

static void run_it(void *argument)
{
	int *fd = argument;

	syscall(SYS_execveat, *fd, "", answer, none, AT_EMPTY_PATH);
	_exit(100 + errno);
}

static void run_by_path(void *argument)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", *(int *)argument);
	execve(path, answer, none);
	_exit(100 + errno);
}

static void runs(void)
{
	int fd = make_program(MFD_CLOEXEC | MFD_ALLOW_SEALING), script, writer;

	CHECK_EQ(check_child(run_it, &fd), 42);
	CHECK_EQ(check_child(run_by_path, &fd), 42);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	CHECK_EQ(check_child(run_it, &fd), 42);
	CHECK_EQ(fchmod(fd, 0644), 0);
	CHECK_EQ(check_child(run_it, &fd), 100 + EACCES);
	fd = make_program(MFD_CLOEXEC);
	writer = open_again(fd, O_WRONLY);
	CHECK(writer >= 0);
	CHECK_EQ(check_child(run_it, &fd), 100 + ETXTBSY);
	close(writer);
	CHECK_EQ(check_child(run_it, &fd), 42);
	/* A script is found by its interpreter only if the descriptor is still there. */
	script = memfd_create("script", 0);
	CHECK_EQ(dprintf(script, "#!/bin/sh\nexit 43\n"), 18);
	CHECK_EQ(check_child(run_it, &script), 43);
	CHECK_EQ(fcntl(script, F_SETFD, FD_CLOEXEC), 0);
	CHECK(check_child(run_it, &script) != 43);
}

/* What the program made by runs() looks at. */
static int answer_now(void)
{
	return strcmp(link_of("/proc/self/exe"), "/memfd:program (deleted)") ? 1 : 42;
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(creation), CASE(contents), CASE(truncated_under_a_mapping), CASE(which_seals), CASE(sizes), CASE(no_writes),
		CASE(busy_while_mapped), CASE(no_future_writes), CASE(sealed_in_a_race), CASE(runs), { NULL, NULL }
	};

	if (argc == 2 && strcmp(argv[1], "--answer") == 0)
		return answer_now();
	return check_main("memfd", cases, argc, argv);
}
