/* SPDX-License-Identifier: MIT */
/*
 * Blocks of the file system itself that fail, for reading or for writing: inodes, a directory, pointers to blocks, the bitmap, group descriptors, the
 * superblock. Whoever needs one gets EIO, and nobody else; when the disk is good again, all is as it was changed. Where they are is in the disk's log, of
 * ext2 with blocks of 4 KiB and one group. TMPDIR is on that disk (/proc/disks/ram0); without it nothing is checked, and that is said.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL "/proc/disks/ram0/control"
#define LOG "/proc/disks/ram0/log"
#define BAD "bad/file-of-which-blocks-fail"
#define GOOD "good/file"

enum { BLOCK = 4096, SECTOR = 512, SECTORS = BLOCK / SECTOR, WRITE = 1, PAGES = 40, INDIRECT = 12, LOG_BYTES = 8 << 20, FILLERS = 70, COMES_MS = 20000 };
/* In the superblock, its block, a group descriptor. */
enum { SUPER = 1024, INODES_PER_GROUP = 40, MAGIC = 56, INODE_SIZE = 88, BLOCK_BITMAP = 0, INODE_TABLE = 8 };

/* As struct memory_disk_record. */
struct record {
	uint64_t sequence, sector;
	uint32_t sector_count, operation;
};

/* The first sectors of what may fail. */
static struct { uint64_t super, descriptors, bitmap, inodes, directory, indirect; } places;
static uint8_t page[BLOCK], found[BLOCK], seen[BLOCK];

static int has_disk(void)
{
	int fd = open(CONTROL, O_WRONLY);

	if (fd < 0)
		printf("nothing is checked: no %s\n", CONTROL);
	else
		close(fd);
	return fd >= 0;
}

static void control(const char *text)
{
	int fd = open(CONTROL, O_WRONLY);

	CHECK_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static void fail(const char *operation, uint64_t sector)
{
	char text[100];

	snprintf(text, sizeof text, "fail %s %llu %u", operation, (unsigned long long)sector, SECTORS);
	control(text);
}

static void fill(const char *name, unsigned which, unsigned version)
{
	for (unsigned i = 0; i < BLOCK; i++)
		page[i] = (uint8_t)(i * (2 * which + 3) + version * 17 + which);
	snprintf((char *)page, 128, "root_bad_blocks %s page %u version %u", name, which, version);
}

static int put(int fd, const char *name, unsigned which, unsigned version)
{
	fill(name, which, version);
	return pwrite(fd, page, BLOCK, (off_t)which * BLOCK) == BLOCK;
}

/* 1: the page is as it should be, 0: it is not, -1: EIO. */
static int look(const char *name, unsigned which, unsigned version)
{
	int fd = open(name, O_RDONLY), error = errno;
	ssize_t got = fd < 0 ? -1 : pread(fd, found, BLOCK, (off_t)which * BLOCK);

	if (fd >= 0) {
		error = errno;
		close(fd);
	}
	if (got < 0)
		return error == EIO ? -1 : 0;
	fill(name, which, version);
	return got == BLOCK && !memcmp(found, page, BLOCK);
}

static int all_right(const char *name, unsigned version)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (look(name, i, version) != 1)
			return 0;
	return 1;
}

static void make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	for (unsigned i = 0; i < PAGES; i++)
		CHECK(put(fd, name, i, 1));
	CHECK_EQ(fsync(fd), 0);
	close(fd);
}

/* The last block of the log that is at @sector, or has @bytes at its beginning or (@anywhere) somewhere, is in @seen; where it is, or -1. */
static int64_t find_block(int64_t sector, const void *bytes, size_t length, int anywhere)
{
	int fd = open(LOG, O_RDONLY);
	struct record record;
	int64_t last = -1;

	CHECK(fd >= 0);
	while (read(fd, &record, sizeof record) == sizeof record) {
		if (record.operation != WRITE)
			continue;
		for (uint32_t done = 0; done < record.sector_count; done += SECTORS) {
			size_t got = 0;
			ssize_t part;
			int64_t at = (int64_t)record.sector + done;

			while (got < BLOCK && (part = read(fd, found + got, BLOCK - got)) > 0)
				got += (size_t)part;
			if (at != sector && (!length || !(anywhere ? memmem(found, BLOCK, bytes, length) != NULL : !memcmp(found, bytes, length))))
				continue;
			memcpy(seen, found, BLOCK);
			last = at;
		}
	}
	close(fd);
	return last;
}

static uint32_t word(const uint8_t *bytes, size_t at)
{
	uint32_t value;

	memcpy(&value, bytes + at, sizeof value);
	return value;
}

static void find_places(void)
{
	const char *name = strchr(BAD, '/') + 1;
	uint32_t per_group, size, table, data;
	char entry[64];
	struct stat info;
	uint16_t magic, inode_size;

	snprintf(entry + 2, sizeof entry - 2, "%s", name);
	CHECK_EQ(stat(BAD, &info), 0);
	CHECK_EQ(find_block(0, NULL, 0, 0), 0);
	memcpy(&magic, seen + SUPER + MAGIC, sizeof magic);
	CHECK_EQ(magic, 0xef53);
	per_group = word(seen + SUPER, INODES_PER_GROUP);
	memcpy(&inode_size, seen + SUPER + INODE_SIZE, sizeof inode_size);
	size = inode_size;
	CHECK(info.st_ino <= per_group && size >= 128);
	CHECK_EQ(find_block(SECTORS, NULL, 0, 0), SECTORS);
	places.super = 0;
	places.descriptors = SECTORS;
	places.bitmap = (uint64_t)word(seen, BLOCK_BITMAP) * SECTORS;
	table = word(seen, INODE_TABLE);
	places.inodes = (table + (info.st_ino - 1) * size / BLOCK) * (uint64_t)SECTORS;
	/* An entry: the length of its name, its type, which is there or not, and the name. */
	entry[0] = (char)strlen(name);
	for (entry[1] = 0; entry[1] <= 1 && (int64_t)places.directory <= 0; entry[1]++)
		places.directory = (uint64_t)find_block(-1, entry, 2 + strlen(name), 1);
	fill(BAD, INDIRECT, 1);
	data = (uint32_t)(find_block(-1, page, BLOCK, 0) / SECTORS);
	places.indirect = (uint64_t)find_block(-1, &data, sizeof data, 0);
	CHECK(places.bitmap && table && (int64_t)places.directory > 0 && (int64_t)places.indirect > 0);
}

static void make_fillers(unsigned from)
{
	char name[64];

	for (unsigned i = from; i < from + FILLERS; i++) {
		snprintf(name, sizeof name, "good/filler-%u", i);
		close(open(name, O_WRONLY | O_CREAT | O_EXCL, 0600));
	}
}

/* Inodes of the good and of the bad are in different blocks; so are those that are made later. */
static void prepare(void)
{
	int fd;

	CHECK_EQ(mkdir("good", 0755), 0);
	make(GOOD);
	make_fillers(0);
	sync();
	control("log on 8388608");
	CHECK_EQ(mkdir("bad", 0755), 0);
	make(BAD);
	/* The superblock changes when a file without names is in use. */
	fd = open("bad/orphan", O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK(unlink("bad/orphan") == 0 && close(fd) == 0);
	sync();
	find_places();
	control("log off");
	make_fillers(FILLERS);
	sync();
}

static pid_t find_server(void)
{
	char line[256], run[32];
	FILE *list = popen("svc list 2>/dev/null", "r");
	pid_t server = 0;
	int pid;

	while (list && fgets(line, sizeof line, list))
		if (sscanf(line, "ext2 %31s %d", run, &pid) == 2 && !strcmp(run, "running"))
			server = pid;
	if (list)
		pclose(list);
	return server;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	CHECK_EQ(write(fd, "3\n", 2), 2);
	close(fd);
}

/* Nothing is in any cache any more, nor does the server have it: that is another one. */
static void forget(void)
{
	pid_t server = find_server();
	struct stat info;

	sync();
	CHECK(server && kill(server, SIGKILL) == 0);
	for (long end = check_now() + COMES_MS; find_server() == server || !find_server(); check_sleep(5))
		if (!CHECK(check_now() < end))
			exit(1);
	CHECK_EQ(stat("good", &info), 0);
	drop_caches();
}

/* What others do while blocks fail that are not theirs; @new: with new files, too. */
static void others_are_well(unsigned version, int new)
{
	int fd = open(GOOD, O_RDWR);
	DIR *list = opendir("good");

	CHECK(list && readdir(list) && closedir(list) == 0);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(put(fd, GOOD, i, version));
	CHECK_EQ(fsync(fd), 0);
	close(fd);
	CHECK(all_right(GOOD, version));
	if (!new)
		return;
	fd = open("good/new", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0 && put(fd, "good/new", 0, 1));
	CHECK_EQ(fsync(fd), 0);
	CHECK(close(fd) == 0 && unlink("good/new") == 0);
}

static void read_inodes(void)
{
	struct stat info;

	forget();
	fail("read", places.inodes);
	CHECK_ERR(stat(BAD, &info), EIO);
	CHECK_ERR(open(BAD, O_RDWR), EIO);
	others_are_well(2, 1);
	control("fail off");
	CHECK(all_right(BAD, 1));
}

static void read_directory(void)
{
	struct stat info;
	DIR *list;

	forget();
	fail("read", places.directory);
	CHECK_ERR(stat(BAD, &info), EIO);
	CHECK_ERR(open("bad/another", O_RDWR | O_CREAT, 0600), EIO);
	CHECK((list = opendir("bad")) != NULL);
	CHECK(list && !readdir(list) && errno == EIO && closedir(list) == 0);
	others_are_well(3, 1);
	control("fail off");
	CHECK(all_right(BAD, 1));
}

/* What the inode itself points to can be read. */
static void read_pointers(void)
{
	forget();
	fail("read", places.indirect);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK_EQ(look(BAD, i, 1), i < INDIRECT ? 1 : -1);
	others_are_well(4, 1);
	control("fail off");
	CHECK(all_right(BAD, 1));
}

/* Who needs room, or gives it back, gets EIO. */
static void read_bitmap(void)
{
	int fd;

	forget();
	fail("read", places.bitmap);
	fd = open(BAD, O_RDWR);
	CHECK_ERR(ftruncate(fd, 3 * BLOCK), EIO);
	CHECK(all_right(BAD, 1));
	/* It has been promised. */
	CHECK(put(fd, BAD, PAGES, 1));
	CHECK_ERR(fsync(fd), EIO);
	others_are_well(5, 0);
	CHECK(all_right(BAD, 1));
	control("fail off");
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(look(BAD, PAGES, 1), 1);
	CHECK_EQ(ftruncate(fd, PAGES * BLOCK), 0);
	CHECK_EQ(fsync(fd), 0);
	close(fd);
}

/* Who serves next cannot begin: what is cached is there, all else is EIO, and then it can. */
static void read_super(void)
{
	pid_t server = find_server();
	struct stat info;
	int fd = open(GOOD, O_RDONLY);

	CHECK_EQ(pread(fd, found, BLOCK, 0), BLOCK);
	sync();
	drop_caches();
	CHECK_EQ(pread(fd, found, BLOCK, 0), BLOCK);
	fail("read", places.super);
	CHECK(server && kill(server, SIGKILL) == 0);
	CHECK_ERR(stat("good/filler-3", &info), EIO);
	CHECK_EQ(pread(fd, found, BLOCK, 0), BLOCK);
	control("fail off");
	CHECK_EQ(stat("good/filler-3", &info), 0);
	CHECK(all_right(BAD, 1));
	close(fd);
}

/* ---- Writing ---- */

static unsigned appended;

static int change_mode(int fd)
{
	return fchmod(fd, 0640);
}

static int append_page(int fd)
{
	return put(fd, BAD, PAGES + appended++, 1) ? 0 : -1;
}

static int add_name(int fd)
{
	(void)fd;
	return link(BAD, "bad/second");
}

/* Its file goes with its last user, and is a file without names until then. */
static int lose_name(int fd)
{
	int orphan = open("bad/orphan", O_WRONLY | O_CREAT | O_EXCL, 0600);

	(void)fd;
	return orphan >= 0 && unlink("bad/orphan") == 0 ? 0 : -1;
}

/*
 * @change cannot reach the disk, and its fsync says so; all see it; nobody else is harmed; then it can. @own: it is no change of names, whose errors all
 * hear of that were open before.
 */
static void write_fault(uint64_t sector, int (*change)(int fd), int own, unsigned version)
{
	int fd = open(BAD, O_RDWR), other = open(GOOD, O_RDWR);
	int tries = 0;

	sync();
	CHECK_EQ(fsync(fd), 0);
	fail("write", sector);
	CHECK_EQ(change(fd), 0);
	CHECK_ERR(fsync(fd), EIO);
	CHECK(all_right(BAD, 1));
	if (own)
		CHECK(put(other, GOOD, 0, version) && fsync(other) == 0);
	others_are_well(version, 0);
	close(other);
	control("fail off");
	/* It says once more what it could not write meanwhile, at most. */
	while (fsync(fd) < 0 && tries < 3)
		tries++;
	CHECK(tries <= 1);
	CHECK_EQ(fsync(fd), 0);
	close(fd);
	forget();
	CHECK(all_right(BAD, 1));
}

static void write_inodes(void)
{
	struct stat info;

	write_fault(places.inodes, change_mode, 1, 6);
	CHECK(stat(BAD, &info) == 0 && (info.st_mode & 0777) == 0640);
}

static void write_directory(void)
{
	struct stat info;

	write_fault(places.directory, add_name, 0, 7);
	CHECK(stat("bad/second", &info) == 0 && info.st_nlink == 2);
}

static void write_pointers(void)
{
	write_fault(places.indirect, append_page, 1, 8);
	CHECK_EQ(look(BAD, PAGES, 1), 1);
}

static void write_bitmap(void)
{
	write_fault(places.bitmap, append_page, 1, 9);
	CHECK_EQ(look(BAD, PAGES + 1, 1), 1);
}

static void write_descriptors(void)
{
	write_fault(places.descriptors, append_page, 1, 10);
	CHECK_EQ(look(BAD, PAGES + 2, 1), 1);
}

static void write_super(void)
{
	write_fault(places.super, lose_name, 0, 11);
}

/* One case, since all is about the same files. */
static void bad_blocks(void)
{
	static void (*const all[])(void) = { read_inodes, read_directory, read_pointers, read_bitmap, read_super, write_inodes, write_directory, write_pointers,
					     write_bitmap, write_descriptors, write_super };

	if (!has_disk())
		return;
	prepare();
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
		all[i]();
		control("fail off");
	}
}

static const struct check_case cases[] = {
	CASE(bad_blocks),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_bad_blocks", cases, argc, argv);
}
