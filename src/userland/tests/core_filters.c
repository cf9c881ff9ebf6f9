/* SPDX-License-Identifier: MIT */
/* /proc/PID/coredump_filter: how it reads and what it takes, who has it from whom, and what it leaves out of core files. */
#include "check.h"

#include "built_with.h"
#include "core_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, KINDS = 4, ELF_HEADERS = 4, USUAL = 0x33 };

static int write_filter(const char *text)
{
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC), result = fd < 0 ? -1 : write(fd, text, strlen(text)), error = errno;

	close(fd);
	errno = error;
	return result < 0 ? -1 : 0;
}

static const char *filter_of(const char *pid)
{
	static char text[32];
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "/proc/%s/coredump_filter", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	return text;
}

static void texts(void)
{
	CHECK_STR(filter_of("self"), "00000033\n");
	CHECK_EQ(write_filter("0x7"), 0);
	CHECK_STR(filter_of("self"), "00000007\n");
	CHECK_EQ(write_filter("12\n"), 0);
	CHECK_STR(filter_of("self"), "0000000c\n");
	CHECK_EQ(write_filter("017"), 0);
	CHECK_STR(filter_of("self"), "0000000f\n");
	CHECK_EQ(write_filter("0xffffffff"), 0);
	CHECK_STR(filter_of("self"), "000001ff\n");
	CHECK_EQ(write_filter("0"), 0);
	CHECK_STR(filter_of("self"), "00000000\n");
	CHECK_ERR(write_filter("x"), EINVAL);
	CHECK_ERR(write_filter("\n"), EINVAL);
	CHECK_ERR(write_filter("-1"), EINVAL);
	CHECK_ERR(write_filter("1 2"), EINVAL);
	CHECK_ERR(write_filter("0x100000000"), ERANGE);
	CHECK_STR(filter_of("self"), "00000000\n");
	CHECK_EQ(access("/proc/thread-self/coredump_filter", F_OK), -1);
}

static void inherited(void)
{
	int status, ends[2];
	char text[16] = "";

	CHECK_EQ(write_filter("0x15"), 0);
	CHECK_EQ(pipe(ends), 0);
	if (!fork()) {
		dup2(ends[1], STDOUT_FILENO);
		if (!strcmp(filter_of("self"), "00000015\n"))
			execl("/proc/self/exe", "core_filters", "--print", NULL);
		_exit(1);
	}
	CHECK_EQ(wait(&status) > 0, 1);
	CHECK_EQ(status, 0);
	CHECK_EQ(read(ends[0], text, sizeof text - 1), 9);
	CHECK_STR(text, "00000015\n");
	if (!fork()) {
		if (write_filter("1"))
			_exit(2);
		_exit(0);
	}
	CHECK_EQ(wait(&status) > 0, 1);
	CHECK_EQ(status, 0);
	CHECK_STR(filter_of("self"), "00000015\n");
}

/* Pages of each kind, in the order of the filter's bits, and one that is kept from all. */
static unsigned char **pages;

static unsigned char *map(int flags, int fd, off_t at)
{
	unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, at);

	if (page == MAP_FAILED)
		_exit(99);
	return page;
}

static void die(const char *filter)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char bytes[2 * PAGE];

	memset(bytes, 0xb0, sizeof bytes);
	if (write(fd, bytes, sizeof bytes) != sizeof bytes || write_filter(filter))
		_exit(98);
	pages[0] = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pages[1] = map(MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pages[2] = map(MAP_PRIVATE, fd, 0);
	pages[3] = map(MAP_SHARED, fd, PAGE);
	pages[KINDS] = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(pages[0], 0xb0, PAGE);
	memset(pages[1], 0xb0, PAGE);
	memset(pages[KINDS], 0xb0, PAGE);
	madvise(pages[KINDS], PAGE, MADV_DONTDUMP);
	setrlimit(RLIMIT_CORE, &all);
	kill(getpid(), SIGABRT);
}

static void check_core(unsigned filter)
{
	struct core core;
	char text[16], byte;
	int status;

	snprintf(text, sizeof text, "%u", filter);
	if (!fork()) {
		die(text);
		_exit(97);
	}
	CHECK_EQ(wait(&status) > 0, 1);
	if (!CHECK(WIFSIGNALED(status) && WCOREDUMP(status)) || !CHECK_EQ(core_open(&core, "core"), 0))
		return;
	for (unsigned i = 0; i < KINDS; i++) {
		if (filter >> i & 1)
			CHECK(core_page_is(&core, pages[i], 0xb0));
		else
			CHECK_ERR(core_read(&core, pages[i], &byte, 1), ENOENT);
	}
	CHECK_ERR(core_read(&core, pages[KINDS], &byte, 1), ENOENT);
	/* The whole of it, if private mappings of files are there. */
	CHECK_EQ(core_has_head(&core, "/core_filters"), filter >> ELF_HEADERS & 1 || filter >> 2 & 1);
	core_close(&core);
	unlink("core");
}

static void obeyed(void)
{
	pages = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i <= ELF_HEADERS; i++)
		check_core(1u << i);
	check_core(USUAL);
	check_core(0);
	check_core(0x1ff);
}

static const struct check_case cases[] = { CASE(texts), CASE(inherited), CASE(obeyed), { NULL, NULL } };

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--print"))
		return printf("%s", filter_of("self")) < 0;
	if (!kernel_has(CORE_FILES))
		return skip_program("core_filters", CORE_FILES);
	return check_main("core_filters", cases, argc, argv);
}
