/* SPDX-License-Identifier: MIT */
#include "vfs/mapped/new_data.h"
#include "lib/errno.h"
#include "mm/heap.h"

static struct new_run *run_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct new_run, node) : NULL;
}

struct new_run *new_data_find(const struct new_data *data, uint64_t block)
{
	struct rb_node *node = data->runs.root;
	struct new_run *found = NULL;

	while (node) {
		struct new_run *run = run_of(node);

		if (run->block + run->count <= block) {
			node = node->right;
		} else {
			found = run;
			node = node->left;
		}
	}
	return found;
}

static void insert(struct new_data *data, struct new_run *run)
{
	struct rb_node *parent = NULL, **place = &data->runs.root;

	while (*place) {
		parent = *place;
		place = run->block < run_of(parent)->block ? &parent->left : &parent->right;
	}
	rb_insert(&data->runs, &run->node, parent, place, NULL);
}

static void drop(struct new_data *data, struct new_run *run)
{
	list_remove(&run->file_link);
	rb_remove(&data->runs, &run->node, NULL);
	kfree(run);
}

/* Takes the blocks from @block to before @end out. @spare becomes the rear part of a run that is cut in two; true: it was needed. */
static bool take_out(struct new_data *data, uint64_t block, uint64_t end, struct new_run *spare)
{
	bool used = false;
	struct new_run *run;

	while ((run = new_data_find(data, block)) && run->block < end) {
		uint64_t run_end = run->block + run->count;

		if (run->block >= block && run_end <= end) {
			drop(data, run);
		} else if (run->block >= block) {
			/* Its order among the others stays. */
			run->first += end - run->block;
			run->count = run_end - end;
			run->block = end;
		} else {
			run->count = block - run->block;
			if (run_end <= end)
				continue;
			*spare = *run;
			spare->block = end;
			spare->count = run_end - end;
			spare->first = run->first + (end - run->block);
			list_insert_between(&spare->file_link, &run->file_link, run->file_link.next);
			insert(data, spare);
			used = true;
		}
	}
	return used;
}

int new_data_add(struct new_data *data, struct list *runs, void *file, uint64_t first, uint64_t block, uint64_t count, uint64_t group)
{
	struct new_run *run = kmalloc(sizeof(*run)), *spare = kmalloc(sizeof(*spare)), *before;

	if (!run || !spare) {
		kfree(run);
		kfree(spare);
		return -ENOMEM;
	}
	if (!take_out(data, block, block + count, spare))
		kfree(spare);
	before = block ? new_data_find(data, block - 1) : NULL;
	if (before && before->block + before->count == block && before->group == group && before->file == file && before->first + before->count == first) {
		before->count += count;
		kfree(run);
		return 0;
	}
	*run = (struct new_run){ .block = block, .count = count, .first = first, .group = group, .file = file };
	list_push_back(runs, &run->file_link);
	insert(data, run);
	return 0;
}

void new_data_cut(struct new_data *data, struct list *runs, uint64_t first)
{
	struct new_run *run, *next;

	list_for_each_safe(run, next, runs, file_link) {
		if (run->first >= first)
			drop(data, run);
		else
			run->count = MIN(run->count, first - run->first);
	}
}

void new_data_leave(struct new_data *data, struct list *runs, uint64_t group)
{
	struct new_run *run, *next;

	list_for_each_safe(run, next, runs, file_link) {
		if (run->group > group) {
			drop(data, run);
			continue;
		}
		list_remove(&run->file_link);
		run->file = NULL;
	}
}

void new_data_prune(struct new_data *data, uint64_t group)
{
	struct rb_node *node = rb_first(&data->runs);

	while (node) {
		struct new_run *run = run_of(node);

		node = rb_next(node);
		if (run->group < group)
			drop(data, run);
	}
}
