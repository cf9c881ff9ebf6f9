/* SPDX-License-Identifier: MIT */
/*
 * Names that come and go in many processes at once: who has a file open keeps it whatever becomes of its names, each name is made and removed as often as
 * the callers were told, and in the end nothing is left on the disk, unless others use it, too (SHARED=1). SEED=N SECONDS=N (default 2) WORKERS=N.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES = 6, WORKERS_MAX = 8, CONTENT = 64 };

struct shared {
	int stop;
	/* Of the counted names: how often they were made and removed; what was done in all. */
	int64_t made[NAMES], removed[NAMES], steps, last_uses;
};

static struct shared *shared;
static uint64_t state;

static long number(const char *name, long usual)
{
	const char *text = getenv(name);

	return text ? atol(text) : usual;
}

static unsigned draw(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state * 0x2545f4914f6cdd1dull >> 16) % limit);
}

/* One of the names that are counted ("c": made by O_EXCL and removed only), or of those with which anything is done ("a"). */
static const char *name(char kind, unsigned which)
{
	static char texts[2][16];
	static unsigned turn;
	char *text = texts[turn++ % 2];

	snprintf(text, sizeof texts[0], "%c%u", kind, which);
	return text;
}

static void count(int64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* A whole file comes to be at once: by a rename from a name of the worker's own. */
static void make_whole(unsigned worker)
{
	char own[16], content[CONTENT];
	int fd;

	snprintf(own, sizeof own, "own%u", worker);
	memset(content, 'a' + (int)draw(26), sizeof content);
	fd = open(own, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK(fd >= 0);
	if (fd < 0)
		return;
	CHECK_EQ(write(fd, content, sizeof content), (long)sizeof content);
	close(fd);
	CHECK_EQ(rename(own, name('a', draw(NAMES))), 0);
}

/* Who has it open can read it, change its mode and make it longer; a node that was freed under him would refuse all that is not cached. */
static void use_open(int fd)
{
	char content[CONTENT];
	struct stat status;
	unsigned mode = 0600 | draw(0100);

	CHECK_EQ(pread(fd, content, sizeof content, 0), (long)sizeof content);
	for (unsigned i = 1; i < sizeof content; i++)
		CHECK_EQ(content[i], content[0]);
	CHECK_EQ(fchmod(fd, mode), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK(S_ISREG(status.st_mode) && status.st_size >= CONTENT);
	if (draw(4) == 0)
		CHECK_EQ(ftruncate(fd, 5000), 0);
	if (draw(4) == 0)
		CHECK_EQ(pwrite(fd, content, 10, 4096), 10);
	if (draw(8) == 0)
		CHECK_EQ(fsync(fd), 0);
	if (status.st_nlink == 0)
		count(&shared->last_uses);
}

static void open_and_use(void)
{
	const char *path = name('a', draw(NAMES));
	int fd;

	CHECK((fd = open(path, O_RDWR)) >= 0 || errno == ENOENT);
	if (fd < 0)
		return;
	if (draw(2) == 0)
		CHECK(unlink(path) == 0 || errno == ENOENT);
	use_open(fd);
	if (draw(2) == 0)
		use_open(fd);
	close(fd);
}

static void make_counted(void)
{
	unsigned which = draw(NAMES);
	int fd;

	CHECK((fd = open(name('c', which), O_CREAT | O_EXCL | O_WRONLY, 0600)) >= 0 || errno == EEXIST);
	if (fd < 0)
		return;
	count(&shared->made[which]);
	close(fd);
}

static void remove_counted(void)
{
	unsigned which = draw(NAMES);
	int result;

	CHECK((result = unlink(name('c', which))) == 0 || errno == ENOENT);
	if (result == 0)
		count(&shared->removed[which]);
}

static void step(unsigned worker)
{
	struct stat status;

	switch (draw(10)) {
	case 0: case 1:
		make_whole(worker);
		break;
	case 2: case 3:
		open_and_use();
		break;
	case 4: case 5:
		make_counted();
		break;
	case 6: case 7:
		remove_counted();
		break;
	case 8:
		if (draw(2) == 0)
			CHECK(link(name('a', draw(NAMES)), name('a', draw(NAMES))) == 0 || errno == ENOENT || errno == EEXIST);
		else
			CHECK(rename(name('a', draw(NAMES)), name('a', draw(NAMES))) == 0 || errno == ENOENT);
		break;
	default:
		CHECK(stat(name(draw(2) ? 'a' : 'c', draw(NAMES)), &status) == 0 || errno == ENOENT);
		CHECK(unlink(name('a', draw(NAMES))) == 0 || errno == ENOENT);
	}
}

static void work(unsigned worker, uint64_t seed)
{
	state = (seed + 1 + worker * 1000) * 0x9e3779b97f4a7c15ull;
	while (!__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST)) {
		step(worker);
		count(&shared->steps);
	}
	_exit(0);
}

/* Blocks and inodes that are free, when all that is deferred is done. */
static void free_space(struct statfs *space)
{
	sync();
	CHECK_EQ(statfs(".", space), 0);
}

/* Each counted name was made, and a file used when it had no name any more; how soon depends on how much time others leave. */
static int had_enough(void)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (__atomic_load_n(&shared->made[i], __ATOMIC_SEQ_CST) == 0)
			return 0;
	return __atomic_load_n(&shared->last_uses, __ATOMIC_SEQ_CST) > 0;
}

static void storm(void)
{
	unsigned long seed = (unsigned long)number("SEED", check_now());
	unsigned workers = (unsigned)number("WORKERS", 4);
	struct statfs before, after;
	pid_t pids[WORKERS_MAX];
	struct stat status;
	int tries = 100;

	printf("SEED=%lu\n", seed);
	workers = workers < 1 || workers > WORKERS_MAX ? 4 : workers;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	CHECK_EQ(mkdir("names", 0700), 0);
	CHECK_EQ(chdir("names"), 0);
	free_space(&before);
	for (unsigned i = 0; i < workers; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			work(i, seed);
	}
	sleep((unsigned)number("SECONDS", 2));
	while (!had_enough())
		check_sleep(10);
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < workers; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
	printf("%lld steps, %lld uses of files without names\n", (long long)shared->steps, (long long)shared->last_uses);
	CHECK(shared->last_uses > 0);
	for (unsigned i = 0; i < NAMES; i++) {
		int64_t left = shared->made[i] - shared->removed[i];

		/* A file that another removes before the one who makes it has it open is made once more, and told once. */
		CHECK(shared->made[i] > 0 && left <= 1 && left <= (stat(name('c', i), &status) == 0));
		unlink(name('c', i));
		unlink(name('a', i));
	}
	/* What nobody uses any more is freed soon. */
	do {
		usleep(100000);
		free_space(&after);
	} while (!number("SHARED", 0) && (after.f_ffree != before.f_ffree || after.f_bfree != before.f_bfree) && --tries);
	CHECK(tries > 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(rmdir("names"), 0);
}

static const struct check_case cases[] = { CASE(storm), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("root_names", cases, argc, argv);
}
