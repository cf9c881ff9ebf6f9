/* SPDX-License-Identifier: MIT */
/* Root directory, working directory and umask, shared by CLONE_FS. */
#include "vfs/fs_context.h"
#include "mm/heap.h"
#include "vfs/mount_list.h"
#include <linux/stat.h>

/* What kernel threads use, and what process 1 starts from. */
struct fs_context fs_context_boot = { .refs = { 1 }, .umask = 022, .namespace = &mount_namespace_first };

void fs_context_init(const struct path *root)
{
	path_get(root);
	path_get(root);
	spin_lock(&vfs_tree_lock);
	fs_context_boot.root = fs_context_boot.cwd = *root;
	spin_unlock(&vfs_tree_lock);
}

struct fs_context *fs_context_copy(struct fs_context *context)
{
	struct fs_context *copy = kmalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	refcount_init(&copy->refs, 1);
	copy->umask = atomic_load_relaxed(&context->umask);
	spin_lock(&vfs_tree_lock);
	copy->root = context->root;
	copy->cwd = context->cwd;
	path_get(&copy->root);
	path_get(&copy->cwd);
	copy->namespace = context->namespace;
	mount_namespace_get(copy->namespace);
	spin_unlock(&vfs_tree_lock);
	return copy;
}

struct fs_context *fs_context_create(struct mount_namespace *namespace, unsigned umask)
{
	struct fs_context *context = kmalloc(sizeof(*context));

	if (!context)
		return NULL;
	*context = (struct fs_context){ .refs = { 1 }, .umask = umask, .namespace = namespace };
	spin_lock(&vfs_tree_lock);
	context->root = (struct path){ namespace->root, namespace->root->root };
	mount_cross_locked(&context->root);
	context->cwd = context->root;
	path_get(&context->root);
	path_get(&context->cwd);
	spin_unlock(&vfs_tree_lock);
	return context;
}

bool fs_context_is_hidden(const struct fs_context *context)
{
	const struct mount_namespace *here = mount_namespace_current();

	return here->sealed && (!context || atomic_load_relaxed(&context->namespace) != here);
}

struct fs_context *fs_context_create_root(void)
{
	return fs_context_copy(&fs_context_boot);
}

bool path_is_hidden(const struct path *path)
{
	const struct mount_namespace *here = mount_namespace_current();
	const struct vnode *vnode = path_vnode(path);

	return here->sealed && vnode && (vnode->type == S_IFREG || vnode->type == S_IFDIR || vnode->type == S_IFLNK) &&
	       path->mount->namespace != here;
}

void fs_context_get(struct fs_context *context)
{
	refcount_get(&context->refs);
}

bool fs_context_is_shared(const struct fs_context *context)
{
	return atomic_load_relaxed(&context->refs.count) > 1;
}

void fs_context_put(struct fs_context *context)
{
	if (!refcount_put(&context->refs))
		return;
	path_put(&context->root);
	path_put(&context->cwd);
	mount_namespace_put(context->namespace);
	kfree(context);
}

void fs_context_get_root(struct fs_context *context, struct path *out)
{
	spin_lock(&vfs_tree_lock);
	*out = context->root;
	path_get(out);
	spin_unlock(&vfs_tree_lock);
}

void fs_context_get_cwd(struct fs_context *context, struct path *out)
{
	spin_lock(&vfs_tree_lock);
	*out = context->cwd;
	path_get(out);
	spin_unlock(&vfs_tree_lock);
}

static void replace(struct path *place, const struct path *path)
{
	struct path old;

	spin_lock(&vfs_tree_lock);
	old = *place;
	*place = *path;
	spin_unlock(&vfs_tree_lock);
	path_put(&old);
}

/* The same if @place is @old. Returns how many references to that were given up. Tree lock held. */
static unsigned replace_if_locked(struct path *place, const struct path *old, const struct path *path)
{
	if (place->mount != old->mount || place->dentry != old->dentry)
		return 0;
	*place = *path;
	path_get(place);
	return 1;
}

static void replace_both(struct fs_context *context, const struct path *old, const struct path *path)
{
	struct path unused;
	unsigned left;

	spin_lock(&vfs_tree_lock);
	left = replace_if_locked(&context->root, old, path) + replace_if_locked(&context->cwd, old, path);
	spin_unlock(&vfs_tree_lock);
	while (left--) {
		unused = *old;
		path_put(&unused);
	}
}

void fs_context_replace_all(const struct path *old, const struct path *new)
{
	struct process *process;
	struct fs_context *context;
	int pid = 0;

	replace_both(&fs_context_boot, old, new);	/* kernel threads */
	while ((process = process_next(pid))) {
		pid = process->pid;
		context = process_get_fs(process);
		process_put(process);
		if (context) {
			replace_both(context, old, new);
			fs_context_put(context);
		}
	}
}

void fs_context_set_root(struct fs_context *context, const struct path *path)
{
	replace(&context->root, path);
}

void fs_context_set_cwd(struct fs_context *context, const struct path *path)
{
	replace(&context->cwd, path);
}

unsigned fs_context_umask(struct fs_context *context)
{
	return atomic_load_relaxed(&context->umask);
}

unsigned fs_context_set_umask(struct fs_context *context, unsigned umask)
{
	return atomic_exchange(&context->umask, umask & 0777);
}
