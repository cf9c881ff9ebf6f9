/* SPDX-License-Identifier: MIT */
/* Address spaces: mmap in all its forms, mprotect, mremap, madvise, brk, copy on write, sharing, growth of the stack. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static char *map(size_t length, int protection, int flags, int fd, off_t offset)
{
	char *at = mmap(NULL, length, protection, flags, fd, offset);

	CHECK(at != MAP_FAILED);
	return at;
}

static char *anonymous(size_t length)
{
	return map(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void touch(void *address)
{
	*(volatile char *)address = 1;
}

static void look(void *address)
{
	if (*(volatile char *)address == 77)
		_exit(77);
}

#define WRITABLE(address) CHECK_EQ(check_child(touch, address), 0)
#define READ_ONLY(address) (CHECK_EQ(check_child(look, address), 0), CHECK_EQ(check_child(touch, address), 1011))
#define UNMAPPED(address) CHECK_EQ(check_child(look, address), 1011)

static void anonymous_memory(void)
{
	char *at = anonymous(40 * PAGE);
	int wrong = 0;

	for (int i = 0; i < 40 * PAGE; i++)
		wrong += at[i] != 0;
	CHECK_EQ(wrong, 0);
	memset(at, 5, 40 * PAGE);
	CHECK_EQ(munmap(at + PAGE, 3 * PAGE), 0);
	CHECK_EQ(at[PAGE - 1], 5);
	CHECK_EQ(at[4 * PAGE], 5);
	UNMAPPED(at + PAGE);
	UNMAPPED(at + 4 * PAGE - 1);
	CHECK_EQ(munmap(at, 40 * PAGE), 0);
	UNMAPPED(at);
	/* Unmapping nothing is no error. */
	CHECK_EQ(munmap(at, 40 * PAGE), 0);
	CHECK_ERR(munmap(at + 1, PAGE), EINVAL);
	CHECK_ERR(munmap(at, 0), EINVAL);
}

static void mmap_errors(void)
{
	int fd = open("file", O_RDONLY | O_CREAT, 0600), writer = open("file", O_WRONLY), rw = open("file", O_RDWR);

	CHECK_ERR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, rw, 100), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, PROT_WRITE | PROT_READ, MAP_SHARED, fd, 0), EACCES);
	CHECK(mmap(NULL, PAGE, PROT_WRITE | PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	CHECK_ERR(mmap(NULL, 1UL << 48, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, -PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERR(mmap((void *)0x7fffffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERR(mmap((void *)12345, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0), ENODEV);
	/* Only of files is it asked what flags are known, and there one that is new is not. */
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), EOPNOTSUPP);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0), EOPNOTSUPP);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 1U << 31, fd, 0), EOPNOTSUPP);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_HUGE_2MB | MAP_HUGE_1GB, fd, 0) != MAP_FAILED);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0x7fffffffffffe000) != MAP_FAILED);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0x7ffffffffffff000), EOVERFLOW);
	CHECK_ERR(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0x7fffffffffffe000), EOVERFLOW);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -PAGE), EOVERFLOW);
}

static void fixed(void)
{
	char *at = anonymous(10 * PAGE), *again;

	memset(at, 3, 10 * PAGE);
	again = mmap(at + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(again == at + 2 * PAGE);
	CHECK_EQ(at[2 * PAGE], 0);
	CHECK_EQ(at[2 * PAGE - 1], 3);
	CHECK_EQ(at[3 * PAGE], 3);
	READ_ONLY(again);
	CHECK_ERR(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_EQ(munmap(at, PAGE), 0);
	CHECK(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at);
	/* A hint that is free is taken, one that is not is only a hint. */
	CHECK_EQ(munmap(at, 10 * PAGE), 0);
	CHECK(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == at);
	again = mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(again != MAP_FAILED && again != at);
}

static void private_file(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char text[16] = "", *at;

	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQ(pwrite(fd, "first", 5, 0), 5);
	CHECK_EQ(pwrite(fd, "second", 6, PAGE), 6);
	at = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	CHECK(!memcmp(at, "second", 6));
	memcpy(at, "SECOND", 6);
	CHECK_EQ(pread(fd, text, 6, PAGE), 6);
	CHECK_STR(text, "second");
	/* A page not yet written to shows what the file has. */
	CHECK_EQ(pwrite(fd, "third", 5, 2 * PAGE), 5);
	CHECK(!memcmp(at + PAGE, "third", 5));
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("file"), 0);
	CHECK(!memcmp(at, "SECOND", 6));
}

static void write_shared(void *address)
{
	strcpy(address, "from the child");
}

/* What lies behind a hole is looked at, unless nothing is to be waited for. */
static void across_holes(void)
{
	char *at = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(mlock(at + 2 * PAGE, PAGE), 0);
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	CHECK_ERR(msync(at, 2 * PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(msync(at + PAGE, 3 * PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(msync(at, 4 * PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
	CHECK_ERR(msync(at, 4 * PAGE, MS_INVALIDATE), EBUSY);
	CHECK_ERR(msync(at, 2 * PAGE, MS_INVALIDATE), ENOMEM);
	CHECK_ERR(msync(at, 4 * PAGE, MS_ASYNC), ENOMEM);
	CHECK_EQ(munmap(at, 4 * PAGE), 0);
}

static void shared_file(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char text[32] = "", *at, *other;

	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	at = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	other = map(PAGE, PROT_READ, MAP_SHARED, fd, 0);
	strcpy(at, "mapped");
	CHECK_STR(other, "mapped");
	CHECK_EQ(pread(fd, text, 7, 0), 7);
	CHECK_STR(text, "mapped");
	CHECK_EQ(pwrite(fd, "written", 8, 100), 8);
	CHECK_STR(at + 100, "written");
	CHECK_EQ(check_child(write_shared, at + 200), 0);
	CHECK_STR(at + 200, "from the child");
	CHECK_EQ(msync(at, 2 * PAGE, MS_SYNC), 0);
	CHECK_EQ(msync(at, PAGE, MS_ASYNC), 0);
	CHECK_ERR(msync(at + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERR(msync(at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_EQ(munmap(at, 2 * PAGE), 0);
	CHECK_ERR(msync(at, PAGE, MS_SYNC), ENOMEM);
	across_holes();
	memset(text, 0, sizeof text);
	CHECK_EQ(pread(fd, text, 20, 200), 20);
	CHECK_STR(text, "from the child");
}

static void shared_anonymous(void)
{
	volatile int *at = (void *)map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *large = map(100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int j = 0; j < 1000; j++)
				__atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST);
			large[50 * PAGE + i] = 'a' + i;
			_exit(0);
		}
	for (int i = 0; i < 4; i++)
		CHECK(wait(NULL) > 0);
	CHECK(!memcmp(large + 50 * PAGE, "abcd", 4));
	CHECK_EQ(*at, 4000);
}

/* Parent and child each see their own writes after fork, page by page, whoever writes first. */
static void copy_on_write(void)
{
	enum { PAGES = 64 };
	unsigned *at = (void *)anonymous(PAGES * PAGE);
	int to_child[2], to_parent[2], wrong = 0;
	char byte;
	pid_t child;

	for (int i = 0; i < PAGES; i++)
		at[i * 1024] = i;
	CHECK_EQ(pipe(to_child), 0);
	CHECK_EQ(pipe(to_parent), 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < PAGES; i += 2)
			at[i * 1024] = 1000 + i;
		if (write(to_parent[1], "c", 1) != 1 || read(to_child[0], &byte, 1) != 1)
			_exit(1);
		for (int i = 0; i < PAGES; i++)
			wrong += at[i * 1024] != (unsigned)(i % 2 ? i : 1000 + i);
		_exit(wrong ? 2 : 0);
	}
	CHECK_EQ(read(to_parent[0], &byte, 1), 1);
	for (int i = 0; i < PAGES; i++)
		wrong += at[i * 1024] != (unsigned)i;
	CHECK_EQ(wrong, 0);
	for (int i = 0; i < PAGES; i++)
		at[i * 1024] = 5000 + i;
	CHECK_EQ(write(to_child[1], "p", 1), 1);
	CHECK_EQ(check_wait(child), 0);
	for (int i = 0; i < PAGES; i++)
		wrong += at[i * 1024] != (unsigned)(5000 + i);
	CHECK_EQ(wrong, 0);
	/* The kernel's own writes copy too: a read() into such a page. */
	child = fork();
	if (child == 0)
		_exit(read(open("/dev/zero", O_RDONLY), at, PAGE) == PAGE && at[0] == 0 ? 0 : 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(at[0], 5000);
}

static void protection(void)
{
	char *at = anonymous(6 * PAGE);

	memset(at, 1, 6 * PAGE);
	CHECK_EQ(mprotect(at + PAGE, 2 * PAGE, PROT_READ), 0);
	WRITABLE(at);
	READ_ONLY(at + PAGE);
	READ_ONLY(at + 3 * PAGE - 1);
	WRITABLE(at + 3 * PAGE);
	CHECK_EQ(mprotect(at + 2 * PAGE, PAGE, PROT_NONE), 0);
	UNMAPPED(at + 2 * PAGE);
	CHECK_ERR(write(open("out", O_CREAT | O_WRONLY, 0600), at + 2 * PAGE, 5), EFAULT);
	CHECK_EQ(mprotect(at, 6 * PAGE, PROT_READ | PROT_WRITE), 0);
	WRITABLE(at + 2 * PAGE);
	CHECK_EQ(at[2 * PAGE], 1);
	CHECK_ERR(syscall(SYS_mprotect, at + 1, PAGE, PROT_READ), EINVAL);
	CHECK_EQ(munmap(at + 4 * PAGE, PAGE), 0);
	CHECK_ERR(mprotect(at, 6 * PAGE, PROT_READ), ENOMEM);
	CHECK_ERR(mprotect(map(PAGE, PROT_READ, MAP_SHARED, open("out", O_RDONLY), 0), PAGE, PROT_WRITE), EACCES);
}

static void remapping(void)
{
	char *at = anonymous(8 * PAGE), *moved, *target;

	memset(at, 9, 8 * PAGE);
	CHECK(mremap(at, 8 * PAGE, 4 * PAGE, 0) == at);
	UNMAPPED(at + 4 * PAGE);
	CHECK(mremap(at, 4 * PAGE, 8 * PAGE, 0) == at);
	CHECK_EQ(at[4 * PAGE - 1], 9);
	CHECK_EQ(at[4 * PAGE], 0);
	CHECK_ERR(mremap(at, PAGE, 8 * PAGE, 0), ENOMEM);
	moved = mremap(at, 8 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED);
	CHECK_EQ(moved[0], 9);
	CHECK_EQ(moved[599 * PAGE], 0);
	target = anonymous(4 * PAGE);
	CHECK(mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) == target + PAGE);
	CHECK_EQ(target[PAGE], 9);
	UNMAPPED(moved);
	CHECK_EQ(moved[2 * PAGE], 9);
	CHECK_ERR(mremap(moved, PAGE, PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERR(mremap(target + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERR(mremap(target, PAGE, 0, 0), EINVAL);
	/* A second mapping of shared memory, put where the first one is. */
	target = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_ERR(mremap(target, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target), EFAULT);
	/* Of several mappings what is too much can be cut off, but nothing else be done. */
	at = anonymous(4 * PAGE);
	CHECK_EQ(mprotect(at + PAGE, PAGE, PROT_READ), 0);
	CHECK_ERR(mremap(at, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERR(mremap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EFAULT);
	CHECK(mremap(at, 4 * PAGE, 4 * PAGE, 0) == at);
	/* Beyond what is the program's. On a Linux with five levels of page tables that would be its own memory. */
	if (!check_on_linux())
		CHECK_ERR(mremap(at, 0x7ffffffff000, PAGE, 0), EINVAL);
	CHECK(mremap(at, 4 * PAGE, 3 * PAGE, 0) == at);
	UNMAPPED(at + 3 * PAGE);
	CHECK_EQ(at[2 * PAGE], 0);
	CHECK(mremap(at, 3 * PAGE, PAGE, MREMAP_MAYMOVE) == at);
	UNMAPPED(at + PAGE);
	CHECK_EQ(at[0], 0);
}

static void advice(void)
{
	char *at = anonymous(8 * PAGE), *file;
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	memset(at, 4, 8 * PAGE);
	CHECK_EQ(madvise(at + PAGE, 2 * PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(at[PAGE - 1], 4);
	CHECK_EQ(at[PAGE], 0);
	CHECK_EQ(at[3 * PAGE], 4);
	CHECK_EQ(write(fd, "content", 7), 7);
	file = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	file[0] = 'X';
	CHECK_EQ(madvise(file, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(file[0], 'c');
	CHECK_EQ(madvise(at, PAGE, MADV_WILLNEED), 0);
	CHECK_EQ(madvise(at, PAGE, MADV_SEQUENTIAL), 0);
	CHECK_ERR(madvise(at, PAGE, 12345), EINVAL);
	CHECK_ERR(madvise(at + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(munmap(at, PAGE), 0);
	CHECK_ERR(madvise(at, 2 * PAGE, MADV_DONTNEED), ENOMEM);
}

static void program_break(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *end;

	CHECK((long)start > 0);
	end = (char *)syscall(SYS_brk, start + 5 * PAGE);
	CHECK(end == start + 5 * PAGE);
	memset(start, 7, 5 * PAGE);
	CHECK((char *)syscall(SYS_brk, start + PAGE) == start + PAGE);
	CHECK((char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
	CHECK_EQ(start[0], 7);
	CHECK_EQ(start[2 * PAGE], 0);
	/* A request that cannot be met leaves the break where it is. */
	CHECK((char *)syscall(SYS_brk, 1L << 46) == start + 3 * PAGE);
	CHECK((char *)syscall(SYS_brk, 4096) == start + 3 * PAGE);
	CHECK((char *)syscall(SYS_brk, start) == start);
}

/* Reserving costs address space only; the pages come with their first use. */
static void reservation(void)
{
	char *at = map(64L << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *sparse = map(8L << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK_EQ(mprotect(at + (33L << 30), PAGE, PROT_READ | PROT_WRITE), 0);
	at[33L << 30] = 1;
	for (long i = 0; i < 8; i++)
		sparse[i << 30] = i;
	for (long i = 0; i < 8; i++)
		CHECK_EQ(sparse[i << 30], i);
	CHECK_EQ(munmap(at, 64L << 30), 0);
	CHECK_EQ(munmap(sparse, 8L << 30), 0);
}

static int deep(int level)
{
	volatile char space[8000];

	space[0] = level;
	space[7999] = level;
	return level ? deep(level - 1) + space[0] - space[7999] : 0;
}

static void stack_growth(void)
{
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
	CHECK_EQ(limit.rlim_cur, 8 << 20);
	CHECK_EQ(deep(800), 0);
}

static void grows_down(void)
{
	char *at = anonymous(64 * PAGE), *stack;

	CHECK_EQ(munmap(at, 64 * PAGE), 0);
	stack = mmap(at + 60 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN,
		     -1, 0);
	CHECK(stack == at + 60 * PAGE);
	stack[-1] = 5;
	stack[-PAGE - 1] = 6;
	CHECK_EQ(stack[-1], 5);
	/* Next to what nobody may use, too: that is a guard itself. */
	CHECK(mmap(at + 50 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 50 * PAGE);
	stack[-5 * PAGE] = 7;
	CHECK_EQ(stack[-5 * PAGE], 7);
}

static void many_mappings(void)
{
	enum { COUNT = 1500 };
	static char *at[COUNT];
	int wrong = 0;
	char *all = anonymous(2 * COUNT * PAGE);

	for (int i = 0; i < COUNT; i++)
		wrong += mprotect(all + 2 * i * PAGE, PAGE, PROT_READ) != 0;
	CHECK_EQ(wrong, 0);
	for (int i = 0; i < COUNT; i++) {
		at[i] = mmap(NULL, (i % 7 + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		at[i][0] = i;
	}
	for (int i = 0; i < COUNT; i += 2)
		wrong += munmap(at[i], (i % 7 + 1) * PAGE) != 0;
	for (int i = 1; i < COUNT; i += 2)
		wrong += at[i][0] != (char)i;
	CHECK_EQ(wrong, 0);
	CHECK_EQ(munmap(all, 2 * COUNT * PAGE), 0);
}

static void maps_file(void)
{
	char line[256], wanted[64];
	char *at = anonymous(3 * PAGE);
	FILE *maps = fopen("/proc/self/maps", "r");
	int found = 0, stack = 0;

	snprintf(wanted, sizeof wanted, "%lx-", (long)at);
	CHECK_EQ(mprotect(at, PAGE, PROT_READ), 0);
	while (maps && fgets(line, sizeof line, maps)) {
		found += !strncmp(line, wanted, strlen(wanted)) && strstr(line, " r--p ");
		stack += strstr(line, "[stack]") != NULL;
		CHECK(!strstr(line, " rwxp "));
	}
	CHECK_EQ(found, 1);
	CHECK_EQ(stack, 1);
}

static void address_limit(void)
{
	struct rlimit limit = { 256 << 20, 256 << 20 };

	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	CHECK_ERR(mmap(NULL, 1 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(anonymous_memory), CASE(mmap_errors), CASE(fixed), CASE(private_file), CASE(shared_file),
		CASE(shared_anonymous), CASE(copy_on_write), CASE(protection), CASE(remapping), CASE(advice),
		CASE(program_break), CASE(reservation), CASE(stack_growth), CASE(grows_down), CASE(many_mappings),
		CASE(maps_file), CASE(address_limit), { NULL, NULL },
	};

	return check_main("memory", cases, argc, argv);
}
