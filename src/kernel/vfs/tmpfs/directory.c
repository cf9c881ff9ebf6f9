/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: the entries of a directory, in two trees: by name, and by a cookie that only grows. A directory is listed from the newest entry
 * to the oldest: what is created meanwhile is not met, what is deleted neither hides nor repeats another, and a loop that
 * renames what it lists ends.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/tmpfs/tmpfs.h"

enum { ENTRY_SIZE = 16, DT_DIR = 4 };	/* st_size of a directory grows by this with each entry */

static int compare_name(const struct tmpfs_entry *entry, const char *name, size_t len)
{
	int order = memcmp(name, entry->name, MIN(len, (size_t)entry->len));

	return order ? order : (int)len - (int)entry->len;
}

struct tmpfs_entry *tmpfs_entry_find_place(struct tmpfs_node *dir, const char *name, size_t len, struct tmpfs_place *out)
{
	struct rb_node **place = &dir->by_name.root, *parent = NULL;

	while (*place) {
		struct tmpfs_entry *entry = rb_entry(*place, struct tmpfs_entry, by_name);
		int order = compare_name(entry, name, len);

		if (!order)
			return entry;
		parent = *place;
		place = order < 0 ? &parent->left : &parent->right;
	}
	*out = (struct tmpfs_place){ parent, place };
	return NULL;
}

struct tmpfs_entry *tmpfs_entry_find(struct tmpfs_node *dir, const char *name, size_t len)
{
	struct tmpfs_place unused;

	return tmpfs_entry_find_place(dir, name, len, &unused);
}

struct tmpfs_entry *tmpfs_entry_alloc(const char *name, size_t len)
{
	struct tmpfs_entry *entry = kmalloc(sizeof(*entry) + len);

	if (entry) {
		*entry = (struct tmpfs_entry){ .len = len };
		memcpy(entry->name, name, len);
	}
	return entry;
}

void tmpfs_entry_insert(struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	struct tmpfs_place place;

	tmpfs_entry_find_place(dir, entry->name, entry->len, &place);
	tmpfs_entry_insert_at(dir, entry, &place);
}

void tmpfs_entry_insert_at(struct tmpfs_node *dir, struct tmpfs_entry *entry, const struct tmpfs_place *place)
{
	struct rb_node *parent;

	rb_insert(&dir->by_name, &entry->by_name, place->parent, place->link, NULL);
	entry->cookie = dir->next_cookie++;
	parent = rb_last(&dir->by_cookie);
	rb_insert(&dir->by_cookie, &entry->by_cookie, parent, parent ? &parent->right : &dir->by_cookie.root, NULL);

	dir->entry_count++;
	dir->attr.size += ENTRY_SIZE;
	if (entry->node)
		entry->node->names++;
}

void tmpfs_entry_remove(struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	rb_remove(&dir->by_name, &entry->by_name, NULL);
	rb_remove(&dir->by_cookie, &entry->by_cookie, NULL);
	dir->entry_count--;
	dir->attr.size -= ENTRY_SIZE;
	if (entry->node)
		entry->node->names--;
	kfree(entry);
}

struct tmpfs_entry *tmpfs_entry_at(struct tmpfs_node *dir, uint64_t cookie)
{
	struct rb_node *at = dir->by_cookie.root;
	struct tmpfs_entry *best = NULL;

	while (at) {
		struct tmpfs_entry *entry = rb_entry(at, struct tmpfs_entry, by_cookie);

		if (entry->cookie <= cookie) {
			best = entry;
			at = at->right;
		} else {
			at = at->left;
		}
	}
	return best;
}

struct populate { struct tmpfs_node *dir; int error; unsigned subdirs; };

static bool populate_emit(void *context, const struct fs_dirent *lower)
{
	struct populate *populate = context;
	struct tmpfs_entry *entry;

	if (tmpfs_entry_find(populate->dir, lower->name, lower->name_len)) {
		log_warning("tmpfs: lower directory %llu has a name twice; the second is not shown",
			    (unsigned long long)populate->dir->lower.id);
		return true;
	}
	entry = tmpfs_entry_alloc(lower->name, lower->name_len);
	if (!entry) {
		populate->error = -ENOMEM;
		return false;
	}
	entry->lower_id = lower->id;
	entry->type = lower->type;
	populate->subdirs += lower->type == DT_DIR;
	tmpfs_entry_insert(populate->dir, entry);
	return true;
}

int tmpfs_dir_populate(struct tmpfs *tmpfs, struct tmpfs_node *dir)
{
	struct populate populate = { .dir = dir };
	int error = tmpfs->lower->ops->readdir(tmpfs->lower, dir->lower, 0, populate_emit, &populate);

	if (!error)
		error = populate.error;
	if (error) {
		/* All or nothing: half a directory would hide files and let names be created twice. */
		while (dir->by_cookie.root)
			tmpfs_entry_remove(dir, rb_entry(dir->by_cookie.root, struct tmpfs_entry, by_cookie));
		return error;
	}
	dir->populated = true;
	dir->attr.links = 2 + populate.subdirs;
	return 0;
}

int tmpfs_entry_resolve(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	struct tmpfs_node *node;
	struct fs_attr attr;
	int error;

	if (entry->node)
		return 0;
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
