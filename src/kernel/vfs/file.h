/* SPDX-License-Identifier: MIT */
/* Open files and descriptor tables. A `struct file` is one open file description, shared by dup, fork and SCM_RIGHTS. */
#pragma once

#include "block/block_cache.h"
#include "lib/atomic.h"
#include "mm/uio.h"
#include "process/signal.h"
#include "sync/mutex.h"
#include "vfs/path.h"
#include "vfs/fs.h"

struct file;
struct vnode;
struct vm_object;
struct poll_table;
struct epoll_item;
struct proc_text;
struct handle_info;

struct file_ops {
	/*
	 * Move bytes at *@pos and advance it (streams ignore it); the caller holds pos_lock for file->pos if others may use the file. Count, 0 at the
	 * end, negative errno; -EAGAIN with O_NONBLOCK; -ERESTARTSYS when interrupted.
	 */
	ssize_t (*read)(struct file *file, struct uio *uio, uint64_t *pos);
	ssize_t (*write)(struct file *file, struct uio *uio, uint64_t *pos);
	/*
	 * The same for read(2) and write(2) of a stream, without the uio: @len is at least 1, the range lies in user space. NULL: the general ones are used.
	 */
	ssize_t (*read_user)(struct file *file, uaddr_t to, size_t len);
	ssize_t (*write_user)(struct file *file, uaddr_t from, size_t len);
	/* Takes pos_lock itself. NULL: a stream, lseek gives -ESPIPE. */
	int64_t (*seek)(struct file *file, int64_t offset, int whence);
	/*
	 * EPOLLIN… mask that is ready now; registers with poll_wait(). NULL: always readable and writable. May sleep for a short while only. May be called
	 * when the last reference is gone already, but never after release.
	 */
	unsigned (*poll)(struct file *file, struct poll_table *table);
	long (*ioctl)(struct file *file, unsigned request, uint64_t argument);	/* NULL: -ENOTTY */
	/*
	 * The object that mmap maps, with a reference; NULL op: -ENODEV. @offset and @len in bytes. Returns a negative errno, or 0 with PROT_* bits
	 * that the mapping must never get and FILE_MMAP_BEGUN if mapped() is to be called once the mapping has been made or has failed.
	 */
	int (*mmap)(struct file *file, uint64_t offset, uint64_t len, unsigned prot, unsigned flags, struct vm_object **object);
	void (*mapped)(struct file *file);
	int (*readdir)(struct file *file, fs_readdir_emit *emit, void *context);
	int (*fsync)(struct file *file, bool data_only);
	int (*truncate)(struct file *file, uint64_t size);
	/* A descriptor was closed (not the last one): for POSIX locks and tty. May be NULL. */
	void (*flush)(struct file *file);
#ifdef UNIX_SOCKETS
	/*
	 * A reference is going to be put. What this says goes to unix_after_put() (net/net.h) afterwards, when the file may be gone.
	 * NULL for all but local sockets, which may refer to themselves by way of others. Who has it has flush, too: other files are closed in fewer steps.
	 */
	uint64_t (*before_put)(const struct file *file);
#endif
	/* The last reference is gone. May sleep. */
	void (*release)(struct file *file);
	/* Text for readlink of /proc/PID/fd/N when there is no path ("pipe:[12]"). May be NULL. */
	void (*describe)(struct file *file, char *buf, size_t size);
	/* More lines for /proc/PID/fdinfo/N. May be NULL. */
	void (*show_info)(struct file *file, struct proc_text *text);
	/* fstat of a file without a vnode. NULL: a nameless file of mode 0600. */
	int (*getattr)(struct file *file, struct fs_attr *attr);
	/* A native handle's kind and object; its rights are file->rights. NULL: an open file of POSIX. Does not sleep. */
	void (*info)(struct file *file, struct handle_info *info);
	/*
	 * A new open file (one reference) on the same native object with @rights, of which @file has every one. @badge: what the object says of the new
	 * handle to others; 0: what it says of @file; -EINVAL where there are none. 0 or a negative errno. NULL: not a native handle.
	 */
	int (*dup_rights)(struct file *file, uint32_t rights, uint64_t badge, struct file **out);
};

enum { FILE_MMAP_BEGUN = 1 << 16 };

struct file {
	struct refcount refs;
	const struct file_ops *ops;
	uint32_t flags;			/* O_* of open and F_SETFL; atomic */
	uint32_t rights;		/* FILE_RIGHT_*; only ever shrink */
	struct mutex pos_lock;		/* guards pos for seekable files */
	uint64_t pos;
	struct path path;		/* referenced; {NULL, NULL} for files that have no place in any file system */
	struct vnode *vnode;		/* path's; NULL without path */
	void *private;
	/* These four are set up by one instruction. */
	bool writer;			/* set once: counted in vnode->writers */
	bool atime_done;		/* a hint: this open file has had its look at atime */
	uint16_t owner_signal;		/* F_SETSIG; atomic */
	int owner;			/* F_SETOWN: a target of signal_send_for(), 0: nobody; atomic, written under epoll_nest_lock */
	/*
	 * Set once, by the first read: reads of this file are no more than copies out of these pages (regular_file.c), which the calls may do themselves.
	 */
	struct vm_object *readable;
	struct epoll_item *watches;	/* who watches it by epoll (epoll.h) */
	/* If it is a writer, of a file system with fs->data: the errors of writing back that fsync has told. */
	struct block_error_mark disk_errors;
	uint64_t page_errors;
	struct signal_sender owner_setter;	/* valid while there is an owner, which is 0 while this changes */
};

enum file_rights { FILE_RIGHT_READ = 1 << 0, FILE_RIGHT_WRITE = 1 << 1, FILE_RIGHT_PATH_ONLY = 1 << 2 /* O_PATH */ };

/* A file without a path (pipe, socket, pidfd). One reference. NULL when out of memory. */
struct file *file_create(const struct file_ops *ops, uint32_t flags, void *private);
/* open(2) inside the kernel: a referenced file or a negative errno in *error. */
struct file *file_open(int dir_fd, const char *name, int flags, unsigned mode, int *error);
bool file_forbids_execution(const struct file *file);	/* it is on a mount with MS_NOEXEC */
/* A seek op for texts that are made when they are read: to any place but by their end. */
int64_t file_seek_anywhere(struct file *file, int64_t offset, int whence);
/* fstat's answer. May sleep. */
int file_getattr(struct file *file, struct fs_attr *attr);
void file_get(struct file *file);
void file_put(struct file *file);	/* may sleep */
ssize_t file_read_kernel(struct file *file, void *buf, size_t len, uint64_t pos);	/* pread into a kernel buffer */
ssize_t file_write_kernel(struct file *file, const void *buf, size_t len, uint64_t *pos);

/* Descriptor tables (CLONE_FILES shares one). */
struct fd_table;
struct fd_table *fd_table_create(void);
/* Another table with the same files; for @fork without those that are close-on-fork. NULL when out of memory. */
struct fd_table *fd_table_copy(struct fd_table *table, bool fork);
void fd_table_get(struct fd_table *table);
void fd_table_put(struct fd_table *table);
void fd_table_close_on_exec(struct fd_table *table);

/* The calling process's descriptors. fd_get returns a referenced file or NULL (EBADF). */
struct file *fd_get(int fd);
struct file *fd_get_from(struct fd_table *table, int fd);	/* for procfs */
struct file *fd_get_from_with_flags(struct fd_table *table, int fd, unsigned *flags);	/* FD_CLOEXEC, FD_CLOFORK */
int fd_next_open(struct fd_table *table, int from);		/* lowest open fd >= from, or -1: for procfs */
/* Lowest free descriptor >= @from for @file (takes over the caller's reference on success). -EMFILE, -ENOMEM. */
int fd_install(struct file *file, int from, bool close_on_exec);
/* The same for a native handle: the lowest descriptor, close-on-exec and close-on-fork. */
int fd_install_handle(struct file *file);
long fd_close(int fd);
void fd_close_file(int fd, const struct file *file);	/* if it is @file's still */

/* Character devices: a driver registers its numbers; opening a node with one calls open(), which sets file->ops and file->private. */
struct char_device {
	unsigned major, minor, minor_count;
	const char *name;		/* of the node in devfs; with minor_count > 1 the minor's distance from @minor is appended */
	uint32_t mode;			/* permission bits in devfs */
	uint64_t size;			/* st_size of the node in devfs; 0 for most */
	uint64_t needs;			/* capabilities to open it, beside those for files; 0 for most */
	const struct file_ops *ops;
	int (*open)(struct char_device *device, unsigned minor, struct file *file);	/* may be NULL */
	void *context;
	struct list link;
};
int char_device_register(struct char_device *device);	/* it also appears in devfs under @name (which may hold one '/') */
int char_device_open(uint64_t rdev, struct file *file);	/* -ENXIO when nobody has it */
struct char_device *char_device_next(struct char_device *previous);	/* for devfs */

static inline uint64_t make_dev(unsigned major, unsigned minor)
{
	return (minor & 0xff) | (uint64_t)(major & 0xfff) << 8 | (uint64_t)(minor & ~0xffu) << 12;
}
static inline unsigned dev_major(uint64_t dev) { return dev >> 8 & 0xfff; }
static inline unsigned dev_minor(uint64_t dev) { return (dev & 0xff) | (dev >> 12 & 0xffffff00); }
