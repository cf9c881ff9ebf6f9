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

/* Before the first name is hashed: who knows the factor can find names that all get into one chain of a table. */
void path_hash_begin(uint64_t secret);

/*
 * Is the name @stored (as dentries keep it: ended by a slash, then padded with zeroes to whole words) this component? Lengths and hashes are known to be
 * equal. For one word the hash is a bijection, so then nothing is left to compare.
 */
bool path_long_name_equal(const char *stored, const struct path_component *component);
static inline bool path_name_equal(const char *stored, const struct path_component *component)
{
	return component->len < 8 || path_long_name_equal(stored, component);
}

/* ---- The parts, inline for the path walk ---- */

#define PATH_BYTES(b) (0x0101010101010101ull * (b))
#define PATH_HASH_FACTOR 0x9e3779b97f4a7c15ull

/*
 * The same in memory: as an operand there it costs no instruction, as an immediate of eight bytes one. The factor is another one after each boot
 * (path_hash_begin).
 */
struct path_constants { uint64_t ones, tops, slashes, factor; };
extern const struct path_constants path_constants;

static inline uint64_t path_load_word(const char *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

/* Bit 7 of each byte of @word that is '/'; bytes above the first such may be marked wrongly, so only the lowest mark counts. */
static inline uint64_t path_mark_slashes(uint64_t word)
{
	uint64_t slash = word ^ path_constants.slashes;

	return (slash - path_constants.ones) & ~slash & path_constants.tops;
}

/* The same for NUL or '/'. */
static inline uint64_t path_mark_ends(uint64_t word)
{
	return path_mark_slashes(word) | ((word - PATH_BYTES(1)) & ~word & PATH_BYTES(0x80));
}

/* How many bytes of the word come before the first marked one. */
static inline unsigned path_marked_byte(uint64_t marks)
{
	return (unsigned)__builtin_ctzll(marks) >> 3;
}

/* @word up to its first marked byte, and that byte. */
static inline uint64_t path_through_mark(uint64_t word, uint64_t marks)
{
	return word & (marks ^ (marks - 1));
}

/*
 * A name is hashed together with a slash at its end, in words of eight bytes, the last one filled up with zeroes: so in a path whose end is made a
 * slash, too, a word needs no more than a mask. A name of one word gives its bits times an odd factor (a bijection); longer names mix.
 */
static inline uint64_t path_hash_first(uint64_t word)
{
	return word * path_constants.factor;
}

static inline uint64_t path_hash_more(uint64_t hash, uint64_t word)
{
	return ((hash << 32 | hash >> 32) ^ word) * path_constants.factor;
}

static inline bool path_component_is_dot(const struct path_component *c) { return c->len == 1 && c->name[0] == '.'; }
static inline bool path_component_is_dot_dot(const struct path_component *c)
{
	return c->len == 2 && c->name[0] == '.' && c->name[1] == '.';
}
