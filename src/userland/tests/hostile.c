/* SPDX-License-Identifier: MIT */
/*
 * Programs that mean harm or are badly broken: buffers beyond their end, malformed programs, bombs, exhaustion. What
 * they may get is an error or a signal; a further program must run afterwards.
 */
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long seed;

static unsigned long next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void run_shell(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "test \"$(echo alive | cat)\" = alive", (char *)NULL);
	_exit(99);
}

/* The proof that the system goes on. */
static void still_alive(void)
{
	CHECK_EQ(check_child(run_shell, NULL), 0);
}

/* A buffer that ends at a hole: what fits is moved or nothing, never more, never a crash. */
static void edges(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int file = open("file", O_RDWR | O_CREAT, 0600), zero = open("/dev/zero", O_RDONLY);
	long got;

	CHECK_EQ(munmap(page + 4096, 4096), 0);
	memset(page, 'x', 4096);
	memcpy(page + 4090, "path/x", 6);
	CHECK_ERR(open(page + 4090, O_RDONLY), EFAULT);
	got = write(file, page + 4000, 4096);
	got = got == -1 ? -errno : got;
	CHECK(got == 96 || got == -EFAULT);
	got = read(zero, page + 4000, 4096);
	got = got == -1 ? -errno : got;
	CHECK(got == 96 || got == -EFAULT);
	CHECK_ERR(syscall(SYS_stat, "/", page + 4090), EFAULT);
	CHECK_EQ(read(zero, page, (1UL << 63) - 1) != 0, 1);
	CHECK_ERR(write(file, page, -1UL), EFAULT);
	/* From the kernel into memory that may not be written. */
	CHECK_EQ(mprotect(page, 4096, PROT_READ), 0);
	CHECK_ERR(read(zero, page, 10), EFAULT);
	CHECK_ERR(read(zero, (void *)(long)edges, 10), EFAULT);
}

static void run_file(void *path)
{
	char *const words[] = { path, NULL };

	execve(path, words, NULL);
	_exit(errno == ENOEXEC ? 0 : errno == ENOMEM || errno == EINVAL || errno == EFAULT ? 1 : 2);
}

/* Copies of a good program with damaged headers: an error or a signal for whoever runs it. */
static void damaged_programs(void)
{
	static unsigned char image[1 << 21];
	int in = open("/proc/self/exe", O_RDONLY), out;
	ssize_t size = read(in, image, sizeof image);
	unsigned char head[1024];

	seed = 88172645463325252;
	CHECK(size > 4096);
	memcpy(head, image, sizeof head);
	for (int round = 0; round < 40; round++) {
		char name[32];

		memcpy(image, head, sizeof head);
		for (int i = 0; i < 4; i++)
			image[16 + next_random() % 400] = next_random();
		snprintf(name, sizeof name, "damaged%d", round);
		out = open(name, O_WRONLY | O_CREAT, 0755);
		CHECK_EQ(write(out, image, size), size);
		close(out);
		/* Some still run; then this program's own helper ends at once. */
		CHECK(check_child(run_file, name) >= 0);
		unlink(name);
	}
	still_alive();
}

static void write_program(const char *name, Elf64_Ehdr *head, Elf64_Phdr *segments, int count)
{
	static unsigned char image[8192];
	int out = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	memset(image, 0xcc, sizeof image);
	head->e_phnum = count;
	memcpy(image, head, sizeof *head);
	memcpy(image + sizeof *head, segments, count * sizeof *segments);
	CHECK_EQ(write(out, image, sizeof image), sizeof image);
	close(out);
}

static void strange_segments(void)
{
	static const Elf64_Phdr strange[] = {
		{ PT_LOAD, PF_R | PF_X, 0, 0xffff800000000000, 0, 4096, 4096, 4096 },	/* in the kernel */
		{ PT_LOAD, PF_R | PF_X, 0, 0x7ffffffff000, 0, 4096, 1 << 20, 4096 },	/* across the end of user space */
		{ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 4096, -1UL, 4096 },		/* wraps around */
		{ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 8192, 4096, 4096 },		/* more in the file than in memory */
		{ PT_LOAD, PF_R | PF_X, -4096UL, 0x400000, 0, 4096, 4096, 4096 },	/* before the file */
		{ PT_LOAD, PF_R | PF_X, 1 << 20, 0x400000, 0, 4096, 4096, 4096 },	/* behind the file */
		{ PT_LOAD, PF_R | PF_X, 0, 0x400123, 0, 4096, 4096, 4096 },		/* crooked */
		{ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 4096, 1UL << 46, 4096 },	/* larger than everything */
		{ PT_INTERP, PF_R, 0, 0, 0, 1UL << 40, 1UL << 40, 1 },			/* an endless name */
		{ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 8192, 8192, 4096 },		/* sound, but full of int3 */
	};
	Elf64_Ehdr head = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
		.e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = 0x400400, .e_phoff = sizeof head,
		.e_ehsize = sizeof head, .e_phentsize = sizeof(Elf64_Phdr),
	};

	for (unsigned i = 0; i < sizeof strange / sizeof *strange; i++) {
		Elf64_Phdr segment = strange[i];

		write_program("strange", &head, &segment, 1);
		CHECK(check_child(run_file, "strange") != 0 || i < 9);
	}
	head.e_phoff = -8UL;
	write_program("strange", &head, NULL, 0);
	head.e_phoff = sizeof head;
	CHECK(check_child(run_file, "strange") >= 0);
	head.e_entry = 0xffff800000000000;
	{
		Elf64_Phdr sound = strange[9];

		write_program("strange", &head, &sound, 1);
		CHECK(check_child(run_file, "strange") >= 0);
	}
	still_alive();
}

static void bomb(void *unused)
{
	struct rlimit limit = { 60, 60 };

	(void)unused;
	setsid();
	setrlimit(RLIMIT_NPROC, &limit);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	alarm(2);
	for (;;)
		if (fork() < 0)
			check_sleep(1);
}

static void fork_bomb(void)
{
	pid_t child = check_spawn(bomb, NULL), pid;

	check_sleep(600);
	still_alive();
	/* alarm() is not inherited by children: as their user, end them all. */
	for (int i = 0; i < 20; i++) {
		pid = fork();
		if (pid == 0) {
			setresuid(1000, 1000, 1000);
			kill(-1, SIGKILL);
			_exit(0);
		}
		check_wait(pid);
	}
	CHECK(check_wait(child) >= CHECK_KILLED);
	still_alive();
}

static void process_limit(void)
{
	struct rlimit limit = { 20, 20 };
	int made = 0, ends[2];
	pid_t pid;
	char byte;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
	CHECK_EQ(setresuid(1003, 1003, 1003), 0);
	while ((pid = fork()) >= 0 && made < 100) {
		if (pid == 0) {
			close(ends[1]);
			_exit(read(ends[0], &byte, 1));
		}
		made++;
	}
	CHECK_ERR(fork(), EAGAIN);
	CHECK_EQ(made, 19);
	close(ends[1]);
	while (wait(NULL) > 0)
		;
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(check_wait(pid), 0);
}

static void eat_memory(void *limit)
{
	for (long eaten = 0; eaten < (long)limit; eaten += 1 << 20) {
		char *more = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (more == MAP_FAILED)
			_exit(3);
		memset(more, eaten >> 20 | 1, 1 << 20);
	}
	_exit(4);
}

/* One process wants more than the machine has: it gets ENOMEM or SIGKILL, and the memory comes back. */
static void memory_exhaustion(void)
{
	struct sysinfo before, after;
	int result;

	CHECK_EQ(sysinfo(&before), 0);
	result = check_child(eat_memory, (void *)((long)before.totalram * before.mem_unit * 2));
	CHECK(result == 3 || result == CHECK_KILLED + SIGKILL);
	still_alive();
	/* It comes back a moment after the end. */
	for (long end = check_now() + 20000; CHECK_EQ(sysinfo(&after), 0) && check_now() < end; check_sleep(20)) {
		if (after.freeram * after.mem_unit + (32 << 20) > before.freeram * before.mem_unit)
			break;
	}
	CHECK(after.freeram * after.mem_unit + (32 << 20) > before.freeram * before.mem_unit);
}

/* Making much of user space present takes minutes, but callers can be killed. */
static void huge_range(void *call)
{
	enum { FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
	size_t size = 1UL << 45;
	int populate = (long)call == 0 ? MAP_POPULATE : 0;
	char *at = mmap(NULL, size, PROT_READ, FLAGS | populate, -1, 0);

	if ((long)call == 1)
		mlock(at, size);
}

static void huge_ranges(void)
{
	for (long call = 0; call < 2; call++) {
		pid_t pid = check_spawn(huge_range, (void *)call);
		long start;

		check_sleep(200);
		start = check_now();
		kill(pid, SIGKILL);
		check_wait(pid);
		/* Much of the range would take minutes. */
		CHECK(check_now() - start < 15000);
	}
	still_alive();
}

static void descriptor_exhaustion(void)
{
	int ends[2], count = 0;

	while (pipe(ends) == 0)
		count++;
	CHECK_ERR(pipe(ends), EMFILE);
	CHECK(count > 100);
	while (open("/dev/null", O_RDONLY) >= 0)	/* a pipe needs two: one may be left */
		;
	CHECK_ERR(open("/dev/null", O_RDONLY), EMFILE);
	for (int i = 3; i < 64; i++)
		close(i);
	still_alive();
}

static void fill_tmpfs(void)
{
	static char block[65536];
	int fd;
	long written = 0;
	ssize_t done;

	CHECK_EQ(mkdir("m", 0755), 0);
	if (!CHECK_EQ(syscall(SYS_mount, "none", "m", "tmpfs", 0, "size=4m"), 0))
		return;
	fd = open("m/file", O_WRONLY | O_CREAT, 0600);
	while ((done = write(fd, block, sizeof block)) > 0 && written < 64 << 20)
		written += done;
	CHECK_ERR(write(fd, block, sizeof block), ENOSPC);
	CHECK(written >= 3 << 20 && written <= 4 << 20);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(write(fd, block, sizeof block), sizeof block);
	close(fd);
	CHECK_EQ(syscall(SYS_umount2, "m", 0), 0);
}

static void deep_folders(void)
{
	int depth = 0;

	while (depth < 3000 && mkdir("d", 0700) == 0 && chdir("d") == 0)
		depth++;
	CHECK_EQ(depth, 3000);
	for (int i = 0; i < depth; i++)
		if (chdir("..") < 0 || rmdir("d") < 0) {
			CHECK(!"cannot go back");
			break;
		}
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(edges), CASE(damaged_programs), CASE(strange_segments),
		CASE(process_limit), CASE(descriptor_exhaustion), CASE(fill_tmpfs), CASE(deep_folders), CASE(fork_bomb),
		CASE(memory_exhaustion), CASE(huge_ranges), { NULL, NULL },
	};

	/* A damaged copy of this program runs without arguments and environment. */
	if (!getenv("PATH"))
		return 0;
	return check_main("hostile", cases, argc, argv);
}
