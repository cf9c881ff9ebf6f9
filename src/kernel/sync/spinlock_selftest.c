/* SPDX-License-Identifier: MIT */
/* The wait for a spinlock: it ends when the lock is let go, keeps every register, and is counted for the class. */
#include "lib/atomic.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "sync/spinlock.h"
#include "test/selftest.h"

enum { REGISTERS = 13, WAIT_NS = 200 * 1000 };

static struct spinlock lock = SPINLOCK_INIT(LOCK_TEST_SPIN);
static struct timer timer;
static uint64_t waits_before;	/* of the class */
static uint32_t released;	/* atomic */

/* Lets it go once somebody waits. */
static void release(struct timer *unused)
{
	if (atomic_load(&lock_waits[LOCK_TEST_SPIN].contended) == waits_before) {
		timer_arm(&timer, clock_monotonic_ns() + WAIT_NS);
		return;
	}
	atomic_store(&released, 1);
	atomic_store(&lock.locked, 0);
}

/* Waits for the lock with a pattern in all registers that a call could spoil; @after gets what is there then. */
static void wait_with_patterns(uint64_t after[REGISTERS])
{
	register uint64_t *out __asm__("rbx") = after;

	__asm__ volatile(
		"movl $2, %%ecx; movl $3, %%edx; movl $4, %%esi; movl $5, %%edi; movl $6, %%r8d; movl $7, %%r9d;"
		"movl $8, %%r10d; movl $9, %%r11d; movl $10, %%r12d; movl $11, %%r13d; movl $12, %%r14d; movl $13, %%r15d;"
		"leaq %1, %%rax; pushq %%rax; movl $1, %%eax; call spin_wait_entry;"
		"movq %%rax, (%0); movq %%rcx, 8(%0); movq %%rdx, 16(%0); movq %%rsi, 24(%0); movq %%rdi, 32(%0); movq %%r8, 40(%0); movq %%r9, 48(%0);"
		"movq %%r10, 56(%0); movq %%r11, 64(%0); movq %%r12, 72(%0); movq %%r13, 80(%0); movq %%r14, 88(%0); movq %%r15, 96(%0)"
		:: "r"(out), "m"(lock)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

SELFTEST(spinlock_wait_keeps_registers_and_is_counted)
{
	uint64_t after[REGISTERS];

	waits_before = lock_waits[LOCK_TEST_SPIN].contended;
	released = 0;
	timer_init(&timer, release);
	preempt_disable();
	atomic_store(&lock.locked, 1);
	timer_arm(&timer, clock_monotonic_ns() + WAIT_NS);
	wait_with_patterns(after);
	SELFTEST_CHECK(atomic_load(&released) && lock.locked);
	atomic_store(&lock.locked, 0);
	preempt_enable();
	for (unsigned i = 0; i < REGISTERS; i++)
		SELFTEST_CHECK(after[i] == i + 1);
	SELFTEST_CHECK(lock_waits[LOCK_TEST_SPIN].contended == waits_before + 1);
	/* A free one is no wait. */
	spin_lock(&lock);
	spin_unlock(&lock);
	SELFTEST_CHECK(lock_waits[LOCK_TEST_SPIN].contended == waits_before + 1);
	timer_cancel(&timer);
}
