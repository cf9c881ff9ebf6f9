/* SPDX-License-Identifier: MIT */
/* tmpfs's operations on names, also for file systems built on tmpfs (devfs). The contracts are those of struct fs_ops. */
#pragma once

#include "vfs/fs.h"

int tmpfs_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int tmpfs_make(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out);
int tmpfs_make_unnamed(struct fs *fs, const struct fs_attr *in, struct fs_attr *out);
int tmpfs_mkdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out);
int tmpfs_symlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const char *target, size_t target_len,
		  const struct fs_attr *in, struct fs_attr *out);
int tmpfs_link(struct fs *fs, struct fs_node_id node, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int tmpfs_unlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int tmpfs_rmdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out);
int tmpfs_readdir(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context);
int tmpfs_rename(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir, const char *to,
		 size_t to_len, unsigned flags, struct fs_replaced *replaced);

/* data.c */
int tmpfs_getattr(struct fs *fs, struct fs_node_id node, struct fs_attr *out);
int tmpfs_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out);
int tmpfs_readlink(struct fs *fs, struct fs_node_id node, char *buf, size_t size);
int tmpfs_fill_page(struct fs *fs, struct fs_node_id node, uint64_t index, void *page);
int tmpfs_charge(struct fs *fs, int64_t pages);
void tmpfs_release(struct fs *fs, struct fs_node_id node);
int tmpfs_statfs(struct fs *fs, struct fs_statfs *out);
