/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: names of places that are not paths of the caller. */
#pragma once

#include "vfs/vnode.h"
#include "vfs/path.h"

/* A name by which @vnode is reachable, for /proc/PID/maps; "" if none. */
void vnode_to_string(struct vnode *vnode, char *buf, size_t size);
/* The caller's working directory as getcwd(2) tells it: "(unreachable)…" outside its root, -ENOENT when removed. Length without NUL. */
ssize_t path_cwd_to_string(char *buf, size_t size);
/* Where a mount point lies as the caller sees it; -ENOENT when outside its root. */
ssize_t path_to_string_if_reachable(const struct path *path, char *buf, size_t size);
