/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: the dentry cache's own steps (dentry.c, dentry_change.c) and figures. */
#pragma once

#include "mm/frame.h"
#include "vfs/dentry.h"

/* Copies the name in. False when out of memory. For a dentry in the tree: tree lock held, unhashed, and the old name freed by the caller. */
bool dentry_set_name(struct dentry *dentry, const struct path_component *name);
void dentry_free_name(const char *name, const struct dentry *owner);
void dentry_hash_locked(struct dentry *dentry);		/* takes the cache's reference */
bool dentry_unhash_locked(struct dentry *dentry);	/* true: the caller now owns the cache's reference and puts it after unlocking */

void dentry_cache_shrink_all(void);	/* one round over all entries: unused ones go, recently used ones lose their mark */
size_t dentry_cache_total(void);
size_t dentry_cache_hashed(void);
