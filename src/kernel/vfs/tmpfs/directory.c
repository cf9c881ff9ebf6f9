/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: the entries of a directory, found by a hash of their names, and listed in the order of a cookie that only grows. A directory is listed from the newest entry
 * to the oldest: what is created meanwhile is not met, what is deleted neither hides nor repeats another, and a loop that
 * renames what it lists ends.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/tmpfs/tmpfs.h"

enum { ENTRY_SIZE = 16, DT_DIR = 4 };	/* st_size of a directory grows by this with each entry */

enum { NAME_HASH_SHIFT = 32 };
#define NAME_HASH_FACTOR 0x9e3779b97f4a7c15ull

static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * NAME_HASH_FACTOR;
	return hash ^ hash >> NAME_HASH_SHIFT;
}

uint64_t tmpfs_name_key(const struct tmpfs_node *dir, const char *name, size_t len)
{
	uint64_t hash = (uint64_t)dir ^ len, word;
	size_t rest = len & 7;
	uint32_t half;
	uint16_t quarter;

	for (len -= rest; len; len -= 8, name += 8) {
		memcpy(&word, name, 8);
		hash = hash_word(hash, word);
	}
	word = 0;
	if (rest & 4) {
		memcpy(&half, name, 4);
		word = half;
		name += 4;
	}
	if (rest & 2) {
		memcpy(&quarter, name, 2);
		word = word << 16 | quarter;
		name += 2;
	}
	if (rest & 1)
		word = word << 8 | (uint8_t)*name;
	return hash_word(hash, word);
}

struct tmpfs_entry *tmpfs_entry_find(const struct tmpfs *tmpfs, const struct tmpfs_node *dir, uint64_t key, const char *name, size_t len)
{
	struct tmpfs_link *link = *tmpfs_table_chain(&tmpfs->names, key);

	for (; link; link = link->next) {
		struct tmpfs_entry *entry = container_of(link, struct tmpfs_entry, by_name);

		if (link->key == key && entry->dir == dir && entry->len == len && !memcmp(entry->name, name, len))
			return entry;
	}
	return NULL;
}

/* Makes @entry an unused one of that name. */
static void entry_init(struct tmpfs_entry *entry, bool own, uint64_t key, const char *name, size_t len)
{
	entry->by_name.key = key;
	entry->dir = entry->node = NULL;
	entry->lower_id = 0;
	entry->len = len;
	entry->own = own;
	memcpy(entry->name, name, len);
}

struct tmpfs_entry *tmpfs_entry_alloc(uint64_t key, const char *name, size_t len)
{
	struct tmpfs_entry *entry = kmalloc(sizeof(*entry) + len);

	if (entry)
		entry_init(entry, false, key, name, len);
	return entry;
}

struct tmpfs_entry *tmpfs_entry_for(struct tmpfs_node *node, uint64_t key, const char *name, size_t len)
{
	struct tmpfs_entry *entry = &node->own;

	if (likely(len <= TMPFS_OWN_NAME && !entry->dir))
		entry_init(entry, true, key, name, len);
	else
		entry = tmpfs_entry_alloc(key, name, len);
	if (entry) {
		entry->node = node;
		entry->type = node->attr.mode >> 12;
	}
	return entry;
}

void tmpfs_entry_insert(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	tmpfs_table_insert(&tmpfs->names, &entry->by_name);
	list_push_front(&dir->entries, &entry->listed);
	entry->dir = dir;
	entry->cookie = dir->next_cookie++;
	dir->entry_count++;
	dir->attr.size += ENTRY_SIZE;
	if (entry->node)
		entry->node->names++;
}

static struct tmpfs_entry *entry_of(struct list *listed)
{
	return container_of(listed, struct tmpfs_entry, listed);
}

void tmpfs_entry_remove(struct tmpfs *tmpfs, struct tmpfs_entry *entry)
{
	struct tmpfs_node *dir = entry->dir;

	tmpfs_table_remove(&tmpfs->names, &entry->by_name);
	if (unlikely(dir->cursor == entry))
		dir->cursor = entry->listed.next == &dir->entries ? NULL : entry_of(entry->listed.next);
	list_remove(&entry->listed);
	dir->entry_count--;
	dir->attr.size -= ENTRY_SIZE;
	if (entry->node)
		entry->node->names--;
	tmpfs_entry_free(entry);
}

void tmpfs_dir_clear(struct tmpfs *tmpfs, struct tmpfs_node *dir)
{
	while (!list_empty(&dir->entries))
		tmpfs_entry_remove(tmpfs, entry_of(dir->entries.next));
}

struct tmpfs_entry *tmpfs_entry_at(struct tmpfs_node *dir, uint64_t cookie)
{
	struct list *end = &dir->entries, *at = end->next;

	/* A listing goes on where the last one was, so steps are few but when several take turns. */
	if (at != end && entry_of(at)->cookie > cookie && dir->cursor)
		at = &dir->cursor->listed;
	while (at->prev != end && entry_of(at->prev)->cookie <= cookie)
		at = at->prev;
	while (at != end && entry_of(at)->cookie > cookie)
		at = at->next;
	dir->cursor = at == end ? NULL : entry_of(at);
	return dir->cursor;
}

struct populate { struct tmpfs *tmpfs; struct tmpfs_node *dir; int error; unsigned subdirs; };

static bool populate_emit(void *context, const struct fs_dirent *lower)
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
