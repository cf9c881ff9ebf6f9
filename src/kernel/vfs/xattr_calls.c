/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes. No file system here has any, so after the checks of names and descriptors each call answers what Linux answers for such
 * a file system: reading and changing give EOPNOTSUPP, and a list is empty. Programs (ls, cp) ask at every file.
 */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/mount_tree.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>

enum xattr_call { XATTR_GET, XATTR_SET, XATTR_LIST, XATTR_REMOVE };

/* The arguments besides the file; not every call has all of them. */
struct xattr_request {
	enum xattr_call call;
	uaddr_t name;
	size_t size;
	int flags;
};

/* 0, or what is wrong with the arguments. */
static long check_request(const struct xattr_request *request)
{
	char name[XATTR_NAME_MAX + 1];
	ssize_t len;

	if (request->call == XATTR_LIST)
		return 0;
	if (request->call == XATTR_SET && (request->flags & ~(XATTR_CREATE | XATTR_REPLACE)))
		return -EINVAL;
	len = copy_string_from_user(name, request->name, sizeof(name));
	if (len == -ENAMETOOLONG || !len)
		return -ERANGE;
	if (len < 0)
		return len;
	return request->call == XATTR_SET && request->size > XATTR_SIZE_MAX ? -E2BIG : 0;
}

static bool changes(const struct xattr_request *request)
{
	return request->call == XATTR_SET || request->call == XATTR_REMOVE;
}

static long answer(const struct xattr_request *request)
{
	long error = check_request(request);

	return error || request->call == XATTR_LIST ? error : -EOPNOTSUPP;
}

static long by_name(uaddr_t path_name, unsigned lookup_flags, const struct xattr_request *request)
{
	struct path path;
	long result = path_lookup_user(AT_FDCWD, path_name, lookup_flags, &path);

	if (result)
		return result;
	result = changes(request) && mount_is_read_only(path.mount) ? -EROFS : answer(request);
	path_put(&path);
	return result;
}

static long by_descriptor(int fd, const struct xattr_request *request)
{
	struct fd_ref ref = fd_borrow_io(fd);
	const struct mount *mount;
	long result;

	if (!ref.file)
		return -EBADF;
	mount = ref.file->path.mount;
	if (changes(request) && !(ref.file->rights & FILE_RIGHT_WRITE) && !capabilities_hold(CAPABILITY_FILE_WRITE))
		result = -EPERM;
	else
		result = changes(request) && mount && mount_is_read_only(mount) ? -EROFS : answer(request);
	fd_release(ref);
	return result;
}

long sys_setxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
	(void)value;
	return by_name(path, 0, &(struct xattr_request){ XATTR_SET, name, size, flags });
}

long sys_lsetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
	(void)value;
	return by_name(path, PATH_NO_FOLLOW, &(struct xattr_request){ XATTR_SET, name, size, flags });
}

long sys_fsetxattr(int fd, uaddr_t name, uaddr_t value, size_t size, int flags)
{
	(void)value;
	return by_descriptor(fd, &(struct xattr_request){ XATTR_SET, name, size, flags });
}

long sys_getxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
	(void)value;
	return by_name(path, 0, &(struct xattr_request){ XATTR_GET, name, size, 0 });
}

long sys_lgetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
	(void)value;
	return by_name(path, PATH_NO_FOLLOW, &(struct xattr_request){ XATTR_GET, name, size, 0 });
}

long sys_fgetxattr(int fd, uaddr_t name, uaddr_t value, size_t size)
{
	(void)value;
	return by_descriptor(fd, &(struct xattr_request){ XATTR_GET, name, size, 0 });
}

long sys_listxattr(uaddr_t path, uaddr_t list, size_t size)
{
	(void)list;
	return by_name(path, 0, &(struct xattr_request){ XATTR_LIST, 0, size, 0 });
}

long sys_llistxattr(uaddr_t path, uaddr_t list, size_t size)
{
	(void)list;
	return by_name(path, PATH_NO_FOLLOW, &(struct xattr_request){ XATTR_LIST, 0, size, 0 });
}

long sys_flistxattr(int fd, uaddr_t list, size_t size)
{
	(void)list;
	return by_descriptor(fd, &(struct xattr_request){ XATTR_LIST, 0, size, 0 });
}

long sys_removexattr(uaddr_t path, uaddr_t name)
{
	return by_name(path, 0, &(struct xattr_request){ XATTR_REMOVE, name, 0, 0 });
}

long sys_lremovexattr(uaddr_t path, uaddr_t name)
{
	return by_name(path, PATH_NO_FOLLOW, &(struct xattr_request){ XATTR_REMOVE, name, 0, 0 });
}

long sys_fremovexattr(int fd, uaddr_t name)
{
	return by_descriptor(fd, &(struct xattr_request){ XATTR_REMOVE, name, 0, 0 });
}
