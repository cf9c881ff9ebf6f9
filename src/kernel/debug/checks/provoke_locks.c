/* SPDX-License-Identifier: MIT */
/* Mistakes with locks, one of each kind that locks.c must report. Each leaves the locks free when its report returns. */
#include "debug/checks/internal.h"
#include "debug/lock_checks.h"
#include "lib/atomic.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sync/mutex.h"

enum { RETRY_NS = 1000000 };

static struct spinlock spin = SPINLOCK_INIT(LOCK_TEST_SPIN), other_spin = SPINLOCK_INIT(LOCK_TEST_SPIN), irq_spin = SPINLOCK_INIT(LOCK_TEST_IRQ);
static struct mutex outer = MUTEX_INIT(outer, LOCK_TEST_OUTER), left_held = MUTEX_INIT(left_held, LOCK_TEST_OUTER);
static struct mutex inner[2] = { MUTEX_INIT(inner[0], LOCK_TEST_INNER), MUTEX_INIT(inner[1], LOCK_TEST_INNER) };
static struct timer timer;
static uint32_t expired;	/* atomic */

/* The word is made free in between, for the second attempt to end. */
void provoke_spin_twice(void)
{
	spin_lock(&spin);
	atomic_store(&spin.locked, 0);
	spin_lock(&spin);
	spin_unlock(&spin);
	spin_unlock(&spin);
}

void provoke_spin_release(void)
{
	preempt_disable();
	spin_unlock(&spin);
}

void provoke_spin_order(void)
{
	uint64_t flags = spin_lock_irq(&irq_spin);

	spin_lock(&spin);
	spin_unlock(&spin);
	spin_unlock_irq(&irq_spin, flags);
}

void provoke_spin_two(void)
{
	spin_lock(&spin);
	spin_lock(&other_spin);
	spin_unlock(&other_spin);
	spin_unlock(&spin);
}

void provoke_spin_interrupts(void)
{
	spin_lock(&irq_spin);
	spin_unlock(&irq_spin);
}

void provoke_spin_unclassed(void)
{
	struct spinlock lock = { 0 };

	spin_lock(&lock);
	spin_unlock(&lock);
}

static void lock_in_interrupt(struct timer *unused)
{
	spin_lock(&spin);
	spin_unlock(&spin);
	atomic_store(&expired, 1);
}

void provoke_spin_in_interrupt(void)
{
	expired = 0;
	timer_init(&timer, lock_in_interrupt);
	/* This thread must be the interrupted one, for the report to be known as its own. */
	preempt_disable();
	timer_arm(&timer, clock_monotonic_ns());
	while (!atomic_load(&expired))
		cpu_relax();
	preempt_enable();
}

/* Past the check, which would find that it is held twice. */
void provoke_spin_forever(void)
{
	spin_lock(&spin);
	spin_wait(&spin);
}

void provoke_mutex_twice(void)
{
	mutex_lock(&outer);
	outer.owner = NULL;
	mutex_lock(&outer);
	mutex_unlock(&outer);
	lock_note_sleeping_release(&outer.queue, false);
}

void provoke_mutex_order(void)
{
	mutex_lock(&inner[0]);
	mutex_lock(&outer);
	mutex_unlock(&outer);
	mutex_unlock(&inner[0]);
}

void provoke_mutex_addresses(void)
{
	mutex_lock(&inner[1]);
	mutex_lock(&inner[0]);
	mutex_unlock(&inner[0]);
	mutex_unlock(&inner[1]);
}

void provoke_rwlock_release(void)
{
	struct rwlock lock;

	rwlock_init(&lock, LOCK_TEST_OUTER);
	rwlock_read_lock(&lock);
	rwlock_write_unlock(&lock);
	lock_note_sleeping_release(&lock.queue, true);
}

void provoke_user_copy(void)
{
	uint32_t value;

	mutex_lock(&inner[0]);
	(void)get_user_u32(&value, USER_END - PAGE_SIZE);
	mutex_unlock(&inner[0]);
}

void provoke_free_held(void)
{
	struct { char before[8]; struct mutex mutex; } *object = kmalloc(sizeof(*object));

	mutex_init(&object->mutex, LOCK_TEST_INNER);
	mutex_lock(&object->mutex);
	kfree(object);
	lock_note_sleeping_release(&object->mutex.queue, false);
}

static void end_with_lock(void *unused)
{
	mutex_lock(&left_held);
}

void provoke_exit_held(void)
{
	struct thread *thread = thread_create_kernel("careless", end_with_lock, NULL, CLASS_NORMAL);

	KASSERT(thread);
	thread_start(thread);
	sched_sleep_until(clock_monotonic_ns() + NS_PER_SEC, false);
}

/* Takes a lock in the name of process 1, which then goes on in user mode. */
static void lock_for_program(struct timer *unused)
{
	/* The boot thread stands in for it while it is made. */
	if (!init_process || current_process() != init_process || !current_thread()->tid || !mutex_try_lock(&left_held))
		timer_arm(&timer, clock_monotonic_ns() + RETRY_NS);
}

void provoke_return_held(void)
{
	timer_init(&timer, lock_for_program);
	timer_arm(&timer, clock_monotonic_ns() + RETRY_NS);
}
