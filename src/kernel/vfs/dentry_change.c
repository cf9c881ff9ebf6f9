/* SPDX-License-Identifier: MIT */
/*
 * How the tree in memory follows changes that the file system has made: create, remove, rename. Called while the change is still open
 * (dir_change.h), without a lock. What is not certain, because somebody else changed the directory too, is dropped from the cache.
 */
#include "vfs/dentry_cache.h"
#include "mm/heap.h"
#include "vfs/dir_change.h"
#include "vfs/vnode_cache.h"
#include "vfs/watch.h"
#include <linux/stat.h>

/* References and names given up under the tree lock, released after it. */
struct leftovers {
	unsigned dentry_count;
	struct vnode *vnode;
	char *name;
	struct dentry *dentries[6];	/* not cleared: the first dentry_count count */
};

static inline void leftovers_init(struct leftovers *left)
{
	left->dentry_count = 0;
	left->vnode = NULL;
	left->name = NULL;
}

static void leave_dentry(struct leftovers *left, struct dentry *dentry)
{
	left->dentries[left->dentry_count++] = dentry;
}

static void unhash_locked(struct leftovers *left, struct dentry *dentry)
{
	if (dentry_unhash_locked(dentry))
		leave_dentry(left, dentry);
}

static inline void release_leftovers(struct leftovers *left)
{
	if (likely(!left->dentry_count && !left->vnode && !left->name))
		return;
	for (unsigned i = 0; i < left->dentry_count; i++)
		dentry_put(left->dentries[i]);
	if (left->vnode)
		vnode_put(left->vnode);
	kfree(left->name);
}

/* Is @dentry what the hash says of (directory, name)? Then it is true: entries in the hash always are. Tree lock held. */
static inline bool is_entry_locked(const struct dentry *dentry, const struct dentry *directory, const struct path_component *name)
{
	return dentry->hashed && dentry->parent == directory && dentry->name_len == name->len && dentry->hash == name->hash &&
	       path_name_equal(dentry->name, name);
}

bool dentry_is_current(const struct dentry *dentry, const struct dentry *directory, const struct path_component *name)
{
	bool current;

	if (dentry->fs->flags & FS_VOLATILE)
		return true;
	spin_lock(&vfs_tree_lock);
	current = directory->deleted || is_entry_locked(dentry, directory, name);
	spin_unlock(&vfs_tree_lock);
	return current;
}

static bool has_live_dentry_locked(const struct vnode *vnode)
{
	const struct dentry *dentry;

	list_for_each(dentry, &vnode->dentries, vnode_link)
		if (atomic_load(&dentry->refs.count))
			return true;
	return false;
}

bool dentry_instantiate(struct dentry *dentry, struct vnode *vnode, const struct dir_change *change)
{
	struct path_component name;
	struct leftovers left;
	struct dentry *other;
	bool ours;

	leftovers_init(&left);
	spin_lock(&vfs_tree_lock);
	name = (struct path_component){ dentry->name, dentry->name_len, dentry->hash };
	other = likely(dentry->hashed) ? dentry : dentry_find_locked(dentry->parent, &name);
	ours = !dentry->vnode && !dentry->deleted && !(vnode->type == S_IFDIR && has_live_dentry_locked(vnode));
	if (ours) {
		dentry->vnode = vnode;
		list_push_back(&vnode->dentries, &dentry->vnode_link);
		inotify_named_locked(dentry);
	}
	if (other && other != dentry)
		unhash_locked(&left, other);
	if (!ours || !dir_change_alone(change))
		unhash_locked(&left, dentry);
	else if (!dentry->hashed && !dentry->parent->deleted && !(dentry->fs->flags & FS_VOLATILE))
		dentry_hash_locked(dentry);
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
	return ours;
}

/* Marks @dentry's name as removed and takes it out of the hash. Tree lock held. */
static void delete_locked(struct leftovers *left, struct dentry *dentry)
{
	unhash_locked(left, dentry);
	dentry->deleted = true;
}

/* Marks the entries of @vnode that have this name as removed, as many as leftovers have room for. Tree lock held. Returns whether all were. */
static bool delete_entries_locked(struct leftovers *left, struct vnode *vnode, const struct dentry *directory, const struct path_component *name)
{
	struct dentry *dentry;

	list_for_each(dentry, &vnode->dentries, vnode_link) {
		if (dentry->deleted || dentry->parent != directory || dentry->name_len != name->len || dentry->hash != name->hash ||
		    !path_name_equal(dentry->name, name))
			continue;
		if (left->dentry_count == ARRAY_LEN(left->dentries))
			return false;
		delete_locked(left, dentry);
	}
	return true;
}

void dentry_remove_name(struct dentry *directory, const struct path_component *name, struct dentry *dentry, struct vnode *removed,
			const struct dir_change *change)
{
	struct leftovers left;
	struct dentry *other;
	bool done;

	do {
		leftovers_init(&left);
		done = true;
		spin_lock(&vfs_tree_lock);
		other = is_entry_locked(dentry, directory, name) ? dentry : dentry_find_locked(directory, name);
		if (other == dentry && dentry->vnode == removed && dir_change_alone(change) && atomic_load(&dentry->refs.count) == 2) {
			/* Only the caller and the hash: the entry itself can say from now on that there is no such name. */
			left.vnode = dentry->vnode;
			dentry->vnode = NULL;
			if (removed->type == S_IFDIR)
				vfs_paths_changed();	/* no path leads through it any more */
			list_remove(&dentry->vnode_link);
		} else {
			if (other)
				unhash_locked(&left, other);
			if (removed)
				done = delete_entries_locked(&left, removed, directory, name);
		}
		spin_unlock(&vfs_tree_lock);
		release_leftovers(&left);
	} while (!done);
}

/* Takes what the hash has for a name out of it. Tree lock held. */
static void unhash_name_locked(struct leftovers *left, struct dentry *directory, const struct path_component *name)
{
	struct dentry *there = dentry_find_locked(directory, name);

	if (there)
		unhash_locked(left, there);
}

bool dentry_seclude(struct dentry *dentry, struct dentry_seclusion *seclusion)
{
	bool alone;

	spin_lock(&vfs_tree_lock);
	alone = dentry->hashed && atomic_load(&dentry->refs.count) == 2 && !dentry->covers && dentry->vnode && vnode_seclude_locked(dentry->vnode);
	if (alone)
		dentry_unhash_secluded(dentry, seclusion);
	spin_unlock(&vfs_tree_lock);
	if (alone)
		dentry_put(dentry);
	return alone;
}

struct vnode *dentry_lose_vnode(struct dentry *dentry, const struct dir_change *change, const struct dentry_seclusion *seclusion)
{
	struct vnode *vnode = dentry->vnode;
	uint64_t since = seclusion->since;
	struct path_component name;
	struct leftovers left;

	leftovers_init(&left);
	spin_lock(&vfs_tree_lock);
	name = (struct path_component){ dentry->name, dentry->name_len, dentry->hash };
	dentry->vnode = NULL;
	list_remove(&dentry->vnode_link);
	unhash_name_locked(&left, dentry->parent, &name);
	if (likely(dir_change_alone(change) && !dentry->parent->deleted)) {
		dentry_hash_locked(dentry);
		atomic_compare_exchange(&vfs_paths_generation, &since, seclusion->before);
	}
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
	return vnode;
}

COLD void dentry_drop_children(struct dentry *dentry)
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

COLD void dentry_drop_name(struct dentry *directory, const struct path_component *name)
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
		inotify_named_locked(dentry);
	}
	return true;
}

COLD void dentry_move(const struct dentry_place *from, const struct dentry_place *to)
{
	struct leftovers left = { 0 };
	struct dentry *moved = from->dentry, *victim = to->dentry;
	bool certain;

	spin_lock(&vfs_tree_lock);
	certain = dir_change_alone(from->change) && dir_change_alone(to->change) && is_entry_locked(moved, from->directory, from->name) &&
		  is_entry_locked(victim, to->directory, to->name) && !dentry_is_ancestor_locked(moved, to->directory);
	unhash_name_locked(&left, from->directory, from->name);
	unhash_name_locked(&left, to->directory, to->name);
	if (certain) {
		if (victim->vnode)
			delete_locked(&left, victim);
		if (relocate_locked(&left, moved, to->directory, to->name))
			dentry_hash_locked(moved);
	}
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}

/* Swaps names and parents. Tree lock held, both unhashed. */
static void swap_places_locked(struct dentry *a, struct dentry *b)
{
	bool a_inline = a->name == a->inline_name, b_inline = b->name == b->inline_name;
	const char *a_name = a->name, *b_name = b->name;
	struct dentry *parent;
	uint64_t hash;
	uint32_t len;

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
	inotify_named_locked(a);
	inotify_named_locked(b);
}

COLD void dentry_exchange(const struct dentry_place *a, const struct dentry_place *b)
{
	struct leftovers left = { 0 };
	bool certain;

	spin_lock(&vfs_tree_lock);
	certain = dir_change_alone(a->change) && dir_change_alone(b->change) && is_entry_locked(a->dentry, a->directory, a->name) &&
		  is_entry_locked(b->dentry, b->directory, b->name) && !dentry_is_ancestor_locked(a->dentry, b->directory) &&
		  !dentry_is_ancestor_locked(b->dentry, a->directory);
	unhash_name_locked(&left, a->directory, a->name);
	unhash_name_locked(&left, b->directory, b->name);
	if (certain) {
		swap_places_locked(a->dentry, b->dentry);
		dentry_hash_locked(a->dentry);
		dentry_hash_locked(b->dentry);
	}
	spin_unlock(&vfs_tree_lock);
	release_leftovers(&left);
}

/* The directory @dentry is certainly the entry @name of @directory: puts it there. Tree lock held; the rest is in *old for after it. */
COLD bool dentry_relocate_locked(struct dentry *dentry, struct dentry *directory, const struct path_component *name, struct dentry_old_place *old)
{
	struct leftovers left = { 0 };

	if (dentry_is_ancestor_locked(dentry, directory))
		return false;
	unhash_locked(&left, dentry);
	if (!relocate_locked(&left, dentry, directory, name)) {
		if (left.dentry_count)
			dentry_hash_locked(dentry);
	} else {
		dentry_hash_locked(dentry);
	}
	for (unsigned i = 0; i < left.dentry_count; i++)
		old->dentries[i] = left.dentries[i];
	old->name = left.name;
	return is_entry_locked(dentry, directory, name);
}
