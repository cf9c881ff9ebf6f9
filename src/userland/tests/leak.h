/* SPDX-License-Identifier: MIT */
/*
 * Whether the kernel has as many objects as before. It counts by /proc/slabinfo and /proc/meminfo, after having the caches emptied, and so
 * needs root and a system where nothing else happens. On Linux, whose figures hold what its CPUs keep in stock, nothing is checked.
 */
#ifndef LEAK_H
#define LEAK_H

enum { LEAK_CACHES = 96, LEAK_NAME = 24 };

struct leak_mark {
	unsigned count;
	struct { char name[LEAK_NAME]; long used; } caches[LEAK_CACHES];
	long frames;		/* in use, but for those of the heap */
};

/* To be called once everything that stays (a cache's first objects, say) has been done once. */
void leak_mark(struct leak_mark *mark);

/* Checks that no cache has more objects than at @mark; what ends in the background gets some seconds. Returns whether it is so. */
int leak_check(const struct leak_mark *mark, const char *what);

#endif
