/* SPDX-License-Identifier: MIT */
/* stat in all its forms, access, statfs: what programs are told about files and file systems. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/mount_tree.h"
#include "vfs/path_ready.h"
#include "vfs/path_walk.h"
#include "vfs/permission.h"
#include "vfs/pipe_fs.h"
#include "vfs/stat_fill.h"
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

_Static_assert(sizeof(struct stat) == 144, "struct stat as programs have it");
_Static_assert(sizeof(struct statfs) == 120, "struct statfs as programs have it");
_Static_assert(sizeof(struct statx) == 256, "struct statx as programs have it");

enum { STATFS_VALID = 0x20, FILE_NAME_MAX = 255 };
/* f_type of what is in no file system: <linux/magic.h>'s. */
enum { SOCKETS = 0x534f434b, OTHERS = 0x09041934 };
/* f_flags of statfs: not those of mount(2) in every bit. */
enum { STATFS_RELATIME = 0x1000, STATFS_AS_MOUNTED = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME };

static void put_statx_time(struct statx_timestamp *to, int64_t ns)
{
	struct time_parts parts = split_time(ns);

	to->tv_sec = parts.seconds;
	to->tv_nsec = parts.ns;
}

static COLD int put_statx(uaddr_t out, const struct fs_attr *attr, uint64_t dev, const struct path *path)
{
	const struct mount *mount = path->mount;
	struct statx sx = {
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME | (mount ? STATX_MNT_ID : 0), .stx_mnt_id = mount ? mount->id : 0,
		.stx_blksize = STAT_BLOCK_SIZE, .stx_nlink = attr->links, .stx_uid = attr->uid,
		.stx_gid = attr->gid, .stx_mode = attr->mode, .stx_ino = attr->node.id, .stx_size = attr->size, .stx_blocks = attr->blocks,
		.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT, .stx_attributes = mount && path->dentry == mount->root ? STATX_ATTR_MOUNT_ROOT : 0,
		.stx_rdev_major = dev_major(attr->rdev), .stx_rdev_minor = dev_minor(attr->rdev), .stx_dev_major = dev_major(dev),
		.stx_dev_minor = dev_minor(dev),
	};

	put_statx_time(&sx.stx_atime, attr->atime);
	put_statx_time(&sx.stx_mtime, attr->mtime);
	put_statx_time(&sx.stx_ctime, attr->ctime);
	put_statx_time(&sx.stx_btime, attr->btime);
	return copy_to_user(out, &sx, sizeof(sx));
}

int file_getattr(struct file *file, struct fs_attr *attr)
{
	if (file->vnode)
		return vnode_getattr(file->vnode, attr);
	*attr = (struct fs_attr){ .node.id = 1, .mode = 0600, .links = 1 };
	return file->ops->getattr ? file->ops->getattr(file, attr) : 0;
}

/* The long way: the file system is asked. */
static int stat_vnode(struct vnode *vnode, struct stat *st)
{
	struct fs_attr attr;
	int error = vnode_getattr(vnode, &attr);

	if (!error)
		stat_fill(st, &attr, vnode->fs->dev);
	return error;
}

static int stat_file(struct file *file, struct stat *st)
{
	struct fs_attr attr;
	int error;

	if (file->vnode)
		return stat_vnode(file->vnode, st);
	error = file_getattr(file, &attr);
	if (!error)
		stat_fill(st, &attr, pipe_fs_dev());
	return error;
}

bool stat_renew_status(struct vnode *vnode)
{
	struct stat *st = &vnode->status;

	if (!vnode_attr_is_current(vnode))
		return false;
	vnode->status_size = atomic_load_relaxed(&vnode->object.size);
	vnode->status_pages = atomic_load_relaxed(&vnode->changed_pages);
	stat_fill(st, &vnode->attr, vnode->fs->dev);
	if (vnode->type == S_IFREG) {
		st->st_size = vnode->status_size;
		st->st_blocks += atomic_load_relaxed(&vnode->promised_blocks);
		if (vnode->fs->flags & FS_PAGES_ARE_DATA)
			st->st_blocks = vnode_blocks_locked(vnode);
	}
	vnode->status_holds = true;
	return true;
}

/* Copies vnode->status out, if it holds and @out can be written without sleeping. Preemption is off. */
static inline __attribute__((always_inline)) bool put_status_now(struct vnode *vnode, uaddr_t out)
{
	bool done = false;

	if (unlikely(out > USER_END - sizeof(vnode->status)))
		return false;
	spin_acquire(&vnode->attr_lock);
	if (likely(stat_status_holds(vnode) || stat_renew_status(vnode)))
		done = user_copy_words_out_now(out, &vnode->status, sizeof(vnode->status) / 8);
	spin_release(&vnode->attr_lock);
	return done;
}

static COLD __attribute__((noinline)) long stat_descriptor(int fd, uaddr_t out)
{
	struct fd_ref ref = fd_borrow(fd);
	struct stat st;
	int error = 0;

	if (unlikely(!ref.file))
		return -EBADF;
	if (unlikely(!ref.file->vnode || !stat_fill_from_memory(&st, ref.file->vnode)))
		error = stat_file(ref.file, &st);
	fd_release(ref);
	return error ? error : copy_to_user(out, &st, sizeof(st));
}

static COLD __attribute__((noinline)) long stat_name(int dir, uaddr_t name, unsigned flags, uaddr_t out)
{
	struct path_walk walk;
	struct stat st;
	int error;

	path_walk_init(&walk);
	walk.stat = &st;
	error = path_walk_user(&walk, dir, name, flags);
	if (unlikely(error || !walk.stat_done || walk.buffer)) {
		if (!error && !walk.stat_done)
			error = stat_vnode(walk.path.dentry->vnode, &st);
		path_walk_end(&walk);
	}
	return error ? error : copy_to_user(out, &st, sizeof(st));
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

static __attribute__((noinline)) long stat_not_ready(uaddr_t path, unsigned flags, uaddr_t out)
{
	path_ready_end();
	return stat_name(AT_FDCWD, path, flags, out);
}

/* What is known ready in the caches is copied out in one go; else the long way is gone. */
static inline __attribute__((always_inline)) long stat_ready(uaddr_t path, unsigned flags, uaddr_t out)
{
	struct path at;

	if (unlikely(path_ready_begin(path, &at, flags & PATH_NO_FOLLOW) != KNOWN_END || !put_status_now(at.dentry->vnode, out)))
		return stat_not_ready(path, flags, out);
	return unlikely(path_ready_end()) ? path_ready_preempted(0) : 0;
}

long sys_stat(uaddr_t path, uaddr_t out)
{
	return stat_ready(path, 0, out);
}

long sys_lstat(uaddr_t path, uaddr_t out)
{
	return stat_ready(path, PATH_NO_FOLLOW, out);
}

long sys_fstat(int fd, uaddr_t out)
{
	struct file *file = fd_file_of_mine(fd);
	bool done = false;

	preempt_disable();
	if (likely(file && file->vnode))
		done = put_status_now(file->vnode, out);
	if (unlikely(preempt_enable_quietly() || !done))
		return done ? path_ready_preempted(0) : stat_descriptor(fd, out);
	return 0;
}

long sys_newfstatat(int dir, uaddr_t path, uaddr_t out, int flags)
{
	/* As glibc has stat() and lstat(). */
	if (dir == AT_FDCWD && !flags)
		return sys_stat(path, out);
	if (dir == AT_FDCWD && flags == AT_SYMLINK_NOFOLLOW)
		return sys_lstat(path, out);
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (unlikely(means_descriptor(dir, path, flags)))
		return sys_fstat(dir, out);
	return stat_name(dir, path, stat_walk_flags(flags), out);
}

static COLD long statx_descriptor(int fd, uaddr_t out)
{
	struct fd_ref ref = fd_borrow(fd);
	struct fs_attr attr;
	uint64_t dev;
	long error;

	if (!ref.file)
		return -EBADF;
	error = file_getattr(ref.file, &attr);
	dev = ref.file->vnode ? ref.file->vnode->fs->dev : pipe_fs_dev();
	if (!error)
		error = put_statx(out, &attr, dev, &ref.file->path);
	fd_release(ref);
	return error;
}

COLD long sys_statx(int dir, uaddr_t name, int flags, unsigned mask, uaddr_t out)
{
	struct fs_attr attr;
	struct path path;
	long error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE) || mask & STATX__RESERVED ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (means_descriptor(dir, name, flags))
		return statx_descriptor(dir, out);
	error = path_lookup_user(dir, name, stat_walk_flags(flags), &path);
	if (error)
		return error;
	error = vnode_getattr(path.dentry->vnode, &attr);
	if (!error)
		error = put_statx(out, &attr, path.mount->fs->dev, &path);
	path_put(&path);
	return error;
}

/* Callers without FILE_READ come here (gates.asm): they may ask about descriptors. */
COLD long newfstatat_checked(int dir, uaddr_t path, uaddr_t out, int flags)
{
	return flags == AT_EMPTY_PATH && means_descriptor(dir, path, flags) ? stat_descriptor(dir, out) : -EPERM;
}

COLD long statx_checked(int dir, uaddr_t name, int flags, unsigned mask, uaddr_t out)
{
	bool plain = (flags & ~AT_STATX_SYNC_TYPE) == AT_EMPTY_PATH && (flags & AT_STATX_SYNC_TYPE) != AT_STATX_SYNC_TYPE && !(mask & STATX__RESERVED);

	return plain && means_descriptor(dir, name, flags) ? statx_descriptor(dir, out) : -EPERM;
}

static COLD int check_access(const struct path *path, int mode, const struct credentials *credentials)
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

static COLD long access_at(int dir, uaddr_t path, int mode, int flags)
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

COLD long sys_faccessat(int dir, uaddr_t path, int mode)
{
	return access_at(dir, path, mode, 0);
}

COLD long sys_faccessat2(int dir, uaddr_t path, int mode, int flags)
{
	return access_at(dir, path, mode, flags);
}

static long statfs_flags(unsigned flags)
{
	return STATFS_VALID | (flags & STATFS_AS_MOUNTED) | (flags & (MS_NOATIME | MS_STRICTATIME) ? 0 : STATFS_RELATIME);
}

/* @mount NULL: of what is in no file system, but has a @type. */
static COLD long put_statfs(uaddr_t out, const struct mount *mount, uint64_t type)
{
	struct fs_statfs from = { .type = type, .block_size = STAT_BLOCK_SIZE, .name_max = FILE_NAME_MAX };
	struct statfs to = { 0 };
	int error = mount && mount->fs->ops->statfs ? mount->fs->ops->statfs(mount->fs, &from) : 0;

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
	to.f_flags = mount ? statfs_flags(mount_flags(mount)) : STATFS_VALID;
	return copy_to_user(out, &to, sizeof(to));
}

COLD long sys_statfs(uaddr_t name, uaddr_t out)
{
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, 0, &path);

	if (error)
		return error;
	error = put_statfs(out, path.mount, 0);
	path_put(&path);
	return error;
}

/* Of every family, and also where the kernel is built without local ones. */
static bool is_socket(struct file *file)
{
	struct fs_attr attr;

	return !file->vnode && !file_getattr(file, &attr) && (attr.mode & S_IFMT) == S_IFSOCK;
}

COLD long sys_fstatfs(int fd, uaddr_t out)
{
	struct fd_ref ref = fd_borrow(fd);
	long error;

	if (!ref.file)
		return -EBADF;
	error = put_statfs(out, ref.file->path.mount, is_socket(ref.file) ? SOCKETS : OTHERS);
	fd_release(ref);
	return error;
}
