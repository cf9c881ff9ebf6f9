/* SPDX-License-Identifier: MIT */
/*
 * The version of a directory: what lets lookups and changes run side by side without a lock held across the file system.
 *
 * vnode->dir_version counts, in one atomic word, changes under way (low 16 bits) and steps ever made (above). A lookup remembers the word before it
 * asks and may cache the answer only if no change was under way then and the word is still the same under the tree lock. A change steps the word
 * before it asks and again after the cache shows its result; it may show it only if it was alone all the time, else the name is dropped from the
 * cache and the next lookup asks the file system.
 */
#pragma once

#include "lib/atomic.h"

enum { DIR_CHANGES_MASK = 0xffff, DIR_CHANGE_STEP = 0x10000 };

static inline uint64_t dir_version_read(uint64_t *word)
{
	return atomic_load(word);
}

static inline bool dir_version_unchanged(uint64_t *word, uint64_t seen)
{
	return !(seen & DIR_CHANGES_MASK) && atomic_load(word) == seen;
}

struct dir_change {
	uint64_t *word;		/* the directory's dir_version */
	uint64_t token;
};

static inline void dir_change_begin(struct dir_change *change, uint64_t *word)
{
	change->word = word;
	change->token = atomic_add(word, DIR_CHANGE_STEP + 1);
}

/* Has nobody else changed the directory since the begin? Under the tree lock, or it means nothing. */
static inline bool dir_change_alone(const struct dir_change *change)
{
	return (change->token & DIR_CHANGES_MASK) == 1 && atomic_load(change->word) == change->token;
}

static inline void dir_change_end(const struct dir_change *change)
{
	atomic_add(change->word, DIR_CHANGE_STEP - 1);
}
