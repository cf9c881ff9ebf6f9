/* SPDX-License-Identifier: MIT */
/* The lock classes, what is counted of each, and the wait for a spinlock. */
#include "sync/lock_class.h"
#include "arch/x86_64/tlb.h"
#include "lib/atomic.h"
#include "lib/panic.h"
#include "sync/spin_wait.h"

enum { ROUNDS_A_LOOK = 1024, PANIC_LOOKS = 1000 };

const struct lock_class_info lock_classes[LOCK_CLASS_COUNT] = {
	[LOCK_UNCLASSED] = { "unclassed", LOCK_KIND_SPIN, LOCK_NEST_NEVER, 0, 0 },
#include "lock_classes.inc"
};

struct lock_waits lock_waits[LOCK_CLASS_COUNT];

/*
 * Looks until the lock seems free, and only then takes the bus for an exchange. Each has the same chance, whenever it came. Who holds the lock may be
 * waiting for this CPU's answer to a TLB flush.
 */
void spin_wait_for(struct spinlock *lock, const void *place)
{
	struct lock_waits *waits = &lock_waits[spinlock_class(lock)];
	unsigned looks = 0;
	uint64_t rounds = 0, start = KERNEL_CHECKS ? cpu_read_tsc() : 0;

	atomic_add(&waits->contended, 1);
	do {
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED)) {
			tlb_answer();
			cpu_relax();
			if (++rounds % ROUNDS_A_LOOK)
				continue;
			/* In a panic whoever holds it has been stopped, or is what broke. */
			if (panic_started() && ++looks == PANIC_LOOKS)
				return;
			if (KERNEL_CHECKS)
				lock_check_spin_time(lock, start, place);
		}
	} while (!spin_take(lock));
	atomic_add(&waits->rounds, rounds);
}
