/* SPDX-License-Identifier: MIT */
/* Sleeping locks. Held only by threads, never taken in interrupt handlers or under a spinlock. Not recursive. */
#pragma once

#include "sync/wait.h"

struct mutex {
	struct thread *owner;	/* atomic; NULL when free */
	struct wait_queue queue;
};

#define MUTEX_INIT(name) { NULL, WAIT_QUEUE_INIT((name).queue) }

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);		/* sleeps, uninterruptible */
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_held(const struct mutex *mutex);	/* by the calling thread: for assertions */

/* Many readers or one writer; writers are not starved. */
struct rwlock {
	struct mutex guard;
	struct wait_queue queue;
	int readers;		/* guarded by guard; -1: a writer holds it */
	unsigned writers_waiting;	/* guarded by guard */
};

void rwlock_init(struct rwlock *lock);
void rwlock_read_lock(struct rwlock *lock);
void rwlock_read_unlock(struct rwlock *lock);
void rwlock_write_lock(struct rwlock *lock);
void rwlock_write_unlock(struct rwlock *lock);
