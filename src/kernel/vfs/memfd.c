/* SPDX-License-Identifier: MIT */
/*
 * memfd_create: regular files in memory that have no name. They live on a tmpfs of their own that is mounted nowhere, so that their pages count and run
 * out as those of other tmpfs files do; a file's node is its vnode, which ends with its last user.
 *
 * Seals say for good what nobody may do to a file any more. They are found through the node's generation number, which is where its struct memfd is, so
 * every way to a change meets them: write and mmap in this file's operations, any truncation in setattr, fallocate by memfd_check_allocate().
 *
 * Locks: seals are added under vnode->write_lock and object.lock, and looked at under either: writes and truncations are over or see the seal,
 * and so is a mapping that was begun.
 */
#include "vfs/memfd.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/credentials.h"
#include "sched/clock.h"
#include "syscall_prototypes.h"
#include "vfs/file_life.h"
#include "vfs/mount_tree.h"
#include "vfs/regular_file.h"
#include "vfs/tmpfs/names.h"
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/mman.h>

enum {
	MEMFD_NAME_MAX = 249,
	KNOWN_FLAGS = MFD_CLOEXEC | MFD_ALLOW_SEALING,
	NO_WRITES = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE,
	ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE,
};
static const char prefix[] = "/memfd:";

struct memfd {
	struct vnode *vnode;		/* set once; not referenced: its node is this */
	uint32_t seals;			/* written under vnode->write_lock and object.lock */
	unsigned begun;			/* object.lock: mappings by which the file can be written, allowed and not yet made */
	char name[];			/* set once: "/memfd:NAME" */
};

static struct mount *memfd_mount;	/* set once */
static const struct fs_ops memfd_fs_ops;
static uint64_t last_id;		/* atomic */

static struct memfd *memfd_of(const struct vnode *vnode)
{
	return (struct memfd *)vnode->node.generation;
}

bool memfd_is(const struct vnode *vnode)
{
	return vnode && vnode->fs == memfd_mount->fs && vnode->type == S_IFREG;
}

/* ---- The file's operations ---- */

/* Where a write of @len bytes at @pos has to stop. As on Linux what is refused is refused by pages. Negative errno when nothing may be written. */
static int64_t writable_bytes(const struct vnode *vnode, uint64_t pos, uint64_t len)
{
	uint64_t size = atomic_load(&vnode->object.size), end = pos + len;
	uint32_t seals = memfd_of(vnode)->seals;

	if (seals & NO_WRITES)
		return -EPERM;
	if (!(seals & F_SEAL_GROW) || end <= size)
		return len;
	end = ROUND_DOWN(size, (uint64_t)PAGE_SIZE);
	return end > pos ? (int64_t)(end - pos) : -EPERM;
}

static ssize_t memfd_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct vnode *vnode = file->vnode;
	size_t wanted = uio->left;
	int64_t len;
	ssize_t done;

	if (mutex_lock_killable(&vnode->write_lock))
		return -EINTR;
	len = writable_bytes(vnode, file->flags & O_APPEND ? atomic_load(&vnode->object.size) : *pos, wanted);
	if (!wanted || len < 0) {
		done = wanted ? len : 0;
	} else {
		uio->left = len;
		done = regular_file_write_locked(file, uio, pos);
		uio->left += wanted - len;
	}
	mutex_unlock(&vnode->write_lock);
	return done;
}

static int memfd_mmap(struct file *file, uint64_t offset, uint64_t len, unsigned prot, unsigned flags, struct vm_object **object)
{
	struct vnode *vnode = file->vnode;
	struct memfd *memfd = memfd_of(vnode);
	int result = 0;

	mutex_lock(&vnode->object.lock);
	if (flags & MAP_SHARED && file->rights & FILE_RIGHT_WRITE) {
		if (!(memfd->seals & NO_WRITES))
			result = FILE_MMAP_BEGUN;
		else
			result = prot & PROT_WRITE ? -EPERM : PROT_WRITE;
	}
	memfd->begun += result == FILE_MMAP_BEGUN;
	mutex_unlock(&vnode->object.lock);
	if (result < 0)
		return result;
	vnode_get(vnode);
	*object = &vnode->object;
	return result;
}

static void memfd_mapped(struct file *file)
{
	mutex_lock(&file->vnode->object.lock);
	memfd_of(file->vnode)->begun--;
	mutex_unlock(&file->vnode->object.lock);
}

static int memfd_fsync(struct file *file, bool data_only)
{
	return 0;
}

static struct file_ops memfd_file_ops = { .write = memfd_write, .mmap = memfd_mmap, .mapped = memfd_mapped, .fsync = memfd_fsync };

/* ---- The file system's ---- */

static int memfd_open(struct fs *fs, struct fs_node_id node, struct file *file)
{
	if (file->vnode->type == S_IFREG)
		file->ops = &memfd_file_ops;
	return 0;
}

static int memfd_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	struct memfd *memfd = (struct memfd *)node.generation;
	uint64_t size;

	if (!memfd)
		return tmpfs_setattr(fs, node, mask, in, out);	/* the root, which nobody sees */
	size = atomic_load(&memfd->vnode->object.size);
	if (mask & FS_SET_SIZE && ((in->size < size && memfd->seals & F_SEAL_SHRINK) || (in->size > size && memfd->seals & F_SEAL_GROW)))
		return -EPERM;
	*out = *in;
	return 0;	/* the vnode has them */
}

static void memfd_release(struct fs *fs, struct fs_node_id node)
{
	kfree((struct memfd *)node.generation);
}

static void memfd_describe(struct fs *fs, struct fs_node_id node, char *buf, size_t size)
{
	snprintf(buf, size, "%s (deleted)", ((struct memfd *)node.generation)->name);
}

static int memfd_sync(struct fs *fs)
{
	return 0;
}

static const struct fs_ops memfd_fs_ops = {
	.getattr = tmpfs_getattr,
	.setattr = memfd_setattr,
	.charge = tmpfs_charge,
	.release = memfd_release,
	.sync = memfd_sync,
	.statfs = tmpfs_statfs,
	.open = memfd_open,
	.describe = memfd_describe,
};

void memfd_init(void)
{
	struct fs *fs;

	memfd_file_ops.read = regular_file_ops.read;
	memfd_file_ops.seek = regular_file_ops.seek;
	memfd_file_ops.truncate = regular_file_ops.truncate;
	if (tmpfs_create(NULL, "size=0", &fs) || mount_create_fs(fs, "", "memfd", 0, &memfd_mount))
		panic("vfs: no memory for memfd files");
	fs->ops = &memfd_fs_ops;
}

/* ---- Making one ---- */

/* The vnode of a new file; it ends with the caller's reference. NULL when out of memory. */
static struct vnode *make_vnode(const char *name, uint32_t seals)
{
	const struct credentials *credentials = credentials_current();
	struct memfd *memfd = kzalloc(sizeof(*memfd) + strlen(name) + 1);
	int64_t now = clock_realtime_ns();
	struct fs_attr attr = { .node = { atomic_add(&last_id, 1) + 1, (uint64_t)memfd }, .mode = S_IFREG | 0777, .uid = credentials->fsuid,
				.gid = credentials->fsgid, .atime = now, .mtime = now, .ctime = now, .btime = now };
	struct vnode *vnode = memfd ? vnode_create_private(memfd_mount->fs, &attr) : NULL;

	if (!vnode) {
		kfree(memfd);
		return NULL;
	}
	memfd->vnode = vnode;
	memfd->seals = seals;
	memcpy(memfd->name, name, strlen(name) + 1);
	return vnode;
}

static struct file *make_file(const char *name, uint32_t seals, int *error)
{
	struct path path = { .mount = memfd_mount };
	struct vnode *vnode = make_vnode(name, seals);
	struct file *file;

	*error = -ENOMEM;
	path.dentry = vnode ? dentry_create_root(vnode, name) : NULL;
	if (!path.dentry)
		return NULL;
	path.dentry->deleted = true;
	mount_get(memfd_mount);
	file = file_create_at(&memfd_file_ops, O_RDWR | O_LARGEFILE, &path);
	*error = -ENFILE;
	return file;
}

long sys_memfd_create(uaddr_t path, unsigned flags)
{
	char name[ROUND_UP(sizeof(prefix) + MEMFD_NAME_MAX, 8)] __attribute__((aligned(8)));
	struct file *file;
	ssize_t len;
	int fd, error;

	if (flags & ~(flags & MFD_HUGETLB ? KNOWN_FLAGS | MFD_HUGETLB | (unsigned)MFD_HUGE_MASK << MFD_HUGE_SHIFT : KNOWN_FLAGS))
		return -EINVAL;
	memcpy(name, prefix, sizeof(prefix));
	len = copy_string_from_user(name + sizeof(prefix) - 1, path, MEMFD_NAME_MAX + 1);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	if (flags & MFD_HUGETLB)
		return -ENOSYS;		/* as a kernel without huge pages says */
	file = make_file(name, flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL, &error);
	if (!file)
		return error;
	fd = fd_install(file, 0, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* ---- Seals ---- */

/* Can somebody still change the file through memory? object.lock held. */
static bool is_mapped_for_writing(const struct memfd *memfd)
{
	const struct vma *vma;

	list_for_each(vma, &memfd->vnode->object.mappings, object_link)
		if (vma->flags & MAP_SHARED && vma->max_prot & PROT_WRITE)
			return true;
	return memfd->begun;
}

long memfd_add_seals(struct file *file, uint64_t seals)
{
	struct vnode *vnode = file->vnode;
	struct memfd *memfd;
	int error = 0;

	if (seals >> 32)
		return -EINVAL;
	if (!(file->rights & FILE_RIGHT_WRITE))
		return -EPERM;
	if (seals & ~(uint64_t)ALL_SEALS)
		return -EINVAL;
	if (!memfd_is(vnode))
		return memfd_get_seals(file) < 0 ? -EINVAL : -EPERM;
	memfd = memfd_of(vnode);
	if (mutex_lock_killable(&vnode->write_lock))
		return -EINTR;
	mutex_lock(&vnode->object.lock);
	if (memfd->seals & F_SEAL_SEAL)
		error = -EPERM;
	else if (seals & F_SEAL_WRITE && !(memfd->seals & F_SEAL_WRITE) && is_mapped_for_writing(memfd))
		error = -EBUSY;
	else
		memfd->seals |= seals;
	mutex_unlock(&vnode->object.lock);
	mutex_unlock(&vnode->write_lock);
	return error;
}

long memfd_get_seals(struct file *file)
{
	struct vnode *vnode = file->vnode;

	if (memfd_is(vnode))
		return atomic_load_relaxed(&memfd_of(vnode)->seals);
	/* Files of a tmpfs have the seal against seals. */
	return vnode && vnode->type == S_IFREG && vnode->fs->flags & FS_PAGES_ARE_DATA ? F_SEAL_SEAL : -EINVAL;
}

struct file *memfd_create_file(const char *name, int *error)
{
	char text[ROUND_UP(sizeof(prefix) + MEMFD_NAME_MAX, 8)] __attribute__((aligned(8)));

	snprintf(text, sizeof(text), "%s%s", prefix, name);
	return make_file(text, 0, error);
}

int memfd_seal(struct file *file)
{
	return memfd_add_seals(file, ALL_SEALS);
}

int memfd_check_allocate(struct vnode *vnode, int mode, uint64_t offset, uint64_t len)
{
	uint32_t seals = memfd_is(vnode) ? memfd_of(vnode)->seals : 0;

	if (mode & FALLOC_FL_PUNCH_HOLE)
		return seals & NO_WRITES ? -EPERM : 0;
	return seals & F_SEAL_GROW && offset + len > atomic_load(&vnode->object.size) ? -EPERM : 0;
}
