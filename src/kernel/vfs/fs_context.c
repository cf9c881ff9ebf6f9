/* SPDX-License-Identifier: MIT */
/* Root directory, working directory and umask, shared by CLONE_FS. */
#include "vfs/fs_context.h"
#include "mm/heap.h"
#include "vfs/mount_tree.h"

/* What kernel threads use, and what process 1 starts from. */
struct fs_context fs_context_boot = { .refs = { 1 }, .umask = 022 };

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
	struct fs_context *copy = kzalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	refcount_init(&copy->refs, 1);
	copy->umask = atomic_load_relaxed(&context->umask);
	spin_lock(&vfs_tree_lock);
	copy->root = context->root;
	copy->cwd = context->cwd;
	path_get(&copy->root);
	path_get(&copy->cwd);
	spin_unlock(&vfs_tree_lock);
	return copy;
}

struct fs_context *fs_context_create_root(void)
{
	return fs_context_copy(&fs_context_boot);
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
