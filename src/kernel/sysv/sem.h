/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores: sets whose operations come in groups that happen as a whole. Who cannot go on lies with the one semaphore that keeps him, and with the
 * value of it that he needs; so whoever changes a value looks only at those who wait for that, and performs their operations for them.
 */
#pragma once

#include "sysv/objects.h"
#include <linux/sem.h>

struct semaphore {
	uint16_t value;		/* all under set->lock */
	bool changed;		/* since its sleepers were looked at */
	int pid;		/* who changed or tried it last */
	struct list sleepers;	/* struct sem_sleeper, oldest first */
};

struct sem_set {
	struct sysv_object object;
	struct refcount refs;
	struct mutex lock;	/* guards what follows, and undo records' changes */
	bool removed;		/* atomic: set at last, when nothing of the set leads to an undo record any more */
	int64_t operated;	/* read atomically without the lock, too; seconds, wall clock */
	struct list undos;	/* struct sem_undo.set_link */
	struct list ready;	/* sleepers who perhaps can go on now */
	struct semaphore *each;	/* object.size of them; NULL once the set is removed */
};

/* What is undone in a set when the last of the threads ends that share it. */
struct sem_undo {
	struct list link;	/* list->lock */
	struct list set_link;	/* set->lock; alone once the set is removed: nobody looks at the record any more, but who has @link's lock */
	struct sem_set *set;	/* referenced */
	int16_t change[];	/* set->lock; for each semaphore */
};

/* On the stack of who operates on a set. */
struct sem_sleeper {
	struct sysv_sleeper sleeper;
	const struct sembuf *operations;
	unsigned count;
	struct sem_undo *undo;		/* NULL: nothing is undone */
	const struct sembuf *blocker;	/* the first operation that could not be done ... */
	int needed;			/* ... before its semaphore has this value, or (if it takes from it) at least this */
};

/* All with set->lock held. */

/* Performs all operations of @who, or none: 0, SYSV_UNDECIDED if it has to wait, or a negative errno. Changed semaphores are marked. */
int sem_perform(struct sem_set *set, struct sem_sleeper *who);
/* The sleepers of a semaphore, if it has changed, are looked at by the next sem_settle(). Returns how many there were. */
unsigned sem_stir(struct sem_set *set, struct semaphore *semaphore);
/* Lets go on who can. Where there is much to do the rest are told to try themselves. */
void sem_settle(struct sem_set *set);
/* The calling thread's record of what to undo in @set, made if there is none; NULL when out of memory. */
struct sem_undo *sem_undo_of(struct sem_set *set);
