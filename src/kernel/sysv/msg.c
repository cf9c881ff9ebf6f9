/* SPDX-License-Identifier: MIT */
/*
 * System V message queues. Who waits is served by who makes that possible: a receiver is handed a message, a sender's is taken. A message is paid for by its
 * sender's user from before it looks at the queue until somebody has received it, so that nobody waits for memory.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "sysv/objects.h"
#include "sysv/sysv.h"
#include "vfs/procfs/entry.h"
#include <linux/msg.h>

struct message {
	struct list link;	/* queue->lock: in a queue */
	int64_t type;
	size_t len;
	char bytes[];
};

struct queue {
	struct sysv_object object;
	struct refcount refs;
	struct mutex lock;	/* guards what follows */
	bool removed;
	struct list messages, senders, receivers;	/* struct message, struct sleeper */
	size_t count, bytes, limit;
	int64_t sent, received;	/* seconds, wall clock */
	int sender, receiver;	/* pids */
};

enum search { SEARCH_ANY, SEARCH_TYPE, SEARCH_OTHER_TYPE, SEARCH_LOWEST, SEARCH_PLACE };

/* What msgrcv wants, and what it gets. */
struct wish {
	enum search search;
	int64_t type;		/* or how many come before, or the highest */
	size_t room;
	bool cut;		/* MSG_NOERROR */
	struct message *message;
};

/* A thread that waits, on its stack. */
struct sleeper {
	struct sysv_sleeper sleeper;
	union {
		struct message *message;	/* a sender's */
		struct wish *wish;		/* a receiver's */
	};
};

static struct sysv_table queues;
static uint64_t taken[SYSV_WORDS(MSGMNI)];
static uint64_t all_messages, all_bytes;	/* atomic */

/* ---- The life of a queue ---- */

static struct sysv_object *make_queue(size_t size, int flags)
{
	struct queue *queue = sysv_alloc(sizeof(*queue));

	if (!queue)
		return sysv_error(-ENOMEM);
	refcount_init(&queue->refs, 1);
	sysv_init(&queue->object, &queues, &queue->refs, size, flags);
	mutex_init(&queue->lock, LOCK_SYSV_OBJECT);
	list_init(&queue->messages);
	list_init(&queue->senders);
	list_init(&queue->receivers);
	queue->limit = MSGMNB;
	return &queue->object;
}

/* There is one message more (1) in @queue or less (-1). */
static void count_message(struct queue *queue, const struct message *message, int change)
{
	int64_t bytes = change * (int64_t)message->len;

	queue->count += change;
	queue->bytes += bytes;
	atomic_add(&all_messages, change);
	atomic_add(&all_bytes, bytes);
}

static void take(struct queue *queue, struct message *message)
{
	list_remove(&message->link);
	count_message(queue, message, -1);
}

static void end_queue(struct sysv_object *object)
{
	struct queue *queue = (struct queue *)object;

	while (!list_empty(&queue->messages)) {
		struct message *message = list_first(&queue->messages, struct message, link);

		take(queue, message);
		sysv_free(message);
	}
	sysv_free(queue);
}

long sys_msgget(int key, int flags)
{
	return sysv_get(&queues, key, 0, flags);
}

static struct queue *find_queue(int id, unsigned wanted)
{
	return (struct queue *)sysv_find(&queues, id, wanted);
}

static void put_queue(struct queue *queue)
{
	sysv_put(&queue->object);
}

/* Is @queue there still, and may the caller do what he does? Others may have changed that while he waited. The lock is held. */
static int check(struct queue *queue, unsigned wanted)
{
	return queue->removed ? -EIDRM : sysv_permits(&queue->object, wanted) ? 0 : -EACCES;
}

/* ---- Messages and those who wait; all with queue->lock held ---- */

static bool suits(const struct wish *wish, const struct message *message)
{
	switch (wish->search) {
	case SEARCH_TYPE: return message->type == wish->type;
	case SEARCH_OTHER_TYPE: return message->type != wish->type;
	case SEARCH_LOWEST: return message->type <= wish->type;
	default: return true;
	}
}

static struct message *find_message(struct queue *queue, const struct wish *wish)
{
	struct message *message, *best = NULL;
	int64_t place = 0;

	list_for_each(message, &queue->messages, link) {
		if (wish->search == SEARCH_PLACE ? place++ != wish->type : !suits(wish, message))
			continue;
		if (wish->search != SEARCH_LOWEST)
			return message;
		if (!best || message->type < best->type)
			best = message;
	}
	return best;
}

static void note_receiver(struct queue *queue, int pid)
{
	queue->receiver = pid;
	queue->received = sysv_now();
}

/* To the first receiver that wants it and has room. Those who want it without room hear that. */
static bool hand_over(struct queue *queue, struct message *message)
{
	struct sleeper *receiver, *next;

	list_for_each_safe(receiver, next, &queue->receivers, sleeper.link) {
		struct wish *wish = receiver->wish;

		if (!suits(wish, message))
			continue;
		if (message->len > wish->room && !wish->cut) {
			sysv_decide(&receiver->sleeper, -E2BIG);
			continue;
		}
		wish->message = message;
		note_receiver(queue, receiver->sleeper.pid);
		sysv_decide(&receiver->sleeper, 0);
		return true;
	}
	return false;
}

static bool fits(const struct queue *queue, const struct message *message)
{
	return message->len <= queue->limit && queue->bytes <= queue->limit - message->len && queue->count < queue->limit;
}

/* A message of process @pid's for which there is room. */
static void arrive(struct queue *queue, struct message *message, int pid)
{
	queue->sender = pid;
	queue->sent = sysv_now();
	if (hand_over(queue, message))
		return;
	list_push_back(&queue->messages, &message->link);
	count_message(queue, message, 1);
}

/* Senders whose messages there is room for now. Small ones may overtake. */
static void admit_senders(struct queue *queue)
{
	struct sleeper *sender, *next;

	list_for_each_safe(sender, next, &queue->senders, sleeper.link) {
		if (!fits(queue, sender->message))
			continue;
		arrive(queue, sender->message, sender->sleeper.pid);
		sysv_decide(&sender->sleeper, 0);
	}
}

/* ---- Sending ---- */

/* @message is the queue's, or another's, when it returns 0. */
static int send(struct queue *queue, struct message *message, int flags)
{
	struct sleeper sleeper = { .sleeper.pid = sysv_own_pid(), .message = message };
	int result;

	mutex_lock(&queue->lock);
	do {
		result = check(queue, 0222);
		if (result)
			break;
		if (fits(queue, message))
			arrive(queue, message, sleeper.sleeper.pid);
		else
			result = flags & IPC_NOWAIT ? -EAGAIN : sysv_sleep(&sleeper.sleeper, &queue->senders, &queue->lock, WAIT_FOREVER);
	} while (result == SYSV_AGAIN);
	mutex_unlock(&queue->lock);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

long sys_msgsnd(int id, uaddr_t from, size_t len, int flags)
{
	struct message *message;
	struct queue *queue;
	uint64_t type;
	int error;

	if (get_user_u64(&type, from))
		return -EFAULT;
	if (len > MSGMAX || id < 0 || (int64_t)type < 1)
		return -EINVAL;
	message = sysv_alloc(sizeof(*message) + len);
	if (!message)
		return -ENOMEM;
	message->type = type;
	message->len = len;
	queue = copy_from_user(message->bytes, from + sizeof(type), len) ? sysv_error(-EFAULT) : find_queue(id, 0222);
	error = sysv_error_of(queue);
	if (!error) {
		error = send(queue, message, flags);
		put_queue(queue);
	}
	if (error)
		sysv_free(message);
	return error;
}

/* ---- Receiving ---- */

/* Copies @found to wish->message, which has room for as much as its len says. */
static int copy_message(struct wish *wish, const struct message *found)
{
	struct message *copy = wish->message;

	if (found->len > copy->len)
		return -EINVAL;
	copy->type = found->type;
	copy->len = found->len;
	memcpy(copy->bytes, found->bytes, found->len);
	return 0;
}

/* 0 and the message, which is the caller's, if there is one; SYSV_UNDECIDED if not. */
static int take_wished(struct queue *queue, struct wish *wish)
{
	struct message *message = find_message(queue, wish);

	if (!message)
		return SYSV_UNDECIDED;
	if (message->len > wish->room && !wish->cut)
		return -E2BIG;
	if (wish->search == SEARCH_PLACE)
		return copy_message(wish, message);
	take(queue, message);
	wish->message = message;
	note_receiver(queue, sysv_own_pid());
	admit_senders(queue);
	return 0;
}

static int receive(struct queue *queue, struct wish *wish, int flags)
{
	struct sleeper sleeper = { .sleeper.pid = sysv_own_pid(), .wish = wish };
	int result;

	mutex_lock(&queue->lock);
	do {
		result = check(queue, 0444);
		if (!result)
			result = take_wished(queue, wish);
		if (result == SYSV_UNDECIDED)
			result = flags & IPC_NOWAIT ? -ENOMSG : sysv_sleep(&sleeper.sleeper, &queue->receivers, &queue->lock, WAIT_FOREVER);
	} while (result == SYSV_AGAIN);
	mutex_unlock(&queue->lock);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

static struct wish wish_of(size_t room, int64_t type, int flags)
{
	struct wish wish = { .search = SEARCH_ANY, .type = type, .room = room, .cut = flags & MSG_NOERROR };

	if (flags & MSG_COPY) {
		wish.search = SEARCH_PLACE;
	} else if (type < 0) {
		wish.search = SEARCH_LOWEST;
		wish.type = type == INT64_MIN ? INT64_MAX : -type;
	} else if (type) {
		wish.search = flags & MSG_EXCEPT ? SEARCH_OTHER_TYPE : SEARCH_TYPE;
	}
	return wish;
}

static long deliver(const struct message *message, uaddr_t to, size_t room)
{
	size_t len = MIN(room, message->len);

	return put_user_u64(to, message->type) || copy_to_user(to + sizeof(uint64_t), message->bytes, len) ? -EFAULT : (long)len;
}

long sys_msgrcv(int id, uaddr_t to, size_t room, int64_t type, int flags)
{
	struct wish wish = wish_of(room, type, flags);
	struct queue *queue;
	long result;

	if (id < 0 || (ssize_t)room < 0 || (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))))
		return -EINVAL;
	queue = find_queue(id, 0444);
	if (sysv_error_of(queue))
		return sysv_error_of(queue);
	if (flags & MSG_COPY) {
		size_t most = MIN(room, (size_t)MSGMAX);

		wish.message = sysv_alloc(sizeof(*wish.message) + most);
		if (wish.message)
			wish.message->len = most;
	}
	result = flags & MSG_COPY && !wish.message ? -ENOMEM : receive(queue, &wish, flags);
	put_queue(queue);
	if (!result)
		result = deliver(wish.message, to, room);
	sysv_free(wish.message);
	return result;
}

/* ---- msgctl ---- */

static long tell_limits(int command, uaddr_t to)
{
	struct msginfo limits;

	memset(&limits, 0, sizeof(limits));
	limits.msgpool = command == MSG_INFO ? (int)atomic_load(&queues.used) : MSGPOOL;
	limits.msgmap = command == MSG_INFO ? (int)atomic_load(&all_messages) : MSGMAP;
	limits.msgmax = MSGMAX;
	limits.msgmnb = MSGMNB;
	limits.msgmni = MSGMNI;
	limits.msgssz = MSGSSZ;
	limits.msgtql = command == MSG_INFO ? (int)atomic_load(&all_bytes) : MSGTQL;
	limits.msgseg = MSGSEG;
	return copy_to_user(to, &limits, sizeof(limits)) ? -EFAULT : sysv_highest(&queues);
}

static void describe(struct sysv_object *object, union sysv_status *status)
{
	struct queue *queue = (struct queue *)object;

	mutex_lock(&queue->lock);
	status->msg.msg_stime = queue->sent;
	status->msg.msg_rtime = queue->received;
	status->msg.msg_ctime = atomic_load(&object->changed);
	status->msg.msg_cbytes = queue->bytes;
	status->msg.msg_qnum = queue->count;
	status->msg.msg_qbytes = queue->limit;
	status->msg.msg_lspid = queue->sender;
	status->msg.msg_lrpid = queue->receiver;
	mutex_unlock(&queue->lock);
}

static void print(struct proc_text *text, const struct sysv_object *object, const union sysv_status *status)
{
	const struct msqid64_ds *msg = &status->msg;

	proc_text_print(text, " %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n", msg->msg_cbytes, msg->msg_qnum, msg->msg_lspid, msg->msg_lrpid,
			msg->msg_perm.uid, msg->msg_perm.gid, msg->msg_perm.cuid, msg->msg_perm.cgid, msg->msg_stime, msg->msg_rtime, msg->msg_ctime);
}

/* Those who wait look again: they may be forbidden to, or have room. */
static int change(struct sysv_object *object, const union sysv_status *status)
{
	struct queue *queue = (struct queue *)object;
	int error;

	if (status->msg.msg_qbytes > MSGMNB && !capabilities_may_administer())
		return -EPERM;
	mutex_lock(&queue->lock);
	error = sysv_change(object, &status->perm);
	if (!error) {
		queue->limit = status->msg.msg_qbytes;
		sysv_decide_all(&queue->senders, SYSV_AGAIN);
		sysv_decide_all(&queue->receivers, SYSV_AGAIN);
	}
	mutex_unlock(&queue->lock);
	return error;
}

static int remove_queue(struct sysv_object *object)
{
	struct queue *queue = (struct queue *)object;
	bool removed;

	mutex_lock(&queue->lock);
	removed = queue->removed;
	if (!removed) {
		queue->removed = true;
		sysv_remove(object);
		sysv_decide_all(&queue->senders, -EIDRM);
		sysv_decide_all(&queue->receivers, -EIDRM);
	}
	mutex_unlock(&queue->lock);
	if (removed)
		return -EIDRM;
	sysv_put(object);	/* the table's */
	return 0;
}

static struct sysv_table queues = {
	SYSV_TABLE_INIT, .taken = taken, .most = MSGMNI, .status_size = sizeof(struct msqid64_ds), .make = make_queue, .end = end_queue, .describe = describe,
	.print = print, .change = change, .remove = remove_queue,
	.columns = "     msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime",
};

long sys_msgctl(int id, int command, uaddr_t buf)
{
	if (!sysv_allowed(command == IPC_RMID || command == IPC_SET ? CAPABILITY_IPC_CREATE : CAPABILITY_IPC_RECV))
		return -EPERM;
	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO: case MSG_INFO: return tell_limits(command, buf);
	case IPC_STAT: return sysv_tell(&queues, id, 0444, buf);
	case MSG_STAT: return sysv_tell(&queues, id, 0444 | SYSV_BY_INDEX, buf);
	case MSG_STAT_ANY: return sysv_tell(&queues, id, SYSV_BY_INDEX, buf);
	case IPC_SET: case IPC_RMID: return sysv_control(&queues, id, command, buf);
	default: return -EINVAL;
	}
}

int sysv_show_msg(struct proc_text *text, const struct proc_subject *subject)
{
	return sysv_show(&queues, text);
}
