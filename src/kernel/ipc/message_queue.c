/* SPDX-License-Identifier: MIT */
/* POSIX message queues: their life, names and files. What is done with them: message_queue_calls.c. */
#include "ipc/message_queue.h"
#include "ipc/ipc.h"
#include "ipc/port.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "net/net.h"
#include "process/internal.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "vfs/file_life.h"
#include "vfs/permission.h"
#include <linux/mqueue.h>
#include <linux/signal.h>
#include <linux/stat.h>

/* The codes of SIGPOLL have the names of what poll reports. */
#undef POLL_IN
#undef POLL_OUT
#undef POLL_ERR
#undef POLL_PRI
#undef POLL_HUP
#include "vfs/poll.h"

enum {
	QUEUE_NAME_MAX = 255,
	QUEUES_MAX = 256, COUNT_MAX = 10, BYTES_MAX = 8192,	/* as on Linux, where /proc/sys/fs/mqueue is left as it is */
	COUNT_HARD_MAX = 65536, BYTES_HARD_MAX = 16 << 20,	/* for who may administer the system */
	PER_MESSAGE = 96,	/* bytes charged beside its own, as on Linux: more than struct queued_message */
	STATUS_SIZE = 80,	/* what stat says, and more than the text has */
};

static struct spinlock names_lock = SPINLOCK_INIT(LOCK_MESSAGE_QUEUE);
static struct list named = LIST_INIT(named);	/* names_lock */
static uint64_t last_id;				/* atomic */
static unsigned named_count;			/* names_lock */
static const struct file_ops queue_file_ops;

/* ---- The life of a queue ---- */

struct queued_message *message_queue_take(struct message_queue *queue)
{
	struct queued_message *message = rb_entry(rb_first(&queue->messages), struct queued_message, node);

	rb_remove(&queue->messages, &message->node, NULL);
	queue->count--;
	queue->bytes -= message->len;
	return message;
}

void *message_queue_forget_notice(struct message_queue *queue)
{
	void *cookie = queue->notice.cookie;

	if (queue->notice.owner)
		process_put(queue->notice.owner);
	queue->notice.owner = NULL;
	queue->notice.cookie = NULL;
	return cookie;
}

static void queue_put(struct message_queue *queue)
{
	if (!refcount_put(&queue->refs))
		return;
	while (queue->count)
		kfree(message_queue_take(queue));
	netlink_tell(message_queue_forget_notice(queue), NOTICE_REMOVED);
	user_account_charge_queues(queue->account, -(long)queue->charge, 0);
	user_account_put(queue->account);
	kfree(queue);
}

/* names_lock held. */
static struct message_queue *find(const char *name)
{
	struct message_queue *queue;

	list_for_each(queue, &named, link)
		if (strcmp(queue->name, name) == 0)
			return queue;
	return NULL;
}

/* What @attr, if there is one, asks for: 0, or -EINVAL. */
static int choose_size(const struct mq_attr *attr, size_t *count, size_t *size)
{
	bool privileged = capabilities_may_administer();

	*count = attr ? (uint64_t)attr->mq_maxmsg : COUNT_MAX;
	*size = attr ? (uint64_t)attr->mq_msgsize : BYTES_MAX;
	/* 0 is too much, too. */
	return *count - 1 < (privileged ? COUNT_HARD_MAX : COUNT_MAX) && *size - 1 < (privileged ? BYTES_HARD_MAX : BYTES_MAX) ? 0 : -EINVAL;
}

/* A queue with the caller's reference and without its name yet. NULL with *@error. */
static struct message_queue *queue_create(const char *name, unsigned mode, const struct mq_attr *attr, int *error)
{
	const struct credentials *credentials = credentials_current();
	struct message_queue *queue;
	size_t count, size;

	*error = choose_size(attr, &count, &size);
	if (*error)
		return NULL;
	*error = -ENOMEM;
	queue = kzalloc(sizeof(*queue) + strlen(name) + 1);
	if (!queue)
		return NULL;
	queue->account = user_account_current();
	queue->charge = count * (size + PER_MESSAGE);
	if (!queue->account || !user_account_charge_queues(queue->account, queue->charge, process_limit(RLIMIT_MSGQUEUE))) {
		if (queue->account) {
			*error = -EMFILE;
			user_account_put(queue->account);
		}
		kfree(queue);
		return NULL;
	}
	refcount_init(&queue->refs, 1);
	list_init(&queue->link);
	spinlock_init(&queue->lock, LOCK_MESSAGE_QUEUE);
	list_init(&queue->senders);
	list_init(&queue->receivers);
	wait_queue_init(&queue->readable);
	wait_queue_init(&queue->writable);
	queue->limit = count;
	queue->message_size = size;
	queue->mode = S_IFREG | (mode & ~fs_context_umask(current_process()->fs) & 07777);
	queue->uid = credentials->fsuid;
	queue->gid = credentials->fsgid;
	queue->created = clock_realtime_ns();
	queue->id = atomic_add(&last_id, 1) + 1;
	memcpy(queue->name, name, strlen(name) + 1);
	return queue;
}

/* Gives @queue its name, which takes a reference. 0, -EEXIST or -ENOSPC. */
static int queue_publish(struct message_queue *queue)
{
	int error = 0;

	spin_lock(&names_lock);
	if (find(queue->name))
		error = -EEXIST;
	else if (named_count >= QUEUES_MAX && !capabilities_may_administer())
		error = -ENOSPC;
	if (!error) {
		refcount_get(&queue->refs);
		list_push_back(&named, &queue->link);
		named_count++;
	}
	spin_unlock(&names_lock);
	return error;
}

/* May the caller open @queue with @flags? */
static int check_open(const struct message_queue *queue, int flags)
{
	const struct credentials *credentials = credentials_current();
	unsigned wanted = (flags & O_ACCMODE) == O_RDONLY ? PERMIT_READ : (flags & O_ACCMODE) == O_WRONLY ? PERMIT_WRITE : PERMIT_READ | PERMIT_WRITE;
	uint32_t mode = queue->mode;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (credentials->fsuid == queue->uid)
		mode >>= 6;
	else if (credentials->fsgid == queue->gid || credentials_in_group(credentials, queue->gid))
		mode >>= 3;
	return credentials->fsuid == 0 || (mode & wanted) == wanted ? 0 : -EACCES;
}

/* The queue @name, or a new one, as mq_open has it; with a reference. NULL with *@error. */
static struct message_queue *queue_open(const char *name, int flags, unsigned mode, const struct mq_attr *attr, int *error)
{
	struct message_queue *queue;

	do {
		spin_lock(&names_lock);
		queue = find(name);
		if (queue)
			refcount_get(&queue->refs);
		spin_unlock(&names_lock);
		*error = -ENOENT;
		if (queue) {
			*error = check_open(queue, flags);
		} else if (flags & O_CREAT) {
			queue = queue_create(name, mode, attr, error);
			if (queue)
				*error = queue_publish(queue);
		}
		if (*error && queue) {
			queue_put(queue);
			queue = NULL;
		}
		/* Others may make it meanwhile. */
	} while (*error == -EEXIST && !(flags & O_EXCL));
	return queue;
}

/* ---- The file ---- */

/* The status of the queue, as one line. */
static ssize_t queue_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct message_queue *queue = file->private;
	struct notice notice;
	char text[STATUS_SIZE];
	size_t bytes, len;
	int pid;

	spin_lock(&queue->lock);
	bytes = queue->bytes;
	notice = queue->notice;
	pid = notice.owner ? notice.owner->pid : 0;
	spin_unlock(&queue->lock);
	len = snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes, pid ? notice.how : 0,
		       pid && notice.how == SIGEV_SIGNAL ? notice.signal : 0, pid);
	if (*pos >= len || !uio->left)
		return 0;
	len = uio_write_to(uio, text + *pos, len - *pos);
	*pos += len;
	return len ? (ssize_t)len : -EFAULT;
}

size_t message_queue_count(struct message_queue *queue)
{
	size_t count;

	spin_lock(&queue->lock);
	count = queue->count;
	spin_unlock(&queue->lock);
	return count;
}

static unsigned queue_poll(struct file *file, struct poll_table *table)
{
	struct message_queue *queue = file->private;
	size_t count;

	poll_wait_for(table, &queue->readable, POLL_FOR_READERS);
	poll_wait_for(table, &queue->writable, POLL_FOR_WRITERS);
	count = message_queue_count(queue);
	return (count ? POLL_IN | POLL_RDNORM : 0) | (count < queue->limit ? POLL_OUT | POLL_WRNORM : 0);
}

/* A process that closes a descriptor of a queue, whichever, is told nothing any more. */
static void queue_flush(struct file *file)
{
	struct message_queue *queue = file->private;
	void *cookie = NULL;

	spin_lock(&queue->lock);
	if (queue->notice.owner == current_process())
		cookie = message_queue_forget_notice(queue);
	spin_unlock(&queue->lock);
	netlink_tell(cookie, NOTICE_REMOVED);
}

static void queue_release(struct file *file)
{
	if (file->private)
		queue_put(file->private);
}

static void queue_describe(struct file *file, char *buf, size_t size)
{
	const struct message_queue *queue = file->private;

	snprintf(buf, size, "/%s%s", queue->name, list_empty(&queue->link) ? " (deleted)" : "");
}

static int queue_getattr(struct file *file, struct fs_attr *attr)
{
	const struct message_queue *queue = file->private;

	*attr = (struct fs_attr){ .node.id = queue->id, .mode = queue->mode, .links = !list_empty(&queue->link), .uid = queue->uid,
				  .gid = queue->gid, .size = STATUS_SIZE, .atime = queue->created, .mtime = queue->created, .ctime = queue->created,
				  .btime = queue->created };
	return 0;
}

static const struct file_ops queue_file_ops = {
	.read = queue_read,
	.seek = file_seek_anywhere,
	.poll = queue_poll,
	.flush = queue_flush,
	.release = queue_release,
	.describe = queue_describe,
	.getattr = queue_getattr,
};

struct message_queue *message_queue_of(struct fd_ref ref, uint32_t rights)
{
	return ref.file && ref.file->ops == &queue_file_ops && (ref.file->rights & rights) == rights ? ref.file->private : NULL;
}

/* ---- Opening and removing ---- */

static int copy_name(char *name, uaddr_t from)
{
	ssize_t len = copy_string_from_user(name, from, QUEUE_NAME_MAX + 1);

	if (len <= 0)
		return len ? len : -ENOENT;
	for (const char *c = name; *c; c++)
		if (*c == '/')
			return -EACCES;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	/* Who may talk to some ports only is not to get round that by a queue. */
	return port_name_is_allowed(name) ? 0 : -EPERM;
}

long sys_mq_open(uaddr_t user_name, int flags, unsigned mode, uaddr_t user_attr)
{
	uint32_t rights = file_rights_of(flags & O_ACCMODE);
	char name[QUEUE_NAME_MAX + 1];
	struct mq_attr attr;
	struct file *file;
	int fd, error;

	if (!capabilities_hold((rights & FILE_RIGHT_READ ? CAPABILITY_IPC_RECV : 0) | (rights & FILE_RIGHT_WRITE ? CAPABILITY_IPC_SEND : 0) |
			       (flags & O_CREAT ? CAPABILITY_IPC_CREATE : 0)))
		return -EPERM;
	if (user_attr && copy_from_user(&attr, user_attr, sizeof(attr)))
		return -EFAULT;
	error = copy_name(name, user_name);
	if (error)
		return error;
	fd = fd_reserve(0, true);
	if (fd < 0)
		return fd;
	file = file_create(&queue_file_ops, flags & (O_ACCMODE | O_NONBLOCK), NULL);
	error = -ENFILE;
	if (file)
		file->private = queue_open(name, flags, mode, user_attr ? &attr : NULL, &error);
	if (file && file->private) {
		fd_fill(fd, file);
		return fd;
	}
	if (file)
		file_put(file);
	fd_unreserve(fd);
	return error;
}

long sys_mq_unlink(uaddr_t user_name)
{
	const struct credentials *credentials = credentials_current();
	char name[QUEUE_NAME_MAX + 1];
	struct message_queue *queue;
	int error = copy_name(name, user_name);

	if (error)
		return error;
	spin_lock(&names_lock);
	queue = find(name);
	if (!queue) {
		error = -ENOENT;
	} else if (credentials->fsuid && credentials->fsuid != queue->uid) {
		error = -EPERM;
	} else {
		list_remove(&queue->link);
		named_count--;
	}
	spin_unlock(&names_lock);
	if (!error)
		queue_put(queue);
	return error;
}

