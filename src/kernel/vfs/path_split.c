/* SPDX-License-Identifier: MIT */
/* Taking a path apart: finds '/' and NUL eight bytes at a time and hashes on the way. */
#include "vfs/path_split.h"

/* Constants to all who use them, and to the compiler; but one is written once, so it must not know the value here either. */
__asm__(
	"	.pushsection .data\n"
	"	.balign 32\n"
	"	.globl path_constants\n"
	"	.hidden path_constants\n"
	"path_constants:\n"
	"	.quad 0x0101010101010101, 0x8080808080808080, 0x2f2f2f2f2f2f2f2f\n"
	"path_hash_factor:\n"
	"	.quad 0x9e3779b97f4a7c15\n"
	"	.popsection\n");

void path_hash_begin(uint64_t secret)
{
	__asm__ volatile("movq %0, path_hash_factor(%%rip)" :: "r"(secret | 1) : "memory");
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
