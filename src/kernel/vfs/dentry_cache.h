/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: the dentry cache's own steps (dentry.c, dentry_change.c) and figures. */
#pragma once

#include "mm/frame.h"
#include "vfs/dentry.h"

/* Copies the name in. False when out of memory. For a dentry in the tree: tree lock held, unhashed, and the old name freed by the caller. */
bool dentry_set_name(struct dentry *dentry, const struct path_component *name);
void dentry_hash_locked(struct dentry *dentry);		/* takes the cache's reference */
void dentry_unhash_secluded(struct dentry *dentry, struct dentry_seclusion *seclusion);	/* the same of one that is hashed */
bool dentry_unhash_locked(struct dentry *dentry);	/* true: the caller now owns the cache's reference and puts it after unlocking */

void dentry_cache_shrink_all(void);	/* one round over all entries: unused ones go, recently used ones lose their mark */
/* What a relocated dentry leaves behind, to be put and freed without the lock. */
struct dentry_old_place { struct dentry *dentries[2]; char *name; };
bool dentry_relocate_locked(struct dentry *dentry, struct dentry *directory, const struct path_component *name, struct dentry_old_place *old);

/* The hash: mask + 1 chains, a power of two. Set once at start; the chains are guarded by the tree lock. */
struct dentry_hash {
	struct dentry **chains;
	uint64_t mask;
};
extern struct dentry_hash dentry_hash;
enum { DENTRY_HASH_SHIFT = 48 };	/* the upper bits of a product are the well-mixed ones */

static inline struct dentry **dentry_chain(struct dentry_hash table, const struct dentry *parent, uint64_t hash)
{
	return &table.chains[(hash ^ parent->seed) >> DENTRY_HASH_SHIFT & table.mask];
}

/* dentry_find_locked() inline, for the path walk. Tree lock held. */
static inline struct dentry *dentry_find_inline(const struct dentry *directory, const struct path_component *name)
{
	struct dentry *dentry = *dentry_chain(dentry_hash, directory, name->hash);

	for (; dentry; dentry = dentry->hash_next)
		if (dentry->hash == name->hash && dentry->parent == directory && dentry->name_len == name->len &&
		    path_name_equal(dentry->name, name))
			return dentry;
	return NULL;
}

size_t dentry_cache_total(void);
size_t dentry_cache_hashed(void);
