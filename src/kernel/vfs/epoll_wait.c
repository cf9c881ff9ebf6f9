/* SPDX-License-Identifier: MIT */
/* What epolls have to report: wake-ups, the ready list, and the wait for it. The rest of epoll, for which nobody waits, is in epoll.c. */
#include "vfs/epoll.h"
#include "syscall_prototypes.h"
#include "arch/x86_64/user_access_now.h"
#include "lib/errno.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "sched/clock.h"
#include "vfs/fd_table.h"

static bool any_queued(const struct epoll *epoll)
{
	return !list_empty(&epoll->ready);
}

bool epoll_queue(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	uint64_t flags = spin_lock_irq(&epoll->ready_lock);
	bool slept;

	item->notified = true;
	if (list_empty(&item->ready))
		list_push_back(&epoll->ready, &item->ready);
	spin_unlock_irq(&epoll->ready_lock, flags);
	/* Comes before the look at who waits: who does queues first and looks at the list then. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	slept = !list_empty(&epoll->sleepers.waiters);
	if (slept)
		wake_one(&epoll->sleepers);
	if (!list_empty(&epoll->watchers.waiters))
		wake_all(&epoll->watchers);
	return slept;
}

bool epoll_notify(struct waiter *waiter)
{
	struct epoll_place *place = container_of(waiter, struct epoll_place, waiter);
	uint32_t events = atomic_load_relaxed(&place->item->events) & ~EPOLL_HOW;

	/* Nothing is left of a one-shot item that has had its shot. Errors and hang-ups come by every queue. */
	if (!events || (events & ~POLL_ALWAYS && !(events & ~POLL_ALWAYS & place->events)))
		return false;
	return epoll_queue(place->item);
}

/*
 * Takes the first of the ready list, which is not empty, to look at it. One that goes on to be reported while it is ready stands at the end again then, and
 * drop() takes it away if it is not. epoll->lock held: others only put items behind the last one.
 */
static inline struct epoll_item *take(struct epoll *epoll)
{
	struct epoll_item *item = list_first(&epoll->ready, struct epoll_item, ready);
	bool stays = !(item->events & (EPOLLET | EPOLLONESHOT));
	uint64_t flags;

	/* A wake-up before this changed what epoll_look() will see; one after it sets the mark again. */
	(void)atomic_exchange(&item->notified, false);
	if (stays && item->ready.next == &epoll->ready)
		return item;
	flags = spin_lock_irq(&epoll->ready_lock);
	list_remove(&item->ready);
	if (stays)
		list_push_back(&epoll->ready, &item->ready);
	spin_unlock_irq(&epoll->ready_lock, flags);
	return item;
}

/* @item, taken, was not ready: off the list, unless it was woken meanwhile. */
static void drop(struct epoll_item *item)
{
	uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

	if (!item->notified)
		list_remove(&item->ready);
	spin_unlock_irq(&item->epoll->ready_lock, flags);
}

/* @item could not be reported: it is the first again. */
static void put_back(struct epoll_item *item)
{
	uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

	list_remove(&item->ready);
	list_push_front(&item->epoll->ready, &item->ready);
	spin_unlock_irq(&item->epoll->ready_lock, flags);
}

void epoll_set_events(struct epoll_item *item, uint32_t events)
{
	uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

	item->events = events;
	spin_unlock_irq(&item->epoll->ready_lock, flags);
}

static inline bool copy_event(uaddr_t to, const struct epoll_event *event)
{
	bool copied;

	preempt_disable();
	copied = user_copy_out_now(to, event, sizeof(*event));
	preempt_enable();
	return copied;
}

/* Writes up to @max events to @to, which was checked to lie in user space: how many, or -EFAULT if the place for the first is not there now. */
static long report_now(struct epoll *epoll, uaddr_t to, int max)
{
	const struct epoll_item *last;
	struct epoll_item *item;
	struct epoll_event event;
	long count = 0;

	mutex_lock(&epoll->lock);
	if (!any_queued(epoll))
		goto out;
	/* No item comes twice. */
	last = list_last(&epoll->ready, struct epoll_item, ready);
	do {
		item = take(epoll);
		event.events = epoll_look(item);
		if (!event.events) {
			drop(item);
			continue;
		}
		event.data = item->data;
		if (unlikely(!copy_event(to, &event))) {
			put_back(item);
			count = count ? count : -EFAULT;
			break;
		}
		to += sizeof(event);
		count++;
		if (unlikely(item->events & EPOLLONESHOT))
			epoll_set_events(item, item->events & EPOLL_HOW);
	} while (item != last && count < max);
out:
	mutex_unlock(&epoll->lock);
	return count;
}

/* The memory is waited for without the lock: it may lie in a file whose server does not answer, and others, who close what is watched, need the lock. */
static __attribute__((noinline)) long report_slowly(struct epoll *epoll, uaddr_t to, int max)
{
	const struct uio_segment segment = { to, sizeof(struct epoll_event) };
	const struct uio uio = { .segments = &segment, .segment_count = 1, .left = segment.len };
	long count;

	do {
		count = uio_page_in(&uio, segment.len, true);
		if (!count)
			count = report_now(epoll, to, max);
		else if (count == -EFAULT)
			break;
	} while (count == -EFAULT);
	return count;
}

static inline long report(struct epoll *epoll, uaddr_t to, int max)
{
	long count = report_now(epoll, to, max);

	return likely(count != -EFAULT) ? count : report_slowly(epoll, to, max);
}

static long sleep_until(struct epoll *epoll, uaddr_t events, int max, uint64_t deadline)
{
	struct waiter waiter;
	long count = 0;
	int error = 0;

	wait_begin_exclusive(&epoll->sleepers, &waiter);
	for (;;) {
		if (any_queued(epoll))
			count = report(epoll, events, max);
		if (count || error)
			break;
		error = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return count ? count : error == -ETIMEDOUT ? 0 : -EINTR;
}

static long wait_until(struct epoll *epoll, uaddr_t events, int max, uint64_t deadline)
{
	long count = any_queued(epoll) ? report(epoll, events, max) : 0;

	if (unlikely(!count && deadline))
		count = sleep_until(epoll, events, max, deadline);
	/* What is left, or came while a wake-up found this thread up already, is somebody else's. */
	if (any_queued(epoll) && unlikely(!list_empty(&epoll->sleepers.waiters)))
		wake_one(&epoll->sleepers);
	return count;
}

unsigned epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->private;
	const struct epoll_item *last;
	struct epoll_item *item;
	unsigned ready = 0;

	poll_wait(table, &epoll->watchers);
	if (!any_queued(epoll))
		return 0;
	mutex_lock(&epoll->lock);
	last = list_last(&epoll->ready, struct epoll_item, ready);
	while (any_queued(epoll) && !ready) {
		item = take(epoll);
		if (epoll_look(item)) {
			put_back(item);
			ready = POLL_IN | POLL_RDNORM;
		} else {
			drop(item);
		}
		if (item == last)
			break;
	}
	mutex_unlock(&epoll->lock);
	return ready;
}

/* ---- The calls ---- */

static __attribute__((noinline)) long wait_for_events(int epoll, uaddr_t events, int max, uint64_t deadline)
{
	struct fd_ref ref;
	long result = -EINVAL;

	if (unlikely(max <= 0 || max > INT32_MAX / (int)sizeof(struct epoll_event)))
		return -EINVAL;
	if (unlikely(!user_range_ok(events, max * sizeof(struct epoll_event))))
		return -EFAULT;
	ref = fd_borrow_io(epoll);
	if (unlikely(!ref.file))
		return -EBADF;
	if (likely(epoll_of_file(ref.file)))
		result = wait_until(epoll_of_file(ref.file), events, max, deadline);
	fd_release(ref);
	return result;
}

long sys_epoll_pwait(int epoll, uaddr_t events, int count, int timeout_ms, uaddr_t mask, size_t mask_size)
{
	uint64_t deadline = timeout_ms < 0 ? WAIT_FOREVER : unlikely(timeout_ms) ? poll_deadline(timeout_ms * NS_PER_MS) : 0;
	long error = unlikely(mask) ? poll_use_mask(mask, mask_size) : 0;

	return unlikely(error) ? error : wait_for_events(epoll, events, count, deadline);
}

long sys_epoll_wait(int epoll, uaddr_t events, int count, int timeout_ms)
{
	return sys_epoll_pwait(epoll, events, count, timeout_ms, 0, 0);
}

long sys_epoll_pwait2(int epoll, uaddr_t events, int count, uaddr_t timeout, uaddr_t mask, size_t mask_size)
{
	uint64_t deadline;
	long error = poll_read_timeout(timeout, 1, &deadline);

	if (!error)
		error = poll_use_mask(mask, mask_size);
	return error ? error : wait_for_events(epoll, events, count, deadline);
}
