/* SPDX-License-Identifier: MIT */
/* Sleeping locks. Held only by threads, never taken in interrupt handlers or under a spinlock. Not recursive. */
#pragma once

#include "lib/atomic.h"
#include "sync/wait.h"

struct mutex {
	struct thread *owner;	/* atomic; NULL when free */
	struct wait_queue queue;
};

/* The queue keeps the class (see spinlock_class()). */
#define MUTEX_INIT(name, class) { NULL, WAIT_QUEUE_INIT_CLASS((name).queue, class) }

/* Many readers or one writer; writers are not starved. */
struct rwlock {
	int32_t state;		/* atomic: how many readers hold it; -1: a writer does */
	uint32_t writers_waiting;	/* atomic: new readers wait while there are any */
	struct wait_queue queue;
};

void mutex_init(struct mutex *mutex, enum lock_class class);
void rwlock_init(struct rwlock *lock, enum lock_class class);

#ifdef HOST_TEST
void mutex_lock(struct mutex *mutex);
int mutex_lock_killable(struct mutex *mutex);
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_held(const struct mutex *mutex);
void rwlock_read_lock(struct rwlock *lock);
void rwlock_read_unlock(struct rwlock *lock);
void rwlock_write_lock(struct rwlock *lock);
void rwlock_write_unlock(struct rwlock *lock);
#else
#include "sync/mutex_inline.h"
#endif
