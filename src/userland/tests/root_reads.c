/* SPDX-License-Identifier: MIT */
/*
 * What can be asked about files of the file system at TMPDIR and its pages: where data and holes are, which pages stay in memory, when pages are written,
 * and what /proc/served counts. On a file system in memory nothing is dirty; where there is no /proc/served nothing is checked of it.
 */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { PAGE = 4096, STRANGER = 1234 };

static char page[PAGE];

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0);
	return fd;
}

static void put_pages(int fd, int first, int count)
{
	memset(page, 'd', sizeof page);
	for (int i = first; i < first + count; i++)
		CHECK_EQ(pwrite(fd, page, PAGE, (off_t)i * PAGE), PAGE);
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error;

	if (fd < 0)
		return errno;
	error = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return error;
}

static const char *get(const char *path)
{
	static char text[16384];
	int fd = open(path, O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* ---- Data and holes ---- */

static void look_for_holes(int fd)
{
	enum { END = 40 * PAGE + 100 };

	/* Data in pages 2 to 4 and 20, and nothing from 21 on. */
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 2 * PAGE);
	CHECK_EQ(lseek(fd, 2 * PAGE - 1, SEEK_DATA), 2 * PAGE);
	CHECK_EQ(lseek(fd, 3 * PAGE + 7, SEEK_DATA), 3 * PAGE + 7);
	CHECK_EQ(lseek(fd, 5 * PAGE, SEEK_DATA), 20 * PAGE);
	CHECK_ERR(lseek(fd, 21 * PAGE, SEEK_DATA), ENXIO);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_EQ(lseek(fd, PAGE + 5, SEEK_HOLE), PAGE + 5);
	CHECK_EQ(lseek(fd, 2 * PAGE, SEEK_HOLE), 5 * PAGE);
	CHECK_EQ(lseek(fd, 20 * PAGE + 1, SEEK_HOLE), 21 * PAGE);
	CHECK_EQ(lseek(fd, END - 1, SEEK_HOLE), END - 1);
	CHECK_ERR(lseek(fd, END, SEEK_HOLE), ENXIO);
	CHECK_ERR(lseek(fd, END, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_HOLE), ENXIO);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), END - 1);	/* of the last that did not fail */
}

static void holes(void)
{
	int fd = make("holes");

	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 0, SEEK_HOLE), ENXIO);
	put_pages(fd, 2, 3);
	put_pages(fd, 20, 1);
	CHECK_EQ(ftruncate(fd, 40 * PAGE + 100), 0);
	if (lseek(fd, 0, SEEK_DATA) == 0) {
		printf("holes are not told here\n");
		CHECK_EQ(lseek(fd, PAGE, SEEK_HOLE), 40 * PAGE + 100);
		return;
	}
	look_for_holes(fd);
	CHECK_EQ(fsync(fd), 0);
	look_for_holes(fd);
	put("/proc/sys/vm/drop_caches", "3\n");
	look_for_holes(fd);
	/* Truncation makes a hole; a file that is full has one only at its end. */
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	CHECK_EQ(ftruncate(fd, 8 * PAGE), 0);
	CHECK_EQ(lseek(fd, 2 * PAGE, SEEK_HOLE), 4 * PAGE);
	CHECK_ERR(lseek(fd, 4 * PAGE, SEEK_DATA), ENXIO);
	put_pages(fd, 0, 8);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 8 * PAGE);
	CHECK_EQ(lseek(fd, 8 * PAGE - 1, SEEK_DATA), 8 * PAGE - 1);
}

/* ---- What drop_caches leaves ---- */

static int in_memory(char *at, int count)
{
	unsigned char seen[64];
	int pages = 0;

	CHECK_EQ(mincore(at, (size_t)count * PAGE, seen), 0);
	for (int i = 0; i < count; i++)
		pages += seen[i] & 1;
	return pages;
}

/* Pages that somebody has mapped, and changed ones, are there afterwards, with what they had. */
static void mapped_pages_stay(void)
{
	enum { PAGES = 16 };
	int fd = make("mapped"), sum = 0;
	char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(at != MAP_FAILED);
	put_pages(fd, 0, PAGES);
	CHECK_EQ(fsync(fd), 0);
	for (int i = 0; i < PAGES; i++)
		sum += ((volatile char *)at)[(size_t)i * PAGE];
	CHECK_EQ(sum, PAGES * 'd');
	put("/proc/sys/vm/drop_caches", "1\n");
	CHECK_EQ(in_memory(at, PAGES), PAGES);
	memset(at + 3 * PAGE, 's', PAGE);
	put("/proc/sys/vm/drop_caches", "3\n");
	CHECK_EQ(in_memory(at, PAGES), PAGES);
	CHECK_EQ(pread(fd, page, PAGE, 3 * PAGE), PAGE);
	CHECK(page[0] == 's' && page[PAGE - 1] == 's' && at[2 * PAGE] == 'd');
	/* A store after that is not lost either. */
	at[5 * PAGE] = 'x';
	CHECK_EQ(msync(at, PAGES * PAGE, MS_SYNC), 0);
	munmap(at, PAGES * PAGE);
	put("/proc/sys/vm/drop_caches", "3\n");
	CHECK(pread(fd, page, 1, 5 * PAGE) == 1 && page[0] == 'x');
}

/* ---- When pages are written ---- */

#define VM "/proc/sys/vm/"

static long number_of(const char *name)
{
	return atol(get(name));
}

static void limits(void)
{
	long most = number_of(VM "dirty_ratio"), background = number_of(VM "dirty_background_ratio"), expire = number_of(VM "dirty_expire_centisecs");
	char text[32];

	CHECK(most > 0 && background > 0 && background <= most && expire > 0);
	CHECK(!number_of(VM "dirty_bytes") && !number_of(VM "dirty_background_bytes"));
	/* What was set last holds, and the other way to say it is 0. */
	CHECK_EQ(put(VM "dirty_bytes", "1048576\n"), 0);
	CHECK(number_of(VM "dirty_bytes") == 1048576 && number_of(VM "dirty_ratio") == 0);
	CHECK_EQ(put(VM "dirty_background_bytes", "524288\n"), 0);
	CHECK(number_of(VM "dirty_background_bytes") == 524288 && number_of(VM "dirty_background_ratio") == 0);
	CHECK_EQ(put(VM "dirty_ratio", "35\n"), 0);
	CHECK(number_of(VM "dirty_bytes") == 0 && number_of(VM "dirty_ratio") == 35);
	CHECK_EQ(put(VM "dirty_ratio", "101\n"), EINVAL);
	CHECK_EQ(put(VM "dirty_ratio", "-1\n"), EINVAL);
	CHECK_EQ(put(VM "dirty_background_ratio", "101\n"), EINVAL);
	CHECK_EQ(put(VM "dirty_bytes", "4096\n"), EINVAL);
	CHECK_EQ(put(VM "dirty_bytes", "-1\n"), EINVAL);
	CHECK_EQ(put(VM "dirty_expire_centisecs", "many\n"), EINVAL);
	CHECK_EQ(number_of(VM "dirty_ratio"), 35);
	CHECK_EQ(put(VM "dirty_expire_centisecs", "123\n"), 0);
	CHECK_EQ(number_of(VM "dirty_expire_centisecs"), 123);
	snprintf(text, sizeof text, "%ld\n", most);
	CHECK_EQ(put(VM "dirty_ratio", text), 0);
	snprintf(text, sizeof text, "%ld\n", background);
	CHECK_EQ(put(VM "dirty_background_ratio", text), 0);
	snprintf(text, sizeof text, "%ld\n", expire);
	CHECK_EQ(put(VM "dirty_expire_centisecs", text), 0);
	CHECK(number_of(VM "dirty_ratio") == most && number_of(VM "dirty_background_ratio") == background);
}

static long dirty_kib(void)
{
	const char *at = strstr(get("/proc/meminfo"), "Dirty:");

	return at ? atol(at + 6) : -1;
}

/* Nobody waits for it: pages are written when they are old. */
static void written_by_age(void)
{
	enum { PAGES = 256, SLACK = 256 };
	long expire = number_of(VM "dirty_expire_centisecs"), before, limit, pause = number_of(VM "dirty_writeback_centisecs");
	char text[32];
	int fd = make("old");

	sync();
	CHECK_EQ(put(VM "dirty_expire_centisecs", "6000\n"), 0);
	before = dirty_kib();
	CHECK(before >= 0);
	put_pages(fd, 0, PAGES);
	if (dirty_kib() < before + PAGES * 4) {
		printf("nothing is dirty here\n");
	} else {
		CHECK_EQ(put(VM "dirty_expire_centisecs", "50\n"), 0);
		put(VM "dirty_writeback_centisecs", "50\n");
		limit = check_now() + 20000;
		while (dirty_kib() > before + SLACK && check_now() < limit)
			check_sleep(50);
		CHECK(dirty_kib() <= before + SLACK);
	}
	snprintf(text, sizeof text, "%ld\n", expire);
	CHECK_EQ(put(VM "dirty_expire_centisecs", text), 0);
	snprintf(text, sizeof text, "%ld\n", pause);
	put(VM "dirty_writeback_centisecs", text);
}

/* ---- /proc/served ---- */

/* A figure of the line of the root file system's disk; -1: there is none. */
static long served(const char *key)
{
	const char *line = strstr(get("/proc/served"), " disk=ram0 "), *end = line ? strchr(line, '\n') : NULL, *at;
	char text[32];

	snprintf(text, sizeof text, " %s=", key);
	at = line ? strstr(line, text) : NULL;
	return at && end && at < end ? atol(at + strlen(text)) : -1;
}

static void open_as_stranger(void *argument)
{
	(void)argument;
	if (setresuid(STRANGER, STRANGER, STRANGER))
		_exit(2);
	_exit(open("/proc/served", O_RDONLY) < 0 && errno == EACCES ? 0 : 1);
}

static void served_counts(void)
{
	static const char *const keys[] = {
		"version", "root", "lookup", "getattr", "readlink", "readdir", "statfs", "start", "setattr", "create", "mkdir", "symlink", "link", "unlink",
		"hits", "reads", "commits", "stale", "commits_refused", "groups", "written", "flushes", "errors",
	};
	long created, unlinked, commits, written, flushes, groups, lookups;
	struct statfs info;
	char *at;
	int fd;

	CHECK_EQ(statfs(".", &info), 0);
	if (served("root") < 0 || strncmp(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", "/root", 5)) {
		printf("nothing is checked: the folder is not on the root file system of a server\n");
		return;
	}
	for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (served(keys[i]) < 0)
			CHECK_STR(keys[i], "a key of /proc/served");
	CHECK(strstr(get("/proc/served"), "\nwrong: length=") != NULL);
	CHECK_EQ(check_child(open_as_stranger, NULL), 0);
	sync();
	created = served("create");
	unlinked = served("unlink");
	commits = served("commits");
	written = served("written");
	flushes = served("flushes");
	groups = served("groups");
	lookups = served("lookup");
	CHECK(access("nothing", F_OK) != 0 && served("lookup") > lookups);
	fd = make("counted");
	put_pages(fd, 0, 3);
	CHECK(served("create") == created + 1 && served("commits") > commits && served("promised") >= 3 && served("dirty") > 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK(served("promised") == 0 && served("written") > written && served("flushes") > flushes && served("groups") > groups);
	/* Those that are clean, and that nobody has mapped, go. */
	at = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(at != MAP_FAILED && in_memory(at, 3) == 3);
	put("/proc/sys/vm/drop_caches", "1\n");
	CHECK_EQ(in_memory(at, 3), 0);
	munmap(at, 3 * PAGE);
	close(fd);
	CHECK_EQ(unlink("counted"), 0);
	CHECK_EQ(served("unlink"), unlinked + 1);
	sync();
	CHECK_EQ(served("dirty"), 0);
	CHECK(statfs(".", &info) == 0 && served("free") >= (long)info.f_bfree);
	CHECK(served("wrong") == 0 && served("errors") == 0);
}

static const struct check_case cases[] = {
	CASE(holes), CASE(mapped_pages_stay), CASE(limits), CASE(written_by_age), CASE(served_counts),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_reads", cases, argc, argv);
}
