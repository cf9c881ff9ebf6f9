/* SPDX-License-Identifier: MIT */
/*
 * Runs of a disk's blocks that are new data of a group of commits (block/README.md) which is not on the disk yet: whose they are, by disk block. A run
 * stays until its group is finished, because a group's phase may be written again. Pure; not locked.
 */
#pragma once

#include "lib/list.h"
#include "lib/rbtree.h"

struct new_run {
	struct rb_node node;
	struct list file_link;		/* among its file's */
	uint64_t block, count;		/* on the disk */
	uint64_t first;			/* the file's block that it begins with */
	uint64_t group;
	void *file;			/* NULL: the file is not in memory any more */
};

struct new_data {
	struct rb_tree runs;		/* by block; they do not overlap */
};

/* The run that holds @block, or the first one after it; NULL. */
struct new_run *new_data_find(const struct new_data *data, uint64_t block);

/* Blocks are new data of @file, whose list of runs is @runs; what was known of them is over. -ENOMEM: nothing changed. */
int new_data_add(struct new_data *data, struct list *runs, void *file, uint64_t first, uint64_t block, uint64_t count, uint64_t group);

/* Of the runs in a file's list what lies in the file from block @first on is forgotten. */
void new_data_cut(struct new_data *data, struct list *runs, uint64_t first);

/* The file goes: its runs in groups up to @group stay without it, the others are forgotten. */
void new_data_leave(struct new_data *data, struct list *runs, uint64_t group);

/* Runs of groups before @group are forgotten. */
void new_data_prune(struct new_data *data, uint64_t group);
