/* SPDX-License-Identifier: MIT */
/* tmpfs: the table of nodes by number, their birth and death. */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/tmpfs.h"

enum { FIRST_COOKIE = 3 };	/* so that the position after the oldest entry is not 0, which means the start */

static struct slab_cache *node_slab;

void tmpfs_node_init(void)
{
	node_slab = slab_cache_create("tmpfs_node", sizeof(struct tmpfs_node), 8);
}

struct tmpfs_node *tmpfs_node_find(struct tmpfs *tmpfs, struct fs_node_id id)
{
	struct rb_node *at = tmpfs->nodes.root;

	while (at) {
		struct tmpfs_node *node = rb_entry(at, struct tmpfs_node, table_link);

		if (id.id == node->attr.node.id)
			return node;
		at = id.id < node->attr.node.id ? at->left : at->right;
	}
	return NULL;
}

static void table_insert(struct tmpfs *tmpfs, struct tmpfs_node *node)
{
	struct rb_node **place = &tmpfs->nodes.root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = node->attr.node.id < rb_entry(parent, struct tmpfs_node, table_link)->attr.node.id ? &parent->left : &parent->right;
	}
	rb_insert(&tmpfs->nodes, &node->table_link, parent, place, NULL);
}

void tmpfs_node_changed(struct tmpfs_node *node, int64_t now)
{
	node->attr.mtime = node->attr.ctime = now;
}

struct tmpfs_node *tmpfs_node_create(struct tmpfs *tmpfs, const struct fs_attr *in, int *error)
{
	struct tmpfs_node *node;

	if (tmpfs->node_max && tmpfs->node_count >= tmpfs->node_max) {
		*error = -ENOSPC;
		return NULL;
	}
	node = slab_zalloc(node_slab);
	if (!node) {
		*error = -ENOMEM;
		return NULL;
	}
	node->attr.node.id = tmpfs->next_id++;
	node->attr.mode = in->mode & S_IFMT ? in->mode : in->mode | S_IFREG;
	node->attr.uid = in->uid;
	node->attr.gid = in->gid;
	node->attr.rdev = S_ISCHR(in->mode) || S_ISBLK(in->mode) ? in->rdev : 0;
	node->attr.links = S_ISDIR(in->mode) ? 2 : 1;
	node->attr.atime = node->attr.btime = node->attr.mtime = node->attr.ctime = clock_realtime_ns();
	node->populated = true;
	node->next_cookie = FIRST_COOKIE;
	table_insert(tmpfs, node);
	tmpfs->node_count++;
	return node;
}

/* A second name for a lower inode. An image where a directory has two, or where there are more names than links, is corrupt. */
static int share_lower_node(struct tmpfs_node *node)
{
	if (!S_ISDIR(node->attr.mode) && node->attr.links)
		return 0;
	log_error("tmpfs: lower inode %llu has more names than it may have", (unsigned long long)node->attr.node.id);
	return -EUCLEAN;
}

int tmpfs_node_from_lower(struct tmpfs *tmpfs, const struct fs_attr *attr, struct tmpfs_node **out)
{
	struct tmpfs_node *node = tmpfs_node_find(tmpfs, attr->node);

	if (attr->node.id >= tmpfs->first_own_id) {
		log_error("tmpfs: lower inode %llu, expected less than %llu", (unsigned long long)attr->node.id,
			  (unsigned long long)tmpfs->first_own_id);
		return -EUCLEAN;
	}
	*out = node;
	if (node)
		return share_lower_node(node);
	node = slab_zalloc(node_slab);
	if (!node)
		return -ENOMEM;
	node->attr = *attr;
	node->has_lower = true;
	node->lower = attr->node;
	node->lower_size = S_ISREG(attr->mode) ? attr->size : 0;
	node->populated = !S_ISDIR(attr->mode);
	node->next_cookie = FIRST_COOKIE;
	if (S_ISDIR(attr->mode))
		node->attr.size = node->attr.blocks = 0;
	table_insert(tmpfs, node);
	*out = node;
	return 0;
}

void tmpfs_node_free(struct tmpfs *tmpfs, struct tmpfs_node *node)
{
	rb_remove(&tmpfs->nodes, &node->table_link, NULL);
	if (node->attr.node.id >= tmpfs->first_own_id)
		tmpfs->node_count--;
	kfree(node->target);
	slab_free(node_slab, node);
}

int tmpfs_dir_find(struct tmpfs *tmpfs, struct fs_node_id id, struct tmpfs_node **dir)
{
	struct tmpfs_node *node = tmpfs_node_find(tmpfs, id);

	if (!node)
		return -ENOENT;
	if (!S_ISDIR(node->attr.mode))
		return -ENOTDIR;
	*dir = node;
	return node->populated ? 0 : tmpfs_dir_populate(tmpfs, node);
}
