/* SPDX-License-Identifier: MIT */
/* tmpfs: the table of nodes by number, their birth and death. */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names_inline.h"

enum { FIRST_COOKIE = 3 };	/* so that the position after the oldest entry is not 0, which means the start */

struct slab_cache *tmpfs_node_slab;

void tmpfs_node_init(void)
{
	tmpfs_node_slab = slab_cache_create("tmpfs_node", sizeof(struct tmpfs_node) + TMPFS_OWN_NAME, 8);
}

/* An unnamed node with that number and @attr, in the table. NULL: out of memory. */
static inline struct tmpfs_node *node_alloc(struct tmpfs *tmpfs, struct fs_node_id id, const struct fs_attr *attr)
{
	struct tmpfs_node *node = slab_alloc(tmpfs_node_slab);

	if (!node)
		return NULL;
	node->attr = *attr;
	node->attr.node = id;
	node->names = 0;
	node->has_lower = node->ended = false;
	node->populated = true;
	node->lower = (struct fs_node_id){ 0, 0 };
	node->lower_size = 0;
	node->target = NULL;
	node->parent = NULL;
	list_init(&node->entries);
	node->cursor = NULL;
	node->next_cookie = FIRST_COOKIE;
	node->entry_count = 0;
	node->own.dir = NULL;
	node->by_id.key = id.id;
	tmpfs_table_insert(&tmpfs->nodes, &node->by_id);
	return node;
}

struct tmpfs_node *tmpfs_node_create(struct tmpfs *tmpfs, const struct fs_attr *in, int *error)
{
	struct tmpfs_node *node;
	struct fs_attr *attr;

	if (tmpfs->node_max && tmpfs->node_count >= tmpfs->node_max) {
		*error = -ENOSPC;
		return NULL;
	}
	node = node_alloc(tmpfs, (struct fs_node_id){ tmpfs->next_id, 0 }, in);
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
	node = node_alloc(tmpfs, attr->node, attr);
	if (!node)
		return -ENOMEM;
	node->has_lower = true;
	node->lower = attr->node;
	node->lower_size = S_ISREG(attr->mode) ? attr->size : 0;
	node->populated = !S_ISDIR(attr->mode);
	if (S_ISDIR(attr->mode))
		node->attr.size = node->attr.blocks = 0;
	*out = node;
	return 0;
}

void tmpfs_node_free(struct tmpfs *tmpfs, struct tmpfs_node *node)
{
	tmpfs_table_remove(&tmpfs->nodes, &node->by_id);
	if (node->attr.node.id >= tmpfs->first_own_id)
		tmpfs->node_count--;
	if (node->target)
		kfree(node->target);
	if (unlikely(node->own.dir))
		node->ended = true;
	else
		slab_free(tmpfs_node_slab, node);
}
