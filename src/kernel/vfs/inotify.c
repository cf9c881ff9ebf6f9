/* SPDX-License-Identifier: MIT */
/* inotify(7): instances, which are files, the events that wait in them to be read, and the calls. */
#include "vfs/inotify_inside.h"
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/permission.h"
#include "vfs/poll.h"
#include "vfs/procfs/proc_text.h"
#include <asm/ioctls.h>
#include <linux/stat.h>

enum { NEWS_PART = 64 };	/* of memory: what a user's events may take of it together */
enum { NOT_QUEUED = UINT32_MAX };
enum { FOR_CALL = INOTIFY_FOR_WATCH | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED };

static const struct file_ops inotify_ops;

/* ---- The queue; all with inotify_lock held ---- */

/* Bytes of the name as they are read: with a NUL, up to a multiple of the structure before it. */
static size_t name_room(const struct inotify_news *news)
{
	return news->len ? ROUND_UP(news->len + 1, sizeof(struct inotify_event)) : 0;
}

static void push(struct inotify *group, struct inotify_news *news)
{
	list_push_back(&group->news, &news->link);
	atomic_store(&group->count, group->count + 1);
	group->bytes += sizeof(struct inotify_event) + name_room(news);
	wake_one(&group->readers);
}

void inotify_overflow_locked(struct inotify *group)
{
	if (group->overflow.len != NOT_QUEUED)
		return;
	group->overflow.len = 0;
	push(group, &group->overflow);
}

/* Is it what the last event says? */
static bool says_again(const struct inotify *group, int wd, uint32_t mask, const struct path_component *name)
{
	const struct inotify_news *last = list_entry(group->news.prev, struct inotify_news, link);
	size_t len = name ? name->len : 0;

	return !list_empty(&group->news) && last->wd == wd && last->mask == mask && !(mask & IN_IGNORED) && last->len == len &&
	       (!len || !memcmp(last->name, name->name, len));
}

void inotify_queue_locked(struct inotify *group, int wd, uint32_t mask, uint32_t cookie, const struct path_component *name)
{
	size_t len = name ? name->len : 0, size = sizeof(struct inotify_news) + len;
	struct inotify_news *news;

	if (group->count >= group->most)
		goto lost;
	if (says_again(group, wd, mask, name))
		return;
	if (!user_account_charge_optional(group->account, ACCOUNT_INOTIFY + INOTIFY_QUEUED_EVENTS, size, (frame_total() << PAGE_SHIFT) / NEWS_PART))
		goto lost;
	news = kmalloc(size);
	if (!news) {
		user_account_charge_optional(group->account, ACCOUNT_INOTIFY + INOTIFY_QUEUED_EVENTS, -(long)size, 0);
		goto lost;
	}
	*news = (struct inotify_news){ .wd = wd, .mask = mask, .cookie = cookie, .len = len };
	if (len)
		memcpy(news->name, name->name, len);
	push(group, news);
	return;
lost:
	inotify_overflow_locked(group);
}

/* ---- The file ---- */

/* Takes the first event if @room bytes are enough for it. NULL: they are not (*error), or there is none. */
static struct inotify_news *take(struct inotify *group, size_t room, int *error)
{
	struct inotify_news *news = NULL;
	size_t size;

	*error = 0;
	spin_lock(&inotify_lock);
	if (!list_empty(&group->news)) {
		news = list_first(&group->news, struct inotify_news, link);
		size = sizeof(struct inotify_event) + name_room(news);
		if (size > room) {
			*error = -EINVAL;
			news = NULL;
		} else {
			list_remove(&news->link);
			atomic_store(&group->count, group->count - 1);
			group->bytes -= size;
		}
	}
	spin_unlock(&inotify_lock);
	return news;
}

/* It was taken out of the queue. */
static void news_free(struct inotify *group, struct inotify_news *news)
{
	if (news == &group->overflow) {
		spin_lock(&inotify_lock);
		news->len = NOT_QUEUED;
		spin_unlock(&inotify_lock);
		return;
	}
	user_account_charge_optional(group->account, ACCOUNT_INOTIFY + INOTIFY_QUEUED_EVENTS, -(long)(sizeof(*news) + news->len), 0);
	kfree(news);
}

/* Bytes, or -EFAULT. */
static ssize_t give(const struct inotify_news *news, struct uio *uio)
{
	size_t room = name_room(news), pad = room - news->len;
	struct inotify_event head = { .wd = news->wd, .mask = news->mask, .cookie = news->cookie, .len = room };

	if (uio_write_to(uio, &head, sizeof(head)) < sizeof(head) || uio_write_to(uio, news->name, news->len) < news->len ||
	    uio_write_zeroes(uio, pad) < pad)
		return -EFAULT;
	return sizeof(head) + room;
}

/* Gives what there is and fits. Bytes, 0: there is nothing, or a negative errno. */
static ssize_t give_all(struct inotify *group, struct uio *uio)
{
	struct inotify_news *news;
	ssize_t done = 0, moved;
	int error;

	while ((news = take(group, uio->left, &error))) {
		moved = give(news, uio);
		news_free(group, news);
		if (moved < 0)
			return moved;
		done += moved;
	}
	return done ? done : error;
}

static ssize_t inotify_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inotify *group = file->private;
	struct waiter waiter;
	ssize_t done = give_all(group, uio);
	int error = 0;

	if (!done && atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	while (!done && !error) {
		wait_begin(&group->readers, &waiter);
		while (!atomic_load(&group->count) && !error)
			error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
		wait_end(&waiter);
		done = give_all(group, uio);
	}
	return done ? done : error;
}

static unsigned inotify_poll(struct file *file, struct poll_table *table)
{
	struct inotify *group = file->private;

	poll_wait_for(table, &group->readers, POLL_FOR_READERS);
	return atomic_load(&group->count) ? POLL_IN | POLL_RDNORM : 0;
}

static long inotify_ioctl(struct file *file, unsigned request, uint64_t argument)
{
	struct inotify *group = file->private;

	return request == FIONREAD ? put_user_u32(argument, atomic_load(&group->bytes)) : -ENOTTY;
}

static void inotify_free(struct inotify *group)
{
	struct inotify_news *news;
	int error;

	while ((news = take(group, SIZE_MAX, &error)))
		news_free(group, news);
	user_account_charge_optional(group->account, ACCOUNT_INOTIFY + INOTIFY_INSTANCES, -1, 0);
	if (group->account)
		user_account_put(group->account);
	kfree(group);
}

static void inotify_release(struct file *file)
{
	inotify_watch_remove_all(file->private);
	inotify_free(file->private);
}

static void inotify_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "anon_inode:inotify", size);
}

static void inotify_show_info(struct file *file, struct proc_text *text)
{
	struct inotify_watch *watch;
	struct vnode *vnode = NULL;
	uint32_t mask = 0;
	int wd = 0;

	for (;;) {
		spin_lock(&inotify_lock);
		watch = inotify_watch_after_locked(file->private, wd);
		if (watch) {
			wd = watch->wd;
			mask = watch->mask;
			vnode = watch->vnode;
			vnode_get(vnode);
		}
		spin_unlock(&inotify_lock);
		if (!watch)
			return;
		/* The device as Linux's kernel has it, not as stat does. */
		proc_text_print(text, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", wd, (unsigned long long)vnode->node.id,
				dev_major(vnode->fs->dev) << 20 | dev_minor(vnode->fs->dev), mask);
		vnode_put(vnode);
	}
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.describe = inotify_describe,
	.show_info = inotify_show_info,
};

/* ---- The calls ---- */

static struct inotify *inotify_alloc(int *error)
{
	struct user_account *account = user_account_current();
	struct inotify *group;

	*error = -EMFILE;
	if (!user_account_charge_optional(account, ACCOUNT_INOTIFY + INOTIFY_INSTANCES, 1, atomic_load_relaxed(&inotify_limits[INOTIFY_INSTANCES])))
		goto put;
	*error = -ENOMEM;
	group = kzalloc(sizeof(*group));
	if (!group)
		goto uncharge;
	list_init(&group->news);
	wait_queue_init(&group->readers);
	group->overflow = (struct inotify_news){ .wd = -1, .mask = IN_Q_OVERFLOW, .len = NOT_QUEUED };
	group->account = account;
	group->most = atomic_load_relaxed(&inotify_limits[INOTIFY_QUEUED_EVENTS]);
	return group;
uncharge:
	user_account_charge_optional(account, ACCOUNT_INOTIFY + INOTIFY_INSTANCES, -1, 0);
put:
	if (account)
		user_account_put(account);
	return NULL;
}

long sys_inotify_init1(int flags)
{
	struct inotify *group;
	struct file *file;
	int fd, error;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	group = inotify_alloc(&error);
	if (!group)
		return error;
	file = file_create(&inotify_ops, O_RDONLY | (flags & IN_NONBLOCK), group);
	if (!file) {
		inotify_free(group);
		return -ENFILE;
	}
	fd = fd_install(file, 0, flags & IN_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static long watch_path(struct inotify *group, uaddr_t name, uint32_t mask)
{
	unsigned flags = (mask & IN_DONT_FOLLOW ? PATH_NO_FOLLOW : 0) | (mask & IN_ONLYDIR ? PATH_DIRECTORY : 0);
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, flags, &path);

	if (error)
		return error;
	error = path_is_hidden(&path) ? -EACCES : vnode_check_access(path.dentry->vnode, PERMIT_READ);
	if (!error)
		error = inotify_watch_add(group, path.dentry->vnode, mask);
	path_put(&path);
	return error;
}

long sys_inotify_add_watch(int fd, uaddr_t path, unsigned mask)
{
	struct fd_ref ref;
	long result = -EINVAL;

	if (mask & ~(unsigned)FOR_CALL || !mask)
		return -EINVAL;
	ref = fd_borrow_io(fd);
	if (!ref.file)
		return -EBADF;
	if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) != (IN_MASK_ADD | IN_MASK_CREATE) && ref.file->ops == &inotify_ops)
		result = watch_path(ref.file->private, path, mask);
	fd_release(ref);
	return result;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long error;

	if (!ref.file)
		return -EBADF;
	error = ref.file->ops == &inotify_ops ? inotify_watch_remove(ref.file->private, wd) : -EINVAL;
	fd_release(ref);
	return error;
}
