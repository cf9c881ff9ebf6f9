/* SPDX-License-Identifier: MIT */
/* Taking a path apart: finds '/' and NUL eight bytes at a time and hashes on the way. */
#include "vfs/path_split.h"

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
	word &= (1ull << bits) - 1;
	if (p == text)
		hash = path_hash_first(word);
	else if (bits)
		hash = path_hash_more(hash, word);
	component->name = text;
	component->len = p - text + bits / 8;
	component->hash = hash;
	return text + component->len;
}

uint64_t path_name_hash(const char *name, uint32_t len)
{
	uint64_t hash = 0;

	for (uint32_t at = 0; at < len; at += 8) {
		uint64_t word = path_load_word(name + at);

		if (len - at < 8)
			word &= (1ull << (len - at) * 8) - 1;
		hash = at ? path_hash_more(hash, word) : path_hash_first(word);
	}
	return hash;
}

bool path_long_name_equal(const char *stored, const struct path_component *component)
{
	const char *name = component->name;
	uint32_t left = component->len;

	for (; left >= 8; stored += 8, name += 8, left -= 8)
		if (path_load_word(stored) != path_load_word(name))
			return false;
	return !left || path_load_word(stored) == (path_load_word(name) & ((1ull << left * 8) - 1));
}
