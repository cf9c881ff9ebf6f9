/* SPDX-License-Identifier: MIT */
/*
 * A file system in a server that is unmounted lazily (MNT_DETACH) while a program has a file of it mapped: what the program stores later is on the disk all
 * the same. PLACE is where a served file system is mounted, SOURCE and OPTIONS are what it was mounted with; needs a disk (ci/tests/test_served.py).
 */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

enum { PAGES = 200, PAGE = 4096, PATIENCE_MS = 30000, LOOK_MS = 50 };

static const char *place, *source, *options;

static const char *file_name(void)
{
	static char name[200];

	snprintf(name, sizeof name, "%s/stored", place);
	return name;
}

static unsigned char *map_file(void)
{
	int fd = open(file_name(), O_CREAT | O_RDWR, 0600);
	unsigned char *at = MAP_FAILED;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, PAGES * PAGE), 0);
	at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	CHECK(at != MAP_FAILED);
	return at;
}

static void store(unsigned char *at, unsigned value)
{
	for (int page = 0; page < PAGES; page++)
		memset(at + page * PAGE, (unsigned char)(page + value), PAGE);
}

static void store_late(void *value)
{
	unsigned char *at = map_file();

	store(at, 1);
	CHECK_EQ(umount2(place, MNT_DETACH), 0);
	CHECK(access(file_name(), F_OK) < 0);
	store(at, (unsigned)(long)value);
	/* A mapping that is handed on counts, too. */
	if (fork() == 0) {
		check_sleep(1500);
		store(at, (unsigned)(long)value + 1);
		_exit(0);
	}
	munmap(at, PAGES * PAGE);
	check_wait(-1);
}

/* The one before has to end first: it has port and disk. */
static void mount_again(void)
{
	long end = check_now() + PATIENCE_MS;
	int result;

	while ((result = mount(source, place, "served", 0, options)) < 0 && errno == EBUSY && check_now() < end)
		check_sleep(LOOK_MS);
	CHECK_EQ(result, 0);
}

static void check_stored(unsigned value)
{
	static unsigned char page[PAGE];
	int fd = open(file_name(), O_RDONLY), wrong = 0;

	CHECK(fd >= 0);
	for (int number = 0; number < PAGES; number++) {
		CHECK_EQ(read(fd, page, PAGE), PAGE);
		for (int i = 0; i < PAGE; i++)
			wrong += page[i] != (unsigned char)(number + value);
	}
	CHECK_EQ(wrong, 0);
	close(fd);
}

static void stores_are_kept(void)
{
	for (long round = 0; round < 3; round++) {
		CHECK_EQ(check_child(store_late, (void *)(10 * round + 5)), 0);
		mount_again();
		check_stored(10 * (unsigned)round + 6);
	}
	CHECK_EQ(unlink(file_name()), 0);
	CHECK_EQ(umount2(place, 0), 0);
	mount_again();
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(stores_are_kept), { NULL, NULL } };

	place = getenv("PLACE");
	source = getenv("SOURCE");
	options = getenv("OPTIONS");
	if (!place || !source || !options) {
		fprintf(stderr, "served_lazy: needs PLACE, SOURCE and OPTIONS\n");
		return 2;
	}
	return check_main("served_lazy", cases, argc, argv);
}
