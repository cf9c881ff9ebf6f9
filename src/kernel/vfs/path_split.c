/* SPDX-License-Identifier: MIT */
/* Taking a path apart: finds '/' and NUL eight bytes at a time and hashes on the way. */
#include "vfs/path_split.h"
#include "lib/string.h"

#define BYTES(b) (0x0101010101010101ull * (b))
#define HASH_FACTOR 0x9e3779b97f4a7c15ull

static inline uint64_t load_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Bit 7 of each zero byte; bytes above the first zero one may be marked wrongly, so only the lowest mark counts. */
static inline uint64_t mark_zero_bytes(uint64_t word)
{
	return (word - BYTES(1)) & ~word & BYTES(0x80);
}

static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 29;
}

const char *path_next_component(const char *text, struct path_component *component)
{
	uint64_t hash = 0, word, end;
	const char *p;

	while (*text == '/')
		text++;
	for (p = text;; p += 8) {
		word = load_word(p);
		end = mark_zero_bytes(word) | mark_zero_bytes(word ^ BYTES('/'));
		if (end)
			break;
		hash = hash_word(hash, word);
	}
	/* The lowest mark tells how many bytes of this word still belong to the name. */
	unsigned bits = __builtin_ctzll(end) & ~7u;

	if (bits)
		hash = hash_word(hash, word & ((1ull << bits) - 1));
	component->name = text;
	component->len = p - text + bits / 8;
	component->hash = hash;
	return text + component->len;
}

uint64_t path_name_hash(const char *name, uint32_t len)
{
	uint64_t hash = 0;

	for (; len >= 8; name += 8, len -= 8)
		hash = hash_word(hash, load_word(name));
	if (len)
		hash = hash_word(hash, load_word(name) & ((1ull << len * 8) - 1));
	return hash;
}

bool path_name_equal(const char *stored, const struct path_component *component)
{
	const char *name = component->name;
	uint32_t left = component->len;

	for (; left >= 8; stored += 8, name += 8, left -= 8)
		if (load_word(stored) != load_word(name))
			return false;
	return !left || load_word(stored) == (load_word(name) & ((1ull << left * 8) - 1));
}
