/* SPDX-License-Identifier: MIT */
/* Timers: in order, never early, from the interrupt; cancelled ones do not come, re-armed ones come when said last. And the clock. */
#include "arch/x86_64/smp.h"
#include "lib/atomic.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sync/wait.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

enum { TIMERS = 8, ROUNDS = 5, READS = 20000 };

static struct probe {
	struct timer timer;
	uint64_t expired_at;
	uint32_t rank;			/* which to expire, from 1; 0: did not */
	bool interrupts_were_on, cpu_was_preemptible;
} probes[TIMERS];
static uint32_t expired;		/* atomic */

static void probe_expire(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->expired_at = clock_monotonic_ns();
	probe->interrupts_were_on = interrupts_enabled();
	probe->cpu_was_preemptible = this_cpu()->preempt_count == 0;
	probe->rank = atomic_add(&expired, 1);
}

static void probes_init(void)
{
	expired = 0;
	for (unsigned i = 0; i < TIMERS; i++) {
		probes[i] = (struct probe){ 0 };
		timer_init(&probes[i].timer, probe_expire);
	}
}

static bool wait_for_count(uint32_t wanted)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	while (atomic_load(&expired) < wanted && clock_monotonic_ns() < deadline)
		sched_sleep_until(clock_monotonic_ns() + NS_PER_MS, false);
	return atomic_load(&expired) >= wanted;
}

SELFTEST(timers_expire_in_order_and_not_early)
{
	static const uint8_t places[TIMERS] = { 5, 1, 7, 0, 3, 6, 2, 4 };
	uint64_t start, flags;

	probes_init();
	/* All are armed before the first can expire, however slow the host is. */
	flags = interrupts_save();
	start = clock_monotonic_ns() + NS_PER_MS;
	for (unsigned i = 0; i < TIMERS; i++)
		timer_arm(&probes[i].timer, start + places[i] * 200 * NS_PER_US);
	interrupts_restore(flags);
	SELFTEST_CHECK(wait_for_count(TIMERS));
	for (unsigned i = 0; i < TIMERS; i++) {
		SELFTEST_CHECK(probes[i].rank == places[i] + 1u);
		SELFTEST_CHECK(probes[i].expired_at >= start + places[i] * 200 * NS_PER_US);
		SELFTEST_CHECK(!probes[i].interrupts_were_on && !probes[i].cpu_was_preemptible);
	}
}

SELFTEST(timers_of_one_deadline_all_expire)
{
	uint64_t deadline = clock_monotonic_ns() + NS_PER_MS;

	probes_init();
	for (unsigned i = 0; i < TIMERS; i++)
		timer_arm(&probes[i].timer, i % 2 ? deadline : 0);	/* half of them long past */
	SELFTEST_CHECK(wait_for_count(TIMERS));
	for (unsigned i = 0; i < TIMERS; i++)
		SELFTEST_CHECK(probes[i].rank);
}

SELFTEST(cancelled_timer_does_not_expire)
{
	uint64_t now = clock_monotonic_ns();

	probes_init();
	SELFTEST_CHECK(!timer_cancel(&probes[0].timer));
	timer_arm(&probes[0].timer, now + SELFTEST_PATIENCE_NS);
	timer_arm(&probes[1].timer, now + 20 * NS_PER_MS);
	timer_arm(&probes[2].timer, now + 21 * NS_PER_MS);
	SELFTEST_CHECK(timer_cancel(&probes[0].timer) && !timer_cancel(&probes[0].timer));
	/* On a slow host this one may have come already: then cancel says so. */
	SELFTEST_CHECK(timer_cancel(&probes[1].timer) == !probes[1].rank);
	SELFTEST_CHECK(wait_for_count(probes[1].rank ? 2 : 1));
	SELFTEST_CHECK(probes[2].rank && !probes[0].rank && !probes[0].timer.armed);
	SELFTEST_CHECK(!timer_cancel(&probes[2].timer));
}

SELFTEST(rearmed_timer_expires_once_at_the_new_time)
{
	uint64_t now, later;

	probes_init();
	preempt_disable();
	now = clock_monotonic_ns();
	later = now + 4 * NS_PER_MS;
	timer_arm(&probes[0].timer, now + SELFTEST_PATIENCE_NS);
	timer_arm(&probes[0].timer, now + 2 * NS_PER_MS);	/* earlier */
	timer_arm(&probes[1].timer, later + SELFTEST_PATIENCE_NS);
	timer_arm(&probes[1].timer, later);
	timer_arm(&probes[2].timer, SELFTEST_PATIENCE_NS);
	timer_arm(&probes[2].timer, later + 2 * NS_PER_MS);
	preempt_enable();
	SELFTEST_CHECK(wait_for_count(3));
	sched_sleep_until(clock_monotonic_ns() + 2 * NS_PER_MS, false);
	SELFTEST_CHECK(expired == 3);
	SELFTEST_CHECK(probes[0].expired_at >= now + 2 * NS_PER_MS && probes[1].expired_at >= later);
	SELFTEST_CHECK(probes[2].expired_at >= later + 2 * NS_PER_MS);
}

static struct timer periodic;
static uint64_t periodic_last;
static uint32_t periodic_early;
static struct wait_queue periodic_queue;

static void periodic_expire(struct timer *timer)
{
	uint64_t now = clock_monotonic_ns();

	if (now < periodic_last + NS_PER_MS)
		periodic_early++;
	periodic_last = now;
	if (atomic_add(&expired, 1) < ROUNDS)
		timer_arm(timer, now + NS_PER_MS);
	wake_all(&periodic_queue);
}

/* Re-arms itself in its expire function, and wakes a sleeper from there. */
SELFTEST(timer_rearms_itself_and_wakes)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;
	struct waiter waiter;
	int error = 0;

	expired = periodic_early = 0;
	wait_queue_init(&periodic_queue);
	timer_init(&periodic, periodic_expire);
	periodic_last = clock_monotonic_ns();
	wait_begin(&periodic_queue, &waiter);
	timer_arm(&periodic, periodic_last + NS_PER_MS);
	while (!error && atomic_load(&expired) < ROUNDS)
		error = wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	SELFTEST_CHECK(!error && !periodic_early);
	SELFTEST_CHECK(!timer_cancel(&periodic) && expired == ROUNDS);
}

static struct timer busy;
static uint32_t busy_begun, busy_armed_again, busy_ended;	/* atomic */

/* Does not end before it was armed again from another CPU, nor soon afterwards. */
static void busy_expire(struct timer *timer)
{
	uint64_t end;

	if (atomic_add(&busy_begun, 1) > 1)
		return;
	while (!atomic_load(&busy_armed_again))
		cpu_relax();
	for (end = clock_monotonic_ns() + 5 * NS_PER_MS; clock_monotonic_ns() < end;)
		cpu_relax();
	atomic_store(&busy_ended, 1);
}

/* With one CPU nobody can arm it meanwhile: ci/tests/test_boot.py runs this with two. */
SELFTEST(timer_armed_again_while_it_expires_is_waited_for)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS, affinity = current_thread()->affinity;

	while (!cpus_several() && smp_others_wanted() && clock_monotonic_ns() < deadline)
		sched_sleep_until(clock_monotonic_ns() + NS_PER_MS, false);
	if (!cpus_several())
		return;
	busy_begun = busy_armed_again = busy_ended = 0;
	timer_init(&busy, busy_expire);
	SELFTEST_CHECK(!sched_set_affinity(current_thread(), 1));
	timer_arm(&busy, clock_monotonic_ns() + 20 * NS_PER_MS);
	SELFTEST_CHECK(!sched_set_affinity(current_thread(), 2));
	while (!atomic_load(&busy_begun) && clock_monotonic_ns() < deadline)
		cpu_relax();
	timer_arm(&busy, deadline);
	atomic_store(&busy_armed_again, 1);
	timer_cancel(&busy);
	SELFTEST_CHECK(atomic_load(&busy_ended) && busy_begun == 1 && !busy.armed);
	SELFTEST_CHECK(!sched_set_affinity(current_thread(), affinity));
}

SELFTEST(clock_never_runs_backwards)
{
	uint64_t last = clock_monotonic_ns(), first = last;

	for (int i = 0; i < READS; i++) {
		uint64_t now = clock_monotonic_ns();

		if (now < last) {
			SELFTEST_CHECK(now >= last);
			return;
		}
		last = now;
	}
	SELFTEST_CHECK(last > first);
}

SELFTEST(realtime_follows_the_monotonic_clock)
{
	uint64_t before = clock_monotonic_ns(), saved = clock_realtime_ns(), wanted = 86400 * 365 * NS_PER_SEC, start, end, read;

	start = clock_monotonic_ns();
	clock_set_realtime_ns(wanted);
	read = clock_realtime_ns();
	end = clock_monotonic_ns();
	clock_set_realtime_ns(saved + (clock_monotonic_ns() - before));
	SELFTEST_CHECK(read >= wanted && read - wanted <= end - start);
	SELFTEST_CHECK(clock_realtime_ns() >= saved);
}
