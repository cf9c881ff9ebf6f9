/* SPDX-License-Identifier: MIT */
/* tmpfs: the birth and death of a file system, and its operations as a table. */
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "vfs/fs_registry.h"
#include "vfs/mount.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names.h"
#include "vfs/tmpfs/names_inline.h"

static int tmpfs_sync(struct fs *fs)
{
	return 0;
}

static struct tmpfs_node *node_of(struct tmpfs_link *link)
{
	return container_of(link, struct tmpfs_node, by_id);
}

static void tmpfs_unmount(struct fs *fs)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_table *nodes = &tmpfs->nodes;
	struct tmpfs_link *link;

	for (uint64_t i = 0; i <= nodes->mask; i++)
		for (link = nodes->chains[i]; link; link = link->next)
			if (S_ISDIR(node_of(link)->attr.mode))
				tmpfs_dir_clear(tmpfs, node_of(link));
	for (uint64_t i = 0; i <= nodes->mask; i++)
		while (nodes->chains[i])
			tmpfs_node_free(tmpfs, node_of(nodes->chains[i]));
	tmpfs_table_free(nodes);
	tmpfs_table_free(&tmpfs->names);
	if (tmpfs->lower)
		fs_put(tmpfs->lower);
	kfree(tmpfs);
}

/* A limit may be raised, or lowered to what is in use; where there was none it is too late. */
static COLD int tmpfs_reconfigure(struct fs *fs, const char *text)
{
	struct tmpfs *tmpfs = to_tmpfs(fs);
	struct tmpfs_options options = { .size = (uint64_t)tmpfs->page_max << PAGE_SHIFT, .nodes = tmpfs->node_max };
	int error = tmpfs_parse_options(text, frame_total(), &options);
	int64_t pages = (options.size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	mutex_lock(&tmpfs->lock);
	if ((pages && (!tmpfs->page_max || atomic_load(&tmpfs->page_count) > pages)) ||
	    (options.nodes && (!tmpfs->node_max || tmpfs->node_count > options.nodes)))
		error = -EINVAL;
	if (!error) {
		atomic_store(&tmpfs->page_max, pages);
		tmpfs->node_max = options.nodes;
	}
	mutex_unlock(&tmpfs->lock);
	return error;
}

const struct fs_ops tmpfs_ops = {
	.lookup = tmpfs_lookup,
	.getattr = tmpfs_getattr,
	.setattr = tmpfs_setattr,
	.create = tmpfs_make,
	.make_unnamed = tmpfs_make_unnamed,
	.mkdir = tmpfs_mkdir,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.readlink = tmpfs_readlink,
	.readdir = tmpfs_readdir,
	.fill_page = tmpfs_fill_page,
	.charge = tmpfs_charge,
	.release = tmpfs_release,
	.sync = tmpfs_sync,
	.statfs = tmpfs_statfs,
	.reconfigure = tmpfs_reconfigure,
	.unmount = tmpfs_unmount,
};

/* Numbers up to what the lower file system can have are its own; ours follow. */
static int take_lower(struct tmpfs *tmpfs, struct fs *lower)
{
	struct fs_statfs stats;
	struct fs_attr attr;
	int error = lower->ops->statfs(lower, &stats);

	if (!error)
		error = lower->ops->getattr(lower, lower->root, &attr);
	if (error)
		return error;
	tmpfs->lower = lower;
	tmpfs->next_id = tmpfs->first_own_id = MAX(stats.files, lower->root.id) + 1;
	return tmpfs_node_from_lower(tmpfs, &attr, &tmpfs->root);
}

static int make_root(struct tmpfs *tmpfs, struct fs *lower, const struct tmpfs_options *options)
{
	struct fs_attr attr = { .mode = S_IFDIR | options->mode, .uid = options->uid, .gid = options->gid };
	int error = 0;

	if (lower) {
		error = take_lower(tmpfs, lower);
		if (!error && options->has_mode)
			tmpfs->root->attr.mode = attr.mode;
		return error;
	}
	tmpfs->next_id = tmpfs->first_own_id = 1;
	tmpfs->root = tmpfs_node_create(tmpfs, &attr, &error);
	return error;
}

/* On success the reference to @lower is taken over: it is unmounted together with the new file system. */
int tmpfs_create(struct fs *lower, const char *text, struct fs **fs)
{
	uint64_t total = frame_total();
	/* As elsewhere half of the memory; the root, which is all the storage there is, may have more. */
	struct tmpfs_options options = { .size = (lower ? total / 5 * 4 : total / 2) << PAGE_SHIFT, .mode = 01777 };
	struct tmpfs *tmpfs;
	int error = tmpfs_parse_options(text ? text : "", total, &options);

	if (error)
		return error;
	tmpfs = kzalloc(sizeof(*tmpfs));
	if (!tmpfs)
		return -ENOMEM;
	mutex_init(&tmpfs->lock, LOCK_TMPFS);
	tmpfs_table_init(&tmpfs->nodes);
	tmpfs_table_init(&tmpfs->names);
	tmpfs->page_max = (options.size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	tmpfs->node_max = options.nodes ? options.nodes : total / 2;
	error = make_root(tmpfs, lower, &options);
	if (error) {
		kfree(tmpfs->root);
		kfree(tmpfs);
		return error;
	}
	tmpfs->fs.ops = &tmpfs_ops;
	tmpfs->fs.type = "tmpfs";
	tmpfs->fs.flags = FS_FILLS_PAGES | FS_PAGES_ARE_DATA | (lower ? FS_BYTES_BELOW : 0);
	tmpfs->fs.root = tmpfs->root->attr.node;
	tmpfs->fs.private = tmpfs;
	fs_register_instance(&tmpfs->fs);
	*fs = &tmpfs->fs;
	return 0;
}

static int mount_tmpfs(const char *source, const char *data, struct fs **fs)
{
	return tmpfs_create(NULL, data, fs);
}

static struct fs_type tmpfs_type = { .name = "tmpfs", .mount = mount_tmpfs };

void tmpfs_register(void)
{
	tmpfs_node_init();
	fs_type_register(&tmpfs_type);
}
