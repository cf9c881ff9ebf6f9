/* SPDX-License-Identifier: MIT */
/*
 * Blocks for what was written but not written back yet: st_blocks and statfs count them, who removes or truncates gets them back, times stay as they were
 * set, and all bytes are there, however they came. The file system is TMPDIR's; nobody else may write to it.
 */
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, BYTES = 256 << 10, SECTORS = BYTES / 512, BESIDE = 4 };

static uint8_t buffer[BYTES], found[BYTES];

static long free_blocks(void)
{
	struct statfs info = { 0 };

	CHECK_EQ(statfs(".", &info), 0);
	/* In pages. */
	return (long)(info.f_bfree * (unsigned long)info.f_bsize / PAGE);
}

static long sectors(int fd)
{
	struct stat info = { 0 };

	CHECK_EQ(fstat(fd, &info), 0);
	return (long)info.st_blocks;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "3\n", 2);
		close(fd);
	}
}

/* How often the server of the root file system was asked where blocks are; 0 where there is none. */
static long asked(void)
{
	static char text[4096];
	int fd = open("/proc/served", O_RDONLY);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
	const char *at;

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	at = strstr(text, "map_extents=");
	return at ? atol(at + strlen("map_extents=")) : 0;
}

static int make(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0600);

	CHECK(fd >= 0);
	return fd;
}

static void fill(unsigned seed)
{
	for (unsigned i = 0; i < BYTES; i++)
		buffer[i] = (uint8_t)(i * 7 + i / PAGE * 13 + seed);
}

static void check_bytes(int fd, const char *name)
{
	CHECK_EQ(pread(fd, found, BYTES, 0), BYTES);
	if (!CHECK(!memcmp(found, buffer, BYTES)))
		fprintf(stderr, "%s\n", name);
}

static void check_used(long before, int fd, long pages)
{
	long used = before - free_blocks(), count = sectors(fd);

	CHECK(count >= pages * (PAGE / 512) && count <= (pages + BESIDE) * (PAGE / 512));
	if (!CHECK(used >= pages && used <= pages + 3 * BESIDE))
		fprintf(stderr, "%ld of %ld\n", used, pages);
}

static void counted(void)
{
	long before;
	int fd = make("file", 0);

	fill(1);
	sync();
	before = free_blocks();
	CHECK_EQ(write(fd, buffer, BYTES), BYTES);
	check_used(before, fd, BYTES / PAGE);
	CHECK_EQ(fsync(fd), 0);
	check_used(before, fd, BYTES / PAGE);
	drop_caches();
	check_bytes(fd, "counted");
	CHECK_EQ(pwrite(fd, buffer, BYTES, BYTES), BYTES);
	check_used(before, fd, 2 * BYTES / PAGE);
	CHECK_EQ(ftruncate(fd, BYTES + BYTES / 2), 0);
	check_used(before, fd, (BYTES + BYTES / 2) / PAGE);
	CHECK_EQ(ftruncate(fd, 0), 0);
	check_used(before, fd, 0);
	close(fd);
}

/* What was removed before is freed some time after the answer. */
static long settled_free_blocks(void)
{
	long limit = check_now() + 5000, since = check_now(), blocks = free_blocks();

	while (check_now() < since + 500 && check_now() < limit) {
		check_sleep(20);
		sync();
		if (free_blocks() != blocks)
			since = check_now();
		blocks = free_blocks();
	}
	return blocks;
}

static void removed(void)
{
	long before = settled_free_blocks(), questions, limit = check_now() + 5000;
	int fd;

	fd = make("file", 0);
	questions = asked();
	CHECK_EQ(write(fd, buffer, BYTES), BYTES);
	CHECK_EQ(unlink("file"), 0);
	close(fd);
	while (free_blocks() != before && check_now() < limit)
		check_sleep(10);
	CHECK_EQ(free_blocks(), before);
	sync();
	CHECK_EQ(asked(), questions);
}

static void times(void)
{
	struct timespec times[2] = { { .tv_sec = 1000000001 }, { .tv_sec = 1000000002 } };
	struct stat info = { 0 };
	int fd = make("file", 0);

	CHECK_EQ(write(fd, buffer, BYTES), BYTES);
	CHECK_EQ(futimens(fd, times), 0);
	CHECK_EQ(fsync(fd), 0);
	close(fd);
	drop_caches();
	CHECK_EQ(stat("file", &info), 0);
	CHECK_EQ(info.st_mtime, times[1].tv_sec);
	CHECK_EQ(info.st_size, BYTES);
}

/* Every fourth page is written, in an order of its own; the others are holes. */
static void scattered(void)
{
	int fd = make("file", 0);

	fill(2);
	for (unsigned page = 0; page < BYTES / PAGE; page++)
		if (page % 4 != 1)
			memset(buffer + page * PAGE, 0, PAGE);
	CHECK_EQ(ftruncate(fd, BYTES), 0);
	for (unsigned i = 0; i < BYTES / PAGE / 4; i++) {
		unsigned page = i * 5 % (BYTES / PAGE / 4) * 4 + 1;

		CHECK_EQ(pwrite(fd, buffer + page * PAGE, PAGE, page * PAGE), PAGE);
	}
	CHECK(sectors(fd) >= SECTORS / 4 && sectors(fd) <= SECTORS / 4 + BESIDE * 8);
	check_bytes(fd, "scattered, before");
	CHECK_EQ(fsync(fd), 0);
	CHECK(sectors(fd) >= SECTORS / 4 && sectors(fd) <= SECTORS / 4 + BESIDE * 8);
	drop_caches();
	check_bytes(fd, "scattered");
	close(fd);
}

static void mapped(void)
{
	int fd = make("file", 0);
	uint8_t *bytes;

	memset(buffer, 0, BYTES);
	CHECK_EQ(ftruncate(fd, BYTES), 0);
	bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(bytes != MAP_FAILED);
	CHECK_EQ(sectors(fd), 0);
	bytes[5 * PAGE + 1] = buffer[5 * PAGE + 1] = 1;
	CHECK_EQ(sectors(fd), PAGE / 512);
	CHECK_EQ(msync(bytes, BYTES, MS_SYNC), 0);
	CHECK_EQ(sectors(fd), PAGE / 512);
	munmap(bytes, BYTES);
	drop_caches();
	check_bytes(fd, "mapped");
	close(fd);
}

static void direct(void)
{
	void *aligned = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = make("file", 0), other = open("file", O_RDWR | O_DIRECT);

	if (other < 0)
		return;
	fill(3);
	CHECK_EQ(write(fd, buffer, BYTES), BYTES);
	CHECK_EQ(pread(other, aligned, BYTES, 0), BYTES);
	CHECK(!memcmp(aligned, buffer, BYTES));
	/* Half of it is there and not written back, half is new. */
	CHECK_EQ(pwrite(fd, buffer, BYTES / 2, BYTES), BYTES / 2);
	fill(4);
	memcpy(aligned, buffer, BYTES);
	CHECK_EQ(pwrite(other, aligned, BYTES, BYTES), BYTES);
	CHECK_EQ(pread(fd, found, BYTES, BYTES), BYTES);
	CHECK(!memcmp(found, buffer, BYTES));
	close(other);
	close(fd);
}

static void cut(void)
{
	int fd = make("file", 0);

	fill(5);
	CHECK_EQ(write(fd, buffer, BYTES), BYTES);
	CHECK_EQ(ftruncate(fd, 10000), 0);
	CHECK_EQ(ftruncate(fd, BYTES), 0);
	memset(buffer + 10000, 0, BYTES - 10000);
	CHECK(sectors(fd) <= (3 + BESIDE) * (PAGE / 512));
	check_bytes(fd, "cut, before");
	CHECK_EQ(fsync(fd), 0);
	drop_caches();
	check_bytes(fd, "cut");
	close(fd);
}

static void seek(void)
{
	int fd = make("file", 0);

	CHECK_EQ(ftruncate(fd, BYTES), 0);
	CHECK_EQ(pwrite(fd, buffer, PAGE, 3 * PAGE), PAGE);
	for (int written = 0; written < 2; written++) {
		if (lseek(fd, 0, SEEK_DATA) == 0)
			break;		/* all is data there: tmpfs of RaeenOS */
		CHECK_EQ(lseek(fd, 0, SEEK_DATA), 3 * PAGE);
		CHECK_EQ(lseek(fd, 3 * PAGE + 5, SEEK_DATA), 3 * PAGE + 5);
		CHECK_EQ(lseek(fd, 3 * PAGE + 5, SEEK_HOLE), 4 * PAGE);
		CHECK_EQ(lseek(fd, PAGE + 1, SEEK_HOLE), PAGE + 1);
		CHECK_ERR(lseek(fd, 4 * PAGE, SEEK_DATA), ENXIO);
		CHECK_EQ(lseek(fd, BYTES - 1, SEEK_HOLE), BYTES - 1);
		CHECK_ERR(lseek(fd, BYTES, SEEK_HOLE), ENXIO);
		CHECK_EQ(fsync(fd), 0);
		drop_caches();
	}
	close(fd);
}

static const struct check_case cases[] = {
	CASE(counted), CASE(removed), CASE(times), CASE(scattered), CASE(mapped), CASE(direct), CASE(cut), CASE(seek),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_promised", cases, argc, argv);
}
