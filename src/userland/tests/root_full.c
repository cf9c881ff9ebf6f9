/* SPDX-License-Identifier: MIT */
/*
 * A file system filled to its last block: by write, by stores to a mapping, by small files, by names, by several at once. ENOSPC (of a store: SIGBUS) comes
 * then and there, never at fsync; what was accepted is there; and removing all of it brings all of it back.
 *
 * Nothing is filled, and that is said, where more than FULL_MAX_MB=N (default 64) is free. The file system is TMPDIR's. Nobody else may use it.
 */
#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { CHUNK = 65536, SMALL_MAX = 20000, TOGETHER = 4, COME_BACK_MS = 10000, QUIET_MS = 300, LOOK_MS = 20 };

static uint8_t buffer[CHUNK], found[CHUNK];
static sigjmp_buf after_fault;

struct room {
	uint64_t blocks, inodes;
	unsigned block;
};

static struct room free_now(void)
{
	struct statfs info = { 0 };

	CHECK_EQ(statfs(".", &info), 0);
	return (struct room){ info.f_bfree, info.f_ffree, (unsigned)info.f_bsize };
}

static void fill(uint8_t *bytes, size_t length, uint64_t file, uint64_t offset)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)((offset + i) * 7 + (offset + i) / 4096 * 13 + file * 31 + 1);
}

/* The checks' own errno is another. */
static void check_no_room(int error)
{
	CHECK_EQ(error, ENOSPC);
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "3\n", 2);
		close(fd);
	}
}

/* Of what was removed before, as the folder of the case before this was, blocks and inodes may still be on their way back. */
static struct room free_at_rest(void)
{
	long limit = check_now() + COME_BACK_MS, changed = check_now();
	struct room room = free_now();

	while (check_now() < changed + QUIET_MS && check_now() < limit) {
		struct room now;

		check_sleep(LOOK_MS);
		sync();
		now = free_now();
		if (now.blocks != room.blocks || now.inodes != room.inodes)
			changed = check_now();
		room = now;
	}
	return room;
}

static struct room begin(void)
{
	const char *text = getenv("FULL_MAX_MB");
	struct room room;

	CHECK_EQ(mkdir("all", 0755), 0);
	sync();
	room = free_at_rest();
	if (room.blocks * room.block > (uint64_t)(text ? atol(text) : 64) << 20) {
		printf("nothing is filled: %llu KiB are free\n", (unsigned long long)room.blocks * room.block / 1024);
		_exit(0);
	}
	return room;
}

/* The folder is new each time: one that had many entries keeps its blocks. */
static void end(struct room before)
{
	long limit = check_now() + COME_BACK_MS;
	struct room now;

	system("rm -rf all");
	/* What files had comes back when all who let go of them have been heard, for which nobody waits. */
	while (mkdir("all", 0755) < 0 && CHECK_EQ(errno, ENOSPC) && CHECK(check_now() < limit))
		sync();
	do {
		sync();
		now = free_now();
	} while ((now.blocks != before.blocks || now.inodes != before.inodes) && check_now() < limit);
	CHECK_EQ(now.blocks, before.blocks);
	CHECK_EQ(now.inodes, before.inodes);
}

/* Appends in pieces of @step until there is no room; returns the new size. */
static uint64_t append_all(int fd, uint64_t file, uint64_t size, size_t step)
{
	for (;;) {
		ssize_t wrote;

		fill(buffer, step, file, size);
		errno = 0;
		wrote = pwrite(fd, buffer, step, (off_t)size);
		if (wrote <= 0) {
			check_no_room(errno);
			return size;
		}
		size += (uint64_t)wrote;
	}
}

/* The last blocks, by files that need no others to find theirs. */
static void take_the_rest(void)
{
	unsigned block = free_now().block;
	char name[32];

	for (int i = 0; i < SMALL_MAX; i++) {
		int fd;

		snprintf(name, sizeof name, "all/rest-%d", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0) {
			check_no_room(errno);
			return;
		}
		for (unsigned b = 0; b < 12; b++) {
			fill(buffer, block, 1000 + (uint64_t)i, (uint64_t)b * block);
			if (write(fd, buffer, block) != (ssize_t)block)
				break;
		}
		CHECK_EQ(fsync(fd), 0);
		close(fd);
		if (free_now().blocks == 0)
			return;
	}
}

static int is_right(int fd, uint64_t file, uint64_t size)
{
	for (uint64_t at = 0; at < size;) {
		size_t part = size - at < CHUNK ? size - at : CHUNK;

		fill(buffer, part, file, at);
		if (pread(fd, found, part, (off_t)at) != (ssize_t)part || memcmp(found, buffer, part))
			return 0;
		at += part;
	}
	return 1;
}

static void by_write(void)
{
	struct room before = begin();
	int fd = open("all/big", O_RDWR | O_CREAT | O_EXCL, 0600);
	uint64_t size = append_all(fd, 1, 0, CHUNK);
	struct stat info;

	size = append_all(fd, 1, size, before.block);
	CHECK(size > 0);
	CHECK_EQ(fsync(fd), 0);
	take_the_rest();
	CHECK_EQ(free_now().blocks, 0);
	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_size, size);
	/* What has its blocks can be written again. */
	fill(buffer, CHUNK, 2, 0);
	CHECK_EQ(pwrite(fd, buffer, CHUNK, 0), CHUNK);
	CHECK_EQ(fsync(fd), 0);
	fill(buffer, CHUNK, 1, 0);
	CHECK_EQ(pwrite(fd, buffer, CHUNK, 0), CHUNK);
	CHECK_EQ(fdatasync(fd), 0);
	drop_caches();
	CHECK(is_right(fd, 1, size));
	/* A block that is given back can be taken by another file. */
	CHECK_EQ(ftruncate(fd, (off_t)(size - CHUNK)), 0);
	sync();
	size = append_all(fd, 1, size - CHUNK, before.block);
	CHECK_EQ(fsync(fd), 0);
	CHECK(is_right(fd, 1, size));
	close(fd);
	end(before);
}

static void on_fault(int signal_number)
{
	siglongjmp(after_fault, signal_number);
}

static void by_mmap(void)
{
	struct room before = begin();
	struct sigaction action = { .sa_handler = on_fault };
	size_t length = before.blocks * before.block + (1 << 20);
	int fd = open("all/mapped", O_RDWR | O_CREAT | O_EXCL, 0600), fault;
	static volatile size_t at;
	uint8_t *map;

	length &= ~(size_t)4095;
	sigaction(SIGBUS, &action, NULL);
	CHECK_EQ(ftruncate(fd, (off_t)length), 0);
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	fault = sigsetjmp(after_fault, 1);
	for (; !fault && at < length; at += 4096)
		fill(map + at, 4096, 3, at);
	CHECK_EQ(fault, SIGBUS);
	CHECK(at > length / 2 && at < length);
	CHECK_EQ(msync(map, length, MS_SYNC), 0);
	CHECK_EQ(fsync(fd), 0);
	take_the_rest();
	CHECK_EQ(free_now().blocks, 0);
	/* Stores to what has its blocks go on. */
	for (size_t again = 0; again < at; again += 16 * 4096)
		fill(map + again, 4096, 3, again);
	CHECK_EQ(msync(map, length, MS_SYNC), 0);
	CHECK_EQ(munmap(map, length), 0);
	drop_caches();
	CHECK(is_right(fd, 3, at));
	close(fd);
	end(before);
}

/* Each file's size follows from its number; 0 bytes too. */
static size_t small_size(unsigned number)
{
	return number * 977 % 9000 * (number % 7 != 0);
}

static unsigned make_small(unsigned first, unsigned limit)
{
	char name[32];

	for (unsigned i = first; i < first + limit; i++) {
		size_t size = small_size(i);
		ssize_t wrote;
		int fd;

		snprintf(name, sizeof name, "all/%u", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0) {
			check_no_room(errno);
			return i;
		}
		fill(buffer, size, i, 0);
		errno = 0;
		wrote = size ? write(fd, buffer, size) : 0;
		if (wrote != (ssize_t)size) {
			check_no_room(wrote < 0 ? errno : ENOSPC);
			CHECK_EQ(fsync(fd), 0);
			close(fd);
			CHECK_EQ(unlink(name), 0);
			return i;
		}
		close(fd);
	}
	return first + limit;
}

static void check_small(unsigned first, unsigned last)
{
	char name[32];
	struct stat info;
	unsigned wrong = 0;

	for (unsigned i = first; i < last; i++) {
		int fd;

		snprintf(name, sizeof name, "all/%u", i);
		fd = open(name, O_RDONLY);
		wrong += fd < 0 || fstat(fd, &info) != 0 || (size_t)info.st_size != small_size(i) || !is_right(fd, i, small_size(i));
		close(fd);
	}
	CHECK_EQ(wrong, 0);
}

static void by_small_files(void)
{
	struct room before = begin();
	unsigned made = make_small(0, SMALL_MAX);

	CHECK(made > 20);
	sync();
	drop_caches();
	check_small(0, made);
	end(before);
}

/* Directories, until there is no room for one. */
static void by_names(void)
{
	struct room before = begin();
	char name[300];
	int made = 0;

	for (; made < SMALL_MAX; made++) {
		snprintf(name, sizeof name, "all/%0200d", made);
		if (mkdir(name, 0755) < 0) {
			check_no_room(errno);
			break;
		}
	}
	CHECK(made > 20);
	if (made < SMALL_MAX) {
		struct room now = free_now();

		CHECK(now.blocks < 4 || now.inodes == 0);
	}
	end(before);
}

static void fill_one(void *argument)
{
	uint64_t who = (uint64_t)(uintptr_t)argument, size;
	char name[32];
	int fd;

	snprintf(name, sizeof name, "all/of-%u", (unsigned)who);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	size = append_all(fd, who, 0, CHUNK / 4);
	CHECK_EQ(fsync(fd), 0);
	drop_caches();
	CHECK(is_right(fd, who, size));
}

static void together(void)
{
	struct room before = begin();
	pid_t pids[TOGETHER];

	for (unsigned i = 0; i < TOGETHER; i++)
		pids[i] = check_spawn(fill_one, (void *)(uintptr_t)(10 + i));
	for (unsigned i = 0; i < TOGETHER; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
	CHECK(free_now().blocks < 64);
	end(before);
}

static const struct check_case cases[] = {
	CASE(by_write), CASE(by_mmap), CASE(by_small_files), CASE(by_names), CASE(together),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_full", cases, argc, argv);
}
