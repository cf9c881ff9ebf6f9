/* SPDX-License-Identifier: MIT */
/* mount(2), umount2(2) and pivot_root(2). Every mount is private: nothing propagates. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_list.h"
#include "vfs/path_walk.h"
#include "vfs/vnode.h"
#include "vfs/worker.h"
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

enum { MOUNT_TEXT_MAX = 4096, UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };
enum { MOUNT_KEPT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME |
	MS_SYNCHRONOUS | MS_DIRSYNC };

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
	int error = mount_check_room(1) ?: type->mount(source, data, &fs);

	if (error)
		return error;
	error = mount_create_fs(fs, "", *source ? source : type->name, flags & MOUNT_KEPT_FLAGS, &mount);
	if (error)
		return error;
	error = mount_attach(mount, target, mount_namespace_current());
	if (error)
		mount_put(mount);
	return error;
}

static int mount_bind(const struct path *what, const struct path *target, unsigned flags)
{
	struct mount_namespace *here = mount_namespace_current();
	struct mount *copy;
	int error = mount_copy(what, flags & MS_REC, here, &copy);

	if (error)
		return error;
	error = mount_attach(copy, target, here);
	if (error)
		mount_discard(copy);
	return error;
}

/* Something that is there already, a second time or elsewhere. */
static int mount_again(const char *source, const struct path *target, unsigned flags)
{
	struct path what;
	int error;

	if (!*source)
		return -EINVAL;
	error = path_lookup(AT_FDCWD, source, 0, &what);
	if (error)
		return error;
	if (flags & MS_BIND)
		error = mount_bind(&what, target, flags);
	else
		error = what.dentry == what.mount->root ? mount_move(what.mount, target) : -EINVAL;
	path_put(&what);
	return error;
}

/*
 * All that was changed is told and written, then the file system is marked as clean, for which what has no names any more is freed: none of that may be in
 * use. With @flags, which say so, nothing new is changed meanwhile. What cannot be finished is read-only all the same, with an error.
 */
static int end_changes(struct mount *mount, unsigned flags)
{
	unsigned old = atomic_load(&mount->flags);
	struct fs *fs = mount->fs;
	int error = vnode_settle(fs) ?: mount_set_flags(mount, flags, true);

	if (error)
		return error;
	error = fs->ops->drain(fs) ?: vnode_flush_all(fs) ?: vnode_settle(fs);
	/* Somebody was in between. */
	if (error == -EBUSY)
		return mount_set_flags(mount, old, true) ?: error;
	return error ?: fs->ops->remount(fs, true);
}

/* A file system that cannot be changed again stays as it is. mount->fs->remount_lock held. */
static int remount_locked(struct mount *mount, unsigned flags, const char *data)
{
	struct fs *fs = mount->fs;
	bool is = flags & MS_RDONLY, told = fs->ops->remount && !(fs->flags & FS_READ_ONLY) == is;
	int error = *data && fs->ops->reconfigure ? fs->ops->reconfigure(fs, data) : 0;

	if (error)
		return error;
	if (told && is)
		return end_changes(mount, flags);
	if (told)
		error = fs->flags & FS_MADE_READ_ONLY ? fs->ops->remount(fs, false) : -EROFS;
	return error ?: mount_set_flags(mount, flags, true);
}

static int mount_remount(struct mount *mount, unsigned flags, const char *data)
{
	const unsigned of_times = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME;
	struct fs *fs = mount->fs;
	int error;

	if (!(flags & of_times))
		flags |= atomic_load_relaxed(&mount->flags) & of_times;
	if (flags & MS_BIND)
		return mount_set_flags(mount, flags & MOUNT_KEPT_FLAGS, false);
	/* One after the other, or what the file system was told last would not be what the kernel takes it for. */
	error = mutex_lock_killable(&fs->remount_lock);
	if (error)
		return error;
	error = remount_locked(mount, flags & MOUNT_KEPT_FLAGS, data);
	mutex_unlock(&fs->remount_lock);
	return error;
}

static int mount_at(const char *source, const struct path *target, const char *type_name, unsigned flags, const char *data)
{
	const unsigned propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	const bool whole = target->dentry == target->mount->root;
	struct fs_type *type;

	if (flags & MS_REMOUNT)
		return whole && target->mount->namespace == mount_namespace_current() ? mount_remount(target->mount, flags, data) : -EINVAL;
	if (flags & propagation && !(flags & MS_BIND)) {	/* all mounts are private, and so nobody's slaves */
		flags &= ~(unsigned)(MS_REC | MS_SILENT);
		return whole && (flags == MS_PRIVATE || flags == MS_SLAVE) ? 0 : -EINVAL;
	}
	if (flags & (MS_BIND | MS_MOVE))
		return mount_again(source, target, flags);
	if (!type_name)
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

	error = mount_check_privilege();
	if (error)
		return error;
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	if (flags & MS_STRICTATIME)
		flags &= ~(unsigned long)(MS_NOATIME | MS_RELATIME);
	error = copy_text(source, &source_text) ?: copy_text(type, &type_text) ?: copy_text(data, &data_text);
	if (!error)
		error = path_lookup_user(AT_FDCWD, target, 0, &path);
	if (!error) {
		error = mount_at(source_text, &path, type ? type_text : NULL, flags, data_text);
		path_put(&path);
	}
	kfree(source_text);
	kfree(type_text);
	kfree(data_text);
	return error;
}

long sys_umount2(uaddr_t target, int flags)
{
	struct fs_worker *worker = NULL;
	struct path path;
	long error;

	if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW) || (flags & UMOUNT_EXPIRE && flags & (UMOUNT_FORCE | UMOUNT_DETACH)))
		return -EINVAL;
	error = mount_check_privilege() ?: path_lookup_user(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? PATH_NO_FOLLOW : 0, &path);
	if (error)
		return error;
	mount_cross(&path);	/* "." is not crossed by a walk, but what lies over it is meant */
	error = path.dentry == path.mount->root ? 0 : -EINVAL;
	/* The mapping keeps the file, but not its mount: what is stored later would come to nothing. */
	if (!error && path.mount->fs->worker && !(flags & UMOUNT_DETACH))
		error = vnode_check_stores(path.mount->fs);
	error = error ?: mount_detach(path.mount, 1, flags & UMOUNT_DETACH, flags & UMOUNT_EXPIRE);
	if (!error && !(flags & UMOUNT_DETACH))
		worker = fs_worker_get(path.mount->fs);
	path_put(&path);
	/* Its end, if this was the last mount of a server: killed, the caller does not learn of it, but the worker goes on. */
	return worker ? fs_worker_wait_and_put(worker) : error;
}

long sys_pivot_root(uaddr_t new_root, uaddr_t put_old)
{
	struct path new, place;
	long error = mount_check_privilege() ?: path_lookup_user(AT_FDCWD, new_root, PATH_DIRECTORY, &new);

	if (error)
		return error;
	error = path_lookup_user(AT_FDCWD, put_old, PATH_DIRECTORY, &place);
	if (!error) {
		error = mount_pivot(&new, &place);
		path_put(&place);
	}
	path_put(&new);
	return error;
}
