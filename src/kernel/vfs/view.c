/* SPDX-License-Identifier: MIT */
/*
 * view_enter: a namespace whose root is a small tmpfs with nothing but the mount points of some parts of the caller's. It is built where nobody can see
 * it, so that there is nothing to undo but to free it, and it is sealed: who enters cannot change it.
 */
#include <raeen/view.h>

#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "syscall_prototypes.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_list.h"
#include "vfs/path_split.h"
#include "vfs/permission.h"
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

/* The root's own file system holds mount points only. */
static const char root_options[] = "size=64k,nr_inodes=4096,mode=755";

/* A view being built. */
struct view {
	struct mount *root;		/* its reference is the namespace's */
	struct mount_namespace *namespace;
	char *text;			/* room for a path and what reading it takes */
};

/* Makes @name in directory @at of the root's file system, which nobody else sees yet, so that no cache needs to hear of it. */
static int make_point(const struct path *at, const struct path_component *name, bool directory)
{
	struct vnode *vnode = at->dentry->vnode;
	const struct fs_ops *ops = vnode->fs->ops;
	struct fs_attr in = { .mode = directory ? S_IFDIR | 0755 : S_IFREG | 0444, .links = 1 }, out;
	int error = (directory ? ops->mkdir : ops->create)(vnode->fs, vnode->node, name->name, name->len, &in, &out);

	return error == -EEXIST ? 0 : error;
}

/* One step towards a target: *@at (referenced) becomes its entry @name, which is made if it is the root's own file system's. */
static int step(const struct view *view, struct path *at, const struct path_component *name, bool directory)
{
	const struct vnode *vnode = at->dentry->vnode;
	struct dentry *child;
	int error = 0;

	if (path_component_is_dot(name) || path_component_is_dot_dot(name) || name->len > NAME_MAX_LEN)
		return -EINVAL;
	if (vnode->type != S_IFDIR)
		return -ENOTDIR;
	if (!permission_search(vnode, credentials_current()))
		return -EACCES;
	if (at->mount == view->root)
		error = make_point(at, name, directory);
	error = error ?: dentry_lookup(at->dentry, name, &child);
	if (error)
		return error;
	if (!child->vnode) {
		dentry_put(child);
		return -ENOENT;
	}
	dentry_put(at->dentry);
	at->dentry = child;
	mount_cross(at);
	return 0;
}

/* The place view->text names, referenced; its last component is made as a directory or file. */
static int find_target(const struct view *view, bool directory, struct path *at)
{
	const char *text = view->text, *after;
	struct path_component name, next;
	int error = *text == '/' ? 0 : -EINVAL;

	*at = (struct path){ view->root, view->root->root };
	path_get(at);
	mount_cross(at);
	for (after = path_next_component(text, &name); !error && name.len; name = next) {
		after = path_next_component(after, &next);
		error = step(view, at, &name, next.len || directory);
	}
	if (error)
		path_put(at);
	return error;
}

/* What is mounted at @at goes: it would only be covered, and every walk would pass it. */
static void uncover(struct path *at)
{
	struct list gone = LIST_INIT(gone);
	struct path old = *at;

	spin_lock(&vfs_tree_lock);
	while (at->dentry == at->mount->root && at->mount->parent) {
		struct mount *over = at->mount;

		*at = (struct path){ over->parent, over->mountpoint };
		mount_leave_locked(over, &gone);
	}
	path_get(at);
	spin_unlock(&vfs_tree_lock);
	path_put(&old);
	mount_put_gone(&gone);
}

static void make_read_only(struct mount *top)
{
	struct mount *mount;

	spin_lock(&vfs_tree_lock);
	for (mount = top; mount; mount = mount_tree_next_locked(mount, top))
		atomic_or(&mount->flags, MS_RDONLY);
	spin_unlock(&vfs_tree_lock);
}

static int add_part(const struct view *view, const struct view_part *part)
{
	struct path source, target;
	struct mount *copy = NULL;
	ssize_t len;
	int error;

	if (part->flags & ~VIEW_READ_ONLY || part->reserved)
		return -EINVAL;
	len = copy_string_from_user(view->text, part->target, PATH_MAX_LEN);
	if (len < 0)
		return len;
	error = path_lookup_user(AT_FDCWD, part->source, 0, &source);
	if (error)
		return error;
	error = mount_copy(&source, true, mount_namespace_current(), &copy);
	if (!error && part->flags & VIEW_READ_ONLY)
		make_read_only(copy);
	error = error ?: find_target(view, path_vnode(&source)->type == S_IFDIR, &target);
	if (!error) {
		uncover(&target);
		error = mount_attach(copy, &target, view->namespace);
		path_put(&target);
	}
	if (error && copy)
		mount_discard(copy);
	path_put(&source);
	return error;
}

static int make_root(struct view *view)
{
	struct fs *fs;
	int error = mount_check_room(1) ?: tmpfs_create(NULL, root_options, &fs);

	if (error)
		return error;
	error = mount_create_fs(fs, "", "view", MS_NOSUID | MS_NODEV, &view->root);
	if (error)
		return error;
	view->namespace = mount_namespace_create(view->root, true);
	if (view->namespace)
		return 0;
	mount_put(view->root);
	return -ENOMEM;
}

static int build(const struct view *view, uaddr_t parts, size_t count)
{
	struct view_part part;
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		if (copy_from_user(&part, parts + i * sizeof(part), sizeof(part)))
			return -EFAULT;
		error = add_part(view, &part);
	}
	atomic_or(&view->root->flags, MS_RDONLY);
	return error;
}

long sys_view_enter(uaddr_t parts, size_t count, unsigned flags)
{
	struct process *process = current_process();
	struct fs_context *context = NULL;
	struct view view;
	int error;

	if (flags || count > VIEW_PARTS_MAX || process->thread_count > 1)
		return -EINVAL;
	if (!process->no_new_privs)
		return -EPERM;
	view.text = kmalloc(PATH_MAX_LEN + PATH_PADDING);
	if (!view.text)
		return -ENOMEM;
	error = make_root(&view);
	if (!error) {
		error = build(&view, parts, count);
		if (!error)
			context = fs_context_create(view.namespace, fs_context_umask(process->fs));
		if (context)
			process_set_fs(process, context);
		else
			mount_namespace_put(view.namespace);
		error = error || context ? error : -ENOMEM;
	}
	kfree(view.text);
	return error;
}
