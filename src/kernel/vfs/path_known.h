/* SPDX-License-Identifier: MIT */
/*
 * Inside the path walk: the stretch of a path whose names are all in the cache and lead to directories or, at the end, to anything but a symlink. It
 * stops before the first name that needs more care, so everything done here walk_stretch (path.c) could have done. What is odd (dots, double
 * slashes, names too long) is simply not in the cache and needs no test of its own.
 *
 * The text's end is made a slash for the time of the walk, so that every name ends in one and a word of it is hashed and compared as it is
 * (path_split.h).
 */
#pragma once

#include "process/credentials.h"
#include "vfs/dentry_cache.h"
#include "vfs/mount_tree.h"
#include "vfs/path_split.h"
#include <linux/stat.h>

/* How far path_walk_known came. */
enum known { KNOWN_PART, KNOWN_END, KNOWN_ABSENT };

/* An entry and the slash after its name; NULL if there is none. */
struct found { struct dentry *dentry; const char *after; };

/* Are the words of a long name, of which the last is @last and stands at @end, those of @stored? */
static inline bool known_words_equal(const char *stored, const char *text, const char *end, uint64_t last)
{
	do {
		if (path_load_word(stored) != path_load_word(text))
			return false;
		stored += 8;
		text += 8;
	} while (text < end);
	return path_load_word(stored) == last;
}

/* The entry @text of directory @at, which begins with @word, without a slash in it. Tree lock held. */
static inline struct found known_find_long(struct dentry_hash table, const struct dentry *at, const char *text, uint64_t word)
{
	uint64_t hash = path_hash_first(word), marks;
	const char *end = text + 8;
	struct dentry *dentry;

	for (;; end += 8) {
		word = path_load_word(end);
		marks = path_mark_slashes(word);
		if (likely(marks))
			break;
		hash = path_hash_more(hash, word);
	}
	word = path_through_mark(word, marks);
	hash = path_hash_more(hash, word);
	for (dentry = *dentry_chain(table, at, hash); dentry; dentry = dentry->hash_next)
		if (likely(dentry->hash == hash && dentry->parent == at && known_words_equal(dentry->name, text, end, word)))
			break;
	return (struct found){ dentry, end + path_marked_byte(marks) };
}

/* The entry @text of directory @at, cut out of the cache. Tree lock held. */
static inline struct found known_find(struct dentry_hash table, const struct dentry *at, const char *text)
{
	uint64_t word = path_load_word(text), marks = path_mark_slashes(word);
	struct dentry *dentry;

	if (unlikely(!marks))
		return known_find_long(table, at, text, word);
	word = path_through_mark(word, marks);
	/* The first word says it all: no longer name has a slash in it. */
	for (dentry = *dentry_chain(table, at, path_hash_first(word)); dentry; dentry = dentry->hash_next)
		if (likely(path_load_word(dentry->inline_name) == word && dentry->parent == at))
			break;
	return (struct found){ dentry, text + path_marked_byte(marks) };
}

/* Do only slashes follow, up to @end? */
static inline bool known_is_last(const char *after, const char *end)
{
	while (after < end && *after == '/')
		after++;
	return after == end;
}

/* The least class of directory: root may search every one, others without further question those that everybody may. */
static inline uint8_t walk_class_needed(const struct credentials *credentials)
{
	return credentials->fsuid ? WALK_CLASS_OPEN : WALK_CLASS_DIRECTORY;
}

/*
 * Walks from *@place along *@rest, whose end is at @end. Both move on as far as it came: to the end (KNOWN_END), or to before a last name that is
 * known to be absent (KNOWN_ABSENT). @needed is walk_class_needed(). With @stop_before_last the last name is left, whatever it is; *@last, unless @last is
 * NULL, is then its entry, or NULL if it has none or more than the name follows. Tree lock held, @end is a slash; the first byte is none.
 */
static inline __attribute__((always_inline)) enum known path_walk_known(struct path *place, const char **rest, const char *end,
									uint8_t needed, bool stop_before_last, struct dentry **last)
{
	const struct dentry_hash table = dentry_hash;
	const char *text = *rest;
	struct found found;

	if (last)
		*last = NULL;
	if (unlikely(!place->dentry->vnode || atomic_load_relaxed(&place->dentry->vnode->walk_class) < needed))
		return KNOWN_PART;
	for (;;) {
		found = known_find(table, place->dentry, text);
		if (unlikely(!found.dentry))
			return KNOWN_PART;
		if (found.after == end)
			break;
		if (unlikely(!found.dentry->vnode || atomic_load_relaxed(&found.dentry->vnode->walk_class) < needed))
			return KNOWN_PART;
		if (stop_before_last && known_is_last(found.after, end))
			return KNOWN_PART;
		place->dentry = found.dentry;
		*rest = found.after;
		text = found.after + 1;
		if (likely(found.dentry->state == DENTRY_USED))
			continue;
		found.dentry->state |= DENTRY_USED;
		mount_cross_locked(place);
		if (unlikely(atomic_load_relaxed(&place->dentry->vnode->walk_class) < needed))
			return KNOWN_PART;
	}
	if (stop_before_last) {
		if (last)
			*last = found.dentry;
		return KNOWN_PART;
	}
	if (unlikely(!found.dentry->vnode))
		return KNOWN_ABSENT;
	if (unlikely(atomic_load_relaxed(&found.dentry->vnode->walk_class) == WALK_CLASS_LINK))
		return KNOWN_PART;
	place->dentry = found.dentry;
	*rest = end;
	if (unlikely(found.dentry->state != DENTRY_USED)) {
		found.dentry->state |= DENTRY_USED;
		mount_cross_locked(place);
	}
	return KNOWN_END;
}
