/* SPDX-License-Identifier: MIT */
/*
 * One file used in two ways at once: stores and reads beside truncations of another part, O_DIRECT beside mappings and reads, writes beside truncations and
 * removal. Nobody waits for ever, gets an error that is not his, or misses data. Each case ends by its time (SECONDS=N, default 2). Where O_DIRECT is refused
 * its cases check nothing, and say so.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LOW = 256, HIGH = 1024, PIECES = 2200, BATCH = 64, DIRECT_BLOCKS = 12 };

static long end;

static void begin(void)
{
	const char *text = getenv("SECONDS");

	end = check_now() + (text ? atol(text) : 2) * 1000;
}

static int make(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT | flags, 0600);

	if (fd < 0 && flags & O_DIRECT)
		printf("nothing is checked: no O_DIRECT here\n");
	else
		CHECK(fd >= 0);
	return fd;
}

static char *map(int fd, size_t length)
{
	char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (!CHECK(at != MAP_FAILED))
		_exit(1);
	return at;
}

static void *pages(unsigned count)
{
	return mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "1\n", 2);
		close(fd);
	}
}

/* The file becomes longer and shorter, far behind what others do with it, or right behind @argument pages. */
static void cut_again_and_again(void *argument)
{
	off_t pages_kept = (off_t)(intptr_t)argument;
	int fd = open("file", O_RDWR);

	while (check_now() < end)
		for (int i = 0; i < 45; i++)
			if (ftruncate(fd, (pages_kept + 8 - i % 9) * PAGE))
				_exit(1);
}

/* Stores to holes of a mapped file need blocks: that its end moves is nobody's affair who does not come there. */
static void stores(void)
{
	int fd = make("file", 0);
	unsigned rounds = 0;
	pid_t cutter;
	char *at;

	begin();
	CHECK_EQ(ftruncate(fd, HIGH * PAGE), 0);
	cutter = check_spawn(cut_again_and_again, (void *)HIGH);
	do {
		at = map(fd, HIGH * PAGE);
		for (unsigned i = 0; i < LOW; i++)
			at[(size_t)(rounds * LOW + i) % HIGH * PAGE] = (char)i;	/* SIGBUS ends the case */
		munmap(at, HIGH * PAGE);
		drop_caches();
	} while (++rounds < 4 || check_now() < end);
	CHECK_EQ(check_wait(cutter), 0);
}

static void msync_again_and_again(void *argument)
{
	while (check_now() < end)
		for (int i = 0; i < 20; i++)
			msync(argument, BATCH * PAGE, MS_SYNC);
}

/* What O_DIRECT reads into a mapped file is that file's data, also when it is written back meanwhile. */
static void read_into_map(void)
{
	int from = make("from", O_DIRECT), to = make("to", 0);
	char *buffer = pages(BATCH), *at, seen[8];
	unsigned version = 0, wrong = 0;
	pid_t syncer;

	if (from < 0)
		return;
	begin();
	CHECK_EQ(ftruncate(to, BATCH * PAGE), 0);
	at = map(to, BATCH * PAGE);
	memset(at, 1, BATCH * PAGE);
	syncer = check_spawn(msync_again_and_again, at);
	while (check_now() < end && !wrong) {
		version++;
		for (unsigned i = 0; i < BATCH; i++)
			memcpy(buffer + (size_t)i * PAGE, &version, sizeof version);
		CHECK_EQ(pwrite(from, buffer, BATCH * PAGE, 0), BATCH * PAGE);
		CHECK_EQ(pread(from, at, BATCH * PAGE, 0), BATCH * PAGE);
		usleep(version % 3 * 1000);
		munmap(at, BATCH * PAGE);
		drop_caches();
		for (unsigned i = 0; i < BATCH; i++) {
			CHECK_EQ(pread(to, seen, sizeof seen, (off_t)i * PAGE), sizeof seen);
			wrong += memcmp(seen, &version, sizeof version) != 0;
		}
		if (mmap(at, BATCH * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, to, 0) != at)
			_exit(1);
	}
	CHECK_EQ(wrong, 0);
	kill(syncer, SIGKILL);
	check_wait(syncer);
}

/* O_DIRECT reads a file into a mapping of the same file, whose page is cut off just now: the read may fail, but ends, and so does who cuts. */
static void read_into_itself(void)
{
	int fd = make("file", O_DIRECT);
	char *buffer = pages(1), *at;
	pid_t cutter;

	if (fd < 0)
		return;
	begin();
	memset(buffer, 7, PAGE);
	CHECK_EQ(pwrite(fd, buffer, PAGE, 0), PAGE);
	CHECK_EQ(ftruncate(fd, 16 * PAGE), 0);
	cutter = check_spawn(cut_again_and_again, (void *)8);
	while (check_now() < end) {
		ssize_t got;

		at = map(fd, 16 * PAGE);
		for (int i = 0; i < 8; i++) {
			got = pread(fd, at + (8 + i) * PAGE, PAGE, 0);
			if (got != PAGE && !(got < 0 && errno == EFAULT))
				CHECK_EQ(got, PAGE);
		}
		munmap(at, 16 * PAGE);
	}
	CHECK_EQ(check_wait(cutter), 0);
}

static void read_again_and_again(void *argument)
{
	int fd = open("file", O_RDONLY);
	char *buffer = pages(BATCH);

	(void)argument;
	while (check_now() < end)
		for (int i = 0; i < 20; i++)
			pread(fd, buffer, BATCH * PAGE, 0);
}

/* What was written by O_DIRECT is what all read afterwards, even if somebody was reading the page. */
static void reads_beside_writes(void)
{
	int direct = make("file", O_DIRECT), fd;
	unsigned version = 0, wrong = 0;
	char *buffer = pages(BATCH);
	pid_t readers[2];

	if (direct < 0)
		return;
	begin();
	fd = open("file", O_RDONLY);
	CHECK_EQ(ftruncate(direct, BATCH * PAGE), 0);
	for (int i = 0; i < 2; i++)
		readers[i] = check_spawn(read_again_and_again, NULL);
	while (check_now() < end && !wrong) {
		version++;
		for (unsigned i = 0; i < BATCH; i++)
			memcpy(buffer + (size_t)i * PAGE, &version, sizeof version);
		CHECK_EQ(pwrite(direct, buffer, BATCH * PAGE, 0), BATCH * PAGE);
		for (unsigned i = 0; i < BATCH; i++) {
			unsigned seen = 0;

			CHECK_EQ(pread(fd, &seen, sizeof seen, (off_t)i * PAGE), sizeof seen);
			wrong += seen != version;
		}
	}
	CHECK_EQ(wrong, 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(check_wait(readers[i]), 0);
}

/* A file in so many pieces that not all are remembered. */
static void pieces(void)
{
	int fd = make("pieces", 0);
	unsigned wrong = 0, seen;
	char *buffer = pages(1), *at;

	for (unsigned i = 0; i < PIECES; i++) {
		unsigned piece = i * 7 % PIECES;

		memcpy(buffer, &piece, sizeof piece);
		if (pwrite(fd, buffer, PAGE, (off_t)piece * 2 * PAGE) != PAGE)
			CHECK_EQ(pwrite(fd, buffer, PAGE, (off_t)piece * 2 * PAGE), PAGE);
	}
	at = map(fd, PIECES * 2 * PAGE);
	for (unsigned round = 0; round < 3; round++) {
		CHECK_EQ(fsync(fd), 0);
		drop_caches();
		for (unsigned i = 0; i + 1 < PIECES; i++) {
			memcpy(&seen, at + (size_t)i * 2 * PAGE, sizeof seen);
			wrong += seen != i + round;
			wrong += at[((size_t)i * 2 + 1) * PAGE] != 0;
			seen++;
			memcpy(at + (size_t)i * 2 * PAGE, &seen, sizeof seen);
		}
		CHECK_EQ(wrong, 0);
	}
	munmap(at, PIECES * 2 * PAGE);
}

/* ---- Blocks that go from file to file ---- */

static uint64_t tag_of(unsigned worker, unsigned kept, unsigned page)
{
	return (uint64_t)(worker + 1) << 48 | (uint64_t)kept << 32 | (page + 1);
}

static void fill(uint64_t *words, uint64_t tag)
{
	for (unsigned i = 0; i < PAGE / sizeof tag; i++)
		words[i] = tag;
}

/* How many pages have something that was never written to them. What @holes says may be missing. */
static unsigned wrong_pages(int fd, unsigned count, unsigned worker, unsigned kept, int holes)
{
	uint64_t words[PAGE / sizeof(uint64_t)], tag;
	unsigned wrong = 0;

	for (unsigned page = 0; page < count; page++) {
		ssize_t got = pread(fd, words, PAGE, (off_t)page * PAGE);
		unsigned bad = got < PAGE && !holes;

		tag = tag_of(worker, kept, page);
		for (unsigned i = 0; i < got / (ssize_t)sizeof *words; i++) {
			if (words[i] == tag || (holes && !words[i]))
				continue;
			if (!wrong && !bad)
				printf("page %u, word %u: %#llx, not %#llx\n", page, i, (unsigned long long)words[i], (unsigned long long)tag);
			bad = 1;
		}
		wrong += bad;
	}
	return wrong;
}

static int direct_flag;
/*
 * How many pages the files have. Linux's ext4, which mounts ext2 there, may still be writing an indirect block when that was freed and has become others'
 * data, unless there is a journal (mended in 6.18): there they have none.
 */
static unsigned file_pages = BATCH;

static unsigned pages_of_files(void)
{
	return check_on_linux() ? DIRECT_BLOCKS : BATCH;
}

static void write_beside(void *argument)
{
	unsigned worker = (unsigned)(intptr_t)argument, rounds = 0;
	uint64_t *buffer = pages(1);
	char name[16];

	snprintf(name, sizeof name, "file%u", worker);
	while (check_now() < end) {
		int fd = open(name, O_RDWR | (rounds++ % 3 ? direct_flag : 0));

		for (int i = 0; fd >= 0 && i < 24; i++) {
			unsigned page = (unsigned)random() % file_pages;

			fill(buffer, tag_of(worker, 0, page));
			if (pwrite(fd, buffer, PAGE, (off_t)page * PAGE) != PAGE)
				CHECK(!"all is written");
		}
		if (fd >= 0)
			close(fd);
	}
}

/* A file of which nobody but its maker knows, made on blocks that were others' a moment ago, and looked at a round later. */
static void renew_kept(unsigned worker, unsigned round)
{
	enum { KEPT = 24 };
	unsigned count = file_pages < KEPT ? file_pages : KEPT;
	uint64_t *buffer = pages(1);
	char name[16];
	int fd;

	snprintf(name, sizeof name, "kept%u", worker);
	if (round > 1) {
		fd = open(name, O_RDWR);
		CHECK_EQ(wrong_pages(fd, count, worker, round - 1, 0), 0);
		close(fd);
		CHECK_EQ(unlink(name), 0);
	}
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | (round % 2 ? direct_flag : 0), 0600);
	for (unsigned page = 0; page < count; page++) {
		fill(buffer, tag_of(worker, round, page));
		CHECK_EQ(pwrite(fd, buffer, PAGE, (off_t)page * PAGE), PAGE);
	}
	if (round % 3)
		CHECK_EQ(fsync(fd), 0);
	close(fd);
	munmap(buffer, PAGE);
}

static void cut_and_remove(void *argument)
{
	unsigned worker = (unsigned)(intptr_t)argument, round = 0;
	char name[16];

	snprintf(name, sizeof name, "file%u", worker);
	while (check_now() < end) {
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

		for (int i = 0; i < 8; i++) {
			CHECK_EQ(ftruncate(fd, random() % file_pages * PAGE + random() % 2 * 104), 0);
			usleep(random() % 1000);
			if (i % 4 == 3)
				CHECK_EQ(round % 2 ? fsync(fd) : fdatasync(fd), 0);
		}
		drop_caches();
		CHECK_EQ(wrong_pages(fd, file_pages, worker, 0, 1), 0);
		/* Somebody goes on writing to it. */
		CHECK_EQ(unlink(name), 0);
		close(fd);
		renew_kept(worker, ++round);
		sync();
	}
}

/* What is cut off or removed becomes others' at once, while some still write to it: a file has what was written to it, and nothing else. */
static void blocks_of_others(void)
{
	enum { WORKERS = 2 };
	int fd = make("file", O_DIRECT);
	pid_t workers[2 * WORKERS];

	direct_flag = fd >= 0 ? O_DIRECT : 0;
	file_pages = pages_of_files();
	begin();
	for (long i = 0; i < WORKERS; i++) {
		workers[2 * i] = check_spawn(cut_and_remove, (void *)i);
		workers[2 * i + 1] = check_spawn(write_beside, (void *)i);
	}
	for (int i = 0; i < 2 * WORKERS; i++)
		CHECK_EQ(check_wait(workers[i]), 0);
}

static const struct check_case cases[] = {
	CASE(blocks_of_others), CASE(pieces), CASE(stores), CASE(read_into_map), CASE(read_into_itself), CASE(reads_beside_writes),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_beside", cases, argc, argv);
}
