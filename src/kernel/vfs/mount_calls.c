/* SPDX-License-Identifier: MIT */
/* mount(2), umount2(2) and the list for /proc/mounts. Every mount is private: nothing propagates. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/credentials.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_list.h"
#include "vfs/path_string.h"
#include "vfs/path_walk.h"
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

enum { MOUNT_TEXT_MAX = 4096, UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };
enum { MOUNT_KEPT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME |
	MS_SYNCHRONOUS | MS_DIRSYNC };

unsigned mount_flags(const struct mount *mount)
{
	return atomic_load_relaxed(&mount->flags) | (mount->fs->flags & FS_READ_ONLY ? MS_RDONLY : 0);
}

/* A string of the caller, "" for NULL; to be freed. 0 or negative errno. */
static int copy_text(uaddr_t from, char **text)
{
	ssize_t len = 0;

	*text = kmalloc(MOUNT_TEXT_MAX);
	if (!*text)
		return -ENOMEM;
	(*text)[0] = 0;
	if (from)
		len = copy_string_from_user(*text, from, MOUNT_TEXT_MAX);
	if (len < 0) {
		kfree(*text);
		*text = NULL;
	}
	return len < 0 ? len : 0;
}

static int mount_new(const char *source, const struct path *target, struct fs_type *type, unsigned flags, const char *data)
{
	struct mount *mount;
	struct fs *fs;
	int error;

	error = type->mount(source, data, &fs);
	if (error)
		return error;
	error = mount_create_fs(fs, "", *source ? source : type->name, flags & MOUNT_KEPT_FLAGS, &mount);
	if (error)
		return error;
	error = mount_attach(mount, target);
	if (error)
		mount_put(mount);
	return error;
}

static int mount_bind_one(const struct path *what, const struct path *target, struct mount **out)
{
	struct mount *mount;
	int error;

	fs_get(what->mount->fs);
	mount = mount_create(what->mount->fs, what->dentry, what->mount->source, atomic_load_relaxed(&what->mount->flags));
	if (!mount) {
		fs_put(what->mount->fs);
		return -ENOMEM;
	}
	mount_get(mount);
	error = mount_attach(mount, target);
	if (error) {
		mount_put(mount);
		mount_put(mount);
		return error;
	}
	*out = mount;
	return 0;
}

/* Does something lie mounted below @what in its own mount? */
static bool has_mounts_below(const struct path *what)
{
	struct mount *child;
	bool found = false;

	spin_lock(&vfs_tree_lock);
	list_for_each(child, &what->mount->children, sibling)
		found |= dentry_is_ancestor_locked(what->dentry, child->mountpoint);
	spin_unlock(&vfs_tree_lock);
	return found;
}

static int mount_bind(const char *source, const struct path *target, unsigned flags)
{
	struct path what;
	struct mount *mount;
	int error = path_lookup(AT_FDCWD, source, 0, &what);

	if (error)
		return error;
	if ((what.dentry->vnode->type == S_IFDIR) != (target->dentry->vnode->type == S_IFDIR))
		error = -ENOTDIR;
	else if (flags & MS_REC && has_mounts_below(&what))
		error = -EOPNOTSUPP;	/* binding whole subtrees of mounts is not done yet */
	else
		error = mount_bind_one(&what, target, &mount);
	if (!error)
		mount_put(mount);
	path_put(&what);
	return error;
}

static int mount_remount(const struct path *target, unsigned flags)
{
	if (target->dentry != target->mount->root)
		return -EINVAL;
	if (target->mount->fs->flags & FS_READ_ONLY && !(flags & MS_RDONLY))
		return -EROFS;
	atomic_store(&target->mount->flags, flags & MOUNT_KEPT_FLAGS);
	return 0;
}

static int mount_at(const char *source, const struct path *target, const char *type_name, unsigned flags, const char *data)
{
	const unsigned propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	struct fs_type *type;

	if (flags & MS_REMOUNT)
		return mount_remount(target, flags);
	if (flags & MS_BIND)
		return mount_bind(source, target, flags);
	if (flags & propagation)
		return (flags & propagation) == MS_PRIVATE ? 0 : -EINVAL;
	if (flags & MS_MOVE)
		return -EINVAL;
	type = fs_type_find(type_name);
	if (!type)
		return -ENODEV;
	if (target->dentry->vnode->type != S_IFDIR)
		return -ENOTDIR;
	return mount_new(source, target, type, flags, data);
}

long sys_mount(uaddr_t source, uaddr_t target, uaddr_t type, unsigned long flags, uaddr_t data)
{
	char *source_text = NULL, *type_text = NULL, *data_text = NULL;
	struct path path;
	long error;

	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	error = copy_text(source, &source_text) ?: copy_text(type, &type_text) ?: copy_text(data, &data_text);
	if (!error)
		error = path_lookup_user(AT_FDCWD, target, 0, &path);
	if (!error) {
		error = mount_at(source_text, &path, type_text, flags, data_text);
		path_put(&path);
	}
	kfree(source_text);
	kfree(type_text);
	kfree(data_text);
	return error;
}

long sys_umount2(uaddr_t target, int flags)
{
	struct path path;
	long error;

	if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW) || flags & UMOUNT_EXPIRE)
		return -EINVAL;
	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	error = path_lookup_user(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? PATH_NO_FOLLOW : 0, &path);
	if (error)
		return error;
	error = path.dentry == path.mount->root ? mount_detach(path.mount, 1, flags & UMOUNT_DETACH) : -EINVAL;
	path_put(&path);
	return error;
}

static void options_text(const struct mount *mount, char *buf, size_t size)
{
	static const struct { unsigned flag; const char *text; } names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" }, { MS_SYNCHRONOUS, ",sync" },
		{ MS_DIRSYNC, ",dirsync" }, { MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" },
	};
	unsigned flags = mount_flags(mount);
	size_t len = snprintf(buf, size, "%s", flags & MS_RDONLY ? "ro" : "rw");

	for (size_t i = 0; i < ARRAY_LEN(names) && len < size; i++)
		if (flags & names[i].flag)
			len += snprintf(buf + len, size - len, "%s", names[i].text);
	if (!(flags & MS_NOATIME) && len < size)
		snprintf(buf + len, size - len, ",relatime");
}

void mount_list(void (*emit)(void *context, const char *source, const char *target, const char *type, const char *options), void *context)
{
	char options[96], *target = kmalloc(PATH_MAX_LEN);
	struct mount *mount = NULL;

	if (!target)
		return;
	while ((mount = mount_next(mount))) {
		struct path path = { mount, mount->root };

		if (path_to_string_if_reachable(&path, target, PATH_MAX_LEN) < 0)
			continue;
		options_text(mount, options, sizeof(options));
		emit(context, mount->source, target, mount->fs->type, options);
	}
	kfree(target);
}
