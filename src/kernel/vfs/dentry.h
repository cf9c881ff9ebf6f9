/* SPDX-License-Identifier: MIT */
/*
 * Dentries: names of the tree in memory, positive (they lead to a vnode) or negative (known to be absent).
 *
 * The tree lock (one spinlock, never held across a file-system call) guards the hash, names, parents, vnode->dentries, the mount tree, and the root
 * and cwd of every fs_context. References are atomic. A hashed dentry has one reference more than it has users, so a put never has to look at the
 * hash, and the dentry that reaches zero is out of it. A dentry holds its parent and its vnode.
 *
 * dentry->vnode: goes from NULL to a vnode at any time (a create); from a vnode to NULL only while the changer is the only user. So who holds a
 * positive dentry may use ->vnode without a lock.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "sync/spinlock.h"
#include "vfs/path_split.h"
#include "vfs/vnode.h"

enum { DENTRY_INLINE_NAME = 40 };

struct mount;

/* What the walk looks at in every entry that it passes: mostly it is USED alone. */
enum dentry_state {
	DENTRY_USED = 1,	/* a hint for the shrinker */
	DENTRY_COVERED = 2,	/* ->covers is not NULL */
	DENTRY_ON_WAY = 4,	/* for the time of mount_showing_locked() */
};

struct dentry {
	struct refcount refs;		/* users, and one while hashed */
	bool hashed;			/* tree lock */
	bool deleted;			/* tree lock: its name was removed; never hashed again */
	uint8_t state;			/* enum dentry_state; tree lock */
	uint32_t name_len;		/* tree lock */
	struct dentry *parent;		/* tree lock; referenced; itself for a root */
	struct vnode *vnode;		/* see above; referenced */
	struct dentry *hash_next;	/* tree lock: in its chain of the hash */
	char inline_name[DENTRY_INLINE_NAME] __attribute__((aligned(8)));	/* tree lock; the first word of a longer name */
	uint64_t hash;			/* tree lock: of the name */
	uint64_t seed;			/* set once: what chains the names below it are in */
	struct mount *covers;		/* tree lock: the first of the mounts that cover it */
	struct dentry **hash_place;	/* tree lock: while hashed, the pointer to it */
	struct fs *fs;			/* of the vnode, or where it would be; lives as long as the parent's vnode */
	const char *name;		/* tree lock: ended by a slash (for path_split.h), then padded with zeroes to whole words */
	struct list vnode_link;		/* tree lock: in vnode->dentries */
	struct list all_link;		/* tree lock: while hashed, for the shrinker */
	struct list children;		/* tree lock: hashed entries below */
	struct list child_link;		/* tree lock: while hashed */
};

extern struct spinlock vfs_tree_lock;

/*
 * Another number after all that can make the walk of a path end at another entry: one that leaves the hash, a mount that comes or goes, a directory whose
 * permissions change (path_ready.h). Atomic; changed under the tree lock but for the last. It is a new one each time, but when a secluded entry has come
 * back (dentry_lose_vnode()).
 */
extern uint64_t vfs_paths_generation, vfs_paths_last;
static inline uint64_t vfs_paths_number(void) { return atomic_add(&vfs_paths_last, 1) + 1; }
static inline void vfs_paths_changed(void) { atomic_store(&vfs_paths_generation, vfs_paths_number()); }

void dentry_init(void);		/* before the first use */

static inline void dentry_get(struct dentry *dentry) { refcount_get(&dentry->refs); }
void dentry_free(struct dentry *dentry);	/* for dentry_put() only */
static inline void dentry_put(struct dentry *dentry)	/* may sleep */
{
	if (unlikely(refcount_put(&dentry->refs)))
		dentry_free(dentry);
}

/* A root: its own parent, not hashed, one reference; takes over the caller's reference to @vnode. NULL when out of memory (vnode is put then). */
struct dentry *dentry_create_root(struct vnode *vnode, const char *name);

/* The same in @directory, as if its name @name had been removed: for files made without one. */
struct dentry *dentry_create_unnamed(struct dentry *directory, struct vnode *vnode, const char *name);

/* The cached entry, or NULL. Tree lock held, no reference taken. */
struct dentry *dentry_find_locked(struct dentry *directory, const struct path_component *name);

/*
 * Asks the file system for @name in @directory and caches the answer if the directory did not change meanwhile. *out is referenced and
 * negative when there is no such name. 0 or a negative errno. May sleep.
 */
int dentry_lookup(struct dentry *directory, const struct path_component *name, struct dentry **out);

/*
 * After a change made by the file system succeeded, while the change is still open (see dir_change.h): the result is cached if the change was
 * alone in its directory, else what is cached for the name is dropped.
 */
struct dir_change;
/* Is @dentry what the cache has for that name (or can the name not be cached)? What a change was checked against must still be, when it begins. */
bool dentry_is_current(const struct dentry *dentry, const struct dentry *directory, const struct path_component *name);
/*
 * @dentry (negative, of that name) now leads to @vnode, whose reference it takes. False, and it does not: others have made or removed the name meanwhile, or
 * have already found a new directory, whose one dentry that is.
 */
bool dentry_instantiate(struct dentry *dentry, struct vnode *vnode, const struct dir_change *change);
/* Then *@dentry is replaced, whose reference is put, by one that nobody else finds. @vnode's reference is taken in any case. -ENOMEM. May sleep. */
int dentry_instantiate_alone(struct dentry *directory, const struct path_component *name, struct vnode *vnode, struct dentry **dentry);
/*
 * The name is gone and was @removed's (NULL: no vnode of that is in memory). @dentry is the caller's positive entry; it may come back negative
 * when nobody else used it. May sleep.
 */
/* vfs_paths_generation before an entry was secluded, and since. */
struct dentry_seclusion { uint64_t before, since; };
/* Secludes @dentry, and its vnode (vnode_seclude_locked), before its name is removed together with it. False: they are in use. */
bool dentry_seclude(struct dentry *dentry, struct dentry_seclusion *seclusion);
/*
 * Its name was removed, and its vnode has ended: it says that there is no such name. Returns the vnode with its reference. If nothing else has changed since
 * it was secluded all walks end where they ended before: nobody used it then, and it is the entry that it was.
 */
struct vnode *dentry_lose_vnode(struct dentry *dentry, const struct dir_change *change, const struct dentry_seclusion *seclusion);
void dentry_remove_name(struct dentry *directory, const struct path_component *name, struct dentry *dentry, struct vnode *removed,
			const struct dir_change *change);
/* A name in a rename, with the entry that the caller has for it. */
struct dentry_place {
	struct dentry *directory;
	const struct path_component *name;
	struct dentry *dentry;
	const struct dir_change *change;
};
/* @from has become @to; what was there (may be negative) is gone. If somebody interfered, both names are only dropped. May sleep. */
void dentry_move(const struct dentry_place *from, const struct dentry_place *to);
void dentry_exchange(const struct dentry_place *a, const struct dentry_place *b);

/* A directory was removed: forgets the (negative) entries cached below it. May sleep. */
void dentry_drop_children(struct dentry *dentry);
/* Forgets what is cached for a name, without calling it deleted. May sleep. */
void dentry_drop_name(struct dentry *directory, const struct path_component *name);

bool dentry_is_ancestor_locked(const struct dentry *ancestor, const struct dentry *dentry);
/* Drops all cached entries of @fs (unmount). May sleep. */
void dentry_drop_fs(struct fs *fs);
/* Keeps the cache within its bound; called after adding, with no lock held. May sleep. */
void dentry_cache_trim(void);
