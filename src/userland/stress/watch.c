/* SPDX-License-Identifier: MIT */
/* What is printed of a storm that hangs or has failed: each worker's progress, and each thread as /proc shows it. */
#include "stress.h"
#include "../tests/group_threads.h"

#include <ftw.h>
#include <stdio.h>

void watch_print(pid_t group, const struct storm_state *state)
{
	for (unsigned i = 0; i < STORM_WORKERS_MAX; i++)
		if (state->worker[i].tid)
			printf("  worker %u (thread %d): %lu rounds\n", i, state->worker[i].tid, (unsigned long)state->worker[i].count);
	group_threads_print(group);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void watch_remove_tree(const char *path)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fprintf(stderr, "stress: %s cannot be removed\n", path);
}
