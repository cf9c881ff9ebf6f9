/* SPDX-License-Identifier: MIT */
/*
 * Commits of all sizes, and places for what the kernel tells that are only half there: a small commit is on the kernel's stack, a larger one elsewhere, and
 * the bytes of its changes may be in several places. Needs a disk "test0" (ci/tests/test_served.py). Native: on Linux nothing is checked.
 */
#include "served_model.h"
#include "supervisor.h"

#include <sys/mman.h>

enum { BLOCK = 20 };
static struct fs_base bases[2];
static struct fs_change changes[FS_COMMIT_CHANGES_MAX];
static uint64_t generations[2];
static uint8_t data[FS_COMMIT_CHANGES_MAX][MODEL_BLOCK_SIZE], before[MODEL_BLOCK_SIZE], now[MODEL_BLOCK_SIZE];

/* @count changes of @length bytes each, one after the other in one block; two bases. */
static struct fs_commit make_commit(unsigned count, unsigned length)
{
	for (unsigned i = 0; i < 2; i++) {
		bases[i].block = BLOCK + i;
		CHECK_EQ(read_model_block(BLOCK + i, before, &bases[i].generation), 0);
	}
	for (unsigned i = 0; i < count; i++)
		changes[i] = (struct fs_change){ .block = BLOCK, .data = (uint64_t)data[(i + length) % FS_COMMIT_CHANGES_MAX], .offset = i * length,
						 .length = length, .kind = FS_COPY };
	return (struct fs_commit){ .bases = (uint64_t)bases, .changes = (uint64_t)changes, .generations = (uint64_t)generations, .base_count = 2,
				   .change_count = count, .free_blocks = UINT64_MAX };
}

/* It happens, or, if its last change comes from nowhere, nothing of it. */
static void commit_both_ways(unsigned count, unsigned length)
{
	struct fs_commit commit = make_commit(count, length);
	uint64_t generation;

	CHECK_EQ(read_model_block(BLOCK, before, &generation), 0);
	changes[count - 1].data = 8;
	CHECK_EQ(fs_commit(receiver, &commit), -EFAULT);
	CHECK_EQ(read_model_block(BLOCK, now, &generation), 0);
	CHECK(generation == bases[0].generation && memcmp(before, now, sizeof now) == 0);
	commit = make_commit(count, length);
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	CHECK_EQ(read_model_block(BLOCK, now, &generation), 0);
	CHECK(generation == generations[0] && generation != bases[0].generation && generations[1] == bases[1].generation);
	for (unsigned i = 0; i < count; i++)
		CHECK(memcmp(now + i * length, data[(i + length) % FS_COMMIT_CHANGES_MAX], length) == 0);
}

static void all_sizes(void)
{
	for (unsigned i = 0; i < FS_COMMIT_CHANGES_MAX; i++)
		for (unsigned at = 0; at < MODEL_BLOCK_SIZE; at++)
			data[i][at] = i * 7 + at * 3 + at / 256;
	start_model();
	for (unsigned length = 1; length <= MODEL_BLOCK_SIZE; length++)
		commit_both_ways(1, length);
	for (unsigned count = 2; count <= 40; count++)
		for (unsigned length = 1; length <= MODEL_BLOCK_SIZE / count; length += 3)
			commit_both_ways(count, length);
	for (unsigned length = 1; length <= MODEL_BLOCK_SIZE / FS_COMMIT_CHANGES_MAX; length++)
		commit_both_ways(FS_COMMIT_CHANGES_MAX, length);
	stop_model();
}

/* The generations' place begins in one page and ends in another, one of which must not be written. */
static void half_a_place(void)
{
	char *pages = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *places = (uint64_t *)(pages + 4096) - 1, generation;

	CHECK(pages != MAP_FAILED);
	start_model();
	for (unsigned way = 0; way < 3; way++) {
		struct fs_commit commit = make_commit(1, 8);

		commit.generations = (uint64_t)places;
		if (way < 2)
			mprotect(pages + way * 4096, 4096, PROT_READ);
		CHECK_EQ(fs_commit(receiver, &commit), way < 2 ? -EFAULT : 0);
		mprotect(pages, 2 * 4096, PROT_READ | PROT_WRITE);
		CHECK_EQ(read_model_block(BLOCK, now, &generation), 0);
		CHECK((generation == bases[0].generation) == (way < 2));
	}
	CHECK(places[0] == generation && places[1] == bases[1].generation);
	stop_model();
	munmap(pages, 2 * 4096);
}

static const struct check_case cases[] = { CASE(all_sizes), CASE(half_a_place), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("served_commits", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
