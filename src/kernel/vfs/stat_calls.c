/* SPDX-License-Identifier: MIT */
/* stat in all its forms, access, statfs: what programs are told about files and file systems. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "sched/clock.h"
#include "vfs/fd_table.h"
#include "vfs/mount_tree.h"
#include "vfs/path_walk.h"
#include "vfs/permission.h"
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

_Static_assert(sizeof(struct stat) == 144, "struct stat as programs have it");
_Static_assert(sizeof(struct statfs) == 120, "struct statfs as programs have it");
_Static_assert(sizeof(struct statx) == 256, "struct statx as programs have it");

enum { BLOCK_SIZE = 4096, STATFS_VALID = 0x20, FILE_NAME_MAX = 255 };
/* f_flags of statfs: not those of mount(2) in every bit. */
enum { STATFS_RDONLY = 1, STATFS_NOSUID = 2, STATFS_NODEV = 4, STATFS_NOEXEC = 8, STATFS_NOATIME = 0x400, STATFS_NODIRATIME = 0x800,
       STATFS_RELATIME = 0x1000 };

struct time_parts { int64_t seconds; uint32_t ns; };

/* Splits with a floor, so that times before 1970 keep their nanoseconds positive. */
static inline struct time_parts split_time(int64_t ns)
{
	struct time_parts parts;

	if (likely(ns >= 0)) {
		parts.seconds = (uint64_t)ns / NS_PER_SEC;
	} else {
		parts.seconds = -(int64_t)(((uint64_t)-ns + NS_PER_SEC - 1) / NS_PER_SEC);
	}
	parts.ns = ns - parts.seconds * (int64_t)NS_PER_SEC;
	return parts;
}

static int put_stat(uaddr_t out, const struct fs_attr *attr, uint64_t dev)
{
	struct time_parts atime = split_time(attr->atime), mtime = split_time(attr->mtime), ctime = split_time(attr->ctime);
	struct stat st;

	/* Field by field, gaps too: cheaper than clearing it all first. */
	st.st_dev = dev;
	st.st_ino = attr->node.id;
	st.st_nlink = attr->links;
	st.st_mode = attr->mode;
	st.st_uid = attr->uid;
	st.st_gid = attr->gid;
	st.__pad0 = 0;
	st.st_rdev = attr->rdev;
	st.st_size = attr->size;
	st.st_blksize = BLOCK_SIZE;
	st.st_blocks = attr->blocks;
	st.st_atime = atime.seconds;
	st.st_atime_nsec = atime.ns;
	st.st_mtime = mtime.seconds;
	st.st_mtime_nsec = mtime.ns;
	st.st_ctime = ctime.seconds;
	st.st_ctime_nsec = ctime.ns;
	st.__unused[0] = st.__unused[1] = st.__unused[2] = 0;
	return copy_to_user(out, &st, sizeof(st));
}

static void put_statx_time(struct statx_timestamp *to, int64_t ns)
{
	struct time_parts parts = split_time(ns);

	to->tv_sec = parts.seconds;
	to->tv_nsec = parts.ns;
}

static int put_statx(uaddr_t out, const struct fs_attr *attr, uint64_t dev, bool mount_root)
{
	struct statx sx = {
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME, .stx_blksize = BLOCK_SIZE, .stx_nlink = attr->links, .stx_uid = attr->uid,
		.stx_gid = attr->gid, .stx_mode = attr->mode, .stx_ino = attr->node.id, .stx_size = attr->size, .stx_blocks = attr->blocks,
		.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT, .stx_attributes = mount_root ? STATX_ATTR_MOUNT_ROOT : 0,
		.stx_rdev_major = dev_major(attr->rdev), .stx_rdev_minor = dev_minor(attr->rdev), .stx_dev_major = dev_major(dev),
		.stx_dev_minor = dev_minor(dev),
	};

	put_statx_time(&sx.stx_atime, attr->atime);
	put_statx_time(&sx.stx_mtime, attr->mtime);
	put_statx_time(&sx.stx_ctime, attr->ctime);
	put_statx_time(&sx.stx_btime, attr->btime);
	return copy_to_user(out, &sx, sizeof(sx));
}

/* What stat tells besides the attributes. */
struct stat_answer {
	struct fs_attr attr;
	uint64_t dev;
	bool mount_root;
};

int file_getattr(struct file *file, struct fs_attr *attr)
{
	if (file->vnode)
		return vnode_getattr(file->vnode, attr);
	*attr = (struct fs_attr){ .node.id = 1, .mode = 0600, .links = 1 };
	return file->ops->getattr ? file->ops->getattr(file, attr) : 0;
}

static int stat_descriptor(int fd, struct stat_answer *answer)
{
	struct fd_ref ref = fd_borrow(fd);
	int error;

	if (!ref.file)
		return -EBADF;
	error = file_getattr(ref.file, &answer->attr);
	answer->dev = ref.file->vnode ? ref.file->vnode->fs->dev : 0;
	answer->mount_root = ref.file->path.mount && ref.file->path.dentry == ref.file->path.mount->root;
	fd_release(ref);
	return error;
}

static int stat_name(int dir, uaddr_t name, unsigned flags, struct stat_answer *answer)
{
	struct path_walk walk;
	int error;

	path_walk_init(&walk);
	walk.attr = &answer->attr;
	error = path_walk_user(&walk, dir, name, flags);
	if (likely(!error)) {
		answer->dev = walk.attr_dev;
		answer->mount_root = walk.attr_mount_root;
		if (!walk.attr_done)
			error = vnode_getattr(walk.path.dentry->vnode, &answer->attr);
	}
	if (!walk.attr_done || walk.buffer)
		path_walk_end(&walk);
	return error;
}

static unsigned stat_walk_flags(int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? PATH_EMPTY_OK : 0);
}

/* An empty name with AT_EMPTY_PATH means the descriptor itself, whatever it is. */
static bool means_descriptor(int dir, uaddr_t name, int flags)
{
	char first;

	return flags & AT_EMPTY_PATH && dir >= 0 && !copy_from_user(&first, name, 1) && !first;
}

static int stat_at(int dir, uaddr_t name, int flags, struct stat_answer *answer)
{
	if (unlikely(means_descriptor(dir, name, flags)))
		return stat_descriptor(dir, answer);
	return stat_name(dir, name, stat_walk_flags(flags), answer);
}

long sys_stat(uaddr_t path, uaddr_t out)
{
	struct stat_answer answer;
	int error = stat_name(AT_FDCWD, path, 0, &answer);

	return error ? error : put_stat(out, &answer.attr, answer.dev);
}

long sys_lstat(uaddr_t path, uaddr_t out)
{
	struct stat_answer answer;
	int error = stat_name(AT_FDCWD, path, PATH_NO_FOLLOW, &answer);

	return error ? error : put_stat(out, &answer.attr, answer.dev);
}

long sys_fstat(int fd, uaddr_t out)
{
	struct stat_answer answer;
	int error = stat_descriptor(fd, &answer);

	return error ? error : put_stat(out, &answer.attr, answer.dev);
}

long sys_newfstatat(int dir, uaddr_t path, uaddr_t out, int flags)
{
	struct stat_answer answer;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	error = stat_at(dir, path, flags, &answer);
	return error ? error : put_stat(out, &answer.attr, answer.dev);
}

long sys_statx(int dir, uaddr_t path, int flags, unsigned mask, uaddr_t out)
{
	struct stat_answer answer;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE) || mask & STATX__RESERVED ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	error = stat_at(dir, path, flags, &answer);
	return error ? error : put_statx(out, &answer.attr, answer.dev, answer.mount_root);
}

static int check_access(const struct path *path, int mode, const struct credentials *credentials)
{
	struct vnode *vnode = path->dentry->vnode;

	if (!mode)
		return 0;
	if (mode & PERMIT_EXECUTE && vnode->type == S_IFREG && mount_flags(path->mount) & MS_NOEXEC)
		return -EACCES;
	if (mode & PERMIT_WRITE && mount_is_read_only(path->mount) &&
	    (vnode->type == S_IFREG || vnode->type == S_IFDIR || vnode->type == S_IFLNK))
		return -EROFS;
	return vnode_check_access_as(vnode, mode, credentials);
}

static long access_at(int dir, uaddr_t path, int mode, int flags)
{
	struct credentials credentials = *credentials_current();
	struct path_walk walk;
	long error;

	if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		credentials.fsuid = credentials.uid;
		credentials.fsgid = credentials.gid;
	}
	path_walk_init(&walk);
	walk.credentials = &credentials;
	error = path_walk_user(&walk, dir, path, stat_walk_flags(flags));
	if (!error)
		error = check_access(&walk.path, mode, &credentials);
	path_walk_end(&walk);
	return error;
}

long sys_access(uaddr_t path, int mode)
{
	return access_at(AT_FDCWD, path, mode, 0);
}

long sys_faccessat(int dir, uaddr_t path, int mode)
{
	return access_at(dir, path, mode, 0);
}

long sys_faccessat2(int dir, uaddr_t path, int mode, int flags)
{
	return access_at(dir, path, mode, flags);
}

static long statfs_flags(unsigned flags)
{
	long result = STATFS_VALID;

	result |= flags & MS_RDONLY ? STATFS_RDONLY : 0;
	result |= flags & MS_NOSUID ? STATFS_NOSUID : 0;
	result |= flags & MS_NODEV ? STATFS_NODEV : 0;
	result |= flags & MS_NOEXEC ? STATFS_NOEXEC : 0;
	result |= flags & MS_NOATIME ? STATFS_NOATIME : STATFS_RELATIME;
	return result | (flags & MS_NODIRATIME ? STATFS_NODIRATIME : 0);
}

static long put_statfs(uaddr_t out, const struct mount *mount)
{
	struct fs_statfs from = { .block_size = BLOCK_SIZE, .name_max = FILE_NAME_MAX };
	struct statfs to = { 0 };
	int error = mount->fs->ops->statfs ? mount->fs->ops->statfs(mount->fs, &from) : 0;

	if (error)
		return error;
	to.f_type = from.type;
	to.f_bsize = to.f_frsize = from.block_size;
	to.f_blocks = from.blocks;
	to.f_bfree = from.blocks_free;
	to.f_bavail = from.blocks_available;
	to.f_files = from.files;
	to.f_ffree = from.files_free;
	to.f_namelen = from.name_max ? from.name_max : FILE_NAME_MAX;
	memcpy(&to.f_fsid, &from.fs_id, sizeof(to.f_fsid));
	to.f_flags = statfs_flags(mount_flags(mount));
	return copy_to_user(out, &to, sizeof(to));
}

long sys_statfs(uaddr_t name, uaddr_t out)
{
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, 0, &path);

	if (error)
		return error;
	error = put_statfs(out, path.mount);
	path_put(&path);
	return error;
}

long sys_fstatfs(int fd, uaddr_t out)
{
	struct fd_ref ref = fd_borrow(fd);
	long error;

	if (!ref.file)
		return -EBADF;
	error = ref.file->path.mount ? put_statfs(out, ref.file->path.mount) : -ENOSYS;
	fd_release(ref);
	return error;
}
