/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: the entries of a directory, found by a hash of their names, and listed in the order of a cookie that only grows. A directory is listed
 * from the newest entry to the oldest: what is created meanwhile is not met, what is deleted neither hides nor repeats another, and a loop that
 * renames what it lists ends.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/tmpfs/names_inline.h"

enum { DT_DIR = 4 };

struct tmpfs_entry *tmpfs_entry_alloc(uint64_t key, const char *name, size_t len)
{
	struct tmpfs_entry *entry = kmalloc(sizeof(*entry) + len);

	if (entry)
		tmpfs_entry_init(entry, false, key, name, len);
	return entry;
}

void tmpfs_dir_clear(struct tmpfs *tmpfs, struct tmpfs_node *dir)
{
	while (!list_empty(&dir->entries))
		tmpfs_entry_remove(tmpfs, tmpfs_entry_listed(dir->entries.next));
}

struct tmpfs_entry *tmpfs_entry_at(struct tmpfs_node *dir, uint64_t cookie)
{
	struct list *end = &dir->entries, *at = end->next;

	/* A listing goes on where the last one was, so steps are few but when several take turns. */
	if (at != end && tmpfs_entry_listed(at)->cookie > cookie && dir->cursor)
		at = &dir->cursor->listed;
	while (at->prev != end && tmpfs_entry_listed(at->prev)->cookie <= cookie)
		at = at->prev;
	while (at != end && tmpfs_entry_listed(at)->cookie > cookie)
		at = at->next;
	dir->cursor = at == end ? NULL : tmpfs_entry_listed(at);
	return dir->cursor;
}

struct populate { struct tmpfs *tmpfs; struct tmpfs_node *dir; int error; unsigned subdirs; };

static bool populate_emit(void *context, struct fs_dirent *lower)
{
	struct populate *populate = context;
	uint64_t key = tmpfs_name_key(populate->dir, lower->name, lower->name_len);
	struct tmpfs_entry *entry;

	if (tmpfs_entry_find(populate->tmpfs, populate->dir, key, lower->name, lower->name_len)) {
		log_warning("tmpfs: lower directory %llu has a name twice; the second is not shown",
			    (unsigned long long)populate->dir->lower.id);
		return true;
	}
	entry = tmpfs_entry_alloc(key, lower->name, lower->name_len);
	if (!entry) {
		populate->error = -ENOMEM;
		return false;
	}
	entry->lower_id = lower->id;
	entry->type = lower->type;
	populate->subdirs += lower->type == DT_DIR;
	tmpfs_entry_insert(populate->tmpfs, populate->dir, entry);
	return true;
}

int tmpfs_dir_populate(struct tmpfs *tmpfs, struct tmpfs_node *dir)
{
	struct populate populate = { .tmpfs = tmpfs, .dir = dir };
	int error = tmpfs->lower->ops->readdir(tmpfs->lower, dir->lower, 0, populate_emit, &populate);

	if (!error)
		error = populate.error;
	if (error) {
		/* All or nothing: half a directory would hide files and let names be created twice. */
		tmpfs_dir_clear(tmpfs, dir);
		return error;
	}
	dir->populated = true;
	dir->attr.links = 2 + populate.subdirs;
	return 0;
}

int tmpfs_entry_look_up(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	struct tmpfs_node *node;
	struct fs_attr attr;
	int error;

	error = tmpfs->lower->ops->lookup(tmpfs->lower, dir->lower, entry->name, entry->len, &attr);
	if (!error)
		error = tmpfs_node_from_lower(tmpfs, &attr, &node);
	if (error)
		return error;
	/* A type that the entry told wrong was counted wrong. */
	if (entry->type == DT_DIR && attr.mode >> 12 != DT_DIR)
		dir->attr.links--;
	else if (entry->type != DT_DIR && attr.mode >> 12 == DT_DIR)
		dir->attr.links++;
	entry->type = attr.mode >> 12;
	if (entry->type == DT_DIR)
		node->parent = dir;
	entry->node = node;
	node->names++;
	return 0;
}
