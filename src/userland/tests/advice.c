/* SPDX-License-Identifier: MIT */
/* madvise: what a core file has of memory that is not to be dumped; advice that is taken, and that is not. */
#include "check.h"

#include "built_with.h"
#include "core_file.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { PAGE = 4096, DONTNEED_LOCKED = 24, COLLAPSE = 25, POISON = 100, OFFLINE = 101 };

static char *map(int flags)
{
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), done = write(fd, text, strlen(text));

	close(fd);
	return done;
}

/* Bytes of @at that the core has; -1: it knows of no such mapping. */
static long kept(const struct core *core, const char *at)
{
	for (unsigned i = 0; i < core->header_count; i++)
		if (core->headers[i].p_type == PT_LOAD && core->headers[i].p_vaddr == (uintptr_t)at)
			return (long)core->headers[i].p_filesz;
	return -1;
}

static void die(void *unused)
{
	struct rlimit both = { RLIM_INFINITY, RLIM_INFINITY };

	(void)unused;
	CHECK_EQ(setrlimit(RLIMIT_CORE, &both), 0);
	raise(SIGABRT);
}

/* A child has it as its parent had. */
static void left_out(void)
{
	char *secret = map(MAP_PRIVATE), *shared = map(MAP_SHARED), *plain;
	struct core core;

	if (!kernel_has(CORE_FILES))
		return;
	CHECK(put("/proc/sys/kernel/core_pattern", "core\n") > 0);
	CHECK(put("/proc/sys/kernel/core_uses_pid", "0\n") > 0);
	memset(secret, 's', 4 * PAGE);
	memset(shared, 't', 4 * PAGE);
	CHECK_EQ(madvise(secret, 4 * PAGE, MADV_DONTDUMP), 0);
	CHECK_EQ(madvise(secret + 2 * PAGE, PAGE, MADV_DODUMP), 0);
	CHECK_EQ(madvise(secret + 2 * PAGE, PAGE, MADV_DODUMP), 0);
	CHECK_EQ(madvise(shared, 2 * PAGE, MADV_DONTDUMP), 0);
	/* It is the mapping's, and goes with it. */
	plain = map(MAP_PRIVATE);
	CHECK_EQ(madvise(plain, 4 * PAGE, MADV_DONTDUMP), 0);
	CHECK(mmap(plain, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == plain);
	memset(plain, 'p', 4 * PAGE);
	CHECK_EQ(check_child(die, NULL), CHECK_KILLED + SIGABRT);
	if (!CHECK_EQ(core_open(&core, "core"), 0))
		return;
	CHECK_EQ(kept(&core, secret), 0);
	CHECK_EQ(kept(&core, secret + 2 * PAGE), PAGE);
	CHECK_EQ(kept(&core, secret + 3 * PAGE), 0);
	CHECK_EQ(kept(&core, shared), 0);
	CHECK_EQ(kept(&core, shared + 2 * PAGE), 2 * PAGE);
	CHECK(memmem(core.bytes, core.size, "ssssssss", 8) != NULL);
	core_close(&core);
}

/* The memory is the same afterwards. */
static void taken(void)
{
	static const int advice[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLD, MADV_PAGEOUT,
				      MADV_DONTDUMP, MADV_DODUMP, MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE };
	char *at = map(MAP_PRIVATE);

	memset(at, 'a', 4 * PAGE);
	for (unsigned i = 0; i < sizeof(advice) / sizeof(*advice); i++) {
		CHECK_EQ(madvise(at, 4 * PAGE, advice[i]), 0);
		CHECK_EQ(at[0] + at[4 * PAGE - 1], 2 * 'a');
	}
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	CHECK_ERR(madvise(at, 4 * PAGE, MADV_DONTDUMP), ENOMEM);
	CHECK_ERR(madvise(at + 1, PAGE, MADV_DONTDUMP), EINVAL);
	CHECK_ERR(madvise(at, PAGE, 12345), EINVAL);
	/* No huge page fits in there; nothing looks after pages that the hardware finds bad. */
	CHECK_ERR(madvise(at, PAGE, COLLAPSE), EINVAL);
	CHECK_ERR(madvise(at, PAGE, POISON), EINVAL);
	CHECK_ERR(madvise(at, PAGE, OFFLINE), EINVAL);
}

/* Pages are made present only where the program might use them so. */
static void filled(void)
{
	char *at = map(MAP_PRIVATE), *file;
	unsigned char present[4];
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	CHECK_EQ(madvise(at, 4 * PAGE, MADV_POPULATE_WRITE), 0);
	CHECK_EQ(mincore(at, 4 * PAGE, present), 0);
	CHECK(present[0] & present[3] & 1);
	CHECK_EQ(mprotect(at + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(madvise(at, 4 * PAGE, MADV_POPULATE_READ), 0);
	CHECK_ERR(madvise(at, 4 * PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK_EQ(mprotect(at + PAGE, PAGE, PROT_NONE), 0);
	CHECK_ERR(madvise(at, 4 * PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	CHECK_ERR(madvise(at, 4 * PAGE, MADV_POPULATE_READ), ENOMEM);
	file = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(madvise(file, 4 * PAGE, MADV_POPULATE_READ), 0);
	CHECK_ERR(madvise(file, 4 * PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK_ERR(madvise(file, 4 * PAGE, MADV_POPULATE_READ), EFAULT);
	CHECK_ERR(mincore(file, -1, present), ENOMEM);
}

/* Pages of a file that are there for reading are not written to, and private ones not copied: the file stays as old as it is, and what it gets is seen. */
static void filled_for_reading(void)
{
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat status;
	char *shared, *private;

	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	CHECK_EQ(futimens(fd, old), 0);
	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	CHECK_EQ(madvise(shared, 4 * PAGE, MADV_POPULATE_READ), 0);
	CHECK_EQ(mlock(shared, 4 * PAGE), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mtime, 1000);
	private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK_EQ(madvise(private, 4 * PAGE, MADV_POPULATE_READ), 0);
	CHECK_EQ(pwrite(fd, "b", 1, PAGE), 1);
	CHECK_EQ(private[PAGE], 'b');
	CHECK_EQ(shared[PAGE], 'b');
	CHECK_EQ(madvise(shared, 4 * PAGE, MADV_POPULATE_WRITE), 0);
}

static void locked(void)
{
	char *at = map(MAP_PRIVATE);

	memset(at, 'a', 4 * PAGE);
	CHECK_EQ(mlock(at, 4 * PAGE), 0);
	CHECK_ERR(madvise(at, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(at[0], 'a');
	CHECK_EQ(madvise(at, PAGE, DONTNEED_LOCKED), 0);
	CHECK_EQ(at[0], 0);
	CHECK_EQ(at[PAGE], 'a');
}

/* Which pages of a file are in memory tells what others do with it: who could not change it learns nothing. */
static void see(char *at, int expected)
{
	unsigned char present[4];

	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(mincore(at, 4 * PAGE, present), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(present[i] & 1, expected);
}

static void see_present(void *at)
{
	see(at, 1);
}

static void see_absent(void *at)
{
	see(at, 0);
}

static void undisclosed(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned char present[4];
	char *at;

	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	CHECK_EQ(fchmod(fd, 0644), 0);
	at = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(mincore(at, 4 * PAGE, present), 0);
	CHECK_EQ((present[0] | present[3]) & 1, 0);
	CHECK_EQ(check_child(see_present, at), 0);
	CHECK_EQ(fchmod(fd, 0666), 0);
	CHECK_EQ(check_child(see_absent, at), 0);
	CHECK_EQ(fchmod(fd, 0600) | fchown(fd, 1000, 1000), 0);
	CHECK_EQ(check_child(see_absent, at), 0);
}

static const struct check_case cases[] = {
	CASE(left_out), CASE(taken), CASE(filled), CASE(filled_for_reading), CASE(locked), CASE(undisclosed), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("advice", cases, argc, argv);
}
