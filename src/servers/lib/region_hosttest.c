/* SPDX-License-Identifier: MIT */
/* LINK: lib/region.c */
/* State that outlives its writer: found again as it was saved, refused when it is damaged, whole whenever the writer was killed. */
#include "region.h"
#include "check.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FD = 60, MAGIC = 0x12345678 };

struct record {
	uint64_t count, twice;
	char more[304];
};

static const char text[] = "service a {\n}\n";
static struct record records[3];

static struct region_shape shape(void)
{
	return (struct region_shape){ .magic = MAGIC, .record_size = sizeof(struct record), .room_size = 512 };
}

static void save(unsigned index, uint64_t count)
{
	records[index].count = count;
	records[index].twice = 2 * count;
	region_save(index, &records[index]);
}

static void make(void)
{
	struct region_shape made = shape();

	made.count = made.room_count = 3;
	made.flags = 5;
	made.text = text;
	made.length = sizeof(text) - 1;
	close(FD);
	memset(records, 0, sizeof(records));
	CHECK(region_make(FD, &made) == 0, "make");
}

static uint64_t loaded(unsigned index)
{
	const struct record *record = region_record(index);

	return record ? record->count : UINT64_MAX;
}

static void test_found_again(void)
{
	struct region_shape found = shape(), other = shape();
	const char *wrong;

	make();
	CHECK(!region_record(0), "nothing was saved");
	save(1, 7);
	save(1, 8);
	save(0, 1);
	region_set(2, -9);
	memcpy(region_room(2), "mine", 4);
	CHECK(!region_room(3), "no more room than asked for");
	wrong = region_find(FD, &found);
	CHECK(!wrong, "%s", wrong);
	CHECK(found.length == sizeof(text) - 1 && memcmp(found.text, text, found.length) == 0 && found.flags == 5 && found.count == 3 &&
	      found.room_count == 3, "the shape");
	CHECK(loaded(1) == 8 && loaded(0) == 1 && !region_record(2), "the last that was saved");
	CHECK(region_get(2) == -9 && region_get(0) == 0 && memcmp(region_room(2), "mine", 4) == 0, "words and room");
	CHECK(ftruncate(FD, 1) < 0 && ftruncate(FD, 1 << 20) < 0, "its size is sealed");
	other.record_size += 8;
	CHECK(region_find(FD, &other), "records of another size");
	other = shape();
	other.magic++;
	CHECK(region_find(FD, &other), "another's");
}

/* Any byte of head and text that is another one is noticed; one in a copy makes the other copy count. */
static void test_damage(void)
{
	struct region_shape found = shape();
	struct stat status;
	unsigned noticed = 0, older = 0, lost = 0;
	char *base;

	make();
	save(0, 1);
	save(0, 2);
	fstat(FD, &status);
	base = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, FD, 0);
	for (size_t at = 0; at < 48; at++) {
		base[at] ^= 4;
		noticed += region_find(FD, &found) != NULL;
		base[at] ^= 4;
	}
	CHECK(noticed == 48, "%u of 48 damages of the head were noticed", noticed);
	CHECK(!region_find(FD, &found), "and none where there is none");
	base[80 + 3] ^= 1;
	CHECK(region_find(FD, &found), "the text");
	base[80 + 3] ^= 1;
	CHECK(!region_find(FD, &found) && memcmp(base + 80, text, sizeof(text) - 1) == 0, "whole again");
	for (size_t at = 96; at < 96 + 2 * (sizeof(struct record) + 16); at++) {
		base[at] ^= 1;
		lost += region_find(FD, &found) != NULL || loaded(0) > 2;
		older += loaded(0) == 1;
		base[at] ^= 1;
	}
	CHECK(lost == 0 && older >= sizeof(struct record), "%u lost, %u times the older one", lost, older);
	munmap(base, (size_t)status.st_size);
	close(FD);
	CHECK(region_find(FD, &found) && !region_room(0), "no region");
	CHECK(dup2(STDIN_FILENO, FD) == FD && region_find(FD, &found), "something else there");
}

/* A writer that is killed at any moment leaves a record that it once saved: two fields that always agree. */
static void test_killed_writer(void)
{
	for (unsigned round = 0; round < 50; round++) {
		struct region_shape found = shape();
		const struct record *record;
		pid_t pid;

		make();
		save(0, 1);
		pid = fork();
		if (pid == 0) {
			for (uint64_t count = 2;; count++)
				save(0, count);
		}
		usleep(300 * (round % 7) + 200);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		record = region_find(FD, &found) ? NULL : region_record(0);
		CHECK(record && record->twice == 2 * record->count, "round %u", round);
	}
}

int main(void)
{
	test_found_again();
	test_damage();
	test_killed_writer();
	return check_result("region");
}
