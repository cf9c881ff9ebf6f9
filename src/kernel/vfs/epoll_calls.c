/* SPDX-License-Identifier: MIT */
/* The calls of epoll. */
#include "vfs/epoll.h"
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "sched/clock.h"
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

static inline __attribute__((always_inline)) long wait_for_events(int epoll, uaddr_t events, int max, uint64_t deadline)
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
		result = epoll_wait_until(epoll_of_file(ref.file), events, max, deadline);
	fd_release(ref);
	return result;
}

static __attribute__((noinline)) long wait_masked(int epoll, uaddr_t events, int max, uint64_t deadline, uaddr_t mask, size_t mask_size)
{
	long error = poll_use_mask(mask, mask_size);

	return error ? error : wait_for_events(epoll, events, max, deadline);
}

long sys_epoll_pwait(int epoll, uaddr_t events, int count, int timeout_ms, uaddr_t mask, size_t mask_size)
{
	uint64_t deadline = timeout_ms < 0 ? WAIT_FOREVER : unlikely(timeout_ms) ? poll_deadline(timeout_ms * NS_PER_MS) : 0;

	if (unlikely(mask))
		return wait_masked(epoll, events, count, deadline, mask, mask_size);
	return wait_for_events(epoll, events, count, deadline);
}

long sys_epoll_wait(int epoll, uaddr_t events, int count, int timeout_ms)
{
	return sys_epoll_pwait(epoll, events, count, timeout_ms, 0, 0);
}

long sys_epoll_pwait2(int epoll, uaddr_t events, int count, uaddr_t timeout, uaddr_t mask, size_t mask_size)
{
	uint64_t deadline;
	long error = poll_read_timeout(timeout, 1, &deadline);

	return error ? error : wait_masked(epoll, events, count, deadline, mask, mask_size);
}
