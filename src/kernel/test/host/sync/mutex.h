/* SPDX-License-Identifier: MIT */
/* The host tests' mutex: single-threaded, checks that locks are balanced (test/host.c). */
#pragma once

#include "sync/wait.h"

struct mutex {
	struct thread *owner;
	struct wait_queue queue;
};

#define MUTEX_INIT(name, class) { 0 }

#define mutex_init(lock, class) (*(lock) = (struct mutex){ 0 })
void mutex_lock(struct mutex *mutex);
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_held(const struct mutex *mutex);

/* Only as a field: nothing that host tests link takes one. */
struct rwlock { int32_t state; };
