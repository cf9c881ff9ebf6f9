/* SPDX-License-Identifier: MIT */
/*
 * Names that are made and removed while others do so, and by programs that are killed in the middle: a change has happened, or it has not. SEED=N,
 * ROUNDS=N. Where the server of the file system is killed meanwhile (root_killer) all must hold as well.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES = 12, FILES = 300, OTHERS = 2, MOST_MS = 40, SOMEBODY = 1000 };

static uint64_t state;

static uint64_t draw(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dull >> 16) % limit;
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

/* ---- Others remove files ---- */

static void come_and_go(void *argument)
{
	char name[32];

	snprintf(name, sizeof name, "other-%d", (int)(intptr_t)argument);
	for (;;) {
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

		CHECK(fd >= 0);
		close(fd);
		CHECK_EQ(unlink(name), 0);
	}
}

/* Who makes a file may write it whatever its mode is, however many others end at that moment. */
static void make_read_only(void *argument)
{
	char name[32];

	(void)argument;
	CHECK_EQ(setuid(SOMEBODY), 0);
	for (int i = 0; i < FILES; i++) {
		int fd;

		snprintf(name, sizeof name, "mine/%d", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0444);
		CHECK(fd >= 0);
		CHECK_EQ(write(fd, name, 1), 1);
		close(fd);
		CHECK_ERR(open(name, O_WRONLY | O_CREAT | O_EXCL, 0444), EEXIST);
		snprintf(name, sizeof name, "mine/d%d", i);
		CHECK_EQ(mkdir(name, 0700), 0);
		CHECK_ERR(mkdir(name, 0700), EEXIST);
	}
}

static void read_only_files(void)
{
	pid_t others[OTHERS];

	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(mkdir("mine", 0777), 0);
	CHECK_EQ(chown("mine", SOMEBODY, SOMEBODY), 0);
	for (int i = 0; i < OTHERS; i++)
		others[i] = check_spawn(come_and_go, (void *)(intptr_t)i);
	CHECK_EQ(check_child(make_read_only, NULL), 0);
	for (int i = 0; i < OTHERS; i++) {
		kill(others[i], SIGKILL);
		check_wait(others[i]);
	}
}

/* ---- Who is killed ---- */

/* What each name is: 0 or the number of its file. Written down before and after each change, so that what was under way is known. */
struct names { unsigned file[NAMES]; };
static struct shared {
	struct names before, after;
	int under_way;
	unsigned files;			/* so many were made */
} *shared;

static const char *name_of(unsigned index)
{
	static char names[3][16];
	static unsigned turn;
	char *name = names[turn++ % 3];

	/* In two directories. */
	snprintf(name, 16, "%c/%u", index % 2 ? 'a' : 'b', index);
	return name;
}

static int make(unsigned index, unsigned file)
{
	char text[16];
	int fd;

	/* What it is called tells which one it is: its content would be another change. */
	snprintf(text, sizeof text, "%u", file);
	if (draw(2))
		return symlink(text, name_of(index));
	fd = open(name_of(index), O_RDWR | O_CREAT | O_EXCL, (mode_t)(file & 0777));
	return fd < 0 ? -1 : close(fd);
}

/* One change of @names, in memory; what it needs is in *call. Returns what to call, 0: nothing. */
enum call { MAKE = 1, LINK, UNLINK, RENAME };

static enum call choose(struct names *names, unsigned *one, unsigned *other)
{
	unsigned *file = names->file;

	*one = (unsigned)draw(NAMES);
	*other = (unsigned)draw(NAMES);
	if (!file[*one]) {
		file[*one] = ++shared->files;
		return MAKE;
	}
	switch (draw(3)) {
	case 0:
		file[*one] = 0;
		return UNLINK;
	case 1:
		if (file[*other])
			return 0;
		file[*other] = file[*one];
		return LINK;
	default:
		/* Two names of one file: nothing would happen. */
		if (file[*one] == file[*other])
			return 0;
		file[*other] = file[*one];
		file[*one] = 0;
		return RENAME;
	}
}

static void change(void *argument)
{
	(void)argument;
	umask(0);
	for (;;) {
		unsigned one, other, before = shared->files;
		struct names after = shared->before;
		enum call call = choose(&after, &one, &other);
		int result = 0;

		if (!call)
			continue;
		shared->after = after;
		__atomic_store_n(&shared->under_way, 1, __ATOMIC_SEQ_CST);
		result = call == MAKE ? make(one, before + 1) : call == UNLINK ? unlink(name_of(one)) : call == LINK ? link(name_of(one), name_of(other)) :
			 rename(name_of(one), name_of(other));
		if (!CHECK_EQ(result, 0)) {
			printf("call %d of %u and %u\n", call, one, other);
			_exit(1);
		}
		shared->before = after;
		__atomic_store_n(&shared->under_way, 0, __ATOMIC_SEQ_CST);
	}
}

/* Which file has the name; 0: none. @links: how many names it says that it has. */
static unsigned file_at(unsigned index, unsigned *links)
{
	struct stat info;
	char text[16] = "";

	if (lstat(name_of(index), &info)) {
		int error = errno;

		CHECK_EQ(error, ENOENT);
		return 0;
	}
	*links = (unsigned)info.st_nlink;
	if (S_ISLNK(info.st_mode)) {
		CHECK(readlink(name_of(index), text, sizeof text - 1) > 0);
		return (unsigned)atoi(text);
	}
	return 0x10000 + (info.st_mode & 0777);
}

static int same(unsigned wanted, unsigned found)
{
	return found >= 0x10000 ? wanted && (wanted & 0777) == (found & 0777) : found == wanted;
}

static unsigned listed(const char *folder)
{
	DIR *list = opendir(folder);
	unsigned count = 0;

	CHECK(list != NULL);
	while (list && readdir(list))
		count++;
	if (list)
		closedir(list);
	return count - 2;
}

/* Is it as @names says? */
static int is_as(const struct names *names, int say)
{
	unsigned found = 0;
	int right = 1;

	for (unsigned i = 0; i < NAMES; i++) {
		unsigned links = 0, wanted = 0, file = file_at(i, &links);

		for (unsigned j = 0; j < NAMES; j++)
			wanted += names->file[j] && names->file[j] == names->file[i];
		found += file != 0;
		if (same(names->file[i], file) && (!file || links == wanted))
			continue;
		if (say)
			printf("name %u is of file %u with %u links, wanted %u with %u\n", i, file, links, names->file[i], wanted);
		right = 0;
	}
	return right && listed("a") + listed("b") == found;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0)
		CHECK_EQ(write(fd, "3\n", 2), 2);
	close(fd);
}

/* Both as it is remembered and as the file system says. Returns whether what was under way has happened. */
static int check_names(int under_way)
{
	int happened = under_way && is_as(&shared->after, 0);

	if (!happened && !CHECK(is_as(&shared->before, 1))) {
		if (under_way) {
			printf("or, if what was under way has happened:\n");
			is_as(&shared->after, 1);
		}
		_exit(1);
	}
	drop_caches();
	CHECK(is_as(happened ? &shared->after : &shared->before, 1));
	return happened;
}

static void killed(void)
{
	unsigned long seed = number("SEED", (unsigned long)check_now()), rounds = number("ROUNDS", 60), happened = 0, not = 0;

	printf("SEED=%lu\n", seed);
	state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	for (unsigned long i = 0; i < rounds; i++) {
		pid_t child = check_spawn(change, NULL);

		check_sleep((int)draw(MOST_MS));
		kill(child, SIGKILL);
		if (!CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL))
			break;
		if (check_names(shared->under_way)) {
			shared->before = shared->after;
			happened += shared->under_way;
		} else {
			not += shared->under_way;
		}
		shared->under_way = 0;
	}
	printf("%lu were killed in the middle of a change that has happened, %lu of one that has not\n", happened, not);
}

/* ---- A file system that is not changed any more ---- */

/* With READ_ONLY=DIRECTORY, where TMPDIR's file system is mounted: it cannot become read-only while somebody may still store to a file of it. */
static void stored_to(void)
{
	const char *root = getenv("READ_ONLY");
	int fd = open("hole", O_RDWR | O_CREAT, 0600);
	char *bytes;

	CHECK_EQ(ftruncate(fd, 8192), 0);
	bytes = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(bytes != MAP_FAILED);
	close(fd);
	if (!root)
		return;
	CHECK_ERR(mount(NULL, root, NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	CHECK_EQ(mprotect(bytes, 8192, PROT_READ | PROT_WRITE), 0);
	bytes[4096] = 1;
	CHECK_EQ(msync(bytes, 8192, MS_SYNC), 0);
	CHECK_EQ(munmap(bytes, 8192), 0);
	fd = open("hole", O_RDONLY);
	bytes = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(mount(NULL, root, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_EQ(bytes[4096], 1);
	CHECK_EQ(munmap(bytes, 8192), 0);
	CHECK_EQ(mount(NULL, root, NULL, MS_REMOUNT, NULL), 0);
}

static const struct check_case cases[] = {
	CASE(read_only_files), CASE(killed), CASE(stored_to),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_cut_short", cases, argc, argv);
}
