/* SPDX-License-Identifier: MIT */
/*
 * Sending to POSIX message queues and receiving from them. Who waits for room or for a message lies in the queue with what it brings or wants, and is served by
 * who makes that possible: so messages go to those who wait longest. No lock is held while user memory is touched.
 */
#include "ipc/message_queue.h"
#include "ipc/ipc.h"
#include "lib/errno.h"
#include "lib/same_layout.h"
#include "mm/user_copy.h"
#include "net/net.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/wall_timer.h"
#include "syscall_prototypes.h"
#include "vfs/file_life.h"
#include <linux/mqueue.h>
#include <linux/signal.h>

#define NEVER UINT64_MAX

/* A thread that waits, on its stack. */
struct sleeper {
	struct list link;		/* queue->lock; alone once it is served */
	unsigned level;			/* of real-time threads, which go before others; 0 is best */
	struct queued_message *message;	/* queue->lock: what it brings, until it is served; what it got */
	bool served;			/* queue->lock */
	struct wait_queue wake;
};

/* ---- Messages in a queue; all with its lock held ---- */

static void insert(struct message_queue *queue, struct queued_message *message)
{
	struct rb_node **place = &queue->messages.root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = message->priority > rb_entry(parent, struct queued_message, node)->priority ? &parent->left : &parent->right;
	}
	rb_insert(&queue->messages, &message->node, parent, place, NULL);
	queue->count++;
	queue->bytes += message->len;
}

/* Who waits longest of the best, and waits no more; NULL. */
static struct sleeper *serve(struct list *sleepers)
{
	struct sleeper *sleeper = list_empty(sleepers) ? NULL : list_first(sleepers, struct sleeper, link);

	if (sleeper) {
		list_remove(&sleeper->link);
		sleeper->served = true;
		wake_all(&sleeper->wake);	/* it stays until it gets the lock */
	}
	return sleeper;
}

/* ---- Waiting ---- */

static void line_up(struct list *sleepers, struct sleeper *sleeper)
{
	const struct thread *thread = current_thread();
	struct list *at = sleepers->prev;

	sleeper->level = thread->sched_class == CLASS_REALTIME ? thread->best_priority : UINT8_MAX;
	/* From the end, where most of them belong. */
	while (at != sleepers && list_entry(at, struct sleeper, link)->level > sleeper->level)
		at = at->prev;
	list_push_front(at, &sleeper->link);	/* behind it */
}

/*
 * Waits among @sleepers with what @sleeper brings until it is served, or until @until by the wall clock, if @file says so. The lock is held, and let go
 * meanwhile. 0, -EAGAIN, -ETIMEDOUT or -ERESTARTSYS.
 */
static int wait_in(struct message_queue *queue, struct list *sleepers, struct sleeper *sleeper, const struct file *file, uint64_t until)
{
	struct waiter waiter;
	int error = 0;

	if (atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	sleeper->served = false;
	wait_queue_init(&sleeper->wake);
	wait_begin(&sleeper->wake, &waiter);
	line_up(sleepers, sleeper);
	spin_unlock(&queue->lock);
	do
		error = until == NEVER ? wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE) : wait_sleep_wall(&waiter, until, WAIT_INTERRUPTIBLE);
	while (!atomic_load(&sleeper->served) && !error);
	spin_lock(&queue->lock);
	list_remove(&sleeper->link);
	wait_end(&waiter);
	return sleeper->served ? 0 : error;
}

/* ---- Sending and receiving ---- */

/* Tells who registered, and is registered no more, of a message by the caller. What is to be done later. Lock held. */
static void *tell(struct message_queue *queue)
{
	const struct notice *notice = &queue->notice;
	struct signal_info info = { .number = notice->signal, .code = SI_MESGQ,
				    .sender = { current_process()->pid, credentials_current()->uid, notice->value } };

	if (notice->how == SIGEV_SIGNAL && notice->signal && atomic_load_relaxed(&notice->owner->exec_count) == notice->program)
		signal_send_process(notice->owner, &info);
	return message_queue_forget_notice(queue);
}

/* A message for a queue that has room. The same. */
static void *arrive(struct message_queue *queue, struct queued_message *message)
{
	struct sleeper *receiver = serve(&queue->receivers);

	if (receiver) {
		receiver->message = message;
		return NULL;
	}
	insert(queue, message);
	wake_one(&queue->readable);
	return queue->count == 1 && queue->notice.owner ? tell(queue) : NULL;
}

static int send(const struct file *file, uaddr_t from, size_t len, unsigned priority, uint64_t until)
{
	struct message_queue *queue = file->private;
	struct sleeper sleeper;
	void *cookie = NULL;
	int error;

	if (len > queue->message_size)
		return -EMSGSIZE;
	sleeper.message = kmalloc(sizeof(*sleeper.message) + len);
	if (!sleeper.message)
		return -ENOMEM;
	sleeper.message->priority = priority;
	sleeper.message->len = len;
	error = copy_from_user(sleeper.message->bytes, from, len);
	if (!error) {
		spin_lock(&queue->lock);
		if (queue->count < queue->limit)
			cookie = arrive(queue, sleeper.message);
		else
			error = wait_in(queue, &queue->senders, &sleeper, file, until);
		spin_unlock(&queue->lock);
		netlink_tell(cookie, NOTICE_MESSAGE);
	}
	if (error)
		kfree(sleeper.message);
	return error;
}

/* The next message, which is the caller's, to *@message. 0, -EAGAIN, -ETIMEDOUT or -ERESTARTSYS. */
static int take_next(const struct file *file, uint64_t until, struct queued_message **message)
{
	struct message_queue *queue = file->private;
	struct sleeper sleeper = { .message = NULL }, *sender;
	int error = 0;

	spin_lock(&queue->lock);
	if (queue->count) {
		*message = message_queue_take(queue);
		sender = serve(&queue->senders);
		if (sender)
			insert(queue, sender->message);
		else
			wake_one(&queue->writable);
	} else {
		error = wait_in(queue, &queue->receivers, &sleeper, file, until);
		*message = sleeper.message;
	}
	spin_unlock(&queue->lock);
	return error;
}

static ssize_t receive(const struct file *file, uaddr_t to, size_t size, uaddr_t priority, uint64_t until)
{
	const struct message_queue *queue = file->private;
	struct queued_message *message;
	ssize_t result;

	if (size < queue->message_size)
		return -EMSGSIZE;
	result = take_next(file, until, &message);
	if (result)
		return result;
	result = message->len;
	if ((priority && put_user_u32(priority, message->priority)) || copy_to_user(to, message->bytes, message->len))
		result = -EFAULT;
	kfree(message);
	return result;
}

long sys_mq_timedsend(int fd, uaddr_t from, size_t len, unsigned priority, uaddr_t timeout)
{
	uint64_t until = NEVER;
	int error = timeout ? timespec_from_user(&until, timeout) : 0;
	struct fd_ref ref;

	if (!error && priority >= MQ_PRIO_MAX)
		error = -EINVAL;
	if (error)
		return error;
	ref = fd_borrow_io(fd);
	error = message_queue_of(ref, FILE_RIGHT_WRITE) ? send(ref.file, from, len, priority, until) : -EBADF;
	fd_release(ref);
	return error;
}

long sys_mq_timedreceive(int fd, uaddr_t to, size_t size, uaddr_t priority, uaddr_t timeout)
{
	uint64_t until = NEVER;
	ssize_t result = timeout ? timespec_from_user(&until, timeout) : 0;
	struct fd_ref ref;

	if (result)
		return result;
	ref = fd_borrow_io(fd);
	result = message_queue_of(ref, FILE_RIGHT_READ) ? receive(ref.file, to, size, priority, until) : -EBADF;
	fd_release(ref);
	return result;
}

/* ---- Being told, attributes ---- */

/* A registration is as good as none once its owner is gone without having closed its descriptors itself. */
static bool is_registered(const struct message_queue *queue)
{
	return queue->notice.owner && atomic_load(&queue->notice.owner->files);
}

struct user_sigevent { uint64_t value; int signal, notify, pad[12]; };
SAME_SIZE(struct user_sigevent, sigevent_t);
SAME_FIELD(struct user_sigevent, value, sigevent_t, sigev_value);
SAME_FIELD(struct user_sigevent, signal, sigevent_t, sigev_signo);
SAME_FIELD(struct user_sigevent, notify, sigevent_t, sigev_notify);

/* @event NULL: the caller is told no more. *@cookie becomes what is not needed any more. 0 or -EBUSY. */
static int change_notice(struct message_queue *queue, const struct user_sigevent *event, void **cookie)
{
	struct process *self = current_process();
	int error = 0;

	spin_lock(&queue->lock);
	if (event && is_registered(queue)) {
		error = -EBUSY;
	} else if (event || queue->notice.owner == self) {
		void *new = *cookie;

		*cookie = message_queue_forget_notice(queue);
		if (event) {
			process_get(self);
			queue->notice = (struct notice){ self, self->exec_count, event->notify, event->signal, event->value, new };
		}
	}
	spin_unlock(&queue->lock);
	return error;
}

long sys_mq_notify(int fd, uaddr_t event_at)
{
	struct user_sigevent event;
	struct message_queue *queue;
	void *cookie = NULL;
	struct fd_ref ref;
	int error = 0;

	if (event_at)
		error = copy_from_user(&event, event_at, sizeof(event));
	if (event_at && !error) {
		if (event.notify == SIGEV_THREAD)
			error = netlink_reserve(event.signal, event.value, &cookie);
		else if (event.notify != SIGEV_NONE && (event.notify != SIGEV_SIGNAL || (unsigned)event.signal > SIGNAL_COUNT))
			error = -EINVAL;
	}
	if (error)
		return error;
	ref = fd_borrow_io(fd);
	queue = message_queue_of(ref, 0);
	error = queue ? change_notice(queue, event_at ? &event : NULL, &cookie) : -EBADF;
	fd_release(ref);
	netlink_tell(cookie, error ? 0 : NOTICE_REMOVED);
	return error;
}

long sys_mq_getsetattr(int fd, uaddr_t new_at, uaddr_t old_at)
{
	struct mq_attr new, old = { .mq_flags = 0 };
	struct message_queue *queue;
	struct fd_ref ref;
	uint32_t flags;

	if (new_at && copy_from_user(&new, new_at, sizeof(new)))
		return -EFAULT;
	if (new_at && new.mq_flags & ~O_NONBLOCK)
		return -EINVAL;
	ref = fd_borrow_io(fd);
	queue = message_queue_of(ref, 0);
	if (!queue) {
		fd_release(ref);
		return -EBADF;
	}
	flags = atomic_load(&ref.file->flags);
	while (new_at && !atomic_compare_exchange(&ref.file->flags, &flags, (flags & ~O_NONBLOCK) | new.mq_flags))
		;
	old.mq_flags = flags & O_NONBLOCK;
	old.mq_maxmsg = queue->limit;
	old.mq_msgsize = queue->message_size;
	old.mq_curmsgs = message_queue_count(queue);
	fd_release(ref);
	return old_at ? copy_to_user(old_at, &old, sizeof(old)) : 0;
}
