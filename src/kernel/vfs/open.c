/* SPDX-License-Identifier: MIT */
/* open: from flags and a walk to a struct file of the right kind. */
#include "lib/errno.h"
#include "process/process.h"
#include "vfs/fd_table.h"
#include "vfs/file_data.h"
#include "vfs/file_life.h"
#include "vfs/fs_context.h"
#include "vfs/mount_tree.h"
#include "vfs/name_change.h"
#include "vfs/permission.h"
#include "vfs/watch.h"
#include "vfs/pipe.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

/* Flags that say how to open and are not kept. */
enum { OPEN_ONLY_FLAGS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC };
enum { O_PATH_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static unsigned wanted_access(int flags)
{
	static const uint8_t of_mode[4] = { PERMIT_READ, PERMIT_WRITE, PERMIT_READ | PERMIT_WRITE, PERMIT_READ | PERMIT_WRITE };
	unsigned mask = of_mode[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | PERMIT_WRITE : mask;
}

static int check_kind(const struct path *path, int flags, unsigned mask)
{
	uint32_t type = path->dentry->vnode->type;

	switch (type) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFSOCK:
		return -ENXIO;
	case S_IFDIR:
		return mask & PERMIT_WRITE ? -EISDIR : 0;
	case S_IFCHR:
	case S_IFBLK:
		return mount_flags(path->mount) & MS_NODEV ? -EACCES : 0;
	case S_IFREG:
		return mask & PERMIT_WRITE && mount_is_read_only(path->mount) ? -EROFS : 0;
	}
	return 0;
}

static int check_open(const struct path *path, int flags, bool created)
{
	struct vnode *vnode = path->dentry->vnode;
	unsigned mask = wanted_access(flags);
	int error = check_kind(path, flags, mask);

	if (!error && !created)
		error = vnode_check_access(vnode, mask);
	if (!error && flags & O_NOATIME && !vnode_owned_by_caller(vnode))
		error = -EPERM;
	return error;
}

static int truncate_on_open(struct file *file)
{
	struct fs_attr in = { .size = 0 };
	int error;

	vnode_clear_set_id(file->vnode);
	error = vnode_setattr(file->vnode, FS_SET_SIZE, &in);
	if (!error)
		inotify_file(file, IN_MODIFY);
	return error;
}

static int open_regular(struct file *file, int flags, bool created)
{
	int error;

	file->ops = &regular_file_ops;
	if (file->rights & FILE_RIGHT_WRITE || flags & O_TRUNC) {
		error = mount_begin_write(file->path.mount);
		if (error)
			return error;
		error = vnode_begin_write(file->vnode);
		if (error) {
			mount_end_write(file->path.mount);
			return error;
		}
		file->writer = true;
		if (unlikely(file->vnode->fs->data))
			file->vnode->fs->data->opened(file);
	}
	return flags & O_TRUNC && !created ? truncate_on_open(file) : 0;
}

/* Gives @file its operations by the kind of its vnode. */
static int open_kind(struct file *file, int flags, bool created)
{
	struct vnode *vnode = file->vnode;
	int error = 0;

	switch (vnode->type) {
	case S_IFREG:
		error = open_regular(file, flags, created);
		break;
	case S_IFDIR:
		file->ops = &directory_file_ops;
		break;
	case S_IFIFO:
		return pipe_open_fifo(file);
	case S_IFCHR:
		/* devpts opens its terminals itself: their numbers are in no registry. */
		if (vnode->fs->ops->open)
			break;
		return char_device_open(vnode->attr.rdev, file);
	case S_IFBLK:
		return -ENXIO;
	}
	if (!error && vnode->fs->ops->open)
		error = vnode->fs->ops->open(vnode->fs, vnode->node, file);
	return error;
}

struct file *file_open_at(struct path *path, int flags, bool created, int *error)
{
	struct file *file;

	if (!(flags & O_PATH)) {
		*error = check_open(path, flags, created);
		if (*error) {
			path_put(path);
			return NULL;
		}
	}
	file = file_create_at(&path_only_file_ops, (flags & ~OPEN_ONLY_FLAGS) | O_LARGEFILE, path);
	if (!file) {
		*error = -ENFILE;
		return NULL;
	}
	if (flags & O_PATH) {
		file->flags &= ~O_LARGEFILE;
		return file;
	}
	file->flags |= flags & O_NOCTTY;	/* for the terminal's open, as Linux has it */
	*error = open_kind(file, flags, created);
	file->flags &= ~O_NOCTTY;
	if (*error) {
		/* What failed to open has nothing to release. */
		file->ops = &path_only_file_ops;
		inotify_not_opened(file);
		file_put(file);
		return NULL;
	}
	inotify_file(file, IN_OPEN);
	return file;
}

/* Checks and completes open's flags. */
static int decode_flags(int *flags)
{
	if (*flags & O_PATH) {
		*flags &= O_PATH_FLAGS;
		return 0;
	}
	if (*flags & __O_TMPFILE)
		return (*flags & (O_TMPFILE | O_CREAT)) == O_TMPFILE && *flags & (O_WRONLY | O_RDWR) ? 0 : -EINVAL;
	if ((*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	return 0;
}

static unsigned walk_flags_of(int flags)
{
	unsigned walk = 0;

	if (flags & O_NOFOLLOW)
		walk |= PATH_NO_FOLLOW;
	if (flags & O_DIRECTORY)
		walk |= PATH_DIRECTORY;
	if (flags & O_CREAT)
		walk |= PATH_CREATE | WALK_PARENT | (flags & O_EXCL ? PATH_NO_FOLLOW : 0);
	return walk;
}

/* O_CREAT: makes the file if the walk found nothing. *created tells. */
static int open_create(struct path_walk *walk, int flags, unsigned mode, bool *created)
{
	struct new_node node = { .mode = S_IFREG | (mode & 07777) };

	if (walk->path.dentry->vnode) {
		if (flags & O_EXCL)
			return -EEXIST;
		return walk->path.dentry->vnode->type == S_IFDIR ? -EISDIR : 0;
	}
	if (walk->trailing_slash)
		return -EISDIR;
	*created = true;
	return name_create(walk, &node);
}

static struct file *open_walked(struct path_walk *walk, int flags, unsigned mode, int *error)
{
	struct path path;
	bool created = false;

	if (flags & O_CREAT) {
		*error = open_create(walk, flags, mode, &created);
		if (*error)
			return NULL;
	} else if (unlikely(flags & __O_TMPFILE)) {
		created = true;
		*error = name_make_unnamed(&walk->path, mode, !(flags & O_EXCL));
		if (*error)
			return NULL;
	}
	path = walk->path;
	walk->path = (struct path){ NULL, NULL };
	return file_open_at(&path, flags, created, error);
}

/* @base: where the walk of a name with WALK_RESOLVE flags (@limits) begins; NULL without. */
static struct file *open_limited(int dir_fd, uaddr_t user_name, const char *kernel_name, int flags, unsigned mode, const struct path *base, unsigned limits,
				 int *error)
{
	struct path_walk walk;
	struct file *file = NULL;
	unsigned tries = 0;
	bool again;

	*error = decode_flags(&flags);
	if (*error)
		return NULL;
	do {
		path_walk_init(&walk);
		walk.insist = ++tries > NAME_TRIES;
		walk.base = base;
		*error = kernel_name ? path_walk_kernel(&walk, dir_fd, kernel_name, walk_flags_of(flags)) :
				       path_walk_user(&walk, dir_fd, user_name, walk_flags_of(flags) | limits);
		if (!*error)
			file = open_walked(&walk, flags, mode, error);
		path_walk_end(&walk);
		/* Somebody was in between: made the file first, or removed the one just made (-ESTALE). */
		again = !file && (*error == -ESTALE || *error == NAME_WALK_AGAIN || (*error == -EEXIST && flags & O_CREAT && !(flags & O_EXCL)));
	} while (again && !signal_fatal_pending());
	if (*error == NAME_WALK_AGAIN)
		*error = -EINTR;
	return file;
}

struct file *file_open_name(int dir_fd, uaddr_t user_name, const char *kernel_name, int flags, unsigned mode, int *error)
{
	return open_limited(dir_fd, user_name, kernel_name, flags, mode, NULL, 0, error);
}

COLD struct file *file_open_resolved(int dir_fd, uaddr_t name, int flags, unsigned mode, unsigned limits, int *error)
{
	struct path base = { NULL, NULL };
	struct file *file;
	struct fd_ref ref;

	if (dir_fd == AT_FDCWD) {
		fs_context_get_cwd(fs_context_current(), &base);
	} else {
		ref = fd_borrow(dir_fd);
		if (ref.file && ref.file->path.dentry) {
			base = ref.file->path;
			path_get(&base);
		}
		fd_release(ref);
	}
	file = open_limited(dir_fd, name, NULL, flags, mode, &base, limits, error);
	path_put(&base);
	return file;
}
