/* SPDX-License-Identifier: MIT */
/* tmpfs: rename. Everything is looked up, checked and allocated first; the change itself cannot fail. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names.h"
#include "vfs/tmpfs/names_inline.h"

struct rename {
	struct tmpfs_node *from_dir, *to_dir;
	struct tmpfs_entry *from, *to;	/* to: NULL if the name is free */
	uint64_t to_key;
	struct tmpfs_node *whiteout;	/* gets the old name; NULL: nothing does */
	struct fs_replaced replaced;
};

/* Is @node @dir itself or a directory above it? */
static bool is_above(const struct tmpfs_node *node, const struct tmpfs_node *dir)
{
	for (; dir; dir = dir->parent)
		if (dir == node)
			return true;
	return false;
}

static int find_both(struct tmpfs *tmpfs, struct rename *rename, const char *from, size_t from_len, const char *to, size_t to_len)
{
	int error;

	if (to_len > 255)
		return -ENAMETOOLONG;
	if (!rename->to_dir->attr.links)
		return -ENOENT;
	rename->from = tmpfs_entry_find(tmpfs, rename->from_dir, tmpfs_name_key(rename->from_dir, from, from_len), from, from_len);
	if (!rename->from)
		return -ENOENT;
	error = tmpfs_entry_resolve(tmpfs, rename->from_dir, rename->from);
	if (error)
		return error;
	rename->to_key = tmpfs_name_key(rename->to_dir, to, to_len);
	rename->to = tmpfs_entry_find(tmpfs, rename->to_dir, rename->to_key, to, to_len);
	return rename->to ? tmpfs_entry_resolve(tmpfs, rename->to_dir, rename->to) : 0;
}

/* May the node that is moved take the place of the one that is there? */
static int check_replaced(struct tmpfs *tmpfs, struct tmpfs_node *moved, struct tmpfs_node *replaced)
{
	int error;

	if (!S_ISDIR(replaced->attr.mode))
		return S_ISDIR(moved->attr.mode) ? -ENOTDIR : 0;
	if (!S_ISDIR(moved->attr.mode))
		return -EISDIR;
	error = replaced->populated ? 0 : tmpfs_dir_populate(tmpfs, replaced);
	if (error)
		return error;
	return replaced->entry_count ? -ENOTEMPTY : 0;
}

static int check(struct tmpfs *tmpfs, const struct rename *rename, unsigned flags)
{
	struct tmpfs_node *moved = rename->from->node;

	if (rename->to && (flags & FS_RENAME_NOREPLACE))
		return -EEXIST;
	if (!rename->to && (flags & FS_RENAME_EXCHANGE))
		return -ENOENT;
	if (is_above(moved, rename->to_dir))
		return -EINVAL;
	if (!rename->to || rename->to->node == moved)
		return 0;
	if (flags & FS_RENAME_EXCHANGE)
		return is_above(rename->to->node, rename->from_dir) ? -EINVAL : 0;
	return check_replaced(tmpfs, moved, rename->to->node);
}

/* @node, if a directory, has moved from @from to @to. */
static void set_parent(struct tmpfs_node *node, struct tmpfs_node *from, struct tmpfs_node *to)
{
	if (!S_ISDIR(node->attr.mode))
		return;
	node->parent = to;
	from->attr.links--;
	to->attr.links++;
}

static void exchange(const struct rename *rename)
{
	struct tmpfs_node *node = rename->from->node;
	uint8_t type = rename->from->type;

	set_parent(node, rename->from_dir, rename->to_dir);
	set_parent(rename->to->node, rename->to_dir, rename->from_dir);
	rename->from->node = rename->to->node;
	rename->from->type = rename->to->type;
	rename->to->node = node;
	rename->to->type = type;
	rename->from->node->attr.ctime = node->attr.ctime = clock_realtime_ns();
}

/* Has the entry room for a name of @len bytes? */
static bool has_room(const struct tmpfs_entry *entry, size_t len)
{
	return len <= (entry->own ? (size_t)TMPFS_OWN_NAME : entry->len);
}

/* Gives the entry @rename->from, which has room for it, the new name. */
static void rename_entry(struct tmpfs *tmpfs, const struct rename *rename, const char *to, size_t to_len)
{
	struct tmpfs_entry *entry = rename->from;

	tmpfs_entry_detach(tmpfs, entry);
	entry->by_name.key = rename->to_key;
	entry->len = to_len;
	memcpy(entry->name, to, to_len);
	tmpfs_entry_insert(tmpfs, rename->to_dir, entry);
}

/* The entry @rename->from, which has room for the name, takes the place of @rename->to, also in a listing. */
static void take_place(struct tmpfs *tmpfs, const struct rename *rename, const char *to, size_t to_len)
{
	struct tmpfs_entry *entry = rename->from, *replaced = rename->to;

	rename_entry(tmpfs, rename, to, to_len);
	entry->cookie = replaced->cookie;
	list_remove(&entry->listed);
	list_insert_between(&entry->listed, &replaced->listed, replaced->listed.next);
	tmpfs_entry_remove(tmpfs, replaced);
}

/* @spare is an entry with the new name for when there is none yet and the old one has no room for it. */
static void move(struct tmpfs *tmpfs, struct rename *rename, struct tmpfs_entry *spare, const char *to, size_t to_len)
{
	struct tmpfs_node *moved = rename->from->node;

	if (rename->to) {
		struct tmpfs_node *replaced = rename->to->node;

		if (has_room(rename->from, to_len)) {
			take_place(tmpfs, rename, to, to_len);
		} else {
			replaced->names--;
			rename->to->node = moved;
			rename->to->type = rename->from->type;
			moved->names++;
			tmpfs_entry_remove(tmpfs, rename->from);
		}
		tmpfs_node_drop_name(tmpfs, rename->to_dir, replaced, clock_realtime_ns());
		rename->replaced = (struct fs_replaced){ replaced->attr.node, replaced->attr.links };
	} else if (spare) {
		tmpfs_entry_insert(tmpfs, rename->to_dir, spare);
		tmpfs_entry_remove(tmpfs, rename->from);
	} else {
		rename_entry(tmpfs, rename, to, to_len);
	}
	set_parent(moved, rename->from_dir, rename->to_dir);
	moved->attr.ctime = clock_realtime_ns();
}

/* An entry that leads to @node. NULL: out of memory. */
static struct tmpfs_entry *entry_for(struct tmpfs_node *node, uint64_t key, const char *name, size_t len)
{
	struct tmpfs_entry *entry = tmpfs_entry_alloc(key, name, len);

	if (entry) {
		entry->node = node;
		entry->type = node->attr.mode >> 12;
	}
	return entry;
}

static int rename_locked(struct tmpfs *tmpfs, struct rename *rename, const char *from, size_t from_len, const char *to, size_t to_len,
			 unsigned flags)
{
	struct tmpfs_entry *spare = NULL, *left = NULL;
	int error = find_both(tmpfs, rename, from, from_len, to, to_len);

	if (!error)
		error = check(tmpfs, rename, flags);
	if (error)
		return error;
	/* Two names of one file: POSIX wants nothing done, and both names kept. */
	if (rename->to && rename->to->node == rename->from->node)
		return 0;
	if (!rename->to && !has_room(rename->from, to_len)) {
		spare = entry_for(rename->from->node, rename->to_key, to, to_len);
		if (!spare)
			return -ENOMEM;
	}
	if (rename->whiteout) {
		left = entry_for(rename->whiteout, rename->from->by_name.key, from, from_len);
		if (!left) {
			kfree(spare);
			return -ENOMEM;
		}
	}
	if (flags & FS_RENAME_EXCHANGE)
		exchange(rename);
	else
		move(tmpfs, rename, spare, to, to_len);
	if (left) {
		rename->whiteout->attr.links = 1;
		rename->whiteout->linkable = false;
		tmpfs_entry_insert(tmpfs, rename->from_dir, left);
	}
	tmpfs_node_changed(rename->from_dir, clock_realtime_ns());
	tmpfs_node_changed(rename->to_dir, rename->from_dir->attr.ctime);
	return 0;
}

int tmpfs_rename(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir, const char *to,
		 size_t to_len, unsigned flags, struct fs_replaced *replaced)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct rename rename = { NULL };
	int error;

	mutex_lock(&tmpfs->lock);
	if (flags & FS_RENAME_WHITEOUT)
		rename.whiteout = tmpfs_node_find(tmpfs, replaced->node);
	error = tmpfs_dir_find(tmpfs, from_dir, &rename.from_dir);
	if (!error)
		error = tmpfs_dir_find(tmpfs, to_dir, &rename.to_dir);
	if (!error)
		error = rename_locked(tmpfs, &rename, from, from_len, to, to_len, flags);
	if (rename.whiteout && rename.whiteout->linkable)
		tmpfs_node_free(tmpfs, rename.whiteout);
	mutex_unlock(&tmpfs->lock);
	*replaced = rename.replaced;
	return error;
}
