/* SPDX-License-Identifier: MIT */
/* tmpfs: attributes, symlink targets, pages from the lower file, space, and the end of nodes. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "sched/clock.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names.h"
#include "vfs/tmpfs/names_inline.h"

#include <linux/magic.h>

enum { MARGIN_MIN_PAGES = 512, LOOK_EVERY = 16 };

int tmpfs_getattr(struct fs *fs, struct fs_node_id id, struct fs_attr *out)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_node *node;

	mutex_lock(&tmpfs->lock);
	node = tmpfs_node_find(tmpfs, id);
	if (node)
		*out = node->attr;
	mutex_unlock(&tmpfs->lock);
	return node ? 0 : -ENOENT;
}

static void set_size(struct tmpfs_node *node, uint64_t size)
{
	node->attr.size = size;
	/* What was cut off never comes back from below, however large the file grows again. */
	node->lower_size = MIN(node->lower_size, size);
}

static void apply(struct tmpfs_node *node, unsigned mask, const struct fs_attr *in)
{
	int64_t now = clock_realtime_ns();

	if (mask & FS_SET_MODE)
		node->attr.mode = (node->attr.mode & S_IFMT) | (in->mode & 07777);
	if (mask & FS_SET_UID)
		node->attr.uid = in->uid;
	if (mask & FS_SET_GID)
		node->attr.gid = in->gid;
	if (mask & FS_SET_SIZE) {
		set_size(node, in->size);
		node->attr.mtime = now;
	}
	if (mask & FS_SET_ATIME)
		node->attr.atime = in->atime;
	if (mask & FS_SET_MTIME)
		node->attr.mtime = in->mtime;
	node->attr.ctime = mask & FS_SET_CTIME ? in->ctime : now;
}

COLD int tmpfs_setattr(struct fs *fs, struct fs_node_id id, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_node *node;
	int error = -ENOENT;

	mutex_lock(&tmpfs->lock);
	node = tmpfs_node_find(tmpfs, id);
	if (node) {
		error = (mask & FS_SET_SIZE) && S_ISDIR(node->attr.mode) ? -EISDIR : 0;
		if (!error)
			apply(node, mask, in);
		*out = node->attr;
	}
	mutex_unlock(&tmpfs->lock);
	return error;
}

COLD int tmpfs_readlink(struct fs *fs, struct fs_node_id id, char *buf, size_t size)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_node *node;
	struct fs_node_id lower = { 0, 0 };
	int len = -ENOENT;

	mutex_lock(&tmpfs->lock);
	node = tmpfs_node_find(tmpfs, id);
	if (node && !S_ISLNK(node->attr.mode)) {
		len = -EINVAL;
	} else if (node && node->target) {
		len = MIN(size, (size_t)node->attr.size);
		memcpy(buf, node->target, len);
	} else if (node) {
		lower = node->lower;
	}
	mutex_unlock(&tmpfs->lock);
	return lower.id ? tmpfs->lower->ops->readlink(tmpfs->lower, lower, buf, size) : len;
}

int tmpfs_fill_page(struct fs *fs, struct fs_node_id id, uint64_t index, void *page)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct fs_node_id lower = { 0, 0 };
	struct tmpfs_node *node;
	uint64_t lower_size = 0;
	int error;

	mutex_lock(&tmpfs->lock);
	node = tmpfs_node_find(tmpfs, id);
	if (node && node->has_lower) {
		lower = node->lower;
		lower_size = node->lower_size;
	}
	mutex_unlock(&tmpfs->lock);
	if (!node)
		return -ENOENT;
	if (!lower.id || index > lower_size >> PAGE_SHIFT || index << PAGE_SHIFT >= lower_size)
		return 0;
	error = tmpfs->lower->ops->fill_page(tmpfs->lower, lower, index, page);
	if (!error && lower_size - (index << PAGE_SHIFT) < PAGE_SIZE)
		memset((char *)page + lower_size % PAGE_SIZE, 0, PAGE_SIZE - lower_size % PAGE_SIZE);
	return error;
}

/* Pages that files may still take: some memory is left to programs, or files would have them killed. */
static uint64_t pages_to_be_had(void)
{
	struct memory_stats stats;
	uint64_t margin;

	memory_get_stats(&stats);
	margin = MAX(stats.total / 32, (uint64_t)MARGIN_MIN_PAGES);
	return stats.available - MIN(stats.available, margin);
}

int tmpfs_charge(struct fs *fs, int64_t pages)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	int64_t now = atomic_add(&tmpfs->page_count, pages);

	/* Looking at the memory costs more than counting, so it is done for some pages only; one that was refused stays the next to be asked for. */
	if (pages > 0 && ((tmpfs->page_max && now > tmpfs->page_max) || (now % LOOK_EVERY == 0 && !pages_to_be_had()))) {
		atomic_sub(&tmpfs->page_count, pages);
		return -ENOSPC;
	}
	return 0;
}

void tmpfs_release(struct fs *fs, struct fs_node_id id)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_node *node;

	mutex_lock(&tmpfs->lock);
	node = tmpfs_node_find(tmpfs, id);
	if (node && !node->attr.links && !node->names)
		tmpfs_node_free(tmpfs, node);
	mutex_unlock(&tmpfs->lock);
}

COLD int tmpfs_statfs(struct fs *fs, struct fs_statfs *out)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	uint64_t used = MAX(atomic_load(&tmpfs->page_count), (int64_t)0);

	*out = (struct fs_statfs){ .type = TMPFS_MAGIC, .block_size = PAGE_SIZE, .name_max = 255, .fs_id = fs->dev };
	if (tmpfs->page_max) {
		out->blocks = tmpfs->page_max;
		out->blocks_free = out->blocks - MIN(used, out->blocks);
		/* The limit is a promise that memory may not keep. */
		out->blocks_available = MIN(out->blocks_free, pages_to_be_had());
	}
	mutex_lock(&tmpfs->lock);
	if (tmpfs->node_max) {
		out->files = tmpfs->node_max;
		out->files_free = tmpfs->node_max - MIN(tmpfs->node_count, tmpfs->node_max);
	}
	mutex_unlock(&tmpfs->lock);
	return 0;
}
