/* SPDX-License-Identifier: MIT */
/* tmpfs: finding, making and removing nodes and names, inline for those who do several at once. tmpfs->lock held. */
#pragma once

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/tmpfs.h"

enum { TMPFS_FIRST_COOKIE = 3 };	/* so that the position after the oldest entry is not 0, which means the start */
enum { TMPFS_ENTRY_SIZE = 16 };	/* st_size of a directory grows by this with each entry */

extern struct slab_cache *tmpfs_node_slab;

static inline struct tmpfs_node *tmpfs_node_find(struct tmpfs *tmpfs, struct fs_node_id id)
{
	struct tmpfs_link *link = *tmpfs_table_chain(&tmpfs->nodes, id.id);

	while (link && link->key != id.id)
		link = link->next;
	return link ? container_of(link, struct tmpfs_node, by_id) : NULL;
}

/* An unnamed node with that number and @attr, in the table. NULL: out of memory. */
static inline struct tmpfs_node *tmpfs_node_alloc(struct tmpfs *tmpfs, struct fs_node_id id, const struct fs_attr *attr)
{
	struct tmpfs_node *node = slab_alloc(tmpfs_node_slab);

	if (!node)
		return NULL;
	node->attr = *attr;
	node->attr.node = id;
	node->names = 0;
	node->has_lower = node->ended = node->linkable = false;
	node->populated = true;
	node->lower = (struct fs_node_id){ 0, 0 };
	node->lower_size = 0;
	node->target = NULL;
	node->parent = NULL;
	list_init(&node->entries);
	node->cursor = NULL;
	node->next_cookie = TMPFS_FIRST_COOKIE;
	node->entry_count = 0;
	node->own.dir = NULL;
	node->by_id.key = id.id;
	tmpfs_table_insert(&tmpfs->nodes, &node->by_id);
	return node;
}

/* Pages that a symlink's target counts as: short ones count as none, as on Linux. */
static inline int64_t tmpfs_target_pages(size_t len)
{
	return len >= 128;
}

static inline bool tmpfs_is_full(const struct tmpfs *tmpfs)
{
	return tmpfs->node_count > tmpfs->node_max - 1;		/* never without a limit */
}

/* A node with no name yet, from @in's mode, uid, gid, rdev and ctime. NULL with *error -ENOSPC or -ENOMEM. */
static inline __attribute__((always_inline)) struct tmpfs_node *tmpfs_node_create(struct tmpfs *tmpfs, const struct fs_attr *in, int *error)
{
	struct tmpfs_node *node;
	struct fs_attr *attr;

	if (tmpfs_is_full(tmpfs)) {
		*error = -ENOSPC;
		return NULL;
	}
	node = tmpfs_node_alloc(tmpfs, (struct fs_node_id){ tmpfs->next_id, 0 }, in);
	if (!node) {
		*error = -ENOMEM;
		return NULL;
	}
	tmpfs->next_id++;
	tmpfs->node_count++;
	/* What @in does not say. */
	attr = &node->attr;
	if (!(in->mode & S_IFMT))
		attr->mode |= S_IFREG;
	if (!S_ISCHR(in->mode) && !S_ISBLK(in->mode))
		attr->rdev = 0;
	attr->links = S_ISDIR(in->mode) ? 2 : 1;
	attr->size = attr->blocks = 0;
	attr->atime = attr->btime = attr->mtime = attr->ctime = in->ctime ? in->ctime : (int64_t)clock_realtime_ns();
	return node;
}

/* -ENOTDIR, -ENOENT; populates it. */
static inline int tmpfs_dir_find(struct tmpfs *tmpfs, struct fs_node_id id, struct tmpfs_node **dir)
{
	struct tmpfs_node *node = tmpfs_node_find(tmpfs, id);

	if (!node)
		return -ENOENT;
	if (!S_ISDIR(node->attr.mode))
		return -ENOTDIR;
	*dir = node;
	return node->populated ? 0 : tmpfs_dir_populate(tmpfs, node);
}

static inline uint64_t tmpfs_hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static inline uint64_t tmpfs_name_key(const struct tmpfs_node *dir, const char *name, size_t len)
{
	uint64_t hash = (uint64_t)dir ^ len, word;
	size_t rest = len & 7;
	uint32_t half;
	uint16_t quarter;

	for (len -= rest; len; len -= 8, name += 8) {
		memcpy(&word, name, 8);
		hash = tmpfs_hash_word(hash, word);
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
	return tmpfs_hash_word(hash, word);
}

static inline bool tmpfs_name_equal(const char *a, const char *b, size_t len)
{
	uint64_t word, other;

	for (; len >= 8; len -= 8, a += 8, b += 8) {
		memcpy(&word, a, 8);
		memcpy(&other, b, 8);
		if (word != other)
			return false;
	}
	while (len && *a == *b)
		a++, b++, len--;
	return !len;
}

static inline struct tmpfs_entry *tmpfs_entry_find(const struct tmpfs *tmpfs, const struct tmpfs_node *dir, uint64_t key, const char *name, size_t len)
{
	struct tmpfs_link *link = *tmpfs_table_chain(&tmpfs->names, key);

	for (; link; link = link->next) {
		struct tmpfs_entry *entry = container_of(link, struct tmpfs_entry, by_name);

		if (link->key == key && entry->dir == dir && entry->len == len && tmpfs_name_equal(entry->name, name, len))
			return entry;
	}
	return NULL;
}

/* Makes @entry an unused one of that name. */
static inline void tmpfs_entry_init(struct tmpfs_entry *entry, bool own, uint64_t key, const char *name, size_t len)
{
	entry->by_name.key = key;
	entry->dir = entry->node = NULL;
	entry->lower_id = 0;
	entry->len = len;
	entry->own = own;
	memcpy(entry->name, name, len);
}

/* One that leads to @node: its own if that is not in use. NULL: out of memory. */
static inline struct tmpfs_entry *tmpfs_entry_for(struct tmpfs_node *node, uint64_t key, const char *name, size_t len)
{
	struct tmpfs_entry *entry = &node->own;

	if (likely(len <= TMPFS_OWN_NAME && !entry->dir))
		tmpfs_entry_init(entry, true, key, name, len);
	else
		entry = tmpfs_entry_alloc(key, name, len);
	if (entry) {
		entry->node = node;
		entry->type = node->attr.mode >> 12;
	}
	return entry;
}

/* @entry->node or lower_id and type are set. Takes the entry over. The name must be free. */
static inline void tmpfs_entry_insert(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	tmpfs_table_insert(&tmpfs->names, &entry->by_name);
	list_push_front(&dir->entries, &entry->listed);
	entry->dir = dir;
	entry->cookie = dir->next_cookie++;
	dir->entry_count++;
	dir->attr.size += TMPFS_ENTRY_SIZE;
	if (entry->node)
		entry->node->names++;
}

static inline struct tmpfs_entry *tmpfs_entry_listed(struct list *listed)
{
	return container_of(listed, struct tmpfs_entry, listed);
}

/* The next of a listing, or NULL. */
static inline struct tmpfs_entry *tmpfs_entry_older(const struct tmpfs_node *dir, const struct tmpfs_entry *entry)
{
	return entry->listed.next == &dir->entries ? NULL : tmpfs_entry_listed(entry->listed.next);
}

static inline void tmpfs_entry_free(struct tmpfs_entry *entry)
{
	struct tmpfs_node *owner;

	if (!entry->own) {
		kfree(entry);
		return;
	}
	owner = container_of(entry, struct tmpfs_node, own);
	entry->dir = NULL;
	if (unlikely(owner->ended))
		slab_free(tmpfs_node_slab, owner);
}

/* Takes it out of its directory. */
static inline void tmpfs_entry_detach(struct tmpfs *tmpfs, struct tmpfs_entry *entry)
{
	struct tmpfs_node *dir = entry->dir;

	tmpfs_table_remove(&tmpfs->names, &entry->by_name);
	if (unlikely(dir->cursor == entry))
		dir->cursor = tmpfs_entry_older(dir, entry);
	list_remove(&entry->listed);
	dir->entry_count--;
	dir->attr.size -= TMPFS_ENTRY_SIZE;
	if (entry->node)
		entry->node->names--;
}

/* Frees it, too. */
static inline void tmpfs_entry_remove(struct tmpfs *tmpfs, struct tmpfs_entry *entry)
{
	tmpfs_entry_detach(tmpfs, entry);
	tmpfs_entry_free(entry);
}

/* Makes sure that @entry->node is there. */
static inline int tmpfs_entry_resolve(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry)
{
	return likely(entry->node) ? 0 : tmpfs_entry_look_up(tmpfs, dir, entry);
}

static inline void tmpfs_node_changed(struct tmpfs_node *node, int64_t now)	/* ctime and mtime */
{
	node->attr.mtime = node->attr.ctime = now;
}
