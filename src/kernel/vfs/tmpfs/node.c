/* SPDX-License-Identifier: MIT */
/* tmpfs: the table of nodes by number, their birth and death. */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names.h"
#include "vfs/tmpfs/names_inline.h"

struct slab_cache *tmpfs_node_slab;

void tmpfs_node_init(void)
{
	tmpfs_node_slab = slab_cache_create("tmpfs_node", sizeof(struct tmpfs_node) + TMPFS_OWN_NAME, 8);
}

/* A second name for a lower inode. An image where a directory has two, or where there are more names than links, is corrupt. */
static int share_lower_node(struct tmpfs_node *node)
{
	if (!S_ISDIR(node->attr.mode) && node->attr.links)
		return 0;
	log_error("tmpfs: lower inode %llu has more names than it may have", (unsigned long long)node->attr.node.id);
	return -EUCLEAN;
}

COLD int tmpfs_node_from_lower(struct tmpfs *tmpfs, const struct fs_attr *attr, struct tmpfs_node **out)
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
	node = tmpfs_node_alloc(tmpfs, attr->node, attr);
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
	if (node->target) {
		kfree(node->target);
		tmpfs_charge(&tmpfs->fs, -tmpfs_target_pages(node->attr.size));
	}
	if (unlikely(node->own.dir))
		node->ended = true;
	else
		slab_free(tmpfs_node_slab, node);
}
