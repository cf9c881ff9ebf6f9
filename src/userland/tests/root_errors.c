/* SPDX-License-Identifier: MIT */
/*
 * A disk that fails: reads, writes and flushes of chosen blocks, which the disk's own log tells (/proc/disks/ram0). Whoever needs them gets EIO, when it is
 * due and once; nobody else is harmed; afterwards all is well. TMPDIR is on that disk, and nobody else changes it. Without such a disk nothing is
 * checked, and that is said.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL "/proc/disks/ram0/control"
#define LOG "/proc/disks/ram0/log"

enum { PAGE = 4096, PAGES = 64, SECTOR = 512, WRITE = 1, VICTIM = 9, LOG_BYTES = 4 << 20 };

/* As struct memory_disk_record. */
struct record {
	uint64_t sequence, sector;
	uint32_t sector_count, operation;
};

static uint8_t page[PAGE], found[PAGE];

static int has_disk(void)
{
	int fd = open(CONTROL, O_WRONLY);

	if (fd < 0) {
		printf("nothing is checked: no %s\n", CONTROL);
		return 0;
	}
	close(fd);
	return 1;
}

__attribute__((format(printf, 1, 0))) static void control(const char *format, unsigned long long first, unsigned count)
{
	char text[100];
	int fd = open(CONTROL, O_WRONLY), length = snprintf(text, sizeof text, format, first, count);

	CHECK_EQ(write(fd, text, (size_t)length), length);
	close(fd);
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	CHECK_EQ(write(fd, "3\n", 2), 2);
	close(fd);
}

static void fill(unsigned which, unsigned version)
{
	for (unsigned i = 0; i < PAGE; i++)
		page[i] = (uint8_t)(i * (2 * which + 3) + version * 17 + which);
	snprintf((char *)page, 64, "root_errors page %u version %u", which, version);
}

static void make(const char *name, unsigned version)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (unsigned i = 0; i < PAGES; i++) {
		fill(i, version);
		CHECK_EQ(write(fd, page, PAGE), PAGE);
	}
	CHECK_EQ(fsync(fd), 0);
	close(fd);
}

/* Where on the disk the page is that begins as @page does, by the log since it was switched on; 0 when it was not written. */
static uint64_t sector_of_page(void)
{
	int fd = open(LOG, O_RDONLY);
	struct record record;
	uint64_t sector = 0;

	CHECK(fd >= 0);
	while (read(fd, &record, sizeof record) == sizeof record) {
		if (record.operation != WRITE)
			continue;
		for (uint32_t done = 0; done < record.sector_count; done += PAGE / SECTOR) {
			size_t size = record.sector_count - done < PAGE / SECTOR ? (record.sector_count - done) * SECTOR : PAGE;
			size_t got = 0;
			ssize_t part;

			while (got < size && (part = read(fd, found + got, size - got)) > 0)
				got += (size_t)part;
			if (got == PAGE && !memcmp(found, page, PAGE))
				sector = record.sector + done;
		}
	}
	close(fd);
	return sector;
}

/* Makes the file, and returns where its page VICTIM is. */
static uint64_t make_and_find(const char *name, unsigned version)
{
	uint64_t sector;

	/* What others wrote before must not fill the log. */
	sync();
	control("log on %llu", LOG_BYTES, 0);
	make(name, version);
	sync();
	fill(VICTIM, version);
	sector = sector_of_page();
	control("log off", 0, 0);
	CHECK(sector != 0);
	return sector;
}

/* How many pages of the file cannot be read; those that can must be right. */
static unsigned unreadable(const char *name, unsigned version)
{
	int fd = open(name, O_RDONLY);
	unsigned count = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		ssize_t got = pread(fd, found, PAGE, (off_t)i * PAGE);
		int error = errno;

		fill(i, version);
		if (got < 0) {
			CHECK_EQ(error, EIO);
			CHECK_EQ(i, VICTIM);
			count++;
		} else {
			CHECK(got == PAGE && !memcmp(found, page, PAGE));
		}
	}
	close(fd);
	return count;
}

static void read_error(void)
{
	uint64_t sector;

	if (!has_disk())
		return;
	sector = make_and_find("bad", 1);
	make("good", 2);
	control("fail read %llu %u", sector, PAGE / SECTOR);
	drop_caches();
	CHECK_EQ(unreadable("bad", 1), 1);
	CHECK_EQ(unreadable("bad", 1), 1);
	CHECK_EQ(unreadable("good", 2), 0);
	control("fail off", 0, 0);
	CHECK_EQ(unreadable("bad", 1), 0);
}

static void write_error(void)
{
	uint64_t sector;
	int fd, other;

	if (!has_disk())
		return;
	sector = make_and_find("bad", 3);
	make("good", 4);
	fd = open("bad", O_RDWR);
	other = open("good", O_RDWR);
	control("fail write %llu %u", sector, PAGE / SECTOR);
	fill(VICTIM, 5);
	CHECK_EQ(pwrite(fd, page, PAGE, VICTIM * PAGE), PAGE);
	CHECK_EQ(pwrite(other, page, PAGE, VICTIM * PAGE), PAGE);
	CHECK_ERR(fsync(fd), EIO);
	CHECK_EQ(fsync(other), 0);
	CHECK_EQ(pread(fd, found, PAGE, VICTIM * PAGE), PAGE);
	CHECK(!memcmp(found, page, PAGE));
	control("fail off", 0, 0);
	/* Nothing was lost: written again, it gets there. */
	CHECK_EQ(pwrite(fd, page, PAGE, VICTIM * PAGE), PAGE);
	CHECK_EQ(fsync(fd), 0);
	drop_caches();
	CHECK_EQ(pread(fd, found, PAGE, VICTIM * PAGE), PAGE);
	CHECK(!memcmp(found, page, PAGE));
	close(other);
	close(fd);
}

static void flush_error(void)
{
	int fd;

	if (!has_disk())
		return;
	make("file", 6);
	fd = open("file", O_RDWR);
	fill(0, 7);
	CHECK_EQ(pwrite(fd, page, PAGE, 0), PAGE);
	control("fail flush 0 0", 0, 0);
	CHECK_ERR(fsync(fd), EIO);
	control("fail off", 0, 0);
	CHECK_EQ(pwrite(fd, page, PAGE, 0), PAGE);
	CHECK_EQ(fsync(fd), 0);
}

/* What runs has its whole program in memory: pages of programs that are not there yet are blocks like others, and who needs one then dies of SIGBUS. */
static void read_programs(void)
{
	static uint8_t bytes[65536];
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	CHECK(processes != NULL);
	while (processes && (entry = readdir(processes))) {
		char name[300];
		int fd;

		snprintf(name, sizeof name, "/proc/%s/exe", entry->d_name);
		fd = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? open(name, O_RDONLY) : -1;
		while (fd >= 0 && read(fd, bytes, sizeof bytes) > 0)
			;
		if (fd >= 0)
			close(fd);
	}
	if (processes)
		closedir(processes);
}

/* Every block that is not cached fails: what needs one gets EIO, what is cached does not notice, and the server lives. */
static void nothing_readable(void)
{
	struct stat info;
	DIR *list;
	int error;

	if (!has_disk())
		return;
	CHECK_EQ(mkdir("folder", 0755), 0);
	make("folder/file", 8);
	make("cached", 9);
	drop_caches();
	read_programs();
	CHECK_EQ(unreadable("cached", 9), 0);
	control("fail read 0 %llu", 1ull << 30, 0);
	CHECK_EQ(unreadable("cached", 9), 0);
	CHECK_EQ(stat("cached", &info), 0);
	list = opendir("folder");
	error = errno;
	if (list)
		closedir(list);
	else
		CHECK_EQ(error, EIO);
	control("fail off", 0, 0);
	CHECK_EQ(stat("folder/file", &info), 0);
	CHECK_EQ(unreadable("folder/file", 8), 0);
}

static const struct check_case cases[] = {
	CASE(read_error), CASE(write_error), CASE(flush_error), CASE(nothing_readable),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_errors", cases, argc, argv);
}
