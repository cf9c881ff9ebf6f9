/* SPDX-License-Identifier: MIT */
/*
 * How the tree in memory follows changes that the file system has made: create, remove, rename. Called while the change is still open
 * (dir_change.h), without a lock. What is not certain, because somebody else changed the directory too, is dropped from the cache.
 */
#include "vfs/dentry_cache.h"
#include "mm/heap.h"
#include "vfs/dir_change.h"

/* References and names given up under the tree lock, released after it. */
struct leftovers {
	struct dentry *dentries[6];
	unsigned dentry_count;
	struct vnode *vnode;
	char *name;
};

static void leave_dentry(struct leftovers *left, struct dentry *dentry)
{
	left->dentries[left->dentry_count++] = dentry;
}

static void unhash_locked(struct leftovers *left, struct dentry *dentry)
{
	if (dentry_unhash_locked(dentry))
		leave_dentry(left, dentry);
}

static void release_leftovers(struct leftovers *left)
{
	for (unsigned i = 0; i < left->dentry_count; i++)
		dentry_put(left->dentries[i]);
	if (left->vnode)
		vnode_put(left->vnode);
	kfree(left->name);
}

static void hash_if_absent_locked(struct dentry *dentry)
{
	struct path_component name = { dentry->name, dentry->name_len, dentry->hash };

	if (dentry->hashed || dentry->deleted || dentry->parent->deleted || dentry->fs->flags & FS_VOLATILE)
		return;
	if (!dentry_find_locked(dentry->parent, &name))
		dentry_hash_locked(dentry);
}

void dentry_instantiate(struct dentry *dentry, struct vnode *vnode, const struct dir_change *change)
{
	struct leftovers left = { 0 };

	spin_lock(&vfs_tree_lock);
	if (dentry->vnode) {
		/* Somebody found the new name first; the caller's entry leads there already, or to what came after it. */
		left.vnode = vnode;
	} else {
		dentry->vnode = vnode;
		list_push_back(&vnode->dentries, &dentry->vnode_link);
	}
	if (!dir_change_alone(change))
		unhash_locked(&left, dentry);
	else
		hash_if_absent_locked(dentry);
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}

/* Marks @dentry's name as removed and takes it out of the hash. Tree lock held. */
static void delete_locked(struct leftovers *left, struct dentry *dentry)
{
	unhash_locked(left, dentry);
	dentry->deleted = true;
}

void dentry_remove_name(struct dentry *dentry, const struct dir_change *change)
{
	struct path_component name;
	struct leftovers left = { 0 };
	struct dentry *other;

	spin_lock(&vfs_tree_lock);
	if (dentry->hashed && dir_change_alone(change) && atomic_load(&dentry->refs.count) == 2) {
		/* Only the caller and the hash: the entry itself can say from now on that there is no such name. */
		left.vnode = dentry->vnode;
		dentry->vnode = NULL;
		list_remove(&dentry->vnode_link);
	} else {
		name = (struct path_component){ dentry->name, dentry->name_len, dentry->hash };
		other = dentry_find_locked(dentry->parent, &name);
		delete_locked(&left, dentry);
		if (other && other != dentry)
			unhash_locked(&left, other);
	}
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}

void dentry_drop_children(struct dentry *dentry)
{
	struct dentry *child;

	do {
		child = NULL;
		spin_lock(&vfs_tree_lock);
		if (!list_empty(&dentry->children)) {
			child = list_first(&dentry->children, struct dentry, child_link);
			dentry_unhash_locked(child);
		}
		spin_unlock(&vfs_tree_lock);
		if (child)
			dentry_put(child);
	} while (child);
}

void dentry_drop_name(struct dentry *directory, const struct path_component *name)
{
	struct leftovers left = { 0 };
	struct dentry *dentry;

	spin_lock(&vfs_tree_lock);
	dentry = dentry_find_locked(directory, name);
	if (dentry)
		unhash_locked(&left, dentry);
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}

/* Gives @dentry a new place; false (nothing changed) when there is no memory for the name. Tree lock held, @dentry unhashed. */
static bool relocate_locked(struct leftovers *left, struct dentry *dentry, struct dentry *directory, const struct path_component *name)
{
	const char *old = dentry->name;
	bool was_inline = old == dentry->inline_name;

	if (!dentry_set_name(dentry, name))
		return false;
	if (!was_inline) {
		KASSERT(!left->name);
		left->name = (char *)old;
	}
	if (dentry->parent != directory) {
		leave_dentry(left, dentry->parent);
		dentry_get(directory);
		dentry->parent = directory;
	}
	return true;
}

void dentry_move(struct dentry *from, struct dentry *directory, const struct path_component *name, struct dentry *victim,
		 const struct dir_change *from_change, const struct dir_change *to_change)
{
	struct leftovers left = { 0 };
	struct dentry *there;
	bool moved;

	spin_lock(&vfs_tree_lock);
	there = dentry_find_locked(directory, name);
	if (there && there != from)
		unhash_locked(&left, there);
	if (victim && victim != from && victim->vnode)
		delete_locked(&left, victim);
	unhash_locked(&left, from);
	moved = !dentry_is_ancestor_locked(from, directory) && relocate_locked(&left, from, directory, name);
	if (moved && dir_change_alone(from_change) && dir_change_alone(to_change) && !from->deleted && !(from->fs->flags & FS_VOLATILE))
		dentry_hash_locked(from);
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}

void dentry_exchange(struct dentry *a, struct dentry *b, const struct dir_change *a_change, const struct dir_change *b_change)
{
	struct leftovers left = { 0 };
	struct dentry *parent;
	uint64_t hash;
	uint32_t len;

	spin_lock(&vfs_tree_lock);
	unhash_locked(&left, a);
	unhash_locked(&left, b);
	if (!dentry_is_ancestor_locked(a, b->parent) && !dentry_is_ancestor_locked(b, a->parent)) {
		bool a_inline = a->name == a->inline_name, b_inline = b->name == b->inline_name;
		const char *a_name = a->name, *b_name = b->name;

		for (unsigned i = 0; i < DENTRY_INLINE_NAME; i++) {
			char byte = a->inline_name[i];

			a->inline_name[i] = b->inline_name[i];
			b->inline_name[i] = byte;
		}
		a->name = b_inline ? a->inline_name : b_name;
		b->name = a_inline ? b->inline_name : a_name;
		hash = a->hash, a->hash = b->hash, b->hash = hash;
		len = a->name_len, a->name_len = b->name_len, b->name_len = len;
		parent = a->parent, a->parent = b->parent, b->parent = parent;
		if (dir_change_alone(a_change) && dir_change_alone(b_change) && !a->deleted && !b->deleted) {
			dentry_hash_locked(a);
			dentry_hash_locked(b);
		}
	}
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}
