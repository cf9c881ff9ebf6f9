/* SPDX-License-Identifier: MIT */
/* The life of a struct file, and reading and writing files from inside the kernel. */
#include "vfs/file_life.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/heap.h"
#include "net/net.h"
#include "vfs/dentry.h"
#include "vfs/epoll.h"
#include "vfs/lock.h"
#include "vfs/mount_tree.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>

struct slab_cache *file_slab;
size_t files_open;

void file_init(void)
{
	file_slab = slab_cache_create("file", sizeof(struct file), 64);
	if (!file_slab)
		panic("vfs: no memory for open files");
}

size_t file_count(void) { return atomic_load_relaxed(&files_open); }

struct file *file_create(const struct file_ops *ops, uint32_t flags, void *private)
{
	struct file *file = file_alloc(ops, flags);

	if (file)
		file->private = private;
	return file;
}

struct file *file_create_at(const struct file_ops *ops, uint32_t flags, const struct path *path)
{
	struct file *file = file_alloc(ops, flags);
	struct path unused = *path;

	if (!file) {
		path_put(&unused);
		return NULL;
	}
	file->path = *path;
	file->vnode = path->dentry->vnode;
	return file;
}

void file_get(struct file *file)
{
	refcount_get(&file->refs);
}

static __attribute__((noinline)) void file_end(struct file *file)
{
	if (file->vnode && atomic_load_relaxed(&file->vnode->locks))
		file_locks_release_file(file);
	inotify_closed(file);
	if (file->watches)
		epoll_forget(file);
	if (file->ops->release)
		file->ops->release(file);
}

/* The last reference is gone. */
static inline void file_free(struct file *file)
{
	if (unlikely(file->ops->release || !file->vnode || vnode_cares_for_ends(file->vnode)))
		file_end(file);
	if (file->writer) {
		vnode_end_write(file->vnode);
		mount_end_write(file->path.mount);
	}
	if (likely(file->path.dentry)) {
		dentry_put(file->path.dentry);
		mount_put(file->path.mount);
	}
	slab_free(file_slab, file);
	atomic_sub(&files_open, 1);
}

static COLD __attribute__((noinline)) void put_counted(struct file *file)
{
	uint64_t said = unix_ask_before_put(file);

	if (refcount_put(&file->refs))
		file_free(file);
	unix_after_put(said);
}

void file_put(struct file *file)
{
	if (unlikely(unix_counts_puts(file)))
		put_counted(file);
	else if (refcount_put(&file->refs))
		file_free(file);
}

void file_descriptor_closed(struct file *file, struct fd_table *table)
{
	if (unlikely(file->vnode && atomic_load_relaxed(&file->vnode->locks) && !(file->rights & FILE_RIGHT_PATH_ONLY)))
		file_locks_release_owner(file->vnode, table);
	if (unlikely(file->ops->flush)) {
		file->ops->flush(file);
		if (unix_counts_puts(file)) {
			put_counted(file);
			return;
		}
	}
	if (likely(refcount_put(&file->refs)))
		file_free(file);
}

bool file_forbids_execution(const struct file *file)
{
	return file->path.mount && atomic_load_relaxed(&file->path.mount->flags) & MS_NOEXEC;
}

int64_t file_seek_anywhere(struct file *file, int64_t offset, int whence)
{
	int64_t result = -EINVAL;

	if (whence == SEEK_CUR && __builtin_add_overflow(offset, (int64_t)file->pos, &offset))
		offset = -1;
	if ((whence == SEEK_SET || whence == SEEK_CUR) && offset >= 0)
		file->pos = result = offset;
	return result;
}

ssize_t file_read_kernel(struct file *file, void *buf, size_t len, uint64_t pos)
{
	struct uio_segment segment;
	struct uio uio;
	size_t done = 0;
	ssize_t moved;

	if (!(file->rights & FILE_RIGHT_READ) || !file->ops->read)
		return -EBADF;
	while (done < len) {
		uio_init_kernel(&uio, &segment, (char *)buf + done, len - done);
		moved = file->ops->read(file, &uio, &pos);
		if (moved <= 0)
			return done ? (ssize_t)done : moved;
		done += moved;
	}
	return done;
}

ssize_t file_write_kernel(struct file *file, const void *buf, size_t len, uint64_t *pos)
{
	struct uio_segment segment;
	struct uio uio;

	if (!(file->rights & FILE_RIGHT_WRITE) || !file->ops->write)
		return -EBADF;
	uio_init_kernel(&uio, &segment, (void *)buf, len);
	return file->ops->write(file, &uio, pos);
}

struct file *file_open(int dir_fd, const char *name, int flags, unsigned mode, int *error)
{
	return file_open_name(dir_fd, 0, name, flags, mode, error);
}

