/* SPDX-License-Identifier: MIT */
/* The small value languages of services.conf: durations, rates, sizes, CPU lists. Pure; true when the whole word is one, else nothing is stored. */
#ifndef SERVICES_CONF_VALUES_H
#define SERVICES_CONF_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S (1000 * NS_PER_MS)

/* 10ms, 2s, 5min, 1h: a whole number above 0 and its unit, 24h at most. */
bool value_duration(const char *word, uint64_t *ns);

/* 10ms..5s: two durations, the first not above the second. */
bool value_duration_range(const char *word, uint64_t *min_ns, uint64_t *max_ns);

/* 20/min: 1 to @max_count events per s, min or h. */
bool value_rate(const char *word, unsigned max_count, unsigned *count, uint64_t *period_ns);

/* 512KiB, 64MiB, 2GiB: bytes, at most 1024GiB. */
bool value_size(const char *word, uint64_t *bytes);

/* A whole number from @min to @max. */
bool value_count(const char *word, unsigned min, unsigned max, unsigned *count);

/* An absolute path without empty parts, "." and "..", at most 127 bytes. */
bool value_path(const char *word);

/* ro:/path or rw:/path: an absolute path without empty parts, "." and "..", at most 127 bytes. */
bool value_view(const char *word);

/* 0-2,5: CPUs 0 to 63, as a bit mask that is never 0. */
bool value_cpu_list(const char *word, uint64_t *mask);

/* A name of a service, port, user or terminal: starts with a letter, then letters, digits, '.', '_', '-'. */
bool value_name(const char *word, unsigned max_length);

#endif
