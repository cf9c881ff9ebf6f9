/* SPDX-License-Identifier: MIT */
/* Mounts as objects: made, put over a directory, found, taken away, freed with their last user. */
#include "vfs/mount_tree.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_list.h"
#include <linux/stat.h>

struct mount *mount_root;
static struct list all_mounts = LIST_INIT(all_mounts);	/* those in the tree; tree lock */
static size_t total;					/* atomic: mounts that exist */

struct mount *mount_create(struct fs *fs, struct dentry *root, const char *source, unsigned flags)
{
	struct mount *mount = kzalloc(sizeof(*mount));
	char *name = kstrdup(source);

	if (!mount || !name) {
		kfree(mount);
		kfree(name);
		return NULL;
	}
	refcount_init(&mount->refs, 1);
	mount->fs = fs;
	dentry_get(root);
	mount->root = root;
	mount->flags = flags;
	mount->source = name;
	list_init(&mount->children);
	list_init(&mount->sibling);
	list_init(&mount->all_link);
	atomic_add(&total, 1);
	return mount;
}

int mount_create_fs(struct fs *fs, const char *name, const char *source, unsigned flags, struct mount **out)
{
	struct fs_attr attr = { .node = fs->root, .mode = S_IFDIR | 0755, .links = 2 };
	struct vnode *vnode = NULL;
	struct dentry *root = NULL;
	int error = fs->ops->getattr ? fs->ops->getattr(fs, fs->root, &attr) : 0;

	if (!error) {
		vnode = vnode_find_or_create(fs, &attr);
		root = vnode ? dentry_create_root(vnode, name) : NULL;
		*out = root ? mount_create(fs, root, source, flags) : NULL;
		error = *out ? 0 : -ENOMEM;
	}
	if (root)
		dentry_put(root);
	if (error) {
		vnode_forget_fs(fs);
		fs_put(fs);
	}
	return error;
}

struct mount *mount_showing_locked(const struct dentry *dentry)
{
	struct mount *mount;

	list_for_each(mount, &all_mounts, all_link)
		if (mount->fs == dentry->fs && dentry_is_ancestor_locked(mount->root, dentry))
			return mount;
	return NULL;
}

int mount_attach(struct mount *mount, const struct path *at)
{
	struct path place = *at;
	int error = 0;

	spin_lock(&vfs_tree_lock);
	mount_cross_locked(&place);
	if (place.dentry->deleted) {
		error = -ENOENT;
	} else if (!place.mount->parent && place.mount != mount_root) {
		error = -EINVAL;	/* taken out of the tree: nobody could take what is mounted there away again */
	} else {
		mount_get(place.mount);
		dentry_get(place.dentry);
		mount->parent = place.mount;
		mount->mountpoint = place.dentry;
		vfs_paths_changed();
		mount->covers_next = place.dentry->covers;
		place.dentry->covers = mount;
		place.dentry->state |= DENTRY_COVERED;
		list_push_back(&place.mount->children, &mount->sibling);
		list_push_back(&all_mounts, &mount->all_link);
	}
	spin_unlock(&vfs_tree_lock);
	return error;
}

void mount_attach_root(struct mount *mount)
{
	spin_lock(&vfs_tree_lock);
	mount_get(mount);
	mount_root = mount;
	list_push_back(&all_mounts, &mount->all_link);
	spin_unlock(&vfs_tree_lock);
}

/* Takes one mount out of the tree; what it held comes back in *place. Tree lock held. */
static void detach_locked(struct mount *mount, struct path *place)
{
	struct mount **at;

	place->mount = mount->parent;
	place->dentry = mount->mountpoint;
	vfs_paths_changed();
	for (at = &place->dentry->covers; *at != mount; at = &(*at)->covers_next)
		;
	*at = mount->covers_next;
	if (!place->dentry->covers)
		place->dentry->state &= ~DENTRY_COVERED;
	mount->parent = NULL;
	mount->mountpoint = NULL;
	list_remove(&mount->sibling);
	list_remove(&mount->all_link);
}

int mount_detach(struct mount *mount, unsigned users, bool lazy)
{
	struct path place;
	struct mount *lowest;
	int error = 0;

	for (;;) {
		spin_lock(&vfs_tree_lock);
		if (!mount->parent)
			error = -EINVAL;
		else if (!lazy && (!list_empty(&mount->children) || atomic_load(&mount->refs.count) > 1 + users))
			error = -EBUSY;
		if (error) {
			spin_unlock(&vfs_tree_lock);
			return error;
		}
		/* From the leaves up, so that no part of the subtree stays behind in the tree. */
		for (lowest = mount; !list_empty(&lowest->children);)
			lowest = list_first(&lowest->children, struct mount, sibling);
		detach_locked(lowest, &place);
		spin_unlock(&vfs_tree_lock);
		path_put(&place);
		mount_put(lowest);
		if (lowest == mount)
			return 0;
	}
}

/* Does another mount show this file system? (An internal mount is not in the list, and has its file system for itself.) */
static bool fs_still_mounted(const struct fs *fs)
{
	struct mount *mount;
	bool found = false;

	spin_lock(&vfs_tree_lock);
	list_for_each(mount, &all_mounts, all_link)
		found |= mount->fs == fs;
	spin_unlock(&vfs_tree_lock);
	return found;
}

void mount_free(struct mount *mount)
{
	struct fs *fs;

	KASSERT(!mount->parent && list_empty(&mount->children));
	fs = mount->fs;
	dentry_put(mount->root);
	if (!fs_still_mounted(fs)) {
		if (fs->ops->sync)
			fs->ops->sync(fs);
		dentry_drop_fs(fs);
		vnode_forget_fs(fs);
	}
	fs_put(fs);
	kfree(mount->source);
	kfree(mount);
	atomic_sub(&total, 1);
}

struct mount *mount_next(struct mount *previous)
{
	struct mount *mount, *found = NULL;
	bool passed = !previous;

	spin_lock(&vfs_tree_lock);
	list_for_each(mount, &all_mounts, all_link) {
		if (passed) {
			found = mount;
			mount_get(found);
			break;
		}
		passed = mount == previous;
	}
	spin_unlock(&vfs_tree_lock);
	if (previous)
		mount_put(previous);
	return found;
}

size_t mount_count(void) { return atomic_load_relaxed(&total); }
