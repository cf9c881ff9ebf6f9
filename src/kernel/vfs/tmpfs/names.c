/* SPDX-License-Identifier: MIT */
/* tmpfs: operations on names but rename. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names.h"
#include "vfs/tmpfs/names_inline.h"

int tmpfs_lookup(struct fs *fs, struct fs_node_id dir_id, const char *name, size_t len, struct fs_attr *out)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_entry *entry;
	struct tmpfs_node *dir;
	int error;

	mutex_lock(&tmpfs->lock);
	error = tmpfs_dir_find(tmpfs, dir_id, &dir);
	if (!error) {
		entry = tmpfs_entry_find(tmpfs, dir, tmpfs_name_key(dir, name, len), name, len);
		error = entry ? tmpfs_entry_resolve(tmpfs, dir, entry) : -ENOENT;
		if (!error)
			*out = entry->node->attr;
	}
	mutex_unlock(&tmpfs->lock);
	return error;
}

/* A name that is about to be made. */
struct new_name {
	const char *name;
	size_t len;
	uint64_t key;
	struct tmpfs_node *dir;
};

/* The directory must be there still, and the name free. Fills in @new. */
static inline int find_place(struct tmpfs *tmpfs, struct fs_node_id dir_id, struct new_name *new)
{
	int error;

	if (new->len > 255)
		return -ENAMETOOLONG;
	error = tmpfs_dir_find(tmpfs, dir_id, &new->dir);
	if (error)
		return error;
	if (!new->dir->attr.links)
		return -ENOENT;
	new->key = tmpfs_name_key(new->dir, new->name, new->len);
	return tmpfs_entry_find(tmpfs, new->dir, new->key, new->name, new->len) ? -EEXIST : 0;
}

/* Gives @node the name. 0 or -ENOMEM. */
static inline int enter(struct tmpfs *tmpfs, const struct new_name *new, struct tmpfs_node *node, int64_t now)
{
	struct tmpfs_entry *entry = tmpfs_entry_for(node, new->key, new->name, new->len);

	if (!entry)
		return -ENOMEM;
	tmpfs_entry_insert(tmpfs, new->dir, entry);
	if (S_ISDIR(node->attr.mode)) {
		node->parent = new->dir;
		new->dir->attr.links++;
	}
	tmpfs_node_changed(new->dir, now);
	return 0;
}

/* Makes a node of any type; @target (taken over on success) is for symlinks. Without @named, a file that has no name. */
static inline __attribute__((always_inline)) int make_node(struct tmpfs *tmpfs, struct fs_node_id dir_id, const char *name, size_t len,
							   const struct fs_attr *in, char *target, struct fs_attr *out, bool named)
{
	struct new_name new = { .name = name, .len = len };
	struct tmpfs_node *node;
	int error = 0;

	mutex_lock(&tmpfs->lock);
	if (named)
		error = find_place(tmpfs, dir_id, &new);
	if (error)
		goto unlock;
	node = tmpfs_node_create(tmpfs, in, &error);
	if (!node)
		goto unlock;
	if (!named) {
		node->attr.links = 0;
		node->linkable = in->links;
	} else {
		error = enter(tmpfs, &new, node, node->attr.ctime);
	}
	if (error) {
		tmpfs_node_free(tmpfs, node);
		goto unlock;
	}
	if (target) {
		node->target = target;
		node->attr.size = strlen(target);
	}
	*out = node->attr;
unlock:
	mutex_unlock(&tmpfs->lock);
	return error;
}

int tmpfs_make(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	if (S_ISDIR(in->mode) || S_ISLNK(in->mode))
		return -EINVAL;
	return make_node(to_tmpfs(fs), dir, name, len, in, NULL, out, true);
}

/* Files are what is made most. */
static COLD int make_other(struct tmpfs *tmpfs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, char *target,
			   struct fs_attr *out)
{
	return make_node(tmpfs, dir, name, len, in, target, out, name);
}

COLD int tmpfs_make_unnamed(struct fs *fs, const struct fs_attr *in, struct fs_attr *out)
{
	return make_other(to_tmpfs(fs), (struct fs_node_id){ 0, 0 }, NULL, 0, in, NULL, out);
}

COLD int tmpfs_mkdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	struct fs_attr attr = *in;

	attr.mode = S_IFDIR | (attr.mode & 07777);
	return make_other(to_tmpfs(fs), dir, name, len, &attr, NULL, out);
}

COLD int tmpfs_symlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const char *target, size_t target_len,
		  const struct fs_attr *in, struct fs_attr *out)
{
	struct fs_attr attr = *in;
	int64_t pages = tmpfs_target_pages(target_len);
	char *copy;
	int error;

	if (!target_len)
		return -ENOENT;
	if (target_len >= PAGE_SIZE)
		return -ENAMETOOLONG;
	if (memchr(target, 0, target_len))
		return -EINVAL;
	error = tmpfs_charge(fs, pages);
	if (error)
		return error;
	attr.mode = S_IFLNK | 0777;
	copy = kzalloc(target_len + 1);
	error = -ENOMEM;
	if (copy) {
		memcpy(copy, target, target_len);
		error = make_other(to_tmpfs(fs), dir, name, len, &attr, copy, out);
	}
	if (error) {
		kfree(copy);
		tmpfs_charge(fs, -pages);
	}
	return error;
}

COLD int tmpfs_link(struct fs *fs, struct fs_node_id node_id, struct fs_node_id dir_id, const char *name, size_t len, struct fs_attr *out)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct new_name new = { .name = name, .len = len };
	struct tmpfs_node *node;
	int64_t now = clock_realtime_ns();
	int error;

	mutex_lock(&tmpfs->lock);
	error = find_place(tmpfs, dir_id, &new);
	if (error)
		goto unlock;
	node = tmpfs_node_find(tmpfs, node_id);
	error = -ENOENT;
	if (!node || !(node->attr.links || node->linkable))
		goto unlock;
	error = -EPERM;
	if (S_ISDIR(node->attr.mode))
		goto unlock;
	error = -EMLINK;
	if (node->attr.links >= INT32_MAX)
		goto unlock;
	error = -ENOSPC;
	if (node->attr.links && tmpfs_is_full(tmpfs))
		goto unlock;
	error = enter(tmpfs, &new, node, now);
	if (error)
		goto unlock;
	if (node->attr.links) {
		node->entry_count++;
		tmpfs->node_count++;
	}
	node->attr.links++;
	node->linkable = false;
	node->attr.ctime = now;
	*out = node->attr;
unlock:
	mutex_unlock(&tmpfs->lock);
	return error;
}

void tmpfs_node_drop_name(struct tmpfs *tmpfs, struct tmpfs_node *parent, struct tmpfs_node *node, int64_t now)
{
	if (S_ISDIR(node->attr.mode)) {
		node->attr.links = 0;
		node->parent = NULL;
		parent->attr.links--;
	} else {
		if (node->attr.links)
			node->attr.links--;
		if (node->entry_count) {
			node->entry_count--;
			tmpfs->node_count--;
		}
		/* A lower image may tell too few links: as long as there are names the node must not be freed. */
		node->attr.links = MAX(node->attr.links, node->names);
	}
	node->attr.ctime = now;
}

static inline __attribute__((always_inline)) int remove_name(struct fs *fs, struct fs_node_id dir_id, const char *name, size_t len,
							     bool directory, struct fs_attr *out)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_node *dir, *node;
	struct tmpfs_entry *entry;
	int64_t now;
	int error;

	mutex_lock(&tmpfs->lock);
	error = tmpfs_dir_find(tmpfs, dir_id, &dir);
	if (error)
		goto unlock;
	entry = tmpfs_entry_find(tmpfs, dir, tmpfs_name_key(dir, name, len), name, len);
	error = entry ? tmpfs_entry_resolve(tmpfs, dir, entry) : -ENOENT;
	if (error)
		goto unlock;
	node = entry->node;
	error = directory ? -ENOTDIR : -EISDIR;
	if (S_ISDIR(node->attr.mode) != directory)
		goto unlock;
	error = directory && !node->populated ? tmpfs_dir_populate(tmpfs, node) : 0;
	if (!error && directory && node->entry_count)
		error = -ENOTEMPTY;
	if (error)
		goto unlock;
	tmpfs_entry_remove(tmpfs, entry);
	now = clock_realtime_ns();
	tmpfs_node_drop_name(tmpfs, dir, node, now);
	tmpfs_node_changed(dir, now);
	out->node = node->attr.node;
	out->links = node->attr.links;
	out->ctime = now;
unlock:
	mutex_unlock(&tmpfs->lock);
	return error;
}

int tmpfs_unlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	return remove_name(fs, dir, name, len, false, out);
}

COLD int tmpfs_rmdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	return remove_name(fs, dir, name, len, true, out);
}

COLD int tmpfs_readdir(struct fs *fs, struct fs_node_id dir_id, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_entry *entry;
	struct tmpfs_node *dir;
	struct fs_dirent out;
	int error;

	mutex_lock(&tmpfs->lock);
	error = tmpfs_dir_find(tmpfs, dir_id, &dir);
	if (!error) {
		for (entry = tmpfs_entry_at(dir, cookie ? cookie : UINT64_MAX); entry; entry = tmpfs_entry_older(dir, entry)) {
			out.id = entry->node ? entry->node->attr.node.id : entry->lower_id;
			out.next = entry->cookie - 1;
			out.type = entry->type;
			out.name_len = entry->len;
			memcpy(out.name, entry->name, entry->len);
			if (!emit(context, &out))
				break;
		}
		dir->cursor = entry;
	}
	mutex_unlock(&tmpfs->lock);
	return error;
}
