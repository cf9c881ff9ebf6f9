/* SPDX-License-Identifier: MIT */
/* From a place in the tree to its name: built from the end of the buffer towards the front, under the tree lock. */
#include "vfs/path_string.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vfs/fs_context.h"
#include "vfs/mount_list.h"
#include "vfs/mount_tree.h"

/* Text growing towards lower addresses. */
struct builder {
	char *start, *at;
	bool overflow;
};

static void prepend(struct builder *builder, const char *text, size_t len)
{
	if (builder->overflow || builder->at - builder->start < (ptrdiff_t)len) {
		builder->overflow = true;
		return;
	}
	builder->at -= len;
	memcpy(builder->at, text, len);
}

static void prepend_name(struct builder *builder, const struct dentry *dentry)
{
	prepend(builder, dentry->name, dentry->name_len);
	prepend(builder, "/", 1);
}

/* Prepends the way from @root down to @path. Returns whether @root was met on the way up. Tree lock held. */
static bool prepend_way(struct builder *builder, struct path at, const struct path *root)
{
	char *end = builder->at;

	for (;;) {
		if (at.dentry == root->dentry && at.mount == root->mount)
			break;
		if (at.dentry != at.mount->root) {
			if (at.dentry->parent == at.dentry && !at.dentry->name_len)
				return false;	/* moved out of what its mount shows */
			if (at.dentry->parent == at.dentry) {
				/* Outside any tree: an internal file system names its files in full ("pipe:[12]"). */
				prepend(builder, at.dentry->name, at.dentry->name_len);
				return true;
			}
			prepend_name(builder, at.dentry);
			at.dentry = at.dentry->parent;
			continue;
		}
		if (!at.mount->parent) {
			if (builder->at == end)
				prepend(builder, "/", 1);
			return false;
		}
		at.dentry = at.mount->mountpoint;
		at.mount = at.mount->parent;
	}
	if (builder->at == end)
		prepend(builder, "/", 1);
	return true;
}

/* Moves the finished text to the front. */
static ssize_t finish(struct builder *builder, size_t size)
{
	size_t len = builder->start + size - builder->at;

	if (builder->overflow)
		return -ENAMETOOLONG;
	memmove(builder->start, builder->at, len);
	return len - 1;
}

static void start(struct builder *builder, char *buf, size_t size)
{
	*builder = (struct builder){ .start = buf, .at = buf + size };
	prepend(builder, "", 1);
}

ssize_t path_to_string(const struct path *path, char *buf, size_t size)
{
	struct fs_context *context = fs_context_current();
	struct builder builder;

	start(&builder, buf, size);
	spin_lock(&vfs_tree_lock);
	if (path->dentry->deleted)
		prepend(&builder, " (deleted)", 10);
	prepend_way(&builder, *path, &context->root);
	spin_unlock(&vfs_tree_lock);
	return finish(&builder, size);
}

ssize_t path_to_string_from(const struct path *path, const struct path *root, char *buf, size_t size)
{
	struct builder builder;
	bool reachable;

	start(&builder, buf, size);
	spin_lock(&vfs_tree_lock);
	/* The root itself seen from inside is "/". */
	reachable = prepend_way(&builder, *path, root);
	spin_unlock(&vfs_tree_lock);
	return reachable ? finish(&builder, size) : -ENOENT;
}

ssize_t dentry_to_string(const struct dentry *dentry, char *buf, size_t size)
{
	struct builder builder;

	start(&builder, buf, size);
	spin_lock(&vfs_tree_lock);
	if (dentry->deleted)
		prepend(&builder, "//deleted", 9);
	if (dentry->parent == dentry)
		prepend(&builder, "/", 1);
	for (; dentry->parent != dentry; dentry = dentry->parent)
		prepend_name(&builder, dentry);
	spin_unlock(&vfs_tree_lock);
	return finish(&builder, size);
}

ssize_t path_cwd_to_string(char *buf, size_t size)
{
	struct fs_context *context = fs_context_current();
	struct builder builder;
	bool deleted;

	start(&builder, buf, size);
	spin_lock(&vfs_tree_lock);
	deleted = context->cwd.dentry->deleted;
	if (!prepend_way(&builder, context->cwd, &context->root))
		prepend(&builder, "(unreachable)", 13);
	spin_unlock(&vfs_tree_lock);
	return deleted ? -ENOENT : finish(&builder, size);
}

/* One by which what has no way to any root can be had, referenced; NULL. Some of the list may be on their way out. Tree lock held. */
static struct mount *get_any_mount_locked(const struct fs *fs)
{
	const struct mount_namespace *here = mount_namespace_current();
	struct mount *mount;

	list_for_each(mount, &fs->mounts, fs_link)
		if (mount->namespace == here && refcount_get_unless_zero(&mount->refs))
			return mount;
	list_for_each(mount, &fs->mounts, fs_link)
		if (refcount_get_unless_zero(&mount->refs))
			return mount;
	return NULL;
}

int vnode_get_path(struct vnode *vnode, struct path *path)
{
	struct dentry *dentry = NULL, *pos;
	struct mount *mount;

	spin_lock(&vfs_tree_lock);
	list_for_each(pos, &vnode->dentries, vnode_link) {
		if (!refcount_get_unless_zero(&pos->refs))
			continue;
		dentry = pos;
		break;
	}
	mount = dentry ? mount_showing_locked(dentry) : NULL;
	/* What an internal file system has, under its full name; and what was made without a name. */
	if (mount)
		mount_get(mount);
	else if (dentry && dentry->parent == dentry && dentry->name_len)
		mount = get_any_mount_locked(dentry->fs);
	spin_unlock(&vfs_tree_lock);
	*path = (struct path){ mount, dentry };
	if (mount)
		return 0;
	if (dentry)
		dentry_put(dentry);
	return -ENOENT;
}

void vnode_to_string(struct vnode *vnode, char *buf, size_t size)
{
	struct path path;
	ssize_t len = vnode_get_path(vnode, &path);

	if (!len) {
		len = path_to_string(&path, buf, size);
		path_put(&path);
	}
	if (len < 0 && size)
		buf[0] = 0;
}
