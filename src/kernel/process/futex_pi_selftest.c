/* SPDX-License-Identifier: MIT */
#include "process/futex.h"
#include "sched/thread.h"
#include "test/selftest.h"

/* A thread for whose locks nobody has waited ends without the lock of all PI locks: the debug kernel would tell that it is taken inside a later one. */
SELFTEST(thread_without_pi_waiters_ends_without_their_lock)
{
	static struct spinlock later = SPINLOCK_INIT(LOCK_TEST_IRQ);
	struct thread *thread = current_thread();
	uint64_t flags = spin_lock_irq(&later);

	futex_pi_exit(thread);
	SELFTEST_CHECK(thread->user.pi_closed && !thread->user.pi_awaited);
	futex_pi_reopen(thread);
	SELFTEST_CHECK(!thread->user.pi_closed);
	spin_unlock_irq(&later, flags);
}
