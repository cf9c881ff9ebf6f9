/* SPDX-License-Identifier: MIT */
/* Starting and joining the threads of self-tests. */
#include "test/selftest_threads.h"
#include "lib/atomic.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "test/selftest.h"

struct start { struct selftest_group *group; void (*fn)(void *arg); void *arg; };

void selftest_group_init(struct selftest_group *group)
{
	group->running = 0;
	wait_queue_init(&group->ended);
}

static void run(void *arg)
{
	struct start start = *(struct start *)arg;

	kfree(arg);
	start.fn(start.arg);
	atomic_sub(&start.group->running, 1);
	wake_all(&start.group->ended);
}

bool selftest_start(struct selftest_group *group, enum sched_class sched_class, void (*fn)(void *arg), void *arg)
{
	struct start *start = kmalloc(sizeof(*start));
	struct thread *thread = start ? thread_create_kernel("selftest", run, start, sched_class) : NULL;

	SELFTEST_CHECK(thread != NULL);
	if (!thread) {
		kfree(start);
		return false;
	}
	*start = (struct start){ group, fn, arg };
	preempt_disable();
	thread->affinity = 1ull << this_cpu()->id;
	preempt_enable();
	atomic_add(&group->running, 1);
	thread_start(thread);
	return true;
}

bool selftest_join(struct selftest_group *group)
{
	uint64_t deadline = clock_monotonic_ns() + SELFTEST_PATIENCE_NS;
	struct waiter waiter;
	int error = 0;

	wait_begin(&group->ended, &waiter);
	while (atomic_load(&group->running) && !error)
		error = wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	SELFTEST_CHECK(!error);
	return !error;
}

