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

/* Is the name @stored (padded with zeroes to whole words, as dentries keep it) this component? Lengths are known to be equal. */
bool path_name_equal(const char *stored, const struct path_component *component);

static inline bool path_component_is_dot(const struct path_component *c) { return c->len == 1 && c->name[0] == '.'; }
static inline bool path_component_is_dot_dot(const struct path_component *c)
{
	return c->len == 2 && c->name[0] == '.' && c->name[1] == '.';
}
