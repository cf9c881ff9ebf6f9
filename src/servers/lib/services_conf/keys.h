/* SPDX-License-Identifier: MIT */
/* The keys of a service block in services.conf: one table, one parse function a key. */
#ifndef SERVICES_CONF_KEYS_H
#define SERVICES_CONF_KEYS_H

#include "config.h"

/* Why a key's line was refused. @found is a word of the line, or NULL for its end; @expected is static text. */
struct key_fault {
	const char *found;
	const char *expected;
};

extern const struct restart_rule restart_default;

/* The index of a key, or -1. */
int key_find(const char *name);

/* True when a block may have several lines of this key. */
bool key_repeats(int index);

/* "one of the keys exec, match, ..." */
const char *key_names(void);

/*
 * Parses the words of a line (words[0] is the key) into @service, which keeps pointers to them. Returns false and fills
 * @fault when the line is wrong; @service may then be half changed.
 */
bool key_parse(int index, struct service_config *service, char **words, unsigned count, unsigned line,
	       struct key_fault *fault);

#endif
