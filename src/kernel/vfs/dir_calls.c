/* SPDX-License-Identifier: MIT */
/* Reading directories, and where a process stands: chdir, chroot, getcwd, umask. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/credentials.h"
#include "vfs/fd_table.h"
#include "vfs/fs_context.h"
#include "vfs/path_string.h"
#include "vfs/permission.h"
#include "vfs/watch.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { BATCH_MAX = 8192, RECORD_ALIGN = 8 };

/* The two record formats. The old one has the type in its last byte. */
struct record64 { uint64_t id; int64_t next; uint16_t len; uint8_t type; char name[]; } __attribute__((packed));
struct record_old { uint64_t id; uint64_t next; uint16_t len; char name[]; } __attribute__((packed));

/*
 * Entries gathered in the kernel: the file system may hold its own locks while it emits, so user memory (whose fault could need the same file system)
 * is written afterwards.
 */
struct batch {
	char *buf;
	size_t size, used;
	bool old_format;
	bool too_small;		/* not even one entry fitted */
};

static bool gather(void *context, struct fs_dirent *entry)
{
	struct batch *batch = context;
	size_t head = batch->old_format ? sizeof(struct record_old) : sizeof(struct record64);
	/* The name's NUL, and in the old format the type after it. */
	size_t len = ROUND_UP(head + entry->name_len + 1 + batch->old_format, RECORD_ALIGN);
	char *at = batch->buf + batch->used, *name = at + head;

	if (len > batch->size - batch->used) {
		batch->too_small = !batch->used;
		return false;
	}
	/* What follows the name: fewer bytes than that. */
	memset(at + len - 2 * RECORD_ALIGN, 0, 2 * RECORD_ALIGN);
	if (batch->old_format) {
		*(struct record_old *)at = (struct record_old){ .id = entry->id, .next = entry->next, .len = len };
		at[len - 1] = entry->type;
	} else {
		*(struct record64 *)at = (struct record64){ .id = entry->id, .next = entry->next, .len = len, .type = entry->type };
	}
	memcpy(name, entry->name, entry->name_len);
	batch->used += len;
	return true;
}

static long read_entries(struct file *file, uaddr_t buf, struct batch *batch)
{
	uint64_t start;
	long error;

	if (mutex_lock_killable(&file->pos_lock))
		return -EINTR;
	start = file->pos;
	error = file->ops->readdir(file, gather, batch);
	if (error != -ENOENT)
		inotify_file(file, IN_ACCESS);
	if (!error && batch->used && copy_to_user(buf, batch->buf, batch->used))
		error = -EFAULT;
	if (error)
		file->pos = start;
	mutex_unlock(&file->pos_lock);
	if (!error && batch->too_small)
		error = -EINVAL;
	return error ? error : (long)batch->used;
}

static long get_entries(int fd, uaddr_t buf, unsigned size, bool old_format)
{
	struct batch batch = { .size = MIN(size, (unsigned)BATCH_MAX), .old_format = old_format };
	struct fd_ref ref = fd_borrow_io(fd);
	long result = -ENOTDIR;

	if (!ref.file)
		return -EBADF;
	if (ref.file->ops->readdir) {
		batch.buf = kmalloc(MAX(batch.size, (size_t)RECORD_ALIGN));
		result = batch.buf ? read_entries(ref.file, buf, &batch) : -ENOMEM;
		kfree(batch.buf);
	}
	fd_release(ref);
	return result;
}

long sys_getdents(int fd, uaddr_t buf, unsigned size)
{
	return get_entries(fd, buf, size, true);
}

long sys_getdents64(int fd, uaddr_t buf, unsigned size)
{
	return get_entries(fd, buf, size, false);
}

/* May the caller stand in @path? */
static int check_enter(const struct path *path)
{
	struct vnode *vnode = path_vnode(path);

	if (vnode->type != S_IFDIR)
		return -ENOTDIR;
	return vnode_check_access(vnode, PERMIT_EXECUTE);
}

long sys_chdir(uaddr_t name)
{
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, PATH_DIRECTORY, &path);

	if (error)
		return error;
	error = check_enter(&path);
	if (error)
		path_put(&path);
	else
		fs_context_set_cwd(fs_context_current(), &path);
	return error;
}

long sys_fchdir(int fd)
{
	struct fd_ref ref = fd_borrow(fd);
	struct path path = { NULL, NULL };
	long error;

	if (!ref.file)
		return -EBADF;
	error = ref.file->vnode ? check_enter(&ref.file->path) : -ENOTDIR;
	if (!error) {
		path = ref.file->path;
		path_get(&path);
		fs_context_set_cwd(fs_context_current(), &path);
	}
	fd_release(ref);
	return error;
}

long sys_chroot(uaddr_t name)
{
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, PATH_DIRECTORY, &path);

	if (error)
		return error;
	error = check_enter(&path);
	if (!error && !credentials_is_root(credentials_current()))
		error = -EPERM;
	if (error)
		path_put(&path);
	else
		fs_context_set_root(fs_context_current(), &path);
	return error;
}

long sys_getcwd(uaddr_t buf, size_t size)
{
	char *text = kmalloc(PATH_MAX_LEN);
	ssize_t len;

	if (!text)
		return -ENOMEM;
	len = path_cwd_to_string(text, PATH_MAX_LEN);
	if (len >= 0) {
		len++;
		if ((size_t)len > size)
			len = -ERANGE;
		else if (copy_to_user(buf, text, len))
			len = -EFAULT;
	}
	kfree(text);
	return len;
}

long sys_umask(unsigned mask)
{
	return fs_context_set_umask(fs_context_current(), mask);
}
