/* SPDX-License-Identifier: MIT */
/*
 * Before memory runs out: the list of shrinkers, run by whoever needs memory, and by a thread that is woken when little is left, so that
 * allocations that cannot wait for shrinkers find something.
 *
 * Locks: shrinker_lock (mutex) guards the list and serialises reclaim. It is never taken with another lock held.
 */
#include "mm/oom.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/reclaim.h"
#include "lib/atomic.h"
#include "lib/panic.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "sync/mutex.h"

enum { ROUNDS_MAX = 16, PAUSE_NS = 50 * 1000 * 1000 };

static struct mutex shrinker_lock = MUTEX_INIT(shrinker_lock, LOCK_SHRINKERS);
static struct list shrinkers = LIST_INIT(shrinkers);	/* guarded by shrinker_lock */
static size_t (*write_dirty)(size_t frames, bool wait);		/* atomic */
static struct wait_queue reclaim_queue = WAIT_QUEUE_INIT(reclaim_queue);
static uint32_t requested;				/* atomic: free memory fell below the mark */
static bool thread_ready;				/* atomic: timers and the thread exist */
static struct timer wake_timer;

static struct shrinker object_shrinker = { .name = "clean file pages", .shrink = vm_object_shrink_all };

void shrinker_register(struct shrinker *shrinker)
{
	mutex_lock(&shrinker_lock);
	list_push_back(&shrinkers, &shrinker->link);
	mutex_unlock(&shrinker_lock);
}

static size_t run_shrinkers(size_t frames)
{
	struct shrinker *shrinker;
	size_t freed = 0;

	KASSERT(!mutex_held(&shrinker_lock));
	mutex_lock(&shrinker_lock);
	list_for_each(shrinker, &shrinkers, link)
		if (freed < frames)
			freed += shrinker->shrink(frames - freed);
	mutex_unlock(&shrinker_lock);
	return freed;
}

void memory_reclaim_by_writing(size_t (*write)(size_t frames, bool wait))
{
	atomic_store(&write_dirty, write);
}

size_t memory_reclaim(size_t frames)
{
	size_t (*write)(size_t, bool) = atomic_load(&write_dirty);
	size_t freed = 0;

	for (unsigned round = 0; round < ROUNDS_MAX && freed < frames; round++) {
		size_t before = freed;

		freed += run_shrinkers(frames - freed);
		/*
		 * Not under the lock: who is to write may need memory for that. What was freed is not waited with: others would take it. What became
		 * clean is freed in the next round.
		 */
		if (freed < frames && !(write && write(frames - freed, !freed)) && freed == before)
			break;
	}
	return freed;
}

/* ---- The thread ---- */

static void wake_reclaim(struct timer *timer)
{
	wake_all(&reclaim_queue);
}

void reclaim_request(void)
{
	/* Allocations happen under all kinds of locks, so no thread is woken from here: the timer interrupt does it. */
	if (!atomic_load(&thread_ready) || atomic_exchange(&requested, 1))
		return;
	timer_arm(&wake_timer, clock_monotonic_ns());
}

static void reclaim_thread(void *unused)
{
	for (;;) {
		size_t wanted = 3 * frame_reserve(), left;
		struct waiter waiter;

		wait_begin(&reclaim_queue, &waiter);
		while (!atomic_load(&requested))
			wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
		wait_end(&waiter);
		/* Looked at once: others free memory meanwhile, and what is wanted must not become less than nothing. */
		left = frame_free();
		if (left < wanted)
			memory_reclaim(wanted - left);
		/* Not at once again, in case nothing can be freed: then those who need memory find out themselves. */
		sched_sleep_until(clock_monotonic_ns() + PAUSE_NS, false);
		atomic_store(&requested, 0);
	}
}

void mm_start_reclaim(void)
{
	struct thread *thread = thread_create_kernel("reclaim", reclaim_thread, NULL, CLASS_HIGH);

	if (!thread)
		panic("not enough memory for the reclaim thread");
	shrinker_register(&object_shrinker);
	timer_init(&wake_timer, wake_reclaim);
	thread_start(thread);
	atomic_store(&thread_ready, true);
}
