/* SPDX-License-Identifier: MIT */
/* Wait queues. waiter->woken is set, and looked at before sleeping, under the lock of the thread's run queue. */
#include "sync/wait.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "process/signal.h"
#include "sched/switch.h"
#include "sync/mutex.h"

void wait_queue_init_class(struct wait_queue *queue, enum lock_class class)
{
	spinlock_init(&queue->lock, class);
	list_init(&queue->waiters);
}

void wait_queue_init(struct wait_queue *queue)
{
	wait_queue_init_class(queue, LOCK_WAIT_QUEUE);
}

static inline __attribute__((always_inline)) void enqueue(struct wait_queue *queue, struct waiter *waiter, bool exclusive,
							  bool (*notify)(struct waiter *waiter))
{
	uint64_t flags;

	*waiter = (struct waiter){ .queue = queue, .thread = current_thread(), .notify = notify, .exclusive = exclusive };
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
	enqueue(queue, waiter, false, NULL);
}

void wait_begin_exclusive(struct wait_queue *queue, struct waiter *waiter)
{
	enqueue(queue, waiter, true, NULL);
}

void wait_begin_notify(struct wait_queue *queue, struct waiter *waiter, bool exclusive, bool (*notify)(struct waiter *waiter))
{
	enqueue(queue, waiter, exclusive, notify);
}

int wait_sleep(struct waiter *waiter, uint64_t deadline, enum wait_mode mode)
{
	struct thread *thread = current_thread();

	check_may_sleep();
	thread->wait_timed_out = false;
	if (deadline != WAIT_FOREVER)
		timer_arm(&thread->sleep_timer, deadline);
	scheduler_sleep(&waiter->woken, mode);
	if (deadline != WAIT_FOREVER)
		timer_cancel(&thread->sleep_timer);
	if (likely(atomic_load(&waiter->woken)))
		return 0;
	if (thread->wait_timed_out)
		return -ETIMEDOUT;
	return atomic_load_relaxed(&thread->user.work) & mode ? -ERESTARTSYS : 0;
}

int wait_block(struct waiter *waiter, uint64_t deadline, enum wait_mode mode)
{
	int error = wait_sleep(waiter, deadline, mode);

	/* The flag goes before the condition is looked at: a wake-up for a change that was not seen sets it again. */
	if (!error)
		(void)atomic_exchange(&waiter->woken, 0);
	return error;
}

/* Not woken, or not yet: leaves the queue. */
static __attribute__((noinline)) int leave_unwoken(struct waiter *waiter, enum wait_mode mode)
{
	uint64_t flags = spin_lock_irq(&waiter->queue->lock);
	bool woken = waiter->woken;

	if (!woken)
		list_remove(&waiter->link);
	spin_unlock_irq(&waiter->queue->lock, flags);
	return !woken && atomic_load_relaxed(&current_thread()->user.work) & mode ? -ERESTARTSYS : 0;
}

/* No stack protector: no array lies here, and every sleep would pay for it. */
__attribute__((no_stack_protector)) int wait_once(struct wait_queue *queue, struct mutex *mutex, enum wait_mode mode)
{
	struct waiter waiter;

	check_may_sleep();
	KASSERT(!KERNEL_CHECKS || interrupts_enabled());
	interrupts_disable();
	preempt_disable();
	waiter.queue = queue;
	waiter.thread = current_thread();
	waiter.woken = 0;
	waiter.notify = NULL;
	waiter.exclusive = false;
	waiter.once = true;
	waiter.thread->wait_timed_out = false;
	spin_lock_nested(&queue->lock);
	list_push_front(&queue->waiters, &waiter.link);
	spin_unlock_nested(&queue->lock);
	if (unlikely(mutex_release(mutex)))
		mutex_wake(mutex);
	sleep_now(&waiter.woken, mode);
	interrupts_enable();
	preempt_enable();
	/* The waker set this last: it is done with the waiter. */
	return likely(atomic_load(&waiter.woken)) ? 0 : leave_unwoken(&waiter, mode);
}

void wait_end(struct waiter *waiter)
{
	uint64_t flags = spin_lock_irq(&waiter->queue->lock);

	list_remove(&waiter->link);
	spin_unlock_irq(&waiter->queue->lock, flags);
}

/* queue->lock held. */
static __attribute__((noinline)) void wake_each(struct wait_queue *queue, bool all)
{
	struct waiter *waiter, *next;

	list_for_each_safe(waiter, next, &queue->waiters, link) {
		bool stop = waiter->exclusive && !all && !waiter->woken;

		if (waiter->notify) {
			if (waiter->notify(waiter) && stop)
				break;
			continue;
		}
		if (waiter->once)
			list_remove(&waiter->link);
		scheduler_wake(waiter->thread, &waiter->woken, waiter->once);
		if (stop)
			break;
	}
}

/* queue->lock held. */
static inline __attribute__((always_inline)) void wake_locked(struct wait_queue *queue, bool all)
{
	struct waiter *waiter = list_first(&queue->waiters, struct waiter, link);

	/* The usual case, for fewer instructions. There may be none any more: the caller looked without the lock. */
	if (likely(waiter->link.next == &queue->waiters && &waiter->link != &queue->waiters && waiter->once)) {
		list_init(&queue->waiters);
		scheduler_wake(waiter->thread, &waiter->woken, true);
	} else {
		wake_each(queue, all);
	}
}

static inline __attribute__((always_inline)) void wake(struct wait_queue *queue, bool all)
{
	uint64_t flags;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the caller's change of the condition comes before the look at the queue */
	if (list_empty(&queue->waiters))
		return;
	flags = spin_lock_irq(&queue->lock);
	wake_locked(queue, all);
	spin_unlock_irq(&queue->lock, flags);
}

void wake_one(struct wait_queue *queue)
{
	wake(queue, false);
}

void wake_all(struct wait_queue *queue)
{
	wake(queue, true);
}

void wake_one_nested(struct wait_queue *queue)
{
	KASSERT(!KERNEL_CHECKS || interrupts_enabled());
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (list_empty(&queue->waiters))
		return;
	interrupts_disable();
	spin_lock_nested(&queue->lock);
	wake_locked(queue, false);
	spin_unlock_nested(&queue->lock);
	interrupts_enable();
}
