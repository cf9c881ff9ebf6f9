/* SPDX-License-Identifier: MIT */
/* The calls that make, remove and rename names. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/credentials.h"
#include "security/capabilities.h"
#include "vfs/dentry.h"
#include "vfs/name_change.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

enum { WALK_FOR_NEW = PATH_CREATE | WALK_PARENT | WALK_LAST_RAW | PATH_NO_FOLLOW,
       WALK_FOR_OLD = WALK_PARENT | WALK_LAST_RAW | PATH_NO_FOLLOW };

static long create_at(int dir, uaddr_t path, const struct new_node *node)
{
	struct path_walk walk;
	unsigned tries = 0;
	long error;

	do {
		path_walk_init(&walk);
		walk.insist = ++tries > NAME_TRIES;
		error = path_walk_user(&walk, dir, path, WALK_FOR_NEW);
		if (!error)
			error = name_create(&walk, node);
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	return error == -ESTALE ? 0 : error;
}

int name_create_known(const char *name, const struct new_node *node, struct path *path)
{
	struct path_walk walk;
	unsigned tries = 0;
	int error;

	do {
		path_walk_init(&walk);
		walk.insist = ++tries > NAME_TRIES;
		error = path_walk_kernel(&walk, AT_FDCWD, name, WALK_FOR_NEW);
		if (!error)
			error = name_create(&walk, node);
		if (!error) {
			*path = walk.path;
			walk.path = (struct path){ NULL, NULL };
		}
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	return error;
}

int name_remove_known(const char *name)
{
	struct path_walk walk;
	unsigned tries = 0;
	int error;

	do {
		path_walk_init(&walk);
		walk.insist = ++tries > NAME_TRIES;
		error = path_walk_kernel(&walk, AT_FDCWD, name, WALK_FOR_OLD);
		if (!error)
			error = name_remove(&walk, false);
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	return error;
}

static long make_directory(int dir, uaddr_t path, unsigned mode)
{
	struct new_node node = { .mode = S_IFDIR | (mode & 01777) };

	return create_at(dir, path, &node);
}

long sys_mkdir(uaddr_t path, unsigned mode)
{
	return make_directory(AT_FDCWD, path, mode);
}

long sys_mkdirat(int dir, uaddr_t path, unsigned mode)
{
	return make_directory(dir, path, mode);
}

static long make_node(int dir, uaddr_t path, unsigned mode, unsigned dev)
{
	struct new_node node = { .mode = mode & (S_IFMT | 07777) };

	switch (mode & S_IFMT) {
	case 0:
		node.mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		node.rdev = dev;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return create_at(dir, path, &node);
}

long sys_mknod(uaddr_t path, unsigned mode, unsigned dev)
{
	return make_node(AT_FDCWD, path, mode, dev);
}

long sys_mknodat(int dir, uaddr_t path, unsigned mode, unsigned dev)
{
	return make_node(dir, path, mode, dev);
}

static long make_symlink(uaddr_t target, int dir, uaddr_t path)
{
	struct new_node node = { .mode = S_IFLNK | 0777 };
	char *text = kmalloc(PATH_MAX_LEN);
	ssize_t len;
	long error;

	if (!text)
		return -ENOMEM;
	len = copy_string_from_user(text, target, PATH_MAX_LEN);
	node.target = text;
	if (len < 0)
		error = len;
	else
		error = len ? create_at(dir, path, &node) : -ENOENT;
	kfree(text);
	return error;
}

long sys_symlink(uaddr_t target, uaddr_t path)
{
	return make_symlink(target, AT_FDCWD, path);
}

long sys_symlinkat(uaddr_t target, int dir, uaddr_t path)
{
	return make_symlink(target, dir, path);
}

static long remove_at(int dir, uaddr_t path, bool directory)
{
	struct path_walk walk;
	unsigned tries = 0;
	long error;

	do {
		path_walk_init(&walk);
		walk.insist = ++tries > NAME_TRIES;
		error = path_walk_user(&walk, dir, path, WALK_FOR_OLD);
		if (!error)
			error = name_remove(&walk, directory);
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	return error;
}

static __attribute__((noinline)) long remove_not_ready(uaddr_t path)
{
	return remove_at(AT_FDCWD, path, false);
}

long sys_unlink(uaddr_t path)
{
	int error = name_remove_ready(path);

	/* The file system has seen another tree than the walk: the long way finds out. */
	return unlikely(error == NAME_NOT_READY || error == -ENOENT) ? remove_not_ready(path) : error;
}

long sys_rmdir(uaddr_t path)
{
	return remove_at(AT_FDCWD, path, true);
}

long sys_unlinkat(int dir, uaddr_t path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dir, path, flags & AT_REMOVEDIR);
}

static long link_at(int from_dir, uaddr_t from, int to_dir, uaddr_t to, int flags)
{
	struct path path;
	struct path_walk walk;
	unsigned lookup = PATH_NO_FOLLOW, tries = 0;
	long error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_SYMLINK_FOLLOW)
		lookup = 0;
	if (flags & AT_EMPTY_PATH) {
		/* Linking a bare descriptor could give a name to what one was only lent. */
		if (!credentials_is_root(credentials_current()))
			return -ENOENT;
		lookup |= PATH_EMPTY_OK;
	}
	error = path_lookup_user(from_dir, from, lookup, &path);
	if (error)
		return error;
	do {
		path_walk_init(&walk);
		walk.insist = ++tries > NAME_TRIES;
		error = path_walk_user(&walk, to_dir, to, WALK_FOR_NEW);
		if (!error)
			error = name_link(&path, &walk);
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	path_put(&path);
	return error;
}

long sys_link(uaddr_t from, uaddr_t to)
{
	return link_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sys_linkat(int from_dir, uaddr_t from, int to_dir, uaddr_t to, int flags)
{
	return link_at(from_dir, from, to_dir, to, flags);
}

static long rename_at(int from_dir, uaddr_t from, int to_dir, uaddr_t to, unsigned flags)
{
	struct path_walk *from_walk, *to_walk;
	unsigned tries = 0;
	long error;

	/* Two walks are too much for the stack together with what the file system needs. */
	from_walk = kmalloc(2 * sizeof(*from_walk));
	if (!from_walk)
		return -ENOMEM;
	to_walk = from_walk + 1;
	do {
		path_walk_init(from_walk);
		path_walk_init(to_walk);
		from_walk->insist = to_walk->insist = ++tries > NAME_TRIES;
		/* Also if there is no such name: other errors come first. */
		error = path_walk_user(from_walk, from_dir, from, WALK_FOR_NEW);
		if (!error)
			error = path_walk_user(to_walk, to_dir, to, WALK_FOR_NEW);
		if (!error)
			error = name_rename(from_walk, to_walk, flags);
		path_walk_end(to_walk);
		path_walk_end(from_walk);
	} while (error == NAME_WALK_AGAIN);
	kfree(from_walk);
	return error;
}

long sys_rename(uaddr_t from, uaddr_t to)
{
	return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sys_renameat(int from_dir, uaddr_t from, int to_dir, uaddr_t to)
{
	return rename_at(from_dir, from, to_dir, to, 0);
}

long sys_renameat2(int from_dir, uaddr_t from, int to_dir, uaddr_t to, unsigned flags)
{
	_Static_assert(RENAME_NOREPLACE == (int)FS_RENAME_NOREPLACE && RENAME_EXCHANGE == (int)FS_RENAME_EXCHANGE &&
		       RENAME_WHITEOUT == (int)FS_RENAME_WHITEOUT, "the same bits");
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) || (flags & RENAME_EXCHANGE && flags != RENAME_EXCHANGE))
		return -EINVAL;
	return rename_at(from_dir, from, to_dir, to, flags);
}

/* @no_link: the error for what is something else. */
static long read_link_at(int dir, uaddr_t name, uaddr_t buf, size_t size, int no_link)
{
	struct path path;
	char *text;
	ssize_t len;

	if ((int)size <= 0)
		return -EINVAL;
	len = path_lookup_user(dir, name, PATH_NO_FOLLOW | PATH_EMPTY_OK, &path);
	if (len)
		return len;
	if (path.dentry->vnode->type == S_IFLNK) {
		len = vnode_read_link(path.dentry->vnode, &text);
		if (len >= 0) {
			len = MIN((size_t)len, size);
			if (copy_to_user(buf, text, len))
				len = -EFAULT;
			kfree(text);
		}
	} else {
		len = no_link;
	}
	path_put(&path);
	return len;
}

long sys_readlink(uaddr_t path, uaddr_t buf, size_t size)
{
	char first;

	/* Unlike readlinkat, an empty name is nothing here. */
	if (copy_from_user(&first, path, 1))
		return -EFAULT;
	return first ? read_link_at(AT_FDCWD, path, buf, size, -EINVAL) : -ENOENT;
}

long sys_readlinkat(int dir, uaddr_t path, uaddr_t buf, size_t size)
{
	char first;

	/* An empty name is what @dir itself is open on, as it can be with O_PATH | O_NOFOLLOW. */
	if (copy_from_user(&first, path, 1))
		return -EFAULT;
	return read_link_at(dir, path, buf, size, first ? -EINVAL : -ENOENT);
}
