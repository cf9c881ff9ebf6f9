/* SPDX-License-Identifier: MIT */
/* Wait queues: no wake-up is lost, time-outs are real, wake_one wakes one. A deadline that only a hang reaches turns a lost wake-up into a failure. */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "sync/wait.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

enum { EXCHANGES = 10000, WAITERS = 6, STORM = 3000 };

static struct selftest_group group;
static struct wait_queue queues[2];
static uint32_t ball;			/* atomic: who has it */
static uint32_t exchanges[2], timeouts;	/* atomic */

static int wait_while(struct wait_queue *queue, const uint32_t *word, uint32_t value, bool exclusive)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;
	struct waiter waiter;
	int error = 0;

	if (exclusive)
		wait_begin_exclusive(queue, &waiter);
	else
		wait_begin(queue, &waiter);
	while (!error && atomic_load(word) == value)
		error = wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	if (error)
		atomic_add(&timeouts, 1);
	return error;
}

static void play(void *arg)
{
	uint32_t me = (uintptr_t)arg;

	for (int i = 0; i < EXCHANGES; i++) {
		if (wait_while(&queues[me], &ball, !me, false))
			return;
		exchanges[me]++;
		atomic_store(&ball, !me);
		wake_one(&queues[!me]);
	}
}

static void play_match(enum sched_class first, enum sched_class second)
{
	selftest_group_init(&group);
	wait_queue_init(&queues[0]);
	wait_queue_init(&queues[1]);
	ball = exchanges[0] = exchanges[1] = timeouts = 0;
	selftest_start(&group, first, play, (void *)0);
	selftest_start(&group, second, play, (void *)1);
	selftest_join(&group);
	SELFTEST_CHECK(exchanges[0] == EXCHANGES && exchanges[1] == EXCHANGES && !timeouts);
}

SELFTEST(ping_pong_loses_no_wakeup)
{
	play_match(CLASS_NORMAL, CLASS_NORMAL);
}

/* One class apart, so that every wake-up preempts the waker in the middle of things. */
SELFTEST(ping_pong_across_classes)
{
	play_match(CLASS_LOW, CLASS_HIGH);
}

static struct timer storm_timer;
static uint32_t tickets, taken;		/* atomic */

static void storm_expire(struct timer *timer)
{
	if (atomic_add(&tickets, 1) < STORM)
		timer_arm(timer, clock_monotonic_ns() + 20 * NS_PER_US);
	wake_one(&queues[0]);
}

/* Takes one of the tickets that the timer interrupt hands out, until all have been taken. */
static void take_tickets(void *unused)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	for (;;) {
		uint32_t mine = atomic_load(&taken);
		struct waiter waiter;
		int error = 0;

		wait_begin(&queues[0], &waiter);
		while (!error && mine < STORM && atomic_load(&tickets) <= mine) {
			error = wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE);
			mine = atomic_load(&taken);
		}
		wait_end(&waiter);
		if (mine >= STORM || error)
			break;
		atomic_compare_exchange(&taken, &mine, mine + 1);
	}
	wake_all(&queues[0]);
}

SELFTEST(wakeups_from_interrupts_reach_sleepers)
{
	selftest_group_init(&group);
	wait_queue_init(&queues[0]);
	tickets = taken = 0;
	timer_init(&storm_timer, storm_expire);
	for (int i = 0; i < 3; i++)
		selftest_start(&group, CLASS_NORMAL, take_tickets, NULL);
	timer_arm(&storm_timer, 0);
	selftest_join(&group);
	SELFTEST_CHECK(tickets == STORM && taken == STORM);
	timer_cancel(&storm_timer);
}

/* What lies behind the queue must not be taken for a waiter. */
static struct { struct wait_queue queue; uint8_t behind[sizeof(struct waiter)]; } raced;
static uint32_t raids;			/* atomic */

static void raid_expire(struct timer *timer)
{
	if (atomic_add(&raids, 1) < STORM)
		timer_arm(timer, clock_monotonic_ns() + 20 * NS_PER_US);
	wake_one(&raced.queue);
}

/* An interrupt empties the queue anywhere inside wake_one, also between its look at the queue and its lock. */
SELFTEST(queue_may_empty_under_the_waker)
{
	int error = 0;

	wait_queue_init(&raced.queue);
	memset(raced.behind, 0xff, sizeof(raced.behind));
	raids = 0;
	timer_init(&storm_timer, raid_expire);
	timer_arm(&storm_timer, 0);
	while (!error && atomic_load(&raids) < STORM) {
		uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;
		struct waiter waiter = { .queue = &raced.queue, .thread = current_thread(), .once = true };
		uint64_t flags = spin_lock_irq(&raced.queue.lock);

		list_push_front(&raced.queue.waiters, &waiter.link);
		spin_unlock_irq(&raced.queue.lock, flags);
		wake_one(&raced.queue);
		/* A raid on another processor may have taken the waiter out and not told it yet. */
		while (!error && !atomic_load(&waiter.woken))
			error = clock_monotonic_ns() < deadline ? 0 : -ETIMEDOUT;
	}
	SELFTEST_CHECK(!error);
	timer_cancel(&storm_timer);
}

SELFTEST(wait_times_out)
{
	static const uint64_t spans[] = { 0, 1, 100 * NS_PER_US, 3 * NS_PER_MS };
	struct waiter waiter;

	wait_queue_init(&queues[0]);
	wait_begin(&queues[0], &waiter);
	for (unsigned i = 0; i < ARRAY_LEN(spans); i++) {
		uint64_t deadline = clock_monotonic_ns() + spans[i];

		SELFTEST_CHECK(wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE) == -ETIMEDOUT);
		SELFTEST_CHECK(clock_monotonic_ns() >= deadline);
	}
	SELFTEST_CHECK(wait_block(&waiter, 0, WAIT_INTERRUPTIBLE) == -ETIMEDOUT);
	/* A wake-up before the sleep counts, once. */
	wake_all(&queues[0]);
	SELFTEST_CHECK(wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE) == 0);
	SELFTEST_CHECK(wait_block(&waiter, clock_monotonic_ns() + NS_PER_MS, WAIT_UNINTERRUPTIBLE) == -ETIMEDOUT);
	wait_end(&waiter);
	/* Nobody is left in the queue. */
	SELFTEST_CHECK(list_empty(&queues[0].waiters));
	wake_all(&queues[0]);
}

static uint32_t go, woken_count;	/* atomic */

/* Counts each return of wait_block, whether there was a reason or not. */
static void wait_exclusively(void *unused)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;
	struct waiter waiter;
	int error = 0;

	wait_begin_exclusive(&queues[0], &waiter);
	while (!error && !atomic_load(&go)) {
		error = wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE);
		atomic_add(&woken_count, 1);
	}
	wait_end(&waiter);
	if (error)
		atomic_add(&timeouts, 1);
}

static unsigned queue_length(struct wait_queue *queue)
{
	uint64_t flags = spin_lock_irq(&queue->lock);
	struct waiter *waiter;
	unsigned length = 0;

	list_for_each(waiter, &queue->waiters, link)
		length++;
	spin_unlock_irq(&queue->lock, flags);
	return length;
}

SELFTEST(wake_one_wakes_one_exclusive_waiter)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;

	selftest_group_init(&group);
	wait_queue_init(&queues[0]);
	go = woken_count = timeouts = 0;
	for (int i = 0; i < WAITERS; i++)
		selftest_start(&group, CLASS_HIGH, wait_exclusively, NULL);
	while (queue_length(&queues[0]) < WAITERS && clock_monotonic_ns() < deadline)
		sched_yield();
	for (uint32_t i = 1; i <= 3; i++) {
		wake_one(&queues[0]);
		while (atomic_load(&woken_count) < i && clock_monotonic_ns() < deadline)
			sched_yield();
		sched_sleep_until(clock_monotonic_ns() + NS_PER_MS, false);	/* time for too many to show up */
		SELFTEST_CHECK(woken_count == i);
	}
	atomic_store(&go, 1);
	wake_all(&queues[0]);
	selftest_join(&group);
	SELFTEST_CHECK(!timeouts && list_empty(&queues[0].waiters));
}
