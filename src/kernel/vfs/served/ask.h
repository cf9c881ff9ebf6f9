/* SPDX-License-Identifier: MIT */
/* Inside served/: asking the server, and the operations that change something. */
#pragma once

#include "ipc/kernel_call.h"
#include "vfs/served/answers.h"
#include "vfs/served/served_mount.h"

static inline struct fs_inode inode_of(struct fs_node_id node)
{
	return (struct fs_inode){ .id = node.id, .generation = node.generation };
}

/* Sends the first @length bytes that lie in @call as a request of @type. Returns what kernel_call() does, and counts. -EROFS: it is too late for a change. */
long served_send(struct served *served, struct kernel_call *call, uint32_t type, unsigned length);
/* The same for the @length bytes at @request. */
long served_ask(struct served *served, struct kernel_call *call, uint32_t type, const void *request, unsigned length);
/* @result was made of an answer of @length bytes: counts those that were wrong. Ends @call, and returns @result. */
int served_done(struct served *served, struct kernel_call *call, long length, int result);

extern const struct fs_ops served_ops;
int served_drain(struct fs *fs);	/* as of fs_ops */
/* mount.c: nobody uses it any more. */
void served_unmount(struct fs *fs);

/* changes.c: as in struct fs_ops. */
int served_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out);
int served_create(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out);
int served_mkdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out);
int served_symlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const char *target, size_t target_len, const struct fs_attr *in,
		   struct fs_attr *out);
int served_link(struct fs *fs, struct fs_node_id node, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int served_unlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int served_rmdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int served_rename(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir, const char *to, size_t to_len,
		  unsigned flags, struct fs_replaced *replaced);
void served_release(struct fs *fs, struct fs_node_id node);
int served_sync(struct fs *fs);
int served_remount(struct fs *fs, bool read_only);
/* The totals are written into the superblock, with @clean for the last time, and the mount's error mark hears of what is not on the disk. */
int served_sync_as(struct served *served, bool clean);
int served_start(struct served *served);
