/* SPDX-License-Identifier: MIT */
/* Dentries and their cache: making, finding, dropping, and giving memory back. Changes of names are in dentry_change.c. */
#include "vfs/dentry_cache.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/oom.h"
#include "security/random.h"
#include "vfs/dir_change.h"
#include "vfs/watch.h"
#include <linux/stat.h>

enum { BUCKET_BITS_MIN = 10, BUCKET_BITS_MAX = 16, FRAMES_PER_BUCKET = 64, DENTRIES_PER_BUCKET = 8, SHRINK_BATCH = 64,
       DENTRIES_PER_FRAME = 16 };

struct spinlock vfs_tree_lock = SPINLOCK_INIT(LOCK_VFS_TREE);
uint64_t vfs_paths_generation = 1, vfs_paths_last = 1;
struct dentry_hash dentry_hash;
static struct list all = LIST_INIT(all);	/* hashed dentries, in the order the shrinker visits them; tree lock */
static size_t hashed_count;			/* tree lock */
static size_t dentry_count;			/* atomic */
static size_t hashed_max;
static struct slab_cache *dentry_slab;

/* Unhashed, negative, one reference; holds @parent unless it is NULL (a root). */
static struct dentry *dentry_alloc(struct dentry *parent, struct fs *fs, const struct path_component *name)
{
	struct dentry *dentry = slab_alloc(dentry_slab);

	if (!dentry && memory_reclaim(1))
		dentry = slab_alloc(dentry_slab);
	if (!dentry)
		return NULL;
	dentry->hashed = dentry->deleted = false;
	dentry->state = 0;
	dentry->covers = NULL;
	dentry->seed = ((uint64_t)dentry >> 6) * PATH_HASH_FACTOR;
	dentry->vnode = NULL;
	if (!dentry_set_name(dentry, name)) {
		slab_free(dentry_slab, dentry);
		return NULL;
	}
	refcount_init(&dentry->refs, 1);
	dentry->fs = fs;
	dentry->parent = parent ? parent : dentry;
	if (parent)
		dentry_get(parent);
	list_init(&dentry->vnode_link);
	list_init(&dentry->all_link);
	list_init(&dentry->children);
	list_init(&dentry->child_link);
	atomic_add(&dentry_count, 1);
	return dentry;
}

bool dentry_set_name(struct dentry *dentry, const struct path_component *name)
{
	size_t room = ROUND_UP(name->len + 1, 8);
	char *to = dentry->inline_name;

	if (room > DENTRY_INLINE_NAME) {
		to = kmalloc(room);
		if (!to)
			return false;
	}
	memset(to + room - 8, 0, 8);
	memcpy(to, name->name, name->len);
	to[name->len] = '/';
	if (to != dentry->inline_name)
		memcpy(dentry->inline_name, to, 8);
	dentry->name = to;
	dentry->name_len = name->len;
	dentry->hash = name->hash;
	return true;
}

static void dentry_free_name(const char *name, const struct dentry *owner)
{
	if (name != owner->inline_name)
		kfree((char *)name);
}

/* One that nobody finds; a root if @parent is NULL. */
static struct dentry *create_alone(struct dentry *parent, struct vnode *vnode, const char *name)
{
	struct path_component component = { .name = name, .len = strlen(name) };
	struct dentry *dentry = dentry_alloc(parent, vnode->fs, &component);

	if (!dentry) {
		vnode_put(vnode);
		return NULL;
	}
	dentry->vnode = vnode;
	dentry->deleted = parent;
	spin_lock(&vfs_tree_lock);
	list_push_back(&vnode->dentries, &dentry->vnode_link);
	spin_unlock(&vfs_tree_lock);
	return dentry;
}

COLD struct dentry *dentry_create_root(struct vnode *vnode, const char *name)
{
	return create_alone(NULL, vnode, name);
}

COLD struct dentry *dentry_create_unnamed(struct dentry *directory, struct vnode *vnode, const char *name)
{
	return create_alone(directory, vnode, name);
}

void dentry_free(struct dentry *dentry)
{
	do {
		struct dentry *parent = dentry->parent;
		struct vnode *vnode = dentry->vnode;

		KASSERT(!dentry->hashed && !dentry->covers);
		if (vnode) {
			spin_lock(&vfs_tree_lock);
			list_remove(&dentry->vnode_link);
			spin_unlock(&vfs_tree_lock);
			inotify_if_gone(vnode, NULL);
			vnode_put(vnode);
		}
		dentry_free_name(dentry->name, dentry);
		slab_free(dentry_slab, dentry);
		atomic_sub(&dentry_count, 1);
		if (parent == dentry)
			return;
		dentry = parent;
	} while (refcount_put(&dentry->refs));
}

struct dentry *dentry_find_locked(struct dentry *directory, const struct path_component *name)
{
	return dentry_find_inline(directory, name);
}

void dentry_hash_locked(struct dentry *dentry)
{
	struct dentry **chain = dentry_chain(dentry_hash, dentry->parent, dentry->hash);

	KASSERT(!dentry->hashed && !dentry->deleted);
	dentry->hashed = true;
	dentry->state |= DENTRY_USED;
	dentry_get(dentry);
	dentry->hash_next = *chain;
	dentry->hash_place = chain;
	if (*chain)
		(*chain)->hash_place = &dentry->hash_next;
	*chain = dentry;
	list_push_back(&all, &dentry->all_link);
	list_push_back(&dentry->parent->children, &dentry->child_link);
	hashed_count++;
}

static void unhash(struct dentry *dentry)
{
	dentry->hashed = false;
	*dentry->hash_place = dentry->hash_next;
	if (dentry->hash_next)
		dentry->hash_next->hash_place = dentry->hash_place;
	list_remove(&dentry->all_link);
	list_remove(&dentry->child_link);
	hashed_count--;
}

bool dentry_unhash_locked(struct dentry *dentry)
{
	inotify_unhashed_locked(dentry);
	if (!dentry->hashed)
		return false;
	vfs_paths_changed();
	unhash(dentry);
	return true;
}

void dentry_unhash_secluded(struct dentry *dentry, struct dentry_seclusion *seclusion)
{
	seclusion->since = vfs_paths_number();
	/* What others change without the tree lock comes before this, or shows when it ends. */
	seclusion->before = atomic_exchange(&vfs_paths_generation, seclusion->since);
	unhash(dentry);
}

bool dentry_is_ancestor_locked(const struct dentry *ancestor, const struct dentry *dentry)
{
	for (;; dentry = dentry->parent) {
		if (dentry == ancestor)
			return true;
		if (dentry->parent == dentry)
			return false;
	}
}

/*
 * A directory has one dentry at a time (or entries cached below one would not see changes made through the other): if one is alive it is used, moved
 * to where the answer says it is if the answer is certain. A volatile file system has nothing cached below, and may show a directory in several
 * places. Returns a referenced dentry or NULL when there is none to use.
 */
static struct dentry *use_directory_alias_locked(struct dentry *directory, const struct path_component *name, struct vnode *vnode, bool certain,
						 struct dentry_old_place *old)
{
	bool one_place = !(directory->fs->flags & FS_VOLATILE);
	struct dentry *alias;

	list_for_each(alias, &vnode->dentries, vnode_link) {
		bool in_place = alias->parent == directory && alias->hash == name->hash && alias->name_len == name->len &&
				path_name_equal(alias->name, name);

		if (alias->parent == alias || (!one_place && (!in_place || alias->deleted)) || !refcount_get_unless_zero(&alias->refs))
			continue;
		if (certain && !alias->deleted && !in_place)
			dentry_relocate_locked(alias, directory, name, old);
		else if (certain && !alias->deleted && !alias->hashed)
			dentry_hash_locked(alias);
		return alias;
	}
	return NULL;
}

/*
 * Would a directory be below itself? Then the file system's answer is wrong, unless it is the tree that is behind: a place is certain only in the hash,
 * and only while nobody changes the directory. Tree lock held.
 */
static COLD bool is_circle_locked(const struct vnode *vnode, const struct dentry *directory)
{
	for (; directory->vnode != vnode; directory = directory->parent)
		if (!directory->hashed || dir_version_read(&directory->parent->vnode->dir_version) & DIR_CHANGES_MASK)
			return false;
	return true;
}

/* Caches an answer: @vnode (whose reference is taken over, also on failure) or NULL for "no such name". */
static int dentry_add_answer(struct dentry *directory, const struct path_component *name, struct vnode *vnode, uint64_t version, struct dentry **out)
{
	struct dentry *fresh = dentry_alloc(directory, directory->fs, name), *found, *result = NULL;
	struct dentry_old_place old = { 0 };
	bool certain, circle = false;

	if (!fresh) {
		if (vnode)
			vnode_put(vnode);
		return -ENOMEM;
	}
	spin_lock(&vfs_tree_lock);
	certain = !(directory->fs->flags & FS_VOLATILE) && !directory->deleted &&
		  dir_version_unchanged(&directory->vnode->dir_version, version);
	found = dentry_find_locked(directory, name);
	if (found && found->vnode == vnode) {
		dentry_get(found);
		result = found;
	} else if (vnode && vnode->type == S_IFDIR) {
		circle = certain && is_circle_locked(vnode, directory);
		if (!circle)
			result = use_directory_alias_locked(directory, name, vnode, certain && !found, &old);
	}
	if (!result && !circle) {
		result = fresh;
		fresh = NULL;
		if (vnode) {
			result->vnode = vnode;
			list_push_back(&vnode->dentries, &result->vnode_link);
			inotify_named_locked(result);
			vnode = NULL;
		}
		if (certain && !found)
			dentry_hash_locked(result);
	}
	inotify_perhaps_stray_locked(result);
	spin_unlock(&vfs_tree_lock);
	for (size_t i = 0; i < ARRAY_LEN(old.dentries); i++)
		if (old.dentries[i])
			dentry_put(old.dentries[i]);
	kfree(old.name);
	if (fresh)
		dentry_put(fresh);
	if (vnode)
		vnode_put(vnode);
	dentry_cache_trim();
	*out = result;
	return circle ? -EUCLEAN : 0;
}

COLD int dentry_instantiate_alone(struct dentry *directory, const struct path_component *name, struct vnode *vnode, struct dentry **dentry)
{
	struct dentry *old = *dentry;
	/* As an answer that came while the directory was changed. */
	int error = dentry_add_answer(directory, name, vnode, 1, dentry);

	if (!error)
		dentry_put(old);
	return error;
}

int dentry_lookup(struct dentry *directory, const struct path_component *name, struct dentry **out)
{
	struct fs *fs = directory->fs;
	struct vnode *parent = directory->vnode, *vnode;
	struct vnode_guard guard;
	struct fs_attr attr;
	uint64_t version;
	int error;

	if (!fs->ops->lookup)
		return -ENOENT;
	vnode_lookup_begin(&guard);
	do {
		version = dir_version_read(&parent->dir_version);
		vnode = NULL;
		error = fs->ops->lookup(fs, parent->node, name->name, name->len, &attr);
		if (!error)
			error = vnode_from_answer(fs, &attr, &guard, false, &vnode);
	} while (error == -ESTALE);
	if (error && error != -ENOENT)
		return error;
	return dentry_add_answer(directory, name, vnode, version, out);
}

COLD void dentry_drop_fs(struct fs *fs)
{
	struct dentry *dentry, *found;

	do {
		found = NULL;
		spin_lock(&vfs_tree_lock);
		list_for_each(dentry, &all, all_link) {
			if (dentry->fs == fs) {
				found = dentry;
				dentry_unhash_locked(dentry);
				break;
			}
		}
		spin_unlock(&vfs_tree_lock);
		if (found)
			dentry_put(found);
	} while (found);
}

/* Is it the only name in memory of a file that is mapped, or runs? /proc shows it as long. Tree lock held; the counts are hints. */
static bool is_name_of_used_locked(const struct dentry *dentry)
{
	const struct vnode *vnode = dentry->vnode;

	return vnode && vnode->dentries.next == vnode->dentries.prev && atomic_load_relaxed(&vnode->object.refs.count) > 1 + vnode->cached;
}

/* Second chance over the hashed dentries that nobody uses. Returns how many went. */
static COLD size_t dentry_shrink_count(size_t wanted)
{
	struct dentry *victims[SHRINK_BATCH], *dentry;
	size_t count = 0, visits = 0, limit = MIN(wanted, (size_t)SHRINK_BATCH);

	spin_lock(&vfs_tree_lock);
	while (count < limit && visits++ < 4 * SHRINK_BATCH && !list_empty(&all)) {
		dentry = list_first(&all, struct dentry, all_link);
		list_remove(&dentry->all_link);
		list_push_back(&all, &dentry->all_link);
		if (atomic_load_relaxed(&dentry->refs.count) != 1 || is_name_of_used_locked(dentry))
			continue;
		if (dentry->state & DENTRY_USED) {
			dentry->state &= ~DENTRY_USED;
			continue;
		}
		dentry_unhash_locked(dentry);
		victims[count++] = dentry;
	}
	spin_unlock(&vfs_tree_lock);
	for (size_t i = 0; i < count; i++)
		dentry_put(victims[i]);
	return count;
}

static size_t dentry_shrink(size_t frames)
{
	size_t freed = 0, tries = hashed_count / SHRINK_BATCH + 1;

	/* Each visit clears marks or frees; two rounds reach everything that can go. */
	for (tries = 2 * tries; tries && freed < frames * DENTRIES_PER_FRAME; tries--)
		freed += dentry_shrink_count(frames * DENTRIES_PER_FRAME - freed);
	return freed / DENTRIES_PER_FRAME;
}

void dentry_cache_shrink_all(void)
{
	dentry_shrink(SIZE_MAX / DENTRIES_PER_FRAME);
}

static struct shrinker dentry_shrinker = { .name = "dentries", .shrink = dentry_shrink };

void dentry_cache_trim(void)
{
	if (unlikely(hashed_count > hashed_max))
		dentry_shrink_count(SHRINK_BATCH);
}

size_t dentry_cache_total(void) { return atomic_load_relaxed(&dentry_count); }
size_t dentry_cache_hashed(void) { return atomic_load_relaxed(&hashed_count); }

COLD void dentry_init(void)
{
	size_t wanted = frame_total() / FRAMES_PER_BUCKET;
	unsigned bits = BUCKET_BITS_MIN;

	path_hash_begin(random_u64());
	while (bits < BUCKET_BITS_MAX && (1ul << bits) < wanted)
		bits++;
	dentry_slab = slab_cache_create("dentry", sizeof(struct dentry), 64);
	dentry_hash.chains = kmalloc_array(1ul << bits, sizeof(*dentry_hash.chains));
	if (!dentry_slab || !dentry_hash.chains)
		panic("vfs: no memory for the dentry cache");
	dentry_hash.mask = (1ul << bits) - 1;
	hashed_max = DENTRIES_PER_BUCKET << bits;
	shrinker_register(&dentry_shrinker);
}
