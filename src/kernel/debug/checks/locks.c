/* SPDX-License-Identifier: MIT */
/*
 * Who holds which locks, and what is wrong with taking one more. Spinlocks are kept by CPU, because a lock may be taken by one thread and released
 * by the next one there (the run queue's); sleeping locks by thread. Nothing here takes a lock.
 */
#include "debug/checks/internal.h"
#include "debug/lock_checks.h"
#include "arch/x86_64/clock_hw.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "sched/thread.h"
#include "sync/wait.h"

enum { HELD_SPIN_MAX = 16, SPIN_SECONDS_MAX = 10 };

struct held_spinlock {
	const struct spinlock *lock;
	const struct thread *thread;	/* who took it */
	const void *place;
};

/* Written by the CPU itself with interrupts off; others look only to say who keeps them waiting. */
static struct cpu_locks {
	struct held_spinlock held[HELD_SPIN_MAX];
	unsigned count;
	unsigned interrupts;		/* handlers that run */
} cpu_locks[CPU_MAX];

static const struct lock_class_info *class_of(const struct spinlock *lock)
{
	return &lock_classes[spinlock_class(lock)];
}

static const struct lock_class_info *sleeping_class_of(const struct wait_queue *lock)
{
	return &lock_classes[lock->lock.class];
}

static const char *thread_name(const struct thread *thread)
{
	return thread ? thread->name : "boot";
}

/* What the table in the README says about @wanted below @held, which is held: NULL when they may be held together. */
static const char *order_broken(const struct lock_class_info *held, const struct lock_class_info *wanted, const void *held_at, const void *wanted_at)
{
	if (held != wanted)
		return held->rank < wanted->rank ? NULL : held->rank == wanted->rank ? "two of one rank" : "out of order";
	if (held->nesting == LOCK_NEST_PARENT_FIRST || (held->nesting == LOCK_NEST_BY_ADDRESS && wanted_at > held_at))
		return NULL;
	return "two of one class";
}

static void report_pair(const char *what, const struct lock_class_info *wanted, const void *place, const struct lock_class_info *held,
			const void *held_place)
{
	char here[PLACE_MAX], there[PLACE_MAX];

	checks_report("lock check: %s: %s (README.md:%u) in %s, under %s (README.md:%u) taken in %s", what, wanted->name, wanted->line,
		      place_name(place, here), held->name, held->line, place_name(held_place, there));
}

static void report_one(const char *what, const struct lock_class_info *class, const void *place)
{
	char here[PLACE_MAX];

	checks_report("lock check: %s: %s (README.md:%u) in %s", what, class->name, class->line, place_name(place, here));
}

static void check_spin_order(const struct spinlock *lock, const void *place)
{
	const struct cpu_locks *locks = &cpu_locks[this_cpu()->id];
	const struct lock_class_info *wanted = class_of(lock);

	for (unsigned i = 0; i < locks->count; i++) {
		const struct held_spinlock *held = &locks->held[i];
		const struct lock_class_info *class = class_of(held->lock);
		const char *what = held->lock == lock ? "taken twice" : order_broken(class, wanted, held->lock, lock);

		if (what)
			report_pair(what, wanted, place, class, held->place);
	}
}

void lock_check_spin(const struct spinlock *lock, bool waits)
{
	const void *place = __builtin_return_address(0);
	const struct lock_class_info *class = class_of(lock);

	if (panic_started())
		return;
	if (lock->class == LOCK_UNCLASSED || lock->class >= LOCK_CLASS_COUNT)
		report_one("no class", class, place);
	else if (!this_cpu()->preempt_count && interrupts_enabled())
		report_one("preemption is on", class, place);
	else if (class->kind == LOCK_KIND_IRQ && interrupts_enabled())
		report_one("interrupts are on", class, place);
	else if (class->kind != LOCK_KIND_IRQ && cpu_locks[this_cpu()->id].interrupts)
		report_one("in an interrupt handler", class, place);
	else if (waits)
		check_spin_order(lock, place);
}

void lock_note_spin(struct spinlock *lock)
{
	uint64_t flags = interrupts_save();
	struct cpu_locks *locks = &cpu_locks[this_cpu()->id];

	lock->owner = this_cpu()->id + 1;
	if (locks->count < HELD_SPIN_MAX)
		locks->held[locks->count++] = (struct held_spinlock){ lock, current_thread(), __builtin_return_address(0) };
	else
		report_one("too many held", class_of(lock), __builtin_return_address(0));
	interrupts_restore(flags);
}

/* Who holds @lock according to its owner: NULL if nobody does. */
static const struct held_spinlock *find_holder(const struct spinlock *lock)
{
	const struct cpu_locks *locks;

	if (!lock->owner || lock->owner > CPU_MAX)
		return NULL;
	locks = &cpu_locks[lock->owner - 1];
	for (unsigned i = 0; i < locks->count && i < HELD_SPIN_MAX; i++)
		if (locks->held[i].lock == lock)
			return &locks->held[i];
	return NULL;
}

static void report_not_held(const struct spinlock *lock, const void *place)
{
	const struct held_spinlock *holder = find_holder(lock);

	if (holder)
		report_pair("released by another CPU than it is held by", class_of(lock), place, class_of(lock), holder->place);
	else
		report_one("released by who does not hold it", class_of(lock), place);
}

void lock_note_spin_release(struct spinlock *lock)
{
	uint64_t flags = interrupts_save();
	struct cpu_locks *locks = &cpu_locks[this_cpu()->id];
	unsigned i = locks->count;

	while (i && locks->held[i - 1].lock != lock)
		i--;
	if (i) {
		for (locks->count--; i <= locks->count; i++)
			locks->held[i - 1] = locks->held[i];
		lock->owner = 0;
	}
	interrupts_restore(flags);
	if (!i && !panic_started())
		report_not_held(lock, __builtin_return_address(0));
}

void lock_check_spin_time(const struct spinlock *lock, uint64_t start, const void *place)
{
	const struct held_spinlock *holder = find_holder(lock);
	char here[PLACE_MAX], there[PLACE_MAX];

	if (!clock_hw_tsc_hz() || cpu_read_tsc() - start < clock_hw_tsc_hz() * SPIN_SECONDS_MAX)
		return;
	checks_report("lock check: waited for %u s: %s (README.md:%u) in %s, held by CPU %d, thread %s since %s", SPIN_SECONDS_MAX, class_of(lock)->name,
		      class_of(lock)->line, place_name(place, here), lock->owner - 1, holder ? thread_name(holder->thread) : "?",
		      holder ? place_name(holder->place, there) : "?");
}

void lock_check_sleeping(const struct wait_queue *lock)
{
	const void *place = __builtin_return_address(0);
	const struct lock_class_info *wanted = sleeping_class_of(lock);
	const struct thread *thread = current_thread();

	if (panic_started() || !thread)
		return;
	if (wanted->kind != LOCK_KIND_SLEEPING)
		report_one("no class of a sleeping lock", wanted, place);
	for (unsigned i = 0; i < thread->held->count; i++) {
		const struct held_lock *held = &thread->held->locks[i];
		const struct lock_class_info *class = sleeping_class_of(held->lock);
		const char *what = held->lock == lock ? "taken twice" : order_broken(class, wanted, held->lock, lock);

		if (what)
			report_pair(what, wanted, place, class, held->place);
	}
}

void lock_note_sleeping(const struct wait_queue *lock, bool shared)
{
	struct thread *thread = current_thread();

	if (!thread)
		return;
	if (thread->held->count < HELD_SLEEPING_MAX)
		thread->held->locks[thread->held->count++] = (struct held_lock){ lock, __builtin_return_address(0), shared };
	else
		report_one("too many held", sleeping_class_of(lock), __builtin_return_address(0));
}

void lock_note_sleeping_release(const struct wait_queue *lock, bool shared)
{
	struct thread *thread = current_thread();
	unsigned i;

	if (!thread)
		return;
	for (i = thread->held->count; i && (thread->held->locks[i - 1].lock != lock || thread->held->locks[i - 1].shared != shared); i--)
		;
	if (!i) {
		if (!panic_started())
			report_one("released by who does not hold it", sleeping_class_of(lock), __builtin_return_address(0));
		return;
	}
	for (thread->held->count--; i <= thread->held->count; i++)
		thread->held->locks[i - 1] = thread->held->locks[i];
}

/* May wait for as long as a server of a file system does not answer; who waits for one of these locks can be killed, and is no part of the system. */
static bool may_be_held_at_user_access(enum lock_class class)
{
	return class == LOCK_FILE_POSITION || class == LOCK_VNODE_WRITE || class == LOCK_PROC_FILE;
}

void lock_check_user_access(void)
{
	const struct lock_class_info *wanted = &lock_classes[LOCK_ADDRESS_SPACE];
	const struct thread *thread = current_thread();

	if (panic_started() || !thread || preemption_is_off())
		return;
	for (unsigned i = 0; i < thread->held->count; i++) {
		const struct held_lock *held = &thread->held->locks[i];

		if (!may_be_held_at_user_access(held->lock->lock.class))
			report_pair("access to user memory", wanted, __builtin_return_address(0), sleeping_class_of(held->lock), held->place);
	}
}

static void check_nothing_held(const char *what)
{
	const struct cpu_locks *locks;
	const struct thread *thread = current_thread();

	if (thread->held->count)
		report_one(what, sleeping_class_of(thread->held->locks[0].lock), thread->held->locks[0].place);
	if (!preemption_is_off())
		return;
	locks = &cpu_locks[this_cpu()->id];
	if (locks->count)
		report_one(what, class_of(locks->held[0].lock), locks->held[0].place);
	else
		checks_report("lock check: %s: preemption is off (%u)", what, this_cpu()->preempt_count);
}

void lock_check_user_return(void)
{
	check_nothing_held("held on the way to user mode");
}

void lock_check_thread_exit(void)
{
	check_nothing_held("held by a thread that ends");
}

void lock_check_freed(const void *start, size_t len)
{
	uint64_t flags = interrupts_save();
	const struct cpu_locks *locks = &cpu_locks[this_cpu()->id];
	const struct thread *thread = current_thread();

	for (unsigned i = 0; i < locks->count; i++)
		if ((uintptr_t)locks->held[i].lock - (uintptr_t)start < len)
			report_one("freed while held", class_of(locks->held[i].lock), locks->held[i].place);
	for (unsigned i = 0; thread && i < thread->held->count; i++)
		if ((uintptr_t)thread->held->locks[i].lock - (uintptr_t)start < len)
			report_one("freed while held", sleeping_class_of(thread->held->locks[i].lock), thread->held->locks[i].place);
	interrupts_restore(flags);
}

void lock_note_interrupt(bool begins)
{
	if (begins)
		cpu_locks[this_cpu()->id].interrupts++;
	else
		cpu_locks[this_cpu()->id].interrupts--;
}

void sleep_check(void)
{
	const struct cpu_locks *locks;
	char here[PLACE_MAX], there[PLACE_MAX];

	if (panic_started())
		return;
	if (preemption_is_off()) {
		locks = &cpu_locks[this_cpu()->id];
		checks_report("sleep check: preemption is off (%u) in %s%s%s%s%s", this_cpu()->preempt_count, place_name(__builtin_return_address(0), here),
			      locks->count ? ", under " : "", locks->count ? class_of(locks->held[0].lock)->name : "",
			      locks->count ? " taken in " : "", locks->count ? place_name(locks->held[0].place, there) : "");
	} else if (!interrupts_enabled()) {
		checks_report("sleep check: interrupts are off in %s", place_name(__builtin_return_address(0), here));
	}
}
