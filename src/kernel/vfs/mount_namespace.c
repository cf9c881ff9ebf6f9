/* SPDX-License-Identifier: MIT */
/* Namespaces, each a tree of mounts that some processes live in: made, copied, rearranged, and ended with the last of them. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "security/capabilities.h"
#include "vfs/memfd.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_list.h"
#include <linux/mount.h>
#include <linux/stat.h>

struct mount_namespace mount_namespace_first = { .refs = { 1 }, .mounts = LIST_INIT(mount_namespace_first.mounts) };

int mount_check_privilege(void)
{
	return capabilities_may_administer() && !mount_namespace_current()->sealed ? 0 : -EPERM;
}

struct mount_namespace *mount_namespace_create(struct mount *root, bool sealed)
{
	struct mount_namespace *namespace = kmalloc(sizeof(*namespace));

	if (!namespace)
		return NULL;
	*namespace = (struct mount_namespace){ .refs = { 1 }, .sealed = sealed, .root = root };
	list_init(&namespace->mounts);
	spin_lock(&vfs_tree_lock);
	mount_join_locked(root, namespace);
	spin_unlock(&vfs_tree_lock);
	return namespace;
}

void mount_namespace_free(struct mount_namespace *namespace)
{
	struct list gone = LIST_INIT(gone);

	spin_lock(&vfs_tree_lock);
	mount_leave_locked(namespace->root, &gone);
	spin_unlock(&vfs_tree_lock);
	KASSERT(!namespace->count);
	mount_put_gone(&gone);
	kfree(namespace);
}

void mount_attach_root(struct mount *mount)
{
	spin_lock(&vfs_tree_lock);
	mount_get(mount);
	mount_root = mount_namespace_first.root = mount;
	mount_join_locked(mount, &mount_namespace_first);
	spin_unlock(&vfs_tree_lock);
}

int mount_copy(const struct path *what, bool whole, const struct mount_namespace *where, struct mount **copy)
{
	struct mount_pool pool = { NULL, 0 };
	unsigned needed = 1;
	int error;

	*copy = NULL;
	do {
		error = mount_pool_fill(&pool, needed);
		if (error)
			break;
		spin_lock(&vfs_tree_lock);
		needed = whole ? mount_tree_size_locked(what->mount) : 1;
		if (what->mount->namespace != where && !memfd_is(what->dentry->vnode))
			error = -EINVAL;
		else if (needed <= pool.count)
			*copy = whole ? mount_copy_tree_locked(what->mount, what->dentry, &pool) : mount_copy_one_locked(what->mount, what->dentry, &pool);
		spin_unlock(&vfs_tree_lock);
	} while (!error && !*copy);
	mount_pool_free(&pool);
	return error;
}

/* @place in the tree that was just copied is now the same place in the copy. Tree lock held. What was held before is in *@old. */
static void follow_copy_locked(struct path *place, const struct mount_namespace *copied, struct path *old)
{
	*old = (struct path){ NULL, NULL };
	if (place->mount->namespace != copied || !place->mount->copy)
		return;		/* in a place that no longer is, is another's, or was moved out of the root */
	*old = *place;
	place->mount = place->mount->copy;
	path_get(place);
}

/* The caller's own @context gets @namespace, a copy of its old one, whose mounts' ->copy are still right. Tree lock held until here. */
static void enter_copy_and_unlock(struct fs_context *context, struct mount_namespace *namespace)
{
	struct mount_namespace *old = context->namespace;
	struct path old_root, old_cwd;

	mount_join_locked(namespace->root, namespace);
	follow_copy_locked(&context->root, old, &old_root);
	follow_copy_locked(&context->cwd, old, &old_cwd);
	context->namespace = namespace;
	spin_unlock(&vfs_tree_lock);
	path_put(&old_root);
	path_put(&old_cwd);
	mount_namespace_put(old);
}

int fs_context_copy_namespace(struct fs_context *context)
{
	struct mount_namespace *namespace = kmalloc(sizeof(*namespace)), *old = context->namespace;
	struct mount_pool pool = { NULL, 0 };
	unsigned needed = 1;
	int error;

	if (!namespace)
		return -ENOMEM;
	*namespace = (struct mount_namespace){ .refs = { 1 } };
	list_init(&namespace->mounts);
	for (;;) {
		error = mount_pool_fill(&pool, needed);
		if (error)
			break;
		spin_lock(&vfs_tree_lock);
		needed = old->count;
		if (needed <= pool.count) {
			namespace->root = mount_copy_tree_locked(old->root, old->root->root, &pool);
			enter_copy_and_unlock(context, namespace);
			break;
		}
		spin_unlock(&vfs_tree_lock);
	}
	mount_pool_free(&pool);
	if (error)
		kfree(namespace);
	return error;
}

/* Is @at @top or below it? Tree lock held. */
static bool is_below_locked(const struct mount *at, const struct mount *top)
{
	while (at && at != top)
		at = at->parent;
	return at;
}

int mount_move(struct mount *mount, const struct path *at)
{
	const struct mount_namespace *here = mount_namespace_current();
	struct path place = *at, left = { NULL, NULL };
	int error = 0;

	spin_lock(&vfs_tree_lock);
	mount_cross_locked(&place);
	if (place.dentry->deleted)
		error = -ENOENT;
	else if (mount->namespace != here || place.mount->namespace != here || !mount->parent ||
		 (place.dentry->vnode->type == S_IFDIR) != (mount->root->vnode->type == S_IFDIR))
		error = -EINVAL;
	else if (is_below_locked(place.mount, mount))
		error = -ELOOP;
	if (!error) {
		mount_take_off_locked(mount, &left);
		mount_put_over_locked(mount, place.mount, place.dentry);
		vfs_paths_changed();
	}
	spin_unlock(&vfs_tree_lock);
	path_put(&left);
	return error;
}

/* Does the way up from @at lead to @root? Tree lock held. */
static bool is_reachable_locked(struct path at, const struct path *root)
{
	while (at.mount != root->mount && at.mount->parent) {
		at.dentry = at.mount->mountpoint;
		at.mount = at.mount->parent;
	}
	return at.mount == root->mount && dentry_is_ancestor_locked(root->dentry, at.dentry);
}

/* May @new become the root in the place of @root, which then covers @place? Tree lock held. */
static int check_pivot_locked(const struct path *root, const struct path *new, const struct path *place)
{
	const struct mount_namespace *here = mount_namespace_current();

	if (root->mount->namespace != here || new->mount->namespace != here)
		return -EINVAL;
	if (new->dentry->deleted || place->dentry->deleted)
		return -ENOENT;
	if (new->mount == root->mount || place->mount == root->mount)
		return -EBUSY;
	if (root->dentry != root->mount->root || new->dentry != new->mount->root || !new->mount->parent)
		return -EINVAL;
	return is_reachable_locked(*place, new) && is_reachable_locked(*new, root) ? 0 : -EINVAL;
}

int mount_pivot(const struct path *new, const struct path *put_old)
{
	struct path root, place = *put_old, left_root = { NULL, NULL }, left_new = { NULL, NULL };
	int error;

	fs_context_get_root(fs_context_current(), &root);
	spin_lock(&vfs_tree_lock);
	mount_cross_locked(&place);
	error = check_pivot_locked(&root, new, &place);
	if (!error) {
		mount_take_off_locked(new->mount, &left_new);
		if (root.mount->parent) {
			mount_take_off_locked(root.mount, &left_root);
			mount_put_over_locked(new->mount, left_root.mount, left_root.dentry);
		} else {
			new->mount->namespace->root = new->mount;
			if (root.mount == mount_root)
				mount_root = new->mount;
		}
		mount_put_over_locked(root.mount, place.mount, place.dentry);
		vfs_paths_changed();
	}
	spin_unlock(&vfs_tree_lock);
	path_put(&left_new);
	path_put(&left_root);
	if (!error)
		fs_context_replace_all(&root, new);
	path_put(&root);
	return error;
}

/* How many files are open for writing by @mount or, with @all, by any of its file system. Tree lock held. */
static unsigned writers_locked(struct mount *mount, bool all)
{
	unsigned count = 0;
	struct mount *other;

	if (!all)
		return atomic_load(&mount->writers);
	list_for_each(other, &mount->fs->mounts, fs_link)
		count += atomic_load(&other->writers);
	return count;
}

int mount_set_flags(struct mount *mount, unsigned flags, bool all)
{
	unsigned old_flags, *fs_flags = &mount->fs->flags, old_fs_flags;
	int error = 0;

	spin_lock(&vfs_tree_lock);
	old_fs_flags = *fs_flags;
	if (all && !(flags & MS_RDONLY) && (old_fs_flags & (FS_READ_ONLY | FS_MADE_READ_ONLY)) == FS_READ_ONLY) {
		error = -EROFS;
	} else {
		/* First no new writer, then the look whether there are any. */
		old_flags = atomic_exchange(&mount->flags, flags);
		if (all && flags & MS_RDONLY && !(old_fs_flags & FS_READ_ONLY))
			atomic_or(fs_flags, FS_READ_ONLY | FS_MADE_READ_ONLY);
		if (all && !(flags & MS_RDONLY))
			atomic_and(fs_flags, ~(unsigned)(FS_READ_ONLY | FS_MADE_READ_ONLY));
		if (flags & MS_RDONLY && !(old_flags & MS_RDONLY) && writers_locked(mount, all)) {
			atomic_store(fs_flags, old_fs_flags);
			atomic_store(&mount->flags, old_flags);
			error = -EBUSY;
		}
	}
	spin_unlock(&vfs_tree_lock);
	return error;
}

struct mount *mount_next(struct mount_namespace *namespace, struct mount *previous)
{
	struct list *next;
	struct mount *mount = NULL;

	spin_lock(&vfs_tree_lock);
	next = previous ? previous->link.next : namespace->mounts.next;
	if ((!previous || previous->namespace == namespace) && next != &namespace->mounts) {
		mount = list_entry(next, struct mount, link);
		mount_get(mount);
	}
	spin_unlock(&vfs_tree_lock);
	if (previous)
		mount_put(previous);
	return mount;
}
