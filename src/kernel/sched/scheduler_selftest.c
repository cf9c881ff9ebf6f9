/* SPDX-License-Identifier: MIT */
/* Threads: they start, run and end; better classes first; a busy one is preempted; sleeping and yielding. */
#include "lib/atomic.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

enum { THREADS = 40, TURNS = 1000 };

static struct selftest_group group;
static uint32_t count;			/* atomic */

static void count_one(void *arg)
{
	atomic_add(&count, (uint32_t)(uintptr_t)arg);
}

SELFTEST(threads_start_run_and_end)
{
	struct sched_stats stats;
	unsigned before;
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	sched_get_stats(&stats);
	before = stats.threads;
	selftest_group_init(&group);
	count = 0;
	for (uintptr_t i = 1; i <= THREADS; i++)
		selftest_start(&group, CLASS_NORMAL, count_one, (void *)i);
	if (!selftest_join(&group))
		return;
	SELFTEST_CHECK(count == THREADS * (THREADS + 1) / 2);
	/* The last one may still be on its way out. */
	do {
		sched_yield();
		sched_get_stats(&stats);
	} while (stats.threads > before && clock_monotonic_ns() < deadline);
	SELFTEST_CHECK(stats.threads <= before);
}

static uint32_t order[CLASS_COUNT], order_count;	/* order_count is atomic; each slot has one writer */

static void record_class(void *arg)
{
	order[atomic_add(&order_count, 1) - 1] = (uintptr_t)arg;
}

SELFTEST(better_classes_run_first)
{
	selftest_group_init(&group);
	order_count = 0;
	preempt_disable();
	for (int i = CLASS_COUNT - 1; i >= 0; i--)
		selftest_start(&group, i, record_class, (void *)(uintptr_t)i);
	SELFTEST_CHECK(order_count == 0);
	preempt_enable();
	/* A fair turn may come between the others, but never before the real-time one; woken_better_thread_preempts_at_once looks at when. */
	if (!selftest_join(&group))
		return;
	SELFTEST_CHECK(order_count == CLASS_COUNT && order[0] == CLASS_REALTIME);
	SELFTEST_CHECK(order[CLASS_COUNT - 1] == CLASS_IDLE);
}

static uint32_t other_ran, busy_saw_it;		/* atomic */

/* Never gives the CPU up by itself. */
static void spin(void *unused)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	while (!atomic_load(&other_ran) && clock_monotonic_ns() < deadline)
		cpu_relax();
	atomic_store(&busy_saw_it, atomic_load(&other_ran));
}

static void set_flag(void *flag)
{
	atomic_store((uint32_t *)flag, 1);
}

SELFTEST(busy_thread_is_preempted)
{
	selftest_group_init(&group);
	other_ran = busy_saw_it = 0;
	preempt_disable();
	selftest_start(&group, CLASS_NORMAL, spin, NULL);
	selftest_start(&group, CLASS_NORMAL, set_flag, &other_ran);
	preempt_enable();
	selftest_join(&group);
	SELFTEST_CHECK(busy_saw_it);
}

SELFTEST(woken_better_thread_preempts_at_once)
{
	uint32_t *flag = &count;

	selftest_group_init(&group);
	*flag = 0;
	selftest_start(&group, CLASS_HIGH, set_flag, flag);
	SELFTEST_CHECK(atomic_load(flag));
	selftest_join(&group);
}

SELFTEST(sleeps_are_not_too_short)
{
	static const uint64_t durations[] = { 0, 1, 1000, 50 * NS_PER_US, NS_PER_MS, 3 * NS_PER_MS + 1, 15 * NS_PER_MS };

	for (unsigned i = 0; i < ARRAY_LEN(durations); i++) {
		uint64_t start = clock_monotonic_ns();

		SELFTEST_CHECK(sched_sleep_until(start + durations[i], false) == 0);
		SELFTEST_CHECK(clock_monotonic_ns() >= start + durations[i]);
	}
	SELFTEST_CHECK(sched_sleep_until(0, false) == 0);
}

static uint64_t slept_until[THREADS];

static void sleep_a_little(void *arg)
{
	uintptr_t index = (uintptr_t)arg;

	sched_sleep_until(clock_monotonic_ns() + (index % 7 + 1) * NS_PER_MS, false);
	slept_until[index] = clock_monotonic_ns();
}

SELFTEST(many_threads_sleep_at_once)
{
	uint64_t start = clock_monotonic_ns();

	selftest_group_init(&group);
	for (uintptr_t i = 0; i < THREADS; i++)
		selftest_start(&group, CLASS_NORMAL, sleep_a_little, (void *)i);
	if (!selftest_join(&group))
		return;
	for (unsigned i = 0; i < THREADS; i++)
		SELFTEST_CHECK(slept_until[i] >= start + (i % 7 + 1) * NS_PER_MS);
}

static uint32_t turn;		/* atomic: whose turn it is, and how often it changed */

/* Waits for even or odd numbers by yielding alone. */
static void take_turns(void *arg)
{
	uint32_t parity = (uintptr_t)arg;
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	for (int i = 0; i < TURNS; i++) {
		while (atomic_load(&turn) % 2 != parity)
			if (clock_monotonic_ns() < deadline)
				sched_yield();
			else
				return;
		atomic_add(&turn, 1);
	}
}

SELFTEST(yield_lets_others_run)
{
	selftest_group_init(&group);
	turn = 0;
	selftest_start(&group, CLASS_NORMAL, take_turns, (void *)0);
	selftest_start(&group, CLASS_NORMAL, take_turns, (void *)1);
	selftest_join(&group);
	SELFTEST_CHECK(turn == 2 * TURNS);
}
