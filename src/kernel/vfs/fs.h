/* SPDX-License-Identifier: MIT */
/*
 * What a file system answers. The operations have the shape of the later fs.def protocol: they name inodes by (id, generation), carry no kernel
 * objects, may sleep, and are called with no VFS lock held. File systems in the kernel (the ext2 bootstrap reader, tmpfs, devfs, procfs,
 * devpts) implement them directly; a proxy for user-space servers will implement the same structure.
 *
 * A file system does its own locking. Names are not NUL-terminated, never empty, never "." or "..", have no '/', at most 255 bytes.
 * All return 0 (or a count) or a negative errno.
 */
#pragma once

#include "lib/types.h"
#include "lib/list.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "sync/mutex.h"

struct fs;
struct vnode;
struct file;
struct path;
struct fs_worker;
struct file_data_ops;

struct fs_node_id { uint64_t id; uint64_t generation; };

/* An inode's attributes. Times are ns since 1970. */
struct fs_attr {
	struct fs_node_id node;
	uint32_t mode;		/* type and permission bits as in st_mode */
	uint32_t links;
	uint32_t uid, gid;
	uint64_t rdev;		/* Linux's encoded dev_t for device nodes */
	uint64_t size;		/* bytes */
	uint64_t blocks;	/* of 512 bytes */
	int64_t atime, mtime, ctime, btime;
};

enum fs_setattr_mask { FS_SET_MODE = 1, FS_SET_UID = 2, FS_SET_GID = 4, FS_SET_SIZE = 8, FS_SET_ATIME = 16, FS_SET_MTIME = 32, FS_SET_CTIME = 64 };

struct fs_dirent {
	uint64_t id;
	uint64_t next;		/* cookie of the entry after this one: where the next batch continues */
	uint8_t type;		/* DT_* */
	uint8_t name_len;
	char name[255];
};

/* Takes one entry; returns false when the batch is full (that entry is then not consumed). The entry is as before when it returns. */
typedef bool fs_readdir_emit(void *context, struct fs_dirent *entry);

struct fs_statfs { uint64_t type, block_size, blocks, blocks_free, blocks_available, files, files_free, name_max, fs_id; };

/*
 * What a rename took a name from, and how many it still has. node.id 0: nothing. Before an FS_RENAME_WHITEOUT: the node, without a name, that is to get the old
 * one; if it does not, it ends.
 */
struct fs_replaced { struct fs_node_id node; uint32_t links; };

enum fs_rename_flags { FS_RENAME_NOREPLACE = 1, FS_RENAME_EXCHANGE = 2, FS_RENAME_WHITEOUT = 4 /* only where there is make_unnamed */ };

enum fs_flags {
	FS_FILLS_PAGES = 1 << 0,	/* data comes by fill_page, not from block extents */
	FS_READ_ONLY = 1 << 1,
	FS_VOLATILE = 1 << 2,		/* attributes and entries change by themselves (procfs, devpts): nothing is cached */
	FS_PAGES_ARE_DATA = 1 << 3,	/* changed pages are the only copy (tmpfs): they and their vnodes stay while linked; clean ones can be filled again */
	FS_MADE_READ_ONLY = 1 << 4,	/* FS_READ_ONLY came from a remount and may go by one */
	FS_SERVED = 1 << 5,		/* a server answers, perhaps never: what nobody waits for is asked by a thread of the file system (worker.h) */
	FS_BYTES_BELOW = 1 << 7,	/* with FS_PAGES_ARE_DATA: files may begin with bytes of a lower file system, up to vnode->fill_limit */
	FS_KEEPS_TIMES = 1 << 6,	/* sets times itself when names change: a directory's, and ctime of what has the names */
};

struct fs_ops {
	int (*lookup)(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
	int (*getattr)(struct fs *fs, struct fs_node_id node, struct fs_attr *out);
	int (*setattr)(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out);
	/* Makes a regular file, FIFO, socket or device node; @in->ctime, unless 0, is the time. */
	int (*create)(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out);
	/* Makes a regular file that has no name, with 0 links, until its last user lets go of it. @in->links 1: link may give it one before. May be NULL. */
	int (*make_unnamed)(struct fs *fs, const struct fs_attr *in, struct fs_attr *out);
	int (*mkdir)(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out);
	int (*symlink)(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const char *target, size_t target_len,
		       const struct fs_attr *in, struct fs_attr *out);
	int (*link)(struct fs *fs, struct fs_node_id node, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
	/*
	 * out: the removed node, its links after removal (may be 0) and its ctime, no more. The node lives on until release; but if it is @out->node.id
	 * of before the call (0: none), which nobody uses, it may end with its last name, which returns FS_NODE_ENDED.
	 */
	int (*unlink)(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
	int (*rmdir)(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
	/* @replaced: what the new name led to. It lives on until release. */
	int (*rename)(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir, const char *to,
		      size_t to_len, unsigned flags, struct fs_replaced *replaced);
	int (*readlink)(struct fs *fs, struct fs_node_id node, char *buf, size_t size);	/* returns the length */
	/* Entries from @cookie (0: the start) without "." and "..", which the VFS adds. Returns 0; the end is when nothing more is emitted. */
	int (*readdir)(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context);
	/* Fills the cleared page with bytes [index * PAGE_SIZE, …) of the file. */
	int (*fill_page)(struct fs *fs, struct fs_node_id node, uint64_t index, void *page);
	/*
	 * FS_PAGES_ARE_DATA: @pages more (negative: fewer) of page caches hold changed data of this file system. -ENOSPC when it is full. Takes no
	 * lock and does not sleep. May be NULL.
	 */
	int (*charge)(struct fs *fs, int64_t pages);
	/*
	 * Nobody uses the node any more: the VFS has dropped its vnode. With links == 0 the file system frees it. FS_SERVED: called only for nodes without
	 * names, as far as is known; by the file system's worker, if anybody used the node.
	 */
	void (*release)(struct fs *fs, struct fs_node_id node);
	int (*sync)(struct fs *fs);
	int (*statfs)(struct fs *fs, struct fs_statfs *out);
	/* By a remount it may be changed again, or nobody changes it any more (then everything was told to it). 0 or negative errno. May be NULL. */
	int (*remount)(struct fs *fs, bool read_only);
	/* What a remount says beside flags. 0 or -EINVAL. May be NULL: that is of no interest. */
	int (*reconfigure)(struct fs *fs, const char *data);
	/* With remount: FS_READ_ONLY was set just now. Waits for the changes that have begun before; new ones are refused. 0 or -EINTR (killed). */
	int (*drain)(struct fs *fs);
	void (*unmount)(struct fs *fs);		/* nobody uses it any more; frees @fs. FS_SERVED: by the worker, which has told everything */

	/*
	 * Only for file systems inside the kernel whose files are not plain bytes (procfs, devpts): called at open; may set file->ops and file->private.
	 * May be NULL.
	 */
	int (*open)(struct fs *fs, struct fs_node_id node, struct file *file);
	/*
	 * Only inside the kernel: symlinks that lead straight to an object (/proc/PID/fd/N, exe, cwd). Returns 0 and a path with
	 * references for the caller, or -ENOENT: then readlink's text is walked. May be NULL.
	 */
	int (*follow)(struct fs *fs, struct fs_node_id node, struct path *path);
	/* Only for file systems that are mounted nowhere: how /proc names a mapped or running file. NULL: by its place. */
	void (*describe)(struct fs *fs, struct fs_node_id node, char *buf, size_t size);
};

struct fs {
	const struct fs_ops *ops;
	const struct file_data_ops *data;	/* of files that are blocks of a disk; NULL: data come by fill_page */
	const char *type;		/* "ext2", "tmpfs" … */
	unsigned flags;			/* enum fs_flags; those of read-only change by a remount */
	uint64_t dev;			/* st_dev; assigned by fs_register_instance */
	int64_t time_step;		/* ns between two times that it can keep; 0: each ns */
	struct fs_node_id root;
	void *private;			/* the file system's own state */
	struct refcount refs;		/* mounts and vnodes */
	struct fs_worker *worker;	/* FS_SERVED: since it was mounted first */
	struct mutex remount_lock;	/* around remounts, while the file system is told */
	struct list mounts;		/* the tree lock's (dentry.h): those that show it */
#ifdef INOTIFY
	struct list watches;		/* inotify's lock: of its nodes */
#endif
	struct list mounted_link;	/* the tree lock's: in the list of file systems that have mounts */
};

enum { FS_NODE_ENDED = 1 };	/* of unlink */

/* After this error the file system may have made a change all the same: it gave no answer, or none that makes sense. */
static inline bool fs_change_is_unsure(int error)
{
	return error == -EIO || error == -EINTR || error == -EUCLEAN;
}

/* A type that mount(2) knows. */
struct fs_type {
	const char *name;
	bool needs_device;		/* "nodev" in /proc/filesystems when false */
	/* @data: the mount options text, "" if none. Returns 0 and *fs. */
	int (*mount)(const char *source, const char *data, struct fs **fs);
	struct list link;
};
void fs_type_register(struct fs_type *type);
struct fs_type *fs_type_find(const char *name);
/* For /proc/filesystems. */
struct fs_type *fs_type_next(struct fs_type *previous);

/* Sets refs to 1 and gives the instance its device number. Every mount() calls it. */
void fs_register_instance(struct fs *fs);
