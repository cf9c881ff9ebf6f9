/* SPDX-License-Identifier: MIT */
/* Making and removing names: create, mkdir, mknod, symlink, link, unlink, rmdir. Rename is in name_rename.c. */
#include "vfs/name_change.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "vfs/dir_change.h"
#include "vfs/fs_context.h"
#include "vfs/mount_tree.h"
#include "vfs/path_ready.h"
#include "vfs/permission.h"
#include "vfs/vnode_cache.h"
#include "vfs/watch.h"
#include <linux/stat.h>

/* Who owns a new node and what its mode becomes, as the parent and the caller have it. */
static inline void new_attributes(const struct vnode *parent, const struct new_node *node, const struct credentials *credentials, int64_t now,
			   struct fs_attr *attr)
{
	uint32_t mode = node->mode;

	if ((mode & S_IFMT) != S_IFLNK)
		mode &= ~fs_context_umask(fs_context_current());
	*attr = (struct fs_attr){ .rdev = node->rdev, .links = 1, .uid = credentials->fsuid, .gid = credentials->fsgid,
				  .atime = now, .mtime = now, .ctime = now, .btime = now };
	if (parent->attr.mode & S_ISGID) {
		attr->gid = parent->attr.gid;
		if ((mode & S_IFMT) == S_IFDIR)
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && credentials->fsuid != 0 &&
			 credentials->fsgid != attr->gid && !credentials_in_group(credentials, attr->gid))
			mode &= ~S_ISGID;
	}
	attr->mode = mode;
}

/* A change that has begun, whose names are checked and referenced. */
struct begun {
	struct dentry *parent, *dentry;
	const struct credentials *credentials;
	struct path_component name;
	struct dir_change change;
};

static inline __attribute__((always_inline)) int ask_create(const struct begun *begun, const struct new_node *node, int64_t now, struct fs_attr *out)
{
	const struct path_component *name = &begun->name;
	struct vnode *parent = begun->parent->vnode;
	const struct fs_ops *ops = parent->fs->ops;
	struct fs *fs = parent->fs;
	struct fs_attr in;

	new_attributes(parent, node, begun->credentials, now, &in);
	switch (node->mode & S_IFMT) {
	case S_IFDIR:
		return ops->mkdir ? ops->mkdir(fs, parent->node, name->name, name->len, &in, out) : -EPERM;
	case S_IFLNK:
		return ops->symlink ? ops->symlink(fs, parent->node, name->name, name->len, node->target, strlen(node->target), &in, out) : -EPERM;
	default:
		return ops->create ? ops->create(fs, parent->node, name->name, name->len, &in, out) : -EPERM;
	}
}

bool name_walk_is_current(const struct path_walk *walk)
{
	/* No entry has left the hash since: this one is what it was. */
	return walk->insist || walk->generation == atomic_load(&vfs_paths_generation) || dentry_is_current(walk->path.dentry, walk->parent.dentry, &walk->last);
}

/* May the caller add or remove names in walk->parent? */
static int check_parent(const struct path_walk *walk)
{
	struct dentry *parent = walk->parent.dentry;

	if (mount_is_read_only(walk->parent.mount))
		return -EROFS;
	if (parent->deleted)
		return -ENOENT;
	/* Root may; that the file system can be written was just asked. */
	if (likely(!walk->credentials->fsuid))
		return 0;
	return vnode_check_access(parent->vnode, PERMIT_WRITE | PERMIT_EXECUTE);
}

void name_maybe_changed(struct dentry *parent, const struct path_component *name, struct vnode *named)
{
	dentry_drop_name(parent, name);
	inotify_unsure(parent->vnode);
	vnode_is_stale(parent->vnode);
	if (named)
		vnode_links_are_unsure(named);
}

/*
 * The vnode of what was just made. Nodes of others have often gone meanwhile: whether this one has, only the file system knows. -ESTALE: so it has.
 */
static int vnode_of_new(struct fs *fs, struct fs_attr *attr, struct vnode_guard *guard, struct vnode **vnode)
{
	uint32_t type = attr->mode & S_IFMT;
	int error;

	while (unlikely((error = vnode_from_answer(fs, attr, guard, true, vnode)) == -ESTALE)) {
		error = fs->ops->getattr(fs, attr->node, attr);
		/* Servers say EIO of what is gone. */
		if (error || !attr->links || (attr->mode & S_IFMT) != type)
			return !error || error == -ENOENT || error == -EIO ? -ESTALE : error;
	}
	return error;
}

/* Makes the node, shows it, and ends the change. */
static inline __attribute__((always_inline)) int create_begun(struct begun *begun, const struct new_node *node)
{
	struct vnode *directory = begun->parent->vnode, *vnode;
	struct vnode_guard guard;
	struct fs_attr attr;
	int64_t now;
	int error;

	vnode_lookup_begin(&guard);
	now = clock_realtime_ns();
	error = ask_create(begun, node, now, &attr);
	if (!error) {
		error = vnode_of_new(directory->fs, &attr, &guard, &vnode);
		if (error)
			dentry_drop_name(begun->parent, &begun->name);
		else if (unlikely(!dentry_instantiate(begun->dentry, vnode, &begun->change)))
			error = dentry_instantiate_alone(begun->parent, &begun->name, vnode, &begun->dentry);
		vnode_touch_directory(directory, now);
		inotify_name(directory, &begun->name, IN_CREATE, attr.mode);
	} else if (error == -EEXIST) {
		dentry_drop_name(begun->parent, &begun->name);
	} else if (unlikely(fs_change_is_unsure(error))) {
		name_maybe_changed(begun->parent, &begun->name, NULL);
	}
	dir_change_end(&begun->change);
	return error;
}

COLD int name_create(struct path_walk *walk, const struct new_node *node)
{
	struct dentry *parent = walk->parent.dentry;
	struct begun begun = { .parent = parent, .dentry = walk->path.dentry, .credentials = walk->credentials, .name = walk->last };
	int error;

	if (walk->last_kind != WALK_LAST_NAME || walk->path.dentry->vnode)
		return -EEXIST;
	if (walk->trailing_slash && (node->mode & S_IFMT) != S_IFDIR)
		return -ENOENT;
	error = check_parent(walk);
	/* Devices are for who may administer, but for the one that stands for no file in overlays. */
	if (!error && ((node->mode & S_IFMT) == S_IFBLK || node->rdev) && !capabilities_may_administer())
		error = -EPERM;
	if (error)
		return error;
	dir_change_begin(&begun.change, &parent->vnode->dir_version);
	if (!name_walk_is_current(walk)) {
		dir_change_end(&begun.change);
		return NAME_WALK_AGAIN;
	}
	error = create_begun(&begun, node);
	walk->path.dentry = begun.dentry;
	return error;
}

/* The last component is no name that could go. */
static int check_removable(const struct path_walk *walk, bool directory)
{
	switch (walk->last_kind) {
	case WALK_LAST_NAME:
		return 0;
	case WALK_LAST_DOT:
		return directory ? -EINVAL : -EISDIR;
	case WALK_LAST_DOT_DOT:
		return directory ? -ENOTEMPTY : -EISDIR;
	default:
		return directory ? -EBUSY : -EISDIR;
	}
}

static int check_remove(const struct path_walk *walk, bool directory)
{
	struct vnode *vnode = walk->path.dentry->vnode;
	int error = check_parent(walk);

	if (error)
		return error;
	error = likely(!walk->credentials->fsuid) ? 0 : permission_check_sticky(walk->parent.dentry->vnode, vnode);
	if (error)
		return error;
	if (directory ? vnode->type != S_IFDIR : walk->trailing_slash && vnode->type != S_IFDIR)
		return -ENOTDIR;
	if (!directory && vnode->type == S_IFDIR)
		return -EISDIR;
	return mount_is_point(walk->path.dentry) ? -EBUSY : 0;
}

/* The file system has removed a name of @node: brings entries and vnode up to date. @change is still open. */
static WATCHED_INLINE void show_removed(const struct begun *begun, bool directory, const struct fs_attr *attr)
{
	struct dentry *dentry = begun->dentry;
	struct vnode *vnode = dentry->vnode;
	int64_t now = attr->ctime;

	/* What went is what the file system says went: the name may have come to lead elsewhere since the walk. */
	if (attr->node.id == vnode->node.id && attr->node.generation == vnode->node.generation)
		vnode_get(vnode);
	else
		vnode = vnode_find_removed(vnode->fs, attr->node, !attr->links);
	dentry_remove_name(begun->parent, &begun->name, dentry, vnode, &begun->change);
	vnode_touch_directory(begun->parent->vnode, now);
	dir_change_end(&begun->change);
	if (likely(vnode)) {
		if (directory)
			dentry_drop_children(dentry);
		if (likely(directory || !attr->links)) {
			vnode_set_no_links(vnode, now);
			vnode_forget(vnode);
		} else {
			vnode_recheck_links(vnode);
		}
	}
	inotify_removed(begun->parent->vnode, &begun->name, vnode, dentry, directory ? S_IFDIR : 0);
	if (likely(vnode))
		vnode_put(vnode);
}

/*
 * Of a file system with a worker: if nobody uses the node it ends with the name. FS_NODE_ENDED: so it did, and all is shown, the change ended. Else what
 * was secluded for that is in use again, but not in the hash any more.
 */
static __attribute__((noinline)) int unlink_served(const struct begun *begun, struct fs_attr *attr)
{
	struct dentry_seclusion seclusion;
	struct dentry *dentry = begun->dentry;
	struct vnode *parent = begun->parent->vnode, *vnode = dentry_seclude(dentry, &seclusion) ? dentry->vnode : NULL;
	int result;
	bool ended;

	attr->node.id = vnode ? vnode->node.id : 0;
	result = parent->fs->ops->unlink(parent->fs, parent->node, begun->name.name, begun->name.len, attr);
	if (!vnode)
		return result;
	ended = result == FS_NODE_ENDED && attr->node.generation == vnode->node.generation;
	vnode_seclude_end(vnode, ended);
	if (!ended)
		return MIN(result, 0);
	dentry_lose_vnode(dentry, &begun->change, &seclusion);
	vnode_touch_directory(parent, attr->ctime);
	dir_change_end(&begun->change);
	vnode_put(vnode);
	inotify_name(parent, &begun->name, IN_DELETE, 0);
	return FS_NODE_ENDED;
}

/* Removes the name, shows it, and ends the change. */
static inline __attribute__((always_inline)) int remove_begun(const struct begun *begun, bool directory)
{
	struct vnode *parent = begun->parent->vnode;
	const struct fs_ops *ops = parent->fs->ops;
	struct fs_attr attr;
	int error;

	if (unlikely(parent->fs->flags & FS_SERVED) && !directory) {
		error = unlink_served(begun, &attr);
		if (error == FS_NODE_ENDED)
			return 0;
	} else {
		error = (directory ? ops->rmdir : ops->unlink)(parent->fs, parent->node, begun->name.name, begun->name.len, &attr);
	}
	if (likely(!error)) {
		show_removed(begun, directory, &attr);
		return 0;
	}
	if (error == -ENOENT)
		dentry_drop_name(begun->parent, &begun->name);
	else if (unlikely(fs_change_is_unsure(error)))
		name_maybe_changed(begun->parent, &begun->name, begun->dentry->vnode);
	dir_change_end(&begun->change);
	return error;
}

COLD int name_remove(struct path_walk *walk, bool directory)
{
	struct vnode *parent;
	struct begun begun = { .parent = walk->parent.dentry, .dentry = walk->path.dentry, .credentials = walk->credentials, .name = walk->last };
	const struct fs_ops *ops;
	int error = check_removable(walk, directory);

	if (!error)
		error = check_remove(walk, directory);
	if (error)
		return error;
	parent = walk->parent.dentry->vnode;
	ops = parent->fs->ops;
	if (directory ? !ops->rmdir : !ops->unlink)
		return -EPERM;
	dir_change_begin(&begun.change, &parent->dir_version);
	if (!name_walk_is_current(walk)) {
		dir_change_end(&begun.change);
		return NAME_WALK_AGAIN;
	}
	error = remove_begun(&begun, directory);
	if (!error)
		mount_detach_from(begun.dentry);
	return error;
}

/* What a short way holds. */
struct ready_change {
	struct begun begun;		/* its entries are referenced */
	struct mount *mount;		/* referenced */
	char text[DENTRY_INLINE_NAME];
};

/* May the caller change names in @directory, as far as can be told at once? */
static inline bool is_ready_to_change(const struct path *directory, const struct credentials *credentials)
{
	const struct vnode *vnode = directory->dentry->vnode;

	return !directory->dentry->deleted && !(vnode->fs->flags & FS_VOLATILE) && !mount_is_read_only(directory->mount) &&
	       (!credentials->fsuid || permission_class_allows(vnode, PERMIT_WRITE | PERMIT_EXECUTE, credentials));
}

/* May the caller remove the entry, which is no directory? Who owns what in a sticky directory the long way finds out. */
static inline bool is_ready_to_remove(const struct dentry *dentry, const struct vnode *directory, const struct credentials *credentials)
{
	return dentry->vnode->type != S_IFDIR && !dentry->covers && directory->fs->ops->unlink && (!credentials->fsuid || !(directory->attr.mode & S_ISVTX));
}

/* Is what is made in @directory a plain file to open? */
static inline bool is_ready_to_make(const struct vnode *directory)
{
	return directory->fs->ops->create && !directory->fs->ops->open;
}

/*
 * Walks to user string @name and begins the change of it, under one lock, so that what was found needs no second look. False: nothing was done, the
 * long way has to be gone.
 */
static inline __attribute__((always_inline)) bool ready_begin(struct ready_change *ready, uaddr_t name, bool present)
{
	const struct credentials *credentials = current_thread()->user.credentials;
	struct path at;
	struct dentry *last = path_ready_find(name, &at), *parent = at.dentry;

	if (unlikely(!last || last->name != last->inline_name || !last->vnode == present || !is_ready_to_change(&at, credentials) ||
		     !(present ? is_ready_to_remove(last, parent->vnode, credentials) : is_ready_to_make(parent->vnode)))) {
		spin_unlock(&vfs_tree_lock);
		return false;
	}
	last->state |= DENTRY_USED;
	mount_get(at.mount);
	if (!present)
		atomic_add(&at.mount->writers, 1);	/* under the lock, and so before or after it becomes read-only as a whole */
	dentry_get(parent);
	dentry_get(last);
	ready->mount = at.mount;
	ready->begun.parent = parent;
	ready->begun.dentry = last;
	ready->begun.credentials = credentials;
	/* The entry may be renamed when the lock is let go. */
	ready->begun.name = (struct path_component){ ready->text, last->name_len, last->hash };
	for (uint32_t i = 0; i <= last->name_len; i += 8)
		__builtin_memcpy(ready->text + i, last->inline_name + i, 8);
	dir_change_begin(&ready->begun.change, &parent->vnode->dir_version);
	spin_unlock(&vfs_tree_lock);
	return true;
}

int name_create_ready(uaddr_t name, const struct new_node *node, struct path *path)
{
	struct ready_change ready;
	int error;

	if (unlikely(!ready_begin(&ready, name, false)))
		return NAME_NOT_READY;
	error = create_begun(&ready.begun, node);
	dentry_put(ready.begun.parent);
	if (likely(!error)) {
		*path = (struct path){ ready.mount, ready.begun.dentry };
		return 0;
	}
	dentry_put(ready.begun.dentry);
	mount_end_write(ready.mount);
	mount_put(ready.mount);
	return error;
}

int name_remove_ready(uaddr_t name)
{
	struct ready_change ready;
	int error;

	if (unlikely(!ready_begin(&ready, name, true)))
		return NAME_NOT_READY;
	error = remove_begun(&ready.begun, false);
	dentry_put(ready.begun.parent);
	dentry_put(ready.begun.dentry);
	mount_put(ready.mount);
	return error;
}

/* Has the file system of @directory make a node without a name, as if it was there. 0 or negative errno. */
static COLD int make_node(struct vnode *directory, uint32_t mode, bool linkable, struct fs_attr *attr)
{
	const struct new_node node = { .mode = mode };

	if (!directory->fs->ops->make_unnamed)
		return -EOPNOTSUPP;
	new_attributes(directory, &node, credentials_current(), clock_realtime_ns(), attr);
	attr->links = linkable;
	return directory->fs->ops->make_unnamed(directory->fs, attr, attr);
}

COLD int name_make_whiteout(struct vnode *directory, struct fs_node_id *node)
{
	struct fs_attr attr;
	int error = make_node(directory, S_IFCHR, true, &attr);

	if (!error)
		*node = attr.node;
	return error == -EOPNOTSUPP ? -EINVAL : error;
}

COLD int name_make_unnamed(struct path *at, uint32_t mode, bool linkable)
{
	struct vnode *directory = at->dentry->vnode, *vnode;
	struct fs *fs = directory->fs;
	struct dentry *dentry;
	struct fs_attr attr;
	char name[24];
	int error = mount_is_read_only(at->mount) ? -EROFS : vnode_check_access(directory, PERMIT_WRITE | PERMIT_EXECUTE);

	if (!error)
		error = make_node(directory, S_IFREG | (mode & 07777), linkable, &attr);
	if (error)
		return error;
	/* Nobody else has heard of it. */
	error = vnode_from_answer(fs, &attr, NULL, true, &vnode);
	if (error) {
		fs->ops->release(fs, attr.node);
		return error;
	}
	snprintf(name, sizeof(name), "#%llu", (unsigned long long)attr.node.id);
	dentry = dentry_create_unnamed(at->dentry, vnode, name);
	if (!dentry)
		return -ENOMEM;
	dentry_put(at->dentry);
	at->dentry = dentry;
	return 0;
}

/* The cache holds what has got its first name, so that it stays when its last user goes: as if it was looked up. */
static COLD void keep_named(struct fs *fs, const struct fs_attr *attr)
{
	struct vnode *vnode = vnode_find_or_create(fs, attr);

	if (vnode)
		vnode_put(vnode);
}

/* As Linux with fs.protected_hardlinks: by a name of one's own one keeps what its owner removes or replaces, a set-id program with a hole, say. */
static COLD int check_source(struct vnode *vnode)
{
	uint32_t mode = atomic_load_relaxed(&vnode->attr.mode);

	if (vnode_owned_by_caller(vnode) || (vnode->type == S_IFREG && permission_without_set_id(mode) == mode &&
					     !vnode_check_access(vnode, PERMIT_READ | PERMIT_WRITE)))
		return 0;
	return -EPERM;
}

COLD int name_link(const struct path *from, struct path_walk *to)
{
	struct vnode *vnode = from->dentry->vnode, *parent;
	struct dir_change change;
	struct fs_attr attr;
	bool unnamed;
	int error;

	if (to->last_kind != WALK_LAST_NAME || to->path.dentry->vnode)
		return -EEXIST;
	if (to->trailing_slash)
		return -ENOENT;
	if (from->mount != to->parent.mount)
		return -EXDEV;
	error = check_source(vnode) ?: check_parent(to);
	if (error)
		return error;
	if (vnode->type == S_IFDIR)
		return -EPERM;
	/* What was made without a name may get one: the file system knows. */
	unnamed = !atomic_load_relaxed(&vnode->attr.links);
	if (unnamed && !vnode->fs->ops->make_unnamed)
		return -ENOENT;
	parent = to->parent.dentry->vnode;
	if (!parent->fs->ops->link)
		return -EPERM;
	dir_change_begin(&change, &parent->dir_version);
	if (!name_walk_is_current(to)) {
		dir_change_end(&change);
		return NAME_WALK_AGAIN;
	}
	error = parent->fs->ops->link(parent->fs, vnode->node, parent->node, to->last.name, to->last.len, &attr);
	if (!error) {
		vnode_get(vnode);
		if (!dentry_instantiate(to->path.dentry, vnode, &change))
			vnode_put(vnode);
		vnode_touch_directory(parent, clock_realtime_ns());
		vnode_recheck_links(vnode);
		if (unnamed)
			keep_named(parent->fs, &attr);
		inotify_self(vnode, IN_ATTRIB);
		inotify_name(parent, &to->last, IN_CREATE, 0);
	} else if (fs_change_is_unsure(error)) {
		name_maybe_changed(to->parent.dentry, &to->last, vnode);
	}
	dir_change_end(&change);
	return error;
}
