/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: for short sections that never sleep. Taking one forbids preemption. A lock that is also taken in interrupt
 * handlers (or by wake-ups from them) must be taken with the _irq variants everywhere.
 */
#pragma once

#include "arch/x86_64/cpu.h"

struct spinlock {
	uint32_t locked;
};

#define SPINLOCK_INIT { 0 }

static inline void spinlock_init(struct spinlock *lock)
{
	lock->locked = 0;
}

/* For who has preemption off already. */
static inline void spin_acquire(struct spinlock *lock)
{
	if (likely(!__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)))
		return;
	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static inline void spin_release(struct spinlock *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

static inline void spin_lock(struct spinlock *lock)
{
	preempt_disable();
	spin_acquire(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
	spin_release(lock);
	preempt_enable();
}

/* The same where preemption is off already and stays off until after the unlock: inside another spinlock. */
static inline void spin_lock_nested(struct spinlock *lock)
{
	while (unlikely(__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)))
		cpu_relax();
}

static inline void spin_unlock_nested(struct spinlock *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

/* Also turns interrupts off; returns the flags for spin_unlock_irq. */
static inline uint64_t spin_lock_irq(struct spinlock *lock)
{
	uint64_t flags = interrupts_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irq(struct spinlock *lock, uint64_t flags)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
	interrupts_restore(flags);
	preempt_enable();
}
