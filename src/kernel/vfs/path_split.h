/* SPDX-License-Identifier: MIT */
/*
 * Taking a path apart, a word at a time. Pure. The text must be readable PATH_PADDING bytes past its NUL (their values do not
 * matter): whoever copies a path in leaves that room.
 */
#pragma once

#include "lib/types.h"

enum { PATH_PADDING = 8 };

struct path_component {
	const char *name;	/* points into the path, not NUL-terminated */
	uint32_t len;		/* 0: the path is at its end */
	uint64_t hash;
};

/* Skips slashes, describes the component that follows, and returns the place after it. */
const char *path_next_component(const char *text, struct path_component *component);

/* The hash of a name, as path_next_component computes it. @name must be readable to the next multiple of 8 bytes. */
uint64_t path_name_hash(const char *name, uint32_t len);

/*
 * Is the name @stored (padded with zeroes to whole words, as dentries keep it) this component? Lengths and hashes are known to be equal. For one
 * word the hash is a bijection, so then nothing is left to compare.
 */
bool path_long_name_equal(const char *stored, const struct path_component *component);
static inline bool path_name_equal(const char *stored, const struct path_component *component)
{
	return component->len <= 8 || path_long_name_equal(stored, component);
}

/* ---- The parts, inline for the path walk ---- */

#define PATH_BYTES(b) (0x0101010101010101ull * (b))
#define PATH_HASH_FACTOR 0x9e3779b97f4a7c15ull

static inline uint64_t path_load_word(const char *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

/* Bit 7 of each byte of @word that is NUL or '/'; bytes above the first such may be marked wrongly, so only the lowest mark counts. */
static inline uint64_t path_mark_ends(uint64_t word)
{
	uint64_t slash = word ^ PATH_BYTES('/');

	return (((word - PATH_BYTES(1)) & ~word) | ((slash - PATH_BYTES(1)) & ~slash)) & PATH_BYTES(0x80);
}

/* The first word of a name gives its bits unchanged times an odd factor (a bijection); longer names mix. */
static inline uint64_t path_hash_first(uint64_t word)
{
	return word * PATH_HASH_FACTOR;
}

static inline uint64_t path_hash_more(uint64_t hash, uint64_t word)
{
	return ((hash ^ hash >> 32) ^ word) * PATH_HASH_FACTOR;
}

static inline bool path_component_is_dot(const struct path_component *c) { return c->len == 1 && c->name[0] == '.'; }
static inline bool path_component_is_dot_dot(const struct path_component *c)
{
	return c->len == 2 && c->name[0] == '.' && c->name[1] == '.';
}
