/* SPDX-License-Identifier: MIT */
/*
 * What regular files do in another way if their file system has fs->data: their data are blocks of a disk, their pages are written back (vfs/mapped/). The
 * part that is about pages are the vm_object_ops that vnode.c gives such files. All may sleep.
 */
#pragma once

#include "lib/types.h"

struct file;
struct vnode;
struct uio;

struct file_data_ops {
	/*
	 * write(2) of @len bytes (at least one) at @pos is to come; vnode->write_lock held until end_write, which is called if this succeeded. How many of them
	 * there is room for, or a negative errno: -ENOSPC, -EIO, -EINTR (killed).
	 */
	int64_t (*begin_write)(struct vnode *vnode, uint64_t pos, uint64_t len);
	/* The size is right, whatever was written. */
	void (*end_write)(struct vnode *vnode);
	/* Sets the size, in the file system, too; vnode->write_lock held. 0 or a negative errno: then it is as before. */
	int (*truncate)(struct vnode *vnode, uint64_t size);
	/* The first byte from @pos on that lies in a hole, or in none; @size, where the last hole begins. -ENXIO: there is none. lseek(2). */
	int64_t (*seek)(struct vnode *vnode, uint64_t pos, bool hole, uint64_t size);
	/* @file was opened for writing: from now on its fsync hears of errors. */
	void (*opened)(struct file *file);
	int (*fsync)(struct file *file, bool data_only);
	/* read(2) or write(2) with O_DIRECT, the latter with vnode->write_lock held. As file_ops.read, but for the position. */
	ssize_t (*direct_read)(struct file *file, struct uio *uio, uint64_t pos);
	ssize_t (*direct_write)(struct file *file, struct uio *uio, uint64_t pos);
	/* The vnode goes: its pages are gone already. vnode->map is not NULL. */
	void (*free)(struct vnode *vnode);
};
