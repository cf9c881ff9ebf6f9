/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: for short sections that never sleep. Taking one forbids preemption. A lock that is also taken in interrupt
 * handlers (or by wake-ups from them) must be taken with the _irq variants everywhere.
 */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/spin_wait_call.h"
#include "debug/lock_checks.h"

struct spinlock {
	uint8_t locked;		/* atomic */
	uint8_t class;		/* enum lock_class */
	uint8_t owner;		/* in the debug build: 1 + the id of the CPU that holds it */
	uint8_t unused;
};

#define SPINLOCK_INIT(lock_class) { .class = (lock_class) }

static inline void spinlock_init(struct spinlock *lock, enum lock_class class)
{
	*lock = (struct spinlock)SPINLOCK_INIT(class);
}

/* Without checks, for the functions below. */
SHARED_INLINE bool spin_take(struct spinlock *lock)
{
	return likely(!__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE));
}

/* Takes it if it is free. Preemption is off. */
CHECKED_INLINE __attribute__((warn_unused_result)) bool spin_try(struct spinlock *lock)
{
	bool taken;

	if (KERNEL_CHECKS)
		lock_check_spin(lock, false);
	taken = spin_take(lock);
	if (KERNEL_CHECKS && taken)
		lock_note_spin(lock);
	return taken;
}

/* Waits until it has the lock. Keeps all registers, so that a caller in which nobody waits pays nothing (arch/x86_64/spin_wait.asm). */
SHARED_INLINE void spin_wait(struct spinlock *lock)
{
	SPIN_WAIT_CALL(lock);
}

/* The class of a spinlock. That of a sleeping lock's queue keeps the sleeping lock's class and counts as a queue itself. */
static inline enum lock_class spinlock_class(const struct spinlock *lock)
{
	return lock_classes[lock->class].kind == LOCK_KIND_SLEEPING ? LOCK_WAIT_QUEUE : lock->class;
}

/* For who has preemption off already. */
CHECKED_INLINE void spin_acquire(struct spinlock *lock)
{
	if (KERNEL_CHECKS)
		lock_check_spin(lock, true);
	if (!spin_take(lock))
		spin_wait(lock);
	if (KERNEL_CHECKS)
		lock_note_spin(lock);
}

CHECKED_INLINE void spin_release(struct spinlock *lock)
{
	if (KERNEL_CHECKS)
		lock_note_spin_release(lock);
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

CHECKED_INLINE void spin_lock(struct spinlock *lock)
{
	preempt_disable();
	spin_acquire(lock);
}

CHECKED_INLINE void spin_unlock(struct spinlock *lock)
{
	spin_release(lock);
	preempt_enable();
}

/* The same where preemption is off already and stays off until after the unlock: inside another spinlock. */
CHECKED_INLINE void spin_lock_nested(struct spinlock *lock)
{
	spin_acquire(lock);
}

CHECKED_INLINE void spin_unlock_nested(struct spinlock *lock)
{
	spin_release(lock);
}

/* Also turns interrupts off; returns the flags for spin_unlock_irq. */
CHECKED_INLINE uint64_t spin_lock_irq(struct spinlock *lock)
{
	uint64_t flags = interrupts_save();

	spin_lock(lock);
	return flags;
}

CHECKED_INLINE void spin_unlock_irq(struct spinlock *lock, uint64_t flags)
{
	spin_release(lock);
	interrupts_restore(flags);
	preempt_enable();
}
