/* SPDX-License-Identifier: MIT */
/* The host tests' spinlock: single-threaded, checks that locks are balanced. */
#pragma once

#include "lib/types.h"
#include <assert.h>

struct thread;

struct spinlock { uint32_t locked; };

/* The classes of the lock order are not known here. */
enum lock_class { LOCK_UNCLASSED };
#define SPINLOCK_INIT(class) { 0 }

#define spinlock_init(lock, class) ((void)((lock)->locked = 0))
static inline void spin_lock(struct spinlock *lock) { assert(!lock->locked); lock->locked = 1; }
static inline void spin_unlock(struct spinlock *lock) { assert(lock->locked); lock->locked = 0; }
static inline uint64_t spin_lock_irq(struct spinlock *lock) { spin_lock(lock); return 0; }
static inline void spin_unlock_irq(struct spinlock *lock, uint64_t flags) { (void)flags; spin_unlock(lock); }
