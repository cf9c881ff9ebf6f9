/* SPDX-License-Identifier: MIT */
/* Host test of the runs of new data: random changes and failing allocations against an array with one entry a block. */
/* LINK: vfs/mapped/new_data.c lib/rbtree.c */
#include "vfs/mapped/new_data.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 150, FILES = 3, ROUNDS = 200, STEPS = 300 };

static struct model { bool known; int file; uint64_t first, group; } model[BLOCKS];	/* file -1: gone */
static struct list runs[FILES];
static struct new_data data;
static uint64_t group;

static unsigned seed;

static void tell(int signal) { fprintf(stderr, "seed %u\n", seed); }
static unsigned below(unsigned limit) { return rand() % limit; }

static void check(void)
{
	unsigned count = 0, listed = 0;
	struct new_run *run;

	for (unsigned block = 0; block < BLOCKS; block++) {
		struct model *m = &model[block];

		run = new_data_find(&data, block);
		assert(!run || (run->count && run->block + run->count > block));
		assert(m->known == (run && run->block <= block));
		if (!m->known)
			continue;
		assert(run->group == m->group && run->first + (block - run->block) == m->first);
		assert(run->file == (m->file < 0 ? NULL : &runs[m->file]));
	}
	for (struct rb_node *node = rb_first(&data.runs); node; node = rb_next(node))
		count += rb_entry(node, struct new_run, node)->file != NULL;
	for (unsigned file = 0; file < FILES; file++)
		list_for_each(run, &runs[file], file_link) {
			assert(run->file == &runs[file]);
			listed++;
		}
	assert(count == listed);
}

static void add(void)
{
	unsigned file = below(FILES), block = below(BLOCKS), count = 1 + below(MIN(BLOCKS - block, 20u));
	uint64_t first = block + 100 * below(2);
	bool fail = !below(10);
	int error;

	host_fail_allocation(fail ? below(2) : -1);
	error = new_data_add(&data, &runs[file], &runs[file], first, block, count, group);
	host_fail_allocation(-1);
	assert(error == (fail ? -ENOMEM : 0));
	for (unsigned i = 0; !error && i < count; i++)
		model[block + i] = (struct model){ true, file, first + i, group };
}

static void step(void)
{
	unsigned file = below(FILES), first = below(2 * BLOCKS);
	unsigned what = below(30);

	if (what > 3) {
		add();
		return;
	}
	if (what == 0)
		new_data_cut(&data, &runs[file], first);
	else if (what == 1)
		new_data_leave(&data, &runs[file], group - 1);
	else if (what == 2)
		group++;
	else
		new_data_prune(&data, group - 1);
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct model *m = &model[i];
		bool its = m->known && m->file == (int)file;

		if (what == 0)
			m->known &= !(its && m->first >= first);
		else if (what == 1 && its && m->group < group)
			m->file = -1;
		else if (what == 1)
			m->known &= !its;
		else if (what == 3)
			m->known &= m->group >= group - 1;
	}
}

int main(void)
{
	signal(SIGABRT, tell);
	for (unsigned round = 0; round < ROUNDS; round++) {
		srand(round);
		seed = round;
		group = 5;
		memset(model, 0, sizeof(model));
		for (unsigned i = 0; i < FILES; i++)
			list_init(&runs[i]);
		for (unsigned i = 0; i < STEPS; i++) {
			step();
			check();
		}
		new_data_prune(&data, UINT64_MAX);
		assert(!data.runs.root);
	}
	printf("new_data: %u rounds\n", ROUNDS);
	return 0;
}
