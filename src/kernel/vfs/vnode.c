/* SPDX-License-Identifier: MIT */
/*
 * The vnode cache: one vnode a (file system, id, generation), found by a hash, kept after use, given back under memory pressure.
 *
 * Lock: vnode_cache_lock (spinlock, innermost but for attr_lock) guards hash, LRU list and the `cached` and `hashed` marks.
 *
 * A dying vnode stays in the hash until the file system has heard of its end (release), so a node never has two vnodes and a release never overtakes
 * a new use: who finds a dying one waits. A lookup's answer may be older than the removal and release of the node it names, or than a size that the file
 * system was told before the vnode left the cache; the guard notices: it counts the ends of vnodes whose node was removed or changed, first all, on
 * the second try those of one bucket only, so that a busy neighbour cannot starve it.
 */
#include "vfs/vnode_cache.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/oom.h"
#include "sched/clock.h"
#include "vfs/fs_registry.h"
#include "vfs/lock.h"
#include "vfs/mapped/mapped.h"
#include "vfs/worker.h"
#include "vfs/path_string.h"
#include "vfs/permission.h"
#include <linux/stat.h>

enum { BUCKET_BITS = 10, BUCKETS = 1 << BUCKET_BITS, SHRINK_BATCH = 64, SECLUDED_MAX = 48 << 10 };

struct vnode_bucket {
	struct list nodes;
	uint64_t removals;	/* atomic: vnodes of nodes removed or changed that ended here; as all_removals */
};

static struct spinlock vnode_cache_lock = SPINLOCK_INIT(LOCK_VNODE_CACHE);
static struct vnode_bucket *buckets;
static struct list lru = LIST_INIT(lru);
static uint64_t all_removals;		/* atomic; grows before the release, which ends with a change under vnode_cache_lock */
static size_t vnode_count, cached_count;	/* vnode_cache_lock */
struct wait_queue vnode_gone = WAIT_QUEUE_INIT(vnode_gone);
static struct slab_cache *vnode_slab;

static int vnode_fill(struct vm_object *object, uint64_t index, void *page)
{
	struct vnode *vnode = container_of(object, struct vnode, object);
	uint64_t start = index << PAGE_SHIFT, limit = atomic_load(&vnode->fill_limit);
	int error;

	if (start >= limit || !vnode->fs->ops->fill_page)
		return 0;
	error = vnode->fs->ops->fill_page(vnode->fs, vnode->node, index, page);
	if (!error && limit - start < PAGE_SIZE)
		memset((char *)page + (limit - start), 0, PAGE_SIZE - (limit - start));
	return error;
}

/* A page became the only copy of changed data, or such a page went. Spinlocks may be held. */
static int vnode_charge(struct vm_object *object, int pages)
{
	struct vnode *vnode = container_of(object, struct vnode, object);
	int error = vnode->fs->ops->charge ? vnode->fs->ops->charge(vnode->fs, pages) : 0;

	if (!error)
		atomic_add(&vnode->changed_pages, pages);
	return error;
}

static void vnode_describe(struct vm_object *object, char *buf, size_t size)
{
	struct vnode *vnode = container_of(object, struct vnode, object);

	if (vnode->fs->ops->describe)
		vnode->fs->ops->describe(vnode->fs, vnode->node, buf, size);
	else
		vnode_to_string(vnode, buf, size);
}

static void vnode_identify(struct vm_object *object, uint64_t *dev, uint64_t *inode)
{
	struct vnode *vnode = container_of(object, struct vnode, object);

	*dev = vnode->fs->dev;
	*inode = vnode->node.id;
}

static struct vnode_bucket *vnode_bucket(const struct fs *fs, struct fs_node_id node)
{
	uint64_t key = (uint64_t)fs >> 6 ^ node.id ^ node.generation << 32;

	return &buckets[key * 0x9e3779b97f4a7c15ull >> (64 - BUCKET_BITS)];
}

/* FS_SERVED: does the file system want to hear of the end? */
static bool vnode_release_is_told(const struct vnode *vnode)
{
	return (!vnode->attr.links || vnode->links_unsure) && !(vnode->fs->flags & FS_READ_ONLY);
}

/* Tells the file system and takes the dying vnode out of the hash. */
static void vnode_unhash(struct vnode *vnode)
{
	struct vnode_bucket *bucket = vnode_bucket(vnode->fs, vnode->node);
	bool unsure = vnode->links_unsure;

	if (!vnode->attr.links || vnode->attr_changes) {
		atomic_add(&bucket->removals, 1);
		atomic_add(&all_removals, 1);
	}
	if (vnode->fs->ops->release && (!vnode->fs->worker || vnode_release_is_told(vnode)))
		vnode->fs->ops->release(vnode->fs, vnode->node);
	spin_lock(&vnode_cache_lock);
	if (unlikely(vnode->links_unsure != unsure) && vnode->fs->ops->release) {
		/* The last name may have gone since the file system has looked (vnode_find_removed). */
		spin_unlock(&vnode_cache_lock);
		vnode->fs->ops->release(vnode->fs, vnode->node);
		spin_lock(&vnode_cache_lock);
	}
	list_remove(&vnode->hash_link);
	vnode_count--;
	spin_unlock(&vnode_cache_lock);
	wake_all(&vnode_gone);
}

COLD void vnode_lost_attributes(struct vnode *vnode, int error)
{
	log_warning("vfs: a %s file system did not take attributes of inode %llu (error %d)", vnode->fs->type, (unsigned long long)vnode->node.id, -error);
	if (vnode->map)
		mapped_failed(vnode, error);
}

void vnode_end(struct vnode *vnode)
{
	struct fs *fs = vnode->fs;
	int error = 0;

	if (vnode->hashed) {
		if (vnode->dirty && vnode->attr.links)
			error = vnode_flush_attributes(vnode);
		if (error)
			vnode_lost_attributes(vnode, error);
		vnode_unhash(vnode);
	} else if (fs->ops->release && !fs->worker) {
		fs->ops->release(fs, vnode->node);
	}
	if (vnode->map)
		fs->data->free(vnode);
	kfree(vnode->link_target);
	file_locks_free(vnode);
	fs_put(fs);
	slab_free(vnode_slab, vnode);
}

/* The last reference is gone: the pages are freed, no new reference can come (count 0). */
static void vnode_release(struct vm_object *object)
{
	struct vnode *vnode = container_of(object, struct vnode, object);

	KASSERT(list_empty(&vnode->dentries) && !vnode->cached);
	/* Who lets go of a file waits for no server. */
	if (vnode->fs->worker && vnode->hashed && (vnode->dirty || vnode_release_is_told(vnode)))
		fs_worker_take(vnode);
	else
		vnode_end(vnode);
}

static void vnode_stored(struct vm_object *object)
{
	vnode_touch_written(container_of(object, struct vnode, object), 0);
}

static bool vnode_discloses(struct vm_object *object)
{
	struct vnode *vnode = container_of(object, struct vnode, object);

	return vnode_owned_by_caller(vnode) || !vnode_check_access(vnode, PERMIT_WRITE);
}

static const struct vm_object_ops vnode_object_ops = {
	.fill = vnode_fill,
	.stored = vnode_stored,
	.punch = vnode_punch,
	.release = vnode_release,
	.charge = vnode_charge,
	.discloses = vnode_discloses,
	.describe = vnode_describe,
	.identify = vnode_identify,
};

/* Of regular files whose data are blocks of a disk. */
static const struct vm_object_ops mapped_object_ops = {
	.fill_pages = mapped_fill_pages,
	.window = mapped_window,
	.prepare_write = mapped_prepare_write,
	.dirtied = mapped_dirtied,
	.stored = vnode_stored,
	.sync = mapped_sync_pages,
	.charge = mapped_charge,
	.release = vnode_release,
	.discloses = vnode_discloses,
	.describe = vnode_describe,
	.identify = vnode_identify,
};

static struct vnode *vnode_alloc(struct fs *fs, const struct fs_attr *attr)
{
	struct vnode *vnode = slab_alloc(vnode_slab);

	if (!vnode && memory_reclaim(1))
		vnode = slab_alloc(vnode_slab);
	if (!vnode)
		return NULL;
	vnode->cached = vnode->hashed = vnode->used = vnode->attr_stale = vnode->status_holds = vnode->links_unsure = false;
	vnode->dirty = vnode->telling = vnode->attr_changes = vnode->refusals = 0;
	vnode->changed_pages = vnode->dir_version = vnode->promised_blocks = 0;
	vnode->writers = vnode->executing = 0;
	vnode->pipe = NULL;
	vnode->map = NULL;
	vnode->link_target = NULL;
	vnode->locks = NULL;
	spinlock_init(&vnode->attr_lock, LOCK_VNODE_ATTR);
	if ((attr->mode & S_IFMT) == S_IFREG)
		vm_object_init(&vnode->object, fs->data ? &mapped_object_ops : &vnode_object_ops, attr->size);
	else
		vm_object_init(&vnode->object, &vnode_object_ops, 0);
	fs_get(fs);
	vnode->fs = fs;
	vnode->node = attr->node;
	vnode->type = attr->mode & S_IFMT;
	list_init(&vnode->hash_link);
	list_init(&vnode->lru_link);
	vnode->write_lock = (struct mutex)MUTEX_INIT(vnode->write_lock, LOCK_VNODE_WRITE);
	vnode->attr = *attr;
	vnode->walk_class = walk_class_of(attr->mode);
	vnode->fill_limit = attr->size;
	list_init(&vnode->dentries);
	return vnode;
}

struct vnode *vnode_create_private(struct fs *fs, const struct fs_attr *attr)
{
	return vnode_alloc(fs, attr);
}

/* Undoes vnode_alloc for a vnode that was never visible: the file system has not been told of it either. */
static void vnode_discard(struct vnode *vnode)
{
	vm_object_discard(&vnode->object);
	fs_put(vnode->fs);
	slab_free(vnode_slab, vnode);
}

static struct vnode *find_locked(struct vnode_bucket *bucket, const struct fs *fs, struct fs_node_id node)
{
	struct vnode *vnode;

	list_for_each(vnode, &bucket->nodes, hash_link)
		if (vnode->node.id == node.id && vnode->fs == fs && vnode->node.generation == node.generation)
			return vnode;
	return NULL;
}

/* The cache holds it from now on, if it may. vnode_cache_lock held. */
static inline __attribute__((always_inline)) void cache_locked(struct vnode *vnode)
{
	if (vnode->cached || vnode->fs->flags & FS_VOLATILE || !vnode->attr.links)
		return;
	vnode->cached = true;
	vm_object_get(&vnode->object);
	list_push_back(&lru, &vnode->lru_link);
	cached_count++;
}

static void insert_locked(struct vnode_bucket *bucket, struct vnode *vnode)
{
	vnode->hashed = true;
	list_push_front(&bucket->nodes, &vnode->hash_link);
	vnode_count++;
	cache_locked(vnode);
}

/* Sleeps until the dying vnode of this node has left the hash. 0, or -EINTR when the caller is killed. */
static int wait_until_gone(struct vnode_bucket *bucket, const struct fs *fs, struct fs_node_id node)
{
	struct waiter waiter;
	struct vnode *vnode;
	bool dying;
	int error = 0;

	wait_begin(&vnode_gone, &waiter);
	for (;;) {
		spin_lock(&vnode_cache_lock);
		vnode = find_locked(bucket, fs, node);
		dying = vnode && !atomic_load_relaxed(&vnode->object.refs.count);
		spin_unlock(&vnode_cache_lock);
		if (!dying || error)
			break;
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	}
	wait_end(&waiter);
	return dying ? -EINTR : 0;
}

void vnode_lookup_begin(struct vnode_guard *guard)
{
	guard->narrow = false;
	guard->removals = atomic_load(&all_removals);
}

/* Has no node been released that the answer could name? If one may have been, arms the guard for the next try. vnode_cache_lock held. */
static bool guard_holds(struct vnode_guard *guard, const struct vnode_bucket *bucket)
{
	uint64_t index = bucket - buckets;

	if (!guard->narrow ? guard->removals == atomic_load(&all_removals) :
			     guard->bucket == index && guard->removals == atomic_load(&bucket->removals))
		return true;
	guard->narrow = true;
	guard->bucket = index;
	guard->removals = atomic_load(&bucket->removals);
	return false;
}

static void refresh_from_answer(struct vnode *vnode, const struct fs_attr *attr)
{
	vnode->used = true;
	/* Elsewhere the answer may be older than what is known; what is stale will be asked for. */
	if (!(vnode->fs->flags & FS_VOLATILE))
		return;
	spin_lock(&vnode->attr_lock);
	vnode_merge_attr_locked(vnode, attr);
	spin_unlock(&vnode->attr_lock);
}

int vnode_from_answer(struct fs *fs, const struct fs_attr *attr, struct vnode_guard *guard, bool is_new, struct vnode **out)
{
	struct vnode_bucket *bucket = vnode_bucket(fs, attr->node);
	struct vnode *vnode, *fresh = NULL;
	bool alive, holds;
	int error = -ESTALE;

	if (is_new) {
		fresh = vnode_alloc(fs, attr);
		if (!fresh)
			return -ENOMEM;
	}
	for (;;) {
		spin_lock(&vnode_cache_lock);
		vnode = find_locked(bucket, fs, attr->node);
		alive = vnode && refcount_get_unless_zero(&vnode->object.refs);
		/* The shrinker may have chosen it just now: without the cache's reference it would end with its last user, and its changed pages with it. */
		if (alive)
			cache_locked(vnode);
		holds = alive || !guard || guard_holds(guard, bucket);
		if (!vnode && holds && fresh) {
			insert_locked(bucket, fresh);
			spin_unlock(&vnode_cache_lock);
			*out = fresh;
			return 0;
		}
		spin_unlock(&vnode_cache_lock);
		if (alive || !holds)
			break;
		if (vnode) {
			error = wait_until_gone(bucket, fs, attr->node);
			if (error)
				break;
			error = -ESTALE;
			continue;
		}
		if (!fresh)
			fresh = vnode_alloc(fs, attr);
		if (!fresh)
			return -ENOMEM;
	}
	if (fresh)
		vnode_discard(fresh);
	if (!alive)
		return error;
	if (unlikely((attr->mode & S_IFMT) != vnode->type && fs->flags & FS_SERVED)) {
		vnode_put(vnode);
		return -EUCLEAN;
	}
	refresh_from_answer(vnode, attr);
	*out = vnode;
	return 0;
}

struct vnode *vnode_find(struct fs *fs, struct fs_node_id node)
{
	struct vnode *vnode;

	spin_lock(&vnode_cache_lock);
	vnode = find_locked(vnode_bucket(fs, node), fs, node);
	if (vnode && !refcount_get_unless_zero(&vnode->object.refs))
		vnode = NULL;
	spin_unlock(&vnode_cache_lock);
	return vnode;
}

struct vnode *vnode_find_or_create(struct fs *fs, const struct fs_attr *attr)
{
	struct vnode *vnode = NULL;

	vnode_from_answer(fs, attr, NULL, false, &vnode);
	return vnode;
}

/* Takes the cache's reference away; the caller puts it after unlocking. vnode_cache_lock held. */
static void uncache_locked(struct vnode *vnode)
{
	vnode->cached = false;
	list_remove(&vnode->lru_link);
	cached_count--;
}

void vnode_forget(struct vnode *vnode)
{
	bool cached;

	spin_lock(&vnode_cache_lock);
	cached = vnode->cached;
	if (cached)
		uncache_locked(vnode);
	spin_unlock(&vnode_cache_lock);
	if (cached)
		vnode_put(vnode);
}

COLD struct vnode *vnode_find_removed(struct fs *fs, struct fs_node_id node, bool last)
{
	struct vnode_bucket *bucket = vnode_bucket(fs, node);
	struct vnode *vnode;

	spin_lock(&vnode_cache_lock);
	vnode = find_locked(bucket, fs, node);
	if (!vnode && last) {
		/* A lookup whose answer is older asks again, and makes no vnode of it. */
		atomic_add(&bucket->removals, 1);
		atomic_add(&all_removals, 1);
	}
	last = last && !vnode;
	if (vnode && !refcount_get_unless_zero(&vnode->object.refs)) {
		vnode->links_unsure = true;	/* it ends just now */
		vnode = NULL;
	}
	spin_unlock(&vnode_cache_lock);
	if (last && fs->ops->release)
		fs->ops->release(fs, node);
	return vnode;
}

bool vnode_seclude_locked(struct vnode *vnode)
{
	uint32_t users = 2;
	bool alone;

	spin_lock(&vnode_cache_lock);
	alone = vnode->cached && !vnode->links_unsure && atomic_load_relaxed(&vnode->object.size) <= SECLUDED_MAX &&
		atomic_compare_exchange(&vnode->object.refs.count, &users, 0);
	if (alone)
		uncache_locked(vnode);
	spin_unlock(&vnode_cache_lock);
	return alone;
}

void vnode_seclude_end(struct vnode *vnode, bool ended)
{
	struct vnode_bucket *bucket = vnode_bucket(vnode->fs, vnode->node);

	spin_lock(&vnode_cache_lock);
	atomic_store(&vnode->object.refs.count, 1);
	if (ended) {
		atomic_add(&bucket->removals, 1);
		atomic_add(&all_removals, 1);
		list_remove(&vnode->hash_link);
		vnode->hashed = false;
		vnode_count--;
	} else {
		cache_locked(vnode);
	}
	spin_unlock(&vnode_cache_lock);
	/* Write-back has passed over it. */
	if (!ended && vm_object_has_dirty(&vnode->object))
		mapped_dirtied(&vnode->object);
	wake_all(&vnode_gone);
}

void vnode_is_stale(struct vnode *vnode)
{
	spin_lock(&vnode->attr_lock);
	vnode->attr_stale = true;
	vnode->status_holds = false;
	vnode->attr_changes++;
	spin_unlock(&vnode->attr_lock);
}

void vnode_links_are_unsure(struct vnode *vnode)
{
	spin_lock(&vnode->attr_lock);
	vnode->links_unsure = true;
	spin_unlock(&vnode->attr_lock);
	vnode_is_stale(vnode);
}

void vnode_recheck_links(struct vnode *vnode)
{
	struct fs_attr attr;
	uint32_t changes;
	int error;

	if (!vnode->fs->ops->getattr)
		return;
	do {
		attr.links = 0;
		changes = atomic_load(&vnode->attr_changes);
		error = vnode->fs->ops->getattr(vnode->fs, vnode->node, &attr);
		if (error && error != -ENOENT) {
			vnode_links_are_unsure(vnode);
			return;
		}
	} while (!vnode_renew_links(vnode, attr.links, changes));
	if (!attr.links)
		vnode_forget(vnode);
}

COLD bool vnode_forget_fs(struct fs *fs, bool dirty)
{
	struct vnode *vnode, *found;
	bool some;

	do {
		found = NULL;
		some = false;
		spin_lock(&vnode_cache_lock);
		list_for_each(vnode, &lru, lru_link) {
			if (vnode->fs != fs)
				continue;
			/* The list is only looked at as such. */
			if (fs->worker && (!list_empty(&vnode->object.mappings) || (!dirty && vm_object_has_dirty(&vnode->object)))) {
				some = true;
				continue;
			}
			found = vnode;
			uncache_locked(vnode);
			break;
		}
		spin_unlock(&vnode_cache_lock);
		if (found)
			vnode_put(found);
	} while (found);
	return some;
}

size_t vnode_search(const struct fs *fs, bool (*wanted)(const struct vnode *vnode), struct vnode **out, size_t max)
{
	struct vnode *vnode;
	size_t count = 0;

	spin_lock(&vnode_cache_lock);
	for (unsigned i = 0; i < BUCKETS; i++) {
		list_for_each(vnode, &buckets[i].nodes, hash_link) {
			if (vnode->fs != fs || !wanted(vnode))
				continue;
			if (count < max)
				out[count] = refcount_get_unless_zero(&vnode->object.refs) ? vnode : NULL;
			count++;
		}
	}
	spin_unlock(&vnode_cache_lock);
	return count;
}

/* Tells @fs (NULL: all) about changed attributes; without @wait not those of files that are being written. The first error; goes on but when killed. */
/*
 * Has @vnode attributes of which the file system knows nothing, or, if @told_count, those that others are just telling it? They become told before they are not
 * dirty any more, and, if refused, dirty again before they are not told any more, so that one of three looks sees them.
 */
static bool is_untold(const struct vnode *vnode, bool told_count)
{
	return atomic_load(&vnode->dirty) || (told_count && (atomic_load(&vnode->telling) || atomic_load(&vnode->dirty)));
}

static COLD int flush_each(struct fs *fs, bool wait)
{
	struct vnode *vnode, *batch[SHRINK_BATCH];
	size_t count, rounds, limit;
	int error, first = 0;

	/* The list turns while it is walked, so one turn over what was there at the start reaches every vnode. */
	limit = atomic_load_relaxed(&cached_count);
	for (rounds = 0; rounds < limit && first != -EINTR; rounds += SHRINK_BATCH) {
		count = 0;
		spin_lock(&vnode_cache_lock);
		for (size_t i = 0; i < SHRINK_BATCH && !list_empty(&lru); i++) {
			vnode = list_first(&lru, struct vnode, lru_link);
			list_remove(&vnode->lru_link);
			list_push_back(&lru, &vnode->lru_link);
			if ((fs && vnode->fs != fs) || !is_untold(vnode, wait))
				continue;
			vnode_get(vnode);
			batch[count++] = vnode;
		}
		spin_unlock(&vnode_cache_lock);
		for (size_t i = 0; i < count; i++) {
			error = first == -EINTR ? 0 : wait ? vnode_sync_attributes(batch[i]) : vnode_try_sync_attributes(batch[i]);
			if (error && (!first || error == -EINTR))
				first = error;
			vnode_put(batch[i]);
		}
	}
	return first;
}

int vnode_flush_all(struct fs *fs)
{
	return flush_each(fs, true);
}

void vnode_flush_idle(struct fs *fs)
{
	flush_each(fs, false);
}

/*
 * Second chance: a vnode that nobody but the cache holds and that was not looked up since the last visit goes. Where changed pages are the only
 * copy (tmpfs) a vnode with such pages stays; if a server has to be told of changes, it is told first, by the worker. vnode_cache_lock held.
 */
static bool vnode_must_stay(const struct vnode *vnode)
{
	bool changed = atomic_load_relaxed(&vnode->changed_pages);

	if (vnode->fs->flags & FS_PAGES_ARE_DATA)
		return changed;
	if (!vnode->fs->worker || !(vnode->dirty || changed || vnode->promised_blocks || vm_object_has_dirty(&vnode->object)))
		return false;
	if (!vnode_is_refused(vnode))
		fs_worker_flush(vnode->fs);
	return true;
}

static COLD size_t vnode_shrink(size_t frames)
{
	struct vnode *victims[SHRINK_BATCH], *vnode;
	size_t count = 0, scanned = 0, freed = 0, limit;

	spin_lock(&vnode_cache_lock);
	limit = 2 * cached_count;
	while (scanned++ < limit && count < SHRINK_BATCH && freed < frames && !list_empty(&lru)) {
		vnode = list_first(&lru, struct vnode, lru_link);
		list_remove(&vnode->lru_link);
		list_push_back(&lru, &vnode->lru_link);
		if (atomic_load_relaxed(&vnode->object.refs.count) != 1)
			continue;
		if (vnode_must_stay(vnode))
			continue;
		if (vnode->used) {
			vnode->used = false;
			continue;
		}
		uncache_locked(vnode);
		victims[count++] = vnode;
		freed += vnode->object.page_count + 1;
	}
	spin_unlock(&vnode_cache_lock);
	for (size_t i = 0; i < count; i++)
		vnode_put(victims[i]);
	return freed;
}

void vnode_cache_shrink_all(void)
{
	while (vnode_shrink(SIZE_MAX))
		;
}

static struct shrinker vnode_shrinker = { .name = "vnodes", .shrink = vnode_shrink };

size_t vnode_cache_total(void) { return atomic_load_relaxed(&vnode_count); }
size_t vnode_cache_cached(void) { return atomic_load_relaxed(&cached_count); }

void vnode_cache_init(void)
{
	vnode_slab = slab_cache_create("vnode", sizeof(struct vnode), 64);
	buckets = kmalloc_array(BUCKETS, sizeof(*buckets));
	if (!vnode_slab || !buckets)
		panic("vfs: no memory for the vnode cache");
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&buckets[i].nodes);
	shrinker_register(&vnode_shrinker);
}
