/* SPDX-License-Identifier: MIT */
/* name_to_handle_at: which file it is, and on which mount. Nothing can be opened by that. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "vfs/memfd.h"
#include "vfs/mount_tree.h"
#include <linux/fcntl.h>

enum { HANDLE_MAX = 128, HANDLE_TYPE = 1, HANDLE_HEAD = 8 };

/* struct file_handle, as programs have it. */
struct handle { uint32_t bytes; int32_t type; struct fs_node_id node; };

static long put_handle(const struct path *path, uaddr_t to, uaddr_t mount)
{
	struct handle handle = { sizeof(handle.node), HANDLE_TYPE, path->dentry->vnode->node };
	uint32_t room;

	/* A memfd's generation is an address. */
	if (path->mount->fs->flags & FS_VOLATILE || memfd_is(path->dentry->vnode))
		return -EOPNOTSUPP;
	if (get_user_u32(&room, to))
		return -EFAULT;
	if (room > HANDLE_MAX)
		return -EINVAL;
	if (put_user_u32(mount, path->mount->id) || copy_to_user(to, &handle, room < handle.bytes ? HANDLE_HEAD : sizeof(handle)))
		return -EFAULT;
	return room < handle.bytes ? -EOVERFLOW : 0;
}

long sys_name_to_handle_at(int dir, uaddr_t name, uaddr_t handle, uaddr_t mount, int flags)
{
	struct path path;
	long error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = path_lookup_user(dir, name, (flags & AT_SYMLINK_FOLLOW ? 0 : PATH_NO_FOLLOW) | (flags & AT_EMPTY_PATH ? PATH_EMPTY_OK : 0), &path);
	if (error)
		return error;
	error = put_handle(&path, handle, mount);
	path_put(&path);
	return error;
}

/* Programs that serve files to other machines would want it. */
long sys_open_by_handle_at(int mount, uaddr_t from, int flags)
{
	return -EOPNOTSUPP;
}
