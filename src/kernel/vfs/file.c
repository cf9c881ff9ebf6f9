/* SPDX-License-Identifier: MIT */
/* The life of a struct file, and reading and writing files from inside the kernel. */
#include "vfs/file_life.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/heap.h"
#include "vfs/dentry.h"
#include "vfs/lock.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>

static struct slab_cache *file_slab;
static size_t files;	/* atomic */

void file_init(void)
{
	file_slab = slab_cache_create("file", sizeof(struct file), 64);
	if (!file_slab)
		panic("vfs: no memory for open files");
}

size_t file_count(void) { return atomic_load_relaxed(&files); }

static uint32_t rights_of(uint32_t flags)
{
	if (flags & O_PATH)
		return FILE_RIGHT_PATH_ONLY;
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return FILE_RIGHT_READ;
	case O_WRONLY:
		return FILE_RIGHT_WRITE;
	case O_RDWR:
		return FILE_RIGHT_READ | FILE_RIGHT_WRITE;
	}
	return 0;	/* access mode 3: only for ioctl */
}

static struct file *file_alloc(const struct file_ops *ops, uint32_t flags)
{
	struct file *file = slab_alloc(file_slab);

	if (!file)
		return NULL;
	refcount_init(&file->refs, 1);
	file->ops = ops;
	file->flags = flags;
	file->rights = rights_of(flags);
	mutex_init(&file->pos_lock);
	file->pos = 0;
	file->path = (struct path){ NULL, NULL };
	file->vnode = NULL;
	file->private = NULL;
	file->writer = file->atime_done = false;
	file->readable = NULL;
	file->owner = file->owner_signal = 0;
	atomic_add(&files, 1);
	return file;
}

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

void file_put(struct file *file)
{
	if (!refcount_put(&file->refs))
		return;
	if (file->vnode && atomic_load_relaxed(&file->vnode->locks))
		file_locks_release_file(file);
	if (file->ops->release)
		file->ops->release(file);
	if (file->writer)
		vnode_end_write(file->vnode);
	if (file->path.dentry)
		path_put(&file->path);
	slab_free(file_slab, file);
	atomic_sub(&files, 1);
}

void file_descriptor_closed(struct file *file, struct fd_table *table)
{
	if (file->vnode && atomic_load_relaxed(&file->vnode->locks) && !(file->rights & FILE_RIGHT_PATH_ONLY))
		file_locks_release_owner(file->vnode, table);
	if (file->ops->flush)
		file->ops->flush(file);
	file_put(file);
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

