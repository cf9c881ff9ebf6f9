/* SPDX-License-Identifier: MIT */
/* The thread of a cache: writes back what is old or too much. It sleeps while nothing has changed. */
#include "block/block_internal.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "sched/clock.h"
#include "sched/thread.h"

/* Not in the cache, which may go as soon as thread_runs is false. */
static struct wait_queue ended_queue = WAIT_QUEUE_INIT(ended_queue);

static void write_back_thread(void *arg)
{
	struct block_cache *cache = arg;
	struct waiter waiter;

	while (!atomic_load(&cache->thread_stop)) {
		uint64_t next;

		atomic_store(&cache->thread_kicked, 0);
		next = write_back_poll(cache, clock_monotonic_ns());
		wait_begin(&cache->thread_queue, &waiter);
		while (!atomic_load(&cache->thread_kicked) && !atomic_load(&cache->thread_stop))
			if (wait_block(&waiter, next, WAIT_UNINTERRUPTIBLE))
				break;
		wait_end(&waiter);
	}
	atomic_store(&cache->thread_runs, false);
	wake_all(&ended_queue);
}

int block_cache_start_thread(struct block_cache *cache)
{
	struct thread *thread = thread_create_kernel("write-back", write_back_thread, cache, CLASS_NORMAL);

	if (!thread)
		return -ENOMEM;
	KASSERT(!cache->thread_runs);
	cache->thread_runs = true;
	thread_start(thread);
	return 0;
}

void block_cache_wake_thread(struct block_cache *cache)
{
	atomic_store(&cache->thread_kicked, 1);
	wake_all(&cache->thread_queue);
}

void block_cache_stop_thread(struct block_cache *cache)
{
	struct waiter waiter;

	atomic_store(&cache->thread_stop, true);
	wake_all(&cache->thread_queue);
	wait_begin(&ended_queue, &waiter);
	while (atomic_load(&cache->thread_runs))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
}
