/* SPDX-License-Identifier: MIT */
/*
 * Writers that know a file by its mapping only, beside readers that know it by read(), while caches are dropped and the data written back: nothing of
 * what was stored is ever missed. SEED=N SECONDS=N (of the first case, default 2) MAP_PAGES=N.
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
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, PAGES_MAX = 4096 };

/* What the writer has begun and finished to store in each page: a reader that finds both the same before and after knows what it must see. */
struct progress {
	uint32_t begun[PAGES_MAX], done[PAGES_MAX];
	int stop;
};

static struct progress *progress;
static uint64_t state, words[WORDS];
static unsigned pages;
static sigjmp_buf after_fault;

static long number(const char *name, long usual)
{
	const char *text = getenv(name);

	return text ? atol(text) : usual;
}

static uint64_t draw(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dull >> 16) % limit;
}

static uint64_t word(uint64_t page, uint64_t version, uint64_t at)
{
	return version ? (page << 40 | version << 16 | at) * 0x9e3779b97f4a7c15ull : 0;
}

static void begin(uint64_t salt)
{
	unsigned long seed = (unsigned long)number("SEED", check_now());

	printf("SEED=%lu\n", seed);
	state = (seed + 1) * 0x9e3779b97f4a7c15ull + salt;
	pages = (unsigned)number("MAP_PAGES", 256);
	if (pages < 2 || pages > PAGES_MAX)
		pages = 256;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "1\n", 2);
		close(fd);
	}
}

/* How many words of a page are not those of @version. */
static unsigned wrong_words(const uint64_t *found, uint64_t page, uint64_t version)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < WORDS; i++)
		wrong += found[i] != word(page, version, i);
	return wrong;
}

static void read_along(void *argument)
{
	int fd = open("mapped", O_RDONLY);
	unsigned looked = 0;

	state += (uint64_t)(uintptr_t)argument;
	CHECK(fd >= 0);
	while (!__atomic_load_n(&progress->stop, __ATOMIC_ACQUIRE)) {
		unsigned page = (unsigned)draw(pages);
		uint32_t done = __atomic_load_n(&progress->done[page], __ATOMIC_ACQUIRE);

		if (draw(300) == 0)
			drop_caches();
		if (pread(fd, words, PAGE, (off_t)page * PAGE) != PAGE) {
			CHECK_EQ(pread(fd, words, PAGE, (off_t)page * PAGE), PAGE);
			_exit(1);
		}
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&progress->begun[page], __ATOMIC_ACQUIRE) != done)
			continue;
		looked++;
		if (wrong_words(words, page, done)) {
			CHECK_EQ(wrong_words(words, page, done), 0);
			printf("page %u, version %u\n", page, done);
			_exit(1);
		}
	}
	CHECK(looked > 0);
}

static void store(uint64_t *map, unsigned page)
{
	uint32_t version = progress->done[page] + 1;

	__atomic_store_n(&progress->begun[page], version, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < WORDS; i++)
		((volatile uint64_t *)map)[(size_t)page * WORDS + i] = word(page, version, i);
	__atomic_store_n(&progress->done[page], version, __ATOMIC_SEQ_CST);
}

static void check_file(int fd)
{
	for (unsigned page = 0; page < pages; page++) {
		CHECK_EQ(pread(fd, words, PAGE, (off_t)page * PAGE), PAGE);
		CHECK_EQ(wrong_words(words, page, progress->done[page]), 0);
	}
}

static uint64_t *map_file(int fd, size_t length)
{
	uint64_t *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (!CHECK(map != MAP_FAILED))
		_exit(1);
	return map;
}

/* A hole at first: a store allocates. At the end the file has no name any more, and is still all there. */
static void writer(void)
{
	long end = check_now() + number("SECONDS", 2) * 1000;
	int fd = open("mapped", O_RDWR | O_CREAT | O_EXCL, 0600);
	uint64_t *map;
	pid_t readers[2];

	begin(0);
	progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(ftruncate(fd, (off_t)pages * PAGE), 0);
	map = map_file(fd, (size_t)pages * PAGE);
	for (unsigned i = 0; i < 2; i++)
		readers[i] = check_spawn(read_along, (void *)(uintptr_t)(i + 1));
	for (unsigned long stores = 0; stores < 2000 || check_now() < end; stores++) {
		store(map, (unsigned)draw(draw(2) ? pages : 8));
		if (stores % 200 == 77)
			CHECK_EQ(msync(map, (size_t)pages * PAGE, stores % 3 ? MS_SYNC : MS_ASYNC), 0);
		if (stores % 500 == 133)
			CHECK_EQ(fdatasync(fd), 0);
		if (stores % 700 == 300) {
			CHECK_EQ(munmap(map, (size_t)pages * PAGE), 0);
			map = map_file(fd, (size_t)pages * PAGE);
		}
	}
	__atomic_store_n(&progress->stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(check_wait(readers[i]), 0);
	check_file(fd);
	CHECK_EQ(unlink("mapped"), 0);
	for (int i = 0; i < 200; i++)
		store(map, (unsigned)draw(pages));
	drop_caches();
	check_file(fd);
	CHECK_EQ(munmap(map, (size_t)pages * PAGE), 0);
	drop_caches();
	check_file(fd);
}

/* What one stores before fork, and parent and child after it, is in the file; what is stored in a private mapping is not. */
static void child_of_writer(void *argument)
{
	uint64_t *map = argument;

	for (unsigned i = 0; i < WORDS; i++)
		map[WORDS + i] = word(1, 3, i);
}

static void forked(void)
{
	int fd = open("forked", O_RDWR | O_CREAT | O_EXCL, 0600);
	uint64_t *map, *copy;

	begin(1);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	map = map_file(fd, 2 * PAGE);
	map[0] = 7;
	CHECK_EQ(check_child(child_of_writer, map), 0);
	copy = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(copy != MAP_FAILED);
	copy[1] = 9;
	CHECK_EQ(munmap(map, 2 * PAGE), 0);
	CHECK_EQ(fsync(fd), 0);
	drop_caches();
	CHECK_EQ(pread(fd, words, PAGE, 0), PAGE);
	CHECK_EQ(words[0], 7);
	CHECK_EQ(words[1], 0);
	CHECK_EQ(copy[1], 9);
	CHECK_EQ(pread(fd, words, PAGE, PAGE), PAGE);
	CHECK_EQ(wrong_words(words, 1, 3), 0);
}

static void on_fault(int signal_number)
{
	siglongjmp(after_fault, signal_number);
}

/* A file is cut while it is mapped: beyond its end SIGBUS, after it has grown again zeroes, and what was stored behind the end is nowhere. */
static void cut(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	int fd = open("cut", O_RDWR | O_CREAT | O_EXCL, 0600), fault;
	uint64_t *map;

	begin(2);
	sigaction(SIGBUS, &action, NULL);
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	map = map_file(fd, 4 * PAGE);
	for (unsigned i = 0; i < 4 * WORDS; i++)
		map[i] = i + 1;
	CHECK_EQ(ftruncate(fd, PAGE + 16), 0);
	map[WORDS + 5] = 99;				/* on the last page, beyond the end */
	fault = sigsetjmp(after_fault, 1);
	if (!fault)
		((volatile uint64_t *)map)[2 * WORDS] = 5;
	CHECK_EQ(fault, SIGBUS);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	drop_caches();
	CHECK_EQ(map[0], 1);
	CHECK_EQ(map[WORDS + 1], WORDS + 2);
	CHECK_EQ(map[2 * WORDS], 0);
	CHECK_EQ(map[4 * WORDS - 1], 0);
	CHECK_EQ(pread(fd, words, PAGE, PAGE), PAGE);
	CHECK_EQ(words[0], WORDS + 1);
	for (unsigned i = 2; i < WORDS; i++)
		CHECK_EQ(words[i], 0);
}

/* How many words of the file's first page are not zeroes, from the third on. */
static unsigned left_behind(int fd)
{
	unsigned left = 0;

	CHECK_EQ(pread(fd, words, PAGE, 0), PAGE);
	for (unsigned i = 2; i < WORDS; i++)
		left += words[i] != 0;
	return left;
}

static void grow(int fd, int by_write)
{
	if (by_write)
		CHECK_EQ(pwrite(fd, "x", 1, 2 * PAGE), 1);
	else
		CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
}

/* What was cut off, and what was stored behind the end, does not come back when the file grows, neither from memory nor from the disk. */
static void tails(void)
{
	for (int way = 0; way < 8; way++) {
		int fd = open("tail", O_RDWR | O_CREAT | O_TRUNC, 0600), by_write = way & 1, cold = way & 2, stored = way & 4;
		uint64_t *map;

		memset(words, 0xee, sizeof words);
		CHECK_EQ(write(fd, words, PAGE), PAGE);
		CHECK_EQ(fsync(fd), 0);
		CHECK_EQ(ftruncate(fd, 16), 0);
		map = map_file(fd, PAGE);
		if (stored)
			map[5] = 99;
		/* Linux takes away what was stored behind the end when it writes the page. */
		CHECK_EQ(fsync(fd), 0);
		munmap(map, PAGE);
		if (cold)
			drop_caches();
		grow(fd, by_write);
		CHECK_EQ(left_behind(fd), 0);
		CHECK_EQ(fsync(fd), 0);
		drop_caches();
		CHECK_EQ(left_behind(fd), 0);
		CHECK(words[0] == words[1] && words[0] == 0xeeeeeeeeeeeeeeee);
		close(fd);
	}
}

static const struct check_case cases[] = {
	CASE(writer), CASE(forked), CASE(cut), CASE(tails),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_mmap", cases, argc, argv);
}
