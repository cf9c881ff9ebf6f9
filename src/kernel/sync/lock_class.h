/* SPDX-License-Identifier: MIT */
/*
 * Lock classes: which locks are of one kind and where they stand in the lock order. The table is the one in src/kernel/README.md, from which
 * sync/gen-lock-classes.py makes the enum. Waits for locks are counted by class (/proc/lock_stat).
 */
#pragma once

#include "lib/types.h"
#include "lock_classes.h"

enum lock_kind { LOCK_KIND_SLEEPING, LOCK_KIND_SPIN, LOCK_KIND_IRQ };

/* Whether two locks of one class may be held together. */
enum lock_nesting {
	LOCK_NEST_NEVER,
	LOCK_NEST_BY_ADDRESS,		/* the lower address first */
	LOCK_NEST_PARENT_FIRST,		/* the parent's, then that of its child: the relation has no circles */
	LOCK_NEST_TRIED,		/* the second one is only tried */
};

struct lock_class_info {
	char name[18];
	uint8_t kind;		/* enum lock_kind */
	uint8_t nesting;	/* enum lock_nesting */
	uint8_t rank;		/* who holds a lock takes only those of higher rank */
	uint16_t line;		/* in src/kernel/README.md */
};
extern const struct lock_class_info lock_classes[LOCK_CLASS_COUNT];

/* Acquisitions that found the lock taken, and how often they looked again (spinlocks) or slept (others). */
struct lock_waits { uint64_t contended, rounds; };	/* atomic */
extern struct lock_waits lock_waits[LOCK_CLASS_COUNT];
