/* SPDX-License-Identifier: MIT */
/* Mounts as objects: made, put over a directory, found, taken away, freed with their last user. */
#include "vfs/mount_tree.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "security/capabilities.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_list.h"
#include "vfs/worker.h"
#include "vfs/watch.h"
#include <linux/mount.h>
#include <linux/stat.h>

_Static_assert(MS_RDONLY == 1 && EROFS == 30, "as mount_tree.h says");

struct mount *mount_root;
static struct list mounted = LIST_INIT(mounted);	/* file systems that have mounts; tree lock */
static size_t total;					/* atomic: mounts that exist */
static uint32_t last_id;				/* atomic */
static struct slab_cache *mount_slab;
enum { PLACE_BITS = 10 };
static struct mount *places[1 << PLACE_BITS];		/* mounts by parent and mount point; tree lock */

void mount_init(void)
{
	mount_slab = slab_cache_create("mount", sizeof(struct mount), 8);
	if (!mount_slab)
		panic("vfs: no memory for mounts");
}

int mount_check_room(size_t more)
{
	size_t max = capabilities_may_administer() ? MOUNTS_MAX : MOUNTS_MAX / 2;

	return atomic_load_relaxed(&total) + more <= max ? 0 : -ENOSPC;
}

/* A mount of nothing yet, with one reference. */
static struct mount *mount_alloc(void)
{
	struct mount *mount = slab_alloc(mount_slab);

	if (!mount)
		return NULL;
	memset(mount, 0, sizeof(*mount));
	refcount_init(&mount->refs, 1);
	list_init(&mount->children);
	list_init(&mount->sibling);
	list_init(&mount->link);
	list_init(&mount->fs_link);
	mount->id = atomic_add(&last_id, 1);
	atomic_add(&total, 1);
	return mount;
}

static void mount_dealloc(struct mount *mount)
{
	slab_free(mount_slab, mount);
	atomic_sub(&total, 1);
}

/* Says what @mount shows; takes the reference to @root, not that to the others. Tree lock held. */
static void mount_fill_locked(struct mount *mount, struct fs *fs, struct dentry *root, struct mount_source *source, unsigned flags)
{
	mount->fs = fs;
	dentry_get(root);
	mount->root = root;
	mount->source = source;
	mount->flags = flags;
	if (list_empty(&fs->mounts))
		list_push_back(&mounted, &fs->mounted_link);
	list_push_back(&fs->mounts, &mount->fs_link);
}

struct mount *mount_create(struct fs *fs, struct dentry *root, const char *text, unsigned flags)
{
	size_t len = strlen(text) + 1;
	struct mount_source *source = kmalloc(sizeof(*source) + len);
	struct mount *mount = source ? mount_alloc() : NULL;

	if (!mount) {
		kfree(source);
		return NULL;
	}
	refcount_init(&source->refs, 1);
	memcpy(source->text, text, len);
	spin_lock(&vfs_tree_lock);
	mount_fill_locked(mount, fs, root, source, flags);
	spin_unlock(&vfs_tree_lock);
	return mount;
}

int mount_create_fs(struct fs *fs, const char *name, const char *source, unsigned flags, struct mount **out)
{
	struct fs_attr attr = { .node = fs->root, .mode = S_IFDIR | 0755, .links = 2 };
	struct vnode *vnode = NULL;
	struct dentry *root = NULL;
	int error = fs->flags & FS_SERVED ? fs_worker_start(fs) : 0;

	if (!error && fs->ops->getattr)
		error = fs->ops->getattr(fs, fs->root, &attr);

	if (!error) {
		vnode = vnode_find_or_create(fs, &attr);
		root = vnode ? dentry_create_root(vnode, name) : NULL;
		*out = root ? mount_create(fs, root, source, flags) : NULL;
		error = *out ? 0 : -ENOMEM;
	}
	if (root)
		dentry_put(root);
	if (error) {
		struct fs_worker *worker = fs_worker_get(fs);

		vnode_forget_fs(fs, true);
		fs_put(fs);
		if (worker)
			(void)fs_worker_wait_and_put(worker);
	}
	return error;
}

int mount_pool_fill(struct mount_pool *pool, unsigned count)
{
	struct mount *mount;
	int error = count > pool->count ? mount_check_room(count - pool->count) : 0;

	while (!error && pool->count < count) {
		mount = mount_alloc();
		if (!mount)
			return -ENOMEM;
		mount->copy = pool->first;
		pool->first = mount;
		pool->count++;
	}
	return error;
}

void mount_pool_free(struct mount_pool *pool)
{
	struct mount *mount;

	while ((mount = pool->first)) {
		pool->first = mount->copy;
		mount_dealloc(mount);
	}
	pool->count = 0;
}

struct mount *mount_copy_one_locked(struct mount *from, struct dentry *root, struct mount_pool *pool)
{
	struct mount *mount = pool->first;

	pool->first = mount->copy;
	pool->count--;
	mount->copy = NULL;
	fs_get(from->fs);
	refcount_get(&from->source->refs);
	mount_fill_locked(mount, from->fs, root, from->source, atomic_load_relaxed(&from->flags) & ~MOUNT_EXPIRES);
	return mount;
}

struct mount *mount_copy_tree_locked(struct mount *top, struct dentry *root, struct mount_pool *pool)
{
	struct mount *from;

	top->copy = mount_copy_one_locked(top, root, pool);
	for (from = mount_tree_next_locked(top, top); from; from = mount_tree_next_locked(from, top)) {
		from->copy = NULL;
		if (!from->parent->copy || (from->parent == top && !dentry_is_ancestor_locked(root, from->mountpoint)))
			continue;
		from->copy = mount_copy_one_locked(from, from->root, pool);
		mount_put_over_locked(from->copy, from->parent->copy, from->mountpoint);
	}
	return top->copy;
}

struct mount *mount_tree_next_locked(struct mount *at, const struct mount *top)
{
	if (!list_empty(&at->children))
		return list_first(&at->children, struct mount, sibling);
	for (; at != top; at = at->parent)
		if (at->sibling.next != &at->parent->children)
			return list_entry(at->sibling.next, struct mount, sibling);
	return NULL;
}

unsigned mount_tree_size_locked(struct mount *top)
{
	struct mount *at;
	unsigned count = 0;

	for (at = top; at; at = mount_tree_next_locked(at, top))
		count++;
	return count;
}

/* Marks @dentry and all above it, or no more. */
static void mark_way_locked(struct dentry *dentry, bool on)
{
	for (;; dentry = dentry->parent) {
		dentry->state = on ? dentry->state | DENTRY_ON_WAY : dentry->state & ~DENTRY_ON_WAY;
		if (dentry->parent == dentry)
			break;
	}
}

struct mount *mount_showing_locked(struct dentry *dentry)
{
	const struct mount_namespace *here = mount_namespace_current();
	struct mount *mount, *found = NULL;

	/* Going up from @dentry for each of the mounts could take as long as there are many, times it is deep. */
	mark_way_locked(dentry, true);
	list_for_each(mount, &dentry->fs->mounts, fs_link) {
		if (!mount->namespace || !(mount->root->state & DENTRY_ON_WAY) || (found && mount->namespace != here))
			continue;
		found = mount;
		if (mount->namespace == here)
			break;
	}
	mark_way_locked(dentry, false);
	return found;
}

static struct mount **chain_of(const struct mount *parent, const struct dentry *dentry)
{
	return &places[(((uintptr_t)parent >> 3) + dentry->seed) * PATH_HASH_FACTOR >> (64 - PLACE_BITS)];
}

/* Puts @mount at *@place of a list of those that cover a dentry. Tree lock held. */
static void insert_cover(struct mount **place, struct mount *mount)
{
	mount->covers_place = place;
	mount->covers_next = *place;
	if (mount->covers_next)
		mount->covers_next->covers_place = &mount->covers_next;
	*place = mount;
}

static void remove_cover(struct mount *mount)
{
	*mount->covers_place = mount->covers_next;
	if (mount->covers_next)
		mount->covers_next->covers_place = mount->covers_place;
}

struct mount *mount_find_place_locked(const struct mount *mount, const struct dentry *dentry)
{
	struct mount *first = dentry->covers, *over = first->covers_next;

	if (likely(over && over->parent == mount))
		return over;
	for (over = *chain_of(mount, dentry); over; over = over->hash_next)
		if (over->parent == mount && over->mountpoint == dentry)
			break;
	/* The second place is for the one that was asked for last. */
	if (over) {
		remove_cover(over);
		insert_cover(&first->covers_next, over);
	}
	return over;
}

void mount_put_over_locked(struct mount *mount, struct mount *parent, struct dentry *dentry)
{
	struct mount **chain = chain_of(parent, dentry);

	mount_get(parent);
	dentry_get(dentry);
	mount->parent = parent;
	mount->mountpoint = dentry;
	/* Behind the first: what other namespaces mount in the same place makes no walk of the first one longer. */
	insert_cover(dentry->covers ? &dentry->covers->covers_next : &dentry->covers, mount);
	mount->hash_next = *chain;
	*chain = mount;
	dentry->state |= DENTRY_COVERED;
	list_push_back(&parent->children, &mount->sibling);
}

void mount_take_off_locked(struct mount *mount, struct path *left)
{
	struct mount **at = chain_of(mount->parent, mount->mountpoint);

	left->mount = mount->parent;
	left->dentry = mount->mountpoint;
	while (*at != mount)
		at = &(*at)->hash_next;
	*at = mount->hash_next;
	remove_cover(mount);
	if (!left->dentry->covers)
		left->dentry->state &= ~DENTRY_COVERED;
	mount->parent = NULL;
	mount->mountpoint = NULL;
	list_remove(&mount->sibling);
}

void mount_join_locked(struct mount *top, struct mount_namespace *namespace)
{
	struct mount *mount;

	for (mount = top; mount; mount = mount_tree_next_locked(mount, top)) {
		mount->namespace = namespace;
		list_push_back(&namespace->mounts, &mount->link);
		namespace->count++;
	}
	vfs_paths_changed();
}

void mount_leave_locked(struct mount *top, struct list *gone)
{
	struct mount *lowest;

	/* From the leaves up, so that no part of the subtree stays behind in the tree. */
	do {
		for (lowest = top; !list_empty(&lowest->children);)
			lowest = list_first(&lowest->children, struct mount, sibling);
		if (lowest->parent)
			mount_take_off_locked(lowest, &lowest->left);
		if (lowest->namespace) {
			lowest->namespace->count--;
			lowest->namespace = NULL;
			list_remove(&lowest->link);
		}
		list_push_back(gone, &lowest->link);
	} while (lowest != top);
	vfs_paths_changed();
}

void mount_put_gone(struct list *gone)
{
	struct mount *mount;
	struct path left;

	while (!list_empty(gone)) {
		mount = list_first(gone, struct mount, link);
		list_remove(&mount->link);
		left = mount->left;
		mount->left = (struct path){ NULL, NULL };
		path_put(&left);
		mount_put(mount);
	}
}

void mount_discard(struct mount *top)
{
	struct list gone = LIST_INIT(gone);

	spin_lock(&vfs_tree_lock);
	mount_leave_locked(top, &gone);
	spin_unlock(&vfs_tree_lock);
	mount_put_gone(&gone);
}

int mount_attach(struct mount *mount, const struct path *at, struct mount_namespace *where)
{
	struct path place = *at;
	int error = 0;

	spin_lock(&vfs_tree_lock);
	mount_cross_locked(&place);
	if (place.dentry->deleted)
		error = -ENOENT;
	else if (place.mount->namespace != where)
		error = -EINVAL;	/* another's, or taken out of the tree: nobody could take what is mounted there away again */
	else if ((place.dentry->vnode->type == S_IFDIR) != (mount->root->vnode->type == S_IFDIR))
		error = -ENOTDIR;
	else if (where->count + mount_tree_size_locked(mount) > MOUNTS_IN_NAMESPACE_MAX)
		error = -ENOSPC;
	if (!error) {
		mount_put_over_locked(mount, place.mount, place.dentry);
		mount_join_locked(mount, where);
	}
	spin_unlock(&vfs_tree_lock);
	return error;
}

void mount_cross(struct path *path)
{
	struct path old = *path;

	spin_lock(&vfs_tree_lock);
	mount_cross_locked(path);
	path_get(path);
	spin_unlock(&vfs_tree_lock);
	path_put(&old);
}

int mount_detach(struct mount *mount, unsigned users, bool lazy, bool expire)
{
	struct list gone = LIST_INIT(gone);
	int error = 0;

	spin_lock(&vfs_tree_lock);
	if (!mount->parent || mount->namespace != mount_namespace_current())
		error = -EINVAL;
	else if (!lazy && (!list_empty(&mount->children) || atomic_load(&mount->refs.count) > 1 + users))
		error = -EBUSY;
	else if (expire && !(mount->flags & MOUNT_EXPIRES)) {
		atomic_or(&mount->flags, MOUNT_EXPIRES);
		error = -EAGAIN;
	} else {
		mount_leave_locked(mount, &gone);
	}
	spin_unlock(&vfs_tree_lock);
	mount_put_gone(&gone);
	return error;
}

bool mount_is_point(const struct dentry *dentry)
{
	const struct mount_namespace *here = mount_namespace_current();
	const struct mount *mount;

	if (likely(!atomic_load_relaxed(&dentry->covers)))
		return false;
	spin_lock(&vfs_tree_lock);
	for (mount = dentry->covers; mount && mount->namespace != here; mount = mount->covers_next)
		;
	spin_unlock(&vfs_tree_lock);
	return mount;
}

void mount_detach_from(struct dentry *dentry)
{
	struct list gone = LIST_INIT(gone);

	if (likely(!atomic_load_relaxed(&dentry->covers)))
		return;
	spin_lock(&vfs_tree_lock);
	while (dentry->covers)
		mount_leave_locked(dentry->covers, &gone);
	spin_unlock(&vfs_tree_lock);
	mount_put_gone(&gone);
}

/* Nobody uses @mount. The last one of a file system takes what is cached of that along. */
void mount_free(struct mount *mount)
{
	struct fs *fs = mount->fs;
	bool last;

	KASSERT(!mount->parent && !mount->namespace && !mount->left.dentry && list_empty(&mount->children));
	spin_lock(&vfs_tree_lock);
	list_remove(&mount->fs_link);
	last = list_empty(&fs->mounts);
	if (last)
		list_remove(&fs->mounted_link);
	spin_unlock(&vfs_tree_lock);
	dentry_put(mount->root);
	if (last)
		inotify_tell_unmounted(fs);
	if (last && fs->worker) {
		fs_worker_unmounted(fs);
	} else if (last) {
		if (fs->ops->sync)
			fs->ops->sync(fs);
		dentry_drop_fs(fs);
		vnode_forget_fs(fs, true);
	}
	fs_put(fs);
	if (refcount_put(&mount->source->refs))
		kfree(mount->source);
	mount_dealloc(mount);
}

struct fs *fs_next_mounted(struct fs *previous)
{
	struct list *next;
	struct fs *fs = NULL;

	spin_lock(&vfs_tree_lock);
	next = previous ? previous->mounted_link.next : mounted.next;
	if (next != &mounted && (!previous || next != &previous->mounted_link)) {
		fs = list_entry(next, struct fs, mounted_link);
		fs_get(fs);
	}
	spin_unlock(&vfs_tree_lock);
	if (previous)
		fs_put(previous);
	return fs;
}

size_t mount_count(void) { return atomic_load_relaxed(&total); }
