/* SPDX-License-Identifier: MIT */
/* Calls, messages without answers, receiving and answering. */
#include "ipc/messages.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/process.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "security/capabilities.h"
#include "vfs/file.h"

uint64_t msg_deadline(int64_t timeout)
{
	uint64_t now = clock_monotonic_ns();

	return timeout < 0 || (uint64_t)timeout > WAIT_FOREVER - 1 - now ? WAIT_FOREVER : now + timeout;
}

unsigned msg_level(unsigned priority)
{
	unsigned most = current_thread()->sched_class == CLASS_REALTIME ? MSG_PRIORITY_MAX : MSG_PRIORITY_SHARED;

	return MSG_PRIORITY_MAX - MIN(priority, most);
}

void msg_fill_sender(struct sender *sender, const struct thread *thread)
{
	sender->pid = thread->process->pid;
	sender->uid = thread->user.credentials->euid;
	sender->gid = thread->user.credentials->egid;
	sender->capabilities = ~thread->user.missing & CAPABILITIES_ALL;
}

/* The receiver's side of a call that it gets now: the files that go to it are moved, or with PORT_REPLAY copied, to @files. port->lock held. */
static unsigned take_call(struct port *port, struct call *call, struct endpoint *receiver, struct file **files)
{
	struct message *message = &call->message;
	unsigned count = message->handle_count;

	held_add(port, call, receiver);
	message_deliver(message, receiver, call->token);
	port->receiver_pid = receiver->thread->process->pid;
	if (!count)
		return 0;
	memcpy(files, message->files, count * sizeof(*files));
	if (port->flags & PORT_REPLAY) {
		for (unsigned i = 0; i < count; i++)
			file_get(files[i]);
	} else {
		handles_leave(files, count);
		message->handle_count = 0;
	}
	return count;
}

/* A receiver that waits and takes a message without handles as it is; NULL. port->lock held. */
static struct endpoint *ready_receiver(struct port *port, const struct message *message)
{
	struct endpoint *receiver;

	if (port->queued || message->handle_count)
		return NULL;
	receiver = receiver_take(port);
	if (!receiver)
		return NULL;
	if (receiver->only_wake) {
		list_push_front(&port->receivers, &receiver->receiver_link);
		return NULL;
	}
	receiver->delivered = true;
	return receiver;
}

/* Hands @call to a receiver or queues it. */
static int send_call(struct port *port, struct call *call)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	struct endpoint *receiver;
	int error = 0;

	if (unlikely(port->dead)) {
		error = -EPIPE;
	} else {
		atomic_store(&call->message.port, port);
		receiver = ready_receiver(port, &call->message);
		if (receiver) {
			take_call(port, call, receiver, NULL);
			lend_begin(port, call);
			scheduler_wake(receiver->thread, &receiver->waiter.woken, true);
		} else {
			queue_add(port, &call->message, false);
			lend_begin(port, call);
			port_something_came(port, true);
		}
	}
	lend_unlock(port, flags);
	return error;
}

/* The caller gives up, unless the answer has come: true. */
static bool withdraw(struct port *port, struct call *call, int why)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	bool gone = true;

	if (call->message.state == MESSAGE_DONE)
		gone = false;
	else if (call->message.state == MESSAGE_QUEUED)
		queue_remove(port, &call->message);
	else if (why == -ERESTARTSYS && !signal_fatal_pending())
		gone = false;	/* it is being served: a handler can wait for that, death cannot */
	else
		held_remove(call);
	if (gone) {
		lend_end(port, call);
		lend_less(port);
	}
	lend_unlock(port, flags);
	return gone;
}

/* What a signal makes of a call with @timeout: one without limit is made again, since nobody has received it. */
static int interrupted(int64_t timeout)
{
	return timeout < 0 ? -ERESTARTSYS : -EINTR;
}

/*
 * Until the answer has come. That it has is told by the state, because who waits by the short way does not set @woken back. Who has given it may
 * still be busy with the waiter then, under the port's lock. @mode: what ends the wait while nobody has received the call.
 */
static long wait_for_answer(struct port *port, struct call *call, int64_t timeout, enum wait_mode mode)
{
	uint64_t deadline = timeout < 0 ? WAIT_FOREVER : msg_deadline(timeout), flags;

	for (;;) {
		bool held;
		int error;

		atomic_store(&call->waiter.woken, 0);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (atomic_load(&call->message.state) == MESSAGE_DONE)
			break;
		held = call_is_held(call);
		error = wait_sleep(&call->waiter, deadline, held ? WAIT_KILLABLE : mode);
		if (error && withdraw(port, call, error))
			return error == -ETIMEDOUT ? error : held ? -EINTR : interrupted(timeout);
	}
	flags = spin_lock_irq(&port->lock);
	spin_unlock_irq(&port->lock, flags);
	return call->result;
}

/* The call is over: as the next one expects it. */
static void put_in_order(struct call *call)
{
	call->deaths = 0;
	call->message.level = MSG_PRIORITY_MAX;
	call->message.grants = 0;
	call->message.state = MESSAGE_IDLE;
}

long msg_finish_call(struct endpoint *me)
{
	struct call *call = &me->call;
	uint64_t flags = spin_lock_irq(&call->message.port->lock);
	long result;

	if (call->message.state == MESSAGE_HELD_SHORT)
		call->message.state = MESSAGE_HELD;
	spin_unlock_irq(&call->message.port->lock, flags);
	result = wait_for_answer(call->message.port, call, MSG_WAIT, WAIT_INTERRUPTIBLE);

	put_in_order(call);
	return result;
}

long msg_call_port(struct port *port, struct endpoint *me, int64_t timeout)
{
	struct call *call = &me->call;
	long result;

	call->reply_count = 0;
	result = handles_enter(call->message.files, call->message.handle_count, port);
	if (!result) {
		result = send_call(port, call);
		if (!result)
			result = wait_for_answer(port, call, timeout, WAIT_INTERRUPTIBLE);
		handles_leave(call->message.files, call->message.handle_count);
	}
	put_in_order(call);
	return result;
}

long msg_call_from_kernel(struct port *port, struct endpoint *me, bool sent)
{
	struct call *call = &me->call;
	long result = sent ? 0 : send_call(port, call);

	if (!result)
		result = wait_for_answer(port, call, MSG_WAIT, WAIT_KILLABLE);
	put_in_order(call);
	return result == -ERESTARTSYS ? -EINTR : result;
}

int msg_post(struct port *port, struct posted *posted)
{
	struct message *message = &posted->message;
	int error = handles_enter(message->files, message->handle_count, port);
	uint64_t flags;

	if (error) {
		/* They are in no queue. */
		handles_put(message->files, message->handle_count);
		message->handle_count = 0;
		posted_free(posted);
		return error;
	}
	flags = spin_lock_irq(&port->lock);
	if (port->dead) {
		error = -EPIPE;
	} else {
		message->port = port;
		queue_add(port, message, false);
		port_something_came(port, false);
	}
	spin_unlock_irq(&port->lock, flags);
	if (error)
		posted_free(posted);
	return error;
}

bool msg_deliver_at_once(struct port *port, struct endpoint *me, msg_header header, uint64_t badge)
{
	struct message message = { .header = header, .payload = me->payload, .badge = badge };
	struct endpoint *receiver;
	uint64_t flags;

	msg_fill_sender(&message.sender, me->thread);
	flags = spin_lock_irq(&port->lock);
	receiver = ready_receiver(port, &message);
	if (receiver) {
		message_deliver(&message, receiver, 0);
		port->posts++;
		port->receiver_pid = receiver->thread->process->pid;
		scheduler_wake(receiver->thread, &receiver->waiter.woken, false);
	}
	spin_unlock_irq(&port->lock, flags);
	return receiver;
}

/* Takes the first message. Returns the one that is to be freed, with its bytes not yet copied; NULL. port->lock held. */
static struct posted *take_first(struct port *port, struct endpoint *me, struct message *message, struct receipt *receipt)
{
	queue_remove(port, message);
	receipt->header = message->header;
	if (message->is_call) {
		receipt->file_count = take_call(port, call_of(message), me, receipt->files);
		receipt->token = me->token;
		return NULL;
	}
	port->posts++;
	port->receiver_pid = me->thread->process->pid;
	receipt->token = 0;
	receipt->file_count = message->handle_count;
	memcpy(receipt->files, message->files, receipt->file_count * sizeof(*receipt->files));
	handles_leave(receipt->files, receipt->file_count);
	message->handle_count = 0;
	return posted_of(message);
}

/* Sleeps until a message comes. port->lock held with @flags before and after. */
static int sleep_for_message(struct port *port, struct endpoint *me, uint64_t deadline, uint64_t *flags)
{
	int error;

	me->delivered = false;
	me->waiter.woken = 0;
	if (me->by_serve && !me->only_wake && port->fast_receiver == &no_endpoint) {
		/* What comes by the short way takes the place of what it holds. */
		held_unserve_one(port, me);
		port->fast_receiver = me;
	} else {
		list_push_front(&port->receivers, &me->receiver_link);
	}
	spin_unlock_irq(&port->lock, *flags);
	error = wait_sleep(&me->waiter, deadline, WAIT_INTERRUPTIBLE);
	*flags = spin_lock_irq(&port->lock);
	list_remove(&me->receiver_link);
	if (port->fast_receiver == me)
		port->fast_receiver = port_no_receiver(port);
	return error;
}

/* One look at the port. 0: @receipt is filled (or, @peek, could be); 1: nothing there; @need: handles that want slots first. port->lock held. */
static int look(struct port *port, uint32_t epoch, struct endpoint *me, bool peek, unsigned slots, unsigned *need, struct receipt *receipt,
		struct posted **posted)
{
	struct message *message;

	if (unlikely(!port_epoch_is(port, epoch)))
		return -ESTALE;
	*need = 0;
	/* In turn with messages, or who notifies without end would keep them all waiting. */
	if (port->notified && !(port->notified_last && port->levels)) {
		if (peek)
			return 0;
		port->notified_last = true;
		receipt->header = msg_header_make(MSG_NOTIFICATION, 0, 0, 0);
		receipt->token = port->notified;
		receipt->file_count = 0;
		me->badge = 0;
		me->sender = (struct sender){ 0 };
		me->grants = me->request = me->deaths = 0;
		atomic_store(&port->notified, 0);
		port_note_load(port);
		return 0;
	}
	message = queue_first(port);
	if (!message)
		return 1;
	if (peek)
		return 0;
	if (message->handle_count > slots) {
		*need = message->handle_count;
		return 1;
	}
	port->notified_last = false;
	*posted = take_first(port, me, message, receipt);
	return 0;
}

/* What is left of a receipt when the port's lock is not held any more. */
static void finish_receipt(struct endpoint *me, struct posted *posted)
{
	if (!posted)
		return;
	message_deliver(&posted->message, me, 0);
	posted_free(posted);
}

static int receive(struct port *port, uint32_t epoch, struct endpoint *me, int64_t timeout, bool peek, enum files_wanted wanted,
		   struct receipt *receipt)
{
	unsigned slots = wanted == FILES_ONLY ? MSG_HANDLES_MAX : 0, need = 0;
	uint64_t deadline = 0, flags;
	struct posted *posted = NULL;
	int error;

	error = endpoint_serve(me, port, epoch);
	if (error)
		return error;
	flags = spin_lock_irq(&port->lock);
	for (;;) {
		error = look(port, epoch, me, peek, slots, &need, receipt, &posted);
		if (error != 1)
			break;
		if (need) {
			spin_unlock_irq(&port->lock, flags);
			error = wanted == FILES_REFUSED ? -EMSGSIZE : handles_reserve(receipt->slots + slots, need - slots);
			flags = spin_lock_irq(&port->lock);
			if (!error) {
				slots = need;
				continue;
			}
			/* Somebody else may have room. */
			port_something_came(port, false);
			break;
		}
		if (timeout == 0) {
			error = -EAGAIN;
			break;
		}
		if (!deadline)
			deadline = timeout < 0 ? WAIT_FOREVER : msg_deadline(timeout);
		me->only_wake = peek;
		error = sleep_for_message(port, me, deadline, &flags);
		if (me->delivered) {
			receipt->header = me->header;
			receipt->token = me->token;
			receipt->file_count = 0;
			me->delivered = false;
			error = 0;
			break;
		}
		if (error && look(port, epoch, me, true, 0, &need, receipt, &posted) == 1) {
			error = error == -ETIMEDOUT ? error : interrupted(timeout);
			break;
		}
	}
	spin_unlock_irq(&port->lock, flags);
	if (!error)
		finish_receipt(me, posted);
	if (slots && wanted == FILES_WITH_SLOTS) {
		unsigned used = error ? 0 : receipt->file_count;

		handles_unreserve(receipt->slots + used, slots - used);
	}
	return error;
}

int msg_receive(struct port *port, uint32_t epoch, struct endpoint *me, int64_t timeout, enum files_wanted wanted, struct receipt *receipt)
{
	return receive(port, epoch, me, timeout, false, wanted, receipt);
}

int msg_wait(struct port *port, uint32_t epoch, struct endpoint *me, int64_t timeout)
{
	struct receipt unused;

	return receive(port, epoch, me, timeout, true, FILES_ONLY, &unused);
}

int msg_answer(struct port *port, uint32_t epoch, struct endpoint *me, uint64_t token, msg_header header, struct file **files, unsigned *count,
	       bool soon)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	struct call *call = NULL;
	int error = 0;

	if (unlikely(!port_epoch_is(port, epoch) || (token >> EPOCH_SHIFT) != (epoch & 0xffff)))
		error = -ESTALE;
	else if (!(call = held_find(port, token)))
		error = -ENOENT;
	if (call) {
		held_remove(call);
		payload_copy(&call->message.payload, &me->payload, msg_length(header));
		call->reply = header;
		call->reply_count = *count;
		memcpy(call->reply_files, files, *count * sizeof(*files));
		*count = 0;
		call_finish(call, 0, soon);
		lend_less(port);
	}
	lend_unlock(port, flags);
	return error;
}
