/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: names of places that are not paths of the caller. */
#pragma once

#include "vfs/vnode.h"
#include "vfs/path.h"

struct dentry;

/* A place at which @vnode is reachable, with references; -ENOENT if none. */
int vnode_get_path(struct vnode *vnode, struct path *path);
/* Its name, for /proc/PID/maps; "" if none. */
void vnode_to_string(struct vnode *vnode, char *buf, size_t size);
/* The caller's working directory as getcwd(2) tells it: "(unreachable)…" outside its root, -ENOENT when removed. Length without NUL. */
ssize_t path_cwd_to_string(char *buf, size_t size);
/* Where a mount point lies as seen from @root (referenced); -ENOENT when outside it. */
ssize_t path_to_string_from(const struct path *path, const struct path *root, char *buf, size_t size);
/* The name of @dentry within its file system. */
ssize_t dentry_to_string(const struct dentry *dentry, char *buf, size_t size);
