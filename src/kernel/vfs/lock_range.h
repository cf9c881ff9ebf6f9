/* SPDX-License-Identifier: MIT */
/* Record locks as ranges: conflicts, and what a new lock or unlock does to the ranges an owner has. Pure; the caller locks the list. */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

#define LOCK_RANGE_END UINT64_MAX	/* the last byte of a lock that reaches to infinity */

struct lock_record {
	struct list link;
	const void *owner;
	uint64_t start, end;	/* bytes, both included */
	bool write;
	int pid;		/* for F_GETLK; -1 when the owner is an open file */
};

/* The record of somebody else that stands in the way of @wanted, the one with the lowest start if there are several; or NULL. */
struct lock_record *lock_range_conflict(const struct list *records, const struct lock_record *wanted);

/*
 * Gives @wanted's owner the lock (or, with @unlock, takes it away) on its range: what the owner had there is replaced, neighbours of the same kind
 * are joined. Uses up to two of the records in @spare (owned by the caller; taken from the front) and appends unneeded ones to it.
 */
enum { LOCK_RANGE_SPARES = 2 };
void lock_range_apply(struct list *records, const struct lock_record *wanted, bool unlock, struct list *spare);

/* Moves all records of @owner to @freed. Returns whether there were any. */
bool lock_range_release(struct list *records, const void *owner, struct list *freed);
