/* SPDX-License-Identifier: MIT */
/* The calls that make epolls and change what they watch. */
#include "vfs/epoll.h"
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"

#define EXCLUSIVE_GOES_WITH (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

long sys_epoll_create1(int flags)
{
	struct file *file;
	int fd, error;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	file = epoll_create_file(&error);
	if (!file)
		return error;
	fd = fd_install(file, 0, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

static long change(struct epoll *epoll, int op, struct file *file, int fd, const struct epoll_event *event, bool nested)
{
	struct epoll_item *item;
	long error = 0;

	mutex_lock(&epoll->lock);
	item = epoll_find(epoll, file, fd);
	if (op == EPOLL_CTL_ADD)
		error = item ? -EEXIST : epoll_add(epoll, file, fd, event, nested);
	else if (!item)
		error = op == EPOLL_CTL_MOD || op == EPOLL_CTL_DEL ? -ENOENT : -EINVAL;
	else if (op == EPOLL_CTL_DEL)
		epoll_remove(item);
	else if (op == EPOLL_CTL_MOD && !(item->events & EPOLLEXCLUSIVE))
		epoll_modify(item, event);
	else
		error = -EINVAL;
	mutex_unlock(&epoll->lock);
	return error;
}

/* For an epoll that watches an epoll, or is watched by one. */
static long add_nested(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
	struct epoll *watched = epoll_of_file(file);
	long error;

	mutex_lock(&epoll_nest_lock);
	error = watched ? epoll_check_nesting(epoll, watched) : 0;
	if (!error)
		error = change(epoll, EPOLL_CTL_ADD, file, fd, event, true);
	mutex_unlock(&epoll_nest_lock);
	return error;
}

static long control(struct file *own, int op, struct file *file, int fd, const struct epoll_event *event)
{
	struct epoll *epoll = epoll_of_file(own);

	/* Without a release op a file would not tell of its end. */
	if (!file->ops->poll || !file->ops->release)
		return -EPERM;
	if (!epoll || own == file)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE) {
		if (op == EPOLL_CTL_MOD)
			return -EINVAL;
		if (op == EPOLL_CTL_ADD && (epoll_of_file(file) || event->events & ~EXCLUSIVE_GOES_WITH))
			return -EINVAL;
	}
	if (op == EPOLL_CTL_ADD && (epoll_of_file(file) || atomic_load_relaxed(&own->watches)))
		return add_nested(epoll, file, fd, event);
	return change(epoll, op, file, fd, event, false);
}

long sys_epoll_ctl(int epoll, int op, int fd, uaddr_t event)
{
	struct epoll_event wanted = { 0, 0 };
	struct fd_ref own, target;
	long error = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&wanted, event, sizeof(wanted)))
		return -EFAULT;
	own = fd_borrow_io(epoll);
	if (!own.file)
		return -EBADF;
	target = fd_borrow_io(fd);
	if (target.file) {
		error = control(own.file, op, target.file, fd, &wanted);
		fd_release(target);
	}
	fd_release(own);
	return error;
}
