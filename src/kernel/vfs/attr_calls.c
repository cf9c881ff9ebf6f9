/* SPDX-License-Identifier: MIT */
/* Changing attributes: mode, owner, times, size. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/mount_tree.h"
#include "vfs/permission.h"
#include "vfs/watch.h"
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time.h>

enum { NO_ID = -1, UTIME_NOW_NS = (1 << 30) - 1, UTIME_OMIT_NS = (1 << 30) - 2 };

/* What a call does to a file once it is found. */
typedef long attribute_change(const struct path *path, void *argument);

static long change_by_name(int dir, uaddr_t name, unsigned flags, attribute_change *change, void *argument)
{
	struct path path;
	long error = path_lookup_user(dir, name, flags, &path);

	if (error)
		return error;
	error = mount_is_read_only(path.mount) ? -EROFS : change(&path, argument);
	path_put(&path);
	return error;
}

/* What was only opened for reading is changed by who could have opened it for writing. */
static bool may_change(const struct file *file)
{
	return file->rights & FILE_RIGHT_WRITE || capabilities_hold(CAPABILITY_FILE_WRITE);
}

static long change_by_descriptor(int fd, attribute_change *change, void *argument)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long error;

	if (!ref.file)
		return -EBADF;
	if (!ref.file->path.dentry || !may_change(ref.file))
		error = -EPERM;		/* no file behind it that could have attributes; or see above */
	else
		error = mount_is_read_only(ref.file->path.mount) ? -EROFS : change(&ref.file->path, argument);
	fd_release(ref);
	return error;
}

static bool caller_in_group(uint32_t gid)
{
	const struct credentials *credentials = credentials_current();

	return credentials->fsuid == 0 || credentials->fsgid == gid || credentials_in_group(credentials, gid);
}

/* One time alone is what reads and writes change. */
static uint32_t event_of(unsigned mask)
{
	unsigned times = mask & (FS_SET_ATIME | FS_SET_MTIME);

	if (mask & (FS_SET_MODE | FS_SET_UID | FS_SET_GID) || times == (FS_SET_ATIME | FS_SET_MTIME))
		return IN_ATTRIB;
	return times == FS_SET_ATIME ? IN_ACCESS : times ? IN_MODIFY : 0;
}

/* Attributes of what is at @path were set, or that failed; returns @error. */
static inline int tell_set(const struct path *path, unsigned mask, int error)
{
	if (!error)
		inotify_dentry(path->dentry, event_of(mask));
	return error;
}

static long change_mode(const struct path *path, void *argument)
{
	struct vnode *vnode = path_vnode(path);
	struct fs_attr in = { .mode = *(unsigned *)argument & 07777, .ctime = clock_realtime_ns() };

	if (!vnode_owned_by_caller(vnode))
		return -EPERM;
	if (vnode->type == S_IFLNK)
		return -EOPNOTSUPP;
	if (!caller_in_group(vnode->attr.gid))
		in.mode &= ~S_ISGID;
	return tell_set(path, FS_SET_MODE | FS_SET_CTIME, vnode_setattr(vnode, FS_SET_MODE | FS_SET_CTIME, &in));
}

long sys_fchmodat(int dir, uaddr_t path, unsigned mode)
{
	return change_by_name(dir, path, 0, change_mode, &mode);
}

long sys_chmod(uaddr_t path, unsigned mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(int fd, unsigned mode)
{
	return change_by_descriptor(fd, change_mode, &mode);
}

struct owner { uint32_t uid, gid; };

static long change_owner(const struct path *path, void *argument)
{
	struct vnode *vnode = path_vnode(path);
	const struct owner *to = argument;
	/* Read once: what somebody's chmod has made of it meanwhile is not undone. */
	uint32_t mode = atomic_load_relaxed(&vnode->attr.mode);
	struct fs_attr in = { .mode = permission_without_set_id(mode), .uid = to->uid, .gid = to->gid, .ctime = clock_realtime_ns() };
	unsigned mask = FS_SET_CTIME;

	if (to->uid != (uint32_t)NO_ID)
		mask |= FS_SET_UID;
	if (to->gid != (uint32_t)NO_ID)
		mask |= FS_SET_GID;
	if (vnode->type != S_IFDIR && in.mode != mode)
		mask |= FS_SET_MODE;
	/* To change nothing but the time is for everybody. */
	if (mask != FS_SET_CTIME && !vnode_owned_by_caller(vnode))
		return -EPERM;
	if ((mask & FS_SET_UID && to->uid != vnode->attr.uid && credentials_current()->fsuid != 0) ||
	    (mask & FS_SET_GID && to->gid != vnode->attr.gid && !caller_in_group(to->gid)))
		return -EPERM;
	return tell_set(path, mask, vnode_setattr(vnode, mask, &in));
}

long sys_fchown(int fd, uint32_t uid, uint32_t gid)
{
	struct owner owner = { uid, gid };

	return change_by_descriptor(fd, change_owner, &owner);
}

long sys_fchownat(int dir, uaddr_t path, uint32_t uid, uint32_t gid, int flags)
{
	struct owner owner = { uid, gid };

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_by_name(dir, path, (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? PATH_EMPTY_OK : 0),
			      change_owner, &owner);
}

long sys_chown(uaddr_t path, uint32_t uid, uint32_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(uaddr_t path, uint32_t uid, uint32_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

/* Both times as a call gave them. */
struct new_times {
	bool now;			/* both to the present, by whoever may write */
	struct __kernel_timespec times[2];	/* access, modification; tv_nsec may be UTIME_NOW or UTIME_OMIT */
};

static bool omitted(const struct __kernel_timespec *time) { return time->tv_nsec == UTIME_OMIT_NS; }
static bool present(const struct __kernel_timespec *time) { return time->tv_nsec == UTIME_NOW_NS; }

/* Seconds beyond what a signed 64-bit nanosecond count can hold are cut, as file systems do with times they cannot store. */
static int64_t time_ns(const struct __kernel_timespec *time, int64_t now)
{
	const int64_t seconds_max = INT64_MAX / (int64_t)NS_PER_SEC - 1;
	int64_t seconds = time->tv_sec;

	if (present(time))
		return now;
	if (seconds > seconds_max)
		seconds = seconds_max;
	if (seconds < -seconds_max)
		seconds = -seconds_max;
	return seconds * (int64_t)NS_PER_SEC + time->tv_nsec;
}

static long change_times(const struct path *path, void *argument)
{
	const struct new_times *to = argument;
	struct vnode *vnode = path_vnode(path);
	int64_t now = clock_realtime_ns();
	struct fs_attr in = { .atime = now, .mtime = now, .ctime = now };
	unsigned mask = FS_SET_CTIME | FS_SET_ATIME | FS_SET_MTIME;

	if (to->now || (present(&to->times[0]) && present(&to->times[1]))) {
		if (!vnode_owned_by_caller(vnode) && vnode_check_access(vnode, PERMIT_WRITE))
			return -EACCES;
	} else {
		if (!vnode_owned_by_caller(vnode))
			return -EPERM;
		in.atime = time_ns(&to->times[0], now);
		in.mtime = time_ns(&to->times[1], now);
		if (omitted(&to->times[0]))
			mask &= ~FS_SET_ATIME;
		if (omitted(&to->times[1]))
			mask &= ~FS_SET_MTIME;
	}
	return tell_set(path, mask, vnode_setattr(vnode, mask, &in));
}

static bool valid_ns(const struct __kernel_timespec *time)
{
	return (time->tv_nsec >= 0 && time->tv_nsec < (long long)NS_PER_SEC) || omitted(time) || present(time);
}

static long set_times(int dir, uaddr_t name, struct new_times *to, int flags)
{
	if (!to->now && (!valid_ns(&to->times[0]) || !valid_ns(&to->times[1])))
		return -EINVAL;
	/* Without a name: the descriptor itself (futimens). */
	if (!name && dir != AT_FDCWD)
		return flags ? -EINVAL : change_by_descriptor(dir, change_times, to);
	if (!capabilities_hold(CAPABILITY_FILE_WRITE))
		return -EPERM;
	return change_by_name(dir, name, (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? PATH_EMPTY_OK : 0),
			      change_times, to);
}

long sys_utimensat(int dir, uaddr_t path, uaddr_t times, int flags)
{
	struct new_times to = { .now = !times };

	if (times && copy_from_user(to.times, times, sizeof(to.times)))
		return -EFAULT;
	/* Not even the name is looked at. */
	if (times && omitted(&to.times[0]) && omitted(&to.times[1]))
		return 0;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_times(dir, path, &to, flags);
}

static long set_times_us(int dir, uaddr_t path, uaddr_t times)
{
	struct new_times to = { .now = !times };
	struct { int64_t seconds, us; } in[2];

	if (times && copy_from_user(in, times, sizeof(in)))
		return -EFAULT;
	for (int i = 0; i < 2 && times; i++) {
		if (in[i].us < 0 || in[i].us >= 1000000)
			return -EINVAL;
		to.times[i].tv_sec = in[i].seconds;
		to.times[i].tv_nsec = in[i].us * 1000;
	}
	return set_times(dir, path, &to, 0);
}

long sys_utimes(uaddr_t path, uaddr_t times)
{
	return set_times_us(AT_FDCWD, path, times);
}

long sys_futimesat(int dir, uaddr_t path, uaddr_t times)
{
	return set_times_us(dir, path, times);
}

long sys_utime(uaddr_t path, uaddr_t times)
{
	struct new_times to = { .now = !times };
	int64_t in[2];

	if (times && copy_from_user(in, times, sizeof(in)))
		return -EFAULT;
	for (int i = 0; i < 2 && times; i++)
		to.times[i].tv_sec = in[i];
	return set_times(AT_FDCWD, path, &to, 0);
}

static long change_size(const struct path *path, void *argument)
{
	struct vnode *vnode = path_vnode(path);
	struct file *file;
	struct path own = *path;
	long error;

	if (vnode->type == S_IFDIR)
		return -EISDIR;
	if (vnode->type != S_IFREG)
		return -EINVAL;
	error = vnode_check_access(vnode, PERMIT_WRITE) ?: vnode_begin_write(vnode);
	if (error)
		return error;
	path_get(&own);
	file = file_create_at(&regular_file_ops, O_WRONLY, &own);
	error = file ? file->ops->truncate(file, *(uint64_t *)argument) : -ENOMEM;
	if (file) {
		if (!error)
			inotify_file(file, IN_MODIFY);
		inotify_not_opened(file);
		file_put(file);
	}
	vnode_end_write(vnode);
	return error;
}

long sys_truncate(uaddr_t path, int64_t size)
{
	uint64_t wanted = size;

	return size < 0 ? -EINVAL : change_by_name(AT_FDCWD, path, 0, change_size, &wanted);
}

long sys_ftruncate(int fd, int64_t size)
{
	struct fd_ref ref;
	long error;

	if (size < 0)
		return -EINVAL;
	ref = fd_borrow_io(fd);
	if (!ref.file)
		return -EBADF;
	if (!(ref.file->rights & FILE_RIGHT_WRITE) || !ref.file->ops->truncate)
		error = -EINVAL;
	else
		error = ref.file->ops->truncate(ref.file, size);
	if (!error)
		inotify_file(ref.file, IN_MODIFY);
	fd_release(ref);
	return error;
}
