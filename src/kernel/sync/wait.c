/* SPDX-License-Identifier: MIT */
/* Wait queues. The waker sets waiter->woken before it makes the thread ready; the sleeper announces its sleep before it looks at woken. */
#include "sync/wait.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "process/signal.h"
#include "sched/scheduler.h"
#include "sched/thread.h"

void wait_queue_init(struct wait_queue *queue)
{
	spinlock_init(&queue->lock);
	list_init(&queue->waiters);
}

static void enqueue(struct wait_queue *queue, struct waiter *waiter, bool exclusive)
{
	uint64_t flags;

	*waiter = (struct waiter){ .queue = queue, .thread = current_thread(), .exclusive = exclusive };
	flags = spin_lock_irq(&queue->lock);
	/* Exclusive waiters stand at the end in order of arrival, so that wake_one reaches all the others first. */
	if (exclusive)
		list_push_back(&queue->waiters, &waiter->link);
	else
		list_push_front(&queue->waiters, &waiter->link);
	spin_unlock_irq(&queue->lock, flags);
	/* The caller looks at its condition next, perhaps without a lock; a waker changes it first and looks at the queue then. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void wait_begin(struct wait_queue *queue, struct waiter *waiter)
{
	enqueue(queue, waiter, false);
}

void wait_begin_exclusive(struct wait_queue *queue, struct waiter *waiter)
{
	enqueue(queue, waiter, true);
}

static bool interrupted(enum wait_mode mode)
{
	if (mode == WAIT_UNINTERRUPTIBLE || !current_thread()->process)
		return false;
	return mode == WAIT_INTERRUPTIBLE ? signal_pending() : signal_fatal_pending();
}

int wait_block(struct waiter *waiter, uint64_t deadline, enum wait_mode mode)
{
	struct thread *thread = current_thread();
	int error = 0;

	preempt_disable();
	thread->wait_timed_out = false;
	thread_announce_sleep(THREAD_SLEEPING, mode);
	if (atomic_exchange(&waiter->woken, 0)) {
		scheduler_make_ready(thread, THREAD_SLEEPING);
		preempt_enable();
		return 0;
	}
	if (interrupted(mode)) {
		scheduler_make_ready(thread, THREAD_SLEEPING);
		preempt_enable();
		return -ERESTARTSYS;
	}
	if (deadline != WAIT_FOREVER)
		timer_arm(&thread->sleep_timer, deadline);
	scheduler_block();
	if (deadline != WAIT_FOREVER)
		timer_cancel(&thread->sleep_timer);
	preempt_enable();
	if (atomic_exchange(&waiter->woken, 0))
		return 0;
	if (thread->wait_timed_out)
		error = -ETIMEDOUT;
	else if (interrupted(mode))
		error = -ERESTARTSYS;
	return error;
}

void wait_end(struct waiter *waiter)
{
	uint64_t flags = spin_lock_irq(&waiter->queue->lock);

	list_remove(&waiter->link);
	spin_unlock_irq(&waiter->queue->lock, flags);
}

static void wake(struct wait_queue *queue, bool all)
{
	uint64_t flags = spin_lock_irq(&queue->lock);
	struct waiter *waiter, *next;

	list_for_each_safe(waiter, next, &queue->waiters, link) {
		bool stop = waiter->exclusive && !all && !waiter->woken;

		if (waiter->notify) {
			waiter->notify(waiter);
			continue;
		}
		atomic_store(&waiter->woken, 1);
		scheduler_make_ready(waiter->thread, THREAD_SLEEPING);
		if (stop)
			break;
	}
	spin_unlock_irq(&queue->lock, flags);
}

void wake_one(struct wait_queue *queue)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the caller's change of the condition comes before the look at the queue */
	if (!list_empty(&queue->waiters))
		wake(queue, false);
}

void wake_all(struct wait_queue *queue)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!list_empty(&queue->waiters))
		wake(queue, true);
}
