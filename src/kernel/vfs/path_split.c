/* SPDX-License-Identifier: MIT */
/* Taking a path apart: finds '/' and NUL eight bytes at a time and hashes on the way. */
#include "vfs/path_split.h"
#include "arch/x86_64/path_constants.h"

PATH_CONSTANTS;

void path_hash_begin(uint64_t secret)
{
	PATH_SET_FACTOR(secret | 1);
}

const char *path_next_component(const char *text, struct path_component *component)
{
	uint64_t hash = 0, word, ends;
	const char *p;
	unsigned bits;

	while (*text == '/')
		text++;
	for (p = text;; p += 8) {
		word = path_load_word(p);
		ends = path_mark_ends(word);
		if (ends)
			break;
		hash = p == text ? path_hash_first(word) : path_hash_more(hash, word);
	}
	/* The lowest mark tells how many bytes of this word still belong to the name. */
	bits = __builtin_ctzll(ends) & ~7u;
	word = (word & ((1ull << bits) - 1)) | (uint64_t)'/' << bits;
	hash = p == text ? path_hash_first(word) : path_hash_more(hash, word);
	component->name = text;
	component->len = p - text + bits / 8;
	component->hash = hash;
	return text + component->len;
}

/* The last word of a name of which @left bytes, fewer than 8, remain at @name. */
static uint64_t last_word(const char *name, uint32_t left)
{
	uint64_t word = left ? path_load_word(name) & ((1ull << left * 8) - 1) : 0;

	return word | (uint64_t)'/' << left * 8;
}

uint64_t path_name_hash(const char *name, uint32_t len)
{
	uint64_t hash = 0;
	uint32_t at;

	for (at = 0; len - at >= 8; at += 8)
		hash = at ? path_hash_more(hash, path_load_word(name + at)) : path_hash_first(path_load_word(name));
	return at ? path_hash_more(hash, last_word(name + at, len - at)) : path_hash_first(last_word(name, len));
}

bool path_long_name_equal(const char *stored, const struct path_component *component)
{
	const char *name = component->name;
	uint32_t left = component->len;

	for (; left >= 8; stored += 8, name += 8, left -= 8)
		if (path_load_word(stored) != path_load_word(name))
			return false;
	return path_load_word(stored) == last_word(name, left);
}
