/* SPDX-License-Identifier: MIT */
/* fcntl and flock. */
#include "syscall_prototypes.h"
#include "raeen/handles.h"
#include "lib/errno.h"
#include "lib/same_layout.h"
#include "mm/user_copy.h"
#include "vfs/async.h"
#include "vfs/fd_table.h"
#include "vfs/lock.h"
#include "vfs/lock_range.h"
#include "vfs/memfd.h"
#include "vfs/permission.h"
#include "vfs/pipe.h"
#include "vfs/vnode.h"
#include <asm/resource.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

/* What F_SETFL may change. */
enum { SETTABLE_FLAGS = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT };
enum { SIGNAL_MAX = 64 };

/* struct f_owner_ex */
struct owner_ex { int type, pid; };
SAME_SIZE(struct owner_ex, struct f_owner_ex);
SAME_FIELD(struct owner_ex, type, struct f_owner_ex, type);
SAME_FIELD(struct owner_ex, pid, struct f_owner_ex, pid);

static long duplicate(struct file *file, uint64_t argument, bool close_on_exec)
{
	long fd;

	if (argument >= process_limit(RLIMIT_NOFILE))
		return -EINVAL;
	file_get(file);
	fd = fd_install(file, argument, close_on_exec);
	if (fd < 0)
		file_put(file);
	return fd;
}

static long set_flags(int fd, struct file *file, uint32_t flags)
{
	uint32_t old = atomic_load_relaxed(&file->flags);
	int error = 0;

	if (flags & O_NOATIME && !(old & O_NOATIME) && file->vnode && !vnode_owned_by_caller(file->vnode))
		return -EPERM;
	if (flags & O_DIRECT && !file->vnode)
		return -EINVAL;
	if ((old ^ flags) & FASYNC)
		error = async_switch(file, fd, flags & FASYNC);
	if (error && error != -ENOTTY)
		return error;
	old = atomic_load_relaxed(&file->flags);
	while (!atomic_compare_exchange(&file->flags, &old, (old & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS)))
		;
	return 0;
}

/* The range of a struct flock in bytes, both ends included. 0 or negative errno. */
static int decode_range(struct file *file, const struct flock *lock, uint64_t *first, uint64_t *last)
{
	int64_t start = lock->l_start, len = lock->l_len, base = 0;

	if (lock->l_whence == SEEK_CUR)
		base = file->pos;
	else if (lock->l_whence == SEEK_END)
		base = atomic_load(&file->vnode->object.size);
	else if (lock->l_whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, start, &start))
		return -EOVERFLOW;
	if (len < 0) {
		/* The bytes before the start. */
		if (start < 0 || start + len < 0)
			return -EINVAL;
		start += len;
		len = -len;
	}
	if (start < 0)
		return -EINVAL;
	*first = start;
	*last = LOCK_RANGE_END;
	if (len > 0) {
		int64_t end;

		if (__builtin_add_overflow(start, len - 1, &end))
			return -EOVERFLOW;
		/* A lock of the last byte there can be reaches to infinity. */
		if ((int64_t)(end + 1ull) > 0)
			*last = end;
	}
	return 0;
}

static int decode_lock(struct file *file, const struct flock *lock, bool open_file, struct lock_request *request)
{
	int error = decode_range(file, lock, &request->start, &request->end);

	if (error)
		return error;
	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && lock->l_type != F_UNLCK)
		return -EINVAL;
	/* The field must be clear in the open-file forms: it is kept for later uses. */
	if (open_file && lock->l_pid)
		return -EINVAL;
	request->write = lock->l_type == F_WRLCK;
	request->unlock = lock->l_type == F_UNLCK;
	request->owner = open_file ? (const void *)file : current_process()->files;
	request->pid = open_file ? -1 : current_process()->pid;
	request->detect_deadlock = !open_file;
	return 0;
}

static long get_lock(struct file *file, uaddr_t argument, bool open_file)
{
	struct lock_request request = { 0 };
	struct flock lock;
	int error;

	if (copy_from_user(&lock, argument, sizeof(lock)))
		return -EFAULT;
	if (lock.l_type == F_UNLCK)
		return -EINVAL;
	error = decode_lock(file, &lock, open_file, &request);
	if (error)
		return error;
	if (file_lock_test(file->vnode, &request)) {
		lock.l_type = request.write ? F_WRLCK : F_RDLCK;
		lock.l_whence = SEEK_SET;
		lock.l_start = request.start;
		lock.l_len = request.end == LOCK_RANGE_END ? 0 : request.end - request.start + 1;
		lock.l_pid = request.pid;
	} else {
		lock.l_type = F_UNLCK;
	}
	return copy_to_user(argument, &lock, sizeof(lock));
}

static long set_lock(int fd, struct file *file, uaddr_t argument, bool open_file, bool wait)
{
	struct lock_request request = { .wait = wait };
	struct flock lock;
	struct file *now;
	int error;

	if (copy_from_user(&lock, argument, sizeof(lock)))
		return -EFAULT;
	error = decode_lock(file, &lock, open_file, &request);
	if (error)
		return error;
	if (!request.unlock && !(file->rights & (request.write ? FILE_RIGHT_WRITE : FILE_RIGHT_READ)))
		return -EBADF;
	error = file_lock_set(file->vnode, &request);
	if (error || request.unlock || open_file)
		return error;
	/* Another thread may have closed the descriptor while this one waited: then its release came too early. */
	now = fd_get_from(current_process()->files, fd);
	if (now != file) {
		file_locks_release_owner(file->vnode, request.owner);
		error = -EBADF;
	}
	if (now)
		file_put(now);
	return error;
}

static long lock_command(int fd, struct file *file, int command, uint64_t argument)
{
	if (!file->vnode)
		return -EBADF;
	switch (command) {
	case F_GETLK:
	case F_OFD_GETLK:
		return get_lock(file, argument, command == F_OFD_GETLK);
	default:
		return set_lock(fd, file, argument, command == F_OFD_SETLK || command == F_OFD_SETLKW,
				command == F_SETLKW || command == F_OFD_SETLKW);
	}
}

/* @number: of whom @owner says something, or 0. */
static long set_owner(struct file *file, int number, int owner)
{
	if (number && !process_number_is_used(number))
		return -ESRCH;
	async_set_owner(file, owner);
	return 0;
}

static long owner_command(struct file *file, int command, uint64_t argument)
{
	struct owner_ex owner;
	int value = atomic_load(&file->owner), number = value < 0 ? -value : value & ~SIGNAL_TO_THREAD;

	switch (command) {
	case F_SETOWN:
		value = argument;
		return value == INT32_MIN ? -EINVAL : set_owner(file, value < 0 ? -value : value, value);
	case F_GETOWN:
		return value < 0 ? value : number;
	case F_SETOWN_EX:
		if (copy_from_user(&owner, argument, sizeof(owner)))
			return -EFAULT;
		if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP)
			return -EINVAL;
		if (owner.pid < 0)
			return -ESRCH;
		return set_owner(file, owner.pid, owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid | (owner.type == F_OWNER_TID ? SIGNAL_TO_THREAD : 0));
	case F_GETOWN_EX:
		owner = (struct owner_ex){ value < 0 ? F_OWNER_PGRP : value & SIGNAL_TO_THREAD ? F_OWNER_TID : F_OWNER_PID, number };
		return copy_to_user(argument, &owner, sizeof(owner));
	case F_SETSIG:
		if (argument > SIGNAL_MAX)
			return -EINVAL;
		atomic_store(&file->owner_signal, (uint16_t)argument);
		return 0;
	default:
		return atomic_load(&file->owner_signal);
	}
}

static long file_command(int fd, struct file *file, int command, uint64_t argument)
{
	switch (command) {
	case F_SETFL:
		return set_flags(fd, file, argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_command(fd, file, command, argument);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return owner_command(file, command, argument);
	case F_GETPIPE_SZ:
		return pipe_get_size(file);
	case F_SETPIPE_SZ:
		return pipe_set_size(file, argument);
	/* Leases are refused as Linux refuses them for files that cannot have any; none is ever held. */
	case F_GETLEASE:
		return F_UNLCK;
	case F_SETLEASE:
		return argument == F_UNLCK ? -EAGAIN : -EINVAL;
	case F_ADD_SEALS:
		return memfd_add_seals(file, argument);
	case F_GET_SEALS:
		return memfd_get_seals(file);
	}
	return -EINVAL;		/* hints among them */
}

long sys_fcntl(int fd, int command, uint64_t argument)
{
	struct fd_ref ref;
	long result;

	switch (command) {
	case F_GETFD:
		return fd_get_flags(fd);
	case F_SETFD:
		return fd_set_flags(fd, FD_CLOEXEC | FD_CLOFORK, argument & (FD_CLOEXEC | FD_CLOFORK));
	}
	ref = fd_borrow(fd);
	if (!ref.file)
		return -EBADF;
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		result = duplicate(ref.file, argument, command == F_DUPFD_CLOEXEC);
	else if (command == F_GETFL)
		result = atomic_load_relaxed(&ref.file->flags);
	else if (ref.file->rights & FILE_RIGHT_PATH_ONLY)
		result = -EBADF;
	else
		result = file_command(fd, ref.file, command, argument);
	fd_release(ref);
	return result;
}

long sys_flock(int fd, int operation)
{
	int kind = operation & ~LOCK_NB;
	struct fd_ref ref;
	long error;

	/* Since these were never kept, Linux says yes to all of them, too. */
	if (operation & LOCK_MAND)
		return 0;
	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return -EINVAL;
	ref = fd_borrow_io(fd);
	if (!ref.file)
		return -EBADF;
	error = ref.file->vnode ? file_lock_whole(ref.file, kind, !(operation & LOCK_NB)) : -EBADF;
	fd_release(ref);
	return error;
}
